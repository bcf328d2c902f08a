"""Counts of a time look through what is that young, and find all of it, whatever the wall clock did."""

import random

import pytest

from agent.core.model import Attempt, Rule, Visit
from agent.daemon.operations.scope import spans_since
from agent.daemon.store.selection import IDS_STEP, spans
from tests.promises.household import Home

HOUR_S = 3600
DAYS = 7


@pytest.fixture
def home(home: Home) -> Home:
    home.watch()
    return home


def past(home: Home, *hours_ago: float, drift_s: int = 0) -> None:
    """A visit and an attempt at each of these times; the wall clock was `drift_s` ahead then."""
    household = home.household
    assert household is not None
    epoch = {name: row["epoch"] for name, row in home.ask("device.list")["items"][0]["features"].items()}
    now, age = household.clock.wall(), household.clock.age()
    rule = Rule("bad.example", "block", "starter", "Starter", "1", "phishing")
    for hours in hours_ago:
        ago = int(hours * HOUR_S)
        at = now - ago + drift_s
        site = f"s{ago}.example".encode()
        visit = Visit(None, 1, epoch["history"], site, at, at, age - ago, 1, [site], "dns")
        attempt = Attempt(1, epoch["protection"], "bad.example", "dns", at, age - ago, 2, rule)
        household.records.write([visit], [attempt])


def today(home: Home, hours: float) -> tuple[int, int, int]:
    assert home.household is not None
    (row,) = home.ask("today", since=home.household.clock.wall() - int(hours * HOUR_S))["items"]
    return row["visits"], row["sites"], row["attempts"]


def test_a_day_counts_what_is_in_it(home: Home) -> None:
    dice = random.Random(3)
    times = sorted((dice.uniform(0.1, DAYS * 24) for _ in range(300)), reverse=True)
    past(home, *times)
    for hours in (0.05, 1, 5, 23, 24, 25, 100, DAYS * 24):
        count = sum(one < hours for one in times)
        assert today(home, hours) == (count, count, 2 * count), hours


def test_only_what_is_young_is_looked_through(home: Home) -> None:
    past(home, *(hours + 0.5 for hours in reversed(range(24 * DAYS))))  # no row lies at the edge of an hour
    assert home.household is not None
    since = home.household.clock.wall() - 2 * HOUR_S
    looked_at = [high - low for low, high in spans_since(home.household, "visits", since)]
    assert sum(looked_at) == 26, "a day more than asked for, in case the clock was set back"
    future = home.household.clock.wall() + 10 * 24 * HOUR_S
    assert sum(high - low for low, high in spans_since(home.household, "attempts", future)) == 24


def test_a_clock_that_was_set_back_hides_nothing(home: Home) -> None:
    """Recorded while it was half a day ahead: by the wall that is later than it was."""
    past(home, 20, drift_s=18 * HOUR_S)
    assert today(home, 3) == (1, 1, 2)


def test_an_old_row_that_goes_on_is_found(home: Home) -> None:
    past(home, 60, 50, 40)
    assert home.household is not None
    sql = home.household.records.db.sql
    sql.execute("UPDATE visits SET last=?, age=? WHERE id=1", (home.household.clock.wall(), home.household.clock.age()))
    assert today(home, 1) == (1, 1, 0)


def test_days_are_the_readers(home: Home) -> None:
    """An attempt every hour of two days: 24 to each full day, wherever its midnight is."""
    past(home, *range(48, 0, -1))
    assert home.household is not None
    now = home.household.clock.wall()
    for offset in (0, 2 * HOUR_S, -9 * HOUR_S, 20700):
        rows = home.ask("blocked.counts", days=3, tz_offset=offset)["items"]
        assert sum(row["count"] for row in rows) == 2 * 48
        assert all((row["day"] + offset) % 86400 == 0 for row in rows)
        whole = [row["count"] for row in rows if now - 48 * HOUR_S <= row["day"] and row["day"] + 86400 <= now]
        assert whole == [48] * len(whole) and whole


def test_nothing_recorded(home: Home) -> None:
    assert today(home, 24) == (0, 0, 0)


def test_spans_cover_every_id_once() -> None:
    for top, before, first in (
        (0, 0, 1),
        (1, 0, 1),
        (IDS_STEP * 3 + 5, 0, 1),
        (IDS_STEP * 2, IDS_STEP, 7),
        (9, 0, 10),
        (9, 0, 9),
    ):
        ids = [one for low, high in spans(top, before, first) for one in range(high, low, -1)]
        assert ids == list(range(min(top, before - 1) if before else top, first - 1, -1))


def test_an_hour_has_the_minutes_of_every_visit_that_spans_it(home: Home) -> None:
    household = home.household
    assert household is not None
    epoch = home.ask("device.list")["items"][0]["features"]["history"]["epoch"]
    age = household.clock.age()
    midnight = household.clock.wall() // 86400 * 86400 - 86400
    stays = {
        b"youtube.com": (14 * 60, 21 * 60 + 30),
        b"spotify.com": (19 * 60 + 54, 22 * 60 + 48),
        b"short.example": (8 * 60, 8 * 60),
    }
    for site, (first, last) in stays.items():
        at = midnight + first * 60, midnight + last * 60
        household.records.write([Visit(None, 1, epoch, site, *at, age, 1, [site], "dns")], [])
    (day,) = home.ask("history.days", device_id=1)["items"]
    wanted = {8: 1, **dict.fromkeys(range(14, 22), 60), 22: 49}
    assert day["hours"] == [wanted.get(hour, 0) for hour in range(24)]
    assert day["visits"] == 3 and day["start"] == midnight
