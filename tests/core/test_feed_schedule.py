"""Which feeds are fetched, when again, and what may be taken into use."""

import json

from agent.core.feed_schedule import (
    PAUSE_MAX_S,
    SYNTAXES,
    Feed,
    chosen,
    doubt,
    first_wait_s,
    pause_s,
    read_feeds,
    rules_max,
    spread_s,
)
from agent.core.model import BadInput
from agent.core.rules import SYNTAXES as READ

ROW = {"id": "one", "name": "One", "address": "https://lists.example/one", "syntax": "hosts", "category": "phishing"}


def table(*rows, **more):
    return json.dumps({"format": 1, "feeds": list(rows)})


def refused(text):
    try:
        read_feeds(text)
    except BadInput as error:
        return str(error)
    raise AssertionError("was taken: " + text)


def test_a_table_is_read():
    row = dict(ROW)
    row.update({"for": "Phishing.", "rules": 7, "default": True, "licence": "MIT", "home": "https://lists.example"})
    home = "https://lists.example"
    assert read_feeds(table(row)) == [
        Feed("one", "One", ROW["address"], "hosts", "phishing", "MIT", home, True, 7, "Phishing.")
    ]
    (feed,) = read_feeds(table({"id": "one", "address": "https://lists.example/one"}))
    assert (feed.name, feed.syntax, feed.rules, feed.default) == ("one", None, 0, False)


def test_what_is_no_table_is_refused_by_name():
    assert "not JSON" in refused("<html>")
    for text in ("[]", "{}", '{"format": 2, "feeds": []}', '{"format": 1, "feeds": {}}'):
        assert "another form" in refused(text)
    for id in ("../x", "", "a/b", "A", "a" * 41, 7, None, "a.b"):
        row = dict(ROW)
        row["id"] = id
        assert "id must be" in refused(table(row))
    for key, value, words in (
        ("address", "http://lists.example", "https"),
        ("address", None, "https"),
        ("rules", "many", "number"),
        ("rules", -1, "number"),
        ("syntax", 3, "word"),
        ("name", 3, "texts"),
    ):
        row = dict(ROW)
        row[key] = value
        assert words in refused(table(row)), key
    assert "same id" in refused(table(ROW, ROW))
    assert "not an object" in refused(table("one"))


def test_the_household_chooses():
    feeds = read_feeds(table(dict(ROW), {"id": "two", "address": "https://x.example/", "default": True}))
    assert [feed.id for feed in chosen(feeds, {})] == ["two"]
    assert [feed.id for feed in chosen(feeds, {"one": True, "two": False, "gone": True})] == ["one"]


def test_a_small_router_has_fewer_lists_by_default():
    rows = [("a", 300000), ("b", 30000), ("c", 310000), ("d", 2000), ("e", 9)]
    feeds = [Feed(id, id, "", None, "", "", "", id != "e", rules, "") for id, rules in rows]

    def ids(choices, memory_mb):
        return "".join([feed.id for feed in chosen(feeds, choices, rules_max(memory_mb << 20))])

    assert ids({}, 512) == "abcd" and ids({}, 128) == "abd" and ids({}, 64) == "bd"
    # What the household chose is fetched, and counts.
    assert ids({"c": True}, 128) == "bcd" and ids({"a": False, "e": True}, 128) == "bcde"
    assert rules_max(None) is None


def test_an_update_in_bounds_is_taken():
    for rules, before in ((1000, 1000), (600, 1000), (2900, 1000), (10, 200), (1000, None), (500, 300)):
        assert doubt(rules, before, 1000) == ""
    assert doubt(5, None, 0) == ""
    assert doubt(1000, 1000, 1000, 40) == doubt(9000, 9000, 9000, 41) == ""


def test_an_update_out_of_bounds_waits():
    assert "shrank" in str(doubt(390, 1000, 1000))
    assert "grew" in str(doubt(3100, 1000, 1000))
    assert "no rules" in str(doubt(0, 200, 200))
    assert "shrank" in str(doubt(1000, None, 10000)) and "grew" in str(doubt(70000, None, 10000))
    assert "everybody needs: 41" in str(doubt(1000, 1000, 1000, 41))


def test_pauses_double_up_to_an_hour_from_seconds_while_nothing_is_loaded():
    assert [pause_s(failures, 0.5) for failures in (1, 2, 3, 4)] == [900, 1800, 3600, 3600]
    assert [pause_s(failures, 0.5, False) for failures in (1, 2, 3, 4)] == [5, 10, 20, 40]
    assert pause_s(1000, 0.999, False) == PAUSE_MAX_S and pause_s(1000, 0.999, False, False) == 60
    for failures in (8, 20, 1000):
        assert pause_s(failures, 0.5) == PAUSE_MAX_S
    assert pause_s(0, 0.5) == 900


def test_nobody_asks_at_the_same_moment():
    assert spread_s(1000, 0.0) == 800 and 1190 <= spread_s(1000, 0.999) <= 1200
    assert 5 <= first_wait_s(0.0) < first_wait_s(0.999) <= 60


def test_the_syntaxes_are_those_that_are_read():
    assert sorted(SYNTAXES) == sorted(READ)
