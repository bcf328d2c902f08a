"""Who is held, why and until when."""

from agent.core.schedule import ALLOWANCE, EARLIER, FREE, LATER, OFF, Change, Decision, Rules, Span, decide, next_change
from agent.core.timezone import DAY_S, day_of, parse
from agent.core.windows import BEDTIME, BREAK, HOMEWORK, Dates, Window

ZONE = parse("CET-1CEST,M3.5.0,M10.5.0/3")
NIGHT = Window(BEDTIME, 127, 1230, 420)


def at(month, day, hour=0, minute=0, year=2026):
    return ZONE.instant(day_of(year, month, day) * DAY_S + hour * 3600 + minute * 60)


def rules(*windows, spans=(), dates=()):
    return Rules(list(windows), list(dates), list(spans))


def test_past_midnight():
    mine = rules(NIGHT)
    assert decide(mine, at(12, 1, 20, 29), ZONE) == Decision(False)
    for hour, day in ((20, 1), (23, 1), (0, 2), (6, 2)):
        assert decide(mine, at(12, day, hour, 30), ZONE) == Decision(True, BEDTIME, "", at(12, 2, 7))
    assert decide(mine, at(12, 2, 7), ZONE) == Decision(False)
    assert next_change(mine, at(12, 2, 7), ZONE) == Change(True, BEDTIME, at(12, 2, 20, 30))
    assert next_change(mine, at(12, 2, 21), ZONE) == Change(False, "", at(12, 3, 7))


def test_nothing_ruled_nothing_changes():
    assert decide(rules(), at(12, 1), ZONE) == Decision(False) and next_change(rules(), at(12, 1), ZONE) is None


def test_all_day_every_day_has_no_end_in_sight():
    mine = rules(Window(BEDTIME, 127, 0, 0))
    assert (
        decide(mine, at(12, 1, 12), ZONE) == Decision(True, BEDTIME) and next_change(mine, at(12, 1, 12), ZONE) is None
    )


def test_a_begin_at_24_is_the_midnight_that_ends_the_day():
    mine = rules(Window(BEDTIME, 1 << 4, 1440, 480))  # Friday
    assert not decide(mine, at(12, 4, 23, 59), ZONE).held
    assert decide(mine, at(12, 5), ZONE) == Decision(True, BEDTIME, "", at(12, 5, 8))


def test_from_24_to_0_is_the_whole_next_day():
    for end in (0, 1440):
        mine = rules(Window(BEDTIME, 1 << 4, 1440, end))  # Friday
        assert not decide(mine, at(12, 4, 23, 59), ZONE).held
        assert decide(mine, at(12, 5), ZONE) == Decision(True, BEDTIME, "", at(12, 6))


def test_overlapping_windows_are_one_and_the_strictest_tells():
    mine = rules(NIGHT, Window(HOMEWORK, 127, 1200, 1260, "Maths"), Window(BREAK, 127, 400, 440, "Wash"))
    assert decide(mine, at(12, 1, 20), ZONE) == Decision(True, HOMEWORK, "Maths", at(12, 2, 7, 20))
    assert next_change(mine, at(12, 1, 20), ZONE) == Change(True, BEDTIME, at(12, 1, 20, 30))
    assert decide(mine, at(12, 2, 7), ZONE) == Decision(True, BREAK, "Wash", at(12, 2, 7, 20))


def test_order_of_what_applies():
    now, soon, later = at(12, 1, 21), at(12, 1, 22), at(12, 1, 23)
    spans = [Span(ALLOWANCE, now, later), Span(EARLIER, now, later, BREAK, "x"), Span(LATER, now, later),
             Span(OFF, now, soon), Span(FREE, now, soon)]  # fmt: skip
    free = Decision(False)
    assert decide(rules(NIGHT, spans=spans), now, ZONE) == free
    assert decide(rules(NIGHT, spans=spans[:4]), now, ZONE) == Decision(True, OFF, "", soon)
    assert decide(rules(NIGHT, spans=spans[:3]), now, ZONE) == free
    assert decide(rules(NIGHT, spans=spans[:2]), now, ZONE) == Decision(True, BREAK, "x", at(12, 2, 7))
    assert decide(rules(NIGHT, spans=spans[:1]), now, ZONE) == Decision(True, BEDTIME, "", at(12, 2, 7))
    assert decide(rules(spans=spans[:1]), now, ZONE) == Decision(True, ALLOWANCE, "", later)
    assert next_change(rules(NIGHT, spans=spans[:3]), soon, ZONE) == Change(True, BEDTIME, later)


def test_of_two_holds_the_longer_wins():
    now = at(12, 1, 12)
    mine = rules(spans=[Span(OFF, now, now + 60), Span(OFF, now, now + 600), Span(OFF, now - 60, now + 30)])
    assert decide(mine, now, ZONE) == Decision(True, OFF, "", now + 600)


def test_until_looks_through_what_follows():
    now = at(12, 1, 20)
    mine = rules(NIGHT, spans=[Span(OFF, now, at(12, 1, 20, 30)), Span(FREE, at(12, 2, 6), at(12, 2, 6, 30))])
    assert decide(mine, now, ZONE) == Decision(True, OFF, "", at(12, 2, 6))


def test_holidays_use_their_own_windows():
    late = Window(BEDTIME, 127, 1380, 540, "", True)
    mine = rules(NIGHT, late, dates=[Dates(day_of(2026, 12, 21), day_of(2027, 1, 6))])
    # The window belongs to the day on which it begins.
    assert decide(mine, at(12, 21, 6), ZONE).until == at(12, 21, 7)
    assert not decide(mine, at(12, 21, 22), ZONE).held and decide(mine, at(12, 21, 23), ZONE).until == at(12, 22, 9)
    assert decide(mine, at(1, 7, 8, 0, 2027), ZONE).held and decide(mine, at(1, 7, 21, 0, 2027), ZONE).held
    assert not decide(rules(NIGHT, dates=[Dates(day_of(2026, 12, 1), day_of(2026, 12, 1))]), at(12, 1, 21), ZONE).held


def test_when_the_hour_changes():
    mine = rules(NIGHT, Window(BREAK, 127, 150, 180))  # 2:30–3:00
    begin = decide(mine, at(3, 28, 21), ZONE)
    assert begin.until == at(3, 29, 7) and begin.until - at(3, 28, 20, 30) == 9.5 * 3600
    # 2:30 is read as 3:30, so nothing is left of 2:30–3:00.
    only = rules(Window(BREAK, 127, 150, 180))
    assert next_change(only, at(3, 28, 3), ZONE) == Change(True, BREAK, at(3, 30, 2, 30))
    # The first of the two 2:30s until the only 3:00: an hour and a half.
    assert decide(only, at(10, 25, 2, 30), ZONE).until == at(10, 25, 2, 30) + 5400


def test_a_line_laid_out_for_one_day_serves_any_other():
    mine = rules(NIGHT, Window(BREAK, 127, 1080, 1140))
    for when in (at(12, 1, 12), at(3, 28, 23), at(1, 1), at(12, 1, 12), at(7, 1, 18, 30), at(12, 9, 3)):
        fresh = rules(NIGHT, Window(BREAK, 127, 1080, 1140))
        assert decide(mine, when, ZONE) == decide(fresh, when, ZONE)
        assert next_change(mine, when, ZONE) == next_change(fresh, when, ZONE)
    other = parse("EST5")
    assert decide(mine, at(12, 1, 18, 30), other) == decide(rules(NIGHT), at(12, 1, 18, 30), other)
