"""The family's week on the command line: `week`, of all children and teens, or of whom it is asked for."""

import argparse

from agent.cli import lookup, show
from agent.cli.rows import part, rows_of
from agent.client import ControlClient
from agent.control.messages import Row
from agent.core.timezone import weekday
from agent.core.windows import DAYS, parse_date

NOBODY = "There are no children or teens; name whose week to show."


def week(client: ControlClient, options: argparse.Namespace) -> None:
    whom = lookup.either(client, options.whom).arguments if options.whom else {}
    reply = client.call("week", ago=options.ago, **whom)
    if options.json:
        show.document(reply)
        return
    days = rows_of(reply, "days")
    show.line(f"{days[0]['day']} to {days[-1]['day']}")
    if not rows_of(reply, "items"):
        show.line(NOBODY)
    for one in rows_of(reply, "items"):
        show.line()
        show.line(str(one.get("name") or one.get("label")))
        _tell(one, days)


def _tell(one: Row, days: list[Row]) -> None:
    history, minutes, off = part(one, "history"), part(one, "minutes"), part(one, "off")
    columns: Row = {}
    if history:
        hours = history["hours"]
        columns["ONLINE"] = [sum(day) for day in hours] if isinstance(hours, list) else []
    columns["SCREEN"] = minutes.get("days")
    columns["OFF"] = off.get("days")
    columns["BLOCKED"] = one.get("blocked")
    shown = {head: values for head, values in columns.items() if isinstance(values, list)}
    if not shown:
        show.line("  Nothing is on, and nothing is recorded.")
    else:
        cells: list[list[object]] = [["  " + _day(str(row["day"]))] for row in days]
        for head, values in shown.items():
            for at, value in enumerate(values):
                cells[at].append(value if head == "BLOCKED" else _length(value))
        show.table(["  DAY", *shown], cells, "")
    for site in rows_of(history, "sites"):
        show.line(f"  {site['site']}: {_length(site['minutes'])}, {show.count(site['visits'], 'visit', 'visits')}")
    for gap in rows_of(one, "gaps"):
        show.line(f"  Times were not in force from {show.when(gap['from'])} to {show.when(gap['to'])}.")
    for row in rows_of(one, "changes"):
        words = " ".join(str(row[name]) for name in ("about", "what", "kind") if row[name])
        until = f" until {show.when(row['until'])}" if row["until"] else ""
        show.line(f"  {show.when(row['at'])} {row['who']}: {words}{until}")
    for row in rows_of(one, "requests"):
        answer = f", answered: {row['answer']}" if row["answer"] else ""
        show.line(f"  {show.when(row['at'])} asked: {row['kind']}{answer}")


def _day(date: str) -> str:
    return DAYS[weekday(parse_date(date))].capitalize() + " " + date[5:]


def _length(minutes: object) -> str:
    """1:05 of 65."""
    return f"{minutes // 60}:{minutes % 60:02}" if isinstance(minutes, int) else ""
