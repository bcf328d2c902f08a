"""Minutes of use a day: `usage`, `allowance`."""

import argparse
import shlex

from agent.cli import lookup, show, times
from agent.cli.errors import USAGE, CliError
from agent.cli.rows import rows_of
from agent.client import ControlClient
from agent.control.messages import Row

ALLOWANCE_USAGE = "allowance WHOM; allowance WHOM 2h [--weekend 3h]; allowance WHOM none; allowance give WHOM 30m"
NONE = "none"
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def usage(client: ControlClient, options: argparse.Namespace) -> None:
    target = lookup.either(client, options.whom)
    row = client.call("usage.days", days=options.days, actor="cli", **target.arguments)
    if options.json:
        show.document(row)
        return
    _tell(target, row)
    for day in rows_of(row, "items"):
        show.line(f"  {day['day']}  {_length(day['minutes'])}")


def allowance(client: ControlClient, options: argparse.Namespace) -> None:
    """Shows how much somebody may have a day, sets it, or gives more."""
    words = list(options.words)
    giving = words[0] == "give" and len(words) > 1
    if len(words) > (3 if giving else 2) or (giving and len(words) != 3):
        raise CliError("use: " + ALLOWANCE_USAGE, USAGE)
    target = lookup.either(client, words[1] if giving else words[0])
    if giving:
        more = {"text": options.what} if options.what else {}
        row = client.call(
            "allowance.give", minutes=_minutes(words[2]), bank=options.bank, actor="cli", **more, **target.arguments
        )
    elif len(words) == 2 or options.weekend:
        row = client.call("allowance.set", minutes=_week(words[1:], options.weekend), actor="cli", **target.arguments)
    else:
        row = client.call("usage.days", actor="cli", **target.arguments)
    if options.json:
        show.document(row)
    else:
        _tell(target, row)


def _week(words: list[str], weekend: str | None) -> list[int | None] | None:
    """Monday to Sunday; None without any limit."""
    if words == [NONE] and weekend is None:
        return None
    if not words:
        raise CliError("use: " + ALLOWANCE_USAGE, USAGE)
    usual = None if words[0] == NONE else _minutes(words[0])
    free = usual if weekend is None else None if weekend == NONE else _minutes(weekend)
    return [usual] * 5 + [free] * 2


def _minutes(text: str) -> int:
    if text in ("0", "0m"):
        return 0
    try:
        return times.duration(text) // 60
    except argparse.ArgumentTypeError as error:
        raise CliError(str(error), USAGE) from error


def _tell(target: lookup.Target, row: Row) -> None:
    now, week = row["now"], row["week"]
    if isinstance(now, dict) and now["on"]:
        left = "" if now["left"] is None else f", {_length(now['left'])} left"
        show.line(f"{target.name}: about {_length(now['today'])} today{left}")
    else:
        show.line(f"{target.name}: minutes are not counted")
    if isinstance(week, list):
        same = len({*week}) == 1
        days = zip(DAYS, week, strict=True)
        show.line("  A day: " + (_limit(week[0]) if same else ", ".join(f"{day} {_limit(of)}" for day, of in days)))
    for one in rows_of(row, "bonuses"):
        show.line(f"  Given today: {_length(one['minutes'])}" + (f" for {one['text']}" if one["text"] else ""))
    if row["bank"]:
        show.line(f"  In the bank: {_length(row['bank'])}")
    _missing(target, row)


def _missing(target: lookup.Target, row: Row) -> None:
    left_out = row.get("not_counted")
    if row["consent"] == "waiting":
        show.line("  Not counted until this adult agrees on their own device, at its page /me.")
    elif row["consent"] != "on":
        show.line(f"  To count: privacy-agent on {shlex.quote(target.name)} usage")
    elif isinstance(left_out, list) and left_out:
        show.line("  Not counted on: " + ", ".join(map(str, left_out)))
    if row["trouble"]:
        show.line(f"  {row['trouble']}")


def _limit(minutes: object) -> str:
    return "no limit" if minutes is None else _length(minutes)


def _length(minutes: object) -> str:
    """ "1 h 20 min" """
    hours, rest = divmod(int(str(minutes)), 60)
    return " ".join(([f"{hours} h"] if hours else []) + ([f"{rest} min"] if rest or not hours else []))
