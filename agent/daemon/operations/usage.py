"""Minutes of use, as every listing shows them: today's, what is left of them, and the days before."""

from agent.control.messages import Reply, Request, Row
from agent.core import consent
from agent.core.model import USAGE, Device, Sentence, spoken
from agent.core.windows import date_text
from agent.daemon.household import Household
from agent.daemon.operations import internet, scope
from agent.daemon.operations.arguments import actor, optional_number
from agent.daemon.operations.named import owner_named
from agent.daemon.store.owners import PERSON, Owner, owner_of
from agent.daemon.store.usage_rows import by_day


def of_owner(household: Household, owner: Owner) -> Row | None:
    """Today's minutes and what is left of them; None where nothing is counted and nothing limits it."""
    screen = household.screen_time
    counted, limited = screen.counts_for(owner), owner in household.state.limits.allowances.weeks
    if not counted and not limited:
        return None
    return {
        "on": counted,
        "today": screen.used(owner) if counted else None,
        "allowed": screen.allowed(owner),
        "left": screen.left(owner),
    }


def told(household: Household, owner: Owner) -> Row:
    """All of it for the owner's own page: also the week's allowance, what was given, and who is not counted."""
    rules, screen = household.state.limits.allowances, household.screen_time
    day = screen.day_of(owner)
    return {
        "now": of_owner(household, owner),
        "week": rules.weeks.get(owner),
        "resets": "wake" if screen.wakes else "midnight",
        "bonuses": [
            {"minutes": one.minutes, "text": one.text, "by": one.actor, "at": one.at}
            for one in rules.bonuses
            if (one.owner, one.day) == (owner, day)
        ],
        "bank": rules.banks.get(owner, 0),
        "consent": state_of(household, owner),
        "not_counted": [one.label for one in internet.devices_of(household, owner) if not screen.is_on(one)],
        **spoken("trouble", _trouble(household, owner)),
    }


def state_of(household: Household, owner: Owner) -> str:
    """Of the owner's devices the one that is furthest: on, waiting, suspended or off."""
    register = household.state.ledger.register
    states = {register.state(device.enrolment, USAGE) for device in household.keeper.devices_of(owner)}
    found = [one for one in (consent.ON, consent.WAITING, consent.SUSPENDED) if one in states]
    return found[0] if found else consent.OFF


def _trouble(household: Household, owner: Owner) -> str | Sentence:
    screen = household.screen_time
    if screen.counts_for(owner):
        return screen.trouble
    if owner in household.state.limits.allowances.weeks:
        return "Screen time is off: the daily allowance holds nobody."
    return ""


def of_me(household: Household, device: Device) -> Row:
    """Today as a number; the days need the PIN."""
    owner = owner_of(device)
    row = told(household, owner)
    del row["not_counted"]
    return {**row, "counted": household.screen_time.is_on(device)}


def usage_days(household: Household, request: Request) -> Reply:
    """The days that there are, the newest first. At its own page a person sees what was made of them there."""
    household.flush()
    days = optional_number(request, "days") or 31
    if actor(request).startswith("me:"):
        device = household.state.device(optional_number(request, "device_id") or 0)
        owner, what = owner_of(device), "minutes"
    else:
        owner = owner_named(household, request)
        what = "alone" if owner[0] == PERSON else "minutes"
        request = {"person_id" if owner[0] == PERSON else "device_id": owner[1], "actor": actor(request)}
    found = by_day(household.records, scope.readable(household, request, "usage"), what)
    newest = household.screen_time.day_of(owner)
    items = [{"day": date_text(day), "minutes": found[day]} for day in found if newest - days < day <= newest]
    return {"items": items, **told(household, owner)}


TABLE = {"usage.days": usage_days}
