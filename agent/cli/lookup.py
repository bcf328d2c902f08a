"""From what somebody typed to the device or person that is meant: by label, name, MAC, address or number."""

import shlex

from agent.cli.errors import NOT_FOUND, CliError
from agent.client import ControlClient
from agent.control.messages import Row
from agent.core.did_you_mean import nearest
from agent.core.digits import is_digits


def device(client: ControlClient, text: str) -> Row:
    """The one device of that label, MAC or IP address, or `device:NUMBER`; Trouble with the nearest label."""
    return _one(text, "device", list(client.items("device.list")))


def person(client: ControlClient, text: str) -> Row:
    """The one person of that name, or `person:NUMBER`; Trouble with the nearest name."""
    return _one(text, "person", list(client.items("person.list")))


def literal(kind: str, name: object) -> str:
    """What names this device or person on a command line, whatever else is called so."""
    return f"{kind}:{name}"


class Target:
    """A device or a person: the argument of a request that says so, and the name to print."""

    def __init__(self, key: str, row: Row) -> None:
        self.arguments: Row = {key: row["id"]}
        self.name = str(row["label"] if key == "device_id" else row["name"])


def either(client: ControlClient, text: str) -> Target:
    """A device or a person. Where both have the name, `device:NAME` and `person:NAME` tell them apart."""
    kind = text.partition(":")[0]
    if kind == "device":
        return Target("device_id", device(client, text))
    if kind == "person":
        return Target("person_id", person(client, text))
    devices, persons = list(client.items("device.list")), list(client.items("person.list"))
    for same in (_exactly, _but_for_case):
        found = [("device", row) for row in devices if same(text, row)]
        found += [("person", row) for row in persons if same(text, row)]
        if len(found) == 1:
            kind, row = found[0]
            return Target(kind + "_id", row)
        if found:
            raise _several(text, found)
    raise _unknown(text, "device or person", devices + persons)


def _one(text: str, kind: str, rows: list[Row]) -> Row:
    prefix, colon, rest = text.partition(":")
    named = colon and prefix == kind
    for same in (_exactly, _but_for_case):
        found = [row for row in rows if same(rest if named else text, row)]
        if len(found) == 1:
            return found[0]
        if found:
            raise _several(text, [(kind, row) for row in found])
    numbered = [row for row in rows if named and str(row["id"]) == rest]
    if numbered:
        return numbered[0]
    raise _unknown(rest if named else text, kind, rows)


def _exactly(text: str, row: Row) -> bool:
    return text == _name(row)


def _but_for_case(text: str, row: Row) -> bool:
    keys = [_name(row), row.get("mac"), row.get("address")]
    return text.casefold() in [str(key).casefold() for key in keys if key is not None]


def _name(row: Row) -> str:
    return str(row["label"] if "label" in row else row["name"])


def _several(text: str, found: list[tuple[str, Row]]) -> CliError:
    """With words that work as they stand: the names where they differ, else the numbers."""
    names = [literal(kind, _name(row)) for kind, row in found]
    if len(set(names)) < len(names):
        names = [literal(kind, row["id"]) for kind, row in found]
    return CliError(
        f"{text!r} may be {' or '.join(shlex.quote(name) for name in names)}: write one of these", NOT_FOUND
    )


def _unknown(text: str, kind: str, rows: list[Row]) -> CliError:
    known = [_name(row) for row in rows]
    near = nearest(text, known)
    if near:
        return CliError(f"no {kind} called {text!r}. Did you mean {near!r}?", NOT_FOUND)
    numbered = f" For its number, write {kind.split()[0]}:{text}." if is_digits(text) else ""
    names = ", ".join(repr(name) for name in sorted(known)[:8])
    listed = f" Known: {names}." if names else " There is none yet."
    return CliError(f"no {kind} called {text!r}.{listed}{numbered}", NOT_FOUND)
