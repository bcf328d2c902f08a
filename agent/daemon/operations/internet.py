"""Who is kept off the internet now, as every listing shows it."""

from agent.control.messages import Row
from agent.core import consent, windows
from agent.core.model import LIMITS, Device
from agent.core.schedule import Change, Decision
from agent.daemon.household import Household
from agent.daemon.store.ledger import Entry
from agent.daemon.store.limit_rules import Hold
from agent.daemon.store.owners import DEVICE, PERSON, Owner, owner_of
from agent.daemon.toggles import Pairs

# Rows of the ledger that tell of a change of rules, or of what was given once.
CHANGES = ("limit", "hold", "release", "extend", "bonus", "gap")
CHANGES_MAX = 20
TIMES = "times"  # what a row is about; "content" as well


def now_row(household: Household, owner: Owner, now: Decision, coming: Change | None) -> Row:
    text = household.keeper.words(owner, now, coming)
    return {"held": now.held, "why": now.why, "label": now.label, "until": now.until, "text": text}


def next_row(coming: Change | None) -> Row | None:
    return None if coming is None else {"held": coming.held, "why": coming.why, "at": coming.at}


def of_device(household: Household, device: Device) -> Row:
    now = household.keeper.decision(device)
    return {"held": now.held, "why": now.why, "until": now.until}


def of_person(household: Household, person_id: int) -> Row:
    now, coming = household.keeper.decided_for((PERSON, person_id))
    return {"held": now.held, "why": now.why, "until": now.until, "next": next_row(coming)}


def consent_of(household: Household, owner: Owner) -> str:
    return household.coverage.consent_of(owner)


def switch_on(household: Household, devices: list[Device], who: str) -> Pairs:
    return household.coverage.switch_on(devices, who)


def is_suspended(household: Household, device: Device) -> bool:
    """Whether its times were suspended, and nobody has confirmed them since."""
    return household.state.ledger.register.state(device.enrolment, LIMITS) == consent.SUSPENDED


def cover(household: Household, device: Device, who: str) -> None:
    household.coverage.cover(device, who)


def ended(household: Household, devices: list[Device], who: str) -> None:
    """Times were turned off for these: what was turned off for the moment is over for them, and stays for others."""
    gone = {device.id for device in devices}
    rules, ids, still = household.state.limits, [], []
    for one in rules.holds:
        of = devices_of(household, one.owner)
        if any(device.id in gone for device in of):
            ids.append(one.id)
            others = [(DEVICE, device.id) for device in of if device.id not in gone]
            still += [Hold(0, owner, one.until_age, one.until_wall, one.actor, one.at) for owner in others]
    if ids:
        rules.replace_holds(ids, still, who, household.clock.wall())


def devices_of(household: Household, owner: Owner) -> list[Device]:
    """A person's own devices, or the one, also where it follows a person's rules."""
    kind, id = owner
    return household.keeper.devices_of(owner) if kind == PERSON else [household.state.device(id)]


def with_devices(household: Household, owner: Owner) -> set[Owner]:
    """Of whom an internet-off is one of the owner's."""
    return {owner, *((DEVICE, device.id) for device in devices_of(household, owner))}


def hold_row(household: Household, hold: Hold) -> Row:
    kind, id = hold.owner
    return {
        "id": hold.id,
        "device_id" if kind == DEVICE else "person_id": id,
        "until": household.keeper.hold_ends(hold),
        "by": hold.actor,
        "at": hold.at,
    }


def told_rows(household: Household, owner: Owner, about: str, action: str, detail: str = "") -> list[Entry]:
    """Rows of the ledger: one for each device that it is about, never a word of the rules."""
    kind, id = owner
    words = (f"person:{id} " if kind == PERSON else "") + detail
    return [(device.enrolment, about, action, 0, words.strip()) for device in devices_of(household, owner)] or [
        ("", about, action, 0, words.strip())
    ]


def rule_changed(household: Household, owner: Owner, about: str, who: str) -> None:
    """Other rules than times changed: they apply to children at once, and the ledger tells that they did."""
    household.state.ledger.append(told_rows(household, owner, about, "limit"), who, household.clock.wall())
    switch_on(household, household.keeper.devices_of(owner), who)
    household.announcements.noted()


def of_me(household: Household, device: Device) -> Row:
    """What the person behind a device sees: the rules in words, what holds now, and who changed it when."""
    keeper = household.keeper
    owner = owner_of(device)
    now, coming = keeper.decision(device), keeper.next_for(device)
    found = household.state.limits.windows.get(owner, [])
    rows = [r for r in household.state.ledger.rows_of([device.enrolment], 0, -1) if r.action in CHANGES][-CHANGES_MAX:]
    return {
        "now": now_row(household, owner, now, coming),
        "next": next_row(coming),
        "words": [windows.words(one) for one in found],
        "windows": [windows.row(one) for one in found],
        "consent": consent_of(household, owner),
        "changed": [
            {"who": row.actor, "at": household.set_right.at(row), "what": row.action, "detail": row.detail}
            for row in reversed(rows)
        ],
    }
