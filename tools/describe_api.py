"""Writes agent/jobs/web/openapi.json from the table of routes and the table of operations.

`tools/describe_api.py` writes it, `--check` only says whether it is up to date.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from agent import __version__  # noqa: E402
from agent.control.operations import OPERATIONS  # noqa: E402
from agent.control.replies import SHAPES, fields  # noqa: E402
from agent.jobs.web.routes import CONFIRMED, HOUSEHOLD, OWN, PERSON, PUBLIC, ROUTES, Route  # noqa: E402
from agent.jobs.web.schema import NULLABLE, kind_of  # noqa: E402

TARGET = ROOT / "agent" / "jobs" / "web" / "openapi.json"
Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
INT: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
ANY: Schema = {"type": "object"}


def maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def shape(**properties: Schema) -> Schema:
    return {"type": "object", "required": sorted(properties), "properties": properties}


def ref(name: str) -> Schema:
    return {"$ref": "#/components/schemas/" + name}


# What the web job's own handlers answer, as agent/control/replies.py writes it; the others answer an object.
OWN_SHAPES = {
    "Problem": "type:text title:text status:int detail:text",
    "Session": 'signed_in:flag kind:"household/device"|null setup_needed:flag private:flag secure:flag tls:flag'
    " csrf:text|null label:text|null confirmed_s:int totp:flag",
    "SessionRow": "label:text kind:text browser:text address:text at:int seen_at:int this:flag",
    "Overview": "status:Status people:Person[] devices:Device[] today:Today[] requests:Request[] notice:Notice",
}
OWN_REPLIES = {
    ".show_session": "Session",
    ".sign_in": "Session",
    ".set_up": "Session",
    ".set_pin": "Session",
    ".enter_pin": "Session",
    ".confirm": "confirmed_s:int",
    ".list_sessions": "items:SessionRow[] next?:text|null",
    ".offer_totp": "secret:text uri:text",
    ".start_totp": "recovery_codes:text[]",
    ".make_pin_code": "Code",
    ".overview": "Overview",
}
# Of those that pass on what an operation replies.
PASSED_ON = {
    ".switch": "on",
    ".add_rule": "block",
    ".turn_off": "hold.add",
    ".preview_erase": "delete",
    ".recipients": "recipients",
    ".my_request": "request.add",
    ".my_history": "history",
    ".my_attempts": "blocked",
    ".my_week": "week",
    ".my_usage": "usage.days",
    ".my_bonus": "me.bonus",
}
TYPES: dict[str, Schema] = {"int": INT, "text": TEXT, "flag": FLAG, "any": {}, "null": {"type": "null"}}


def reply_of(op: str) -> Schema:
    """What an operation, or a handler of ours, answers."""
    if op in OWN_REPLIES:
        return schema_of(OWN_REPLIES[op])
    named = PASSED_ON.get(op, op)
    return schema_of(OPERATIONS[named].reply) if named in OPERATIONS else ANY


def schema_of(words: str) -> Schema:
    """JSON Schema of a reply."""
    return type_of(words) if words and " " not in words and ":" not in words else object_of(words)


def object_of(words: str) -> Schema:
    found = fields(words)
    needed = sorted(name for name, _, always in found if always)
    return {"type": "object", "required": needed, "properties": {name: type_of(kind) for name, kind, _ in found}}


def type_of(kind: str) -> Schema:
    if kind.endswith("|null"):
        return maybe(type_of(kind.removesuffix("|null")))
    if kind.endswith("[]"):
        return {"type": "array", "items": type_of(kind[:-2])}
    if kind.endswith("{}"):
        return {"type": "object", "additionalProperties": type_of(kind[:-2])}
    if kind.startswith('"'):
        return {"enum": kind.strip('"').split("/")}
    return TYPES[kind] if kind in TYPES else ref(kind)


SCHEMAS: dict[str, Schema] = {
    name: schema_of(words) if ":" in words else type_of(words) for name, words in (SHAPES | OWN_SHAPES).items()
}

PASSWORD: Schema = {"type": "string", "minLength": 1, "maxLength": 256}
CODE: Schema = {"type": "string", "minLength": 1, "maxLength": 64}
# Bodies of the handlers that read them themselves.
BODIES: dict[str, Schema] = {
    ".sign_in": {**shape(password=PASSWORD), "properties": {"password": PASSWORD, "code": CODE}},
    ".confirm": {**shape(password=PASSWORD), "properties": {"password": PASSWORD, "code": CODE}},
    ".set_up": shape(code=CODE, password=PASSWORD),
    ".change_password": {
        **shape(password=PASSWORD, new_password=PASSWORD),
        "properties": {"password": PASSWORD, "new_password": PASSWORD, "code": CODE},
    },
    ".start_totp": shape(code=CODE),
    ".restore": {"type": "string", "contentMediaType": "application/octet-stream"},
    ".set_setting": {"type": "object", "maxProperties": 16},
    ".set_pin": shape(code=CODE, pin={"type": "string", "minLength": 4, "maxLength": 64}),
    ".enter_pin": shape(pin={"type": "string", "maxLength": 64}),
}
# Of our own handlers; an operation's are in its table.
REQUIRED = {
    ".switch": ["on"],
    ".pause": ["paused"],
    ".add_rule": ["action", "name"],
    ".my_switch": ["on"],
    ".my_request": ["kind"],
    ".backup": ["passphrase"],
    ".choose_list": ["on"],
    ".decide_list": ["decision"],
}
BODY_TYPES = {".restore": "application/octet-stream"}
OTHER_TYPES = {
    ".backup": "application/octet-stream",
    ".events": "text/event-stream",
    ".my_events": "text/event-stream",
    ".metrics": "text/plain",
}
ACCESS = {
    PUBLIC: "Open to whoever reaches the router.",
    HOUSEHOLD: "Needs a session of the household.",
    CONFIRMED: "Needs a session of the household and its password again (POST /api/v1/session/confirm).",
    PERSON: "For the person at an added device, known by the request's address.",
    OWN: "For the person at an added device, from that device, after their PIN.",
}


def main() -> int:
    text = json.dumps(document(), separators=(",", ":"), sort_keys=True) + "\n"
    if "--check" in sys.argv:
        current = TARGET.read_text() == text
        print("openapi.json is up to date" if current else "openapi.json is out of date: run tools/describe_api.py")
        return 0 if current else 1
    TARGET.write_text(text)
    return 0


def document() -> Schema:
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "privacy-agent",
            "version": __version__,
            "description": "The household's API. Every error is a problem detail (RFC 9457).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "responses": {
                "Problem": {
                    "description": "What is wrong and what to do.",
                    "content": {"application/problem+json": {"schema": ref("Problem")}},
                }
            },
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-session"},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
            },
        },
    }


def operation(route: Route) -> Schema:
    made: Schema = {
        "operationId": route.method.lower() + route.path.replace("/", "_").replace("{", "").replace("}", ""),
        "description": ACCESS[route.access],
        "responses": responses(route),
        "parameters": parameters(route),
    }
    if route.access in (HOUSEHOLD, CONFIRMED, OWN):
        needs: dict[str, list[str]] = {"session": []}
        made["security"] = [needs if route.method == "GET" else needs | {"csrf": []}]
    body = BODIES.get(route.op) or fields_body(route)
    if body is not None:
        made["requestBody"] = {
            "required": bool(body.get("required")),
            "content": {BODY_TYPES.get(route.op, "application/json"): {"schema": body}},
        }
    return made


def parameters(route: Route) -> list[Schema]:
    found = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    made = [{"name": name, "in": "path", "required": True, "schema": kind_of(route.op, name)} for name in found]
    return made + [{"name": name, "in": "query", "schema": kind_of(route.op, name)} for name in route.query]


def fields_body(route: Route) -> Schema | None:
    if not route.body:
        return None
    kinds = {name: kind_of(route.op, name) for name in route.body}
    properties = {name: maybe(kind) if name in NULLABLE else kind for name, kind in kinds.items()}
    body: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    needed = OPERATIONS[route.op].needs if route.op in OPERATIONS else REQUIRED.get(route.op, [])
    if set(needed) & set(route.body):
        body["required"] = [name for name in route.body if name in needed]
    return body


def responses(route: Route) -> Schema:
    made: Schema = {}
    good: Schema = {"description": "Done."}
    if route.status != 204:
        kind = OTHER_TYPES.get(route.op, "application/json")
        schema = reply_of(route.op)
        good["content"] = {kind: {"schema": schema if kind == "application/json" else TEXT}}
    if ".export" in route.op or route.op == ".my_export":
        good["content"]["text/csv"] = {"schema": TEXT}
    made[str(route.status)] = good
    return made | {kind: {"$ref": "#/components/responses/Problem"} for kind in ("4XX", "5XX")}


if __name__ == "__main__":
    sys.exit(main())
