"""What one list allows is its own affair: another's rules hold, unless the household has it otherwise."""

from pathlib import Path

import pytest

from agent.core.ruleset import Ruleset
from agent.jobs.compile import Source, compile_lists
from tests.world.rulesets import opened


def compiled(folder: Path, *texts: str, categories: tuple[str, ...] = ()) -> Ruleset:
    sources = []
    for number, text in enumerate(texts):
        path = folder / f"list{number}"
        path.write_text(text + f"\n||own{number}.example^\n")
        category = categories[number] if categories else ""
        sources.append(Source(str(path), f"list{number}", category=category, syntax="adblock"))
    compile_lists(sources, str(folder / "set"))
    return opened(folder / "set")


def blocks(ruleset: Ruleset, name: str, page: str = "") -> bool:
    verdict = ruleset.decide_page(name.encode(), page.encode()) if page else ruleset.decide(name.encode(), 1)
    return verdict is not None and verdict.blocked


UNDOING = [
    "@@||bad.example^",
    "@@||bad.example^$important",
    "||bad.example^$badfilter",
    "@@||example^$important",
    "@@||bad.example^$dnstype=A",
    "||bad.example^\n@@||bad.example^",
    "||example^\n@@||bad.example^",
]


@pytest.mark.parametrize("undoing", UNDOING)
@pytest.mark.parametrize("first", [True, False])
def test_a_list_undoes_only_its_own(tmp_path: Path, undoing: str, first: bool) -> None:
    texts = [undoing, "||bad.example^\n||bad.example/page"]
    found = compiled(tmp_path, *(texts if first else texts[::-1]))
    assert blocks(found, "bad.example")
    assert blocks(found, "sub.bad.example")
    assert blocks(found, "bad.example", "/page")


def test_badfilter_with_a_condition_is_of_its_list(tmp_path: Path) -> None:
    rule = "||bad.example^$dnstype=A"
    assert blocks(compiled(tmp_path, rule, rule + ",badfilter"), "bad.example")
    assert not blocks(compiled(tmp_path, rule + "\n" + rule + ",badfilter", "||x.example^"), "bad.example")


def test_in_its_own_list_an_exception_holds(tmp_path: Path) -> None:
    found = compiled(tmp_path, "||bad.example^\n@@||good.bad.example^", "||other.example^")
    assert blocks(found, "bad.example")
    assert not blocks(found, "good.bad.example")


@pytest.mark.parametrize("undoing", ["@@||bad.example^", "@@||bad.example^$important", "@@|bad.example^"])
def test_the_household_may_have_a_list_of_exceptions(tmp_path: Path, undoing: str) -> None:
    found = compiled(tmp_path, "||bad.example^\n||worse.example^", undoing, categories=("phishing", "allow"))
    assert not blocks(found, "bad.example")
    assert blocks(found, "worse.example")
