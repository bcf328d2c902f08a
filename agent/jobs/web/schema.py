"""The API's arguments, from query, body and path, checked by the table of operations (agent/control)."""

from __future__ import annotations

import json

from agent.control import arguments
from agent.control.arguments import FLAG, KINDS, one_of, text
from agent.control.messages import Schema
from agent.control.operations import OPERATIONS
from agent.core.digits import whole
from agent.core.http import BadRequest
from agent.core.model import BadInput, Sentence
from agent.jobs.web.http_types import Problem

MYPY = False
if MYPY:
    from typing import Any

# What only the web page's own handlers read.
OWN: dict[str, Schema] = {
    "asked": text(64),
    "feed": KINDS["list"],
    "format": one_of("json", "csv"),
    "grant": KINDS["value"],
    "windows": KINDS["value"],
    "passphrase": text(256),
    "paused": FLAG,
    "pin": text(64, 4),
    "table": text(32),
}


def kind_of(op: str, name: str) -> Schema:
    """What the argument `name` is to a control operation, or to a handler of ours (".name")."""
    known = OPERATIONS[op].arguments if op in OPERATIONS else {}
    return known[name] if name in known else OWN[name] if name in OWN else KINDS[name]


NULLABLE = ("person_id", "birth_month", "seconds")
"""Fields whose null clears what is there."""


def from_query(pairs: list[tuple[str, str]], names: tuple[str, ...], op: str = "") -> dict[str, Any]:
    """Decoded query pairs → checked arguments; 422 names the first one that is wrong."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in names or name in found:
            raise invalid(name, "is not a parameter here" if name not in names else "is given twice")
        found[name] = _from_text(op, name, value)
        check(op, name, found[name])
    return found


def from_body(body: dict[str, Any], names: tuple[str, ...], op: str = "") -> dict[str, Any]:
    """A JSON object → checked arguments."""
    for name, value in body.items():
        if name not in names:
            raise invalid(name, "is not a field here")
        if not (value is None and name in NULLABLE):
            check(op, name, value)
    return body


def from_path(name: str, value: str, op: str = "") -> Any:
    """A part of the path; one that can't be right is an unknown address, not a wrong argument."""
    try:
        found = _from_text(op, name, value)
        check(op, name, found)
    except (Problem, BadRequest) as error:
        raise Problem(404, "not-found", "There is nothing at this address.") from error
    return found


def check(op: str, name: str, value: Any) -> None:
    """Problem 422 unless the value is of the argument's kind."""
    try:
        arguments.check(name, kind_of(op, name), value)
    except BadInput as error:
        raise Problem(422, "invalid", _whole(error), {"field": name}) from error


def _whole(error: BadInput) -> str | Sentence:
    """What the table says of an argument, as a sentence with its full stop."""
    said = error.args[0]
    return Sentence(said.text + ".", *said.values) if isinstance(said, Sentence) else f"{said}."


def _from_text(op: str, name: str, value: str) -> Any:
    kind = kind_of(op, name)["type"]
    if kind == "string":
        return value
    if kind == "boolean":
        if value not in ("true", "false"):
            raise invalid(name, "must be true or false")
        return json.loads(value)
    found = whole(value[1:] if value[:1] == "-" else value)
    if found is None:
        raise invalid(name, "must be a whole number")
    return -found if value[:1] == "-" else found


def invalid(name: str, what: str) -> Problem:
    return Problem(422, "invalid", Sentence("{} " + what + ".", name), {"field": name})
