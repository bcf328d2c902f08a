"""Commands that read: status, history, attempts, explain, audit, ledger, settings."""

import argparse

from agent.cli import lookup, people, show
from agent.cli.errors import FINDINGS
from agent.cli.idna_input import in_ascii
from agent.cli.rows import change, given, part, rows_of, rule_source
from agent.cli.times import window
from agent.client import ControlClient
from agent.control.messages import Row


def status(client: ControlClient, options: argparse.Namespace) -> None:
    reply = client.call("status")
    if options.json:
        show.document(reply)
        return
    lists, kernel, dns = part(reply, "lists"), part(reply, "kernel"), part(reply, "dns")
    show.line(str(reply["health"]))
    more = reply.get("missing")
    for sentence in more[1:] if isinstance(more, list) else []:
        show.line(str(sentence))
    show.line(f"version    {reply['version']}, running since {show.when(reply['started_at'])}")
    show.line(f"devices    {show.count(reply['devices_on'], 'device has', 'devices have')} something on")
    arrived = part(reply, "new_devices")
    if arrived.get("waiting"):
        count = show.count(arrived["waiting"], "device", "devices")
        off = ", and without internet until somebody knows them" if arrived.get("held") else ""
        show.line(f"new        {count} never seen before{off}: privacy-agent device list --new")
    show.line(f"lists      {lists.get('state')}, {show.count(lists.get('rules'), 'rule', 'rules')}")
    _kernel_lines(kernel)
    show.line(f"upstream   {part(reply, 'upstream').get('state')}")
    show.line("dns        " + (", ".join(f"{name} {dns[name]}" for name in sorted(dns)) or "no query yet"))
    if part(reply, "recording").get("paused"):
        show.line("recording  paused; privacy-agent resume lists what comes back")
    recording = part(reply, "recording")
    passing = recording.get("encrypted_passes")
    if isinstance(passing, list) and passing:
        show.line(f"history    {show.count(len(passing), 'device has', 'devices have')} history on without protection:")
        show.line(show.PASSES)
    gone = sum(number for number in part(recording, "deleted_for_room").values() if isinstance(number, int))
    if gone or recording.get("unrecorded"):
        early = f"{show.count(gone, 'record', 'records')} deleted early for want of room"
        show.line(f"recording  {early}, {recording.get('unrecorded')} found none and were not recorded")
    faults = part(reply, "faults")
    if faults.get("total"):
        times = show.count(faults["total"], "thing was", "things were")
        show.line(f"mistakes   {times} skipped, the last by {faults['last']}; please report this line")
    if not reply.get("clock_set"):
        show.line("clock      not set yet: ages are counted in running time")


def _kernel_lines(kernel: Row) -> None:
    show.line(f"kernel     {kernel.get('state')}: {kernel.get('message')}")
    if kernel.get("held"):
        show.line(f"internet   off for {show.count(kernel['held'], 'device', 'devices')}")
    unseen = kernel.get("unseen")
    for row in unseen if isinstance(unseen, list) else []:
        show.line(f"           {row['label']} {people.unseen(row)}")
    if "connections" in kernel:
        by = kernel.get("connections_by")
        show.line(f"web        {kernel['connections']}" + (f" They come by {by}." if by else ""))


def history(client: ControlClient, options: argparse.Namespace) -> None:
    target = lookup.either(client, options.whom)
    chosen = given(search=options.search, **window(options), **target.arguments)
    chosen["show"] = "all" if options.background or options.search else "visits"
    rows, more = newest(client, "history", options, chosen)
    if options.json:
        show.document({"items": rows, "more": more})
        return
    heads = ["ID", "FIRST", "LAST", "SITE", "TIMES", "SEEN BY", "LOADED", "NOTE"]
    cells = [
        [r["id"], show.when(r["first"]), show.when(r["last"]), r["site"], r["hits"], r["source"], r["folded"], _note(r)]
        for r in rows
    ]
    show.table(heads, cells, f"No records of {target.name} for that time.")
    if more:
        show.line(f"These are the newest {len(rows)}; --all shows the rest.")
    if chosen["show"] == "visits":
        show.line("Background activity of apps, ads and trackers is left out: --background shows it.")


def newest(client: ControlClient, op: str, options: argparse.Namespace, chosen: Row) -> tuple[list[Row], bool]:
    """The rows that were asked for, and whether there are more."""
    if options.everything:
        return list(client.items(op, None, **chosen)), False
    rows = list(client.items(op, options.limit + 1, **chosen))
    return rows[: options.limit], len(rows) > options.limit


def _note(visit: Row) -> str:
    """ "background of 12, disputed": what nobody opened, and what was said about it."""
    cause = visit.get("cause")
    kind = "" if not visit["background"] else f"background of {cause}" if cause else "background"
    return ", ".join(word for word in (kind, str(visit["status"])) if word)


def blocked(client: ControlClient, options: argparse.Namespace) -> None:
    target = lookup.either(client, options.whom).arguments if options.whom else {}
    chosen = given(**window(options), **target)
    rows, more = newest(client, "blocked", options, chosen)
    hidden = client.call("blocked", limit=1, **chosen).get("hidden", 0)
    if options.json:
        show.document({"items": rows, "more": more, "hidden": hidden})
        return
    labels = {row["id"]: row["label"] for row in client.items("device.list")}
    cells = [
        [r["id"], show.when(r["at"]), labels.get(r["device_id"]), r["target"], r["hits"], *_by_rule(part(r, "rule"))]
        for r in rows
    ]
    heads = ["ID", "AT", "DEVICE", "BLOCKED", "TIMES", "RULE", "FROM"]
    if cells or not hidden:
        show.table(heads, cells, "No blocked attempts for that time.")
    if hidden:
        are = show.count(hidden, "attempt is", "attempts are")
        show.line(f"{are} for the adult's own eyes, at their device's page /me.")
    if more:
        show.line(f"These are the newest {len(rows)}; --all shows the rest.")


def _by_rule(rule: Row) -> list[object]:
    return [rule.get("text"), rule_source(rule)]


def explain(client: ControlClient, options: argparse.Namespace) -> None:
    device = lookup.device(client, options.device)["id"] if options.device else None
    name = in_ascii(options.name) if options.name else None
    person = lookup.person(client, options.person)["id"] if options.person else None
    what = given(name=name, device_id=device, person_id=person, attempt_id=options.blocked, at=options.at)
    if options.report:
        show.line(str(client.call("block.report", **what)["text"]))
        return
    reply = client.call("explain", **what)
    if options.json:
        show.document(reply)
        return
    then = part(reply, "then")
    if then:
        rule = part(then, "rule")
        at = show.when(then.get("at"))
        show.line(f"At {at}, {then.get('target')} was blocked: {rule.get('text')} from {rule_source(rule)}.")
        show.line("Now:")
    show.line(str(reply["how"]))
    if reply.get("since"):
        listed = part(reply, "rule").get("list_id")
        show.line(
            ("That list's version is from " if listed else "That rule is from ") + show.when(reply["since"]) + "."
        )


def audit(client: ControlClient, options: argparse.Namespace) -> int | None:
    reply = client.call("audit", **given(head=options.checksum))
    if options.json:
        show.document(reply)
    else:
        findings = reply.get("findings")
        for finding in findings if isinstance(findings, list) else []:
            show.line(f"! {finding}")
        entries = show.count(reply["ledger_rows"], "entry", "entries")
        checked = f"{reply['rows_checked']} records against {entries} of the activity log"
        show.line(f"{'All records match' if reply['ok'] else 'The check failed'}: {checked}.")
        gone = sum(number for number in part(reply, "deleted_for_room").values() if isinstance(number, int))
        if gone:
            records = show.count(gone, "record was", "records were")
            show.line(f"{records} deleted early for want of room: see history_rows and attempts_rows in the settings.")
        show.line(f"Checksum, to save and to check later with --checksum: {reply['head']}")
    return None if reply["ok"] else FINDINGS


def activity(client: ControlClient, options: argparse.Namespace) -> None:
    rows = list(client.items("activity", options.limit))
    if options.json:
        show.document({"items": rows})
        return
    labels = {row["id"]: row["label"] for row in client.items("device.list")}
    cells = [
        [
            r["seq"],
            show.when(r["at"]),
            r["actor"],
            _device(labels, r),
            r["feature"],
            r["action"],
            change(r.get("detail")),
        ]
        for r in rows
    ]
    heads = ["SEQ", "AT", "BY", "DEVICE", "FEATURE", "ACTION", "CHANGE"]
    show.table(heads, cells, "The activity log is empty: nothing was ever on.")


def _device(labels: dict[object, object], row: Row) -> object:
    return labels.get(row["device_id"], "removed" if row.get("enrolment") else "")


def _reply(request: Row) -> object:
    return "(ended)" if request["state"] == "ended" else request["answer"]


def request_list(client: ControlClient, options: argparse.Namespace) -> None:
    rows = list(client.items("request.list", state="open" if options.open else None))
    if options.json:
        show.document({"items": rows})
        return
    labels = {row["id"]: row["label"] for row in client.items("device.list")}
    cells = [
        [r["id"], show.when(r["at"]), labels.get(r["device_id"]), r["kind"], r["target"] or r["text"], _reply(r)]
        for r in rows
    ]
    show.table(["ID", "AT", "DEVICE", "KIND", "ABOUT", "REPLY"], cells, "No requests.")


def setting_list(client: ControlClient, options: argparse.Namespace) -> None:
    rows = rows_of(client.call("settings.get"))
    if options.json:
        show.document({"items": rows})
        return
    cells = [[r["key"], show.value(r["value"]), r["sentence"]] for r in rows]
    show.table(["SETTING", "VALUE", "MEANING"], cells, "None.")


def rule_list(client: ControlClient, options: argparse.Namespace) -> None:
    rows = list(client.items("rule.list"))
    if options.json:
        show.document({"items": rows})
        return
    devices = {row["id"]: row["label"] for row in client.items("device.list")}
    persons = {row["id"]: row["name"] for row in client.items("person.list")}
    cells = [
        [
            r["id"],
            r["action"],
            r["name"],
            devices.get(r["device_id"]) or persons.get(r["person_id"]) or "everybody",
            show.when(r["expires_at"]) or "always",
        ]
        for r in rows
    ]
    show.table(["ID", "ACTION", "NAME", "FOR", "UNTIL"], cells, "You have no rules of your own.")
