"""Weekly windows, and what is given once."""

from __future__ import annotations

from agent.control.messages import Reply, Request, Row
from agent.core import windows
from agent.core.model import BadInput, Sentence, spoken
from agent.core.schedule import Rules
from agent.core.timezone import DAY_S
from agent.daemon.household import Household
from agent.daemon.operations.arguments import OperationRejected, actor, optional_number, optional_text
from agent.daemon.operations.internet import (
    TIMES,
    consent_of,
    hold_row,
    next_row,
    now_row,
    switch_on,
    told_rows,
    with_devices,
)
from agent.daemon.operations.named import owner_named
from agent.daemon.store.limit_rules import Exemption
from agent.daemon.store.owners import Owner

LATER_MAX_S = 3 * 3600  # of a window in all
FREE_MAX_S = DAY_S


def known_by_mac(household: Household) -> None:
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
    of = with_devices(household, owner)
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
        **spoken("trouble", keeper.trouble),
    }


# windows


def limits_set(household: Household, request: Request) -> Reply:
    """These windows and dates in place of those that are there; what is not given stays."""
    known_by_mac(household)
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
    in_force(household, [owner])
    return limits_row(household, owner)


def in_force(household: Household, owners: list[Owner]) -> None:
    """Everything into step, and everybody told. What the kernel refused is an error: it is saved, and tried again."""
    household.refresh()
    household.announcements.noted()
    for owner in owners:
        for device in household.keeper.devices_of(owner):
            household.edges.publish({"event": "limits", "device_id": device.id})
    if household.keeper.refusal:
        raise OperationRejected(
            "busy", Sentence("{} It is saved, and the router tries again by itself.", household.keeper.refusal)
        )


# given once


def exception_add(household: Household, request: Request) -> Reply:
    known_by_mac(household)
    owner = owner_named(household, request)
    kind = optional_text(request, "kind") or ""
    give(household, owner, kind, optional_number(request, "seconds"), actor(request))
    in_force(household, [owner])
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


TABLE = {
    "limits.get": limits_get,
    "limits.set": limits_set,
    "exception.add": exception_add,
}
