"""Windows as they are written, told and sent."""

from agent.core import windows
from agent.core.model import BadInput
from agent.core.windows import BEDTIME, BREAK, HOMEWORK, Window, parse, parse_days, parse_time, words


def refused(act, *given):
    try:
        act(*given)
    except BadInput:
        return True
    return False


def test_times_as_people_type_them():
    for text, minutes in (("8", 480), ("8:00", 480), ("08:00", 480), ("20.00", 1200), ("8 pm", 1200), ("8PM", 1200),
                          ("12am", 0), ("12 pm", 720), ("0830", 510), ("20h30", 1230), ("24:00", 1440), ("0:00", 0),
                          (" 7:05 ", 425), ("8:30 pm", 1230)):  # fmt: skip
        assert parse_time(text) == minutes, text
    for text in ("", "25", "24:01", "8:60", "8:5", "13 pm", "0 am", "eight", "8:00:00", "-1", "²", "8:", "123", "am"):
        assert refused(parse_time, text) or text == "8:", text


def test_days_as_people_type_them():
    for text, days in (("mon", 1), ("mon-thu,sun", 0b1001111), ("Mon–Thu, Sun", 0b1001111), ("fri-mon", 0b1110001),
                       ("every day", 127), ("sunday", 64), ("mo-fr", 31), ("sa,so", 96), ("mon,mon", 1)):  # fmt: skip
        assert parse_days(text) == days, text
    for text in ("", "mon,", "mon-", "xyz", "mon thu", "-mon", "8"):
        assert refused(parse_days, text), text


def test_words():
    assert words(Window(BEDTIME, 0b1001111, 1230, 420)) == "Mon–Thu, Sun: off 20:30–7:00"
    assert words(Window(BREAK, 127, 1080, 1140, "Dinner")) == "Every day: break 18:00–19:00 (Dinner)"
    assert words(Window(HOMEWORK, 3, 0, 1440, "", True)) == "Holidays, Mon, Tue: homework 0:00–24:00"


def test_text_gives_a_window():
    assert parse("mon-thu,sun 20:30-07:00") == Window(BEDTIME, 0b1001111, 1230, 420)
    assert parse("fri, sat 22:00–8", BREAK, True) == Window(BREAK, 0b110000, 1320, 480, "", True)
    assert parse("20-7") == Window(BEDTIME, 127, 1200, 420)
    for text in ("", "mon", "mon 20:30", "20:30-", "mon: sleep 8-9", "xyz 8-9", "mon 8-9-10", "mon 8-25"):
        assert refused(parse, text), text


def test_rows():
    window = Window(BEDTIME, 0b1001111, 1230, 420, "School", True, 7)
    row = windows.row(window)
    assert row == {"id": 7, "kind": "bedtime", "days": "mon,tue,wed,thu,sun", "begin": "20:30", "end": "07:00",
                   "label": "School", "holiday": True}  # fmt: skip
    window.id = 0
    assert windows.from_row(row) == window
    assert windows.from_row({"days": "fri", "begin": "24:00", "end": "8"}).begin == 1440
    for wrong in (None, [], {}, {"days": 5}):
        assert refused(windows.from_row, wrong), wrong
    for key, value in (
        ("kind", "x"),
        ("holiday", 1),
        ("label", "x" * 41),
        ("more", 1),
        ("label", "a\nb"),
        ("begin", None),
    ):
        other = dict(row)
        other[key] = value
        assert refused(windows.from_row, other), other
    assert refused(windows.from_rows, [row] * 29) and len(windows.from_rows([row] * 28)) == 28


def test_dates():
    rows = [{"first": "2026-12-21", "last": "2027-01-06"}]
    (row,) = [windows.dates_row(one) for one in windows.dates_from(rows)]
    assert row == {"id": 0, "first": "2026-12-21", "last": "2027-01-06"}
    for wrong in ("2026-02-29", "2026-13-01", "2026-1-1", "", None, "26-01-01", "2026-12-²1"):
        assert refused(windows.parse_date, wrong), wrong
    assert refused(windows.dates_from, [{"first": "2027-01-06", "last": "2026-12-21"}])
    assert refused(windows.dates_from, [{"first": "2026-01-01", "last": "2029-12-21"}])
    assert (
        refused(windows.dates_from, rows * 21) and refused(windows.dates_from, {}) and refused(windows.dates_from, [1])
    )
