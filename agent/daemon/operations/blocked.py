"""What protection blocked."""

from agent.control.messages import Request, Row
from agent.daemon.household import Household
from agent.daemon.operations import scope
from agent.daemon.operations.arguments import page, paged
from agent.daemon.operations.scope import Steps
from agent.daemon.store import recorded
from agent.daemon.store.recorded import AttemptRow

RULE = {"rule": "text", "scope": "scope", "list": "list_id", "list_name": "list_name", "list_version": "list_version"}
RULE["category"] = "category"


def blocked(household: Household, request: Request) -> Steps:
    """Blocked attempts, newest first. Those of an adult's time are given to that adult only; `hidden` tells others how
    many they are (and see blocked.counts)."""
    limit, before = page(request)
    named = request if "device_id" in request or "person_id" in request else {**request, "all": True}
    household.flush()
    asked = scope.readable(household, named, "attempts")
    rows = yield from recorded.newest(household.records, AttemptRow, asked, before, limit)
    reply = paged([attempt_row(row) for row in rows], limit, rows[-1].id if rows else 0)
    return {**reply, "hidden": recorded.count(household.records, scope.hidden(household, named, "attempts"))}


def attempt_row(row: AttemptRow) -> Row:
    about = ("id", "epoch", "target", "at", "hits", "source")
    told = {name: getattr(row, name) for name in about}
    rule = {word: getattr(row, name) for name, word in RULE.items()}
    return {**told, "device_id": row.device, "rule": rule}


TABLE = {"blocked": blocked}
