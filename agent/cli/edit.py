"""Commands that change what is blocked, stored or set: allow, block, delete, visits, settings, the setup code."""

import argparse
import os
import shlex

from agent.cli import lookup, show
from agent.cli.confirm import confirmed
from agent.cli.errors import USAGE, CliError
from agent.cli.idna_input import in_ascii
from agent.cli.rows import given, records
from agent.cli.times import duration, window
from agent.client import ControlClient, ControlError
from agent.control.messages import Row
from agent.core import settings
from agent.core.names import is_address


def allow(client: ControlClient, options: argparse.Namespace) -> None:
    _rule(client, options, "allow", "are allowed")


def block(client: ControlClient, options: argparse.Namespace) -> None:
    _rule(client, options, "block", "are blocked")


def _rule(client: ControlClient, options: argparse.Namespace, op: str, effect: str) -> None:
    target: Row = {"scope": "household"}
    whose = "everybody"
    if options.device:
        row = lookup.device(client, options.device)
        target, whose = {"scope": "device", "device_id": row["id"]}, str(row["label"])
    elif options.person:
        row = lookup.person(client, options.person)
        target, whose = {"scope": "person", "person_id": row["id"]}, str(row["name"])
    arguments = {"name": in_ascii(options.name), **target, **given(seconds=options.seconds)}
    rule = _sure(client, options, op, arguments)
    until = f" until {show.when(rule['expires_at'])}" if rule.get("expires_at") else ""
    name = str(rule["name"])
    below = "" if is_address(name.encode()) else " and its subdomains"
    show.line(f"{name}{below} {effect if below else effect.replace('are', 'is')} for {whose}{until}.")
    for label in rule["unprotected"] if isinstance(rule["unprotected"], list) else []:
        show.line(f"Protection is off for {label}, so the rule does nothing there yet.")
        show.line(f"To turn it on: privacy-agent on {shlex.quote(lookup.literal('device', label))} protection")
    show.line(f"To undo: privacy-agent rule remove {rule['id']}")


def _sure(client: ControlClient, options: argparse.Namespace, op: str, arguments: Row) -> Row:
    """The rule; for what covers many sites only after a question."""
    try:
        return client.call(op, sure=options.yes, **arguments)
    except ControlError as refusal:
        if refusal.code != "wide":
            raise
        confirmed(options, f"{refusal} {op.capitalize()} it?")
    return client.call(op, sure=True, **arguments)


def rule_remove(client: ControlClient, options: argparse.Namespace) -> None:
    client.call("rule.remove", id=options.id)
    show.line(f"Rule {options.id} was removed.")


def delete(client: ControlClient, options: argparse.Namespace) -> None:
    target = {"all": True} if options.all else lookup.either(client, options.whom).arguments
    chosen = given(feature=options.feature, **target, **window(options))
    counts = client.call("delete", preview=True, **chosen)
    if not any(counts.values()):
        show.line("No such records.")
        return
    confirmed(options, f"Delete {records(counts)} permanently?")
    show.line(f"{records(client.call('delete', actor='cli', **chosen))} deleted.")


def visit_mark_wrong(client: ControlClient, options: argparse.Namespace) -> None:
    client.call("visit.mark_wrong", id=options.id, undo=options.undo)
    show.line(f"Visit {options.id} is " + ("no longer marked." if options.undo else "marked as wrong."))


def visit_background(client: ControlClient, options: argparse.Namespace) -> None:
    client.call("visit.background", id=options.id, background=not options.undo)
    show.line(f"Visit {options.id} is " + ("no background activity." if options.undo else "background activity."))


def visit_delete(client: ControlClient, options: argparse.Namespace) -> None:
    counts = client.call("visit.delete", id=options.id, preview=True)
    pulled_in = int(str(counts["visits"])) - 1
    with_them = f" and {show.count(pulled_in, 'address', 'addresses')} loaded by it" if pulled_in else ""
    confirmed(options, f"Delete visit {options.id}{with_them} permanently?")
    client.call("visit.delete", id=options.id)
    show.line(f"Visit {options.id} was deleted.")


def request_reply(client: ControlClient, options: argparse.Namespace) -> None:
    if options.text is None and options.grant is None:
        raise CliError("Nothing to reply: give a text or --grant.", USAGE)
    try:
        grant = options.grant if options.grant in (None, "tonight") else duration(options.grant)
    except argparse.ArgumentTypeError as error:
        raise CliError(f"{error}", USAGE) from error
    client.call("request.reply", id=options.id, actor="cli", **given(answer=options.text, grant=grant))
    show.line("Reply sent; it is shown on the device's own page.")


def setting_set(client: ControlClient, options: argparse.Namespace) -> None:
    value = settings.from_word(options.key, options.value)
    reply = client.call("settings.set", key=options.key, value=value)
    show.line(f"{reply['key']} is {show.value(reply['value'])}")


def page_address(web: object) -> str:
    """Where a browser finds the page: at the address by which SSH reached the router, if that is known."""
    if not isinstance(web, dict) or not web["port"]:
        return ""
    reached = os.environ.get("SSH_CONNECTION", "").split()
    host = reached[2] if len(reached) == 4 else "ROUTER"
    return f"{'https' if web['tls'] else 'http'}://{f'[{host}]' if ':' in host else host}:{web['port']}/"


def setup_code(client: ControlClient, options: argparse.Namespace) -> None:
    reply = client.call("setup.code")
    if options.json:
        show.document(reply)
        return
    show.line(f"Setup code for the web page: {reply['code']} (valid until {show.when(reply['expires_at'])})")
    address = page_address(client.call("status")["web"])
    if address:
        show.line(f"Or open the page with it: {address}#setup={reply['code']}")
    if reply.get("fingerprint"):
        show.line(f"The page's certificate has the fingerprint {reply['fingerprint']}")
