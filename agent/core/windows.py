"""Weekly windows of a person or device: text ↔ windows ↔ words ↔ rows of the API.

A window belongs to the days on which it begins. One that ends at or before its begin ends on the next day;
begin and end the same are 24 hours, 24:00 and 0:00 too. A begin of 24:00 is the midnight that ends the day.
"""

from agent.core.digits import whole
from agent.core.model import BadInput, Sentence, Value
from agent.core.timezone import date_of, day_of

BEDTIME, BREAK, HOMEWORK = "bedtime", "break", "homework"
KINDS = (BEDTIME, BREAK, HOMEWORK)  # of two at once the first tells: it lets through the least
WINDOWS_MAX = 28  # an owner: four for each day of the week
DATES_MAX = 20
DATES_DAYS_MAX = 366
LABEL_MAX = 40
MINUTES = 1440
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALL_DAYS = 127
_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_GERMAN = ("mo", "di", "mi", "do", "fr", "sa", "so")
_WORDS = {BEDTIME: "off", BREAK: "break", HOMEWORK: "homework"}


class Window(Value):
    """`days` has bit 0 for Monday; `begin` and `end` are minutes of the wall clock, 0–1440. `holiday` windows take the
    place of the others on the days that the owner's dates name."""

    __slots__ = ("id", "kind", "days", "begin", "end", "label", "holiday")

    def __init__(
        self, kind: str, days: int, begin: int, end: int, label: str = "", holiday: bool = False, id: int = 0
    ) -> None:
        self.id = id
        self.kind = kind
        self.days = days
        self.begin = begin
        self.end = end
        self.label = label
        self.holiday = holiday

    @property
    def minutes(self) -> int:
        return (self.end - self.begin - 1) % MINUTES + 1


class Dates(Value):
    """Holidays: days since 1970, both included."""

    __slots__ = ("id", "first", "last")

    def __init__(self, first: int, last: int, id: int = 0) -> None:
        self.id = id
        self.first = first
        self.last = last


# Times and days


def parse_time(text: str) -> int:
    """Minutes; 8, 8:00, 20.00, 0830, "8 pm", "12am"."""
    given = text.strip().lower()
    half = given[-2:] if given[-2:] in ("am", "pm") else ""
    rest = (given[:-2] if half else given).strip().replace(".", ":").replace("h", ":")
    if ":" not in rest and len(rest) == 4:
        rest = rest[:2] + ":" + rest[2:]
    hours, _, minutes = rest.partition(":")
    hour, minute = whole(hours), whole(minutes or "0")
    good = hour is not None and minute is not None and len(minutes) in (0, 2) and len(hours) < 3
    if not good or hour is None or minute is None:
        raise BadInput(Sentence("not a time: {}; write 20:30", repr(text)))
    if half:
        if not 1 <= hour <= 12:
            raise BadInput(Sentence("not a time: {}; write 20:30", repr(text)))
        hour = hour % 12 + (12 if half == "pm" else 0)
    if minute > 59 or hour * 60 + minute > MINUTES:
        raise BadInput(Sentence("not a time: {}; write 20:30", repr(text)))
    return hour * 60 + minute


def time_text(minutes: int) -> str:
    """20:30, 7:00"""
    return str(minutes // 60) + ":" + _two(minutes % 60)


def _two(number: int) -> str:
    return ("0" if number < 10 else "") + str(number)


def parse_days(text: str) -> int:
    """Names of days and ranges of them: "mon-thu,sun", "Fri–Mon", "every day"."""
    given = text.strip().lower().replace("–", "-").replace(" ", "")
    if given in ("everyday", "daily", "all"):
        return ALL_DAYS
    days = 0
    for part in given.split(","):
        first, dash, last = part.partition("-")
        day, end = _day(first, text), _day(last if dash else first, text)
        days |= 1 << day
        while day != end:
            day = (day + 1) % 7
            days |= 1 << day
    return days


def _day(word: str, text: str) -> int:
    for names in (DAYS, _LONG, _GERMAN):
        if word in names:
            return names.index(word)
    raise BadInput(Sentence("not days: {}; write mon-thu,sun", repr(text)))


def days_words(days: int) -> str:
    """Mon–Thu, Sun"""
    if days == ALL_DAYS:
        return "Every day"
    parts: list[str] = []
    day = 0
    while day < 7:
        if not days >> day & 1:
            day += 1
            continue
        last = day
        while last < 6 and days >> (last + 1) & 1:
            last += 1
        if last - day < 2:
            last = day
            parts.append(_title(day))
        else:
            parts.append(_title(day) + "–" + _title(last))
        day = last + 1
    return ", ".join(parts)


def _title(day: int) -> str:
    return DAYS[day][0].upper() + DAYS[day][1:]


# Words


def words(window: Window) -> str:
    """ "Mon–Thu, Sun: off 20:30–7:00", "Holidays, every day: break 18:00–19:00 (Dinner)" """
    days = days_words(window.days)
    if window.holiday:
        days = "Holidays, " + (days[0].lower() + days[1:] if window.days == ALL_DAYS else days)
    label = " (" + window.label + ")" if window.label else ""
    span = time_text(window.begin) + "–" + time_text(window.end)
    return days + ": " + _WORDS[window.kind] + " " + span + label


def parse(text: str, kind: str = BEDTIME, holiday: bool = False) -> Window:
    """What `words` writes, or "mon-thu,sun 20:30-07:00" of the given kind. BadInput."""
    given, label = text.strip().replace("–", "-"), ""
    if given[-1:] == ")" and " (" in given:
        at = given.index(" (")
        given, label = given[:at], text.strip()[at + 2 : -1]
    if given[:10].lower() == "holidays, ":
        given, holiday = given[10:], True
    days, colon, span = given.partition(": ")
    if colon:
        word, _, span = span.strip().partition(" ")
        kinds = [one for one in KINDS if _WORDS[one] == word]
        if not kinds:
            raise BadInput(Sentence("not a window: {}; write mon-thu,sun 20:30-07:00", repr(text)))
        kind = kinds[0]
    else:
        days, span = _split(given)
    begin, dash, end = span.partition("-")
    if not dash:
        raise BadInput(Sentence("not a window: {}; write mon-thu,sun 20:30-07:00", repr(text)))
    return checked(
        Window(kind, parse_days(days) if days.strip() else ALL_DAYS, parse_time(begin), parse_time(end), label, holiday)
    )


def _split(text: str) -> tuple[str, str]:
    """Days, and what begins with the first digit."""
    for at, letter in enumerate(text):
        if letter in "0123456789":
            return text[:at], text[at:]
    return text, ""


def checked(window: Window) -> Window:
    """The same; BadInput where it is none."""
    if window.kind not in KINDS:
        raise BadInput(Sentence("a window is for {}, not {}", ", ".join(KINDS), repr(window.kind)))
    if not 0 < window.days <= ALL_DAYS:
        raise BadInput("a window needs a day")
    if not 0 <= window.begin <= MINUTES or not 0 <= window.end <= MINUTES:
        raise BadInput("a window's times are between 0:00 and 24:00")
    if len(window.label) > LABEL_MAX or any(letter < " " for letter in window.label):
        raise BadInput(Sentence("a window's name is at most {} characters", LABEL_MAX))
    return window


# Rows of the API


def row(window: Window) -> dict[str, object]:
    days = [DAYS[day] for day in range(7) if window.days >> day & 1]
    return {
        "id": window.id,
        "kind": window.kind,
        "days": ",".join(days),
        "begin": _two(window.begin // 60) + ":" + _two(window.begin % 60),
        "end": _two(window.end // 60) + ":" + _two(window.end % 60),
        "label": window.label,
        "holiday": window.holiday,
    }


def from_row(given: object) -> Window:
    """BadInput says what is wrong."""
    if not isinstance(given, dict):
        raise BadInput("a window is an object with kind, days, begin and end")
    for key in given:
        if key not in Window.__slots__:
            raise BadInput(Sentence("a window has no {}", repr(key)))
    texts = [
        given.get("kind", BEDTIME),
        given.get("days"),
        given.get("begin"),
        given.get("end"),
        given.get("label", ""),
    ]
    holiday = given.get("holiday", False)
    if not all([isinstance(text, str) for text in texts]) or not isinstance(holiday, bool):
        raise BadInput("a window is an object with kind, days, begin and end")
    kind, days, begin, end, label = [str(text) for text in texts]
    return checked(Window(kind, parse_days(days), parse_time(begin), parse_time(end), label.strip(), holiday))


def from_rows(given: object) -> list[Window]:
    if not isinstance(given, list):
        raise BadInput("windows are a list")
    if len(given) > WINDOWS_MAX:
        raise BadInput(Sentence("there is room for {} windows", WINDOWS_MAX))
    return [from_row(one) for one in given]


def parse_date(text: object) -> int:
    """2026-12-21 → days since 1970."""
    parts = text.strip().split("-") if isinstance(text, str) else []
    numbers = [whole(part) for part in parts]
    if len(parts) == 3 and [len(part) for part in parts] == [4, 2, 2] and None not in numbers:
        year, month, day = [number or 0 for number in numbers]
        if year >= 1970 and 1 <= month <= 12 and date_of(day_of(year, month, day)) == (year, month, day):
            return day_of(year, month, day)
    raise BadInput(Sentence("not a date: {}; write 2026-12-21", repr(text)))


def date_text(day: int) -> str:
    year, month, day = date_of(day)
    return str(year) + "-" + _two(month) + "-" + _two(day)


def dates_row(dates: Dates) -> dict[str, object]:
    return {"id": dates.id, "first": date_text(dates.first), "last": date_text(dates.last)}


def dates_from(given: object) -> list[Dates]:
    """Rows with first and last."""
    if not isinstance(given, list) or not all([isinstance(one, dict) for one in given]):
        raise BadInput("dates are a list of objects with first and last")
    if len(given) > DATES_MAX:
        raise BadInput(Sentence("there is room for {} ranges of dates", DATES_MAX))
    found = [Dates(parse_date(one.get("first")), parse_date(one.get("last", one.get("first")))) for one in given]
    for one in found:
        if not one.first <= one.last < one.first + DATES_DAYS_MAX:
            raise BadInput("the last date comes before the first, or more than a year after it")
    return found
