"""The list of feeds and the starter lists that are shipped."""

import json
from collections import Counter
from pathlib import Path

from agent.core.content import CATEGORY_IDS, WIDE_CATEGORIES
from agent.core.listrules import ListRule
from agent.core.names import parse
from agent.core.rules import SYNTAXES, parse_lines
from agent.daemon.lists.loaded import helplines
from agent.jobs.compile import Source, compile_lists

BLOCKLISTS = Path(__file__).parents[2] / "blocklists"
CATEGORIES = {"phishing", "malware", "fraud", "fake-shops", "bypass"}
# Kept for tests and documentation by RFC 2606 and RFC 6761.
RESERVED = (b".example", b".test", b".invalid", b".localhost")
FORM = {
    "id": str,
    "name": str,
    "address": str,
    "syntax": str,
    "category": str,
    "licence": str,
    "home": str,
    "default": bool,
    "rules": int,
    "for": str,
}

FEEDS = json.loads((BLOCKLISTS / "feeds.json").read_text())["feeds"]


def test_each_feed_says_all_that_is_needed() -> None:
    for feed in FEEDS:
        assert {key: type(value) for key, value in feed.items()} == FORM, feed["id"]
        assert feed["address"].startswith("https://")
        assert feed["syntax"] in SYNTAXES
        assert feed["category"] in CATEGORIES | set(CATEGORY_IDS)
        assert feed["rules"] > 0
        assert feed["for"].endswith(".")


def test_there_are_enough_feeds_of_every_kind() -> None:
    assert len(FEEDS) >= 12
    assert len({feed["id"] for feed in FEEDS}) == len({feed["address"] for feed in FEEDS}) == len(FEEDS)
    on = Counter(feed["category"] for feed in FEEDS if feed["default"])
    assert set(on) == CATEGORIES - {"bypass"} | set(CATEGORY_IDS) - set(WIDE_CATEGORIES)
    assert all(on[id] == 1 for id in CATEGORY_IDS if id in on), "one default list a category"


TOPICS = {"crisis", "abuse", "health", "addiction", "lgbtq"}


def test_each_helpline_says_what_it_is_and_where_that_can_be_read() -> None:
    found = helplines(str(BLOCKLISTS / "helplines.txt"))
    lines = [line for line in (BLOCKLISTS / "helplines.txt").read_text().splitlines() if line and line[0] != "#"]
    assert len(found) == len(lines) >= 100, "a name twice, or one that is none"
    topics, countries = set(), set()
    for name, note in found.items():
        topic, country, who, source = [part.strip() for part in note.split(";")]
        topics.add(topic)
        countries |= set(country.split(", "))
        assert topic in TOPICS and who and source.startswith("https://"), name
        assert name.count(b".") <= 3 and not any(other != name and name.endswith(b"." + other) for other in found)
    assert topics == TOPICS and len(countries) >= 20


def test_well_known_sites_are_names_each_once() -> None:
    lines = [line.split("#")[0].strip() for line in (BLOCKLISTS / "popular.txt").read_text().splitlines()]
    found = [line for line in lines if line]
    assert len(found) == len(set(found)) >= 300
    assert [parse(name).decode() for name in found] == found


def test_starter_lists_name_nobody(tmp_path: Path) -> None:
    files = sorted((BLOCKLISTS / "starter").glob("*.txt"))
    assert {path.stem for path in files} <= CATEGORIES
    for path in files:
        values = list(parse_lines(path.read_bytes().split(b"\n"), "domains"))
        assert values
        for value in values:
            assert isinstance(value, ListRule), path
            assert value.key.endswith(RESERVED), value.key
    report = compile_lists([Source(str(path), path.stem) for path in files], str(tmp_path / "set"))
    assert report.count == sum(of.read for of in report.lists)
