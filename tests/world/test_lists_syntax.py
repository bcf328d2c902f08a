"""Lines as lists have them, in the ways that their authors write: each blocks what it says, and no more."""

from pathlib import Path

import pytest

from agent.core.listrules import EXCEPTION, TRIGGER
from agent.core.ruleset import Ruleset
from agent.jobs.compile import CompileResult, Source, compile_lists
from tests.world.rulesets import opened


def compiled(folder: Path, syntax: str, *lines: str) -> tuple[Ruleset, CompileResult]:
    text = folder / "list"
    text.write_text("\n".join(lines) + "\n")
    report = compile_lists([Source(str(text), "list", syntax=syntax)], str(folder / "set"))
    return opened(folder / "set"), report


def blocks(ruleset: Ruleset, name: str) -> bool:
    verdict = ruleset.decide(name.encode())
    return verdict is not None and verdict.blocked


def page(ruleset: Ruleset, url: str) -> str:
    authority, slash, path = url.partition("/")
    verdict = ruleset.decide_page(authority.encode(), (slash + path).encode())
    return verdict.action if verdict else ""


def test_a_rule_ends_at_the_blank(tmp_path: Path) -> None:
    lines = ["||grabify.example #Comment", "||c.example^", "@@||good.c.example^ # why, for $5", "||d.example^\t! why"]
    ruleset, report = compiled(tmp_path, "adblock", *lines)
    assert report.lists[0].skipped == {}
    assert blocks(ruleset, "grabify.example")
    assert blocks(ruleset, "d.example")
    assert not blocks(ruleset, "good.c.example")


def test_a_lost_exception_is_counted(tmp_path: Path) -> None:
    lines = ["||metric.example^", "@@ds.metric.example^", "@@ads*", "@@||x.metric.example^$script"]
    ruleset, report = compiled(tmp_path, "adblock", *lines)
    assert not blocks(ruleset, "ds.metric.example")
    assert blocks(ruleset, "metric.example")
    assert report.lists[0].skipped == {EXCEPTION.reason: 2}


@pytest.mark.parametrize("allow", ["", "@@"])
@pytest.mark.parametrize(
    ("line", "yes", "no"),
    [
        ("||host.example//", ["host.example//x", "sub.host.example//"], ["host.example/x", "host.example/"]),
        ("||host.example/?", ["host.example/?a=1"], ["host.example/x?a", "host.example/"]),
        ("||host.example/|", ["host.example/", "sub.host.example/"], ["host.example/x", "host.example/?a"]),
        ("|https://host.example/bad", ["host.example/bad", "host.example/BAD?x"], ["sub.host.example/bad"]),
        ("|https://host.example/|", ["host.example/"], ["host.example/x", "sub.host.example/"]),
        ("||*.host.example/bad", ["sub.host.example/bad"], ["host.example/bad"]),
        ("||host.example/bad|", ["host.example/bad"], ["host.example/bad/x", "host.example/bad?x"]),
        ("||[2001:db8::1]/bad", ["[2001:db8::1]/bad"], ["[2001:db8::1]/x"]),
    ],
)
def test_a_path_is_that_path(tmp_path: Path, allow: str, line: str, yes: list[str], no: list[str]) -> None:
    ruleset, _ = compiled(tmp_path, "adblock", "||other.example^", allow + line)
    for url in yes:
        assert page(ruleset, url) == ("allow" if allow else "block"), url
    for url in [*no, "a.other/host.example/", "nothost.example/bad"]:
        assert page(ruleset, url) == "", url
    assert ruleset.decide(b"host.example") is None
    assert ruleset.decide(b"sub.host.example") is None


def test_a_scheme_and_a_slash_is_this_host_alone(tmp_path: Path) -> None:
    ruleset, _ = compiled(tmp_path, "adblock", "|https://example.org/", "||all.example/*", "||each.example^*")
    assert blocks(ruleset, "example.org")
    assert not blocks(ruleset, "sub.example.org")
    assert blocks(ruleset, "sub.all.example")
    assert blocks(ruleset, "sub.each.example")


@pytest.mark.parametrize("syntax", ["adblock", "domains", "addresses", "urls"])
def test_an_address_in_brackets(tmp_path: Path, syntax: str) -> None:
    forms = {"adblock": "||[2001:db8::1]^", "urls": "http://[2001:db8::1]/"}
    ruleset, report = compiled(tmp_path, syntax, forms.get(syntax, "[2001:db8::1]"))
    assert report.count == 1
    assert ruleset.decide(b"2001:db8::1") is not None


@pytest.mark.parametrize("kind", ["ip", "nsip", "client-ip", "nsdname", "IP"])
def test_other_triggers_of_a_zone_are_counted_as_such(tmp_path: Path, kind: str) -> None:
    lines = ["bad.example CNAME .", f"32.4.3.2.1.rpz-{kind} CNAME .", f"24.0.2.0.192.rpz-{kind} IN CNAME ."]
    ruleset, report = compiled(tmp_path, "rpz", *lines)
    assert (report.count, report.lists[0].read) == (1, 1)
    assert report.lists[0].skipped == {TRIGGER.reason: 2}


def test_unbound_has_two_quotation_marks(tmp_path: Path) -> None:
    lines = [
        "local-data: 'bad.example A 0.0.0.0'",
        "local-zone: 'worse.example' always_nxdomain",
        "local-data: 'six.example. 60 IN AAAA ::'",
    ]
    ruleset, report = compiled(tmp_path, "unbound", *lines)
    assert report.count == 3
    assert [blocks(ruleset, name) for name in ("bad.example", "worse.example", "six.example")] == [True] * 3
