"""The list of feeds and the starter lists that are shipped."""

import json
from collections import Counter
from pathlib import Path

from agent.core.listrules import ListRule
from agent.core.rules import SYNTAXES, parse_lines
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
        assert feed["category"] in CATEGORIES
        assert feed["rules"] > 0
        assert feed["for"].endswith(".")


def test_there_are_enough_feeds_of_every_kind() -> None:
    assert len(FEEDS) >= 12
    assert len({feed["id"] for feed in FEEDS}) == len({feed["address"] for feed in FEEDS}) == len(FEEDS)
    on = Counter(feed["category"] for feed in FEEDS if feed["default"])
    assert set(on) == CATEGORIES - {"bypass"}


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
