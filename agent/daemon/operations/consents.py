"""Switching on and off, pausing and resuming, and what the notice says."""

from collections.abc import Generator

from agent.core import consent
from agent.core.features import FEATURES, NOTICE, NOTICE_DATE, NOTICE_VERSION, feature
from agent.core.model import ADULT, HISTORY, Device
from agent.daemon.household import Household
from agent.daemon.operations.arguments import Refused, Request, actor, flag, number, optional_number
from agent.daemon.operations.guests import is_guest, refuse_guests
from agent.daemon.operations.people import device_row
from agent.daemon.store.erasing import erase as erase_rows
from agent.daemon.store.erasing import finish
from agent.daemon.toggles import Pairs


def features(household: Household, request: Request) -> dict[str, object]:
    return {"items": [_feature(household, name) for name in sorted(FEATURES)]}


def _feature(household: Household, name: str) -> dict[str, object]:
    row = FEATURES[name]
    return {
        "name": row.name,
        "title": row.title,
        "reads": row.reads,
        "keeps": row.keeps,
        "days": household.days(name),
        "days_max": row.days_max,
        "sends": row.sends,
        "version": row.version,
        "default": False,
    }


def notice(household: Household, request: Request) -> dict[str, object]:
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


def notice_read(household: Household, request: Request) -> dict[str, object]:
    """Somebody read the notice of this version; noted in the ledger."""
    if number(request, "version") != NOTICE_VERSION:
        raise Refused("conflict", "the notice is of version " + str(NOTICE_VERSION) + " now: read that one")
    now = household.clock.wall()
    household.state.ledger.append([("", "", "read", NOTICE_VERSION)], actor(request), now)
    household.state.put_meta("notice read", f"{NOTICE_VERSION} {now}")
    household.noted()
    return notice(household, request)


def on(household: Household, request: Request) -> dict[str, object]:
    """Switch a feature on for a device, or for all devices of a person in one transaction."""
    name = feature(str(request.get("feature", ""))).name
    devices = household.devices_of(request)
    _agreed(household, request, name)
    refuse_guests(household, devices, name)
    action = _action_for(household, devices, name)
    pairs = _fitting(household, devices, name, action)
    household.toggles.on(pairs, action, actor(request))
    return _switched(household, pairs)


def _agreed(household: Household, request: Request, name: str) -> None:
    if optional_number(request, "agree") != FEATURES[name].version:
        message = "read what it reads, keeps and sends, and agree to version " + str(FEATURES[name].version)
        raise Refused("agree_first", message, {"feature": _feature(household, name)})


def _action_for(household: Household, devices: list[Device], name: str) -> str:
    """An adult's history is only asked for; it starts when they agree at their own device."""
    if name == HISTORY and any(household.group_of(device) == ADULT for device in devices):
        return "ask"
    return "on"


def _fitting(household: Household, devices: list[Device], name: str, action: str) -> Pairs:
    states = [household.state.ledger.register.state(device.enrolment, name) for device in devices]
    pairs = [(d, name) for d, state in zip(devices, states, strict=True) if (state, action) in consent.TRANSITIONS]
    if not pairs:
        raise Refused("conflict", "nothing to switch: it is " + states[0] + " already" + _hint(states[0]))
    return pairs


def _hint(state: str) -> str:
    hints = {
        consent.WAITING: " (the adult agrees on their own device)",
        consent.SUSPENDED: " (resume it, or off first)",
    }
    return hints.get(state, "")


def _switched(household: Household, pairs: Pairs) -> dict[str, object]:
    announce(household, pairs)
    rows = [device_row(household, device) for device, _ in pairs]
    return {"devices": rows, "device": rows[0] if rows else None}


def announce(household: Household, pairs: Pairs) -> None:
    """Tell every subscriber the acknowledged state."""
    for device, name in pairs:
        since = household.state.ledger.register.since(device.enrolment, name)
        household.publish(
            {
                "event": "feature",
                "device_id": device.id,
                "feature": name,
                "on": household.is_on(device, name),
                "since": since.at if since else None,
            }
        )


def off(household: Household, request: Request) -> Generator[float | None, None, object]:
    """Switch a feature off; final when acknowledged. With erase, what was recorded goes too."""
    name = feature(str(request.get("feature", ""))).name
    devices = household.devices_of(request)
    pairs = [(device, name) for device in devices]
    household.toggles.off(pairs, "off", actor(request))
    announce(household, pairs)
    table = FEATURES[name].records
    erased = 0
    if flag(request, "erase"):
        for device in devices:
            ids = household.records.ids(table, device.id)
            erased += len(ids)
            yield from erase_rows(household, table, device, ids)
        yield from finish(household, devices, actor(request))
    remaining = sum(household.records.count(table, device.id) for device in devices)
    reply = _switched(household, pairs)
    reply.update(remaining=remaining, until=household.kept_until(table, devices), erased=erased)
    return reply


def end_for_guests(household: Household) -> None:
    """History ends for whoever has moved into a guest network; it does not begin again by itself."""
    moved = [pair for pair in household.pairs_on(HISTORY) if is_guest(household, pair[0])]
    if moved:
        household.toggles.off(moved, "off", "guest")
        announce(household, moved)


def pause(household: Household, request: Request) -> dict[str, object]:
    """History off for every device that has it on, a ledger row each; it never resumes by itself."""
    pairs = household.pairs_on(HISTORY)
    household.toggles.off(pairs, "suspend", actor(request))
    announce(household, pairs)
    household.publish({"event": "status"})
    return {"paused": len(pairs)}


def resume(household: Household, request: Request) -> dict[str, object]:
    """What was paused, restored or upgraded comes back; with preview it is only listed."""
    suspended = set(household.state.ledger.register.in_state(consent.SUSPENDED))
    only = household.devices_of(request) if "device_id" in request else household.state.devices()
    names = [str(request["feature"])] if "feature" in request else sorted(FEATURES)
    pairs = [(d, name) for d in only for name in names if (d.enrolment, name) in suspended]
    items = [{"device_id": device.id, "label": device.label, "feature": name} for device, name in pairs]
    if not flag(request, "preview"):
        outdated = household.outdated(pairs)
        for name in sorted({name for _, name in outdated}):
            _agreed(household, request, name)
        for device, name in pairs:
            refuse_guests(household, [device], name)
        household.toggles.on(pairs, "resume", actor(request), agreed=bool(outdated))
        announce(household, pairs)
        household.publish({"event": "status"})
    return {"items": items}


TABLE = {
    "features": features,
    "notice": notice,
    "notice.read": notice_read,
    "on": on,
    "off": off,
    "pause": pause,
    "resume": resume,
}
