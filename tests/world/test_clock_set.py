"""A router that starts in 1970, or with a wrong date, and is told the time later."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon.household import Household
from tests.promises.household import Home, observe

DAY_S = 86400
TABLET = "127.0.0.2"
NOW = 1_790_000_000


class Wall:
    """The system's wall clock, that runs on and can be set."""

    def __init__(self) -> None:
        self._real = time.time
        self.offset = 0.0

    def set(self, to: float) -> None:
        self.offset = to - self._real()

    def time(self) -> float:
        return self._real() + self.offset


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wall]:
    made = Wall()
    monkeypatch.setattr(time, "time", made.time)
    yield made


def started(tmp_path: Path) -> tuple[Home, Household]:
    home = Home(str(tmp_path))
    household = home.start()
    home.ask("device.add", label="tablet", address=TABLET)
    for feature in ("history", "protection"):
        home.ask("on", device_id=1, feature=feature, agree=1)
    return home, household


def test_records_and_switches_of_this_boot_are_set_right_once(tmp_path: Path, wall: Wall) -> None:
    wall.set(100_000)
    home, household = started(tmp_path)
    observe(household, TABLET, b"www.news.example")
    household.flush()
    assert home.ask("history", device_id=1)["items"][0]["first"] < DAY_S * 2
    wall.set(NOW)
    (row,) = home.ask("history", device_id=1)["items"]
    assert abs(row["first"] - NOW) < 60 and abs(row["last"] - NOW) < 60
    (device,) = home.ask("device.list")["items"]
    assert [abs(feature["since"] - NOW) < 60 for feature in device["features"].values() if feature["on"]] == [
        True,
        True,
    ]
    assert all(abs(row["at"] - NOW) < 60 for row in home.ask("activity")["items"])
    assert home.ask("audit")["ok"]
    observe(household, TABLET, b"www.news.example")
    wall.set(NOW + DAY_S)
    rows = home.ask("history", device_id=1)["items"]
    assert [abs(row["last"] - NOW) < 60 for row in rows] == [True] * len(rows), "once"


def test_what_was_recorded_and_switched_off_before_is_set_right_too(tmp_path: Path, wall: Wall) -> None:
    wall.set(100_000)
    home, household = started(tmp_path)
    observe(household, TABLET, b"www.news.example")
    home.ask("off", device_id=1, feature="history")
    wall.set(NOW)
    (row,) = home.ask("history", device_id=1)["items"]
    assert abs(row["first"] - NOW) < 60
    assert home.ask("audit")["ok"]


def test_counts_of_today_have_it(tmp_path: Path, wall: Wall) -> None:
    wall.set(100_000)
    home, household = started(tmp_path)
    observe(household, TABLET, b"www.news.example")
    household.flush()
    wall.set(NOW)
    household.flush()
    assert home.ask("today")["items"][0]["visits"] == 1


@pytest.mark.parametrize("before", [100_000, NOW + 3 * 365 * DAY_S])
def test_a_rule_for_two_hours_lasts_two_hours(tmp_path: Path, wall: Wall, before: int) -> None:
    wall.set(before)
    home, household = started(tmp_path)
    home.ask("block", name="x.example", seconds=7200)
    wall.set(NOW)
    household.flush()
    (rule,) = home.ask("rule.list")["items"]
    assert abs(rule["expires_at"] - NOW - 7200) < 60 and not household.policies.rule_over()
    household.clock._age.age += 7200
    assert household.policies.rule_over() and home.ask("rule.list")["items"] == []


def test_the_time_without_power_ends_a_rule_of_before_and_none_of_this_boot(tmp_path: Path, wall: Wall) -> None:
    wall.set(NOW)
    home, household = started(tmp_path)
    home.ask("block", name="before.example", seconds=30 * DAY_S)
    household.state.put_meta("clock", household.clock.save().replace(household.clock.boot, "another-boot"))
    home.power_cut()
    wall.set(100_000)
    household = home.start()
    home.ask("block", name="since.example", seconds=7200)
    observe(household, TABLET, b"www.news.example")
    household.flush()
    assert [rule["name"] for rule in home.ask("rule.list")["items"]] == ["before.example", "since.example"]
    wall.set(NOW + 31 * DAY_S)
    household.flush()
    assert [rule["name"] for rule in home.ask("rule.list")["items"]] == ["since.example"]
    assert household.records.first_since("visits", household.clock.age() - 60) <= household.records.top("visits")
    home.crash()
