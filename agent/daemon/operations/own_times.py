"""An adult's own times, set at their own device: nobody else's word is needed, and ending them early takes a while."""

from agent.control.messages import Reply, Request
from agent.core import consent, windows
from agent.core.features import FEATURES
from agent.core.model import ADULT, LIMITS, Device, Sentence
from agent.core.schedule import Decision, decide
from agent.core.windows import KINDS
from agent.daemon.household import Household
from agent.daemon.operations.arguments import OperationRejected, optional_number, optional_text
from agent.daemon.operations.internet import TIMES, of_me, told_rows
from agent.daemon.operations.limits import in_force, known_by_mac
from agent.daemon.operations.me import need_proof, own_device
from agent.daemon.store.limit_rules import Exemption
from agent.daemon.store.owners import owner_of

EARLY_S = 600  # it is one's own word


def me_limits(household: Household, request: Request) -> Reply:
    """These windows in place of their own; the first are their agreement to times, too."""
    device = own_device(household, request)
    if household.subjects.group_of(device) != ADULT:
        raise OperationRejected("forbidden", "only an adult sets times of their own here")
    version = FEATURES[LIMITS].version
    if optional_number(request, "agree") != version:
        raise OperationRejected("agree_first", Sentence("read what is kept and agree to version {}", version))
    known_by_mac(household)
    need_proof(household, request, device)
    new = windows.from_rows(request["windows"])
    for one in new:
        optional_text({"label": one.label}, "label")
    owner, who, at = owner_of(device), f"me:{device.id}", household.clock.wall()
    rules, before = household.state.limits, household.keeper.decision(device)
    rules.put(owner, new, rules.dates.get(owner, []), told_rows(household, owner, TIMES, "limit"), who, at)
    household.state.clear()
    if new:
        _agree(household, device, who)
    _not_early(household, device, before, who)
    in_force(household, [owner])
    return of_me(household, device)


def _agree(household: Household, device: Device, who: str) -> None:
    state = household.state.ledger.register.state(device.enrolment, LIMITS)
    if state != consent.ON:
        action = {consent.OFF: "on", consent.SUSPENDED: "resume"}.get(state, "agree")
        household.toggles.on([(device, LIMITS)], action, who, own=True)
        household.announcements.announce([(device, LIMITS)])


def _not_early(household: Household, device: Device, before: Decision, who: str) -> None:
    """What holds now by their own word goes on for ten minutes more."""
    keeper, owner = household.keeper, owner_of(device)
    wall, age = household.clock.now()
    if before.why not in KINDS or decide(keeper.rules_of(device), wall, keeper.local.zone).held:
        return
    until = min(age + EARLY_S, age + (before.until or wall + EARLY_S) - wall)
    goes_on = Exemption(0, owner, "earlier", wall, until, None, before.why, before.label)
    household.state.limits.exempt([goes_on], [], (), who, wall)


TABLE = {
    "me.limits": me_limits,
}
