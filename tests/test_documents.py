"""What the documents name is there: files, links, sections, commands with their options; and they stay short."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from agent.cli.arguments import parser as command_line
from tests.pictures import make

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("tests", "tools", "packaging", "blocklists")
PAGES = [
    path
    for path in sorted(ROOT.glob("*.md")) + [path for name in FOLDERS for path in sorted((ROOT / name).rglob("*.md"))]
    if path.name != "CHANGELOG.md" and "node_modules" not in path.parts  # CHANGELOG tells of what was
]
WORDS_MAX = {"README.md": 1200, "ARCHITECTURE.md": 2500}
# A path in backquotes is a file or folder of the project when it begins like one.
OURS = re.compile(r"`((?:agent|tests|tools|packaging|blocklists|\.ci)/[\w./-]*)(?:::(\w+))?`")
PLACES = re.compile(r"(?<![\w/.-])(?:agent|tests|tools|packaging|blocklists)/[\w./-]*\.(?:py|md|txt|json|js)\b")
LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]*)?\)")


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def anchors(path: Path) -> set[str]:
    titles = re.findall(r"(?m)^#+ (.*)$", text(path))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def is_there(name: str, within: str) -> bool:
    """A file or folder; and what it defines, where a document says `FILE::NAME`."""
    path = ROOT / name
    if not path.exists() or not within:
        return path.exists()
    return bool(re.search(rf"(?m)^ *(?:def|class) {within}\b|^{within}\b.* = ", text(path)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_document_names_are_there(page: Path) -> None:
    missing = [name + "::" + within for name, within in OURS.findall(text(page)) if not is_there(name, within)]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for name, anchor in LINK.findall(text(page)):
        if name.startswith("https://"):
            continue
        target = (page.parent / name) if name else page
        assert target.exists(), name
        if anchor:
            assert anchor[1:] in anchors(target), name + anchor


@pytest.mark.parametrize("name", sorted(WORDS_MAX))
def test_it_stays_short(name: str) -> None:
    assert len(text(ROOT / name).split()) <= WORDS_MAX[name]


def sources() -> list[Path]:
    found = [path for folder in ("agent", "tests", "tools") for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if "node_modules" not in path.parts and path != Path(__file__).resolve()]


def test_what_the_code_cites_is_in_the_project() -> None:
    """A comment that names a document or a file names one that is there."""
    documents = {page.name for page in PAGES}
    documents.add("CHANGELOG.md")
    missing = []
    for path in sources():
        names = set(PLACES.findall(text(path)))
        missing += [(path.name, name) for name in sorted(names) if not (ROOT / name).exists()]
        beside = documents | {page.name for page in path.parent.glob("*.md")}
        missing += [(path.name, name) for name in re.findall(r"\b[A-Z-]{4,}\.md\b", text(path)) if name not in beside]
        missing += [(path.name, name) for name in re.findall(r"\b(?:DESIGN|PLAN|SPEC)\b(?!\w)", text(path))]
    assert missing == []


# The words that the product no longer uses (a file or command of that name may stand in backquotes).
OLD = re.compile(r"(?i)\b(refus\w+|enrol\w*|strangers?|prove it|ledger head|second factor|summar\w+)\b")
PLAIN = [page for page in PAGES if page.parent.name not in ("collector", "luci-app-privacy-agent")]


@pytest.mark.parametrize("page", PLAIN, ids=lambda page: str(page.relative_to(ROOT)))
def test_documents_use_the_products_words(page: Path) -> None:
    spoken = re.sub(r"(?s)`[^`]*`|(?m:^ {4,}.*$)", "", text(page))
    assert OLD.findall(spoken) == []


# Commands


def choices(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def options(parser: argparse.ArgumentParser) -> set[str]:
    return {word for action in parser._actions for word in action.option_strings}


def commands(page: Path) -> list[str]:
    """What stands in backquotes, or on an indented line, and begins with our command."""
    found = re.findall(r"`(privacy-agent [^`]*)`", text(page))
    return found + re.findall(r"(?m)^ {4,}(?:build/try/)?(privacy-agent .*)$", text(page))


def unknown(line: str) -> str:
    """The first word of a command line that the command does not know, or ""."""
    parser, known = command_line(), set()
    for word in shlex.split(line, comments=True)[1:]:
        known |= options(parser)
        if word.startswith("-"):
            if word.split("=")[0] not in known:
                return word
        elif choices(parser):
            if word not in choices(parser):
                return word
            parser = choices(parser)[word]
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_a_document_shows_are_there(page: Path) -> None:
    assert [line for line in commands(page) if unknown(line)] == []


def test_a_wrong_command_is_found() -> None:
    assert unknown('privacy-agent device add "Mia\'s tablet" --nothing') == "--nothing"
    assert unknown("privacy-agent nothing") == "nothing"


# Pictures

PICTURE_MAX = 40_000


def test_readme_has_two_commands_to_set_up_with() -> None:
    part = text(ROOT / "README.md").split("## Try it")[1].split("\n## ")[0]
    assert re.findall(r"(?m)^    (\S+)", part) == ["tools/try", "tools/test"]
    assert all((ROOT / name).exists() for name in ("tools/try", "tools/test"))


def test_pictures_are_there_and_small() -> None:
    folder = ROOT / "tests" / "pictures"
    assert sorted(path.name for path in folder.glob("*.png")) == make.names()
    for path in folder.glob("*.png"):
        assert path.stat().st_size <= PICTURE_MAX, path.name
    shown = re.findall(r'<img src="([^"]+)" width="\d+" alt="[^"]+">', text(ROOT / "README.md"))
    assert shown and all((ROOT / name).exists() for name in shown)
