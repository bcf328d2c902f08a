"""A backup whose values were written by somebody else: refused as a whole, or brought back as something that works."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from agent.core.consent import GENESIS, LedgerRow, digest
from agent.core.model import BadInput
from agent.platform.hashing import sha256
from tests.promises.household import Home, observe

ODD = [
    *(None, "", " ", "soon", "²", "\ud800", "a\ud800b", "x\0y", "two\nlines", "x" * 9000, "[" * 4000),
    *(-1, 0, 256, 1 << 53, 1 << 63, 1 << 70, -(1 << 70), True, 1.5, [], [1], {}, {"hex": 1}, {"hex": "zz"}),
    *({"hex": ""}, {"hex": "3c"}, {"hex": "ff" * 6}, {"hex": "ff" * 400}, {"hex": b"a\xff.example".hex()}),
]


@pytest.fixture
def lived(home: Home) -> Home:
    home.start()
    home.ask("settings.set", key="history_days", value=14)
    home.ask("person.add", name="Mia", group="child", birth_month="2015-04")
    home.ask("device.add", label="tablet", address="127.0.0.2", person_id=1)
    home.ask("on", device_id=1, feature="history", agree=1)
    home.ask("on", device_id=1, feature="protection", agree=1)
    home.ask("block", name="video.example", seconds=3600)
    home.ask("allow", name="school.example", device_id=1)
    assert home.household is not None
    observe(home.household, "127.0.0.2", b"www.site.example")
    home.household.flush()
    return home


def saved(home: Home) -> list[dict[str, Any]]:
    page = home.ask("backup", history=True, limit=200)
    assert page["next"] is None
    return list(page["items"])


def resealed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With a chain that fits again, where it can be made: whoever has the passphrase can do so."""
    previous, made = GENESIS, []
    for item in rows:
        if item["kind"] == "ledger":
            try:
                row = LedgerRow(*item["row"])
                previous = digest(row, previous, sha256)
            except (TypeError, AttributeError, UnicodeError):
                return rows
            item = {**item, "row": [*item["row"][:7], {"hex": previous.hex()}, *item["row"][8:]]}
        made.append(item)
    return made


def changes(rows: list[dict[str, Any]]) -> Iterator[tuple[str, int, object, list[dict[str, Any]]]]:
    for kind in sorted({item["kind"] for item in rows}):
        at = next(n for n, item in enumerate(rows) if item["kind"] == kind)
        for column in range(len(rows[at]["row"])):
            for value in ODD:
                row = [value if n == column else old for n, old in enumerate(rows[at]["row"])]
                yield kind, column, value, resealed([*rows[:at], {"kind": kind, "row": row}, *rows[at + 1 :]])


def brought_back(home: Home, rows: list[dict[str, Any]]) -> bool:
    assert home.household is not None
    try:
        home.ask("restore", part="first", rows=rows)
        home.ask("restore", part="last", rows=[])
    except BadInput:
        assert home.household.in_hand.replaced == []
        return False
    return True


def test_all_odd_values(lived: Home) -> None:
    """Nothing but BadInput comes of any; what is brought back can be read, listed and saved again."""
    rows = saved(lived)
    assert {"person", "device", "rule", "ledger", "setting", "epoch", "visit"} <= {item["kind"] for item in rows}
    found = list(changes(rows))
    assert lived.household is not None
    accepted = []
    for kind, column, value, changed in found:
        if brought_back(lived, changed):
            accepted.append((kind, column, value, changed))
            lived.household.in_hand.replaced = []
    assert len(accepted) < len(found) // 4
    for kind, column, value, changed in random.Random(91).sample(accepted, min(25, len(accepted))):
        put_in_use(lived, changed, (kind, column, value))


def put_in_use(home: Home, rows: list[dict[str, Any]], what: object) -> None:
    from agent.daemon.daemon import put_in_place

    assert brought_back(home, rows), what
    assert home.household is not None
    home.household.records.db.close()
    home.household.state.db.close()
    put_in_place(home.household)
    home.household = None
    home.start()
    for op in ("device.list", "person.list", "rule.list", "history", "activity", "status", "settings.get", "audit"):
        home.ask(op, **({"device_id": 1} if op == "history" else {}))
    saved(home)


@pytest.mark.parametrize(
    ("kind", "column", "value"),
    [
        ("rule", 5, "tomorrow"),
        ("rule", 1, {"hex": "ff"}),
        ("rule", 1, "video.example"),
        ("rule", 2, "maybe"),
        ("rule", 3, "street"),
        ("device", 3, {"hex": "3c"}),
        ("device", 2, "a\ud800"),
        ("device", 4, "127.1"),
        ("device", 7, 4000),
        ("person", 1, "\ud800"),
        ("person", 2, "baby"),
        ("person", 3, "2015-²3"),
        ("setting", 1, '"many"'),
        ("setting", 1, "[" * 5000),
        ("ledger", 5, "enjoy"),
        ("visit", 4, {"hex": "00"}),
        ("visit", 5, "yesterday"),
        ("epoch", 2, "dreams"),
    ],
)
def test_whole_or_not_at_all(lived: Home, kind: str, column: int, value: object) -> None:
    rows = saved(lived)
    at = next(n for n, item in enumerate(rows) if item["kind"] == kind)
    row = [value if n == column else old for n, old in enumerate(rows[at]["row"])]
    assert not brought_back(lived, resealed([*rows[:at], {"kind": kind, "row": row}, *rows[at + 1 :]]))
    assert lived.ask("device.list")["items"][0]["features"]["history"]["on"]


def test_what_was_written_here_is_brought_back(lived: Home) -> None:
    put_in_use(lived, saved(lived), "unchanged")
    assert lived.ask("rule.list")["items"][0]["name"] == "video.example"
