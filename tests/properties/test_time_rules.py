"""The zones of this system, random schedules against a walk by the standard library, and text that comes back."""

import hashlib
import importlib.resources
import os
import random
import zoneinfo
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core import windows
from agent.core.schedule import EARLIER, FREE, LATER, OFF, Rules, Span, decide, next_change
from agent.core.timezone import DAY_S, Zone, date_of, parse, read_tzif
from agent.core.windows import KINDS, Dates, Window

FIRST, LAST = 1_767_225_600, 2_240_611_200  # 2026 until 2041
EPOCH = datetime(1970, 1, 1)
# Their governments go by Ramadan, which no rule of a year tells; where there is a file its own changes are right.
WITHOUT_RULES = {"Africa/Casablanca", "Africa/El_Aaiun", "Asia/Gaza", "Asia/Hebron"}
TRIED = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo",
         "America/Asuncion", "Antarctica/Troll", "Europe/Dublin", "Pacific/Apia", "Asia/Gaza")  # fmt: skip


def file_of(name: str) -> bytes:
    for folder in zoneinfo.TZPATH:
        path = os.path.join(folder, name)
        if os.path.exists(path):
            with open(path, "rb") as file:
                return file.read()
    return importlib.resources.files("tzdata").joinpath("zoneinfo", name).read_bytes()


def zones() -> list[tuple[str, bytes]]:
    """One name for each file that differs."""
    found = {hashlib.sha256(file_of(name)).digest(): name for name in sorted(zoneinfo.available_timezones())}
    return sorted((name, file_of(name)) for name in found.values())


ALL = zones()
pytestmark = pytest.mark.skipif(not ALL, reason="no time zones on this system")


def posix(data: bytes) -> Zone:
    return parse(data.split(b"\n")[-2].decode())


def offset_of(zone: zoneinfo.ZoneInfo, at: int) -> tuple[int, bool]:
    moment = datetime.fromtimestamp(at, zone)
    return int(moment.utcoffset().total_seconds()), bool(moment.dst())  # type: ignore[union-attr]


def changes_of(zone: zoneinfo.ZoneInfo) -> list[int]:
    """By looking every four days and halving."""
    found, step = [], 4 * DAY_S
    before = offset_of(zone, FIRST)
    for at in range(FIRST + step, LAST, step):
        after = offset_of(zone, at)
        if after != before:
            low, high = at - step, at
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset_of(zone, middle) == before else (low, middle)
            found.append(high)
        before = after
    return found


def test_every_zone_until_2040() -> None:
    """Offset, summer time and what a time of the wall clock means, around each change and all over the years."""
    wrong: dict[str, set[str]] = {"file": set(), "posix": set()}
    shuffled = random.Random(1)
    for name, data in ALL:
        theirs = zoneinfo.ZoneInfo(name)
        around = [at + step for at in changes_of(theirs) for step in (-7201, -3600, -1800, -1, 0, 1, 1799, 3600, 7200)]
        moments = sorted(around) + [shuffled.randrange(FIRST, LAST) for _ in range(200)]
        for how, ours in (("file", read_tzif(data)), ("posix", posix(data))):
            for at in moments:
                seconds, _ = offset_of(theirs, at)
                wall = at + seconds
                instant = int((EPOCH + timedelta(seconds=wall)).replace(tzinfo=theirs).timestamp())
                if ours.at(at).seconds != seconds or ours.instant(wall) != instant or ours.wall(at) != wall:
                    wrong[how].add(name)
    assert wrong == {"file": set(), "posix": WITHOUT_RULES}


# Schedules

OURS = {name: read_tzif(file_of(name)) for name in TRIED if ALL}
CHANGES = {name: changes_of(zoneinfo.ZoneInfo(name)) for name in TRIED[:4] if ALL}
minutes = st.one_of(st.integers(0, 1440), st.sampled_from([0, 60, 120, 150, 180, 1380, 1440]))
labels = st.sampled_from(["", "School", "Dinner (late)", "Übung – 1"])
window = st.builds(Window, st.sampled_from(KINDS), st.integers(1, 127), minutes, minutes, labels, st.booleans())


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, int]:
    name = draw(st.sampled_from(TRIED))
    if name in CHANGES and CHANGES[name] and draw(st.booleans()):
        return name, draw(st.sampled_from(CHANGES[name])) + draw(st.integers(-2 * DAY_S, 2 * DAY_S))
    return name, draw(st.integers(FIRST, LAST))


@st.composite
def lives(draw: st.DrawFn) -> tuple[str, int, list[Window], list[Dates]]:
    name, at = draw(moments())
    today = OURS[name].wall(at) // DAY_S
    ranges = draw(st.lists(st.tuples(st.integers(-4, 9), st.integers(0, 9)), max_size=2))
    dates = [Dates(today + first, today + first + length) for first, length in ranges]
    return name, at, draw(st.lists(window, max_size=8)), dates


def spans_around(at: int) -> st.SearchStrategy[list[Span]]:
    one = st.tuples(
        st.sampled_from([FREE, OFF, LATER, EARLIER]), st.integers(-DAY_S, 3 * DAY_S), st.integers(1, 2 * DAY_S)
    )
    return st.lists(one, max_size=4).map(
        lambda found: [Span(kind, at + begin, at + begin + n) for kind, begin, n in found]
    )


def walked(given_windows: list[Window], dates: list[Dates], at: int, zone: zoneinfo.ZoneInfo) -> str:
    """The kind that holds, by the standard library alone."""
    today = (datetime.fromtimestamp(at, zone).replace(tzinfo=None) - EPOCH).days
    held = set()
    for day in range(today - 3, today + 3):
        holiday = any(one.first <= day <= one.last for one in dates)
        for one in given_windows:
            if one.days >> (day + 3) % 7 & 1 and one.holiday == holiday:
                midnight = EPOCH + timedelta(days=day)
                length = one.end - one.begin if one.end > one.begin else one.end - one.begin + 1440
                begin = (midnight + timedelta(minutes=one.begin)).replace(tzinfo=zone, fold=0)
                end = (midnight + timedelta(minutes=one.begin + length)).replace(tzinfo=zone, fold=0)
                if begin.timestamp() <= at < end.timestamp():
                    held.add(KINDS.index(one.kind))
    return KINDS[min(held)] if held else ""


@given(lives())
@settings(max_examples=60, deadline=None)
def test_equals_a_walk_minute_by_minute(life: tuple[str, int, list[Window], list[Dates]]) -> None:
    name, start, given_windows, dates = life
    rules, zone = Rules(given_windows, dates, []), zoneinfo.ZoneInfo(name)
    for at in range(start - start % 60, start + 300 * 60, 60):
        assert decide(rules, at, OURS[name]).why == walked(given_windows, dates, at, zone), at


@given(st.data(), lives())
@settings(max_examples=150, deadline=None)
def test_nothing_changes_before_the_next_change(
    data: st.DataObject, life: tuple[str, int, list[Window], list[Dates]]
) -> None:
    name, at, given_windows, dates = life
    rules = Rules(given_windows, dates, data.draw(spans_around(at)))
    now, change = decide(rules, at, OURS[name]), next_change(rules, at, OURS[name])
    end = change.at if change else at + 8 * DAY_S
    for moment in [at, end - 1, *(data.draw(st.integers(at, end - 1)) for _ in range(8))]:
        then = decide(rules, moment, OURS[name])
        assert (then.held, then.why, then.label) == (now.held, now.why, now.label)
    if change:
        then = decide(rules, change.at, OURS[name])
        assert (then.held, then.why) == (change.held, change.why)
        assert (then.held, then.why, then.label) != (now.held, now.why, now.label)
    if now.until is not None:
        assert decide(rules, now.until - 1, OURS[name]).held and not decide(rules, now.until, OURS[name]).held


def merged(given_windows: list[Window]) -> list[Window]:
    """Overlapping windows of a day and kind as one, where that is at most a day long."""
    found: list[Window] = []
    for day in range(7):
        for kind in KINDS:
            for holiday in (False, True):
                same = [
                    one for one in given_windows if one.days >> day & 1 and (one.kind, one.holiday) == (kind, holiday)
                ]
                spans: list[list[int]] = []
                for begin, length in sorted((one.begin, one.minutes) for one in same):
                    if spans and begin <= spans[-1][1] and max(begin + length, spans[-1][1]) - spans[-1][0] <= 1440:
                        spans[-1][1] = max(begin + length, spans[-1][1])
                    else:
                        spans.append([begin, begin + length])
                found += [Window(kind, 1 << day, begin, (end - 1) % 1440 + 1, "", holiday) for begin, end in spans]
    return found


@given(lives())
@settings(max_examples=80, deadline=None)
def test_merging_windows_changes_nothing(life: tuple[str, int, list[Window], list[Dates]]) -> None:
    name, start, given_windows, dates = life
    one, other = Rules(given_windows, dates, []), Rules(merged(given_windows), dates, [])
    zone = OURS["Asia/Kathmandu"]  # without changes: where a time does not come, two windows are not one
    for at in range(start, start + 2 * DAY_S, 1733):
        assert decide(one, at, zone).why == decide(other, at, zone).why


@given(lives(), st.integers(-12 * 60, 14 * 60))
@settings(max_examples=80, deadline=None)
def test_another_zone_shifts_the_instants(life: tuple[str, int, list[Window], list[Dates]], shift: int) -> None:
    _, at, given_windows, dates = life
    sign = "-" if shift > 0 else ""
    there = parse(f"<XXX>{sign}{abs(shift) // 60}:{abs(shift) % 60:02}")
    here = parse("UTC0")
    rules = Rules(given_windows, dates, [])
    one, other = next_change(rules, at, here), next_change(rules, at - shift * 60, there)
    assert (one is None) == (other is None)
    assert one is None or other is None or one.at == other.at + shift * 60
    assert decide(rules, at, here).why == decide(rules, at - shift * 60, there).why


@given(st.data(), lives())
@settings(max_examples=80, deadline=None)
def test_an_exception_changes_only_what_is_within_it(
    data: st.DataObject, life: tuple[str, int, list[Window], list[Dates]]
) -> None:
    name, at, given_windows, dates = life
    spans = data.draw(spans_around(at))
    length = data.draw(st.integers(1, DAY_S))
    more = Span(data.draw(st.sampled_from([FREE, OFF, LATER, EARLIER])), at, at + length)
    without, having = Rules(given_windows, dates, spans), Rules(given_windows, dates, [*spans, more])
    for moment in [at - 1, at + length, *(data.draw(st.integers(at - DAY_S, at + 3 * DAY_S)) for _ in range(12))]:
        if not more.begin <= moment < more.until:
            assert decide(without, moment, OURS[name]).why == decide(having, moment, OURS[name]).why


@given(window)
def test_text_windows_words_windows(one: Window) -> None:
    said = windows.words(one)
    assert windows.parse(said) == one and windows.words(windows.parse(said)) == said
    assert windows.from_row(windows.row(one)) == one


@given(st.text(max_size=40))
def test_any_text_is_a_window_or_bad_input(text: str) -> None:
    for read in (windows.parse, windows.parse_time, windows.parse_days, windows.parse_date, parse):
        try:
            read(text)
        except windows.BadInput:
            continue


@given(st.binary(max_size=200))
def test_any_bytes_are_a_zone_or_bad_input(data: bytes) -> None:
    for given_bytes in (data, b"TZif2" + data, b"TZif2" + bytes(39) + b"TZif2" + data):
        try:
            read_tzif(given_bytes)
        except windows.BadInput:
            continue


def test_the_walk_of_this_file_knows_the_calendar() -> None:
    for day in range(0, 40000, 37):
        assert (EPOCH + timedelta(days=day)).timetuple()[:3] == date_of(day)
    assert datetime.fromtimestamp(FIRST, UTC).year == 2026
