"""Counts over what was recorded: by day, by hour, by category. In spans of ids, so that no answer waits for them."""

from agent.daemon.household import Household
from agent.daemon.operations import scope
from agent.daemon.operations.arguments import Request, optional_number
from agent.daemon.operations.reading import Steps, spans, spans_since

DAY_S = 86400
DAYS_MAX = 31  # no record is older
SITES_MAX = 10_000  # told apart in a day; counting on would only cost memory


def attempt_counts(household: Household, request: Request) -> Steps:
    """Refused attempts per day and category, also of adults; `tz_offset` is seconds east of UTC."""
    offset = optional_number(request, "tz_offset") or 0
    days = min(max(optional_number(request, "days") or 7, 1), DAYS_MAX)
    household.flush()
    since = household.clock.wall() - days * DAY_S
    chosen = "at >= ? AND id > ? AND id <= ?"
    query = f"SELECT (at + ?) / 86400, category, SUM(hits) FROM attempts WHERE {chosen} GROUP BY 1, 2"
    counts: dict[tuple[int, str], int] = {}
    for low, high in spans_since(household, "attempts", since):
        for day, category, count in household.records.db.sql.execute(query, (offset, since, low, high)).fetchall():
            counts[day, category] = counts.get((day, category), 0) + count
        yield None
    rows = sorted(counts.items())
    return {"items": [{"day": day * DAY_S - offset, "category": name, "count": count} for (day, name), count in rows]}


def history_days(household: Household, request: Request) -> Steps:
    """Per day the number of visits, without background, and their hours; `tz_offset` is seconds east of UTC."""
    offset = optional_number(request, "tz_offset") or 0
    asked = scope.readable(household, request, "visits")
    household.flush()
    chosen = f"{asked.where} AND background = 0 AND id > ? AND id <= ?"
    query = f"SELECT (last + ?) / 3600, COUNT(*) FROM visits WHERE {chosen} GROUP BY 1"
    days: dict[int, list[int]] = {}
    for low, high in spans(household.records.top("visits")):
        for hour, count in household.records.db.sql.execute(query, [offset, *asked.values, low, high]).fetchall():
            days.setdefault(hour // 24, [0] * 24)[hour % 24] += count
        yield None
    newest = sorted(days.items())[-DAYS_MAX:]
    return {"items": [{"start": day * DAY_S - offset, "visits": sum(hours), "hours": hours} for day, hours in newest]}


def today(household: Household, request: Request) -> Steps:
    """Per device the visits and their sites, without background, and the refused attempts since a time, by default
    since midnight UTC: of whoever has the device now, not of who had it before."""
    since = optional_number(request, "since") or household.clock.wall() // DAY_S * DAY_S
    household.flush()
    sql = household.records.db.sql
    now = _of_now(household)
    visits: dict[int, int] = {}
    sites: dict[int, set[str]] = {}
    refused: dict[int, int] = {}
    for low, high in spans_since(household, "visits", since):
        query = f"SELECT device, site FROM visits WHERE last >= ? AND background = 0 AND id > ? AND id <= ?{now}"
        for device, site in sql.execute(query, (since, low, high)).fetchall():
            visits[device] = visits.get(device, 0) + 1
            seen = sites.setdefault(device, set())
            if len(seen) < SITES_MAX:
                seen.add(site)
        yield None
    for low, high in spans_since(household, "attempts", since):
        query = f"SELECT device, SUM(hits) FROM attempts WHERE at >= ? AND id > ? AND id <= ?{now} GROUP BY 1"
        for device, count in sql.execute(query, (since, low, high)).fetchall():
            refused[device] = refused.get(device, 0) + count
        yield None
    items: list[dict[str, object]] = [
        {
            "device_id": device.id,
            "visits": visits.get(device.id, 0),
            "sites": len(sites.get(device.id, ())),
            "attempts": refused.get(device.id, 0),
        }
        for device in household.state.devices()
    ]
    return {"items": items}


def _of_now(household: Household) -> str:
    """A condition that leaves out the epochs of other people on devices that changed hands; they are few."""
    devices = {device.id: household.subjects.of(device) for device in household.state.devices()}
    others = [
        str(int(epoch))
        for epoch, device, person, shared in household.records.subjects()
        if device in devices and (person, shared) != (devices[device].person, devices[device].shared)
    ]
    return f" AND epoch NOT IN ({','.join(others)})" if others else ""


TABLE = {"blocked.counts": attempt_counts, "history.days": history_days, "today": today}
