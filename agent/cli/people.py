"""Commands about devices and people: list, add, edit, remove."""

import argparse
import shlex

from agent.cli import lookup, show
from agent.cli.confirm import confirmed
from agent.cli.errors import USAGE, CliError
from agent.cli.rows import given, held, part, person_of, records, states
from agent.client import ControlClient
from agent.control.messages import Row


def device_list(client: ControlClient, options: argparse.Namespace) -> None:
    rows = list(client.items("device.new" if options.new else "device.list"))
    if options.json:
        show.document({"items": rows})
    elif options.new:
        cells = [[row["mac"], row["address"], row["hostname"], _oddity(row)] for row in rows]
        show.table(["MAC", "ADDRESS", "NAME", "NOTE"], cells, "No other device was seen.")
    else:
        cells = [[r["id"], r["label"], r["mac"] or r["address"], person_of(r), states(r)] for r in rows]
        empty = 'No device yet. Add one: privacy-agent device add "Mia\'s tablet" --mac 3c:22:fb:00:00:0a'
        if not cells:
            storage = client.call("status")["storage"]
            empty = str(isinstance(storage, dict) and storage["message"] or empty)
        show.table(["ID", "DEVICE", "KNOWN BY", "PERSON", "ON"], cells, empty)


def _oddity(row: Row) -> str:
    """What to know before adding it by this MAC."""
    if row.get("new"):
        return "new here; if you know it: privacy-agent device known " + str(row["mac"])
    if row.get("many"):
        return "a repeater: it stands for all devices behind it"
    if row.get("private_mac"):
        return "private (random) address, may change"
    return ""


def device_known(client: ControlClient, options: argparse.Namespace) -> None:
    reply = client.call("device.known", **({"all": True} if options.mac == "all" else {"mac": options.mac}))
    known = reply["known"]
    show.line(show.count(len(known) if isinstance(known, list) else 0, "device is", "devices are") + " new no more.")


def device_add(client: ControlClient, options: argparse.Namespace) -> None:
    person = lookup.person(client, options.person)["id"] if options.person else None
    known_by = given(mac=options.mac, address=options.address, person_id=person)
    row = client.call("device.add", label=options.label, shared=options.shared, **known_by)
    show.line(f"{row['label']} was added. Nothing is on for it. Next: privacy-agent on {row['label']!r} history")
    if held(row):
        show.line(held(row))
    if row.get("private_mac"):
        show.line("Its MAC address is private (random): turn that off for this Wi-Fi on the device, or it may change.")


def unseen(row: Row) -> str:
    """Why a device that is on is not covered, and what to do."""
    moved = row.get("moved")
    if isinstance(moved, dict):
        command = f"privacy-agent device edit {shlex.quote(str(row['label']))} --mac {moved['mac']}"
        return f"seems to be here with a new address ({moved['hostname']}). If it is the same device: {command}"
    if row.get("through"):
        return f"is not covered: its address answers with another MAC ({row['through']}), a repeater's as a rule"
    return f"was not seen since {show.when(row['unseen'])}"


def device_edit(client: ControlClient, options: argparse.Namespace) -> None:
    row = lookup.device(client, options.device)
    changes = given(label=options.label, shared=options.shared, mac=options.mac, never_off=options.never_off)
    if options.person:
        changes["person_id"] = lookup.person(client, options.person)["id"]
    if options.no_person:
        changes["person_id"] = None
    if not changes:
        raise CliError("Nothing to change: give --label, --mac, --person, --no-person, --shared or --never-off.", USAGE)
    changed = client.call("device.edit", device_id=row["id"], **changes)
    show.line(f"{changed['label']}: person {person_of(changed) or 'none'}, on: {states(changed)}")
    if changed["never_off"]:
        show.line("Its internet is never turned off.")
    if held(changed):
        show.line(held(changed))


def device_remove(client: ControlClient, options: argparse.Namespace) -> None:
    row = lookup.device(client, options.device)
    kept = client.call("device.remove", device_id=row["id"], preview=True)["erased"]
    question = f"Remove {row['label']}, turn everything off for it and delete {records(kept)}?"
    confirmed(options, question)
    erased = client.call("device.remove", device_id=row["id"])["erased"]
    show.line(f"{row['label']} was removed; {records(erased)} deleted.")


def person_list(client: ControlClient, options: argparse.Namespace) -> None:
    rows = list(client.items("person.list"))
    if options.json:
        show.document({"items": rows})
        return
    cells = [[row["id"], row["name"], row["group"]] for row in rows]
    show.table(["ID", "PERSON", "GROUP"], cells, "No person yet. Add one: privacy-agent person add Mia child")


def person_add(client: ControlClient, options: argparse.Namespace) -> None:
    row = client.call("person.add", name=options.name, group=options.group, **given(birth_month=options.born))
    show.line(f"{row['name']} ({row['group']}) was added. Assign a device: privacy-agent device edit … --person")


def person_edit(client: ControlClient, options: argparse.Namespace) -> None:
    row = lookup.person(client, options.person)
    changes = given(name=options.name, group=options.group, birth_month=options.born)
    if not changes:
        raise CliError("Nothing to change: give --name, --group or --born.", USAGE)
    changed = client.call("person.edit", id=row["id"], **changes)
    show.line(f"{changed['name']} ({changed['group']})")
    becomes = part(changed, "becomes")
    if becomes:
        at = show.when(becomes["at"])
        told = f"Becomes a {becomes['group']} at {at}, or as soon as they confirm it at their device's page /me."
        if becomes["group"] == "adult":  # nobody decided that: an 18th birthday is near
            told = f"Counts as an adult from {at} on: what is on then waits for their own agreement."
        show.line(told)


def person_remove(client: ControlClient, options: argparse.Namespace) -> None:
    row = lookup.person(client, options.person)
    confirmed(options, f"Remove {row['name']}? Their devices stay and are assigned to no person.")
    client.call("person.remove", id=row["id"])
    show.line(f"{row['name']} was removed.")
    if row["group"] == "adult":
        show.line(
            "For a day their devices still count as an adult's, unless that is confirmed at the device's page /me."
        )
