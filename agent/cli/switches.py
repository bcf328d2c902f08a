"""Turning features on and off: what one reads, stores and sends is shown before it is turned on."""

import argparse
import sys

from agent.cli import lookup, show
from agent.cli.confirm import confirmed, yes
from agent.cli.errors import NOT_AGREED, NOT_FOUND, CliError
from agent.cli.rows import given, part, rows_of, state
from agent.client import ControlClient
from agent.control.messages import Row
from agent.core.did_you_mean import nearest

SHOWN = {
    "history": "to the person who manages this network, and to the person using the device",
    "protection": "to the person who manages this network, and to the person using the device; an adult's only to that "
    "adult, others see how many",
    "usage": "to the person who manages this network, and to the person using the device",
    "limits": "to the person who manages this network, and to the person using the device",
}
WHY = {
    "notice": "what it does has changed since",
    "person": "the device belongs to another person now",
    "terms": "what was agreed to has changed since",
}


def on(client: ControlClient, options: argparse.Namespace) -> None:
    target = lookup.either(client, options.whom)
    feature = feature_named(client, options.feature)
    if options.agree is None:
        options.agree = agreed_version(target.name, feature)
    reply = client.call("on", feature=feature["name"], agree=options.agree, actor="cli", **target.arguments)
    for device in rows_of(reply, "devices"):
        told = state(str(feature["name"]), part(part(device, "features"), str(feature["name"])))
        show.line(f"{device['label']}: {told or 'not on'}")
        features = part(device, "features")
        if part(features, "history").get("on") and not part(features, "protection").get("on"):
            show.line(show.PASSES)


def feature_named(client: ControlClient, name: str) -> Row:
    rows = rows_of(client.call("features"))
    for row in rows:
        if row["name"] == name:
            return row
    names = [str(row["name"]) for row in rows]
    near = nearest(name, names)
    hint = f": did you mean {near}?" if near else "; there are: " + ", ".join(sorted(names))
    raise CliError(f"no feature {name!r}{hint}", NOT_FOUND)


def features(client: ControlClient, options: argparse.Namespace) -> None:
    reply, notice = client.call("features"), client.call("notice")
    if options.json:
        show.document({**reply, "notice": notice})
        return
    for feature in rows_of(reply):
        show.line(f"{feature['title']} ({feature['name']}, version {feature['version']} of this text)")
        tell(feature)
    show.line(f"Notice {notice['version']} of {notice['date']}: {notice['text']}")


def tell(feature: Row) -> None:
    """What is promised about a feature, from the table that the daemon works by."""
    show.line(f"  reads  {feature['reads']}")
    days = f"; for {feature['days']} days" if feature["days"] else ""
    show.line(f"  stores {feature['keeps']}{days}")
    show.line(f"  sends  {feature['sends']}")
    show.line(f"  shown  {SHOWN[str(feature['name'])]}")


def agreed_version(name: str, feature: Row) -> object:
    """The version that somebody at the terminal agrees to after having read it."""
    show.line(f"{feature['title']} for {name}")
    tell(feature)
    show.line("  Anyone using the device can see that it is on, since when, and what is stored.")
    if yes("Turn it on?"):
        return feature["version"]
    script = "" if sys.stdin.isatty() else f" In a script, agree to this text with --agree {feature['version']}."
    raise CliError("Not turned on." + script, NOT_AGREED)


def off(client: ControlClient, options: argparse.Namespace) -> None:
    target = lookup.either(client, options.whom)
    feature = feature_named(client, options.feature)
    reply = client.call("off", feature=feature["name"], erase=options.erase, actor="cli", **target.arguments)
    show.line(f"{feature['title']} is off for {target.name}. Nothing more is recorded.")
    if reply.get("erased"):
        show.line(f"{show.count(reply['erased'], 'record was', 'records were')} deleted.")
    if reply.get("remaining"):
        remaining = show.count(reply["remaining"], "record remains", "records remain")
        again = f"privacy-agent delete {target.name!r} --feature {feature['name']}"
        show.line(f"{remaining} until {show.when(reply.get('until'))} at the latest. To delete now: {again}")


def pause(client: ControlClient, options: argparse.Namespace) -> None:
    paused = client.call("pause", actor="cli").get("paused")
    show.line(f"Recording is paused on {show.count(paused, 'device', 'devices')}. Resume with: privacy-agent resume")


def resume(client: ControlClient, options: argparse.Namespace) -> None:
    """Lists what would come back, with the text of what has to be agreed to anew, and asks once for all of it."""
    preview = client.call("resume", preview=True)
    items, changed = rows_of(preview), rows_of(preview, "features")
    if not items:
        show.line("Nothing is paused or suspended.")
        return
    for row in items:
        show.line(f"  {row['feature']} on {row['label']}" + _needs(row))
    for feature in changed:
        show.line(f"{feature['title']}, version {feature['version']} of this text:")
        tell(feature)
    confirmed(options, "Agree to this, and turn these on again?" if changed else "Turn these on again?")
    agree = max([int(str(feature["version"])) for feature in changed], default=None)
    reply = client.call("resume", actor="cli", **given(agree=agree))
    _resumed(rows_of(reply), rows_of(reply, "left"))


def _needs(row: Row) -> str:
    why = WHY.get(str(row.get("why")), "no one has agreed to it")
    return {"agree": f": {why}, to be agreed to", "ask": f": {why}, the adult is asked"}.get(str(row.get("needs")), "")


def _resumed(items: list[Row], left: list[Row]) -> None:
    for row in items:
        if row.get("needs") == "ask":
            show.line(
                f"{row['label']}: {row['feature']} waits for the adult's own agreement, at the device's page /me."
            )
    if any(row.get("needs") != "ask" for row in items):
        show.line(
            "The others are on again." if any(row.get("needs") == "ask" for row in items) else "They are on again."
        )
    for row in left:
        show.line(f"{row['label']}: {row['feature']} stays off.")
