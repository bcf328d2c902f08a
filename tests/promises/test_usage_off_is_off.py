"""P1, P5 and P6 for minutes of use: off is off that moment, each row lies in an epoch, and erased leaves no byte; and a
child's ways round an allowance."""

import os
import random
from pathlib import Path

import pytest

from agent.core.model import BadInput, DeviceDay
from agent.daemon.daemon import put_in_place
from agent.daemon.store.database import StorageError
from tests.daemon.counted import Counted
from tests.daemon.limited import PHONE, TABLET

SLOT = 1


def rows(counted: Counted) -> list[tuple[int, ...]]:
    assert counted.home.household
    sql = counted.home.household.records.db.sql
    return list(sql.execute("SELECT device, epoch, day, minutes, alone FROM usage ORDER BY id"))


def memory(counted: Counted) -> list[DeviceDay]:
    assert counted.home.household
    return counted.home.household.recorder.days.running(counted.home.household.screen_time.day_of(("person", 1)))


def test_off_leaves_no_element_no_bitmap_no_sum_and_no_running_minute(counted: Counted) -> None:
    counted.on(1)
    counted.ask("allowance.set", person_id=1, minutes=[8] * 7)
    counted.minutes(6, TABLET)
    used = Path(counted.home.state_dir, "used")
    assert memory(counted) and b"person 1" in used.read_bytes()
    counted.kernel.send(TABLET, 5000)  # of the minute that runs
    counted.ask("off", device_id=1, feature="usage")
    before = rows(counted)
    assert counted.kernel.elements == {} and memory(counted) == [] and b"person" not in used.read_bytes()
    counted.minutes(5, TABLET)
    assert rows(counted) == before and before[0][3] == 6


def test_the_barriers_each_by_itself(counted: Counted) -> None:
    """The kernel, the gate and the database refuse what the others let pass."""
    household = counted.home.household
    assert household
    counted.on(1)
    counted.minutes(3, TABLET)
    before = rows(counted)
    epoch, generation = before[0][1], household.gate.generation(SLOT)
    counted.ask("off", device_id=1, feature="usage")
    day = DeviceDay(1, epoch, ("person", 1), household.screen_time.day_of(("person", 1)), 0, 0)
    household.recorder.busy(SLOT, generation, 700, day)  # a look that came too late
    household.flush()
    day.minutes, day.alone = 9, 9
    for row_id in (None, 1):
        day.id = row_id
        with pytest.raises(StorageError):
            household.records.write([], [], [day])
    assert rows(counted) == before and counted.ask("audit")["ok"]


def test_from_off_to_on_nothing_is_carried_over(counted: Counted) -> None:
    counted.on(1)
    counted.minutes(3, TABLET)
    counted.kernel.uncountable = "There is no room."  # the element stays
    counted.ask("off", device_id=1, feature="usage")
    counted.kernel.send(TABLET, 5000)
    counted.ask("on", device_id=1, feature="usage", agree=2)
    counted.kernel.uncountable = ""
    counted.kernel.send(TABLET, 5000)
    counted.minute()
    counted.minutes(3)
    assert [row[3] for row in rows(counted)] == [3]


def test_whatever_is_toggled_each_row_is_of_a_time_in_which_it_was_on(counted: Counted) -> None:
    chance = random.Random(7)
    on: dict[int, bool] = {1: False, 2: False}
    used = dict.fromkeys(on, 0)  # minutes of use while it was on
    for _ in range(150):
        device = chance.choice((1, 2))
        what = chance.random()
        if what < 0.25:
            op = "off" if on[device] else "on"
            counted.ask(op, device_id=device, feature="usage", **({} if on[device] else {"agree": 2}))
            on[device] = not on[device]
        elif what < 0.3:
            counted.ask("hold.add", person_id=device, seconds=60)
        else:
            macs = [mac for mac, one in ((TABLET, 1), (PHONE, 2)) if chance.random() < 0.8]
            for one, mac in ((1, TABLET), (2, PHONE)):
                used[one] += on[one] and mac in macs
            counted.minute(*macs)
    assert counted.ask("audit")["ok"]
    for device in on:
        # A quiet minute between two busy ones counts with them.
        assert sum(row[3] for row in rows(counted) if row[0] == device) <= used[device] * 2
    household = counted.home.household
    assert household
    for device, on_now in on.items():
        if on_now:
            counted.ask("off", device_id=device, feature="usage")
    assert counted.kernel.elements == {} and memory(counted) == []


def test_a_crash_at_each_step_of_off_leaves_on_or_nothing(counted: Counted) -> None:
    from tests.promises.household import Crash

    for step in ("off.gate", "off.records", "off.kernel", "off.ledger", "off.acknowledge"):
        if not counted.ask("device.list")["items"][-1]["features"]["usage"]["on"]:
            counted.on(1)
        counted.minutes(2, TABLET)
        counted.home.crash_at = step
        with pytest.raises(Crash):
            counted.ask("off", device_id=1, feature="usage")
        counted.home.crash()
        counted.begin()
        assert counted.ask("audit")["ok"]


def test_a_forgotten_child_leaves_no_byte(counted: Counted) -> None:
    counted.on(1)
    counted.ask("allowance.set", person_id=1, minutes=[8] * 7)
    counted.ask("allowance.give", person_id=1, minutes=5, text="for the zebra finches")
    counted.ask("allowance.give", person_id=1, minutes=50, bank=True)
    counted.minutes(6, TABLET)
    counted.ask("device.remove", device_id=1)
    counted.ask("person.remove", person_id=1)
    assert rows(counted) == []
    household = counted.home.household
    assert household
    for table in ("allowances", "bonuses", "banks"):
        assert household.state.db.sql.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (0,)
    for folder in (counted.home.state_dir, counted.home.run_dir):
        for name in os.listdir(folder):
            if Path(folder, name).is_file():
                data = Path(folder, name).read_bytes()
                assert b"zebra" not in data and b"person 1 " not in data, name


# a child's ways round


def test_a_new_address_gains_nothing_on_the_old_ones_time(counted: Counted) -> None:
    """Another device of the same person shares what is left; one that is nobody's is not counted, and is told of."""
    counted.on(1)
    counted.ask("allowance.set", person_id=1, minutes=[3] * 7)
    counted.minutes(3, TABLET)
    second = counted.ask("device.add", label="console", mac="3c:22:fb:00:00:09", person_id=1)["id"]
    assert counted.ask_held(second) and counted.ask("usage.days", person_id=1)["not_counted"] == ["console"]


def test_pulling_the_plug_again_and_again_does_not_go_on_for_ever(counted: Counted) -> None:
    counted.on(1)
    counted.ask("allowance.set", person_id=1, minutes=[40] * 7)
    pulls = 0
    while TABLET not in counted.kernel.taken and pulls < 20:
        counted.minutes(9, TABLET)
        counted.again()
        counted.minute()
        pulls += 1
    assert pulls < 15


def test_the_page_of_a_device_gives_no_minutes_but_the_banks(counted: Counted) -> None:
    counted.on(1)
    counted.ask("allowance.set", person_id=1, minutes=[3] * 7)
    counted.asks_from(TABLET)
    counted.minutes(3, TABLET)
    for op, given in (
        ("me.bonus", {}),
        ("me.off", {"feature": "usage"}),
        ("me.off", {"feature": "limits"}),
        ("me.agree", {"feature": "usage", "agree": 2}),
        ("allowance.set", {"actor": "me:1", "device_id": 1, "minutes": [60] * 7}),
    ):
        if op.startswith("me."):
            with pytest.raises(BadInput):
                counted.home.ask(op, address="192.168.1.11", **given)
        assert counted.kernel.taken == {TABLET}
    assert counted.ask("usage.days", person_id=1)["now"]["allowed"] == 3


def test_a_backup_brings_allowance_bank_and_days_and_holds_nobody_unasked(counted: Counted) -> None:
    counted.on(1)
    counted.ask("allowance.set", person_id=1, minutes=[4] * 5 + [None] * 2)
    counted.ask("allowance.give", person_id=1, minutes=20, bank=True)
    counted.minutes(4, TABLET)
    assert counted.kernel.taken == {TABLET}
    brought(counted, [])
    found = counted.ask("usage.days", person_id=1)
    assert found["week"] == [4] * 5 + [None] * 2 and found["bank"] == 20 and found["consent"] == "suspended"
    assert found["items"] == [{"day": "2026-12-01", "minutes": 4}]
    assert counted.kernel.taken == set() and counted.kernel.elements == {}
    assert counted.ask("audit")["ok"]


@pytest.mark.parametrize(
    "row",
    [
        {"kind": "allowance", "row": [9, "person", 1, 7, 10]},
        {"kind": "allowance", "row": [9, "person", 1, 0, 1441]},
        {"kind": "bank", "row": [9, "person", 1, 301]},
        {"kind": "usage", "row": [9, 1, 1, 1, 20000, 1501, 0, 0, 0]},
    ],
)
def test_a_backup_brings_nothing_that_an_operation_would_refuse(counted: Counted, row: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        brought(counted, [row])


def brought(counted: Counted, extra: list[dict[str, object]]) -> None:
    """A backup of what is here, with more rows, brought back, and the start that follows."""
    rows = counted.ask("backup", history=True, limit=200)["items"] + extra
    counted.ask("restore", part="first", rows=rows)
    counted.ask("restore", part="last", rows=[])
    household = counted.home.household
    assert household
    put_in_place(household)
    counted.home.crash()
    counted.begin()
