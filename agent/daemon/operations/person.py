"""What the person behind a device may always see and do, from that device: the page at /me.

The device is known by the address that its request came from. A cloned address shows that recording is on and what is
kept in numbers; contents need the PIN that the web job checks.
"""

from collections.abc import Generator

from agent.core import addresses
from agent.core.features import FEATURES, NOTICE_VERSION, feature
from agent.core.model import ADULT, HISTORY, BadInput, Device
from agent.daemon.household import Household
from agent.daemon.operations.arguments import (
    Refused,
    Request,
    choice,
    number,
    optional_number,
    optional_text,
    page,
    paged,
    text,
)
from agent.daemon.operations.consents import announce, off
from agent.daemon.operations.guests import refuse_guests
from agent.daemon.operations.people import device_row

CHANGES = 20
REQUEST_KINDS = ("objection", "exception", "erasure", "unblock")
REQUEST_TEXT_MAX = 500
WORD_MAX = 64
REQUESTS_MAX = 200  # open ones; a household that has more does not read them


def own_device(household: Household, request: Request) -> Device:
    """The enrolled device at the request's address, or Refused("not_found")."""
    address = addresses.show(addresses.parse(text(request, "address")))
    mac = household.clients.mac_of(address)
    for device in household.state.devices():
        if device.address == address or (mac is not None and device.mac == mac):
            return device
    raise Refused("not_found", "the device at this address is not enrolled: nothing of it is recorded")


def me(household: Household, request: Request) -> dict[str, object]:
    device = own_device(household, request)
    tables = [row.records for row in FEATURES.values()]
    kept = {table: household.records.count(table, device.id) for table in tables}
    until = [household.kept_until(table, [device]) for table in tables]
    rows = household.state.ledger.rows_of([device.enrolment], 0, -1)[-CHANGES:]
    return {
        "device": device_row(household, device),
        "days": {name: household.days(name) for name in FEATURES},
        "kept": {
            **kept,
            "oldest_at": household.records.oldest_at(device.id),
            "until": max([t for t in until if t is not None], default=None),
        },
        "changes": [{"at": r.at, "feature": r.feature, "action": r.action, "actor": r.actor} for r in reversed(rows)],
        "requests": [request_row(row) for row in household.state.requests(device.id, None, 0, 50)],
        "notice_version": NOTICE_VERSION,
    }


def me_agree(household: Household, request: Request) -> dict[str, object]:
    """An adult agrees to the history that the household asked for."""
    device = own_device(household, request)
    row = feature(str(request.get("feature", HISTORY)))
    if optional_number(request, "agree") != row.version:
        raise Refused("agree_first", "read what is kept and agree to version " + str(row.version))
    refuse_guests(household, [device], row.name)
    household.toggles.on([(device, row.name)], "agree", "me:" + str(device.id))
    announce(household, [(device, row.name)])
    return device_row(household, device)


def me_off(household: Household, request: Request) -> Generator[float | None, None, object]:
    """An adult's off, at once. A child or teen may object instead (request.add)."""
    device = own_device(household, request)
    if household.group_of(device) != ADULT:
        raise Refused(
            "forbidden", "only an adult can switch it off here; you can object, and the household will see it"
        )
    given: Request = {
        "device_id": device.id,
        "feature": request.get("feature", HISTORY),
        "actor": "me:" + str(device.id),
    }
    if request.get("erase") is True:
        given["erase"] = True
    return (yield from off(household, given))


def request_add(household: Household, request: Request) -> dict[str, object]:
    """An objection, an exception or an erasure asked for, a name to be let through; it comes before the household."""
    device = own_device(household, request) if "address" in request else household.devices_of(request)[0]
    kind = choice(request, "kind", REQUEST_KINDS)
    words = optional_text(request, "text", REQUEST_TEXT_MAX) or ""
    target = optional_text(request, "target", 253)
    if household.state.open_requests() >= REQUESTS_MAX:
        raise Refused("busy", "there are too many open requests: ask in person")
    row = household.state.add_request(device.id, kind, words, target, household.clock.wall())
    if kind == "objection":
        household.state.ledger.append(
            [(device.enrolment, "", "object", 0)], "me:" + str(device.id), household.clock.wall()
        )
        household.noted()
    household.publish({"event": "request", "device_id": device.id})
    return request_row(row)


def ask(household: Household, request: Request) -> dict[str, object]:
    """By the button of a refusal page, whose word proves that it was shown to this device. The same twice is once."""
    device = own_device(household, request)
    target = household.asks.use(text(request, "word", WORD_MAX), device.id)
    if target is None:
        raise Refused("not_found", "this button is used up: open the refused page again")
    for row in household.state.requests(device.id, "open", 0, REQUESTS_MAX):
        before = request_row(row)
        if (before["kind"], before["target"]) == ("unblock", target):
            return before
    return request_add(household, {"device_id": device.id, "kind": "unblock", "target": target})


def request_list(household: Household, request: Request) -> dict[str, object]:
    limit, after = page(request)
    state = choice(request, "state", ("open", "answered")) if request.get("state") else None
    rows = household.state.requests(None, state, after, limit)
    return paged([request_row(row) for row in rows], limit, int(str(rows[-1][0])) if rows else 0)


def request_answer(household: Household, request: Request) -> dict[str, object]:
    answer = text(request, "answer", REQUEST_TEXT_MAX)
    row = household.state.answer_request(number(request, "id"), answer, household.clock.wall())
    if row is None:
        raise BadInput("no request " + str(number(request, "id")))
    household.publish({"event": "request", "device_id": row[1]})
    return request_row(row)


def request_row(row: tuple) -> dict[str, object]:  # type: ignore[type-arg]
    keys = ("id", "device_id", "kind", "text", "target", "at", "state", "answer", "answered_at")
    return dict(zip(keys, row, strict=True))


TABLE = {
    "me": me,
    "me.agree": me_agree,
    "me.off": me_off,
    "ask": ask,
    "request.add": request_add,
    "request.list": request_list,
    "request.answer": request_answer,
}
