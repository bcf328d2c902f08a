"""Wrong lines of real kinds among good ones: each costs itself, and a look-up stays as quick as it was."""

import time
from pathlib import Path

import pytest

from agent.core.names import PublicSuffixes, compile_suffixes
from agent.core.ruleset import Ruleset
from agent.jobs.compile import CompileResult, Source, compile_lists
from agent.jobs.guarded import read_guarded
from tests.world.rulesets import opened

TABLES = Path(__file__).parents[2] / "blocklists"
GUARDED = read_guarded(
    *[str(TABLES / name) for name in ("shared-hosts.txt", "needed-hosts.txt", "popular.txt")], [b"lists.example"]
)
PUBLIC = PublicSuffixes(compile_suffixes(["com", "org", "github.io"]))
GOOD = [f"good{number}.example" for number in range(400)]
NEEDED = [
    "github.com",
    "www.paypal.com",
    "cdn.discordapp.com",
    "1drv.ms",
    "aka.ms",
    "pool.ntp.org",
    "captive.apple.com",
]
NEEDED += [
    "downloads.openwrt.org",
    "ocsp.digicert.com",
    "mtalk.google.com",
    "lists.example",
    "detectportal.firefox.com",
]
FORMS = {
    "domains": "{}",
    "hosts": "0.0.0.0 {}",
    "adblock": "||{}^",
    "dnsmasq": "address=/{}/0.0.0.0",
    "unbound": 'local-zone: "{}" always_nxdomain',
    "bind": 'zone "{}" {{ type master; file "none"; }};',
    "tpl": "-d {}",
    "rpz": "{} CNAME .",
    "urls": "https://{}/",
}


def compiled(folder: Path, syntax: str, lines: list[str]) -> tuple[Ruleset, CompileResult]:
    (folder / "list").write_text("\n".join(lines) + "\n")
    source = Source(str(folder / "list"), "one", syntax=syntax)
    report = compile_lists([source], str(folder / "set"), public_suffixes=PUBLIC, guarded=GUARDED)
    return opened(folder / "set"), report


def blocked(ruleset: Ruleset, name: str) -> bool:
    verdict = ruleset.decide(name.encode())
    return verdict is not None and verdict.blocked


@pytest.mark.parametrize("syntax", FORMS)
def test_what_everybody_needs_is_left_out_and_named(tmp_path: Path, syntax: str) -> None:
    found, report = compiled(tmp_path, syntax, [FORMS[syntax].format(name) for name in GOOD + NEEDED])
    assert [name for name in NEEDED if blocked(found, name)] == []
    assert all(blocked(found, name) for name in GOOD)
    named = sorted(name for names in report.lists[0].left_out.values() for name in names)
    assert named == sorted(NEEDED) and report.lists[0].guarded == len(NEEDED)
    assert any("a time server" in why and "pool.ntp.org" in why for why in report.lists[0].skipped)


@pytest.mark.parametrize(
    "line",
    [
        "||github.io^",
        "||com^",
        "||org",
        "*.github.io",
        "||ntp.org^$important",
        "||*apple.com^",
        "||ntp.org^$denyallow=a.ntp.org",
    ],
)
def test_from_above_and_by_pattern(tmp_path: Path, line: str) -> None:
    found, report = compiled(tmp_path, "adblock", [f"||{name}^" for name in GOOD] + [line, "||*bad.shop.example^"])
    assert not [name for name in [*NEEDED, "me.github.io", "a.com", "a.org"] if blocked(found, name)]
    assert report.lists[0].guarded == 1 and blocked(found, "good1.example") and blocked(found, "toobad.shop.example")


def test_many_conditions_of_one_key_are_bounded(tmp_path: Path) -> None:
    lines = [f"||*zq{number}x*y{number}.com^" for number in range(20000)] + [f"||{name}^" for name in GOOD]
    found, report = compiled(tmp_path, "adblock", lines)
    start = time.process_time()
    for _ in range(20):
        assert not blocked(found, "www.wikipedia.com")
    assert (time.process_time() - start) / 20 < 0.1
    assert blocked(found, "azq5xy5.com") and sum(report.lists[0].skipped.values()) == 20000 - 64


def test_damage_in_the_body_costs_what_it_hit(tmp_path: Path) -> None:
    lines = [f"||shop{number}.example^$dnstype=A" for number in range(50)] + [f"||{name}^" for name in GOOD]
    found, _ = compiled(tmp_path, "adblock", lines)
    found.close()
    data = bytearray((tmp_path / "set").read_bytes())
    data[data.find(b'["shop7.example"')] = 0x7B
    (tmp_path / "set").write_bytes(data)
    found = opened(tmp_path / "set")
    assert found.decide(b"shop7.example", 1) is None and found.damaged
    verdict = found.decide(b"shop8.example", 1)
    assert verdict is not None and verdict.blocked and blocked(found, "good1.example")
