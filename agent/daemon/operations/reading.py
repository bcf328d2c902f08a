"""Reading what was recorded, proving it, taking it along, erasing and correcting it."""

from collections.abc import Generator, Iterator

from agent.core.model import BadInput, Device
from agent.daemon.household import Household
from agent.daemon.operations import scope
from agent.daemon.operations.arguments import (
    Request,
    actor,
    choice,
    flag,
    number,
    optional_number,
    optional_text,
    page,
    paged,
)
from agent.daemon.operations.scope import Scope
from agent.daemon.store.audit import audit as audit_steps
from agent.daemon.store.database import StorageError
from agent.daemon.store.erasing import erase as erase_rows
from agent.daemon.store.erasing import finish

# `cause` only while that row is there; `folded` is how many rows this one pulled in.
VISIT = (
    "id, device, epoch, site, first, last, hits, hosts, source, status, background,"
    " (SELECT c.id FROM visits c WHERE c.id = visits.cause), corrected,"
    " (SELECT COUNT(*) FROM visits f WHERE f.cause = visits.id)"
)
# What the history is asked for: all rows, what somebody opened, or the background that no such visit has pulled in.
SHOWN = {
    "all": "",
    "visits": " AND background = 0",
    "apart": " AND background = 1 AND NOT EXISTS"
    " (SELECT 1 FROM visits c WHERE c.id = visits.cause AND c.background = 0)",
}
ATTEMPT = "id, device, epoch, target, at, hits, source, rule, scope, list, list_name, list_version, category"
SPAN = 4000  # ids
# Rows are looked for by age; a wall clock that was set back by up to this makes no row of a time unfound.
CLOCK_SET_BACK_S = 86400

Steps = Generator[float | None, None, dict[str, object]]


def history(household: Household, request: Request) -> Steps:
    """Visits, newest first; `show` names which (see SHOWN), `cause` asks for what one visit pulled in."""
    limit, before = page(request)
    shown = choice(request, "show", tuple(SHOWN)) if "show" in request else "all"
    household.flush()
    asked = scope.readable(household, request, "visits").narrowed("1" + SHOWN[shown])
    cause = optional_number(request, "cause")
    if cause is not None:
        asked = asked.narrowed("cause = ?", cause)
    search = optional_text(request, "search")
    if search is not None:
        asked = asked.narrowed("instr(site, ?) OR instr(hosts, ?)", search.lower(), search.lower())
    rows = yield from _newest(household, "visits", VISIT, asked, before, limit)
    return paged([visit_row(row) for row in rows], limit, rows[-1][0] if rows else 0)


def attempts(household: Household, request: Request) -> Steps:
    """Blocked attempts, newest first. Those of an adult's time are given to that adult only; `hidden` tells others how
    many they are (and see attempts.counts)."""
    limit, before = page(request)
    named = request if "device_id" in request or "person_id" in request else {**request, "all": True}
    household.flush()
    asked = scope.readable(household, named, "attempts")
    rows = yield from _newest(household, "attempts", ATTEMPT, asked, before, limit)
    reply = paged([attempt_row(row) for row in rows], limit, rows[-1][0] if rows else 0)
    return {**reply, "hidden": scope.count(household, "attempts", scope.hidden(household, named, "attempts"))}


def _newest(
    household: Household, table: str, columns: str, asked: Scope, before: int, limit: int
) -> Generator[float | None, None, list[tuple]]:  # type: ignore[type-arg]
    """At most `limit` rows below id `before` (0: all), newest first, looked for in spans of some milliseconds each."""
    query = f"SELECT {columns} FROM {table} WHERE {asked.where} AND id > ? AND id <= ? ORDER BY id DESC LIMIT ?"
    rows: list[tuple] = []  # type: ignore[type-arg]
    for low, high in spans(household.records.top(table), before):
        sql = household.records.db.sql
        rows += sql.execute(query, [*asked.values, low, high, limit - len(rows)]).fetchall()
        if len(rows) >= limit:
            break
        yield None
    return rows


def spans(top: int, before: int = 0, first: int = 1) -> Iterator[tuple[int, int]]:
    """(low, high] pieces of the ids from `first` on and below `before`, the highest first: each is looked through in a
    few milliseconds."""
    high = min(top, before - 1) if before else top
    while high >= first:
        low = max(first - 1, high - SPAN)
        yield low, high
        high = low


def spans_since(household: Household, table: str, since: int) -> Iterator[tuple[int, int]]:
    """The same of rows that may have been last seen since a time; there are older ones among them, most where a visit
    has gone on for long."""
    clock = household.clock
    age = clock.age() - max(0, clock.wall() - since) - CLOCK_SET_BACK_S
    return spans(household.records.top(table), first=household.records.first_since(table, age))


def visit_row(row: tuple) -> dict[str, object]:  # type: ignore[type-arg]
    keys = ("id", "device_id", "epoch", "site", "first", "last", "hits", "hosts", "source", "status", "background")
    made = dict(zip((*keys, "cause", "corrected", "folded"), row, strict=True))
    made["hosts"] = row[7].split(" ") if row[7] else []
    return {**made, "background": bool(made["background"]), "corrected": bool(made["corrected"])}


def attempt_row(row: tuple) -> dict[str, object]:  # type: ignore[type-arg]
    made = dict(zip(("id", "device_id", "epoch", "target", "at", "hits", "source"), row[:7], strict=True))
    keys = ("text", "scope", "list_id", "list_name", "list_version", "category")
    made["rule"] = dict(zip(keys, row[7:], strict=True))
    return made


def dispute(household: Household, request: Request) -> dict[str, object]:
    """Mark a visit as wrong; it stays, with the mark."""
    device = household.device_of_visit(number(request, "id"))
    status = "" if flag(request, "undo") else "disputed"
    household.records.set_status(number(request, "id"), status)
    household.state.ledger.append([(device.enrolment, "history", "correct", 0)], actor(request), household.clock.wall())
    household.noted()
    return {"id": number(request, "id"), "status": status}


def sort(household: Household, request: Request) -> dict[str, object]:
    """Say that a visit was background, or that it was none; it is then no longer folded under another."""
    visit_id, background = number(request, "id"), flag(request, "background")
    if "background" not in request:
        raise BadInput("background is missing: true for what nobody opened, else false")
    device = household.device_of_visit(visit_id)
    household.records.correct(visit_id, background)
    household.state.ledger.append([(device.enrolment, "history", "correct", 0)], actor(request), household.clock.wall())
    household.noted()
    return {"id": visit_id, "background": background}


def remove(household: Household, request: Request) -> Generator[float | None, None, object]:
    """Remove one visit for good, and what it pulled in."""
    device = household.device_of_visit(number(request, "id"))
    household.flush()
    ids = _with_folded(household, device, [number(request, "id")])
    if not flag(request, "preview"):
        yield from erase_rows(household, "visits", device, ids)
        yield from finish(household, [device], actor(request))
    return {"visits": len(ids), "attempts": 0}


def _with_folded(household: Household, device: Device, ids: list[int]) -> list[int]:
    return sorted({*ids, *household.records.folded(device.id, ids)})


def erase(household: Household, request: Request) -> Generator[float | None, None, object]:
    """Erase the records of a device, a person or everybody, of one feature or both, of a window of time or all. At its
    own page a person erases what was made of them."""
    own = actor(request).startswith("me:")
    tables = {"history": ("visits",), "protection": ("attempts",), "": ("visits", "attempts")}
    chosen = tables[choice(request, "feature", ("history", "protection")) if request.get("feature") else ""]
    devices = {device.id: device for device in household.state.devices()}
    counts, touched = {"visits": 0, "attempts": 0}, set()
    if household.records.db.stands_in:
        # What is in the file would be back as soon as it can be used again.
        raise StorageError("nothing was deleted: " + household.records.db.broken)
    household.flush()
    for table in chosen:
        asked = (scope.readable if own else scope.asked)(household, request, table)
        for device_id, ids in scope.ids(household, table, asked).items():
            device = devices[device_id]
            ids = _with_folded(household, device, ids) if table == "visits" else ids
            counts[table] += len(ids)
            touched.add(device_id)
            if not flag(request, "preview"):
                yield from erase_rows(household, table, device, ids)
    if not flag(request, "preview"):
        told = [devices[device_id] for device_id in sorted(touched)] or scope.devices_named(household, request)
        yield from finish(household, told, actor(request))
    return counts


def ledger(household: Household, request: Request) -> dict[str, object]:
    limit, after = page(request)
    ids = {device.enrolment: device.id for device in household.state.devices()}
    items: list[dict[str, object]] = [
        {
            "seq": row.seq,
            "at": household.set_right.at(row),
            "actor": row.actor,
            "device_id": ids.get(row.enrolment),
            "enrolment": row.enrolment,
            "feature": row.feature,
            "action": row.action,
            "notice": row.notice,
            "hash": row.hash.hex(),
            "detail": row.detail,
        }
        for row in household.state.ledger.rows(after, limit)
    ]
    return paged(items, limit, after + len(items))


def audit(household: Household, request: Request) -> Generator[float | None, None, object]:
    """Check every row against the ledger, and the ledger against itself (and a head noted earlier)."""
    household.flush()
    head = optional_text(request, "head", 80)
    return (yield from audit_steps(household.state, household.records, head, household.sha256))


TABLE = {
    "history": history,
    "blocked": attempts,
    "visit.mark_wrong": dispute,
    "visit.background": sort,
    "visit.delete": remove,
    "delete": erase,
    "activity": ledger,
    "audit": audit,
}
