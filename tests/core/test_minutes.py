"""Minutes of use: what is busy, what counts, and how two devices of one person add up."""

from agent.core.minutes import DAY_BITS, alone, busy, counted, mark, minutes, union


def day(*busy_minutes):
    made = 0
    for minute in busy_minutes:
        made = mark(made, minute)
    return made


def test_what_is_busy():
    assert not busy(0, 0) and not busy(59, 5000)
    assert busy(60, 5000) and busy(3000, 1900000)
    assert not busy(1800, 2500000)  # a backup of photos: full packets
    assert busy(5000, 2500000)  # a call: many small ones


def test_a_lone_minute_counts_nothing():
    assert minutes(day(100)) == 0
    assert minutes(day(100, 103)) == 0
    assert minutes(0) == 0


def test_neighbours_count_and_a_single_pause_is_bridged():
    assert counted(day(100, 101)) == day(100, 101)
    assert counted(day(100, 102)) == day(100, 101, 102)
    assert counted(day(0, 1)) == day(0, 1)
    assert counted(day(DAY_BITS - 2, DAY_BITS - 1)) == day(DAY_BITS - 2, DAY_BITS - 1)


def test_a_video_s_buffer():
    """Fetched every other minute."""
    assert 55 <= minutes(day(*[minute for minute in range(600, 660) if minute % 2])) <= 65


def test_an_idle_phone():
    """A sync every quarter of an hour through a night."""
    assert minutes(day(*range(0, 480, 15))) <= 5


def test_two_screens_at_once_are_one_minute():
    tablet, phone = day(10, 11, 12, 13), day(12, 13, 14, 15)
    assert alone([tablet, phone]) == [4, 2]
    assert alone([phone, tablet]) == [4, 2]
    assert union([tablet, phone]) == 6
    assert union([]) == 0


def test_no_minute_outside_of_the_day():
    assert mark(0, -1) == mark(0, DAY_BITS) == 0
    assert minutes(day(DAY_BITS, DAY_BITS + 1)) == 0
