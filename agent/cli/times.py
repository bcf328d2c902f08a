"""Dates and durations as people write them, in the local time zone."""

import argparse
import time

from agent.control.messages import Row
from agent.core.digits import is_digits, whole

DAY_S = 86400
UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY_S, "w": 7 * DAY_S}
LONGEST_D = 366  # as an operation takes it
FORMATS = ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d")


def duration(text: str) -> int:
    """Seconds of "90s", "30m", "2h", "7d" or "1w"."""
    number, unit = whole(text[:-1]), text[-1:].lower()
    if not number or unit not in UNITS:
        raise argparse.ArgumentTypeError(f"not a duration: {text!r} (as in 30m, 2h, 7d)")
    if number * UNITS[unit] > LONGEST_D * DAY_S:
        raise argparse.ArgumentTypeError(f"{text!r} is longer than {LONGEST_D}d")
    return number * UNITS[unit]


def number(text: str) -> int:
    """A whole number, for an argument that takes one."""
    found = whole(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"not a whole number: {text!r}")
    return found


def ago(text: str) -> int:
    """How many days ago: those that are stored."""
    found = whole(text)
    if found is None or found > 30:
        raise argparse.ArgumentTypeError(f"not a number of days: {text!r} (0 to 30)")
    return found


def month(text: str) -> str:
    """A month of birth, as YYYY-MM."""
    year, _, number = text.partition("-")
    if not is_digits(year) or len(year) != 4 or len(number) != 2 or not 1 <= (whole(number) or 0) <= 12:
        raise argparse.ArgumentTypeError(f"not a month: {text!r} (as in 2014-05)")
    return text


def rows(text: str) -> int:
    """How many rows at the most: one or more."""
    found = whole(text)
    if not found or found >= 1_000_000:
        raise argparse.ArgumentTypeError(f"not a number of rows: {text!r} (1 or more; --all for all of them)")
    return found


def moment(text: str) -> int:
    """Wall seconds of a date, or of a date with a time."""
    for form in FORMATS:
        try:
            return int(time.mktime(time.strptime(text, form)))
        except (ValueError, OverflowError):
            continue
    raise argparse.ArgumentTypeError(f"not a time: {text!r} (as in 2026-11-23 or '2026-11-23 18:30')")


def day(text: str) -> tuple[int, int]:
    """The first second of a local day and of the next; "today" and "yesterday" too."""
    back = {"today": 0, "yesterday": 1}.get(text.lower())
    now = time.localtime()
    if back is None:
        now, back = time.localtime(moment(text)), 0
    # mktime sorts out the ends of months and the days on which clocks change.
    start = time.mktime((now.tm_year, now.tm_mon, now.tm_mday - back, 0, 0, 0, 0, 0, -1))
    end = time.mktime((now.tm_year, now.tm_mon, now.tm_mday - back + 1, 0, 0, 0, 0, 0, -1))
    return int(start), int(end)


def window(options: argparse.Namespace) -> Row:
    """The "from" and "to" of a request, from --day or --from and --to."""
    if options.day:
        start, end = options.day
        return {"from": start, "to": end}
    return {"from": options.start, "to": options.end}
