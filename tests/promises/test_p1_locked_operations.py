"""Another program holds the file of the state while times, minutes and content are changed: each is refused in words or
done, nothing is half in force, and what is taken back is over at once and saved as soon as the file is free."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.core.features import FEATURES
from agent.daemon.operations import TABLE
from agent.daemon.operations.arguments import OperationRejected
from agent.daemon.store.connection import BUSY_S
from agent.daemon.store.database import StorageError
from tests.daemon.counted import Counted, at
from tests.daemon.limited import LAPTOP, NIGHT, TABLET
from tests.promises.household import Home

MIA, BEN = {"person_id": 1}, {"person_id": 2}
STEPS_MAX = 200
HOWS = ("read", "reserved", "exclusive")

# (operation, arguments, what is done before it)
CHANGES: dict[str, tuple[str, dict[str, Any], list[tuple[str, dict[str, Any]]]]] = {
    "times": ("limits.set", {**BEN, "windows": NIGHT}, []),
    "no times": ("limits.set", {**MIA, "windows": []}, []),
    "internet off": ("hold.add", {**BEN, "seconds": 3600}, []),
    "internet back": ("hold.end", MIA, [("hold.add", {**MIA, "seconds": 3600})]),
    "internet off for all": ("hold.add", {"children": True, "seconds": 3600}, []),
    "a later bedtime": ("exception.add", {**MIA, "kind": "later", "seconds": 1800}, []),
    "minutes a day": ("allowance.set", {**MIA, "minutes": [60] * 7}, []),
    "extra time": ("allowance.give", {**MIA, "minutes": 15, "bank": True}, []),
    "screen time on": ("on", {"device_id": 2, "feature": "usage", "agree": FEATURES["usage"].version}, []),
    "screen time off": ("off", {"device_id": 1, "feature": "usage"}, []),
    "screen time off and deleted": ("off", {"device_id": 1, "feature": "usage", "erase": True}, []),
    "times off": ("off", {"device_id": 1, "feature": "limits"}, []),
    "content": ("content.set", {**MIA, "categories": ["adult"], "always": ["moodle.example"]}, []),
    "more time asked for": ("request.add", {"device_id": 1, "kind": "tonight", "text": "", "seconds": 900}, []),
    "a device to somebody else": ("device.edit", {"id": 1, "person_id": 2}, []),
    "minutes deleted": ("delete", {"device_id": 1}, []),
    "device removed": ("device.remove", {"id": 1}, []),
}


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[Counted]:
    home = Home(str(tmp_path))
    made = Counted(home, at(15))
    made.ask("limits.set", **MIA, windows=NIGHT)
    made.on(1)
    made.minutes(3, TABLET)
    yield made
    home.crash()


@contextmanager
def held(path: str, how: str) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as sql:
        if how == "read":
            cursor = sql.execute("SELECT * FROM sqlite_master")
            cursor.fetchone()
        else:
            sql.execute("BEGIN IMMEDIATE" if how == "reserved" else "BEGIN EXCLUSIVE")
        yield


def asked(counted: Counted, op: str, arguments: dict[str, Any]) -> str:
    """ "done", or what it was refused with; it ends within a bounded number of steps."""
    assert counted.home.household
    try:
        reply: Any = TABLE[op](counted.home.household, {**arguments, "actor": "web"})
        for _ in range(STEPS_MAX):
            if isinstance(reply, dict):
                return "done"
            try:
                next(reply)
            except StopIteration as done:
                reply = done.value
    except StorageError as error:
        assert "in use by another program" in str(error)
        return str(error)
    raise AssertionError("it goes on for ever")


@pytest.mark.parametrize(("change", "how"), [(name, HOWS[number % 3]) for number, name in enumerate(CHANGES)])
def test_a_change_while_the_state_is_held(counted: Counted, change: str, how: str) -> None:
    op, arguments, before = CHANGES[change]
    for done in before:
        counted.ask(done[0], **done[1])
    household = counted.home.household
    assert household
    for db in (household.state.db, household.records.db):
        waits = db.sql.execute("PRAGMA busy_timeout").fetchone()[0]
        assert waits <= BUSY_S * 1000, "the loop would wait for the lock"
    rows, was = list(household.state.ledger.rows()), dict(counted.kernel.elements)
    with held(household.state.db.path, how):
        said = asked(counted, op, arguments)
        if op == "off":
            # Over at once, and told that it is not saved.
            assert "It is off now" in said and arguments["feature"] not in household.gate.features(1)
            assert arguments["feature"] != "usage" or not counted.kernel.elements
        else:
            assert said != "done" and "It is off now" not in said or op == "device.remove", said
            assert op == "device.remove" or counted.kernel.elements == was
        for _ in range(3):
            try:
                counted.minute(TABLET, LAPTOP)
            except StorageError:
                continue  # the daemon's timers say it, and try again
    household.toggles.save_again()
    counted.minute(TABLET)
    assert counted.ask("audit")["ok"]
    if op == "off":
        assert [row.action for row in household.state.ledger.rows()][len(rows) :] == ["off"]
    try:
        assert asked(counted, op, arguments) == "done"
    except OperationRejected:
        assert op == "off"
    assert counted.ask("audit")["ok"]


@pytest.mark.parametrize("how", HOWS)
def test_off_with_what_was_stored_while_the_records_are_held(counted: Counted, how: str) -> None:
    """It is off, and says so; what could not be deleted is said as well."""
    assert counted.home.household
    household = counted.home.household
    with held(household.records.db.path, how), pytest.raises(StorageError) as refused:
        counted.ask("off", device_id=1, feature="usage", erase=True)
    assert "It is off, but not everything was deleted" in str(refused.value)
    assert not counted.kernel.elements and [*household.state.ledger.rows()][-1].action == "off"
    assert counted.ask("off", device_id=1, feature="usage", erase=True)["remaining"] == 0
