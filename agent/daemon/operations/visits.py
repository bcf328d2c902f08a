"""The visits of a device or person, and what the household says about one."""

from agent.control.messages import Reply, Request, Row
from agent.core.digits import whole
from agent.core.model import BadInput
from agent.daemon.household import Household
from agent.daemon.operations import scope
from agent.daemon.operations.arguments import actor, choice, flag, number, optional_number, optional_text, page
from agent.daemon.operations.named import device_of_visit
from agent.daemon.operations.scope import Steps
from agent.daemon.store import recorded
from agent.daemon.store.recorded import VisitRow
from agent.daemon.store.selection import SHOWN


def history(household: Household, request: Request) -> Steps:
    """Visits, last seen first; `show` names which (see SHOWN), `cause` asks for what one visit pulled in, `visit`
    for one alone."""
    limit, before = page({"limit": request.get("limit")})[0], _cursor(request)
    shown = choice(request, "show", tuple(SHOWN)) if "show" in request else "all"
    household.flush()
    asked = scope.readable(household, request, "visits").shown(shown)
    cause = optional_number(request, "cause")
    if cause is not None:
        asked = asked.caused_by(cause)
    search = optional_text(request, "search")
    if search is not None:
        asked = asked.matching(search.lower())
    if request.get("visit") is not None:
        asked = asked.row(number(request, "visit"))
    rows = yield from recorded.latest(household.records, asked, before, limit)
    age = household.records.age_of(rows[-1].id) if len(rows) == limit else None
    more = None if age is None else f"{rows[-1].id}:{age}"
    return {"items": [visit_row(row) for row in rows], "next": more}


def _cursor(request: Request) -> tuple[int, int] | None:
    """The age and the number of the visit that a page ended with."""
    after = request.get("after")
    if after is None:
        return None
    before, _, seen = str(after).partition(":")
    negative = seen.startswith("-")  # of before the household's own time began
    row_id, age = whole(before), whole(seen[negative:])
    if age is None or row_id is None:
        raise BadInput("after must be a cursor from an earlier page")
    return -age if negative else age, row_id


def visit_row(row: VisitRow) -> Row:
    told = row.told()
    told["hosts"] = row.hosts.split(" ") if row.hosts else []
    return {**told, "background": bool(told["background"]), "corrected": bool(told["corrected"])}


def mark_wrong(household: Household, request: Request) -> Reply:
    """Mark a visit as wrong; it stays, with the mark."""
    device = device_of_visit(household, number(request, "id"))
    status = "" if flag(request, "undo") else "disputed"
    household.records.set_status(number(request, "id"), status)
    household.state.ledger.append([(device.enrolment, "history", "correct", 0)], actor(request), household.clock.wall())
    household.announcements.noted()
    return {"id": number(request, "id"), "status": status}


def background(household: Household, request: Request) -> Reply:
    """Say that a visit was background, or that it was none; it is then no longer folded under another."""
    visit_id, was = number(request, "id"), flag(request, "background")
    if "background" not in request:
        raise BadInput("background is missing: true for what nobody opened, else false")
    device = device_of_visit(household, visit_id)
    household.records.correct(visit_id, was)
    household.state.ledger.append([(device.enrolment, "history", "correct", 0)], actor(request), household.clock.wall())
    household.announcements.noted()
    return {"id": visit_id, "background": was}


TABLE = {"history": history, "visit.mark_wrong": mark_wrong, "visit.background": background}
