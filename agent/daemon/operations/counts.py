"""Counts over what was recorded: by day, by hour, by category. In spans of ids, so that no answer waits for them."""

from agent.control.messages import Request, Row
from agent.daemon.household import Household
from agent.daemon.operations import scope
from agent.daemon.operations.arguments import optional_number
from agent.daemon.operations.scope import Steps
from agent.daemon.store import recorded
from agent.daemon.store.selection import Selection

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
    counts: dict[tuple[int, str], int] = {}
    for rows in scope.pieces_since(household, Selection("attempts"), since):
        for day, category, count in recorded.by_day(household.records, rows, offset):
            counts[day, category] = counts.get((day, category), 0) + count
        yield None
    found = sorted(counts.items())
    return {"items": [{"day": day * DAY_S - offset, "category": name, "count": count} for (day, name), count in found]}


def history_days(household: Household, request: Request) -> Steps:
    """Per day the number of visits that ended then, without background, and for each hour in how many of its minutes
    there was one (`hours`); `tz_offset` is seconds east of UTC."""
    offset = optional_number(request, "tz_offset") or 0
    asked = scope.readable(household, request, "visits").shown("visits")
    household.flush()
    visits: dict[int, int] = {}
    minutes: dict[int, int] = {}
    for rows in scope.pieces(household, asked):
        for first, last, count in recorded.by_minutes(household.records, rows, offset):
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


def _day(day: int, offset: int, visits: int, minutes: dict[int, int]) -> Row:
    hours = [bin(minutes.get(day * 24 + hour, 0)).count("1") for hour in range(24)]
    return {"start": day * DAY_S - offset, "visits": visits, "hours": hours}


def today(household: Household, request: Request) -> Steps:
    """Per device the visits and their sites, without background, and the blocked attempts since a time, by default
    since midnight UTC: of whoever has the device now, not of who had it before."""
    since = optional_number(request, "since") or household.clock.wall() // DAY_S * DAY_S
    household.flush()
    others = _of_others(household)
    visits: dict[int, int] = {}
    sites: dict[int, set[str]] = {}
    blocked: dict[int, int] = {}
    opened = Selection("visits").shown("visits").not_of(others)
    for rows in scope.pieces_since(household, opened, since):
        for device, site in recorded.sites(household.records, rows):
            visits[device] = visits.get(device, 0) + 1
            seen = sites.setdefault(device, set())
            if len(seen) < SITES_MAX:
                seen.add(site)
        yield None
    for rows in scope.pieces_since(household, Selection("attempts").not_of(others), since):
        for device, count in recorded.by_device(household.records, rows):
            blocked[device] = blocked.get(device, 0) + count
        yield None
    items: list[Row] = [
        {
            "device_id": device.id,
            "visits": visits.get(device.id, 0),
            "sites": len(sites.get(device.id, ())),
            "attempts": blocked.get(device.id, 0),
        }
        for device in household.state.devices()
    ]
    return {"items": items}


def _of_others(household: Household) -> list[int]:
    """The epochs of other people on devices that changed hands; they are few."""
    subjects = {device.id: household.subjects.of(device) for device in household.state.devices()}
    return [
        row.epoch
        for row in household.records.epochs()
        if row.person is not None
        and row.device in subjects
        and (row.person, row.shared) != (subjects[row.device].person, subjects[row.device].shared)
    ]


TABLE = {"blocked.counts": attempt_counts, "history.days": history_days, "today": today}
