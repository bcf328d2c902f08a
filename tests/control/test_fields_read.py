"""The page's scripts and LuCI's view read no field that no reply has: openapi.json is the table's replies and the web
job's own. A name behind a dot is one of these, or the scripts make it, or browsers have it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = sorted((ROOT / "agent" / "jobs" / "web" / "static" / "js").rglob("*.js"))
LUCI = sorted((ROOT / "packaging" / "openwrt" / "luci-app-privacy-agent" / "htdocs").rglob("*.js"))
BROWSER = ROOT / "tools" / "page" / "node_modules" / "typescript" / "lib"
ELSEWHERE = {
    "entered": "/me: agent/jobs/web/me.py adds it",
    "proven": "/me: agent/jobs/web/me.py adds it",
    "wait_s": "of a problem",
    "where": "a form's own",
    "bare": "a form's own",
    "fingerprint": "LuCI's plugin adds it to the code",
    **dict.fromkeys(("trustedTypes", "createPolicy"), "newer browsers"),
    **dict.fromkeys(("addNotification", "createHandlerFn", "hideModal", "renderSVG", "require"), "LuCI"),
}
NOT_CODE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|(?<=[(=,:])\s*/(?:\\.|[^/\\\n])+/""", re.S
)
TEMPLATE = re.compile(r"`[^`]*`")
READ = re.compile(r"(?<![.\d])\.([A-Za-z_]\w*)")
TAKEN = re.compile(r"\b(?:const|let)\s+\{([^{}]*)\}\s*=")
MADE = (
    re.compile(r"[{,(\s]([A-Za-z_]\w*)\s*:(?!:)"),
    re.compile(r"\.([A-Za-z_]\w*)\s*[-+|&?]{0,2}=(?![=>])"),
    re.compile(r"\b(?:const|let|function|class|get|async|static)\s+([A-Za-z_]\w*)"),
    re.compile(r"^\s+([A-Za-z_]\w*)\([^()]*\) \{", re.M),
)


def replied(value: object) -> Iterator[str]:
    """The properties of everything in a description."""
    if isinstance(value, dict):
        yield from value.get("properties") or ()
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from replied(one)


def code_of(text: str) -> str:
    """Without comments, texts and patterns; what stands in a template's braces stays."""
    return NOT_CODE.sub(" ", TEMPLATE.sub(lambda found: " ".join(re.findall(r"\$\{([^}]*)\}", found[0])), text))


def made_in(code: str) -> set[str]:
    """What a script makes itself: keys, variables, methods and what it assigns."""
    return {name for way in MADE for name in way.findall(code)}


def read_in(code: str) -> set[str]:
    """The names behind a dot, and those taken out of an object."""
    taken = [
        part.partition(":")[0].partition("=")[0].strip() for found in TAKEN.findall(code) for part in found.split(",")
    ]
    return {*READ.findall(code), *(name for name in taken if name and not name.startswith("..."))}


def of_browsers() -> set[str]:
    declared = re.compile(
        r"^\s+(?:readonly |get |set )?([A-Za-z_]\w*)\??[(:<]|\b(?:var|interface|namespace) (\w+)", re.M
    )
    return {one or other for file in BROWSER.glob("lib.*.d.ts") for one, other in declared.findall(file.read_text())}


@pytest.fixture(scope="module")
def known() -> set[str]:
    if not BROWSER.is_dir():
        pytest.skip("tools/page is not installed: tools/test --prepare")
    described = json.loads((ROOT / "agent" / "jobs" / "web" / "openapi.json").read_text())
    return {*replied(described), *of_browsers(), *ELSEWHERE}


def unknown(files: list[str], known: set[str]) -> set[str]:
    codes = [code_of(text) for text in files]
    return {name for code in codes for name in read_in(code)} - known - {n for code in codes for n in made_in(code)}


@pytest.mark.parametrize("files", [PAGE, LUCI], ids=["page", "luci"])
def test_each_field_that_is_read_is_in_a_reply(files: list[Path], known: set[str]) -> None:
    assert files and unknown([file.read_text() for file in files], known) == set()


@pytest.mark.parametrize(
    ("files", "right", "wrong"),
    [
        (PAGE, "device.never_off", "device.nver_off"),
        (PAGE, "reply.finished_at", "reply.finishd_at"),
        (PAGE, "const { hosts, site } = visit", "const { site, hsots } = visit"),
        (PAGE, "${one.blocked}", "${one.blockt}"),
        (LUCI, "status.devices_on", "status.devices_onn"),
    ],
)
def test_a_misspelt_field_is_found(files: list[Path], right: str, wrong: str, known: set[str]) -> None:
    texts = [file.read_text() for file in files]
    quoted = "`%s`" if right.startswith("$") else "%s"
    assert unknown([*texts, quoted % right], known) == set()
    assert unknown([*texts, quoted % wrong], known) == set(re.findall(r"\w+", wrong)) - set(re.findall(r"\w+", right))
