"""When lists are fetched by themselves, and when not; what survives a restart; what the daemon takes from the job."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.daemon.lists.feed_state import FeedState
from agent.daemon.lists.freshness import STALE_S
from agent.daemon.loop import Loop
from agent.daemon.runtime.list_updates import ListUpdates
from agent.jobs.compile import Source, compile_lists
from tests.promises.household import Home

HOUR = 3600


class Time:
    def __init__(self, home: Home) -> None:
        self.now = home.household.clock.wall()
        home.household.clock.wall = lambda: self.now  # type: ignore[method-assign]

    def passes(self, seconds: int) -> None:
        self.now += seconds


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    rows = [
        {"id": id, "address": f"https://l.example/{id}", "default": id != "three"} for id in ("one", "two", "three")
    ]
    (tmp_path / "feeds.json").write_text(json.dumps({"format": 1, "feeds": rows}))
    made = Home(str(tmp_path))
    made.start(feeds_file=str(tmp_path / "feeds.json"))
    made.ask("device.add", label="tablet", address="127.0.0.2")
    yield made
    made.crash()


def feeds_of(home: Home) -> FeedState:
    home.edges.job_starts = True
    return home.household.feeds


def outcome(id: str, **more: object) -> dict[str, object]:
    row = {"id": id, "version": "2026-11-23.00112233", "fetched": 1, "checked": 2, "failures": 0, "next_at": 0}
    return {**row, "message": "", "held": None, **more}


def load(home: Home, id: str, fetched: int | None) -> None:
    path = Path(home.folder) / "list"
    path.write_text("phish.example\n")
    compile_lists([Source(str(path), id, fetched=fetched)], home.household.settings.text("ruleset_file"))
    home.household.load_lists()


def test_a_first_fetch_comes_soon_and_the_next_ones_twice_a_day(home: Home) -> None:
    feeds, time = feeds_of(home), Time(home)
    feeds.schedule(False, 0.5)
    assert not feeds.due(True) and 0 < feeds.next_at - time.now <= 60
    time.passes(60)
    assert feeds.due(True)
    # Not for features that nobody uses, not where the household does not want it, not without a clock.
    assert not feeds.due(False)
    home.household.settings.values["lists_auto"] = False
    assert not feeds.due(True)
    home.household.settings.values["lists_auto"] = True
    assert feeds.begin(False) and not feeds.due(True) and not feeds.begin(False)
    feeds.take_outcome([outcome("one"), outcome("two")], "", True)
    feeds.ended(True, 0.0)
    assert feeds.next_at - time.now == int(12 * HOUR * 0.8)
    feeds.begin(False)
    feeds.take_outcome([], "", False)
    feeds.ended(True, 0.999)
    assert 12 * HOUR < feeds.next_at - time.now <= int(12 * HOUR * 1.2)


def test_nothing_is_due_without_a_clock_or_a_list(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    feeds, time = feeds_of(home), Time(home)
    feeds.schedule(False, 0.0)
    time.passes(HOUR)
    assert feeds.due(True)
    monkeypatch.setattr(type(home.household.clock), "is_set", False)
    assert not feeds.due(True)
    monkeypatch.setattr(type(home.household.clock), "is_set", True)
    for id in ("one", "two"):
        home.ask("lists.choose", id=id, on=False)
    time.passes(HOUR)
    assert not feeds.due(True)


def test_failures_wait_longer_and_a_busy_server_is_asked_when_it_said(home: Home) -> None:
    feeds, time = feeds_of(home), Time(home)
    waits: list[int] = []
    for _ in range(4):
        feeds.begin(False)
        feeds.ended(False, 0.5)
        waits.append(feeds.next_at - time.now)
        assert "cut off" in feeds.message
    # Nothing is loaded; with a set to go on with there is time.
    assert waits == [5, 10, 20, 40]
    load(home, "one", None)
    feeds.failures, waits = 0, []
    for _ in range(4):
        feeds.begin(False)
        feeds.ended(False, 0.5)
        waits.append(feeds.next_at - time.now)
    assert waits == [900, 1800, 3600, 3600]
    feeds.begin(False)
    feeds.take_outcome([outcome("one", failures=1, next_at=time.now + 1234)], "", True)
    feeds.ended(True, 0.5)
    assert feeds.next_at == time.now + 1234


def test_an_update_that_was_cut_off_keeps_its_number_and_another_has_a_new_one(home: Home) -> None:
    feeds = feeds_of(home)
    feeds.begin(False)
    number = feeds.number
    feeds.ended(False, 0.5)
    again = FeedState(home.household.settings, home.household.state, home.household.clock)
    again.start = lambda: True
    again.begin(False)
    assert again.number == number
    again.ended(False, 0.5)
    again.begin(True)
    assert again.number == number + 1


def test_after_a_rollback_only_the_household_updates(home: Home) -> None:
    feeds, time = feeds_of(home), Time(home)
    load(home, "one", None)
    (Path(home.run_dir) / "rules.bin.previous").write_bytes((Path(home.run_dir) / "rules.bin").read_bytes())
    feeds.schedule(True, 0.5)
    home.ask("lists.rollback")
    time.passes(100 * HOUR)
    assert not feeds.due(True)
    home.ask("on", device_id=1, feature="protection", agree=1)
    assert home.ask("lists.update") == {"started": True}
    assert not feeds.pinned


def test_what_is_known_survives_a_restart_and_a_clock_that_jumps(home: Home) -> None:
    feeds = feeds_of(home)
    home.ask("lists.choose", id="three", on=True)
    feeds.begin(False)
    held = {"version": "v2", "rules": 7, "reason": "it shrank"}
    feeds.take_outcome([outcome("one", held=held), outcome("unknown"), {"id": 7}, {}], "x" * 5000, False)
    feeds.ended(True, 0.5)
    again = FeedState(home.household.settings, home.household.state, home.household.clock)
    assert [feed.id for feed in again.chosen()] == ["one", "two", "three"]
    assert again.outcomes["one"]["held"] == held and set(again.outcomes) == {"one"}
    assert len(again.message) == 300 and again.next_at == feeds.next_at
    again.next_at = home.household.clock.wall() + 10**8
    again.schedule(True, 0.5)
    assert again.next_at <= home.household.clock.wall() + 15 * HOUR


def test_lists_are_ready_stale_or_none(home: Home) -> None:
    time = Time(home)
    assert home.household.freshness.of_all() == "none"
    load(home, "starter-phishing", None)
    assert home.household.freshness.of_all() == "none"
    load(home, "one", time.now)
    assert home.household.freshness.of_all() == "ready"
    time.passes(STALE_S + 10)
    assert home.household.freshness.of_all() == "stale"
    home.ask("on", device_id=1, feature="protection", agree=1)
    assert home.ask("status")["health"].startswith("Not yet protecting")
    # Its server says that it is still the same: that is current.
    home.household.feeds.outcomes["one"] = outcome("one", checked=time.now)
    assert home.household.freshness.of_all() == "ready"
    home.household.feeds.outcomes["one"] = outcome("one", checked=time.now, failures=3)
    assert home.household.freshness.of_all() == "stale"


def test_a_table_that_cannot_be_read_is_said(home: Home) -> None:
    Path(home.household.settings.text("feeds_file")).write_text("<html>")
    home.household.feeds.read_table()
    assert "not JSON" in home.ask("lists")["trouble"]
    home.ask("on", device_id=1, feature="protection", agree=1)
    with pytest.raises(ValueError, match="not JSON"):
        home.ask("lists.update")


def test_a_look_alike_is_told_or_refused_as_the_household_wants(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "popular.txt").write_text("paypal.com\n")
    home = Home(str(tmp_path / "home"))
    home.start(data_dir=str(tmp_path / "data"))
    try:
        events = home.edges.events
        for number, group in ((2, "child"), (3, "adult")):
            home.ask("person.add", name=group, group=group)
            home.ask("device.add", label=group, address=f"127.0.0.{number}", person_id=number - 1)
            home.ask("on", device_id=number - 1, feature="protection", agree=1)
        name = b"login-paypal.example"
        view = home.household.clients.identify(None, "127.0.0.2").view
        assert home.ask("explain", name=name.decode())["verdict"] == "allow"
        home.household.policies.warn(1, name)
        assert not [event for event in events if event["event"] == "lookalike"]
        home.ask("settings.set", key="lookalike", value="warn")
        assert not home.household.policy.decide(view, name).blocked
        told = home.ask("explain", name=name.decode())
        assert told["verdict"] == "allow" and "paypal.com" in told["how"] and "guess" in told["how"]
        # A child's is told to who watches, an adult's to nobody.
        home.household.policies.warn(1, name)
        home.household.policies.warn(2, name)
        home.household.policies.warn(1, b"plain.example")
        (event,) = [event for event in events if event["event"] == "lookalike"]
        assert (event["device_id"], event["like"]) == (1, "paypal.com") and event["why"]
        home.ask("settings.set", key="lookalike", value="refuse")
        assert home.household.policy.decide(view, name).blocked
        told = home.ask("explain", name=name.decode())
        assert told["verdict"] == "block" and "This is a guess" in told["how"] and "privacy-agent allow" in told["how"]
        home.ask("allow", name=name.decode())
        assert home.ask("explain", name=name.decode())["verdict"] == "allow"
    finally:
        home.crash()


def test_what_is_missing_is_fetched_at_once_when_the_line_comes(home: Home) -> None:
    feeds, time = feeds_of(home), Time(home)
    feeds.begin(False)
    feeds.ended(False, 0.5)
    feeds.hurry()
    assert feeds.due(True)
    # The job asks each server, whatever pause it is in, and no second one begins beside it.
    feeds.begin(False)
    assert feeds.plan(None)["forced"] and not feeds.due(True)
    feeds.hurry()
    feeds.take_outcome([outcome("one", failures=1, next_at=time.now + 500)], "no list could be had yet", False)
    feeds.ended(True, 0.5)
    assert feeds.due(True)
    feeds.begin(False)
    load(home, "one", time.now)
    feeds.take_outcome([outcome("one"), outcome("two")], "", True)
    feeds.ended(True, 0.5)
    feeds.hurry()
    assert not feeds.due(True) and not feeds.plan(None)["forced"]
    # One list of several is missing.
    feeds.outcomes["two"]["failures"] = 1
    feeds.hurry()
    assert feeds.due(True)


def test_a_night_without_a_line_writes_nothing_to_flash(home: Home) -> None:
    feeds = feeds_of(home)
    before = home.household.state.meta("feeds", "")
    for _ in range(20):
        feeds.begin(False)
        feeds.take_outcome([outcome("one", failures=1)], "no list could be had yet", False)
        feeds.ended(True, 0.5)
    assert home.household.state.meta("feeds", "") == before
    again = FeedState(home.household.settings, home.household.state, home.household.clock)
    assert (again.failures, again.number, again.message) == (20, 20, "no list could be had yet")


def test_a_rollback_ends_with_its_set(home: Home) -> None:
    feeds = feeds_of(home)
    load(home, "one", None)
    feeds.pin = feeds.loaded
    assert feeds.pinned
    load(home, "two", None)
    assert not feeds.pinned
    load(home, "starter-phishing", None)
    feeds.pin = feeds.loaded
    assert not feeds.pinned


class Links:
    """Control, as far as a job's connection needs it."""

    def adopt(self, link: socket.socket, closed: Callable[[], None], role: str) -> None:
        link.close()


def test_a_clock_that_is_set_starts_a_fetch_at_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    household, time = home.household, Time(home)
    home.ask("on", device_id=1, feature="protection", agree=1)
    monkeypatch.setattr(type(household.clock), "is_set", False)
    now, time.now = time.now, 1000
    feeding = ListUpdates(Loop(), household.settings, household, Links(), ["/nonexistent"], 5.0)  # type: ignore[arg-type]
    feeding.begin()
    home.edges.job_starts = True
    time.passes(HOUR)
    feeding.check()
    assert not household.feeds.progress.running
    monkeypatch.setattr(type(household.clock), "is_set", True)
    time.now = now
    feeding.check()
    assert household.feeds.progress.running
