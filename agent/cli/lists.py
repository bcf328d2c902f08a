"""Commands about block lists: what is in use, add, remove, update, waiting, accept, reject, rollback."""

import argparse
import time
from urllib.parse import quote, urlsplit, urlunsplit

from agent.cli import show
from agent.cli.errors import FINDINGS, NOT_FOUND, OK, CliError
from agent.cli.rows import part, rows_of
from agent.client import ControlClient
from agent.control.messages import Row
from agent.core.content import CATEGORY_IDS, PROTECTING_IDS
from agent.core.did_you_mean import nearest
from agent.platform.idna import to_ascii

LOOK_S = 0.3
ENCODED = "/%?&=~:;,+!*'()@$"  # what an address may hold as it is


def status(client: ControlClient, options: argparse.Namespace) -> None:
    reply = client.call("lists")
    if options.json:
        show.document(reply)
        return
    cells = [
        [r["id"], r["category"], r["rules"], r["version"], show.when(r["loaded_at"]), r["state"]]
        for r in rows_of(reply)
    ]
    show.table(["IN USE", "CATEGORY", "RULES", "VERSION", "LOADED", "STATE"], cells, "No list is loaded.")
    show.line()
    counts = [[category, rules] for category, rules in part(reply, "categories").items()]
    show.table(["OF CATEGORY", "RULES"], counts, "No rule is loaded.")
    show.line()
    skipped = [[r["id"], count, why] for r in rows_of(reply) for why, count in part(r, "skipped").items()]
    if skipped:
        show.table(["LIST", "LINES NOT USED", "WHY"], skipped, "")
        show.line()
    feeds = [
        [r["id"], r["category"], "yes" if r["chosen"] else "no", show.when(r["checked_at"]), _whose(r), r["message"]]
        for r in rows_of(reply, "feeds")
    ]
    show.table(["AVAILABLE", "CATEGORY", "CHOSEN", "CHECKED", "LICENCE", ""], feeds, "No list is available.")
    if reply.get("pinned"):
        show.line("You went back to the previous lists: no update comes by itself until privacy-agent lists update.")
    kept = part(reply, "kept")
    if kept.get("in_use"):
        show.line("The lists in use came back from flash after the restart.")
    elif kept.get("state") == "older":
        show.line("The copy on flash is of an earlier update; it is written once a day.")
    if kept.get("trouble"):
        show.line(f"! {kept['trouble']}")
    if reply.get("trouble"):
        show.line(f"! {reply['trouble']}")


def _whose(row: Row) -> object:
    return "your own" if row["own"] else row["licence"]


def add(client: ControlClient, options: argparse.Namespace) -> None:
    """A list of the table by its id, or one's own by its address."""
    if "/" not in options.list:
        if options.name or options.category or options.syntax:
            raise CliError("--name, --category and --syntax are for a list of your own: give its address, https://…")
        row = client.call("lists.choose", id=feed_named(client, options.list)["id"], on=True)
        show.line(f"{row['name']} is used from now on. At once: privacy-agent lists update")
        return
    values = {key: getattr(options, key) for key in ("name", "category", "syntax") if getattr(options, key)}
    row = client.call("lists.add", url=_address(options.list), **values)
    show.line(f"{row['name']} is used from now on, as {row['id']}. At once: privacy-agent lists update")
    if options.category and options.category not in (*CATEGORY_IDS, *PROTECTING_IDS):
        show.line(f"{options.category}: a category of your own. It blocks on every device with protection on.")


def _address(text: str) -> str:
    """As servers want it: the host in A-labels, other letters percent-encoded. Trouble where there is none."""
    try:
        parts = urlsplit(text)
        host, colon, port = parts.netloc.partition(":")
        host = to_ascii(host) + colon + port
    except ValueError as error:
        raise CliError(f"{text!r} is no address: {error}") from error
    return urlunsplit((parts.scheme, host, quote(parts.path, ENCODED), quote(parts.query, ENCODED), ""))


def remove(client: ControlClient, options: argparse.Namespace) -> None:
    """One's own list goes; one of the table is not fetched any more."""
    rows = rows_of(client.call("lists"), "feeds")
    found = [row for row in rows if options.list in (row["id"], row["address"])]
    feed = found[0] if found else feed_named(client, options.list)
    if feed["own"]:
        client.call("lists.remove", id=feed["id"])
    else:
        client.call("lists.choose", id=feed["id"], on=False)
    show.line(f"{feed['name']} is not used any more; what it blocks ends with the next update, within a minute.")


def update(client: ControlClient, options: argparse.Namespace) -> int:
    """Starts an update, says how far it is until it is done, and then of each list why nothing came."""
    if not client.call("lists.update")["started"]:
        show.line("An update is under way already.")
    told = ""
    while True:
        now = client.call("lists.progress")
        if not now.get("running"):
            break
        step = _step(now)
        if step != told:
            show.line(step)
            told = step
        time.sleep(LOOK_S)
    return _ended(client, str(now.get("message") or ""))


def _ended(client: ControlClient, message: str) -> int:
    reply = client.call("lists")
    chosen = [row for row in rows_of(reply, "feeds") if row["chosen"]]
    failed = [row for row in chosen if row["failures"]]
    for row in failed:
        show.line(f"! {row['name']}: {row['message']}")
    for row in chosen:
        if row["held"]:
            show.line(f"! {row['name']}: waits for your decision: privacy-agent lists waiting")
    if message:
        show.line(f"! {message}")
    rules = sum(int(str(row["rules"])) for row in rows_of(reply))
    show.line("done" if not (failed or message) else f"{show.count(rules, 'rule', 'rules')} in use")
    return FINDINGS if failed or message else OK


STEPS = {
    "fetch": "Fetching",
    "compile": "Compiling all lists",
    "check": "Checking the new set",
    "swap": "Putting it in use",
}


def _step(now: Row) -> str:
    """ "Fetching List one: 25 %", in quarters."""
    done, total = int(str(now.get("done"))), int(str(now.get("total")))
    share = f": {min(100 * done // total, 100) // 25 * 25} %" if total else ""
    step = str(now.get("step"))
    return f"{STEPS.get(step, step)} {now.get('name') or ''}".rstrip() + share


def waiting(client: ControlClient, options: argparse.Namespace) -> None:
    rows = rows_of(client.call("lists.waiting"))
    if options.json:
        show.document({"items": rows})
        return
    cells = [[row["id"], row["version"], row["rules"], row["reason"]] for row in rows]
    show.table(["LIST", "VERSION", "RULES", "WHY IT WAITS"], cells, "No update is waiting for your decision.")


def accept(client: ControlClient, options: argparse.Namespace) -> None:
    if options.list in _left_out(client):
        client.call("block", name=options.list, scope="household", sure=True)
        show.line(f"{options.list} is blocked for everybody. To end that: privacy-agent rule list")
        return
    client.call("lists.decide", id=feed_named(client, options.list)["id"], decision="accept")
    show.line("The update is in use.")


def _left_out(client: ControlClient) -> list[str]:
    """The lines of lists that are not used because they would block what everybody needs, as `skipped` names them."""
    told = [why for row in rows_of(client.call("lists")) for why in part(row, "skipped")]
    words = [word.strip(",") for why in told if ": " in why for word in why.partition(": ")[2].split()]
    return [word for word in words if "." in word]


def reject(client: ControlClient, options: argparse.Namespace) -> None:
    client.call("lists.decide", id=feed_named(client, options.list)["id"], decision="reject")
    show.line("This version is skipped.")


def rollback(client: ControlClient, options: argparse.Namespace) -> None:
    client.call("lists.rollback")
    show.line("The previous lists are in use until the next privacy-agent lists update.")


def helplines(client: ControlClient, options: argparse.Namespace) -> None:
    """The sites that are never recorded and never blocked, with what each is for."""
    rows = rows_of(client.call("helplines"))
    if options.json:
        show.document({"items": rows})
        return
    heads = ["NAME", "TOPIC", "COUNTRY", "WHO", "SOURCE"]
    notes = [[part.strip() for part in str(row["note"]).split(";")] + [""] * len(heads) for row in rows]
    cells = [[row["name"], *note[: len(heads) - 1]] for row, note in zip(rows, notes, strict=True)]
    show.table(heads, cells, "No helpline is known.")


def feed_named(client: ControlClient, name: str) -> Row:
    """The list that can be fetched, by its id; Trouble with the nearest id."""
    feeds = rows_of(client.call("lists"), "feeds")
    for row in feeds:
        if row["id"] == name:
            return row
    ids = [str(row["id"]) for row in feeds]
    near = nearest(name, ids)
    hint = f": did you mean {near}?" if near else "; there are: " + (", ".join(sorted(ids)) or "none")
    raise CliError(f"no list {name!r}{hint}", NOT_FOUND)
