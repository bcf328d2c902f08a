"""Hosts refused for their listed pages: which ones, by which rule, and what still outranks it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.match import BY_PAGES, HOST, WHOLE
from agent.core.names import PublicSuffixes, compile_suffixes, parse
from agent.core.policy import Policy, View
from agent.core.ruleset import Ruleset
from agent.core.shared_hosts import SharedHosts, read_table
from agent.jobs.compile import CompileResult, Source, compile_lists
from agent.jobs.knownsites import read_shared
from agent.platform.rulefile import open_ruleset

BLOCKLISTS = Path(__file__).parents[2] / "blocklists"
PUBLIC = PublicSuffixes(compile_suffixes(["com", "example", "pages.example"]))
SHARED = SharedHosts(["files.example", "=kit.example"], [b"famous.example"], PUBLIC)


class Compiler:
    """Compiles lists in a folder; the first one's syntax is given, the others' found out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.opened: list[Ruleset] = []

    def __call__(
        self, *texts: str, shared: SharedHosts | None = SHARED, syntax: str = "urls"
    ) -> tuple[CompileResult, Ruleset]:
        sources = []
        for at, text in enumerate(texts):
            path = self.folder / f"list{at}"
            path.write_text(text)
            sources.append(Source(str(path), f"list{at}", f"List {at}", "v1", "phishing", syntax if at == 0 else None))
        target = str(self.folder / "set.rules")
        report = compile_lists(sources, target, public_suffixes=PUBLIC, shared=shared)
        self.opened.append(open_ruleset(target))
        self.opened[-1].verify()
        return report, self.opened[-1]


@pytest.fixture
def compiled(tmp_path: Path) -> Iterator[Compiler]:
    made = Compiler(tmp_path)
    yield made
    for ruleset in made.opened:
        ruleset.close()


def blocked(found: Ruleset, host: str) -> bool:
    return Policy(found, []).reach(View(()), host.encode(), None).blocked


def test_a_page_refuses_its_host_unless_that_is_shared(compiled: Compiler) -> None:
    urls = """https://bad.example/login
https://bad.example/other
http://www.worse.example:8080/x?y=1
https://someone.kit.example/a
https://one.pages.example/a
https://files.example/f/1
https://kit.example/a
https://pages.example/a
https://docs.famous.example/d/1
http://192.0.2.7/a
"""
    report, found = compiled(urls)
    refused = ["bad.example", "www.worse.example", "someone.kit.example", "one.pages.example"]
    for host in refused:
        assert blocked(found, host) and not blocked(found, "www2." + host), host
    for host in ("files.example", "kit.example", "pages.example", "docs.famous.example", "famous.example", "192.0.2.7"):
        assert not blocked(found, host), host
    assert not blocked(found, "worse.example"), "only the host that the list names"
    assert (report.lists[0].hosts, report.count, report.folded, report.repeated) == (len(refused), 10, 0, 0)
    assert found.lists[0]["count"] == 10, "what a list is held back by counts its own rules"


def test_a_host_refused_for_its_pages_says_so_and_a_page_names_itself(compiled: Compiler) -> None:
    _, found = compiled("https://bad.example/login\n")
    policy = Policy(found, [])
    rule = policy.decide(View(()), b"bad.example").rule
    assert rule is not None and rule.text == "=bad.example" + BY_PAGES and rule.list_id == "list0"
    page = policy.reach(View(()), b"bad.example", None, (b"bad.example", b"/login")).rule
    assert page is not None and page.text == "bad.example/login"
    other = policy.reach(View(()), b"bad.example", None, (b"bad.example", b"/other")).rule
    assert other == rule


def test_without_the_tables_no_host_is_refused(compiled: Compiler) -> None:
    report, found = compiled("https://bad.example/login\n", shared=None)
    assert not blocked(found, "bad.example") and report.lists[0].hosts == 0


def test_a_rule_for_the_host_stands_for_itself(compiled: Compiler) -> None:
    report, found = compiled("https://bad.example/a\nhttps://w.own.example/a\n", "0.0.0.0 own.example\n")
    match = found.find(b"x.own.example")
    assert match is not None and (match.kind, match.list) == (WHOLE, 1)
    match = found.find(b"w.own.example")
    assert match is not None and (match.kind, match.list) == (HOST, 0)
    match = found.find(b"bad.example")
    assert match is not None and match.kind == HOST
    assert report.lists[0].hosts == 2
    report, found = compiled("https://bad.example/a\nhttps://bad.example\n")
    match = found.find(b"bad.example")
    assert match is not None and match.text == "=bad.example" and report.lists[0].hosts == 0


def test_adblock_exceptions_and_pages_taken_back(compiled: Compiler) -> None:
    lines = (
        "||bad.example/x$all\n||fine.example/x$all\n@@||fine.example^\n||back.example/x\n||back.example/x$badfilter\n"
    )
    _, found = compiled(lines + "@@||only.example/x\n", syntax="adblock")
    assert [host for host in ("bad", "fine", "back", "only") if blocked(found, host + ".example")] == ["bad"]


def test_many_hosts_are_each_decided_over(compiled: Compiler) -> None:
    urls = [f"https://h{at % 9000}.bad{at % 9000}.example/p{at}" for at in range(20_000)]
    report, found = compiled("\n".join(urls))
    assert report.lists[0].hosts == 9000
    assert all(blocked(found, f"h{at}.bad{at}.example") for at in range(9000))


def test_the_table_is_read_and_means_what_it_says() -> None:
    whole, alone = read_table((BLOCKLISTS / "shared-hosts.txt").read_text(encoding="ascii").splitlines())
    assert len(whole) + len(alone) >= 200 and not whole & alone
    public = PublicSuffixes(compile_suffixes(["com", "org", "io", "github.io"]))
    shared = read_shared(str(BLOCKLISTS / "shared-hosts.txt"), str(BLOCKLISTS / "popular.txt"), public)
    assert shared is not None
    for host in ("docs.google.com", "cdn.discordapp.com", "bit.ly", "weebly.com", "github.io", "www.wikipedia.org"):
        assert shared.why(parse(host)), host
    for host in ("someone.weebly.com", "someone.github.io", "not-a-bank-login.com"):
        assert shared.why(parse(host)) is None, host


@pytest.mark.parametrize("missing", ["shared", "popular"])
def test_a_table_that_is_missing_or_damaged_is_none(tmp_path: Path, missing: str) -> None:
    tables = {"shared": "files.example\n", "popular": "famous.example\n"}
    for name, text in tables.items():
        (tmp_path / name).write_text(text)
    paths = [str(tmp_path / name) for name in tables]
    assert read_shared(*paths, PUBLIC) is not None
    assert read_shared(*paths, None) is None
    (tmp_path / missing).write_bytes(b"\xff\n" if missing == "shared" else b"")
    assert read_shared(*paths, PUBLIC) is None
    (tmp_path / missing).unlink()
    assert read_shared(*paths, PUBLIC) is None
