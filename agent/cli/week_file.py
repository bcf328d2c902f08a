"""Commands about the household's own weekly file: status, preview, list, on, off."""

import argparse

from agent.cli import show
from agent.cli.confirm import yes
from agent.cli.errors import NOT_AGREED, USAGE, CliError
from agent.cli.rows import part, rows_of
from agent.client import ControlClient
from agent.control.messages import Row

WORDS = {
    "on": "The weekly file is on.",
    "off": "The weekly file is off. Nothing is sent.",
    "suspended": "The weekly file is off until it is turned on again.",
}


def status(client: ControlClient, options: argparse.Namespace) -> None:
    reply = client.call("week_file.status")
    if options.json:
        show.document(reply)
        return
    _tell(reply)


def _tell(reply: Row) -> None:
    show.line(WORDS[str(reply["state"])])
    target = part(reply, "target")
    if not target:
        return
    show.line(f"  to         {target['address']}" + (f" as {target['user']}" if target["user"] else ""))
    show.line(f"  for        {target['recipient']}")
    show.line("  TLS root   " + ("your own" if target["authority"] else "the system's"))
    adults = [str(one["name"]) for one in rows_of(reply, "adults")]
    if adults:
        show.line(f"  adults     {', '.join(adults)}, who agreed at their own device")
    show.line(f"  {reply['seen']}")
    show.line(f"  next       {show.when(reply['next_at'])} at the earliest; {reply['waiting']} waiting")
    if reply["trouble"]:
        show.line(f"! {reply['trouble']}")


def preview(client: ControlClient, options: argparse.Namespace) -> None:
    reply = client.call("week_file.preview")
    if options.json:
        show.document(reply)
        return
    _tell(reply)
    show.line()
    show.line(f"What would be in it now, padded to {reply['bytes']} bytes and encrypted:")
    show.line(str(reply["text"]))


def listed(client: ControlClient, options: argparse.Namespace) -> None:
    rows = list(client.items("week_file.list"))
    if options.json:
        show.document({"items": rows})
        return
    cells = [[r["id"], show.when(r["made"]), r["state"], show.when(r["ended"]), r["message"]] for r in rows]
    show.table(["ID", "MADE", "STATE", "ENDED", ""], cells, "No weekly file was made.")


def turn_on(client: ControlClient, options: argparse.Namespace) -> None:
    """Shows what would be in it, then asks."""
    agree = options.agree
    if agree is None:
        reply = client.call("week_file.preview")
        show.line("What would be in it now:")
        show.line(str(reply["text"]))
        show.line(str(reply["seen"]))
        agree = reply["notice"]
        if not yes(f"Send a file of this kind each week to {options.address}?"):
            raise CliError(f"The weekly file stays off. In a script, agree with --agree {agree}.", NOT_AGREED)
    target = {"address": options.address, "recipient": options.recipient, "user": options.user}
    target["password"] = _read(options.password_file).strip() if options.password_file else None
    target["authority"] = _read(options.certificate) if options.certificate else None
    client.call("week_file.turn_on", target=target, agree=agree, actor="cli")
    show.line("The weekly file is on; the first one goes now. To stop it: privacy-agent week-file off")


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeError) as error:
        raise CliError(f"{path} can't be read: {error}", USAGE) from error


def turn_off(client: ControlClient, options: argparse.Namespace) -> None:
    client.call("week_file.turn_off", actor="cli")
    show.line("The weekly file is off. No file waits to be sent, and no more are made.")
    show.line("Files that were sent stay where they are until you delete them there.")
