"""The household's own rules: allow and block, for a device, a person or everybody, for a time or for good."""

from collections.abc import Generator

from agent.control.messages import Reply, Request, Row
from agent.core.model import ALLOW, BLOCK, PROTECTION, BadInput, Device, Sentence
from agent.core.policy import OwnRule
from agent.core.sites import site, wide
from agent.daemon.household import Household
from agent.daemon.operations.arguments import (
    OperationRejected,
    choice,
    flag,
    number,
    optional_number,
    page,
    paged,
    text,
)
from agent.daemon.store.scrubbing import scrub

SCOPES = ("household", "person", "device")
RULES_MAX = 2000  # they are kept in memory
SECONDS_MAX = 366 * 86400
TYPED_MAX = 2048  # a URL as it is pasted


def allow(household: Household, request: Request) -> Reply:
    return _add(household, request, ALLOW)


def block(household: Household, request: Request) -> Reply:
    return _add(household, request, BLOCK)


def _add(household: Household, request: Request, action: str) -> Row:
    name = checked_name(household, site(text(request, "name", TYPED_MAX)), action)
    if wide(name, household.lists.suffixes) and not flag(request, "sure"):
        raise OperationRejected(
            "wide", Sentence("A rule for {} covers every site whose name ends in .{}.", name.decode(), name.decode())
        )
    scope = choice(request, "scope", SCOPES) if "scope" in request else _scope_of(request)
    seconds = optional_number(request, "seconds")
    if seconds is not None and not 1 <= seconds <= SECONDS_MAX:
        raise BadInput("seconds must be between 1 and a year")
    if len(household.state.rules()) >= RULES_MAX:
        raise BadInput(Sentence("there are {} rules already: remove some", RULES_MAX))
    now, age = household.clock.now()
    made = OwnRule(0, name, action, scope, _owner(household, request, scope), None, now)
    if seconds is not None:
        made.until, made.made = now + seconds, age
    rule = household.state.add_rule(made)
    household.new_policy()
    household.edges.publish({"event": "lists"})
    return {**rule_row(household, rule), "unprotected": [device.label for device in _unprotected(household, rule)]}


def _unprotected(household: Household, rule: OwnRule) -> list[Device]:
    """Whom a rule for one device or person is for, and what it does nothing for while protection is off there."""
    found = [
        device
        for device in household.state.devices()
        if (rule.scope, rule.owner) in (("device", device.id), ("person", device.person_id))
    ]
    return [device for device in found if not household.toggles.is_on(device, PROTECTION)]


def checked_name(household: Household, name: bytes, action: str) -> bytes:
    """The name, unless it may not have such a rule."""
    if action == BLOCK and household.policy.helpline(name):
        raise BadInput("that is a helpline: it is never blocked and never recorded")
    return name


def _scope_of(request: Request) -> str:
    for scope, key in (("device", "device_id"), ("person", "person_id")):
        if request.get(key) is not None:
            return scope
    return "household"


def _owner(household: Household, request: Request, scope: str) -> int:
    if scope == "device":
        return household.state.device(number(request, "device_id")).id
    if scope == "person":
        return household.state.person(number(request, "person_id")).id
    return 0


def rule_row(household: Household, rule: OwnRule) -> Row:
    return {
        "id": rule.id,
        "action": rule.action,
        "name": rule.name.decode(),
        "scope": rule.scope,
        "device_id": rule.owner if rule.scope == "device" else None,
        "person_id": rule.owner if rule.scope == "person" else None,
        "created_at": rule.created,
        "expires_at": rule.ends(*household.clock.now()),
    }


def rule_list(household: Household, request: Request) -> Reply:
    limit, after = page(request)
    now = household.clock.now()
    rules = [rule for rule in household.state.rules() if rule.id > after and not rule.over(*now)][:limit]
    return paged([rule_row(household, rule) for rule in rules], limit, rules[-1].id if rules else 0)


def rule_remove(household: Household, request: Request) -> Generator[float | None, None, object]:
    household.state.remove_rule(number(request, "id"))
    household.new_policy()
    household.edges.publish({"event": "lists"})
    yield from scrub(household.state.db)
    return {}


TABLE = {
    "allow": allow,
    "block": block,
    "rule.list": rule_list,
    "rule.remove": rule_remove,
}
