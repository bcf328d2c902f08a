"""Commands about statistics for an operator: preview, list, show, opt-in, opt-out, operator."""

import argparse
import json

from agent.cli import show
from agent.cli.confirm import confirmed, yes
from agent.cli.errors import NOT_AGREED, USAGE, CliError
from agent.cli.rows import rows_of
from agent.client import ControlClient
from agent.control.messages import Row
from agent.core.operator import check

WHY = {"terms": "something of what was agreed to changed", "restore": "this state was brought back from a copy"}


def preview(client: ControlClient, options: argparse.Namespace) -> None:
    reply = client.call("statistics.preview")
    if options.json:
        show.document(reply)
        return
    tell_state(reply)
    show.line()
    cells = [[row["name"], row["number"], row["sent"] or "", row["what"]] for row in rows_of(reply)]
    show.table(["ANSWER", "NOW", "SENT", "WHAT IT IS"], cells, "Nothing would be sent.")
    show.line("A report says one of these answers, drawn at random, with noise. This one is an example.")
    show.line()
    show.line(f"The exact text, padded to {reply['bytes']} bytes and sealed for the operator ({reply['note']}):")
    show.line(str(reply["text"]))


def tell_state(reply: Row) -> None:
    """On or off, for whom, and what is left of the budget."""
    words = {"on": "Reports are on.", "off": "Reports are off.", "suspended": "Reports are off until agreed to again"}
    state = str(reply["state"])
    why = WHY.get(str(reply.get("why")), "the operator changed")
    show.line(words[state] + (f": {why}." if state == "suspended" else ""))
    tell_operator(reply.get("operator"))
    show.line(f"  {reply['seen']}")
    budget = reply["budget"] if isinstance(reply["budget"], dict) else {}
    spent = budget.get("spent")
    told = "what was spent can't be known, so no report is made" if spent is None else f"{thousandths(spent)} spent"
    each, most = thousandths(budget.get("report")), thousandths(budget.get("lifetime"))
    show.line(f"  budget     epsilon {each} a report, {most} in all, ever; {told}")
    if reply["exhausted"] and spent is not None:
        show.line("  The budget is used up: no report is made any more.")
    if reply.get("next_at"):
        show.line(f"  next       {show.when(reply['next_at'])} at the earliest; {reply['waiting']} waiting")
    if reply.get("send_at"):
        show.line(f"  sent       {show.when(reply['send_at'])} at the earliest")
    if reply.get("trouble"):
        show.line(f"! {reply['trouble']}")


def tell_operator(operator: object) -> None:
    if not isinstance(operator, dict):
        show.line("  No operator is configured: there is nobody to send reports to.")
        return
    for name in ("name", "contact", "country", "purpose", "retention", "address", "key"):
        show.line(f"  {name:<10} {operator[name]}")
    show.line(f"  {'TLS root':<10} " + ("the operator's own" if operator.get("authority") else "the system's"))


def thousandths(value: object) -> str:
    return f"{value / 1000:g}" if isinstance(value, int) else "?"


def listed(client: ControlClient, options: argparse.Namespace) -> None:
    rows = list(client.items("statistics.list"))
    if options.json:
        show.document({"items": rows})
        return
    cells = [
        [r["id"], show.when(r["made"]), r["state"], show.when(r["ended"]), str(r["hash"] or "")[:16], r["message"]]
        for r in rows
    ]
    show.table(["ID", "MADE", "STATE", "ENDED", "SEALED AS", ""], cells, "No report was made.")


def shown(client: ControlClient, options: argparse.Namespace) -> None:
    row = client.call("statistics.show", id=options.id)
    if options.json:
        show.document(row)
        return
    show.line(f"Report {row['id']} of the week of {show.when(row['period'])[:10]}: {row['state']}")
    show.line(f"  made {show.when(row['made'])}, epsilon {thousandths(row['epsilon'])}, SHA-256 {row['hash'] or '-'}")
    show.line(str(row["text"] or "Its text was deleted."))


def opt_in(client: ControlClient, options: argparse.Namespace) -> None:
    """Shows who receives what, then asks."""
    now = client.call("statistics.preview")
    agree, terms = options.agree, options.terms
    if agree is None or terms is None:
        preview(client, argparse.Namespace(json=False))
        agree, terms = now["notice"], now["terms"]
        if now["operator"] is not None and not yes("Send a report of this kind each week?"):
            script = f"In a script, agree to this with --agree {agree} --terms {terms}."
            raise CliError(f"Sharing stays off. {script}", NOT_AGREED)
    client.call("statistics.opt_in", agree=agree, terms=terms, actor="cli")
    show.line("Sharing is on. To stop it: privacy-agent statistics opt-out")


def opt_out(client: ControlClient, options: argparse.Namespace) -> None:
    client.call("statistics.opt_out", actor="cli")
    show.line("Sharing is off. No report waits to be sent, and no more are made.")
    show.line("Reports that were sent can't be recalled: nothing in them tells which ones were yours.")


def operator(client: ControlClient, options: argparse.Namespace) -> None:
    """Show the operator, or name one from a file."""
    if options.none or options.file:
        given = None if options.none else check(_read(options.file))
        confirmed(options, "You will be asked to agree again. Change the operator?")
        client.call("statistics.operator_set", operator=given, actor="cli")
    reply = client.call("statistics.operator")
    if options.json:
        show.document(reply)
        return
    tell_operator(reply["operator"])
    show.line(f"  {reply['seen']}")


def _read(path: str) -> object:
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise CliError(f"{path} can't be read: {error}", USAGE) from error
