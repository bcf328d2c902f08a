"""Times and internet off: `internet off|on`, `times`, `tonight`."""

import argparse
import shlex
import time

from agent.cli import lookup, show, times
from agent.cli.errors import USAGE, CliError
from agent.cli.rows import part, rows_of
from agent.client import ControlClient
from agent.control.messages import Row
from agent.core import windows
from agent.core.model import BadInput

EVERYBODY = ("all", "children")
TIMES_USAGE = (
    "times WHOM; times set WHOM bedtime|break|homework 'mon-thu,sun 20:30-07:00' …; times clear WHOM [KIND];"
    " times days WHOM 2026-12-21..2027-01-06 …"
)


def internet_off(client: ControlClient, options: argparse.Namespace) -> None:
    whom: Row = {options.whom: True} if options.whom in EVERYBODY else _target(client, options.whom).arguments
    ends = {"seconds": options.seconds, "until": options.until, "morning": options.morning, "ended": options.ended}
    given = {name: value for name, value in ends.items() if value} or {"ended": True}
    reply = client.call("hold.add", actor="cli", **whom, **given)
    names = _names(client)
    for hold in rows_of(reply, "holds"):
        show.line(f"Internet is off for {names[_owner(hold)]} until {show.when(hold['until'])}.")
    left = reply.get("left_out")
    if isinstance(left, list) and left:
        show.line(
            "Not turned off (adults who have not agreed, and what is never turned off): " + ", ".join(map(str, left))
        )


def internet_on(client: ControlClient, options: argparse.Namespace) -> None:
    if options.whom in EVERYBODY:
        holds = rows_of(client.call("hold.list"))
        for hold in holds:
            client.call("hold.end", id=hold["id"], actor="cli")
        show.line("The internet is on again." if holds else "The internet was not turned off for anyone.")
        return
    target = _target(client, options.whom)
    more = {"seconds": options.seconds} if options.seconds else {}
    now = part(client.call("hold.end", actor="cli", **target.arguments, **more), "now")
    show.line(f"{target.name}: {now['text']}")


def time_code(client: ControlClient, options: argparse.Namespace) -> None:
    code = str(client.call("time.code")["code"])
    show.line(f"Code: {code[:4]} {code[4:]}. For two minutes it gives more time once, typed at the device's page /me.")


def _target(client: ControlClient, text: str) -> lookup.Target:
    return lookup.either(client, text)


def _owner(hold: Row) -> tuple[str, object]:
    return ("person", hold["person_id"]) if "person_id" in hold else ("device", hold["device_id"])


def _names(client: ControlClient) -> dict[tuple[str, object], object]:
    found = {("person", row["id"]): row["name"] for row in client.items("person.list")}
    return {**found, **{("device", row["id"]): row["label"] for row in client.items("device.list")}}


def times_of(client: ControlClient, options: argparse.Namespace) -> None:
    """Shows somebody's times, or sets, clears or says when the holidays are."""
    words = list(options.words)
    action = words.pop(0) if words[0] in ACTIONS and len(words) > 1 else "show"
    target = _target(client, words.pop(0))
    row = client.call("limits.get", **target.arguments)
    if action != "show":
        change = ACTIONS[action](row, words, options.holiday)
        row = client.call("limits.set", version=row["version"], actor="cli", **change, **target.arguments)
    if options.json:
        show.document(row)
    else:
        _tell(target, row)


def _tell(target: lookup.Target, row: Row) -> None:
    show.line(f"{target.name}: {part(row, 'now')['text']}")
    for text in row["words"] if isinstance(row["words"], list) else []:
        show.line(f"  {text}")
    for one in rows_of(row, "dates"):
        show.line(f"  Holidays: {one['first']} to {one['last']}")
    if not row["words"]:
        show.line(f"  No times yet: privacy-agent times set {shlex.quote(target.name)} bedtime '20:30-07:00'")
    if row["consent"] == "waiting":
        show.line("  Not in force until this adult agrees on their own device, at its page /me.")
    if row["consent"] == "suspended":
        show.line("  Not in force until somebody confirms it: privacy-agent resume")
    clock = part(row, "clock")
    zone = clock["place"] or clock["zone"]
    minutes = (int(str(clock["now"])) // 60 + int(str(clock["offset_min"]))) % 1440
    show.line(f"Router: {windows.time_text(minutes)}, {zone}" + (" (summer time)" if clock["summer"] else ""))
    if row["trouble"]:
        show.line(str(row["trouble"]))


def _set(row: Row, words: list[str], holiday: bool) -> Row:
    if len(words) < 2 or words[0] not in windows.KINDS:
        raise CliError("use: " + TIMES_USAGE, USAGE)
    kept = [one for one in rows_of(row, "windows") if (one["kind"], one["holiday"]) != (words[0], holiday)]
    try:
        new = [windows.row(windows.parse(text, words[0], holiday)) for text in words[1:]]
    except BadInput as error:
        raise CliError(f"{error}", USAGE) from error
    return {"windows": kept + new}


def _clear(row: Row, words: list[str], holiday: bool) -> Row:
    if len(words) > 1 or (words and words[0] not in windows.KINDS):
        raise CliError("use: " + TIMES_USAGE, USAGE)
    if not words:
        return {"windows": [], "dates": []}
    kept = [one for one in rows_of(row, "windows") if one["kind"] != words[0] or (holiday and not one["holiday"])]
    return {"windows": kept}


def _days(row: Row, words: list[str], holiday: bool) -> Row:
    pairs = [(first, last or first) for first, _, last in (word.partition("..") for word in words)]
    return {"dates": [{"first": first, "last": last} for first, last in pairs if first != "none"]}


ACTIONS = {"set": _set, "clear": _clear, "days": _days}


def tonight(client: ControlClient, options: argparse.Namespace) -> None:
    target = _target(client, options.whom)
    if (options.seconds is None) == (options.change == "later"):
        raise CliError("use: tonight WHOM off | later 30m | earlier", USAGE)
    more = {"seconds": options.seconds} if options.seconds else {}
    row = client.call("exception.add", kind=options.change, actor="cli", **more, **target.arguments)
    show.line(f"{target.name}: {part(row, 'now')['text']}")


def hour(text: str) -> int:
    """The next 18:00, or a date with a time."""
    try:
        minutes = windows.parse_time(text)
    except BadInput:
        return times.moment(text)
    now = time.localtime()
    day = now.tm_mday + int(minutes <= now.tm_hour * 60 + now.tm_min)
    return int(time.mktime((now.tm_year, now.tm_mon, day, 0, minutes, 0, 0, 0, -1)))
