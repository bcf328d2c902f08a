"""Whose rules hold a device that changes hands: an adult is held only by their own agreement, whichever way it came."""

import contextlib
from collections.abc import Callable

import pytest

from agent.core.model import BadInput
from agent.core.timezone import DAY_S
from tests.daemon.limited import LAPTOP, NIGHT, TABLET, Times, at, times

__all__ = ["times"]  # the fixture


def moved_by_edit(times: Times) -> None:
    times.ask("device.edit", device_id=1, person_id=3)


def grown_up(times: Times) -> None:
    times.ask("person.edit", id=1, group="adult")


def removed_and_added(times: Times) -> None:
    times.ask("device.remove", device_id=1)
    times.ask("device.add", label="tablet", mac=TABLET, person_id=3)


def restored(times: Times) -> None:
    times.ask("device.edit", device_id=1, person_id=3)
    rows, after = [], None
    while True:
        page = times.ask("backup", **({"after": after} if after else {}))
        rows += page["items"]
        after = page["next"]
        if not after:
            break
    times.ask("restore", part="first", rows=rows)
    times.ask("restore", part="last", rows=[])
    times.ask("resume")


WAYS: list[Callable[[Times], None]] = [moved_by_edit, grown_up, removed_and_added, restored]


@pytest.mark.parametrize("move", WAYS)
def test_a_child_s_device_that_comes_to_an_adult_is_free_until_they_agree(
    times: Times, move: Callable[[Times], None]
) -> None:
    """Neither the child's rules nor the adult's own waiting ones hold it."""
    times.ask("limits.set", person_id=1, windows=NIGHT)
    times.ask("limits.set", person_id=3, windows=NIGHT)
    times.ask("hold.add", device_id=1, seconds=40_000)
    times.go(at(21) - at(12))
    assert times.kernel.taken == {TABLET}
    move(times)
    times.go(60)
    assert times.kernel.taken == set(), move.__name__
    found = times.ask("device.list")["items"]
    device = next(row for row in found if row["mac"] == TABLET)
    with pytest.raises(BadInput):
        times.ask("hold.add", device_id=device["id"], seconds=60)
    times.go(60)
    assert times.kernel.taken == set()


@pytest.mark.parametrize(
    "change",
    [
        ("device.edit", {"device_id": 3, "person_id": 1}),
        ("device.edit", {"device_id": 3, "shared": True}),
        ("device.edit", {"device_id": 3, "person_id": None}),
        ("person.edit", {"id": 3, "group": "child"}),
        ("person.remove", {"id": 3}),
    ],
)
def test_an_adult_s_device_is_held_by_nobody_s_rules_for_a_day(
    times: Times, change: tuple[str, dict[str, object]]
) -> None:
    times.ask("limits.set", person_id=1, windows=NIGHT)
    op, arguments = change
    times.ask(op, **arguments)
    times.go(at(21) - at(12))
    assert LAPTOP not in times.kernel.taken
    for whom in ({"device_id": 3}, {"person_id": 1}, {"all": True}, {"children": True}):
        with contextlib.suppress(BadInput):
            times.ask("hold.add", **whom, seconds=3600)
        times.go(1)
        assert LAPTOP not in times.kernel.taken, (op, whom)


@pytest.mark.parametrize(
    "change",
    [("device.edit", {"device_id": 3, "person_id": 1}), ("person.edit", {"id": 3, "group": "child"})],
)
@pytest.mark.parametrize("waiting", [False, True])
def test_after_the_day_the_new_owner_s_times_hold_it(
    times: Times, change: tuple[str, dict[str, object]], waiting: bool
) -> None:
    """A child that was given a laptop of an adult's is not free of bedtime for good."""
    household = times.home.household
    assert household
    times.ask("limits.set", person_id=1, windows=NIGHT)
    if waiting or change[0] == "person.edit":
        times.ask("limits.set", person_id=3, windows=NIGHT)
    times.ask(change[0], **change[1])
    times.go(DAY_S + 60)
    household.people.due()
    times.go(at(21, 0, 20789) - times.clock.at)
    assert LAPTOP in times.kernel.taken
