"""What somebody may not reach: `content WHOM …`."""

import argparse
from collections.abc import Callable

from agent.cli import lookup, show
from agent.cli.errors import USAGE, CliError
from agent.cli.rows import rows_of
from agent.client import ControlClient
from agent.control.messages import Row
from agent.core import windows
from agent.core.model import BadInput

CONTENT_USAGE = (
    "WHOM; WHOM block|allow CATEGORY …; WHOM services block|allow SERVICE … [--only|--not 'sat,sun 10:00-12:00'];"
    " WHOM search off|on|strict; WHOM youtube off|moderate|strict; WHOM always|homework add|remove NAME …;"
    " WHOM|everybody lists on|off|default LIST …"
)
EVERYBODY = "everybody"
Change = Callable[[Row, list[str], argparse.Namespace], Row]


def content(client: ControlClient, options: argparse.Namespace) -> None:
    """Shows what somebody may not reach, or changes it."""
    whom, *words = options.words
    target = None if whom == EVERYBODY else lookup.either(client, whom)
    arguments: Row = target.arguments if target else {}
    row = client.call("content.get", **arguments)
    if words:
        change = CHANGES.get(words[0])
        if change is None:
            raise CliError(f"content {CONTENT_USAGE}", USAGE)
        given = change(row, words[1:], options)
        row = client.call("content.set", version=row["version"], actor="cli", **arguments, **given)
    if options.json:
        show.document(row)
        return
    show.line(f"{target.name if target else 'Everybody'}:")
    for line in _told(row) or ["  nothing is blocked except by protection"]:
        show.line(line)
    if target and not words:
        show.line("This applies while limits are on: privacy-agent on " + repr(target.name) + " limits")


def _told(row: Row) -> list[str]:
    lists = row["lists"] if isinstance(row["lists"], dict) else {}
    told = [("categories blocked", _texts(row, "categories")), ("stay open, always", _texts(row, "always"))]
    told += [("stay open for homework", _texts(row, "homework"))]
    told += [("lists " + mode, sorted(id for id in lists if lists[id] == mode)) for mode in ("on", "off")]
    lines = [f"  {what}: {', '.join(names)}" for what, names in told if names]
    lines += [f"  {one['id']}: {_times(one)}" for one in rows_of(row, "services")]
    return lines + [f"  {name}: {row[name]}" for name in ("search", "youtube") if row[name] != "off"]


def _times(service: Row) -> str:
    spans = [f"{of['days']} {of['begin']}-{of['end']}" for of in rows_of(service, "windows")]
    words = {"block": "blocked", "only": "open only ", "not": "blocked "}
    return words[str(service["mode"])] + "; ".join(spans)


def _texts(row: Row, name: str) -> list[str]:
    value = row[name]
    return [str(one) for one in value] if isinstance(value, list) else []


def _split(words: list[str]) -> list[str]:
    found = [part for word in words for part in word.split(",") if part]
    if not found:
        raise CliError(f"say which: content {CONTENT_USAGE}", USAGE)
    return found


def _block(row: Row, words: list[str], options: argparse.Namespace) -> Row:
    return {"categories": sorted({*_texts(row, "categories"), *_split(words)})}


def _allow(row: Row, words: list[str], options: argparse.Namespace) -> Row:
    return {"categories": [one for one in _texts(row, "categories") if one not in _split(words)]}


def _services(row: Row, words: list[str], options: argparse.Namespace) -> Row:
    action, ids = words[0] if words else "", _split(words[1:])
    if action not in ("block", "allow"):
        raise CliError(f"services block or allow: content {CONTENT_USAGE}", USAGE)
    kept = [one for one in rows_of(row, "services") if one["id"] not in ids]
    if action == "allow":
        return {"services": kept}
    mode = "only" if options.only else "not" if options.unless else "block"
    try:
        spans = [windows.row(windows.parse(text)) for text in options.only or options.unless or []]
    except BadInput as error:
        raise CliError(str(error), USAGE) from error
    times = [{key: of[key] for key in ("days", "begin", "end")} for of in spans]
    return {"services": kept + [{"id": id, "mode": mode, "windows": times} for id in ids]}


def _mode(name: str) -> Change:
    return lambda row, words, options: {name: words[0] if words else ""}


def _names(name: str) -> Change:
    def change(row: Row, words: list[str], options: argparse.Namespace) -> Row:
        given, before = _split(words[1:]), _texts(row, name)
        if words[0] not in ("add", "remove"):
            raise CliError(f"{name} add or remove: content {CONTENT_USAGE}", USAGE)
        return {name: [*before, *given] if words[0] == "add" else [one for one in before if one not in given]}

    return change


def _lists(row: Row, words: list[str], options: argparse.Namespace) -> Row:
    before = row["lists"] if isinstance(row["lists"], dict) else {}
    ids = _split(words[1:])
    if words[0] not in ("on", "off", "default"):
        raise CliError(f"lists on, off or default: content {CONTENT_USAGE}", USAGE)
    return {"lists": {**before, **{id: None if words[0] == "default" else words[0] for id in ids}}}


CHANGES: dict[str, Change] = {
    "block": _block,
    "allow": _allow,
    "services": _services,
    "search": _mode("search"),
    "youtube": _mode("youtube"),
    "always": _names("always"),
    "homework": _names("homework"),
    "lists": _lists,
}


def categories(client: ControlClient, options: argparse.Namespace) -> None:
    reply = client.call("categories")
    if options.json:
        show.document(reply)
        return
    cells = [[r["id"], r["title"], ", ".join(_texts(r, "proposed")), r["list"], r["count"]] for r in rows_of(reply)]
    show.table(["CATEGORY", "", "PROPOSED FOR", "LIST", "NAMES"], cells, "No categories.")


def services(client: ControlClient, options: argparse.Namespace) -> None:
    reply = client.call("services")
    if options.json:
        show.document(reply)
        return
    cells = [[r["id"], r["title"], r["group"], r["names"]] for r in rows_of(reply)]
    show.table(["SERVICE", "", "CATEGORY", "NAMES"], cells, str(reply["trouble"]))
