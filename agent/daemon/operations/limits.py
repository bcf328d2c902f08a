"""Times and internet off: weekly windows, off now, and what is given once."""

from __future__ import annotations

from agent.control.messages import Reply, Request, Row
from agent.core import windows
from agent.core.model import ADULT, BadInput, Device, NotFound
from agent.core.schedule import OFF, Rules
from agent.core.timezone import DAY_S
from agent.core.windows import BEDTIME, HOMEWORK
from agent.daemon.household import Household
from agent.daemon.operations.arguments import OperationRejected, actor, flag, number, optional_number, optional_text
from agent.daemon.operations.internet import TIMES, consent_of, devices_of, next_row, now_row, switch_on, told_rows
from agent.daemon.operations.me import REQUEST_TEXT_MAX, TIME_KINDS, TIME_S, own_device, request_add, request_row
from agent.daemon.store.database import StorageError
from agent.daemon.store.ledger import Entry
from agent.daemon.store.limit_rules import Exemption, Hold
from agent.daemon.store.owners import DEVICE, PERSON, Owner, owner_of

HOLD_MAX_S = DAY_S  # of one without an end: nobody forgets a child's phone on Friday
UNTIL_MAX_S = 8 * DAY_S
LATER_MAX_S = 3 * 3600  # of a window in all
FREE_MAX_S = DAY_S
MORNING = 7 * 3600  # where no bedtime says when it ends
TONIGHT = "tonight"


def owner_named(household: Household, request: Request) -> Owner:
    """The person that is named; of a device the person whose rules it follows, or itself."""
    person_id, device_id = optional_number(request, "person_id"), optional_number(request, "device_id")
    if person_id is not None:
        return PERSON, household.state.person(person_id).id
    if device_id is not None:
        return owner_of(household.state.device(device_id))
    raise BadInput("say which: device_id or person_id (numbers)")


def _known_by_mac(household: Household) -> None:
    if household.settings.text("identity") == "address":
        # Whoever takes another address is another device.
        raise OperationRejected(
            "conflict",
            "devices are known by their address here, for identity is address: the internet can't be turned off",
        )


# what holds


def limits_get(household: Household, request: Request) -> Reply:
    return limits_row(household, owner_named(household, request))


def limits_row(household: Household, owner: Owner) -> Row:
    rules, keeper = household.state.limits, household.keeper
    found = rules.windows.get(owner, [])
    now, coming = keeper.decided_for(owner)
    wall = household.clock.wall()
    zone = keeper.local.zone
    of = _with_devices(household, owner)
    return {
        "version": rules.version(owner),
        "windows": [windows.row(one) for one in found],
        "dates": [windows.dates_row(one) for one in rules.dates.get(owner, [])],
        "now": now_row(household, owner, now, coming),
        "next": next_row(coming),
        "exceptions": [
            {"id": one.id, "kind": one.kind, "until": keeper.exemption_ends(one)}
            for one in rules.exemptions
            if one.owner == owner and keeper.exemption_ends(one) > wall
        ],
        "holds": [hold_row(household, one) for one in rules.holds if one.owner in of and keeper.hold_ends(one) > wall],
        "words": [windows.words(one) for one in found],
        "consent": consent_of(household, owner),
        "clock": {
            "trusted": household.clock.trusted,
            "zone": zone.text,
            "place": keeper.local.place,
            "summer": zone.at(wall).summer,
            "offset_min": zone.at(wall).seconds // 60,
            "now": wall,
        },
        "trouble": keeper.trouble,
    }


# windows


def limits_set(household: Household, request: Request) -> Reply:
    """These windows and dates in place of those that are there; what is not given stays."""
    _known_by_mac(household)
    owner = owner_named(household, request)
    rules = household.state.limits
    seen = optional_number(request, "version")
    if seen is not None and seen != rules.version(owner):
        raise OperationRejected(
            "conflict", "somebody else changed this meanwhile: look again", limits_row(household, owner)
        )
    if request.get("windows") is None and request.get("dates") is None:
        raise BadInput("nothing to change: give windows or dates")
    given = rules.windows.get(owner, []), rules.dates.get(owner, [])
    new = windows.from_rows(request["windows"]) if request.get("windows") is not None else given[0]
    for one in new:
        optional_text({"label": one.label}, "label")
    dates = windows.dates_from(request["dates"]) if request.get("dates") is not None else given[1]
    who, at = actor(request), household.clock.wall()
    rules.put(owner, new, dates, told_rows(household, owner, TIMES, "limit"), who, at)
    household.state.clear()
    if new or dates:
        switch_on(household, household.keeper.devices_of(owner), who)
    _in_force(household, [owner])
    return limits_row(household, owner)


def _in_force(household: Household, owners: list[Owner]) -> None:
    """Everything into step, and everybody told. What the kernel refused is an error: it is saved, and tried again."""
    household.refresh()
    household.announcements.noted()
    for owner in owners:
        for device in household.keeper.devices_of(owner):
            household.edges.publish({"event": "limits", "device_id": device.id})
    if household.keeper.refusal:
        raise OperationRejected(
            "busy", household.keeper.refusal + " It is saved, and the router tries again by itself."
        )


# internet off


def hold_add(household: Household, request: Request) -> Reply:
    """Acknowledged only once the kernel has it; otherwise nothing was done."""
    _known_by_mac(household)
    owners, left_out = _whom(household, request)
    who, at = actor(request), household.clock.wall()
    holds = [_hold(household, owner, request) for owner in owners]
    told = [
        entry
        for one in holds
        for entry in told_rows(household, one.owner, TIMES, "hold", f"until:{household.keeper.hold_ends(one)}")
    ]
    switch_on(household, [device for owner in owners for device in devices_of(household, owner)], who)
    rules = household.state.limits
    rules.add_holds(holds, *_overruled(household, owners), told, who, at)
    try:
        _in_force(household, owners)
    except OperationRejected:
        refusal = household.keeper.refusal
        rules.end_holds([one.id for one in holds], _all_told(household, holds, "release"), who, at)
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


def hold_row(household: Household, hold: Hold) -> Row:
    kind, id = hold.owner
    return {
        "id": hold.id,
        "device_id" if kind == DEVICE else "person_id": id,
        "until": household.keeper.hold_ends(hold),
        "by": hold.actor,
        "at": hold.at,
    }


def _whom(household: Household, request: Request) -> tuple[list[Owner], list[str]]:
    """Whom to hold, and the names of who is left out: adults who did not agree, and the device that asks."""
    everybody, children = flag(request, "all"), flag(request, "children")
    if not everybody and not children:
        owner = _one(household, request)
        if any(not _may_hold(household, device) for device in devices_of(household, owner)):
            name = household.keeper.name_of(owner_of(devices_of(household, owner)[0]))
            raise OperationRejected("conflict", name + " is an adult and has not agreed to this", {"left_out": [name]})
        return [owner], []
    owners, left_out = [], []
    asking = _asking(household, request)
    for device in household.state.devices():
        owner, group = owner_of(device), household.subjects.group_of(device)
        if children and (owner[0] == DEVICE or group in (ADULT, None)):
            continue
        if not _may_hold(household, device):
            left_out.append(household.keeper.name_of(owner))
        elif asking is not None and device.id == asking.id and group in (ADULT, None):
            left_out.append(device.label)
        elif owner not in owners:
            owners.append(owner)
    if not owners:
        raise OperationRejected("conflict", "there is nobody to turn the internet off for", {"left_out": left_out})
    return owners, sorted(set(left_out))


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


def _with_devices(household: Household, owner: Owner) -> set[Owner]:
    """Of whom an internet-off is one of the owner's."""
    return {owner, *((DEVICE, device.id) for device in devices_of(household, owner))}


def _may_hold(household: Household, device: Device) -> bool:
    return household.subjects.group_of(device) != ADULT or household.keeper.is_on(device)


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
        of = _with_devices(household, owner)
        ending = [one for one in rules.holds if one.owner in of]
    seconds = optional_number(request, "seconds")
    if not ending and seconds is None:
        raise NotFound("the internet is not turned off there")
    if ending:
        rules.end_holds([one.id for one in ending], _all_told(household, ending, "release"), who, at)
    if seconds is not None:
        give(household, owner, "free", seconds, who)
    of_whom = _followed(household, owner)
    _in_force(household, [of_whom])
    now, coming = household.keeper.decided_for(of_whom)
    return {"ended": [one.id for one in ending], "now": now_row(household, of_whom, now, coming)}


def _all_told(household: Household, holds: list[Hold], action: str) -> list[Entry]:
    return [entry for one in holds for entry in told_rows(household, one.owner, TIMES, action)]


def hold_list(household: Household, request: Request) -> Reply:
    wall = household.clock.wall()
    ends = household.keeper.hold_ends
    return {"items": [hold_row(household, one) for one in household.state.limits.holds if ends(one) > wall]}


# given once


def exception_add(household: Household, request: Request) -> Reply:
    _known_by_mac(household)
    owner = owner_named(household, request)
    kind = optional_text(request, "kind") or ""
    give(household, owner, kind, optional_number(request, "seconds"), actor(request))
    _in_force(household, [owner])
    return limits_row(household, owner)


def give(
    household: Household,
    owner: Owner,
    kind: str,
    seconds: int | None,
    who: str,
    answer: tuple[int, str] | None = None,
) -> None:
    """`free` for so many seconds whatever holds; or the window that runs or comes next `off` once, `later`, `earlier`.
    `answer` is one to a request, in the same transaction."""
    wall, age = household.clock.now()
    rules = household.state.limits
    mine = [one for one in rules.exemptions if one.owner == owner and household.keeper.exemption_ends(one) > wall]
    if kind in ("free", "later") and not (seconds and 0 < seconds <= FREE_MAX_S):
        raise BadInput("say for how long: seconds")
    if kind == "free":
        given = Exemption(0, owner, kind, wall, age + (seconds or 0), None)
        instead = [one.id for one in mine if one.kind == "free"]
    else:
        given, instead = _of_window(household, owner, kind, seconds or 0, mine)
    until = household.keeper.exemption_ends(given)
    told = told_rows(household, owner, TIMES, "extend", f"kind:{kind} until:{until}")
    rules.exempt([given] if given.kind else [], instead, told, who, wall, answer)


def _of_window(
    household: Household, owner: Owner, kind: str, seconds: int, mine: list[Exemption]
) -> tuple[Exemption, list[int]]:
    wall, age = household.clock.now()
    keeper = household.keeper
    line: Rules = keeper.rules(owner)
    coming = line.line.coming(wall, keeper.local.zone)
    if coming is None:
        raise OperationRejected("conflict", "there is no bedtime or other time to change in the next days")
    begin, end, why, label = coming
    within = [one for one in mine if one.kind != "free" and one.begin < end and keeper.exemption_ends(one) > begin]
    instead = [one.id for one in within]
    if kind == "off":
        return Exemption(0, owner, kind, begin, None, end, why, label), instead
    if kind == "earlier":
        if begin - wall > DAY_S:
            raise OperationRejected("conflict", "there is no bedtime or other time within a day")
        # Where it runs already, what was put off goes on: the last word counts.
        return Exemption(0, owner, kind if begin > wall else "", wall, None, end, why, label), instead
    if kind != "later":
        raise BadInput("kind must be one of: off, later, earlier, free")
    later = [one for one in within if one.kind == "later"]
    until = max([keeper.exemption_ends(one) for one in later], default=begin) + seconds
    first = min([one.begin for one in later], default=begin)
    if until - first > LATER_MAX_S:
        raise OperationRejected("conflict", "a bedtime can begin three hours later at most")
    running = begin <= wall
    return (
        Exemption(
            0, owner, kind, first, age + until - wall if running else None, None if running else until, why, label
        ),
        instead,
    )


def request_answer(household: Household, request: Request) -> Reply:
    """With `grant` (seconds, or "tonight") what was asked for is given in the same transaction."""
    id, given = number(request, "id"), request.get("grant")
    answer = optional_text(request, "answer", REQUEST_TEXT_MAX) or ("yes" if given is not None else "")
    if not answer:
        raise BadInput("answer is missing or not a text")
    wall, state = household.clock.wall(), household.state
    row = state.requests.row(id)
    if row is None:
        raise NotFound("no request " + str(id))
    if given is None:
        state.requests.answer(id, answer, wall)
    else:
        if row.kind not in TIME_KINDS:
            raise BadInput("only a request for time can be granted")
        if row.state != "open":  # two who look after the network, at once
            raise OperationRejected("conflict", "this request was answered already")
        _known_by_mac(household)
        grant(household, state.device(row.device), given, actor(request), (id, answer))
    household.edges.publish({"event": "request", "device_id": row.device})
    return request_row(household, state.requests.row(id) or row)


def grant(household: Household, device: Device, given: object, who: str, answer: tuple[int, str]) -> None:
    """What somebody asked for at this device: seconds, or "tonight"."""
    owner = owner_of(device)
    now = household.keeper.decision(device)
    wall = household.clock.wall()
    if given == TONIGHT and not (now.held and now.why == OFF):
        give(household, owner, "off", None, who, answer)
    elif given == TONIGHT:
        give(household, owner, "free", min(FREE_MAX_S, (now.until or wall + FREE_MAX_S) - wall), who, answer)
    elif isinstance(given, int) and not isinstance(given, bool):
        give(household, owner, "free" if now.held and now.why == OFF else "later", given, who, answer)
    else:
        raise BadInput("grant must be seconds or tonight")
    _in_force(household, [owner])


# for the page of whoever is held


def ask_for_time(household: Household, device_id: int, kind: str) -> bool:
    """Whether it came before the household: a quarter of an hour, or tonight."""
    try:
        request_add(household, {"device_id": device_id, "kind": kind, "seconds": TIME_S[0]})
    except (BadInput, StorageError):
        return False
    return True


def also_open(household: Household, device_id: int) -> frozenset[bytes]:
    """Names that this device reaches while it is held: its owner's, and during homework those for homework."""
    device = household.state.device(device_id)
    content = household.content.of(device)
    homework = household.keeper.decision(device).why == HOMEWORK
    return frozenset(name.encode() for name in [*content.always, *(content.homework if homework else [])])


TABLE = {
    "limits.get": limits_get,
    "limits.set": limits_set,
    "hold.add": hold_add,
    "hold.end": hold_end,
    "hold.list": hold_list,
    "exception.add": exception_add,
    "request.reply": request_answer,
}
