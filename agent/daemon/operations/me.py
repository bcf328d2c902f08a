"""What the person behind a device may always see and do, from that device: the page at /me.

The device is known by the address that its request came from. A cloned address shows that recording is on; what is kept
needs the PIN that the web job checks.
"""

from collections.abc import Generator

from agent.control.messages import Reply, Request, Row
from agent.core import addresses, consent
from agent.core.consent import LedgerRow
from agent.core.digits import whole
from agent.core.features import FEATURES, NOTICE_VERSION, feature
from agent.core.model import ADULT, HISTORY, BadInput, Device, Sentence
from agent.core.people import reader
from agent.core.sites import site, wide
from agent.daemon.household import Household
from agent.daemon.operations import internet, proven, scope, usage, week_file, week_people
from agent.daemon.operations.arguments import (
    OperationRejected,
    choice,
    optional_number,
    optional_text,
    page,
    paged,
    text,
)
from agent.daemon.operations.devices import device_row
from agent.daemon.operations.guests import refuse_guests
from agent.daemon.operations.named import device_named
from agent.daemon.operations.switches import off
from agent.daemon.store import recorded
from agent.daemon.store.delayed_changes import ADDRESS, PERSON
from agent.daemon.store.history_schema import TABLES
from agent.daemon.store.requests import RequestRow

CHANGES = 20
REQUEST_KINDS = ("objection", "exception", "erasure", "unblock", "time", "tonight")
TIME_KINDS = ("time", "tonight")
TIME_S = (900, 1800, 3600)  # that may be asked for
TIME_OPEN_MAX, TIME_DAY_MAX = 3, 10  # of one device
REQUEST_TEXT_MAX = 500
WORD_MAX = 64
REQUESTS_SHOWN = 50
REQUESTS_MAX = 200  # open ones; a household that has more does not read them
# Of one device: a child with a script fills neither the others' places nor the flash.
DEVICE_REQUESTS_MAX = 10
ALWAYS_FREE = 2  # a device with fewer open ones has room, however many the others have
PER_HOUR_MAX = 20
HOUR_S, DAY_S = 3600, 86400


def own_device(household: Household, request: Request) -> Device:
    """The device at the request's address, or OperationRejected("not_found")."""
    address = addresses.show(addresses.parse(text(request, "address")))
    mac = household.clients.mac_of(address)
    for device in household.state.devices():
        if device.address == address or (mac is not None and device.mac == mac):
            return device
    raise OperationRejected(
        "not_found", "Privacy Agent does not manage the device at this address: nothing of it is recorded"
    )


def me(household: Household, request: Request) -> Reply:
    device = own_device(household, request)
    mine: Request = {"device_id": device.id, "actor": "me:" + str(device.id)}
    readable = [scope.readable(household, mine, table) for table in TABLES]
    kept = {rows.table: recorded.count(household.records, rows) for rows in readable}
    until = [scope.kept_until(household, rows) for rows in readable]
    rows = household.state.ledger.rows_of([device.enrolment], 0, -1)[-CHANGES:]
    return {
        "device": device_row(household, device),
        "days": {name: household.subjects.days(name) for name in FEATURES},
        "kept": {
            **kept,
            "oldest_at": recorded.oldest(household.records, readable),
            "until": max([t for t in until if t is not None], default=None),
        },
        "changes": [change_row(household, row) for row in reversed(rows)],
        "adult": household.subjects.group_of(device) == ADULT,
        "readers": {name: reader(name, household.subjects.of(device)) for name in FEATURES},
        "read_by": household.subjects.readers,
        "requests": [request_row(household, row) for row in _asked_by(household, device, None)[-REQUESTS_SHOWN:]],
        "notice_version": NOTICE_VERSION,
        "limits": internet.of_me(household, device),
        "week_file": week_file.of_me(household, device),
        "week_file_ask": week_people.of_me(household, device),
        "usage": usage.of_me(household, device),
    }


def change_row(household: Household, row: LedgerRow) -> Row:
    at = household.set_right.at(row)
    return {"at": at, "feature": row.feature, "action": row.action, "actor": row.actor, "detail": row.detail}


def me_prove(household: Household, request: Request) -> Generator[float | None, None, object]:
    """A word for the PIN, which me.agree and me.confirm ask for where there is one."""
    device = own_device(household, request)
    secret, given = household.people.secret_of(device), request.get("pin")
    wrong = OperationRejected("forbidden", "the PIN is not right")
    busy = OperationRejected("busy", "another PIN is being checked")
    return (yield from proven.word(household, f"me:{device.id}", secret, given, wrong, busy))


def need_proof(household: Household, request: Request, device: Device) -> None:
    if household.people.secret_of(device) is not None and not proven.of_device(household, device, request):
        raise OperationRejected("forbidden", "enter the PIN of this device for this", {"needs": "pin"})


def speaks_for_device(household: Household, request: Request) -> None:
    """Who asks as a person at their device ("me:N") asks from that device's address, and for it alone."""
    kind, colon, told = str(request.get("actor", "")).partition(":")
    if kind != "me" or not colon:
        return
    device = own_device(household, request)
    others = [request.get(name) for name in ("person_id", "all") if request.get(name)]
    if told != str(device.id) or others or request.get("device_id", device.id) != device.id:
        raise OperationRejected("forbidden", "a person speaks for the device at their address alone")


def me_agree(household: Household, request: Request) -> Reply:
    """An adult agrees to what the household asked for, or to what has changed since, or switches it on themselves."""
    device = own_device(household, request)
    row = feature(str(request.get("feature", HISTORY)))
    if optional_number(request, "agree") != row.version:
        raise OperationRejected("agree_first", Sentence("read what is kept and agree to version {}", row.version))
    if household.subjects.group_of(device) != ADULT:
        raise OperationRejected(
            "forbidden", "only an adult agrees for themselves; for a child, the person who manages this network decides"
        )
    if any(one.kind != PERSON for one in household.delayed.of(device)):
        raise OperationRejected("conflict", "this device was taken from an adult: that has to be confirmed here first")
    refuse_guests(household, [device], row.name)
    need_proof(household, request, device)
    state = household.state.ledger.register.state(device.enrolment, row.name)
    action = {consent.OFF: "on", consent.SUSPENDED: "resume"}.get(state, "agree")
    household.toggles.on([(device, row.name)], action, "me:" + str(device.id), own=True)
    household.announcements.announce([(device, row.name)])
    return device_row(household, device)


def me_confirm(household: Household, request: Request) -> Reply:
    """The adult agrees to what was decided about them or their device; else it takes effect a day later."""
    device = own_device(household, request)
    waiting = household.delayed.of(device)
    if not waiting:
        raise OperationRejected("conflict", "there is nothing to confirm here")
    if any(one.kind == ADDRESS and one.proof for one in waiting):
        # The PIN went with the device; without it whoever imitates the address could confirm.
        raise OperationRejected(
            "forbidden", "the PIN of this device is gone: what was decided takes effect after a day"
        )
    need_proof(household, request, device)
    household.people.confirm(device, "me:" + str(device.id))
    household.edges.publish({"event": "device", "device_id": device.id})
    return device_row(household, household.state.device(device.id))


def me_off(household: Household, request: Request) -> Generator[float | None, None, object]:
    """An adult's off, at once. A child or teen may object instead (request.add)."""
    device = own_device(household, request)
    if household.subjects.group_of(device) != ADULT:
        raise OperationRejected(
            "forbidden",
            "only an adult can turn it off here; you can object, and the person who manages this network will see it",
        )
    given: Request = {
        "device_id": device.id,
        "feature": request.get("feature", HISTORY),
        "actor": "me:" + str(device.id),
    }
    if request.get("erase") is True:
        given["erase"] = True
    return (yield from off(household, given))


def request_add(household: Household, request: Request) -> Reply:
    """An objection, an exception or an erasure asked for, a name to be let through; it comes before the household."""
    device = own_device(household, request) if "address" in request else device_named(household, request)
    kind = choice(request, "kind", REQUEST_KINDS)
    words = optional_text(request, "text", REQUEST_TEXT_MAX) or ""
    target = optional_text(request, "target", 253)
    now = household.clock.wall()
    if kind in TIME_KINDS:
        target = _time_asked(household, device, request, kind)
    mine = household.state.requests.rows(device.id, "open", 0, REQUESTS_MAX)
    for row in _asked_by(household, device, "open"):
        if (row.kind, row.text, row.target) == (kind, words, target):
            return request_row(household, row)
    if len(mine) >= DEVICE_REQUESTS_MAX or (
        len(mine) >= ALWAYS_FREE and household.state.requests.open_ones() >= REQUESTS_MAX
    ):
        raise OperationRejected("busy", "there are too many open requests: ask in person")
    if household.state.requests.made(device.id, now - HOUR_S, now) >= PER_HOUR_MAX:
        raise OperationRejected("busy", "there are too many open requests: ask in person")
    for_s = _awaited_s(household, device) if kind in TIME_KINDS else None
    by = household.subjects.of(device)
    row = household.state.requests.add(device.id, by, kind, words, target, now, for_s)
    if kind == "objection" and all(one.kind != kind for one in mine):
        # Once for as long as one is open: the activity log is for ever.
        household.state.ledger.append(
            [(device.enrolment, "", "object", 0)], "me:" + str(device.id), household.clock.wall()
        )
        household.announcements.noted()
    household.edges.publish({"event": "request", "device_id": device.id})
    return request_row(household, row)


def _asked_by(household: Household, device: Device, state: str | None) -> list[RequestRow]:
    """By whoever has the device now: not what others asked for who had it before, or who share it no more."""
    subject = household.subjects.of(device)
    rows = household.state.requests.rows(device.id, state, 0, REQUESTS_MAX)
    return [row for row in rows if row.made_by(subject)]


def _time_asked(household: Household, device: Device, request: Request, kind: str) -> str | None:
    """Seconds as text; what is asked for too often is refused."""
    seconds = optional_number(request, "seconds")
    if kind == "time" and seconds not in TIME_S:
        raise BadInput(Sentence("seconds must be one of: {}", ", ".join(map(str, TIME_S))))
    asked = str(seconds) if kind == "time" else None
    now = household.clock.wall()
    rows = [row for row in household.state.requests.rows(device.id, None, 0, REQUESTS_MAX) if row.kind in TIME_KINDS]
    waiting = [row for row in rows if row.state == "open"]
    if not any((row.kind, row.target) == (kind, asked) for row in waiting) and (
        len(waiting) >= TIME_OPEN_MAX or sum(now - DAY_S < row.at <= now for row in rows) >= TIME_DAY_MAX
    ):
        raise OperationRejected("busy", "there are too many open requests: ask in person")
    return asked


def _awaited_s(household: Household, device: Device) -> int:
    """For how long: until what holds the device ends, or else what comes next within a day."""
    keeper, wall = household.keeper, household.clock.wall()
    now = keeper.decision(device)
    until = now.until
    if not now.held:
        coming = keeper.rules_of(device).line.coming(wall, keeper.local.zone)
        until = coming[1] if coming is not None and coming[0] - wall < DAY_S else None
    return DAY_S if until is None else min(until - wall, DAY_S)


def ask(household: Household, request: Request) -> Reply:
    """By the button of a refusal page, whose word proves that it was shown to this device. The same twice is once."""
    device = own_device(household, request)
    target = household.asks.use(text(request, "word", WORD_MAX), device.id)
    if target is None:
        raise OperationRejected("not_found", "this request was already sent: open the blocked page again")
    return request_add(household, {"device_id": device.id, "kind": "unblock", "target": target})


def request_list(household: Household, request: Request) -> Reply:
    limit, after = page(request)
    state = choice(request, "state", ("open", "answered", "ended")) if request.get("state") else None
    rows = household.state.requests.rows(None, state, after, limit)
    return paged([request_row(household, row) for row in rows], limit, rows[-1].id if rows else 0)


def request_row(household: Household, row: RequestRow) -> Row:
    seconds = whole(row.target or "") if row.kind == "time" else None
    wide = None if row.kind in TIME_KINDS else _opens(household, row.target)
    return {**row.told(), "seconds": seconds, "wide": wide}


def _opens(household: Household, target: str | None) -> str | None:
    """The end of all the names that allowing it would open, "com" of "*.com"; None where it opens one site."""
    try:
        name = site(target or "")
        return name.decode() if wide(name, household.lists.suffixes) else None
    except BadInput:
        return None


TABLE = {
    "me": me,
    "me.prove": me_prove,
    "me.agree": me_agree,
    "me.confirm": me_confirm,
    "me.off": me_off,
    "request.unblock": ask,
    "request.add": request_add,
    "request.list": request_list,
}
