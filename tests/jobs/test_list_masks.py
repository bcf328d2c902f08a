"""A compiled set knows all lists of a name, so that each device's choice of lists is all that decides over it."""

import lzma
from itertools import combinations
from pathlib import Path

import pytest

from agent.core.match import EXACT, Match
from agent.core.ruleset import CLASSES_MAX, Ruleset
from agent.jobs.compile import CompileResult, Source, compile_lists
from agent.platform.rulefile import open_ruleset

PARENTAL = Path(__file__).parents[3] / "shared" / "data" / "parental"
CATEGORIES = ("gambling", "games", "social_networks", "chat", "dating", "drogue", "vpn", "audio-video")
EVERY_NTH = 29  # names that are tried against the lists that they are not on


def compiled(folder: Path, lists: list[bytes], syntax: str | None = "domains") -> tuple[CompileResult, Ruleset]:
    sources = []
    for index, text in enumerate(lists):
        path = folder / f"list{index}"
        path.write_bytes(text)
        sources.append(Source(str(path), f"list{index}", category=f"c{index}", syntax=syntax))
    report = compile_lists(sources, str(folder / "set.bin"))
    return report, open_ruleset(str(folder / "set.bin"))


def on(found: Ruleset, name: bytes, lists: int) -> list[bool]:
    """Whether each list alone blocks the name."""
    return [found.find(name, 0, 1 << index) is not None for index in range(lists)]


def test_a_name_on_two_lists_is_on_both(tmp_path: Path) -> None:
    gambling = b"both.example\nparent.example\nonly.example\n"
    games = b"both.example\nwww.parent.example\n"
    report, found = compiled(tmp_path, [gambling, games])
    assert on(found, b"both.example", 2) == [True, True]
    assert on(found, b"www.parent.example", 2) == [True, True]
    assert on(found, b"parent.example", 2) == [True, False]
    assert on(found, b"only.example", 2) == [True, False]
    assert found.find(b"both.example", 0, 0) is None
    assert [of.kept for of in report.lists] == [3, 2]
    assert (report.count, report.folded, report.repeated) == (4, 0, 1)
    found.close()


def test_a_parent_covers_where_it_is_on_all_lists_of_the_name(tmp_path: Path) -> None:
    report, found = compiled(tmp_path, [b"x.example\na.x.example\n", b"a.x.example\nx.example\n", b"x.example\n"])
    assert (report.count, report.folded) == (1, 1)
    assert on(found, b"a.x.example", 3) == [True, True, True]
    found.close()
    # Two parents, each on one list of the name.
    report, found = compiled(tmp_path, [b"x.example\na.b.x.example\n", b"b.x.example\na.b.x.example\n"])
    assert (report.count, report.folded) == (2, 1)
    assert on(found, b"a.b.x.example", 2) == [True, True] and on(found, b"x.example", 2) == [True, False]
    found.close()


def test_pages_hosts_networks_and_conditions_keep_their_lists(tmp_path: Path) -> None:
    same = b"198.18.7.0/24\n198.18.8.1\n"
    _, found = compiled(tmp_path, [same, same, b"198.18.0.0/16\n198.18.7.0/25\n"], "addresses")
    for index, text in ((0, b"198.18.7.0/24"), (1, b"198.18.7.0/24"), (2, b"198.18.0.0/16")):
        assert found.find_address(b"\xc6\x12\x07\x05", 1 << index) == Match(text, EXACT, index)
    assert found.find_address(b"\xc6\x12\x08\x01", 2) == Match(b"198.18.8.1", EXACT, 1)
    assert found.find_address(b"\xc6\x12\x08\x01", 4) == Match(b"198.18.0.0/16", EXACT, 2)
    assert found.find_address(b"\xc6\x12\x07\x05", 0) is None
    found.close()
    rule = b"||ads.example^$dnstype=A\n||plain.example^\n@@||ok.plain.example^\n"
    _, found = compiled(tmp_path, [rule, b"||plain.example^\n||ads.example^$dnstype=A\n"], "adblock")
    for index in (0, 1):
        match = found.find(b"ads.example", 1, 1 << index)
        assert match is not None and match.list == index
    assert found.decide(b"ok.plain.example", 0, 1).action == "allow"  # type: ignore[union-attr]
    assert found.decide(b"ok.plain.example", 0, 2).blocked  # type: ignore[union-attr]
    assert found.decide(b"ok.plain.example", 0, 3).blocked  # type: ignore[union-attr]
    found.close()
    page = b"https://bad.example/login\n"
    _, found = compiled(tmp_path, [page, page], "urls")
    for index in (0, 1):
        match = found.find_page(b"bad.example", b"/login", 1 << index)
        assert match is not None and match.list == index
    found.close()


def test_more_combinations_than_class_bytes(tmp_path: Path) -> None:
    lists = 11
    sets = [of for size in range(1, lists + 1) for of in combinations(range(lists), size)]
    assert len(sets) > CLASSES_MAX
    texts = [b"".join(b"n%d.example\n" % at for at, of in enumerate(sets) if index in of) for index in range(lists)]
    common = b"".join(b"common%d.example\n" % at for at in range(50))
    report, found = compiled(tmp_path, [text + common for text in texts])
    for at, of in enumerate(sets):
        assert on(found, b"n%d.example" % at, lists) == [index in of for index in range(lists)]
    assert all(on(found, b"www.common7.example", lists))
    assert report.count == len(sets) + 50
    found.close()


def test_every_pair_of_categories(tmp_path: Path) -> None:
    """Real lists: each name of each is found for that list alone, and for no list that has neither it nor a parent."""
    if not PARENTAL.exists():
        pytest.skip("not here: " + str(PARENTAL))
    files = ["sinfonietta-porn", *["ut1-" + name for name in CATEGORIES]]
    names = [lzma.decompress((PARENTAL / (name + ".txt.xz")).read_bytes()).split() for name in files]
    _, found = compiled(tmp_path, [b"\n".join(of) for of in names])
    listed = [set(of) for of in names]
    for index, own in enumerate(names):
        missing = [name for name in own if b"." in name and found.find(name, 0, 1 << index) is None]
        assert missing == [], files[index]
        for other, theirs in enumerate(listed):
            tried = own[::EVERY_NTH] + [name for name in own if name in theirs]
            for name in tried:
                expected = any(of in theirs for of in above(name))
                assert (found.find(name, 0, 1 << other) is not None) == expected, (name, files[other])
    found.close()


def above(name: bytes) -> list[bytes]:
    labels = name.split(b".")
    return [b".".join(labels[at:]) for at in range(len(labels))]
