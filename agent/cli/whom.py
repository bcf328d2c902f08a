"""From what somebody typed to the device or person that is meant: by label, name, MAC, address or number."""

from agent.cli.trouble import NOT_FOUND, Trouble
from agent.client import Client
from agent.core.nearest import nearest

Row = dict[str, object]


def device(client: Client, text: str) -> Row:
    """The one device of that label, MAC address, IP address or number; Trouble with the nearest label."""
    rows = list(client.items("device.list"))
    return _one(text, rows, "label", "device", [_device_keys(row) for row in rows])


def person(client: Client, text: str) -> Row:
    """The one person of that name or number; Trouble with the nearest name."""
    rows = list(client.items("person.list"))
    return _one(text, rows, "name", "person", [[row["name"], row["id"]] for row in rows])


class Whom:
    """A device or a person: the argument of a request that says so, and the name to print."""

    def __init__(self, key: str, row: Row) -> None:
        self.arguments: Row = {key: row["id"]}
        self.name = str(row["label"] if key == "device_id" else row["name"])
        self.is_person = key == "person_id"


def either(client: Client, text: str) -> Whom:
    """A device or a person. Where both have the name, `device:NAME` and `person:NAME` tell them apart."""
    kind, _, rest = text.partition(":")
    if kind == "device":
        return Whom("device_id", device(client, rest))
    if kind == "person":
        return Whom("person_id", person(client, rest))
    devices, persons = list(client.items("device.list")), list(client.items("person.list"))
    found = [Whom("device_id", row) for row in devices if _is(text, _device_keys(row))]
    found += [Whom("person_id", row) for row in persons if _is(text, [row["name"]])]
    if len(found) == 1:
        return found[0]
    if found:
        raise Trouble(f"{text!r} is both a device and a person: write device:{text} or person:{text}", NOT_FOUND)
    raise _unknown(
        text, "device or person", [str(row["label"]) for row in devices] + [str(row["name"]) for row in persons]
    )


def _device_keys(row: Row) -> list[object]:
    return [row["label"], row["mac"], row["address"], row["id"]]


def _is(text: str, keys: list[object]) -> bool:
    return text.lower() in [str(key).lower() for key in keys if key is not None]


def _one(text: str, rows: list[Row], label: str, kind: str, keys: list[list[object]]) -> Row:
    found = [row for row, own in zip(rows, keys, strict=True) if _is(text, own)]
    if len(found) == 1:
        return found[0]
    if found:
        numbers = ", ".join(str(row["id"]) for row in found)
        raise Trouble(f"there is more than one {kind} {text!r}: give its number ({numbers})", NOT_FOUND)
    raise _unknown(text, kind, [str(row[label]) for row in rows])


def _unknown(text: str, kind: str, known: list[str]) -> Trouble:
    near = nearest(text, known)
    if near:
        return Trouble(f"no {kind} {text!r}: did you mean {near!r}?", NOT_FOUND)
    names = ", ".join(repr(name) for name in sorted(known)[:8])
    return Trouble(f"no {kind} {text!r}; " + (f"there are: {names}" if names else "there is none yet"), NOT_FOUND)
