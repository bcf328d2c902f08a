"""How many minutes a day somebody may have, and what is given beside: by the household, or from the bank it filled."""

from __future__ import annotations

from agent.control.messages import Reply, Request
from agent.core.model import BadInput, Device, Sentence
from agent.core.windows import BEDTIME
from agent.daemon.household import Household
from agent.daemon.operations import usage
from agent.daemon.operations.arguments import OperationRejected, actor, flag, number, optional_text
from agent.daemon.operations.internet import switch_on, told_rows
from agent.daemon.operations.limits import in_force, known_by_mac
from agent.daemon.operations.me import own_device
from agent.daemon.operations.named import owner_named
from agent.daemon.store.allowances import BANK_MAX, DAY_MINUTES, Bonus, Week
from agent.daemon.store.owners import Owner, owner_of

ALLOWANCE = "allowance"  # what rows of the ledger are about
FOR_MAX = 200  # letters of what minutes were given for
TAKEN = 15  # minutes from the bank at a time


def allowance_set(household: Household, request: Request) -> Reply:
    """Minutes of Monday to Sunday in place of those that are there. It holds somebody where minutes are counted."""
    known_by_mac(household)
    owner = owner_named(household, request)
    week = _week(request.get("minutes"))
    who, at = actor(request), household.clock.wall()
    household.state.limits.allow(owner, week, told_rows(household, owner, ALLOWANCE, "limit"), who, at)
    household.state.clear()
    if any(minutes is not None for minutes in week):
        switch_on(household, household.keeper.devices_of(owner), who)
    in_force(household, [owner])
    return usage.told(household, owner)


def _week(given: object) -> Week:
    if given is None:
        return [None] * 7
    if not isinstance(given, list) or len(given) != 7:
        raise BadInput("minutes must be seven numbers, Monday first; null is a day without a limit")
    for one in given:
        whole = isinstance(one, int) and not isinstance(one, bool) and 0 <= one <= DAY_MINUTES
        if one is not None and not whole:
            raise BadInput("minutes of a day must be from 0 to 1440")
    return given


def allowance_give(household: Household, request: Request) -> Reply:
    """More minutes today, or into the bank."""
    owner = owner_named(household, request)
    minutes, what = number(request, "minutes"), optional_text(request, "text", FOR_MAX) or ""
    who = actor(request)
    if flag(request, "bank"):
        saved = household.state.limits.allowances.banks.get(owner, 0) + minutes
        if saved > BANK_MAX:
            raise OperationRejected("conflict", Sentence("the bank has room for {} minutes", BANK_MAX))
        entries = told_rows(household, owner, ALLOWANCE, "bonus", f"minutes:{minutes} to:bank")
        household.state.limits.give(None, (owner, saved), entries, who, household.clock.wall())
    else:
        bonus(household, owner, minutes, who, what)
    in_force(household, [owner])
    return usage.told(household, owner)


def bonus(
    household: Household,
    owner: Owner,
    minutes: int,
    who: str,
    what: str = "",
    answer: tuple[int, str] | None = None,
    bank: int | None = None,
) -> None:
    """Minutes for today; with `bank` those that are left in there. `answer` is one to a request."""
    if household.screen_time.allowed(owner) is None:
        raise OperationRejected("conflict", "nothing limits the minutes of today")
    at = household.clock.wall()
    given = Bonus(0, owner, household.screen_time.day_of(owner), minutes, what, who, at)
    entries = told_rows(
        household, owner, ALLOWANCE, "bonus", f"minutes:{minutes}" + (" from:bank" if bank is not None else "")
    )
    household.state.limits.give(given, None if bank is None else (owner, bank), entries, who, at, answer)


def me_bonus(household: Household, request: Request) -> Reply:
    """A quarter of an hour from the bank, which the household filled; never at bedtime."""
    device = own_device(household, request)
    owner = owner_of(device)
    saved = household.state.limits.allowances.banks.get(owner, 0)
    if not saved:
        raise OperationRejected("conflict", "there are no minutes in the bank")
    if _at_bedtime(household, device):
        raise OperationRejected("conflict", "at bedtime no minutes can be taken from the bank")
    minutes = min(TAKEN, saved)
    bonus(household, owner, minutes, f"me:{device.id}", bank=saved - minutes)
    in_force(household, [owner])
    return usage.of_me(household, device)


def _at_bedtime(household: Household, device: Device) -> bool:
    """Also where the internet is off by hand meanwhile; where bedtime was put off, it is not."""
    keeper = household.keeper
    decision = keeper.decision(device)
    kind, _, _ = keeper.rules_of(device).line.look(household.clock.wall(), keeper.local.zone)
    return decision.held and BEDTIME in (decision.why, kind)


TABLE = {"allowance.set": allowance_set, "allowance.give": allowance_give, "me.bonus": me_bonus}
