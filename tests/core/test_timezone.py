"""POSIX time zones: every form of the string, and what the wall clock's times mean when the hour changes."""

from agent.core import timezone
from agent.core.model import BadInput
from agent.core.timezone import DAY_S, UTC, date_of, day_of, parse, read_tzif, weekday

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"


def wall(year, month, day, hour=0, minute=0):
    return day_of(year, month, day) * DAY_S + hour * 3600 + minute * 60


def refused(text):
    try:
        parse(text)
    except BadInput:
        return True
    return False


def test_the_calendar():
    assert day_of(1970, 1, 1) == 0 and weekday(0) == 3
    assert day_of(2000, 3, 1) == 11017 and day_of(2026, 11, 30) == 20787
    for day in range(-1000, 60000, 17):
        assert day_of(*date_of(day)) == day
    assert date_of(day_of(2028, 2, 29)) == (2028, 2, 29)
    assert [timezone.is_leap(year) for year in (1900, 2000, 2026, 2028)] == [False, True, False, True]


def test_forms_of_the_string():
    at = wall(2026, 7, 1)
    for text, seconds in (
        ("UTC0", 0),
        ("EST5", -18000),
        ("<+1030>-10:30", 37800),
        ("<-0330>+3:30:00", -12600),
        ("<+01>-1", 3600),
        (BERLIN, 7200),
        ("CET-1CEST-2,M3.5.0/2:00:00,M10.5.0/03:00", 7200),
        ("EST5EDT", -14400),  # rules of the United States
        ("AEST-10AEDT,M10.1.0,M4.1.0/3", 36000),  # winter
        ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", -3600),
        ("EET-2EEST,M3.4.4/50,M10.4.4/50", 10800),
        ("IST-1GMT0,M10.5.0,M3.5.0/1", 3600),  # "winter time" as the other one
        ("AAA3BBB,J60/0,J300/0", -7200),
        ("AAA3BBB,59/0,300/0", -7200),
        ("EST5EDT,0/0,J365/25", -14400),  # the other one all the year
    ):
        assert parse(text).at(at).seconds == seconds, text
    assert parse(BERLIN).at(at).summer and parse(BERLIN).at(at).name == "CEST"


def test_what_is_no_zone():
    for text in ("", "A", "CE-1", "CET", "CET-25", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1x", "<+01-1",
                 "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J365", "CET-1CEST,366,1",
                 "CET-1CEST,M3.5.0/168,M10.5.0", "Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0;", "X" * 500,
                 "CET-²", "CET-1:60"):  # fmt: skip
        assert refused(text), text


def test_days_of_a_year_with_and_without_29_february():
    julian, counted = parse("AAA0BBB,J60/0,J61/0"), parse("AAA0BBB,59/0,60/0")
    for year in (2027, 2028):
        assert julian.at(wall(year, 3, 1, 12)).summer and not julian.at(wall(year, 2, 28, 12)).summer
    assert counted.at(wall(2027, 3, 1, 12)).summer
    assert counted.at(wall(2028, 2, 29, 12)).summer and not counted.at(wall(2028, 3, 1, 12)).summer


def test_a_time_that_does_not_come_is_read_with_the_offset_before():
    zone = parse(BERLIN)
    gap = wall(2026, 3, 29, 2, 30)
    assert zone.instant(gap) == gap - 3600 and zone.wall(zone.instant(gap)) == wall(2026, 3, 29, 3, 30)
    assert zone.instant(wall(2026, 3, 29, 3)) == wall(2026, 3, 29, 1)


def test_a_time_that_comes_twice_is_the_first():
    zone = parse(BERLIN)
    assert zone.instant(wall(2026, 10, 25, 2, 30)) == wall(2026, 10, 25, 0, 30)
    assert zone.instant(wall(2026, 10, 25, 3)) == wall(2026, 10, 25, 2)


def test_a_night_is_an_hour_shorter_or_longer_only_when_the_hour_changes():
    zone = parse(BERLIN)
    lengths = {}
    for day in range(day_of(2026, 1, 1), day_of(2027, 1, 1)):
        night = zone.instant((day + 1) * DAY_S + 7 * 3600) - zone.instant(day * DAY_S + 21 * 3600)
        if night != 36000:
            lengths[date_of(day)] = night // 3600
    assert lengths == {(2026, 3, 28): 9, (2026, 10, 24): 11}


def test_asking_back_and_forth_gives_the_same():
    fresh, worn = [parse(BERLIN).at, parse(BERLIN)]
    for at in (wall(2026, 7, 1), wall(2039, 1, 1), wall(1971, 1, 1), wall(2026, 3, 29, 1), wall(2026, 3, 29) + 3599):
        assert worn.at(at) == parse(BERLIN).at(at) == fresh(at)
        assert worn.instant(at) == parse(BERLIN).instant(at)
    assert parse(BERLIN).next_change(wall(2026, 12, 31)) == wall(2027, 3, 28, 1)
    assert UTC.next_change(0) is None


def tzif(changes, offsets, footer):
    names = b"AAA\0BBB\0"
    head = b"TZif2" + bytes(15) + bytes(24)
    body = b"TZif2" + bytes(15)
    for count in (0, 0, 0, len(changes), len(offsets), len(names)):
        body += bytes([0, 0, 0, count])
    for at, _ in changes:
        body += bytes([(at >> shift) & 255 for shift in range(56, -8, -8)])
    body += bytes([kind for _, kind in changes])
    for seconds, summer in offsets:
        body += bytes([(seconds >> shift) & 255 for shift in range(24, -8, -8)]) + bytes([summer, 4 * summer])
    return head + body + names + b"\n" + footer + b"\n"


def test_a_file_s_changes_come_before_its_footer():
    first, last = wall(2026, 2, 1), wall(2026, 3, 1)
    zone = read_tzif(tzif([(first, 0), (last, 1)], [(0, 0), (3600, 1)], b"BBB-1"))
    assert [zone.at(at).seconds for at in (first, last - 1, last, wall(2040, 1, 1))] == [0, 0, 3600, 3600]
    assert zone.at(last).name == "BBB" and zone.text == "BBB-1"


def test_files_that_are_none():
    good = tzif([(5, 0)], [(0, 0)], b"AAA0")
    assert read_tzif(good).at(9).seconds == 0
    for data in [good[:end] for end in range(len(good) - 1)] + [b"", b"TZif" + bytes(60), good.replace(b"AAA0", b"AA")]:
        try:
            read_tzif(data)
        except BadInput:
            continue
        raise AssertionError(data)


def test_a_file_whose_names_are_no_text():
    good = tzif([(5, 0)], [(0, 0)], b"AAA0")
    for data in (
        tzif([(5, 0)], [(0, 0)], b"AAA\xff0"),
        good.replace(b"AAA\0", b"A\xd2A\0"),
        good.replace(b"A", b"\xd2"),
    ):
        if data != good:
            try:
                read_tzif(data)
                raise AssertionError("taken")
            except BadInput:
                pass
