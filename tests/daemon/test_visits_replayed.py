"""A piece of a crawl log through a real household: what was opened is told from what followed, and scored right."""

import lzma
from pathlib import Path

import pytest

from agent.core.names import parse
from tests.bench.visits.crawl import Mix, Stay, Traffic, read
from tests.bench.visits.run import DATA, contacts, replayed, suffixes
from tests.bench.visits.score import Row, joined, score

PAGES = 250
LOG = DATA / "visits" / "badger-sett-log-00.txt.xz"


def test_the_score_tells_one_split_missed_merged_and_invented() -> None:
    stays = [
        Stay(0, 10, frozenset({"one.example"})),
        Stay(20, 30, frozenset({"asked.example", "led.example"})),
        Stay(40, 50, frozenset({"missed.example"})),
        Stay(60, 70, frozenset({"same.example"})),
        Stay(2500, 2510, frozenset({"same.example"})),
    ]
    rows = [
        Row("one.example", 1, 9),
        Row("asked.example", 20, 20),
        Row("led.example", 21, 30),
        Row("same.example", 60, 2510),
        Row("one.example", 500, 501),
        Row("tracker.example", 1, 2),
    ]
    found = score(stays, rows)
    assert (found.one, found.split, found.missed, found.merged, found.invented) == (3, 1, 1, 1, 2)
    assert found.precision == 4 / 6 and found.recall == 4 / 5


def test_pages_of_one_site_within_half_an_hour_are_one_stay() -> None:
    site = frozenset({"a.example"})
    pages = [Stay(0, 10, site), Stay(900, 910, site | {"b.example"}), Stay(5000, 5010, site)]
    assert joined(pages) == [Stay(0, 910, site | {"b.example"}), Stay(5000, 5010, site)]


@pytest.mark.skipif(not LOG.exists(), reason=f"not here: {LOG}")
@pytest.mark.parametrize("connections", [False, True])
def test_a_crawl_becomes_visits(tmp_path: Path, connections: bool) -> None:
    public = suffixes(str(tmp_path / "suffixes"))

    def site_of(host: str) -> str:
        return public.registrable(parse(host)).decode()

    with lzma.open(DATA / "benign" / "umbrella-top20k.txt.xz", "rt") as file:
        names = sorted({parse(line.strip()).decode() for line in file if "." in line and line[0] != "#"})
    traffic = Traffic(Mix("a page a minute", 6, 60, 60), names, site_of, 7).replay(read(LOG)[:PAGES])
    stays = joined(traffic.stays)
    rows, _ = replayed(traffic.events, connections)
    shown = [row for row in rows if not row["background"]]
    found = score(stays, [Row(row["site"], row["first"], row["last"]) for row in shown])
    asked = [Row(site_of(host), at, at) for at, host, source in contacts(traffic.events, False) if source == "dns"]
    plain = score(stays, asked)
    assert found.precision > 0.9 and found.recall > 0.9 and found.merged <= 1, found
    assert plain.precision < 0.25 and plain.recall > 0.99, plain
    by_id = {row["id"]: row for row in rows}
    for row in rows:
        if row["cause"] is not None:
            cause = by_id[row["cause"]]
            assert row["background"] and cause["first"] <= row["first"] and cause["cause"] is None
