"""The page's modules: types, lint, and what of them is not DOM, in node."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TOOLS = ROOT / "tools" / "page"
INSTALLED = TOOLS / "node_modules" / ".bin"


def run(*command: str | Path) -> None:
    done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not INSTALLED.is_dir(), reason="tools/page is not installed: tools/test --prepare")
def test_types_and_lint() -> None:
    run(INSTALLED / "tsc", "-p", TOOLS)
    run(INSTALLED / "eslint", "-c", TOOLS / "eslint.config.js", "agent/jobs/web/static/js")


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
@pytest.mark.parametrize("file", sorted((ROOT / "tests" / "jobs" / "page").glob("*.mjs")), ids=lambda file: file.stem)
def test_modules_without_a_page(file: Path) -> None:
    run("node", "--test", file)


def test_measures_come_from_tokens() -> None:
    """At most six sizes of text, four of corners and seven of space, each named in css/tokens.css."""
    folder = ROOT / "agent" / "jobs" / "web" / "static" / "css"
    tokens = (folder / "tokens.css").read_text()
    for prefix, most in (("text", 6), ("round", 4), ("space", 7)):
        assert 0 < len(re.findall(rf"^ +--{prefix}-\w+:", tokens, re.M)) <= most
    for sheet in sorted(folder.glob("*.css")):
        for name, value in re.findall(
            r"^\s*(font-size|border-radius|gap|margin|padding)[\w-]*: ([^;]+);", sheet.read_text(), re.M
        ):
            for part in re.sub(r"var\(--[\w-]+\)", "", value).split():
                # Free beside the tokens: none, the parts of a measure that follows the screen or the text.
                assert not re.fullmatch(r"-?[\d.]+(px|rem|%)", part), f"{sheet.name}: {name}: {value}"
