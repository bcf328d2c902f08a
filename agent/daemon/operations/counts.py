"""Counts over what was recorded: by day, by hour, by category. In spans of ids, so that no answer waits for them."""

from agent.daemon.household import Household
from agent.daemon.operations import scope
from agent.daemon.operations.arguments import Request, optional_number
from agent.daemon.operations.reading import Steps, spans, spans_since

DAY_S = 86400
DAY_MIN = 1440
STAY_MAX_MIN = 7 * DAY_MIN  # a longer one is a clock that was wrong
DAYS_MAX = 31  # no record is older
SITES_MAX = 10_000  # told apart in a day; counting on would only cost memory


def attempt_counts(household: Household, request: Request) -> Steps:
    """Blocked attempts per day and category, also of adults; `tz_offset` is seconds east of UTC."""
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
    """Per day the number of visits that ended then, without background, and for each hour in how many of its minutes
    there was one (`hours`); `tz_offset` is seconds east of UTC."""
    offset = optional_number(request, "tz_offset") or 0
    asked = scope.readable(household, request, "visits")
    household.flush()
    chosen = f"{asked.where} AND background = 0 AND id > ? AND id <= ?"
    query = f"SELECT (first + ?) / 60, (last + ?) / 60, COUNT(*) FROM visits WHERE {chosen} GROUP BY 1, 2"
    visits: dict[int, int] = {}
    minutes: dict[int, int] = {}
    for low, high in spans(household.records.top("visits")):
        values = [offset, offset, *asked.values, low, high]
        for first, last, count in household.records.db.sql.execute(query, values).fetchall():
            visits[last // DAY_MIN] = visits.get(last // DAY_MIN, 0) + count
            mark(minutes, max(first, last - STAY_MAX_MIN), last)
        yield None
    newest = sorted({*visits, *(hour // 24 for hour in minutes)})[-DAYS_MAX:]
    return {"items": [_day(day, offset, visits.get(day, 0), minutes) for day in newest]}


def mark(hours: dict[int, int], first: int, last: int) -> None:
    """Sets the minutes from `first` to `last`, a bit each, in their hours."""
    for hour in range(first // 60, last // 60 + 1):
        low, high = max(first - hour * 60, 0), min(last - hour * 60, 59)
        hours[hour] = hours.get(hour, 0) | ((1 << high - low + 1) - 1 << low)


def _day(day: int, offset: int, visits: int, minutes: dict[int, int]) -> dict[str, object]:
    hours = [bin(minutes.get(day * 24 + hour, 0)).count("1") for hour in range(24)]
    return {"start": day * DAY_S - offset, "visits": visits, "hours": hours}


def today(household: Household, request: Request) -> Steps:
    """Per device the visits and their sites, without background, and the blocked attempts since a time, by default
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
