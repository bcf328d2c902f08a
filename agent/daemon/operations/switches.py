"""Switching on and off, pausing and resuming, and what the notice says."""

from collections.abc import Generator
from contextlib import suppress

from agent.control.messages import Reply, Request, Row
from agent.core import consent, people
from agent.core.features import FEATURES, NOTICE, NOTICE_DATE, NOTICE_VERSION, feature
from agent.core.model import HISTORY, LIMITS, USAGE, BadInput, Device, Sentence
from agent.daemon.erasing import erase as erase_rows
from agent.daemon.erasing import finish
from agent.daemon.household import Household
from agent.daemon.limits.screen_time import BY_ADDRESS, OFFLOADED
from agent.daemon.operations import internet, scope
from agent.daemon.operations.arguments import OperationRejected, actor, flag, number, optional_number
from agent.daemon.operations.devices import device_row
from agent.daemon.operations.guests import is_guest, refuse_guests
from agent.daemon.operations.named import devices_of
from agent.daemon.store import recorded
from agent.daemon.store.database import Locked, StorageError
from agent.daemon.store.owners import owner_of
from agent.daemon.store.selection import Selection
from agent.daemon.store.unsaved import LOCKED_S, LOCKED_TRIES
from agent.daemon.toggles import Pair, Pairs


def features(household: Household, request: Request) -> Reply:
    return {"items": [_feature(household, name) for name in sorted(FEATURES)]}


def _feature(household: Household, name: str) -> Row:
    row = FEATURES[name]
    return {
        "name": row.name,
        "title": row.title,
        "reads": row.reads,
        "keeps": row.keeps,
        "days": household.subjects.days(name),
        "days_max": row.days_max,
        "sends": row.sends,
        "version": row.version,
        "default": False,
    }


def notice(household: Household, request: Request) -> Reply:
    """`read_at` is None until somebody read this version; `material` when an older one was read that told less."""
    version, _, at = household.state.meta("notice read", "0 0").partition(" ")
    read = int(version) >= NOTICE_VERSION
    return {
        "version": NOTICE_VERSION,
        "date": NOTICE_DATE,
        "text": NOTICE,
        "material": 0 < int(version) < NOTICE_VERSION,
        "read_at": int(at) if read else None,
    }


def notice_read(household: Household, request: Request) -> Reply:
    """Somebody read the notice of this version; noted in the ledger."""
    if number(request, "version") != NOTICE_VERSION:
        raise OperationRejected("conflict", Sentence("the notice is of version {} now: read that one", NOTICE_VERSION))
    now = household.clock.wall()
    household.state.ledger.append([("", "", "read", NOTICE_VERSION)], actor(request), now)
    household.state.put_meta("notice read", f"{NOTICE_VERSION} {now}")
    household.announcements.noted()
    return notice(household, request)


def on(household: Household, request: Request) -> Reply:
    """Switch a feature on for a device or for all devices of a person. An adult's history is only asked for; it starts
    when they agree at their own device. What is suspended comes back by the agreement given now."""
    name = feature(str(request.get("feature", ""))).name
    devices = devices_of(household, request)
    if not devices:
        raise BadInput("there is no device yet: add one first")
    if optional_number(request, "agree") != FEATURES[name].version:
        raise agree_first(household, [name])
    refuse_guests(household, devices, name)
    if name == USAGE:
        _countable(household)
    household.toggles.require_start()
    states = [household.state.ledger.register.state(device.enrolment, name) for device in devices]
    chosen = [(d, name) for d, state in zip(devices, states, strict=True) if state in (consent.OFF, consent.SUSPENDED)]
    if not chosen:
        raise OperationRejected(
            "conflict", Sentence("nothing to switch: it is {} already{}", states[0], _hint(household, devices, name))
        )
    fresh = [pair for pair in chosen if household.state.ledger.register.state(pair[0].enrolment, name) == consent.OFF]
    for action, pairs in (("on", fresh), ("resume", [pair for pair in chosen if pair not in fresh])):
        if pairs:
            household.toggles.on(pairs, action, actor(request))
    covered(household, devices if name == LIMITS else [], actor(request))
    return _switched(household, chosen)


def covered(household: Household, devices: list[Device], who: str) -> None:
    """What came to somebody while their times waited to be confirmed follows these now."""
    for owner in {owner_of(device) for device in devices}:
        for device in household.keeper.devices_of(owner):
            internet.cover(household, device, who)


def _countable(household: Household) -> None:
    if household.settings.text("identity") == "address":
        raise OperationRejected("conflict", BY_ADDRESS)
    if household.edges.offloaded():
        raise OperationRejected("conflict", OFFLOADED)


def agree_first(household: Household, names: list[str]) -> OperationRejected:
    """What has to be read and agreed to, before these features are switched on."""
    version = max(FEATURES[name].version for name in names)
    message = Sentence("read what it reads, keeps and sends, and agree to version {}", version)
    detail: Row = {"features": [_feature(household, name) for name in names]}
    return OperationRejected("agree_first", message, {**detail, "feature": _feature(household, names[0])})


def _hint(household: Household, devices: list[Device], name: str) -> str:
    """What to do about a feature that waits."""
    if household.state.ledger.register.state(devices[0].enrolment, name) != consent.WAITING:
        return ""
    held = household.delayed.of(devices[0])
    if held:
        return " (counts as an adult's for a day after the change, unless they confirm it on their own device)"
    return " (the adult agrees on their own device)"


def _switched(household: Household, pairs: Pairs) -> Row:
    household.announcements.announce(pairs)
    rows = [device_row(household, device) for device, _ in pairs]
    return {"devices": rows, "device": rows[0] if rows else None}


def off(household: Household, request: Request) -> Generator[float | None, None, object]:
    """Switch a feature off; final when acknowledged. With erase, what was recorded goes too."""
    name = feature(str(request.get("feature", ""))).name
    devices = devices_of(household, request)
    pairs = [(device, name) for device in devices]
    yield from _off(household, pairs, actor(request))
    household.announcements.announce(pairs)
    if name == LIMITS:
        internet.ended(household, devices, actor(request))
    table = FEATURES[name].records
    if not table:
        return _switched(household, pairs)
    own = actor(request).startswith("me:")
    kept = [
        (scope.readable if own else scope.asked)(household, {"device_id": device.id, "actor": actor(request)}, table)
        for device in devices
    ]
    erased = 0
    if flag(request, "erase"):
        if household.records.db.stands_in:
            raise StorageError(Sentence("It is off, but nothing was deleted: {}", household.records.db.broken))
        try:
            for device, rows in zip(devices, kept, strict=True):
                ids = recorded.ids(household.records, rows).get(device.id, [])
                erased += len(ids)
                yield from erase_rows(household, table, device, ids)
            yield from finish(household, devices, actor(request))
        except StorageError as error:
            raise StorageError(Sentence("It is off, but not everything was deleted: {}", error)) from error
    reply = _switched(household, pairs)
    reply["erased"] = erased
    with suppress(StorageError):  # what is stored can't be counted, and off it is
        reply.update(_stored(household, kept))
    return reply


def _stored(household: Household, kept: list[Selection]) -> Row:
    """How much there still is, and how long at most. StorageError where nobody can tell."""
    household.records.db.require_file()
    ends = [scope.kept_until(household, rows) for rows in kept]
    return {
        "remaining": sum(recorded.count(household.records, rows) for rows in kept),
        "until": max([at for at in ends if at], default=None),
    }


def _off(household: Household, pairs: Pairs, who: str) -> Generator[float | None, None, None]:
    """Off in memory and kernel at once, over when it is durable. While another program holds the file, that is tried
    again from the loop for some seconds; StorageError then, and the daemon goes on trying."""
    try:
        household.toggles.off(pairs, "off", who)
        return
    except StorageError as error:
        if not isinstance(error.__cause__, Locked):
            raise
        refused = error
    household.announcements.announce(pairs)
    for _ in range(LOCKED_TRIES):
        yield LOCKED_S
        try:
            household.toggles.save_again()
        except Locked:
            continue
        household.announcements.noted()
        return
    raise refused


def end_for_guests(household: Household) -> None:
    """What is recorded of use ends for whoever moved into a guest network; it does not begin again by itself."""
    pairs = [pair for name in (HISTORY, USAGE) for pair in household.toggles.pairs_on(name)]
    moved = [pair for pair in pairs if is_guest(household, pair[0])]
    if moved:
        household.toggles.off(moved, "off", "guest")
        household.announcements.announce(moved)


def pause(household: Household, request: Request) -> Reply:
    """History and minutes off for every device that has them on, a ledger row each; nothing resumes by itself."""
    pairs = [pair for name in (HISTORY, USAGE) for pair in household.toggles.pairs_on(name)]
    household.toggles.off(pairs, "suspend", actor(request))
    household.announcements.announce(pairs)
    household.edges.publish({"event": "status"})
    return {"paused": len(pairs)}


def resume(household: Household, request: Request) -> Reply:
    """What was paused, restored or upgraded comes back; with preview it is only listed. What changed since it was
    agreed to needs `agree`, an adult's needs their own word; the others do not wait for that (`left` stays off)."""
    suspended = set(household.state.ledger.register.in_state(consent.SUSPENDED))
    named = any(request.get(word) is not None for word in ("device_id", "person_id", "id"))
    only = devices_of(household, request) if named else household.state.devices()
    names = [str(request["feature"])] if "feature" in request else sorted(FEATURES)
    pairs = [(d, name) for d in only for name in names if (d.enrolment, name) in suspended]
    items = [_suspended(household, device, name) for device, name in pairs]
    changed = sorted({str(item["feature"]) for item in items if item.get("needs") == people.AGREE})
    told: Row = {"items": items, "features": [_feature(household, name) for name in changed]}
    if flag(request, "preview") or not pairs:
        return told
    coming, left = [], []
    for pair, item in zip(pairs, items, strict=True):
        refusal = _not_resumed(household, pair, item, optional_number(request, "agree"))
        if refusal:
            left.append((pair, item, refusal))
        else:
            coming.append((pair, item))
    if not coming:
        raise left[0][2]
    _resume(household, [(pair, item.get("needs") == people.AGREE) for pair, item in coming], actor(request))
    return {**told, "items": [item for _, item in coming], "left": [item for _, item, _ in left]}


def _suspended(household: Household, device: Device, name: str) -> Row:
    """One that comes back, and where somebody has to agree to it anew: who (`needs`: "agree", the household; "ask", the
    adult behind it) and `why`."""
    row: Row = {"device_id": device.id, "label": device.label, "feature": name}
    needs = household.toggles.verdict((device, name), resuming=True)
    if needs != people.GO:
        row.update(needs=needs, why=household.toggles.lacks((device, name)))
    return row


def _not_resumed(household: Household, pair: Pair, item: Row, agree: int | None) -> OperationRejected | None:
    device, name = pair
    # The whole notice tells of each feature, also of one whose own text is older.
    version = FEATURES[name].version
    if item.get("needs") == people.AGREE and not version <= (agree or 0) <= max(version, NOTICE_VERSION):
        return agree_first(household, [name])
    try:
        refuse_guests(household, [device], name)
    except OperationRejected as refusal:
        return refusal
    return None


def _resume(household: Household, chosen: list[tuple[Pair, bool]], who: str) -> None:
    for agreed in (False, True):
        pairs = [pair for pair, agrees in chosen if agrees == agreed]
        if pairs:
            household.toggles.on(pairs, "resume", who, agreed=agreed)
            household.announcements.announce(pairs)
    covered(household, [device for (device, name), _ in chosen if name == LIMITS], who)
    household.edges.publish({"event": "status"})


TABLE = {
    "features": features,
    "notice": notice,
    "notice.read": notice_read,
    "on": on,
    "off": off,
    "pause": pause,
    "resume": resume,
}
