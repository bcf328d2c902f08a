"""Every kind of argument, with its limits, as JSON Schema: what the daemon checks and openapi.json tells."""

from agent.control.messages import Schema
from agent.core.feed_schedule import SYNTAXES
from agent.core.model import AGE_GROUPS, HISTORY, LIMITS, PROTECTION, USAGE, BadInput, Sentence
from agent.platform.printable import blank, printable

NUMBER_MAX = 1 << 52  # whole in every JSON reader: it may keep numbers as doubles
TIME_MAX = 253402300799  # wall-clock seconds until the year 9999
PAGE_MAX = 200  # a page of the widest rows stays below 64 KiB and below a few milliseconds


def text(longest: int, shortest: int = 1) -> Schema:
    return {"type": "string", "minLength": shortest, "maxLength": longest}


def number(lowest: int, highest: int) -> Schema:
    return {"type": "integer", "minimum": lowest, "maximum": highest}


def one_of(*words: str) -> Schema:
    return {"type": "string", "enum": list(words)}


ID = number(1, NUMBER_MAX)
FLAG: Schema = {"type": "boolean"}
# Checked by the operation itself: a value of any kind, or rows of another job.
ANY: Schema = {}

# Name → kind. Where an operation means something of its own by a name, its row says which: "name:label".
KINDS: dict[str, Schema] = {
    "action": one_of("allow", "block"),
    "actor": text(40),
    "address": text(45, 2),
    "after": text(32),  # a cursor: the id of a row, of a visit also its age
    "agree": number(1, 1_000_000),
    "ago": number(0, 30),  # days
    "all": FLAG,
    "answer": text(500),
    "at": text(60),  # "fri 21:00"
    "attempt_id": ID,
    "background": FLAG,
    "bank": FLAG,
    "birth_month": text(7, 7),
    "category": text(24),
    "cause": ID,
    "code": text(64),
    "days": number(1, 31),
    "decision": one_of("accept", "reject"),
    "children": FLAG,
    "device_id": ID,
    "ended": FLAG,
    "erase": FLAG,
    "feature": one_of(HISTORY, PROTECTION, LIMITS, USAGE),
    "from": number(0, TIME_MAX),
    "given": one_of("off", "later", "earlier", "free"),
    "group": one_of(*AGE_GROUPS),
    "head": text(64, 64),
    "history": FLAG,
    "id": ID,
    "key": text(64),
    "kind": one_of("objection", "exception", "erasure", "unblock", "time", "tonight"),
    "label": text(64),
    "limit": number(1, PAGE_MAX),
    # Of the household's own rules; longer than any, so that the daemon says what is wrong with one.
    "lines": {"type": "array", "maxItems": 100, "items": {"type": "string", "maxLength": 500}},
    "list": text(64),
    "mac": text(17, 12),
    "minutes": number(1, 1440),
    "morning": FLAG,
    "name": text(2048),  # of a site, or a URL as it is pasted; how long each may be is said by what reads it
    "never_off": FLAG,
    "note": text(500),
    "on": FLAG,
    "part": one_of("first", "more", "last"),
    "person_id": ID,
    "preview": FLAG,
    "proof": text(32, 32),
    "scope": one_of("household", "person", "device"),
    "search": text(64),
    "seconds": number(1, 366 * 86400),
    "shared": FLAG,
    "show": one_of("all", "visits", "apart"),
    "since": number(0, TIME_MAX),
    "state": one_of("open", "answered", "ended"),
    "sure": FLAG,
    "syntax": one_of(*SYNTAXES),
    "target": text(253),
    "terms": text(64),
    "text": text(500),
    "to": number(0, TIME_MAX),
    "tz_offset": number(-86400, 86400),
    "undo": FLAG,
    "until": number(0, TIME_MAX),
    "url": text(512),
    "value": ANY,
    "version": number(1, 1_000_000),
    "with_day": FLAG,
    "with_version": FLAG,
    "word": text(64),
}


def check(name: str, schema: Schema, value: object) -> None:
    """BadInput that begins with `name` unless the value fits."""
    kind = schema.get("type")
    if kind == "boolean" and not isinstance(value, bool):
        raise BadInput(Sentence("{} must be true or false", name))
    if kind == "integer":
        _check_number(name, schema, value)
    if kind == "array":
        _check_texts(name, schema, value)
    if kind == "string":
        _check_text(name, schema, value)


def _check_number(name: str, schema: Schema, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadInput(Sentence("{} must be a whole number", name))
    lowest, highest = schema["minimum"], schema["maximum"]
    assert isinstance(lowest, int) and isinstance(highest, int)
    if not lowest <= value <= highest:
        raise BadInput(Sentence("{} must be from {} to {}", name, lowest, highest))


def _check_texts(name: str, schema: Schema, value: object) -> None:
    most, items = schema["maxItems"], schema["items"]
    assert isinstance(most, int) and isinstance(items, dict)
    texts = value if isinstance(value, list) else [None]
    if len(texts) > most or not all([isinstance(one, str) and len(one) <= items["maxLength"] for one in texts]):
        raise BadInput(Sentence("{} must be at most {} texts of up to {} characters", name, most, items["maxLength"]))


def _check_text(name: str, schema: Schema, value: object) -> None:
    if not isinstance(value, str):
        raise BadInput(Sentence("{} must be a text", name))
    if "enum" in schema:
        words = schema["enum"]
        assert isinstance(words, list)
        if value not in words:
            raise BadInput(Sentence("{} must be one of: {}", name, ", ".join(words)))
        return
    shortest, longest = schema["minLength"], schema["maxLength"]
    assert isinstance(shortest, int) and isinstance(longest, int)
    if not shortest <= len(value.strip()) or len(value) > longest:
        raise BadInput(Sentence("{} must have {} to {} characters", name, shortest, longest))
    if not printable(value) or blank(value):
        raise BadInput(Sentence("{} must be one line of printable characters", name))
