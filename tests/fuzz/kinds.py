"""Values for an argument of an operation, by its kind in the table: at its limits, beyond them, and of no kind."""

from collections.abc import Callable
from typing import Any

from agent.control.messages import Schema
from tests.fuzz import nasty

# Whatever the kind: wrong types, digits that are none, lone surrogates, too large, too deep, too long.
ODD: tuple[Any, ...] = (
    *(None, True, False, "", " ", "²", "１", "\ud800", "a\udfffb", "\0", "\u202e", "x" * 70_000),
    *(0, -1, 2**53, 2**63, 2**64, -(2**64), 10**400, 0.5, float("inf"), float("nan")),
    *([], {}, [None], {"": None}, [[]], nasty.DEEP),
)


def fitting(schema: Schema) -> list[Any]:
    """Those that the table takes, at its limits; [] where it takes all."""
    kind: Any = schema.get("type")
    made = FITTING.get(kind)
    return made(schema) if made else []


def beyond(schema: Schema) -> list[Any]:
    """One step behind a limit."""
    limits: Any = schema
    if limits.get("type") == "integer":
        return [limits["minimum"] - 1, limits["maximum"] + 1, str(limits["minimum"]), float(limits["minimum"])]
    if limits.get("type") == "array":
        return [["x"] * (limits["maxItems"] + 1), ["x" * (limits["items"]["maxLength"] + 1)], [None]]
    if "enum" in limits:
        return [limits["enum"][0].upper(), limits["enum"][0] + " ", [limits["enum"][0]]]
    if limits.get("type") == "string":
        return ["x" * (limits["minLength"] - 1), "x" * (limits["maxLength"] + 1), " " * limits["maxLength"]]
    return []


def _texts(schema: Any) -> list[Any]:
    if "enum" in schema:
        return list(schema["enum"])
    shortest, longest = max(1, schema["minLength"]), schema["maxLength"]
    odd = [text for text in nasty.TEXTS if shortest <= len(text) <= longest]
    return ["x" * shortest, "x" * longest, "é" * longest, "\U0001f600" * shortest, *odd]


FITTING: dict[str, Callable[[Any], list[Any]]] = {
    "boolean": lambda schema: [True, False],
    "integer": lambda schema: [schema["minimum"], schema["minimum"] + 1, 2, 3, schema["maximum"]],
    "array": lambda schema: [[], ["x"], ["\ud800"], [""], ["x" * schema["items"]["maxLength"]] * schema["maxItems"]],
    "string": _texts,
}
