"""Whether a reply is as the table of operations writes it: no field less, none more, each of its type."""

from typing import Any

from agent.control.operations import OPERATIONS
from agent.control.replies import SHAPES, fields

PLAIN: dict[str, type] = {"int": int, "text": str, "flag": bool, "any": object}


def wrong(op: str, reply: Any) -> list[str]:
    """What does not fit, as paths into the reply."""
    return list(_object(OPERATIONS[op].reply, reply, op))


def _object(words: str, value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        yield f"{path} is {value!r:.60}"
        return
    told = {name: (kind, always) for name, kind, always in fields(words)}
    yield from (f"{path}.{name} is not in the table" for name in value.keys() - told.keys())
    for name, (kind, always) in told.items():
        if name in value:
            yield from _value(kind, value[name], f"{path}.{name}")
        elif always:
            yield f"{path}.{name} is missing"


def _value(kind: str, value: Any, path: str) -> Any:
    if kind.endswith("|null"):
        if value is not None:
            yield from _value(kind.removesuffix("|null"), value, path)
    elif kind.endswith(("[]", "{}")):
        yield from _many(kind, value, path)
    elif kind in SHAPES:
        yield from (_object if ":" in SHAPES[kind] else _value)(SHAPES[kind], value, path)
    elif not _fits(kind, value):
        yield f"{path} is {value!r:.60}, not {kind}"


def _many(kind: str, value: Any, path: str) -> Any:
    if not isinstance(value, list if kind.endswith("[]") else dict):
        yield f"{path} is {value!r:.60}, not {kind}"
        return
    for one in value.values() if isinstance(value, dict) else value:
        yield from _value(kind[:-2], one, path + kind[-2:])


def _fits(kind: str, value: Any) -> bool:
    if kind.startswith('"'):
        return value in kind.strip('"').split("/")
    return isinstance(value, PLAIN[kind]) and (kind != "int" or not isinstance(value, bool))
