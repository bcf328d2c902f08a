import os
import subprocess
import sys
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest

from agent.core.match import WHOLE, Match
from agent.core.model import BadInput
from agent.core.names import PublicSuffixes, compile_suffixes
from agent.core.rules import parse_lines
from agent.core.ruleset import INDEX_SIZE, INDEX_START, Ruleset
from agent.core.rulewriter import ListMeta, build
from agent.jobs.compile import CompileResult, Source, compile_lists
from agent.jobs.fast_lines import plain_names
from agent.platform.hashing import sha256
from agent.platform.rulefile import open_ruleset
from tests.core.whole import parse_line

ROOT = Path(__file__).parents[2]


def source(folder: Path, id: str, text: bytes, category: str = "phishing", syntax: str | None = None) -> Source:
    path = folder / id
    path.write_bytes(text)
    return Source(str(path), id, "List " + id, "v1", category, syntax, 1700000000)


def compiled(folder: Path, *sources: Source) -> tuple[CompileResult, Ruleset]:
    target = folder / "set.rules"
    report = compile_lists(list(sources), str(target))
    found = open_ruleset(str(target))
    found.verify()
    return report, found


def test_two_lists_become_one_set(tmp_path: Path) -> None:
    hosts = source(tmp_path, "a", b"# hosts\n127.0.0.1 localhost\n0.0.0.0 one.example\n0.0.0.0 www.two.example\n")
    names = source(tmp_path, "b", b"two.example\none.example\nnot a name\n", "malware")
    report, found = compiled(tmp_path, hosts, names)
    assert found.find(b"login.one.example") == Match(b"one.example", WHOLE, 0)
    assert found.find(b"www.two.example") == Match(b"www.two.example", WHOLE, 0)
    assert found.find(b"m.two.example") == Match(b"two.example", WHOLE, 1)
    assert (report.count, report.folded, report.repeated) == (3, 0, 1)
    assert [(of.syntax, of.read, of.kept) for of in report.lists] == [("hosts", 2, 2), ("domains", 2, 2)]
    assert report.lists[0].skipped == {"a name of the machine itself": 1}
    assert report.lists[1].skipped == {"not a rule of this syntax": 1}
    assert report.categories() == {"malware": 2, "phishing": 2}
    assert [of["count"] for of in found.lists] == [2, 2]
    assert found.lists[1]["category"] == "malware"
    found.close()


def test_many_names_are_all_found_again(tmp_path: Path) -> None:
    names = [b"n%d.zone%d.example" % (at, at % 977) for at in range(70_000)]
    report, found = compiled(tmp_path, source(tmp_path, "a", b"\n".join(names)))
    assert report.count == found.count == len(names)
    assert all(found.find(b"www." + name) == Match(name, WHOLE, 0) for name in names)
    assert not any(found.find(b"n%d.zone.example" % at) for at in range(10_000))
    found.close()


def test_what_is_no_list_is_refused_and_the_old_set_stays(tmp_path: Path) -> None:
    good = source(tmp_path, "good", b"one.example\n")
    compiled(tmp_path, good)[1].close()
    before = (tmp_path / "set.rules").read_bytes()
    for id, text, syntax in (
        ("page", b"<html>Sign in</html>", "hosts"),
        ("empty", b"", None),
        ("words", b"nothing here is a rule\n", "domains"),
    ):
        with pytest.raises(BadInput, match=id + ": not a list"):
            compile_lists([good, source(tmp_path, id, text, syntax=syntax)], str(tmp_path / "set.rules"))
    assert (tmp_path / "set.rules").read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["empty", "good", "page", "set.rules", "words"]


def test_lines_are_whole_across_chunks_and_the_last_needs_no_end(tmp_path: Path) -> None:
    text = b"".join(b"# %s\nn%d.example\r\n" % (b"-" * (at % 300), at) for at in range(9_000)) + b"last.example"
    report, found = compiled(tmp_path, source(tmp_path, "a", text))
    assert report.count == 9_001
    assert report.lists[0].skipped == {}
    assert found.find(b"last.example") is not None
    found.close()


def test_a_line_without_end_is_skipped_in_bounded_memory(tmp_path: Path) -> None:
    text = b"one.example\n" + b"x" * 3_000_000 + b"\ntwo.example\n"
    report, found = compiled(tmp_path, source(tmp_path, "a", text))
    assert report.count == 2
    assert report.lists[0].skipped == {"longer than any rule": 1}
    found.close()


def test_a_killed_compile_leaves_the_old_set_whole(tmp_path: Path) -> None:
    target = tmp_path / "set.rules"
    good = source(tmp_path, "good", b"one.example\n")
    compiled(tmp_path, good)[1].close()
    big = source(tmp_path, "big", b"".join(b"n%d.example\n" % at for at in range(150_000)))
    code = "import sys; from agent.jobs.compile import *; compile_lists([Source(sys.argv[1], 'big')], sys.argv[2])"
    counts = []
    for wait_s in (0.05, 0.2, 0.35, 0.5, 20):
        child = subprocess.Popen([sys.executable, "-c", code, big.path, str(target)], cwd=ROOT)
        with suppress(subprocess.TimeoutExpired):
            child.wait(wait_s)
        child.kill()
        child.wait()
        found = open_ruleset(str(target))
        found.verify()
        counts.append(found.count)
        found.close()
    assert set(counts) <= {1, 150_000}
    assert counts[-1] == 150_000
    assert sorted(os.listdir(tmp_path)) == ["big", "good", "set.rules"]


def test_two_compiles_at_once_do_not_mix(tmp_path: Path) -> None:
    target = tmp_path / "set.rules"
    first, second = source(tmp_path, "a", b"one.example\n"), source(tmp_path, "b", b"two.example\n")

    def interrupt(done: int, total: int) -> None:
        with pytest.raises(BadInput, match="another compile"):
            compile_lists([second], str(target))

    compile_lists([first], str(target), progress=interrupt)
    found = open_ruleset(str(target))
    assert found.find(b"one.example") is not None
    found.close()


def test_names_in_any_script_are_found_as_a_labels(tmp_path: Path) -> None:
    names = "\ufeff# B\u00fccher\nb\u00fccher.example\n\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444\n".encode()
    rules = "||b\u00fccher-x.example^\n@@||\u4f8b.test^$important\n||plain.example^\n".encode()
    hosts = "0.0.0.0 www.b\u00fccher-y.example # \u00fc\n0.0.0.0 c\u2011d.example\n0.0.0.0 a.example\n".encode()
    report, found = compiled(
        tmp_path, source(tmp_path, "a", names), source(tmp_path, "b", rules), source(tmp_path, "c", hosts)
    )
    for name in (b"xn--bcher-kva.example", b"xn--e1afmkfd.xn--p1ai", b"www.xn--bcher-x-n2a.example"):
        assert found.find(name) is not None, name
    assert found.decide(b"xn--fsq.test") is not None
    assert [of.skipped for of in report.lists] == [{}, {}, {"not a rule of this syntax": 1}]
    found.close()


def test_streamed_and_in_memory_give_the_same_bytes(tmp_path: Path) -> None:
    text = b"".join(b"||n%d.example^\n@@||ok.n%d.example^\n" % (at, at) for at in range(0, 3000, 7))
    text += b"||a.example^$dnstype=A\n||b.example/page^\n203.0.113.9\n|c.example^$important\n"
    path = source(tmp_path, "a", text).path
    compile_lists([Source(path, "a", category="phishing")], str(tmp_path / "set"), b"0123456789abcdef")
    file = BytesIO()
    rules = list(parse_lines(text.split(b"\n"), "adblock"))
    build(file, [(ListMeta("a", "a", "", "phishing"), rules)], b"0123456789abcdef", sha256)
    streamed, built = (tmp_path / "set").read_bytes(), file.getvalue()
    # Class numbers differ: they are given in the order in which rules come. All else is the same.
    assert len(streamed) == len(built)
    start = INDEX_START + INDEX_SIZE
    assert streamed[INDEX_START:start] == built[INDEX_START:start]
    count = int.from_bytes(built[start - 4 : start], "big") - start
    for at in range(start, start + count, 6):
        assert streamed[at : at + 5] == built[at : at + 5]


def test_folding_leaves_exceptions_and_important_rules(tmp_path: Path) -> None:
    text = b"||a.example^\n||x.a.example^\n@@||x.a.example^\n||y.a.example^\n||y.a.example^$important\n"
    text += b"@@||a.example^$dnstype=A\n"
    report, found = compiled(tmp_path, source(tmp_path, "a", text))
    texts = [match.text for match in map(found.find, (b"x.a.example", b"y.a.example", b"z.a.example")) if match]
    assert texts == ["@@x.a.example", "y.a.example", "a.example"]
    assert (report.count, report.folded, report.repeated) == (4, 2, 0)
    found.close()


def test_progress_tells_bytes_read_of_all(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    first, second = source(tmp_path, "a", b"one.example\n"), source(tmp_path, "b", b"two.example\n")
    compile_lists([first, second], str(tmp_path / "set.rules"), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(12, 24), (24, 24)]


def test_the_fast_way_reads_what_the_parser_reads() -> None:
    for syntax, text in (
        ("hosts", b"0.0.0.0 a.example\n127.0.0.1\tb.example \r\n0.0.0.0 C.example\n::1 d.example\n0.0.0.0 e.example #"),
        ("domains", b"a.example\nb.example # x\n1.2.3.4\n-odd-.example\n.c.example\nd..example\n\n\ne.example"),
    ):
        names, _, rest = plain_names(text, syntax)
        slow = [value for line in rest for value in parse_line(line, syntax)]
        values = [value for line in text.split(b"\n") for value in parse_line(line, syntax)]
        keys = [value.key for value in values if hasattr(value, "key")]
        assert names
        assert sorted(names + [value.key for value in slow if hasattr(value, "key")]) == sorted(keys)


PUBLIC = PublicSuffixes(compile_suffixes(["com", "uk", "co.uk", "example", "github.io"]))


def poisoned(folder: Path, text: bytes, syntax: str | None = None) -> CompileResult:
    return compile_lists([source(folder, "list", text, syntax=syntax)], str(folder / "set"), public_suffixes=PUBLIC)


def test_no_list_takes_away_what_others_refuse_below_an_ending(tmp_path: Path) -> None:
    exceptions = b"@@||com^\n@@||co.uk^$important\n@@||*.com^\n@@||com^$dnstype=A\n@@||github.io^\n@@|uk^\n"
    report = poisoned(tmp_path, b"||bad.example^\n@@||fine.com^\n" + exceptions)
    assert report.lists[0].read == report.count == 2
    assert report.lists[0].skipped == {"covers too much": 6}
    report = poisoned(tmp_path, b"bad.example CNAME .\n*.com CNAME rpz-passthru.\n", "rpz")
    assert report.count == 1 and report.lists[0].skipped == {"covers too much": 1}


ODD = {
    "BOM and CRLF": (b"\xef\xbb\xbf# list\r\n0.0.0.0 one.example\r\n0.0.0.0 two.example \r\n", "hosts", 2, {}),
    "a line without an end": (b"one.example\n" + b"a" * 3_000_000, "domains", 1, {"longer than any rule": 1}),
    "names in other scripts": ("bücher.example\nбел.example\n||straße.example^\n".encode(), "adblock", 3, {}),
    "several syntaxes": (
        b"! t\n||a.example^\n||z.example^\n0.0.0.0 b.example\nc.example\nlocal=/e.example/\n"
        b"1.2.3.4\n1.2.3.0/24\ng.example##.ad\n",
        "adblock",
        5,
        {"a pattern without a domain name at its end": 2, "hides parts of pages": 1},
    ),
}


@pytest.mark.parametrize("how", ODD)
def test_odd_texts(tmp_path: Path, how: str) -> None:
    text, syntax, read, skipped = ODD[how]
    of = poisoned(tmp_path, text).lists[0]
    assert (of.syntax, of.read, of.skipped) == (syntax, read, skipped)


@pytest.mark.parametrize(
    "text", [b"one.example\ntwo\0.example\n", "one.example\n".encode("utf-16"), b"a.example\r" * 9]
)
def test_odd_texts_that_are_no_lists(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(BadInput, match="not a list"):
        poisoned(tmp_path, text)
