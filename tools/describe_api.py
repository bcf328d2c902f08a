"""Writes agent/jobs/web/openapi.json from the route table, the field table and the answers described here.

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


def listed(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def shape(**properties: Schema) -> Schema:
    return {"type": "object", "required": sorted(properties), "properties": properties}


def also(schema: Schema, **optional: Schema) -> Schema:
    """The shape, with properties that may be absent."""
    schema["properties"].update(optional)
    return schema


def ref(name: str) -> Schema:
    return {"$ref": "#/components/schemas/" + name}


def paged(schema: Schema) -> Schema:
    return also(shape(items=listed(schema)), next=maybe(TEXT))


COUNTS = also(shape(visits=INT, attempts=INT), usage=INT)
SCHEMAS: dict[str, Schema] = {
    "Problem": shape(type=TEXT, title=TEXT, status=INT, detail=TEXT),
    "Session": shape(
        signed_in=FLAG,
        kind=maybe({"enum": ["household", "device"]}),
        setup_needed=FLAG,
        private=FLAG,
        secure=FLAG,
        tls=FLAG,
        csrf=maybe(TEXT),
        label=maybe(TEXT),
        confirmed_s=INT,
        totp=FLAG,
    ),
    "Person": also(
        shape(id=INT, name=TEXT, group={"enum": ["child", "teen", "adult"]}),
        internet=ref("Internet"),
        usage=maybe(ref("Minutes")),
        becomes=maybe(shape(group={"enum": ["child", "teen", "adult"]}, at=INT)),
    ),
    "Internet": also(shape(held=FLAG, why=TEXT, until=maybe(INT)), label=TEXT, text=TEXT),
    "Minutes": shape(on=FLAG, today=maybe(INT), allowed=maybe(INT), left=maybe(INT)),
    "Usage": also(
        shape(
            now=maybe(ref("Minutes")),
            week=maybe(listed(maybe(INT))),
            resets={"enum": ["midnight", "wake"]},
            bonuses=listed(shape(minutes=INT, text=TEXT, by=TEXT, at=INT)),
            bank=INT,
            consent={"enum": ["on", "off", "waiting", "suspended"]},
            trouble=TEXT,
        ),
        items=listed(shape(day=TEXT, minutes=INT)),
        not_counted=listed(TEXT),
        counted=FLAG,
    ),
    "Window": shape(
        id=INT,
        kind={"enum": ["bedtime", "break", "homework"]},
        days=TEXT,
        begin=TEXT,
        end=TEXT,
        label=TEXT,
        holiday=FLAG,
    ),
    "Off": also(shape(id=INT, until=INT, by=TEXT, at=INT), device_id=INT, person_id=INT),
    "Limits": shape(
        version=INT,
        windows=listed(ref("Window")),
        dates=listed(shape(id=INT, first=TEXT, last=TEXT)),
        now=ref("Internet"),
        next=maybe(shape(held=FLAG, why=TEXT, at=INT)),
        exceptions=listed(shape(id=INT, kind={"enum": ["off", "later", "earlier", "free"]}, until=INT)),
        holds=listed(ref("Off")),
        words=listed(TEXT),
        consent={"enum": ["on", "off", "waiting", "suspended"]},
        clock=shape(trusted=FLAG, zone=TEXT, place=TEXT, summer=FLAG, offset_min=INT, now=INT),
        trouble=TEXT,
    ),
    "NewAddress": shape(mac=TEXT, address=maybe(TEXT), hostname=TEXT),
    "Hold": shape(change=TEXT, at=INT),
    "Switch": also(
        shape(on=FLAG, since=maybe(INT), epoch=maybe(INT), suspended=maybe(TEXT)),
        lists={"enum": ["none", "stale", "ready"]},
    ),
    "Device": shape(
        id=INT,
        label=TEXT,
        mac=maybe(TEXT),
        address=maybe(TEXT),
        person=maybe(ref("Person")),
        shared=FLAG,
        never_off=FLAG,
        private_mac=FLAG,
        covered=FLAG,
        unseen=maybe(shape(unseen=INT, moved=maybe(ref("NewAddress")), through=maybe(TEXT))),
        features=shape(history=ref("Switch"), protection=ref("Switch")),
        kept=COUNTS,
        held=listed(ref("Hold")),
        internet=ref("Internet"),
    ),
    "Visit": shape(
        id=INT,
        device_id=INT,
        site=TEXT,
        first=INT,
        last=INT,
        hits=INT,
        hosts=listed(TEXT),
        source=TEXT,
        status=TEXT,
        background=FLAG,
        cause=maybe(INT),
        corrected=FLAG,
        folded=INT,
    ),
    "Attempt": shape(id=INT, device_id=INT, target=TEXT, at=INT, hits=INT, source=TEXT, rule=ref("Reason")),
    "Reason": shape(text=TEXT, list_id=TEXT, list_name=TEXT, list_version=TEXT, category=TEXT),
    "Category": shape(
        id=TEXT, title=TEXT, proposed=listed(TEXT), list=TEXT, licence=TEXT, count=INT, updated=maybe(INT)
    ),
    "Content": shape(
        version=INT,
        categories=listed(TEXT),
        services=listed(shape(id=TEXT, mode=TEXT, windows=listed(shape(days=TEXT, begin=TEXT, end=TEXT)))),
        search=TEXT,
        youtube=TEXT,
        always=listed(TEXT),
        homework=listed(TEXT),
        lists=ANY,
    ),
    "Rule": shape(
        id=INT,
        action={"enum": ["allow", "block"]},
        name=TEXT,
        scope={"enum": ["household", "person", "device"]},
        device_id=maybe(INT),
        person_id=maybe(INT),
        created_at=INT,
        expires_at=maybe(INT),
    ),
    "Request": shape(
        id=INT,
        device_id=INT,
        kind={"enum": ["objection", "exception", "erasure", "unblock", "time", "tonight"]},
        text=TEXT,
        target=maybe(TEXT),
        at=INT,
        state={"enum": ["open", "answered", "ended"]},
        answer=maybe(TEXT),
        wide=maybe(TEXT),
    ),
    "LedgerRow": shape(
        seq=INT,
        at=INT,
        actor=TEXT,
        device_id=maybe(INT),
        enrolment=TEXT,
        feature=TEXT,
        action=TEXT,
        notice=INT,
        hash=TEXT,
        detail=TEXT,
    ),
    "Feature": shape(name=TEXT, title=TEXT, reads=TEXT, keeps=TEXT, days=INT, sends=TEXT, version=INT, default=FLAG),
    "Today": shape(device_id=INT, visits=INT, sites=INT, attempts=INT),
    "Week": shape(
        **{"from": INT, "to": INT},
        zone=TEXT,
        days=listed(shape(day=TEXT, start=INT)),
        items=listed(
            shape(
                history=maybe(
                    shape(
                        on=FLAG,
                        visits=INT,
                        hours=listed(listed(INT)),
                        sites=listed(shape(site=TEXT, minutes=INT, visits=INT)),
                        more=INT,
                    )
                ),
                minutes=maybe(ANY),
                blocked=maybe(listed(INT)),
                off=maybe(shape(days=listed(INT), windows_since=maybe(INT), words=listed(TEXT))),
                gaps=listed(shape(**{"from": INT, "to": INT})),
                changes=listed(ANY),
                requests=listed(ANY),
            )
        ),
    ),
    "Notice": shape(version=INT, date=TEXT, text=TEXT),
    "Status": shape(version=TEXT, started_at=INT, lists=ANY, kernel=ANY, recording=ANY, devices_on=INT, health=TEXT),
    "Switched": shape(device=maybe(ref("Device")), devices=listed(ref("Device"))),
}

# What each operation answers, by "METHOD path" below /api/v1; the others answer an object.
ANSWERS: dict[str, Schema] = {
    "GET /session": ref("Session"),
    "POST /session": ref("Session"),
    "POST /setup": ref("Session"),
    "POST /session/confirm": shape(confirmed_s=INT),
    "GET /sessions": paged(shape(label=TEXT, kind=TEXT, browser=TEXT, address=TEXT, at=INT, seen_at=INT, this=FLAG)),
    "POST /totp": shape(secret=TEXT, uri=TEXT),
    "PUT /totp": shape(recovery_codes=listed(TEXT)),
    "GET /overview": shape(
        status=ref("Status"),
        people=listed(ref("Person")),
        devices=listed(ref("Device")),
        today=listed(ref("Today")),
        requests=listed(ref("Request")),
        notice=ref("Notice"),
    ),
    "GET /status": ref("Status"),
    "GET /today": shape(items=listed(ref("Today"))),
    "GET /week": ref("Week"),
    "GET /devices": paged(ref("Device")),
    "POST /devices": ref("Device"),
    "GET /devices/seen": paged(ANY),
    "PATCH /devices/{id}": ref("Device"),
    "PUT /devices/{device_id}/features/{feature}": ref("Switched"),
    "PUT /people/{person_id}/features/{feature}": ref("Switched"),
    "GET /people": paged(ref("Person")),
    "POST /people": ref("Person"),
    "PATCH /people/{id}": ref("Person"),
    "GET /history": paged(ref("Visit")),
    "PUT /visits/{id}/background": shape(id=INT, background=FLAG),
    "GET /history/days": shape(items=listed(shape(start=INT, visits=INT, hours=listed(INT)))),
    "DELETE /visits/{id}": COUNTS,
    "GET /attempts": also(paged(ref("Attempt")), hidden=INT),
    "GET /attempts/counts": shape(items=listed(shape(day=INT, category=TEXT, count=INT))),
    "GET /explanation": shape(
        name=TEXT,
        verdict={"enum": ["allow", "block"]},
        rule=maybe(ANY),
        since=maybe(INT),
        how=TEXT,
        safe=maybe(shape(operator=TEXT, target=TEXT)),
    ),
    "GET /categories": shape(items=listed(ref("Category"))),
    "GET /services": shape(items=listed(shape(id=TEXT, title=TEXT, group=TEXT, names=INT)), trouble=TEXT),
    "GET /people/{person_id}/content": ref("Content"),
    "PUT /people/{person_id}/content": ref("Content"),
    "GET /devices/{device_id}/content": ref("Content"),
    "PUT /devices/{device_id}/content": ref("Content"),
    "GET /lists/content": ref("Content"),
    "PUT /lists/content": ref("Content"),
    "GET /rules": paged(ref("Rule")),
    "POST /rules": {**ref("Rule"), "properties": {"unprotected": listed(TEXT)}},
    "GET /rules/text": paged(TEXT),
    "POST /rules/text": shape(
        rules=INT, new=INT, over=INT, room=INT, complaints=listed(shape(line=INT, message=TEXT)), wide=listed(TEXT)
    ),
    "GET /lists": shape(items=listed(shape(id=TEXT, name=TEXT, category=TEXT, rules=INT))),
    "GET /features": shape(items=listed(ref("Feature"))),
    "GET /notice": ref("Notice"),
    "GET /recipients": shape(items=listed(ANY)),
    "GET /ledger": paged(ref("LedgerRow")),
    "POST /audit": shape(ok=FLAG, rows_checked=INT, ledger_rows=INT, head=TEXT, findings=listed(TEXT)),
    "POST /erase": COUNTS,
    "POST /erase/preview": COUNTS,
    "GET /settings": shape(items=listed(shape(key=TEXT, kind=TEXT))),
    "GET /requests": paged(ref("Request")),
    "POST /requests/{id}/answer": ref("Request"),
    "POST /time-code": shape(code=TEXT, expires_at=INT),
    "POST /devices/{device_id}/pin-code": shape(code=TEXT, expires_at=INT),
    "POST /me/requests": ref("Request"),
    "POST /me/pin": ref("Session"),
    "POST /me/session": ref("Session"),
    "GET /people/{person_id}/limits": ref("Limits"),
    "PUT /people/{person_id}/limits": ref("Limits"),
    "GET /devices/{device_id}/limits": ref("Limits"),
    "PUT /devices/{device_id}/limits": ref("Limits"),
    "GET /holds": shape(items=listed(ref("Off"))),
    "POST /holds": shape(holds=listed(ref("Off")), left_out=listed(TEXT)),
    "DELETE /holds": shape(ended=listed(INT), now=ref("Internet")),
    "DELETE /holds/{id}": shape(ended=listed(INT), now=ref("Internet")),
    "POST /people/{person_id}/exceptions": ref("Limits"),
    "GET /people/{person_id}/usage": ref("Usage"),
    "GET /devices/{device_id}/usage": ref("Usage"),
    "PUT /people/{person_id}/allowance": ref("Usage"),
    "PUT /devices/{device_id}/allowance": ref("Usage"),
    "POST /people/{person_id}/bonus": ref("Usage"),
    "POST /devices/{device_id}/bonus": ref("Usage"),
    "GET /me/usage": ref("Usage"),
    "POST /me/bonus": ref("Usage"),
    "POST /devices/{device_id}/exceptions": ref("Limits"),
    "GET /me/history": paged(ref("Visit")),
    "GET /me/attempts": paged(ref("Attempt")),
    "GET /me/week": ref("Week"),
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
    PERSON: "For the person at an enrolled device, known by the request's address.",
    OWN: "For the person at an enrolled device, from that device, after their PIN.",
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
        schema = ANSWERS.get(route.method + " " + route.path.replace("/api/v1", "", 1), ANY)
        good["content"] = {kind: {"schema": schema if kind == "application/json" else TEXT}}
    if ".export" in route.op or route.op == ".my_export":
        good["content"]["text/csv"] = {"schema": TEXT}
    made[str(route.status)] = good
    return made | {kind: {"$ref": "#/components/responses/Problem"} for kind in ("4XX", "5XX")}


if __name__ == "__main__":
    sys.exit(main())
