"""Time zones: a POSIX TZ string or a TZif file → offsets, and the wall clock's times ↔ instants.

POSIX.1-2017 section 8.3 (TZ), RFC 9636 (TZif, and hours up to 167 in rules), RFC 5545 section 3.3.5 for what a time of
the wall clock means when the hour changes: one that comes twice is the first, one that does not come is read with the
offset before the gap. Instants are UTC seconds since 1970, wall times seconds since 1970-01-01 00:00 on the wall.
"""

import struct

from agent.core.model import BadInput, Value

DAY_S = 86400
# What TZ without rules means to most systems (the United States since 2007).
US_RULES = ",M3.2.0,M11.1.0"
TEXT_MAX = 120  # the longest in use has 48 characters
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"
_FAR = 1 << 62


class Offset(Value):
    """Seconds east of UTC, whether it is summer time, and its abbreviation."""

    __slots__ = ("seconds", "summer", "name")

    def __init__(self, seconds: int, summer: bool, name: str) -> None:
        self.seconds = seconds
        self.summer = summer
        self.name = name


class _Rule(Value):
    """A day of a year and seconds from its midnight: `kind` is M (month, week, weekday), J (1–365, no 29 February) or
    D (0–365)."""

    __slots__ = ("kind", "month", "week", "day", "seconds")

    def __init__(self, kind: str, month: int, week: int, day: int, seconds: int) -> None:
        self.kind = kind
        self.month = month
        self.week = week
        self.day = day
        self.seconds = seconds

    def wall(self, year: int) -> int:
        """The wall time of that year."""
        first = day_of(year, 1, 1)
        if self.kind == "D":
            day = first + self.day
        elif self.kind == "J":
            day = first + self.day - 1 + int(self.day > 59 and is_leap(year))
        else:
            month = day_of(year, self.month, 1)
            day = month + (self.day - weekday(month) - 1) % 7 + (self.week - 1) * 7
            if day >= month + _month_days(year, self.month):
                day -= 7
        return day * DAY_S + self.seconds


class Zone:
    """`listed` are changes (instant, Offset) of a file, in order; after the last of them the rules go on.

    It remembers what was asked about last, because nearly every question is about the same: the changes around a year,
    and the stretch between two of them.
    """

    def __init__(
        self, text: str, standard: Offset, summer: Offset | None, rules: list[_Rule], listed: list[tuple[int, Offset]]
    ) -> None:
        self.text = text
        self._standard = standard
        self._summer = summer
        self._rules = rules
        self._listed = listed
        self._from, self._to, self._now = 1, 0, standard  # instants
        # Wall times that are read with one offset.
        self._wall_from, self._wall_to, self._wall_offset = 1, 0, 0
        self._year = -1
        self._changes: tuple[Offset, list[tuple[int, Offset]]] = (standard, [])

    def at(self, instant: int) -> Offset:
        if not self._from <= instant < self._to:
            before, last = self._around(year_of(instant // DAY_S))
            found, self._from, self._to = before, -_FAR, _FAR
            for at, offset in last:
                if at > instant:
                    self._to = at
                    break
                found, self._from = offset, at
            self._now = found
            self._clip(instant)
        return self._now

    def _clip(self, instant: int) -> None:
        """What was looked at are three years: beyond the middle one's half year before and after nothing is known."""
        self._from = max(self._from, instant - 180 * DAY_S)
        self._to = min(self._to, instant + 180 * DAY_S)

    def wall(self, instant: int) -> int:
        return instant + self.at(instant).seconds

    def instant(self, wall: int) -> int:
        if not self._wall_from <= wall < self._wall_to:
            self._find_wall(wall)
        return wall - self._wall_offset

    def _find_wall(self, wall: int) -> None:
        before, changes = self._around(year_of(wall // DAY_S))
        low, high = wall - 180 * DAY_S, wall + 180 * DAY_S
        offset = before.seconds
        for at, after in changes:
            # Until then the offset of before is the right one: in a gap, and where a time comes twice.
            threshold = at + max(offset, after.seconds)
            if threshold > wall:
                high = min(high, threshold)
                break
            low, offset = max(low, threshold), after.seconds
        self._wall_from, self._wall_to, self._wall_offset = low, high, offset

    def next_change(self, instant: int) -> int | None:
        """The next change of the offset within two years."""
        _, changes = self._around(year_of(instant // DAY_S) + 1)
        later = [at for at, _ in changes if at > instant]
        return later[0] if later else None

    def _around(self, year: int) -> tuple[Offset, list[tuple[int, Offset]]]:
        """The changes of the year, the one before and the one after, and the offset before them."""
        if self._year != year:
            self._year, self._changes = year, self._changes_around(year)
        return self._changes

    def _changes_around(self, year: int) -> tuple[Offset, list[tuple[int, Offset]]]:
        first, last = day_of(year - 1, 1, 1) * DAY_S - 2 * DAY_S, day_of(year + 2, 1, 1) * DAY_S + 2 * DAY_S
        upto = self._listed[-1][0] if self._listed else -_FAR
        before, found = self._standard, []
        for at, offset in self._listed:
            if at < first:
                before = offset
            elif at < last:
                found.append((at, offset))
        if upto < last:
            ruled = self._ruled(year)
            if not self._listed:
                before = ruled[0][1] if not self._rules else self._summer_or(ruled[0][1])
            found += [change for change in ruled if change[0] > upto and self._rules]
        return before, found

    def _summer_or(self, first: Offset) -> Offset:
        """What stood before the first change by the rules."""
        return self._standard if first.summer else self._summer or self._standard

    def _ruled(self, year: int) -> list[tuple[int, Offset]]:
        if not self._rules or self._summer is None:
            return [(-_FAR, self._standard)]
        found = []
        for one in (year - 1, year, year + 1):
            found.append((self._rules[0].wall(one) - self._standard.seconds, 1))
            found.append((self._rules[1].wall(one) - self._summer.seconds, 0))
        # At one instant the beginning of summer is the later: where it is summer all the year, both come then.
        return [(at, self._summer if begins else self._standard) for at, begins in sorted(found)]


UTC = Zone("UTC0", Offset(0, False, "UTC"), None, [], [])


def parse(text: str) -> Zone:
    """A POSIX TZ string; BadInput says what is wrong."""
    text = text.strip()
    if len(text) > TEXT_MAX:
        raise BadInput("a time zone is at most " + str(TEXT_MAX) + " characters")
    standard, summer, rules = _Reader(text).zone()
    return Zone(text, standard, summer, rules, [])


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def zone(self) -> tuple[Offset, Offset | None, list[_Rule]]:
        name = self.name()
        standard = Offset(-self.time(24), False, name)
        if self.at == len(self.text):
            return standard, None, []
        name = self.name()
        seconds = standard.seconds + 3600
        if self.peek() not in ("", ","):
            seconds = -self.time(24)
        if self.at == len(self.text):
            self.text += US_RULES
        self.take(",")
        first = self.rule()
        self.take(",")
        rules = [first, self.rule()]
        if self.at != len(self.text):
            raise self.wrong()
        return standard, Offset(seconds, True, name), rules

    def wrong(self) -> BadInput:
        return BadInput("not a time zone: " + repr(self.text) + " at character " + str(self.at + 1))

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self, wanted: str) -> None:
        if self.peek() != wanted:
            raise self.wrong()
        self.at += 1

    def name(self) -> str:
        quoted = self.peek() == "<"
        self.at += int(quoted)
        allowed = _LETTERS + _DIGITS + "+-" if quoted else _LETTERS
        begin = self.at
        while self.peek() and self.peek() in allowed:
            self.at += 1
        found = self.text[begin : self.at]
        if len(found) < 3:
            raise self.wrong()
        if quoted:
            self.take(">")
        return found

    def number(self, low: int, high: int) -> int:
        begin = self.at
        while self.peek() and self.peek() in _DIGITS and self.at - begin < 3:
            self.at += 1
        if begin == self.at or not low <= int(self.text[begin : self.at]) <= high:
            self.at = begin
            raise self.wrong()
        return int(self.text[begin : self.at])

    def time(self, hours_max: int) -> int:
        sign = -1 if self.peek() == "-" else 1
        if self.peek() in ("+", "-"):
            self.at += 1
        seconds = self.number(0, hours_max) * 3600
        for unit in (60, 1):
            if self.peek() != ":":
                break
            self.at += 1
            seconds += self.number(0, 59) * unit
        return sign * seconds

    def rule(self) -> _Rule:
        kind, month, week = "D", 0, 0
        if self.peek() == "M":
            self.at += 1
            kind, month = "M", self.number(1, 12)
            self.take(".")
            week = self.number(1, 5)
            self.take(".")
            day = self.number(0, 6)
        elif self.peek() == "J":
            self.at += 1
            kind, day = "J", self.number(1, 365)
        else:
            day = self.number(0, 365)
        seconds = 7200
        if self.peek() == "/":
            self.at += 1
            seconds = self.time(167)
        return _Rule(kind, month, week, day, seconds)


def read_tzif(data: bytes) -> Zone:
    """A file of /usr/share/zoneinfo, version 2 or later: its changes, then its footer. BadInput when it is none."""
    second = _body(data, 0, 4)[0]
    if data[4:5] < b"2" or data[second : second + 4] != b"TZif":
        raise BadInput("not a time zone file of version 2 or later")
    end, changes = _body(data, second, 8)
    footer = data[end:].split(b"\n")
    if len(footer) < 3 or not footer[1]:
        raise BadInput("a time zone file without a footer")
    zone = parse(_text(footer[1]))
    zone._listed = changes
    return zone


def _text(data: bytes) -> str:
    if data and max(data) > 126:
        raise BadInput("a time zone file's text is no text")
    return str(data, "ascii")


def _body(data: bytes, start: int, size: int) -> tuple[int, list[tuple[int, Offset]]]:
    """Where a header's data ends, and its changes."""
    if len(data) < start + 44 or data[start : start + 4] != b"TZif":
        raise BadInput("not a time zone file")
    is_ut, is_std, leaps, times, types, chars = struct.unpack(">6I", data[start + 20 : start + 44])
    at = start + 44
    end = at + times * (size + 1) + types * 6 + chars + leaps * (size + 4) + is_std + is_ut
    if end > len(data):
        raise BadInput("a time zone file is cut short")
    if size == 4:
        return end, []
    instants = struct.unpack(">" + str(times) + "q", data[at : at + times * 8])
    kinds = data[at + times * 8 : at + times * 9]
    table = at + times * 9
    names = data[table + types * 6 : table + types * 6 + chars]
    offsets = []
    for one in range(types):
        seconds, summer, where = struct.unpack(">iBB", data[table + one * 6 : table + one * 6 + 6])
        offsets.append(Offset(seconds, bool(summer), _text(names[where:].split(b"\0")[0])))
    if kinds and max(kinds) >= len(offsets):
        raise BadInput("a time zone file names an offset that it lacks")
    return end, [(at, offsets[kind]) for at, kind in zip(instants, kinds)]


# The calendar


def is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def day_of(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 (the Gregorian calendar, years counted from March)."""
    year -= int(month <= 2)
    month = (month + 9) % 12
    return year * 365 + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1 - 719468


def date_of(day: int) -> tuple[int, int, int]:
    """Year, month and day of the month."""
    day += 719468
    era = day // 146097
    of_era = day - era * 146097
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    rest = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * rest + 2) // 153
    day = rest - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    return year + era * 400 + int(month <= 2), month, day


def year_of(day: int) -> int:
    return date_of(day)[0]


def weekday(day: int) -> int:
    """0 is Monday."""
    return (day + 3) % 7


def _month_days(year: int, month: int) -> int:
    if month == 2:
        return 29 if is_leap(year) else 28
    return 30 if month in (4, 6, 9, 11) else 31
