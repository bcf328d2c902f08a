"""The household's own rules as text: out in pages, and in by chunks, each of them whole or not at all."""

from agent.control.messages import Reply, Request, Row
from agent.core.model import BadInput, NotFound, Sentence, said_by, spoken
from agent.core.policy import OwnRule
from agent.core.rule_text import HOUSEHOLD, OwnLine, read_line
from agent.core.sites import wide
from agent.daemon.household import Household
from agent.daemon.operations.arguments import OperationRejected, choice, flag, page
from agent.daemon.operations.rules import RULES_MAX, checked_name
from agent.platform.printable import printable

LINES_MAX = 100  # of one request: of the longest lines they stay within a request's 64 KiB
ACTIONS = ("", "allow", "block")
UNKNOWN = {"device": "no device {}", "person": "no person {}"}


def export(household: Household, request: Request) -> Reply:
    """A page of the rules in force, each as a line."""
    limit, after = page(request)
    now = household.clock.now()
    rules = [rule for rule in household.state.rules() if rule.id > after and not rule.over(*now)][:limit]
    owners = {("device", device.id): device.label for device in household.state.devices()}
    owners.update({("person", person.id): person.name for person in household.state.persons()})
    items = [
        OwnLine(rule.action, rule.name, rule.scope, owners.get((rule.scope, rule.owner), ""), rule.ends(*now)).text
        for rule in rules
    ]
    return {"items": items, "next": str(rules[-1].id) if len(rules) == limit else None}


def take_in(household: Household, request: Request) -> Reply:
    """Add the rules of some lines.

    With `preview` only say what would be: `new` rules, how many are `over` already, `complaints` (index of the line,
    what is wrong), names that are `wide`, and the `room` there is. Without it a line that is wrong is BadInput,
    and nothing of the chunk is added.
    """
    action = choice(request, "action", ACTIONS) if request.get("action") else ""
    now = household.clock.wall()
    rules: list[OwnRule] = []
    complaints: list[Row] = []
    first: Sentence | None = None
    for index, line in enumerate(_lines(request)):
        try:
            rule = _rule(household, line, action, now)
        except BadInput as error:
            said = said_by(error)
            complaints.append({"line": index, **spoken("message", said)})
            first = first or Sentence("line {} of the chunk: {}", index, said)
            continue
        rules += [rule] if rule else []
    current = [rule for rule in rules if not rule.over(now, household.clock.age())]
    held = household.state.rules()
    known = {(rule.name, rule.scope, rule.owner) for rule in held}
    new = {(rule.name, rule.scope, rule.owner) for rule in current} - known
    room = RULES_MAX - len(held)
    if not flag(request, "preview"):
        if first is not None:
            raise BadInput(first)
        if len(new) > room:
            raise OperationRejected(
                "conflict", Sentence("there is room for {} rules, and these are {}: remove some", room, len(new))
            )
        household.state.add_rules(current)
        household.new_policy()
        household.edges.publish({"event": "lists"})
    return {
        "rules": len(current),
        "new": len(new),
        "over": len(rules) - len(current),
        "room": room,
        "complaints": complaints,
        "wide": sorted({rule.name.decode() for rule in current if wide(rule.name, household.lists.suffixes)}),
    }


def _lines(request: Request) -> list[str]:
    lines = request.get("lines")
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise BadInput("lines is missing or not a list of texts")
    if len(lines) > LINES_MAX:
        raise BadInput(Sentence("at most {} lines at once", LINES_MAX))
    return lines


def _rule(household: Household, text: str, action: str, now: int) -> OwnRule | None:
    text = text.replace("\t", " ").strip()
    if not printable(text) and text[0] != "#":
        raise BadInput("a character that is not for reading")
    line = read_line(text, action)
    if line is None:
        return None
    wide(line.name, household.lists.suffixes)
    name = checked_name(household, line.name, line.action)
    return OwnRule(0, name, line.action, line.scope, _owner(household, line), line.until, now)


def _owner(household: Household, line: OwnLine) -> int:
    if line.scope == HOUSEHOLD:
        return 0
    known = (
        [(device.label, device.id) for device in household.state.devices()]
        if line.scope == "device"
        else [(person.name, person.id) for person in household.state.persons()]
    )
    for label, id in known:
        if label == line.whose:
            return id
    raise NotFound(Sentence(UNKNOWN[line.scope], repr(line.whose)))


TABLE = {
    "rule.export": export,
    "rule.import": take_in,
}
