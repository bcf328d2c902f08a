"""The household's own rules as text, one a line, to take along and to bring back (blocklists/README.md has the form).

ACTION NAME [until TIME] [for device LABEL | for person NAME]
"""

from agent.core.model import ALLOW, BLOCK, BadInput, Sentence, Value
from agent.core.sites import named

HOUSEHOLD = "household"
SCOPES = ("device", "person")
LINE_MAX = 400  # a name of 253 bytes, a time, and a label
# Days before each month of a year that begins with March, so that a leap day is its last.
_DAYS_BEFORE = (0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337)
_YEARS = (1970, 2999)


class OwnLine(Value):
    """`name` is canonical bytes; `whose` a device's or person's name as written, "" for the whole household; `until`
    wall seconds or None."""

    __slots__ = ("action", "name", "scope", "whose", "until")

    def __init__(self, action: str, name: bytes, scope: str = HOUSEHOLD, whose: str = "", until: int | None = None):
        self.action = action
        self.name = name
        self.scope = scope
        self.whose = whose
        self.until = until

    @property
    def text(self) -> str:
        """As `read_line` reads it."""
        until = "" if self.until is None else " until " + show_time(self.until)
        return (
            self.action + " " + self.name.decode() + until + (f" for {self.scope} {self.whose}" if self.whose else "")
        )


def read_line(line: str, action: str = "") -> OwnLine | None:
    """The rule of a line, None for a blank one or a comment; BadInput says what is wrong.

    With an `action` a line may be a name alone, as in other programs' lists.
    """
    line = line.strip().lstrip("\ufeff")
    if not line or line[0] == "#":
        return None
    if len(line) > LINE_MAX:
        raise BadInput("longer than any rule")
    first, rest = _word(line)
    if first in (ALLOW, BLOCK) and rest:
        return _rule(first, rest)
    if not action:
        raise BadInput("a rule begins with allow or block, and a name follows")
    if rest and rest[0] != "#":
        raise BadInput("more than a name")
    return OwnLine(action, _name(first))


def _rule(action: str, rest: str) -> OwnLine:
    name, rest = _word(rest)
    until = None
    word, more = _word(rest)
    if word == "until":
        time, rest = _word(more)
        until = read_time(time)
    scope, whose = HOUSEHOLD, ""
    if rest:
        word, more = _word(rest)
        scope, whose = _word(more)
        if word != "for" or scope not in SCOPES or not whose:
            raise BadInput("after the name come only: until TIME, then: for device LABEL, or: for person NAME")
    return OwnLine(action, _name(name), scope, whose, until)


def _word(text: str) -> tuple[str, str]:
    """The first word, and what follows."""
    parts = text.split(None, 1)
    return (parts[0] if parts else ""), (parts[1].strip() if len(parts) > 1 else "")


def _name(text: str) -> bytes:
    if text[0] == "=":
        raise BadInput("a rule for a name alone: the household's rules are for the names below, too")
    for mark in ("*.", "."):
        if text.startswith(mark):
            text = text[len(mark) :]
            break
    return named(text)


def read_time(text: str) -> int:
    """Seconds since 1970 of `YYYY-MM-DDTHH:MM:SSZ` (RFC 3339, UTC); BadInput."""
    form = "0000-00-00T00:00:00Z"
    if len(text) != len(form) or [at for at in range(len(form)) if not _fits(text[at], form[at])]:
        raise BadInput("not a time as in 2026-12-24T18:00:00Z")
    year, month, day, hour, minute, second = [int(text[at : at + n]) for at, n in _FIELDS]
    whole = _seconds(year, month, day) + hour * 3600 + minute * 60 + second
    # The way back catches the 31st of a short month and the 25th hour.
    if not _YEARS[0] <= year <= _YEARS[1] or not 1 <= month <= 12 or show_time(whole) != text:
        raise BadInput(Sentence("there is no such time: {}", text))
    return whole


_FIELDS = ((0, 4), (5, 2), (8, 2), (11, 2), (14, 2), (17, 2))


def _fits(letter: str, form: str) -> bool:
    return letter in "0123456789" if form == "0" else letter == form


def _seconds(year: int, month: int, day: int) -> int:
    """Of a date's midnight. Years are counted from March, so that a leap day is the last."""
    year, month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    days = 365 * year + year // 4 - year // 100 + year // 400 + _DAYS_BEFORE[month % 12] + day - 1
    return (days - 719468) * 86400  # days of March 0000 before 1970


def show_time(seconds: int) -> str:
    """The inverse of `read_time`."""
    days, rest = seconds // 86400, seconds % 86400
    year = 1970 + days // 366
    while _seconds(year + 1, 1, 1) <= days * 86400:
        year += 1
    month = 12
    while _seconds(year, month, 1) > days * 86400:
        month -= 1
    day = days - _seconds(year, month, 1) // 86400 + 1
    return "%04d-%02d-%02dT%02d:%02d:%02dZ" % (year, month, day, rest // 3600, rest // 60 % 60, rest % 60)
