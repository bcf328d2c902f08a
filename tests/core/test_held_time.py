"""What was given once, as rows of the ledger tell it, and for how long that held."""

from agent.core.held_time import Note, held_s, overlap, spans
from agent.core.schedule import Rules
from agent.core.timezone import UTC
from agent.core.windows import from_rows

HOUR = 3600
NIGHT = from_rows([{"kind": "bedtime", "days": "mon,tue,wed,thu,fri,sat,sun", "begin": "20:00", "end": "06:00"}])


def told(*notes):
    return [(one.kind, one.begin // HOUR, one.until // HOUR) for one in spans(list(notes))]


def test_an_internet_off_ends_with_its_release():
    hold = Note(10 * HOUR, "hold", "", 14 * HOUR)
    assert told(hold) == [("off", 10, 14)]
    assert told(hold, Note(12 * HOUR, "release")) == [("off", 10, 12)]
    assert told(Note(9 * HOUR, "release"), hold) == [("off", 10, 14)]


def test_the_last_word_counts():
    free = Note(10 * HOUR, "extend", "free", 14 * HOUR)
    assert told(free, Note(11 * HOUR, "hold", "", 12 * HOUR)) == [("free", 10, 11), ("off", 11, 12)]
    assert told(free, Note(11 * HOUR, "extend", "free", 13 * HOUR)) == [("free", 10, 11), ("free", 11, 13)]
    later = Note(18 * HOUR, "extend", "later", 21 * HOUR)
    assert told(later, Note(20 * HOUR, "extend", "earlier", 30 * HOUR)) == [("later", 18, 20), ("earlier", 20, 30)]


def test_what_means_nothing_is_left_out():
    assert told(Note(1, "limit"), Note(2, "extend", "bonus", 9 * HOUR), Note(9 * HOUR, "hold", "", HOUR)) == []


def test_held_counts_windows_and_what_was_given():
    def held(begin, end, *notes):
        return held_s(Rules(NIGHT, [], spans(list(notes))), begin * HOUR, end * HOUR, UTC) / HOUR

    assert held(24, 48) == 10 and held(24, 21 + 24) == 7 and held(30, 40) == 0
    assert held(24, 48, Note(44 * HOUR, "extend", "off", 54 * HOUR)) == 6
    assert held(24, 48, Note(32 * HOUR, "hold", "", 34 * HOUR)) == 12
    assert held(24, 48, Note(25 * HOUR, "extend", "free", 26 * HOUR)) == 9
    assert held(24, 48, Note(42 * HOUR, "extend", "earlier", 54 * HOUR)) == 12


def test_a_week_of_windows():
    assert held_s(Rules(NIGHT, [], []), 0, 7 * 24 * HOUR, UTC) == 70 * HOUR
    assert held_s(Rules([], [], []), 0, 7 * 24 * HOUR, UTC) == 0


def test_overlap_joins_and_cuts():
    assert overlap([(5, 9), (1, 3), (3, 4), (20, 30)], 2, 25) == [(2, 4), (5, 9), (20, 25)]
    assert overlap([(1, 10), (2, 3), (5, 5)], 0, 8) == [(1, 8)]
    assert overlap([(9, 5), (30, 40)], 10, 20) == []
