"""Reading what was recorded, proving it, taking it along, erasing and correcting it."""

from collections.abc import Generator

from agent.core.model import Device
from agent.daemon.audit import audit as audit_steps
from agent.daemon.erasing import erase as erase_rows
from agent.daemon.erasing import rewrite_snapshot
from agent.daemon.household import Household
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

VISIT = "id, device, epoch, site, first, last, hits, hosts, source, status"
ATTEMPT = "id, device, epoch, target, at, hits, source, rule, scope, list, list_name, list_version, category"
DAY_S = 86400


def history(household: Household, request: Request) -> dict[str, object]:
    """Visits, newest first."""
    limit, before = page(request)
    devices = household.devices_of(request)
    household.flush()
    where, values = _window(request, "last", before)
    search = optional_text(request, "search")
    if search is not None:
        where += " AND (instr(site, ?) OR instr(hosts, ?))"
        values += [search.lower(), search.lower()]
    rows = _rows(household, "visits", VISIT, devices, where, values, limit)
    items = [visit_row(row) for row in rows]
    return paged(items, limit, rows[-1][0] if rows else 0)


def attempts(household: Household, request: Request) -> dict[str, object]:
    """Refused attempts, newest first. Of an adult only counts are given to others (see attempts.counts)."""
    limit, before = page(request)
    named = "device_id" in request or "person_id" in request
    devices = household.devices_of(request) if named else household.state.devices()
    devices = [device for device in devices if household.may_see_attempts(device, actor(request))]
    household.flush()
    where, values = _window(request, "at", before)
    rows = _rows(household, "attempts", ATTEMPT, devices, where, values, limit)
    return paged([attempt_row(row) for row in rows], limit, rows[-1][0] if rows else 0)


def _window(request: Request, column: str, before: int) -> tuple[str, list[object]]:
    where, values = "", []  # type: tuple[str, list[object]]
    start, end = optional_number(request, "from"), optional_number(request, "to")
    if start is not None:
        where, values = where + f" AND {column} >= ?", [*values, start]
    if end is not None:
        where, values = where + f" AND {column} < ?", [*values, end]
    if before:
        where, values = where + " AND id < ?", [*values, before]
    return where, values


def _rows(
    household: Household, table: str, columns: str, devices: list[Device], where: str, values: list[object], limit: int
) -> list[tuple]:  # type: ignore[type-arg]
    marks = ",".join("?" for _ in devices)
    query = f"SELECT {columns} FROM {table} WHERE device IN ({marks}){where} ORDER BY id DESC LIMIT ?"
    return household.records.db.sql.execute(query, [*(d.id for d in devices), *values, limit]).fetchall()


def visit_row(row: tuple) -> dict[str, object]:  # type: ignore[type-arg]
    keys = ("id", "device_id", "epoch", "site", "first", "last", "hits", "hosts", "source", "status")
    made = dict(zip(keys, row, strict=True))
    made["hosts"] = row[7].split(" ") if row[7] else []
    return made


def attempt_row(row: tuple) -> dict[str, object]:  # type: ignore[type-arg]
    made = dict(zip(("id", "device_id", "epoch", "target", "at", "hits", "source"), row[:7], strict=True))
    keys = ("text", "scope", "list_id", "list_name", "list_version", "category")
    made["rule"] = dict(zip(keys, row[7:], strict=True))
    return made


def attempt_counts(household: Household, request: Request) -> dict[str, object]:
    """Refused attempts per day and category, also of adults."""
    days = min(max(optional_number(request, "days") or 7, 1), 30)
    household.flush()
    since = household.clock.wall() - days * DAY_S
    query = "SELECT at / 86400 * 86400, category, SUM(hits) FROM attempts WHERE at >= ? GROUP BY 1, 2 ORDER BY 1, 2"
    rows = household.records.db.sql.execute(query, (since,)).fetchall()
    return {"items": [{"day": day, "category": category, "count": count} for day, category, count in rows]}


def history_days(household: Household, request: Request) -> dict[str, object]:
    """Per day the number of visits and their hours; `tz_offset` is seconds east of UTC."""
    offset = optional_number(request, "tz_offset") or 0
    devices = household.devices_of(request)
    household.flush()
    marks = ",".join("?" for _ in devices)
    where = f"WHERE device IN ({marks}) GROUP BY 1 ORDER BY 1 DESC LIMIT 800"
    query = f"SELECT (last + ?) / 3600, COUNT(*) FROM visits {where}"
    days: dict[int, list[int]] = {}
    for hour, count in household.records.db.sql.execute(query, [offset, *(device.id for device in devices)]):
        days.setdefault(hour // 24, [0] * 24)[hour % 24] = count
    items = [
        {"start": day * DAY_S - offset, "visits": sum(hours), "hours": hours} for day, hours in sorted(days.items())
    ]
    return {"items": items}


def today(household: Household, request: Request) -> dict[str, object]:
    since = optional_number(request, "since") or household.clock.wall() // DAY_S * DAY_S
    household.flush()
    sql = household.records.db.sql
    counted = "SELECT device, COUNT(*), COUNT(DISTINCT site) FROM visits WHERE last >= ? GROUP BY 1"
    visits = {row[0]: row[1:] for row in sql.execute(counted, (since,))}
    refused = dict(sql.execute("SELECT device, SUM(hits) FROM attempts WHERE at >= ? GROUP BY 1", (since,)).fetchall())
    items = []
    for device in household.state.devices():
        count, sites = visits.get(device.id, (0, 0))
        items.append({"device_id": device.id, "visits": count, "sites": sites, "attempts": refused.get(device.id, 0)})
    return {"items": items}


def dispute(household: Household, request: Request) -> dict[str, object]:
    """Mark a visit as wrong; it stays, with the mark."""
    device = household.device_of_visit(number(request, "id"))
    status = "" if flag(request, "undo") else "disputed"
    household.records.set_status(number(request, "id"), status)
    household.state.ledger.append([(device.enrolment, "history", "correct", 0)], actor(request), household.clock.wall())
    household.noted()
    return {"id": number(request, "id"), "status": status}


def remove(household: Household, request: Request) -> Generator[float | None, None, object]:
    """Remove one visit for good."""
    device = household.device_of_visit(number(request, "id"))
    if not flag(request, "preview"):
        yield from erase_rows(household, "visits", device, [number(request, "id")])
        yield from _erased(household, [device], actor(request))
    return {"visits": 1, "attempts": 0}


def erase(household: Household, request: Request) -> Generator[float | None, None, object]:
    """Erase a device's, a person's or everybody's records, of one feature or both, of a window of time or all."""
    devices = household.devices_of(request)
    tables = {"history": ("visits",), "protection": ("attempts",), "": ("visits", "attempts")}
    chosen = tables[choice(request, "feature", ("history", "protection")) if request.get("feature") else ""]
    counts = {"visits": 0, "attempts": 0}
    household.flush()
    for device in devices:
        for table in chosen:
            window = optional_number(request, "from"), optional_number(request, "to")
            ids = household.records.ids(table, device.id, *window)
            counts[table] += len(ids)
            if not flag(request, "preview"):
                yield from erase_rows(household, table, device, ids)
    if not flag(request, "preview"):
        yield from _erased(household, devices, actor(request))
    return counts


def _erased(household: Household, devices: list[Device], who: str) -> Generator[float | None, None, None]:
    yield from rewrite_snapshot(household)
    rows = [(device.enrolment, "", "erase", 0) for device in devices]
    household.state.ledger.append(rows, who, household.clock.wall())
    household.noted()
    for device in devices:
        household.publish({"event": "history", "device_id": device.id})


def ledger(household: Household, request: Request) -> dict[str, object]:
    limit, after = page(request)
    ids = {device.enrolment: device.id for device in household.state.devices()}
    items: list[dict[str, object]] = [
        {
            "seq": row.seq,
            "at": row.at,
            "actor": row.actor,
            "device_id": ids.get(row.enrolment),
            "enrolment": row.enrolment,
            "feature": row.feature,
            "action": row.action,
            "notice": row.notice,
            "hash": row.hash.hex(),
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
    "history.days": history_days,
    "attempts": attempts,
    "attempts.counts": attempt_counts,
    "today": today,
    "visit.dispute": dispute,
    "visit.remove": remove,
    "erase": erase,
    "ledger": ledger,
    "audit": audit,
}
