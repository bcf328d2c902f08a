"""Which rows somebody asks for, and which of them they may read: by the epoch that a row belongs to, as it was then.

The household names a device, a person or all. A person's rows are those made of that person, whoever has the device
today. At its own page a device's person sees what was made of them there, and nothing of who had it before or after.
"""

from collections.abc import Generator, Iterator

from agent.control.messages import Reply, Request
from agent.core.model import PROTECTION, Device
from agent.core.people import HOUSEHOLD, is_number
from agent.daemon.household import Household
from agent.daemon.operations.arguments import actor, optional_number
from agent.daemon.operations.named import devices_of
from agent.daemon.store import recorded
from agent.daemon.store.history_schema import TABLES
from agent.daemon.store.selection import Selection, spans

# Rows are looked for by age; a wall clock that was set back by up to this makes no row of a time unfound.
CLOCK_SET_BACK_S = 86400

Steps = Generator[float | None, None, Reply]


def readable(household: Household, request: Request, table: str) -> Selection:
    """The rows that are asked for and may be read by who asks."""
    found = asked(household, request, table)
    me = _own_device(household, request)
    if me is not None:
        subject = household.subjects.of(me)
        return found.of_device(me.id).made_of(subject.person, subject.shared)
    return found.read_by(HOUSEHOLD) if _of_its_time(table) else found


def hidden(household: Household, request: Request, table: str) -> Selection:
    """Those that are asked for and that only the person they are about may read."""
    found = asked(household, request, table)
    if _own_device(household, request) or not _of_its_time(table):
        return found.none()
    return found.read_by(HOUSEHOLD, False)


def _of_its_time(table: str) -> bool:
    """What an epoch from before that was told lets be read is history only: in doubt attempts are an adult's own."""
    return TABLES[table] == PROTECTION


def asked(household: Household, request: Request, table: str) -> Selection:
    """All rows that a request names, whoever may read them."""
    return _window(request, _named(household, request, Selection(table)))


def _named(household: Household, request: Request, rows: Selection) -> Selection:
    if request.get("all") is True:
        return rows
    person_id = request.get("person_id")
    if isinstance(person_id, int):
        return rows.of_person(household.state.person(person_id).id)
    return rows.of_device(devices_of(household, request)[0].id)


def devices_named(household: Household, request: Request) -> list[Device]:
    """A person may have no device any more, and records all the same."""
    person_id = request.get("person_id")
    if isinstance(person_id, int) and request.get("all") is not True:
        household.state.person(person_id)
        return household.people.devices_of(person_id)
    return devices_of(household, request)


def _window(request: Request, rows: Selection) -> Selection:
    """What went on at any time from `from` on and before `to`: a long visit belongs to each hour that it spans."""
    since, before = optional_number(request, "from"), optional_number(request, "to")
    rows = rows if since is None else rows.since(since)
    return rows if before is None else rows.before(before)


def _own_device(household: Household, request: Request) -> Device | None:
    """The device whose own page asks, None for the household."""
    kind, _, number = actor(request).partition(":")
    return household.state.device(int(number)) if kind == "me" and is_number(number) else None


def pieces(household: Household, rows: Selection) -> Iterator[Selection]:
    """The same rows, in pieces that are looked through in a few milliseconds each."""
    for low, high in spans(household.records.top(rows.table)):
        yield rows.between(low, high)


def pieces_since(household: Household, rows: Selection, since: int) -> Iterator[Selection]:
    """Those that went on since a wall time, likewise."""
    for low, high in spans_since(household, rows.table, since):
        yield rows.since(since).between(low, high)


def spans_since(household: Household, table: str, since: int) -> Iterator[tuple[int, int]]:
    """Ids of rows that may have been last seen since a time; there are older ones among them, most where a visit has
    gone on for long."""
    clock = household.clock
    age = clock.age() - max(0, clock.wall() - since) - CLOCK_SET_BACK_S
    return spans(household.records.top(table), first=household.records.first_since(table, age))


def kept_until(household: Household, rows: Selection) -> int | None:
    """Wall time at which the last of these rows will be over its time; None when there are none."""
    end = recorded.last_end(household.records, rows, household.subjects.days(TABLES[rows.table]))
    return None if end is None else end + household.clock.wall() - household.clock.age()
