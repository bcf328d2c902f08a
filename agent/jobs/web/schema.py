"""Every argument that the API takes, with its check: one table, also the source of openapi.json's schemas."""

import json
from typing import Any

from agent.core.digits import whole
from agent.core.feed_schedule import SYNTAXES
from agent.core.http import BadRequest
from agent.jobs.web.http_types import Problem
from agent.platform.printable import blank, printable

Schema = dict[str, Any]


def text(longest: int, shortest: int = 1, pattern: str = "") -> Schema:
    schema: Schema = {"type": "string", "minLength": shortest, "maxLength": longest}
    return schema | {"pattern": pattern} if pattern else schema


def number(lowest: int, highest: int) -> Schema:
    return {"type": "integer", "minimum": lowest, "maximum": highest}


def one_of(*words: str) -> Schema:
    return {"type": "string", "enum": list(words)}


ID = number(1, 2**52)
FLAG: Schema = {"type": "boolean"}
# Of the household's own rules; longer than any, so that the daemon says what is wrong with one.
LINES: Schema = {"type": "array", "maxItems": 100, "items": {"type": "string", "maxLength": 500}}
# Wall-clock seconds until the year 9999.
TIME = number(0, 253402300799)

FIELDS: dict[str, Schema] = {
    "id": ID,
    "device_id": ID,
    "person_id": ID,
    "attempt_id": ID,
    "feature": one_of("history", "protection"),
    "label": text(64),
    "name": text(600),  # a person's, a host's or a URL: the daemon knows which, and how long each may be
    "mac": text(17, 17),
    "address": text(45, 2),
    "group": one_of("child", "teen", "adult"),
    "birth_month": text(7, 7),
    "shared": FLAG,
    "on": FLAG,
    "agree": number(1, 1_000_000),
    "erase": FLAG,
    "all": FLAG,
    "preview": FLAG,
    "paused": FLAG,
    "limit": number(1, 200),
    "after": text(512),
    "from": TIME,
    "to": TIME,
    "since": TIME,
    "tz_offset": number(-86400, 86400),
    "search": text(128),
    "show": one_of("all", "visits", "apart"),
    "cause": ID,
    "background": FLAG,
    "days": number(1, 90),
    "undo": FLAG,
    "with_day": FLAG,
    "with_version": FLAG,
    "note": text(280),
    "text": text(500),
    "answer": text(500),
    "target": text(512),
    "kind": one_of("objection", "exception", "erasure", "unblock"),
    "state": one_of("open", "answered"),
    "scope": one_of("household", "person", "device"),
    "action": one_of("allow", "block"),
    "seconds": number(60, 366 * 86400),
    "head": text(64, 64),
    "version": number(1, 1_000_000),
    "key": text(64),
    "language": one_of("en", "de"),
    "format": one_of("json", "csv"),
    "table": text(32, 1),
    "feed": text(64),
    "url": text(512),
    "category": text(24),
    "syntax": one_of(*SYNTAXES),
    "terms": text(64),
    "decision": one_of("accept", "reject"),
    "passphrase": text(256),
    "history": FLAG,
    "lines": LINES,
    "sure": FLAG,
    "pin": text(64, 4),
}
NULLABLE = ("person_id", "birth_month", "seconds")
"""Fields whose null clears what is there."""


def from_query(pairs: list[tuple[str, str]], names: tuple[str, ...]) -> dict[str, Any]:
    """Decoded query pairs → checked arguments; 422 names the first one that is wrong."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in names or name in found:
            raise invalid(name, "is not a parameter here" if name not in names else "is given twice")
        found[name] = _from_text(name, value)
        check(name, found[name])
    return found


def from_body(body: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """A JSON object → checked arguments."""
    for name, value in body.items():
        if name not in names:
            raise invalid(name, "is not a field here")
        if not (value is None and name in NULLABLE):
            check(name, value)
    return body


def from_path(name: str, value: str) -> Any:
    """A part of the path; one that can't be right is an unknown address, not a wrong argument."""
    try:
        found = _from_text(name, value)
        check(name, found)
    except (Problem, BadRequest) as error:
        raise Problem(404, "not-found", "There is nothing at this address.") from error
    return found


def check(name: str, value: Any) -> None:
    """Problem 422 unless the value fits the field's schema."""
    schema = FIELDS[name]
    kind = schema["type"]
    if kind == "boolean":
        if not isinstance(value, bool):
            raise invalid(name, "must be true or false")
    elif kind == "integer":
        if not isinstance(value, int) or isinstance(value, bool):
            raise invalid(name, "must be a whole number")
        if not schema["minimum"] <= value <= schema["maximum"]:
            raise invalid(name, f"must be from {schema['minimum']} to {schema['maximum']}")
    elif kind == "array":
        _check_texts(name, value, schema)
    else:
        _check_text(name, value, schema)


def _check_texts(name: str, value: Any, schema: Schema) -> None:
    most, longest = schema["maxItems"], schema["items"]["maxLength"]
    fits = isinstance(value, list) and len(value) <= most
    if not fits or not all(isinstance(one, str) and len(one) <= longest for one in value):
        raise invalid(name, f"must be at most {most} texts of up to {longest} characters")


def _check_text(name: str, value: Any, schema: Schema) -> None:
    if not isinstance(value, str):
        raise invalid(name, "must be a text")
    if "enum" in schema:
        if value not in schema["enum"]:
            raise invalid(name, "must be one of: " + ", ".join(schema["enum"]))
    elif not schema["minLength"] <= len(value) <= schema["maxLength"]:
        raise invalid(name, f"must have {schema['minLength']} to {schema['maxLength']} characters")
    elif not printable(value) or blank(value):
        raise invalid(name, "must be one line of printable characters")


def _from_text(name: str, value: str) -> Any:
    kind = FIELDS[name]["type"]
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
    return Problem(422, "invalid", f"{name} {what}.", {"field": name})
