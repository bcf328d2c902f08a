"""When the day of an allowance begins, with bedtimes of all kinds."""

from agent.core.allowance_day import day_at
from agent.core.schedule import Timeline
from agent.core.timezone import DAY_S, parse
from agent.core.windows import BEDTIME, Window
from agent.core.windows import parse as window

BERLIN = parse("CET-1CEST,M3.5.0,M10.5.0/3")
TUESDAY = 20788  # 1 December 2026


def at(hour: int, minute: int = 0, day: int = TUESDAY) -> int:
    return BERLIN.instant(day * DAY_S + hour * 3600 + minute * 60)


def look(when: int, *windows: str) -> "tuple[int, int]":
    made = [window(text) for text in windows]
    found = day_at(Timeline(made, []), when, BERLIN)
    return found.number - TUESDAY, found.until


def test_without_bedtime_a_day_is_from_midnight_to_midnight() -> None:
    assert look(at(0)) == (0, at(0, 0, TUESDAY + 1)) and look(at(0) - 1) == (-1, at(0))
    assert look(at(3), "every day 18:00-19:00") == (0, at(0, 0, TUESDAY + 1))


def test_a_day_begins_when_the_nights_bedtime_ends() -> None:
    night = "every day 20:30-07:00"
    assert look(at(6, 59), night) == (-1, at(7)) and look(at(7), night) == (0, at(7, 0, TUESDAY + 1))
    late = "every day 1:00-9:00"
    assert look(at(0, 30), late) == (-1, at(9)) and look(at(9), late) == (0, at(9, 0, TUESDAY + 1))
    assert look(at(0, 30), "every day 24:00-8:00") == (-1, at(8))


def test_only_that_nights() -> None:
    assert look(at(0, 30), "every day 19:00-23:00") == (0, at(0, 0, TUESDAY + 1))
    assert look(at(5), "every day 7:00-8:00") == (0, at(0, 0, TUESDAY + 1))
    assert look(at(1), "mon 20:30-07:00") == (-1, at(7))
    assert look(at(1), "tue 20:30-07:00") == (0, at(7, 0, TUESDAY + 1))


def test_several_of_a_night_are_one() -> None:
    assert look(at(2, 30), "every day 20:00-2:00", "every day 3:00-7:00") == (-1, at(7))
    labelled = [Window(BEDTIME, 127, 1200, 420, "sleep"), Window(BEDTIME, 127, 420, 480, "breakfast")]
    assert day_at(Timeline(labelled, []), at(7, 30), BERLIN).number == TUESDAY - 1


def test_a_day_begins_by_noon() -> None:
    always = "every day 20:00-20:00"
    assert look(at(11, 59), always) == (-1, at(12)) and look(at(12), always) == (0, at(12, 0, TUESDAY + 1))


def test_every_instant_has_one_day_through_a_change_of_hour() -> None:
    line = Timeline([window("every day 1:00-3:00")], [])
    before = None
    for when in range(at(0, 0, 20751), at(0, 0, 20753), 600):  # 25 October 2026
        found = day_at(line, when, BERLIN)
        assert when < found.until and (before is None or found.number in (before.number, before.number + 1))
        assert before is None or found.number == before.number or before.until <= when
        before = found
