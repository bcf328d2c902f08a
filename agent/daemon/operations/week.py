"""The family's week: seven days of a person or device, made when it is asked for, of rows that are there anyway.

What `week` replies, without a name for all children and teens (an adult's week is their own, at /me):

    {"from": utc, "to": utc, "zone": "CET-1CEST,…", "days": [{"day": "2026-11-24", "start": utc}, …],
     "items": [{
       "person_id": 1, "name": "Mia", "group": "child",      (or "device_id" and "label")
       "history": null | {"on": true, "visits": 40, "hours": [[minutes of each hour], … of each day],
                          "sites": [{"site": "youtube.com", "minutes": 312, "visits": 9}, …], "more": 0},
       "minutes": null | {"on": true, "days": [minutes of use a day], "allowance": [minutes or null, …] | null},
       "blocked": null | [attempts a day],
       "off": null | {"days": [minutes a day], "windows_since": utc | null, "words": ["Mon–Fri: …"]},
       "gaps": [{"from": utc, "to": utc}],                     (times were not in force: the agent did not run)
       "changes": [{"at", "who", "about", "what", "kind", "until", "device_id"}],      newest first
       "requests": [{"at", "device_id", "kind", "seconds", "state", "answer", "answered_at"}]   newest first
     }]}

`days` are seven of the router's zone, the last of them `ago` days before today; `to` is the midnight after. An hour has
the minutes in which a visit went on. null: nothing of that kind is on and nothing is stored, or it is not for who asks.
`off` counts times and internet-off, not minutes that were used up. What was blocked is a number; what a request was
about is left out.
"""

from collections.abc import Generator

from agent.control.messages import Request, Row
from agent.core.consent import LedgerRow
from agent.core.model import ADULT, HISTORY, PROTECTION, USAGE, Person
from agent.core.timezone import DAY_S, weekday
from agent.daemon.household import Household
from agent.daemon.operations import scope
from agent.daemon.operations.arguments import optional_number
from agent.daemon.operations.counts import mark
from agent.daemon.operations.scope import Steps
from agent.daemon.operations.week_times import (
    DAYS,
    ROWS_SHOWN,
    Days,
    Part,
    Whom,
    at_of,
    change_row,
    gaps,
    noted_rows,
    notes_of,
    off,
    request_rows,
)
from agent.daemon.store import recorded
from agent.daemon.store.owners import PERSON, owner_of
from agent.daemon.store.usage_rows import by_day

HOURS = 24
SITES_MAX = 2000  # told apart in a week; the others count among `more`
SITES_SHOWN = 10


def week(household: Household, request: Request) -> Steps:
    """See above. A step of it holds the loop for a few milliseconds."""
    return (yield from _told(household, optional_number(request, "ago") or 0, _asked(household, request)))


def of_people(household: Household, ago: int, people: list[Person]) -> Steps:
    """The same, of these: what the household may read of them."""
    return (yield from _told(household, ago, [_person(household, one) for one in people]))


def _told(household: Household, ago: int, asked: list[Whom]) -> Steps:
    days = Days(household, ago)
    household.flush()
    noted = yield from noted_rows(household, days)
    items = []
    for whom in asked:
        items.append((yield from _of(whom, days, noted)))
    return {"from": days.begin, "to": days.end, "zone": days.zone.text, "days": days.rows(), "items": items}


def _asked(household: Household, request: Request) -> list[Whom]:
    device_id, person_id = optional_number(request, "device_id"), optional_number(request, "person_id")
    if device_id is not None and person_id is None:
        device = household.state.device(device_id)
        about: Row = {"device_id": device.id, "label": device.label}
        return [Whom(household, request, about, owner_of(device), [device])]
    people = household.state.persons()
    if person_id is not None:
        people = [household.state.person(person_id)]
    else:
        people = [one for one in people if household.subjects.group(one) != ADULT]
    return [_person(household, one) for one in people]


def _person(household: Household, one: Person) -> Whom:
    about: Row = {"person_id": one.id, "name": one.name, "group": one.group}
    owner = (PERSON, one.id)
    return Whom(household, {"person_id": one.id}, about, owner, household.keeper.devices_of(owner))


def _of(whom: Whom, days: Days, noted: dict[str, list[LedgerRow]]) -> Part:
    history = yield from _history(whom, days)
    blocked = yield from _blocked(whom, days)
    notes = notes_of(whom, noted)
    times = yield from off(whom, days, notes)
    return {
        **whom.about,
        "history": history,
        "minutes": _minutes(whom, days),
        "blocked": blocked["days"],
        "off": times["off"],
        "gaps": [{"from": begin, "to": end} for begin, end in gaps(notes, days)],
        "changes": [change_row(whom, row) for row in reversed(notes) if days.begin <= at_of(whom, row) < days.end][
            :ROWS_SHOWN
        ],
        "requests": request_rows(whom, days),
    }


# what was recorded


def _history(whom: Whom, days: Days) -> Generator[float | None, None, Row | None]:
    """The minutes in which a visit went on, a bit each, by hour and by site and hour."""
    household = whom.household
    asked = scope.readable(household, whom.asks, "visits").shown("visits").before(days.end)
    visits, more = 0, 0
    minutes: dict[int, int] = {}
    sites: dict[str, dict[int, int]] = {}
    times: dict[str, int] = {}
    for rows in scope.pieces_since(household, asked, days.begin):
        for site, first, last in recorded.stays(household.records, rows):
            visits += 1
            low, high = days.minute(max(first, days.begin)), days.minute(min(last, days.end - 1))
            mark(minutes, low, high)
            if site in sites or len(sites) < SITES_MAX:
                mark(sites.setdefault(site, {}), low, high)
                times[site] = times.get(site, 0) + 1
            else:
                more += 1
        yield None
    on = whom.is_on(HISTORY)
    if not visits and not on:
        return None
    longest = sorted([(-_sum(hours), site) for site, hours in sites.items()])
    shown = [{"site": site, "minutes": -total, "visits": times[site]} for total, site in longest[:SITES_SHOWN]]
    hours = [[_ones(minutes.get(day * HOURS + hour, 0)) for hour in range(HOURS)] for day in range(DAYS)]
    return {"on": on, "visits": visits, "hours": hours, "sites": shown, "more": more + len(longest) - len(shown)}


def _ones(bits: int) -> int:
    return bin(bits).count("1")


def _sum(hours: dict[int, int]) -> int:
    return sum([_ones(bits) for bits in hours.values()])


def _minutes(whom: Whom, days: Days) -> Row | None:
    """Of a person two screens at once are one minute."""
    household = whom.household
    rows = scope.readable(household, whom.asks, "usage")
    found = by_day(household.records, rows, "alone" if "person_id" in whom.about else "minutes")
    counts = [found.get(days.first + day, 0) for day in range(DAYS)]
    on = whom.is_on(USAGE)
    if not on and not any(counts):
        return None
    allowed = household.state.limits.allowances.weeks.get(whom.owner)
    told = [allowed[weekday(days.first + day)] for day in range(DAYS)] if allowed else None
    return {"on": on, "days": counts, "allowance": told}


def _blocked(whom: Whom, days: Days) -> Part:
    """Numbers alone, never what."""
    household = whom.household
    asked = scope.readable(household, whom.asks, "attempts").before(days.end)
    counts = [0] * DAYS
    for rows in scope.pieces_since(household, asked, days.begin):
        for at, count in recorded.at_times(household.records, rows):
            counts[days.minute(at) // (DAY_S // 60)] += count
        yield None
    now = whom.is_on(PROTECTION) and whom.may_read(PROTECTION)
    return {"days": counts if now or any(counts) else None}


TABLE = {"week": week}
