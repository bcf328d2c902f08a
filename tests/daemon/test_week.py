"""The family's week tells what is there: minutes by hour over a visit's span, sites, numbers of blocks, and times."""

from typing import Any

from agent.core.model import Attempt, Rule, Visit
from agent.core.timezone import DAY_S
from tests.daemon.counted import Counted
from tests.daemon.limited import NIGHT, TABLET, Times, at, times

__all__ = ["times"]
TODAY = 20788  # Tuesday, 1 December 2026
RULE = Rule("bad.example", "block", "starter", "Starter", "1", "phishing")


def recorded(times: Times, device: int, site: str, first: int, last: int) -> None:
    household = times.home.household
    assert household is not None
    (row,) = [one for one in times.ask("device.list")["items"] if one["id"] == device]
    epoch, name = row["features"]["history"]["epoch"], site.encode()
    age = household.clock.age() - (household.clock.wall() - last)
    household.records.write([Visit(None, device, epoch, name, first, last, age, 1, [name], "dns")], [])


def blocked(times: Times, device: int, when: int, hits: int) -> None:
    household = times.home.household
    assert household is not None
    (row,) = [one for one in times.ask("device.list")["items"] if one["id"] == device]
    epoch = row["features"]["protection"]["epoch"]
    household.records.write([], [Attempt(device, epoch, "bad.example", "dns", when, household.clock.age(), hits, RULE)])


def week(times: Times, **arguments: object) -> dict[str, Any]:
    return times.home.ask("week", **arguments)


def of(times: Times, person: str = "Mia", **arguments: object) -> dict[str, Any]:
    (found,) = [one for one in week(times, **arguments)["items"] if one["name"] == person]
    return dict(found)


def watched(times: Times, *devices: int) -> None:
    for device in devices:
        times.ask("on", device_id=device, feature="history", agree=1)
        times.ask("on", device_id=device, feature="protection", agree=1)


def test_nothing_on_is_nothing_told(times: Times) -> None:
    told = week(times)
    assert [one["name"] for one in told["items"]] == ["Ben", "Mia"], "an adult's week is their own"
    for one in told["items"]:
        assert (one["history"], one["minutes"], one["blocked"], one["off"]) == (None, None, None, None)
        assert (one["gaps"], one["changes"], one["requests"]) == ([], [], [])
    assert [day["day"] for day in told["days"]][-1] == "2026-12-01" and len(told["days"]) == 7
    assert (told["from"], told["to"]) == (at(0, day=TODAY - 6), at(0, day=TODAY + 1))


def test_minutes_are_of_the_routers_hours_over_a_visits_span(times: Times) -> None:
    watched(times, 1)
    recorded(times, 1, "youtube.com", at(20, 30, TODAY - 1), at(22, 9, TODAY - 1))
    recorded(times, 1, "wiki.example", at(21, 0, TODAY - 1), at(21, 4, TODAY - 1))
    recorded(times, 1, "late.example", at(23, 50, TODAY - 7), at(0, 9, TODAY - 6))  # what is of the day before is not
    history = of(times)["history"]
    assert history["visits"] == 3 and history["on"]
    assert history["hours"][5][19:24] == [0, 30, 60, 10, 0]
    assert history["hours"][0][0] == 10 and sum(map(sum, history["hours"])) == 110
    assert history["sites"] == [
        {"site": "youtube.com", "minutes": 100, "visits": 1},
        {"site": "late.example", "minutes": 10, "visits": 1},
        {"site": "wiki.example", "minutes": 5, "visits": 1},
    ]


def test_two_screens_at_once_are_one_minute(times: Times) -> None:
    times.ask("device.add", label="second", mac="3c:22:fb:00:00:05", person_id=1)
    watched(times, 1, 5)
    for device in (1, 5):
        recorded(times, device, "youtube.com", at(8), at(8, 29))
    history = of(times)["history"]
    assert history["hours"][6][8] == 30
    assert history["sites"] == [{"site": "youtube.com", "minutes": 30, "visits": 2}]


def test_the_longest_sites_are_shown_and_the_others_counted(times: Times) -> None:
    watched(times, 1)
    for number in range(15):
        recorded(times, 1, f"s{number}.example", at(8), at(8, number))
    history = of(times)["history"]
    assert [one["site"] for one in history["sites"]][:2] == ["s14.example", "s13.example"]
    assert (len(history["sites"]), history["more"], history["visits"]) == (10, 5, 15)


def test_blocks_are_numbers_by_day(times: Times) -> None:
    watched(times, 1)
    blocked(times, 1, at(23, 59, TODAY - 1), 2)
    blocked(times, 1, at(0, 1), 3)
    told = of(times)
    assert told["blocked"] == [0, 0, 0, 0, 0, 2, 3]
    assert "bad.example" not in str(told) and "Starter" not in str(told)


def test_days_ago(times: Times) -> None:
    watched(times, 1)
    recorded(times, 1, "a.example", at(8), at(8, 9))
    times.go(DAY_S)
    assert sum(of(times)["history"]["hours"][5]) == 10
    assert sum(of(times, ago=1)["history"]["hours"][6]) == 10
    assert of(times, ago=2)["history"]["visits"] == 0


def test_windows_count_from_when_they_were_changed(times: Times) -> None:
    times.ask("limits.set", person_id=1, windows=NIGHT)
    times.go(2 * DAY_S)  # noon of Thursday
    told = of(times)
    assert told["off"]["days"] == [0, 0, 0, 0, 210, 420 + 210, 420]
    assert told["off"]["windows_since"] == at(12)
    assert [(one["what"], one["who"], one["about"]) for one in told["changes"]] == [("limit", "web", "times")]
    times.go(8 * DAY_S)
    assert of(times)["off"]["windows_since"] is None and of(times)["changes"] == []


def test_internet_off_counts_until_it_ended_and_is_told_once(times: Times) -> None:
    times.ask("device.add", label="second", mac="3c:22:fb:00:00:05", person_id=1)
    times.ask("hold.add", person_id=1, seconds=7200)
    times.go(3600)
    times.ask("hold.end", person_id=1)
    times.go(3600)
    times.ask("hold.add", person_id=1, seconds=1800)
    times.go(5 * 3600)
    told = of(times)
    assert told["off"]["days"] == [0, 0, 0, 0, 0, 0, 90]
    assert [one["what"] for one in told["changes"]] == ["hold", "release", "hold"]


def test_what_was_given_counts(times: Times) -> None:
    times.ask("limits.set", person_id=1, windows=NIGHT)
    times.go(9 * 3600)  # 21:00: held since half past eight
    times.ask("exception.add", person_id=1, kind="free", seconds=1800)
    times.go(DAY_S - 9 * 3600)
    told = of(times)
    assert told["off"]["days"][-2:] == [180, 420]
    assert told["changes"][0] == {
        "at": at(21),
        "who": "web",
        "about": "times",
        "what": "extend",
        "kind": "free",
        "until": at(21, 30),
        "device_id": None,
    }


def test_times_that_were_turned_off_hold_nobody(times: Times) -> None:
    times.ask("limits.set", person_id=1, windows=NIGHT)
    times.go(10 * 3600)
    times.ask("off", device_id=1, feature="limits")
    times.go(DAY_S - 10 * 3600)
    assert of(times)["off"]["days"][-2:] == [90, 0]


def test_requests_without_what_they_are_about(times: Times) -> None:
    times.ask("request.add", device_id=1, kind="unblock", target="secret.example")
    made = times.ask("request.add", device_id=1, kind="time", seconds=900)
    times.ask("request.reply", id=made["id"], answer="after dinner")
    told = of(times)["requests"]
    assert [(one["kind"], one["seconds"], one["answer"]) for one in told] == [
        ("time", 900, "after dinner"),
        ("unblock", None, None),
    ]
    assert "secret" not in str(told)


def test_a_device_of_nobodys(times: Times) -> None:
    watched(times, 4)
    recorded(times, 4, "film.example", at(9), at(9, 59))
    (told,) = week(times, device_id=4)["items"]
    assert (told["label"], told["device_id"], sum(told["history"]["hours"][6])) == ("TV", 4, 60)
    assert "film.example" not in str(week(times)), "nobody's in particular"


def test_minutes_of_use_by_day_and_what_was_allowed(counted: Counted) -> None:
    second = counted.ask("device.add", label="console", mac="3c:22:fb:00:00:09", person_id=1)["id"]
    assert of(counted)["minutes"] is None
    for device in (1, second):
        counted.on(device)
    counted.ask("allowance.set", person_id=1, minutes=[60, 60, 60, 60, 60, None, None])
    counted.minutes(4, TABLET, "3c:22:fb:00:00:09")
    counted.minutes(3, TABLET)
    told = of(counted)["minutes"]
    assert told == {"on": True, "days": [0, 0, 0, 0, 0, 0, 7], "allowance": [60, 60, 60, None, None, 60, 60]}
    (own,) = week(counted, device_id=second, actor=f"me:{second}")["items"]
    assert own["minutes"]["days"][-1] == 4, "a device's own"
    for device in (1, second):
        counted.ask("off", device_id=device, feature="usage", erase=True)
    assert of(counted)["minutes"] is None
