"""A visit belongs to each window of time that it spans, as the bars of the hours count its minutes."""

import pytest

from agent.core.model import Attempt, BadInput, Rule, Visit
from tests.promises.household import Home

HOUR_S = 3600


@pytest.fixture
def home(home: Home) -> Home:
    home.watch()
    return home


def visits(home: Home, *spans: tuple[float, float]) -> int:
    """Visits from one hour to another after a midnight, which is given."""
    household = home.household
    assert household is not None
    features = home.ask("device.list")["items"][0]["features"]
    now, age = household.clock.wall(), household.clock.age()
    midnight = now // 86400 * 86400 - 86400
    for at, (begin, end) in enumerate(spans):
        first, last = midnight + int(begin * HOUR_S), midnight + int(end * HOUR_S)
        site = f"s{at}.example".encode()
        visit = Visit(None, 1, features["history"]["epoch"], site, first, last, age - now + last, 1, [site], "dns")
        household.records.write([visit], [])
    rule = Rule("bad.example", "block", "starter", "Starter", "1", "phishing")
    epoch = features["protection"]["epoch"]
    tried = midnight + 10 * HOUR_S
    household.records.write([], [Attempt(1, epoch, "bad.example", "dns", tried, age - now + tried, 1, rule)])
    return midnight


def seen(home: Home, midnight: int, begin: float, end: float) -> list[str]:
    window = {"from": midnight + int(begin * HOUR_S), "to": midnight + int(end * HOUR_S)}
    return sorted(row["site"] for row in home.ask("history", device_id=1, **window)["items"])


def test_a_visit_is_in_each_hour_that_it_spans(home: Home) -> None:
    midnight = visits(home, (8.5, 11.25), (9, 9), (10, 11), (-1, 0.5), (23.5, 24.5))
    hours = {hour: seen(home, midnight, hour, hour + 1) for hour in range(24)}
    assert {hour: sites for hour, sites in hours.items() if sites} == {
        0: ["s3.example"],
        8: ["s0.example"],
        9: ["s0.example", "s1.example"],
        10: ["s0.example", "s2.example"],
        11: ["s0.example", "s2.example"],
        23: ["s4.example"],
    }
    (day,) = (row for row in home.ask("history.days", device_id=1)["items"] if row["start"] == midnight)
    assert [bool(minutes) for minutes in day["hours"]] == [bool(hours[hour]) for hour in range(24)]


def test_a_day_has_what_began_before_and_what_ends_after(home: Home) -> None:
    midnight = visits(home, (-1, 0.5), (23.5, 24.5), (-2, -1), (25, 26))
    assert seen(home, midnight, 0, 24) == ["s0.example", "s1.example"]


def test_deleting_a_window_deletes_what_it_shows(home: Home) -> None:
    midnight = visits(home, (8, 12), (9, 9.5), (11, 12))
    window = {"from": midnight + 10 * HOUR_S, "to": midnight + 11 * HOUR_S}
    gone = home.ask("delete", device_id=1, **window)
    assert (gone["visits"], gone["attempts"]) == (1, 1)
    assert seen(home, midnight, 0, 24) == ["s1.example", "s2.example"]


def test_pages_go_by_when_a_visit_was_last_seen(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stay that began first and ended last is on the first page; each visit is on one page."""
    monkeypatch.setattr("agent.daemon.store.history_db.IDS_STEP", 5)
    visits(home, (2, 22), *[(3 + n % 7, 4 + n % 7) for n in range(40)], (1, 23))
    for limit in (1, 7, 100):
        found, after = [], None
        while True:
            page = home.ask("history", device_id=1, limit=limit, after=after)
            found += page["items"]
            after = page["next"]
            if after is None:
                break
        assert [row["site"] for row in found[:2]] == ["s41.example", "s0.example"]
        assert [row["last"] for row in found] == sorted([row["last"] for row in found], reverse=True)
        assert len({row["id"] for row in found}) == len(found) == 42
    one = home.ask("history", device_id=1, visit=found[5]["id"])["items"]
    assert [row["id"] for row in one] == [found[5]["id"]]
    for wrong in ("1", "1:", ":1", "1:²", "1:--2", "a:b", "1:2:3"):
        with pytest.raises(BadInput):
            home.ask("history", device_id=1, after=wrong)
