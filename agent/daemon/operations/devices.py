"""Devices: add, edit, remove, and those that were seen."""

from collections.abc import Generator
from contextlib import suppress

from agent.control.messages import Reply, Request, Row
from agent.core import addresses, people
from agent.core.consent import SUSPENDED, WAITING, LedgerRow
from agent.core.features import FEATURES
from agent.core.model import ADULT, PROTECTION, BadInput, Device, Person
from agent.core.neighbour import made_up
from agent.core.timezone import DAY_S, day_of
from agent.daemon.erasing import erase as erase_rows
from agent.daemon.erasing import rewrite_snapshot
from agent.daemon.household import Household
from agent.daemon.operations import internet, usage
from agent.daemon.operations.arguments import actor, flag, optional_number, optional_text, text
from agent.daemon.operations.named import device_named
from agent.daemon.store.database import StorageError
from agent.daemon.store.history_schema import TABLES
from agent.daemon.store.owners import PERSON, owner_of

TOLD_S = 30 * DAY_S  # before somebody turns 18


def device_list(household: Household, request: Request) -> Reply:
    items = [device_row(household, device) for device in household.state.devices()]
    return {"items": items, "next": None}


def device_row(household: Household, device: Device) -> Row:
    """One device as every listing shows it. `many` means that its MAC answers for others too (a repeater)."""
    edges = household.edges
    return {
        "id": device.id,
        "label": device.label,
        "mac": device.mac.hex(":") if device.mac else None,
        "address": device.address if device.mac is None else edges.address_of(device.mac),
        "person": person_row(household, household.subjects.person_of(device)),
        "shared": device.shared,
        "never_off": device.never_off,
        "private_mac": device.mac is not None and made_up(device.mac),
        "many": device.mac is not None and edges.stands_for_many(device.mac),
        "features": {name: _feature_row(household, device, name) for name in FEATURES},
        "kept": _kept(household, device),
        # Where nothing of it is read, there is nothing to be covered.
        "covered": not household.read(device) or edges.covers(device),
        "unseen": edges.unseen(device) or None,
        "internet": internet.of_device(household, device),
        "usage": usage.of_owner(household, owner_of(device)),
        "held": [{"change": one.change, "at": one.at} for one in household.delayed.of(device)],
    }


def _kept(household: Household, device: Device) -> Row | None:
    """How much is stored of it, None where a damaged file can't tell: the switches are shown all the same."""
    with suppress(StorageError):
        return {table: household.records.count(table, device.id) for table in TABLES}
    return None


def _feature_row(household: Household, device: Device, feature: str) -> Row:
    on = household.toggles.is_on(device, feature)
    since = household.state.ledger.register.since(device.enrolment, feature)
    state = household.state.ledger.register.state(device.enrolment, feature)
    row: Row = {
        "on": on,
        "since": household.set_right.at(since) if since and on else None,
        "epoch": since.seq if since and on else None,
        "suspended": _why_suspended(state, since),
    }
    if feature == PROTECTION:
        # Protection that is on with nothing to protect by is said wherever the switch is shown.
        row["lists"] = household.freshness.of_all()
    return row


def _why_suspended(state: str, since: LedgerRow | None) -> str | None:
    """Why something that was wanted does not run: "agreement", "restore", "notice", "person", "terms", "pause", or
    None."""
    if state == WAITING:
        return "agreement"
    if state != SUSPENDED or since is None:
        return None
    return since.actor if since.actor in ("restore", "notice") else people.told(since.detail).get("why", "pause")


def person_row(household: Household, person: Person | None) -> Row | None:
    """`group` is the one that counts now; `becomes` what takes effect `at` a time: decided, or an 18th birthday."""
    if person is None:
        return None
    waiting = household.delayed.of_person(person.id)
    becomes = {"group": person.group, "at": waiting[0].at} if waiting else _turns_18(household, person)
    group = household.subjects.group(person)
    return {
        "id": person.id,
        "name": person.name,
        "group": group,
        "birth_month": person.birth_month,
        "becomes": becomes,
        "internet": internet.of_person(household, person.id),
        "usage": usage.of_owner(household, (PERSON, person.id)),
    }


def _turns_18(household: Household, person: Person) -> Row | None:
    """A month before, so that nobody is surprised: what is on waits for their own agreement then."""
    since = person.of_age_since()
    if person.group == ADULT or since is None or not household.clock.is_set:
        return None
    at, now = day_of(*since, 1) * DAY_S, household.clock.wall()
    return {"group": ADULT, "at": at} if now < at <= now + TOLD_S else None


def device_add(household: Household, request: Request) -> Reply:
    mac, address = optional_text(request, "mac"), optional_text(request, "address")
    if mac is not None and address is not None:
        # One that was seen has both: it is known by what devices are known by here.
        mac, address = (None, address) if household.settings.text("identity") == "address" else (mac, None)
    if mac is None and address is None:
        raise BadInput("give the device's mac, or its address where devices are known by address")
    link, ip = parse_mac(mac) if mac else None, parse_address(address) if address else None
    _known_here(household, mac)
    person = optional_number(request, "person_id")
    if person is not None:
        household.state.person(person)
        _not_both(person, flag(request, "shared"))
    device = household.state.add_device(
        text(request, "label"),
        link,
        ip,
        person,
        flag(request, "shared"),
        actor(request),
        household.clock.wall(),
    )
    household.people.added(device, actor(request))
    internet.cover(household, device, actor(request))
    household.announcements.noted()
    household.edges.publish({"event": "device", "device_id": device.id})
    _new_no_more(household, device)
    return device_row(household, device)


def _new_no_more(household: Household, device: Device) -> None:
    """Or it stays held until somebody looks the next time."""
    if device.mac in household.arrivals.waiting:
        household.look_for_arrivals()


def _known_here(household: Household, mac: str | None) -> None:
    """BadInput for a device that would never be recognised: by its MAC where devices are known by address, or the other
    way round."""
    by_address = household.settings.text("identity") == "address"
    if mac is not None and by_address:
        raise BadInput("devices are known by their address here, for identity is address: give the device's address")
    if mac is None and not by_address:
        raise BadInput("devices are known by their MAC here, for identity is mark: give the device's mac")


def _new_mac(household: Household, device: Device, given: str) -> bytes:
    """The address that the same device has now."""
    mac = parse_mac(given)
    _known_here(household, given)
    if any(other.mac == mac and other.id != device.id for other in household.state.devices()):
        raise BadInput("that MAC is another of your devices'")
    return mac


def _not_both(person: object, shared: object) -> None:
    if person is not None and shared:
        raise BadInput("a shared device is nobody's alone: give it a person, or make it shared")


def parse_address(given: str) -> str:
    """The text of an address that a device can have: no group's, and not the unspecified one."""
    address = addresses.unmapped(addresses.parse(given))
    group = address[0] >= 224 if len(address) == 4 else address[0] == 0xFF
    nobody = address[0] == 0 if len(address) == 4 else not any(address)
    if group or nobody:
        raise BadInput("that is a group or unspecified address, not a device's")
    return addresses.show(address)


def parse_mac(given: str) -> bytes:
    """Six bytes of a unicast Ethernet address, written with : or - or nothing between."""
    digits = given.replace(":", "").replace("-", "").lower()
    if len(digits) != 12 or any(digit not in "0123456789abcdef" for digit in digits):
        raise BadInput("mac must be six bytes in hexadecimal, as in 3c:22:fb:00:00:0a")
    mac = bytes.fromhex(digits)
    if mac[0] & 1 or mac == bytes(6):
        raise BadInput("that is a group or zero address, not a device's")
    return mac


def device_change(household: Household, request: Request) -> Reply:
    # The person here is a value to set; it must not choose the device.
    device = device_named(household, request)
    values: Row = {}
    if "label" in request:
        values["label"] = text(request, "label")
    if "person_id" in request:
        values["person"] = optional_number(request, "person_id")
    if "mac" in request:
        values["mac"] = _new_mac(household, device, text(request, "mac"))
    if "shared" in request:
        values["shared"] = int(flag(request, "shared"))
    if "never_off" in request:
        values["never_off"] = int(flag(request, "never_off"))
    _not_both(values.get("person"), values.get("shared"))
    if not values:
        raise BadInput("nothing to change: give label, mac, person_id, shared or never_off")
    if isinstance(values.get("person"), int):
        household.state.person(int(str(values["person"])))
    household.people.change_device(device, values, actor(request))
    if "person" in values or "shared" in values:
        internet.cover(household, household.state.device(device.id), actor(request))
    household.new_policy()
    household.edges.publish({"event": "device", "device_id": device.id})
    changed = household.state.device(device.id)
    _new_no_more(household, changed)
    return device_row(household, changed)


def device_forget(household: Household, request: Request) -> Generator[float | None, None, object]:
    """Everything off, everything of it erased, and its row with MAC and label deleted."""
    device = device_named(household, request)
    counts = {table: household.records.count(table, device.id) for table in TABLES}
    if flag(request, "preview"):
        return {"erased": counts}
    household.toggles.off([(device, feature) for feature in FEATURES], "off", actor(request))
    for table in TABLES:
        yield from erase_rows(household, table, device, household.records.ids(table, device.id))
    household.records.forget(device.id)
    household.people.removed(device, actor(request))
    household.forgotten.note_device(device.enrolment)
    household.state.forget_device(device, actor(request), household.clock.wall())
    household.announcements.noted()
    yield from rewrite_snapshot(household)
    household.new_policy()
    household.edges.publish({"event": "device", "device_id": device.id})
    return {"erased": counts}


def device_seen(household: Household, request: Request) -> Reply:
    known = {device.mac for device in household.state.devices()}
    by_address = {device.address for device in household.state.devices() if device.address}
    new, held = household.arrivals.waiting, household.arrivals.held
    seen = household.edges.neighbours_seen()
    items: list[Row] = [
        {**row, "new": mac in new, "held": mac in held}
        for mac, row in seen
        if mac not in known and row.get("address") not in by_address
    ]
    return {"items": items, "next": None}


def device_known(household: Household, request: Request) -> Reply:
    """One that was shown as new, or `all` of them: somebody knows it."""
    waiting = household.arrivals.waiting
    macs = list(waiting) if flag(request, "all") else [parse_mac(text(request, "mac"))]
    household.arrivals.know(macs)
    return {"known": [mac.hex(":") for mac in macs]}


TABLE = {
    "device.list": device_list,
    "device.add": device_add,
    "device.edit": device_change,
    "device.remove": device_forget,
    "device.new": device_seen,
    "device.known": device_known,
}
