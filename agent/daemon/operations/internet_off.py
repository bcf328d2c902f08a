"""The internet is off now, for a device, a person, all children or everybody who may be, until an end."""

from __future__ import annotations

from agent.control.messages import Reply, Request
from agent.core.model import ADULT, BadInput, Device, NotFound, Sentence
from agent.core.timezone import DAY_S
from agent.core.windows import BEDTIME
from agent.daemon.household import Household
from agent.daemon.operations.arguments import OperationRejected, actor, flag, optional_number
from agent.daemon.operations.internet import (
    TIMES,
    devices_of,
    hold_row,
    is_suspended,
    now_row,
    switch_on,
    told_rows,
    with_devices,
)
from agent.daemon.operations.limits import give, in_force, known_by_mac
from agent.daemon.operations.me import own_device
from agent.daemon.operations.named import owner_named
from agent.daemon.store.ledger import Entry
from agent.daemon.store.limit_rules import Exemption, Hold
from agent.daemon.store.owners import DEVICE, Owner, owner_of

HOLD_MAX_S = DAY_S  # of one without an end: nobody forgets a child's phone on Friday
UNTIL_MAX_S = 8 * DAY_S
MORNING = 7 * 3600  # where no bedtime says when it ends


def hold_add(household: Household, request: Request) -> Reply:
    """Acknowledged only once the kernel has it; otherwise nothing was done."""
    known_by_mac(household)
    owners, left_out = _whom(household, request)
    who, at = actor(request), household.clock.wall()
    holds = [_hold(household, owner, request) for owner in owners]
    told = [
        entry
        for one in holds
        for entry in told_rows(household, one.owner, TIMES, "hold", f"until:{household.keeper.hold_ends(one)}")
    ]
    begun = switch_on(household, [device for owner in owners for device in devices_of(household, owner)], who)
    rules = household.state.limits
    rules.add_holds(holds, *_overruled(household, owners), told, who, at)
    try:
        in_force(household, owners)
    except OperationRejected:
        refusal = household.keeper.refusal
        rules.end_holds([one.id for one in holds], _all_told(household, holds, "release"), who, at)
        household.toggles.off(begun, "off", who)
        household.refresh()
        household.announcements.noted()
        raise OperationRejected("busy", refusal) from None
    return {"holds": [hold_row(household, one) for one in holds], "left_out": left_out}


def _overruled(household: Household, owners: list[Owner]) -> tuple[list[int], list[Exemption]]:
    """The last word counts: who was given free time before, by person or by device, has it no more; whoever else it
    was given to still does."""
    held = {device.id for owner in owners for device in devices_of(household, owner)}
    ended, still = [], []
    for one in household.state.limits.exemptions:
        devices = devices_of(household, one.owner) if one.kind == "free" else []
        if any(device.id in held for device in devices):
            ended.append(one.id)
            others = [(DEVICE, device.id) for device in devices if device.id not in held]
            still += [Exemption(0, owner, "free", one.begin, one.until_age, one.until_wall) for owner in others]
    return ended, still


def _whom(household: Household, request: Request) -> tuple[list[Owner], list[str]]:
    """Whom to hold, and the names of who is left out: adults who did not agree, and the device that asks."""
    everybody, children = flag(request, "all"), flag(request, "children")
    if not everybody and not children:
        return _named(household, _one(household, request))
    owners, left_out = [], []
    asking = _asking(household, request)
    for device in household.state.devices():
        owner, group = owner_of(device), household.subjects.group_of(device)
        if children and (owner[0] == DEVICE or group in (ADULT, None)):
            continue
        if device.never_off or is_suspended(household, device):
            left_out.append(device.label)
        elif not _may_hold(household, device):
            left_out.append(household.keeper.name_of(owner))
        elif asking is not None and device.id == asking.id and group in (ADULT, None):
            left_out.append(device.label)
        elif owner not in owners:
            owners.append(owner)
    if not owners:
        raise OperationRejected("conflict", "there is nobody to turn the internet off for", {"left_out": left_out})
    return owners, sorted(set(left_out))


def _named(household: Household, owner: Owner) -> tuple[list[Owner], list[str]]:
    devices = devices_of(household, owner)
    if any(not _may_hold(household, device) for device in devices):
        name = household.keeper.name_of(owner_of(devices[0]))
        raise OperationRejected(
            "conflict", Sentence("{} is an adult and has not agreed to this", name), {"left_out": [name]}
        )
    never = [device.label for device in devices if device.never_off]
    waiting = [device.label for device in devices if is_suspended(household, device) and not device.never_off]
    if waiting and len(waiting) + len(never) == len(devices):
        name = household.keeper.name_of(_followed(household, owner))
        raise OperationRejected(
            "conflict",
            Sentence("{}: these times were restored and wait for somebody to confirm them: do that first", name),
            {"needs": "confirm"},
        )
    if len(never) == len(devices):
        names = ", ".join(never)
        raise OperationRejected(
            "conflict",
            Sentence("the household said that the internet is never turned off for: {}", names),
            {"left_out": never},
        )
    return [owner], [*never, *waiting]


def _one(household: Household, request: Request) -> Owner:
    """A person with devices, or a device by itself: also one of somebody who has others."""
    device_id = optional_number(request, "device_id")
    if device_id is not None:
        return DEVICE, household.state.device(device_id).id
    owner = owner_named(household, request)
    if not household.keeper.devices_of(owner):
        raise BadInput("that person has no device yet: add one, or give one of the devices this person")
    return owner


def _followed(household: Household, owner: Owner) -> Owner:
    """Whose windows count: a device's person's."""
    return owner_of(household.state.device(owner[1])) if owner[0] == DEVICE else owner


def _may_hold(household: Household, device: Device) -> bool:
    return household.subjects.group_of(device) != ADULT or household.keeper.is_on(device) or device.never_off


def _asking(household: Household, request: Request) -> Device | None:
    if not request.get("address"):
        return None
    try:
        return own_device(household, request)
    except OperationRejected:
        return None


def _hold(household: Household, owner: Owner, request: Request) -> Hold:
    """One of `seconds`, `until`, `morning`, `ended`; the age counts, and the wall clock where an hour was named."""
    given = [name for name in ("seconds", "until", "morning", "ended") if request.get(name)]
    if len(given) != 1:
        raise BadInput("say until when: seconds, until, morning or ended")
    wall, age = household.clock.now()
    until: int | None = None
    if given[0] == "seconds":
        length = optional_number(request, "seconds") or 0
    elif given[0] == "ended":
        length = HOLD_MAX_S
    else:
        until = optional_number(request, "until") if given[0] == "until" else _morning(household, owner)
        length = (until or 0) - wall
    if not 0 < length <= UNTIL_MAX_S:
        raise BadInput("the end must be within the next eight days")
    return Hold(0, owner, age + length, until, actor(request), wall)


def _morning(household: Household, owner: Owner) -> int:
    """The end of the bedtime that runs or comes next, else seven o'clock."""
    wall, zone = household.clock.wall(), household.keeper.local.zone
    of = _followed(household, owner)
    coming = household.keeper.rules(of).line.coming(wall, zone)
    if coming is not None and coming[2] == BEDTIME and coming[0] - wall < DAY_S:
        return coming[1]
    today = zone.wall(wall) // DAY_S * DAY_S
    seven = zone.instant(today + MORNING)
    return seven if seven > wall else zone.instant(today + DAY_S + MORNING)


def hold_end(household: Household, request: Request) -> Reply:
    """Ends one by its id, or all of a person or device; with `seconds` they are free for so long whatever holds."""
    rules, who, at = household.state.limits, actor(request), household.clock.wall()
    hold_id = optional_number(request, "id")
    if hold_id is not None:
        ending = [rules.hold(hold_id)]
        owner = ending[0].owner
    else:
        owner = _one(household, request)
        of = with_devices(household, owner)
        ending = [one for one in rules.holds if one.owner in of]
    seconds = optional_number(request, "seconds")
    if not ending and seconds is None:
        raise NotFound("the internet is not turned off there")
    if ending:
        rules.end_holds([one.id for one in ending], _all_told(household, ending, "release"), who, at)
    if seconds is not None:
        give(household, owner, "free", seconds, who)
    of_whom = _followed(household, owner)
    in_force(household, [of_whom])
    now, coming = household.keeper.decided_for(of_whom)
    return {"ended": [one.id for one in ending], "now": now_row(household, of_whom, now, coming)}


def _all_told(household: Household, holds: list[Hold], action: str) -> list[Entry]:
    return [entry for one in holds for entry in told_rows(household, one.owner, TIMES, action)]


def hold_list(household: Household, request: Request) -> Reply:
    wall = household.clock.wall()
    ends = household.keeper.hold_ends
    return {"items": [hold_row(household, one) for one in household.state.limits.holds if ends(one) > wall]}


TABLE = {
    "hold.add": hold_add,
    "hold.end": hold_end,
    "hold.list": hold_list,
}
