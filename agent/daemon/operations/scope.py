"""Which rows somebody asks for, and which of them they may read: by the epoch that a row belongs to, as it was then.

The household names a device, a person or all. A person's rows are those made of that person, whoever has the device
today. At its own page a device's person sees what was made of them there, and nothing of who had it before or after.
"""

from agent.core.model import HISTORY, PROTECTION, Device
from agent.core.people import HOUSEHOLD, is_number
from agent.daemon.household import Household
from agent.daemon.operations.arguments import Request, actor, optional_number

TABLES = {"visits": HISTORY, "attempts": PROTECTION}
DAY_S = 86400
# The columns with the wall times of a row: when it began, and when it was last seen.
SPAN = {"visits": ("first", "last"), "attempts": ("at", "at")}


class Scope:
    """A condition on the rows of a table, `where` with its `values`."""

    def __init__(self, where: str, values: list[object]) -> None:
        self.where = where
        self.values = values

    def narrowed(self, where: str, *values: object) -> "Scope":
        return Scope(f"({self.where}) AND ({where})", [*self.values, *values])


def readable(household: Household, request: Request, table: str) -> Scope:
    """The rows that are asked for and may be read by who asks."""
    found = asked(household, request, table)
    me = _own_device(household, request)
    if me is not None:
        subject = household.subjects.of(me)
        about = "epoch IN (SELECT epoch FROM epochs WHERE person=? AND shared=?)"
        return found.narrowed("device=?", me.id).narrowed(about, subject.person, subject.shared)
    return found.narrowed(_household_reads(table))


def hidden(household: Household, request: Request, table: str) -> Scope:
    """Those that are asked for and that only the person they are about may read."""
    found = asked(household, request, table)
    me = _own_device(household, request)
    return found.narrowed("0" if me else f"NOT ({_household_reads(table)})")


def _household_reads(table: str) -> str:
    """What an epoch from before that was told lets be read is history only: in doubt attempts are an adult's own."""
    of_then = f"epoch IN (SELECT epoch FROM epochs WHERE reader = '{HOUSEHOLD}')"
    return of_then if table == "attempts" else "1"


def asked(household: Household, request: Request, table: str) -> Scope:
    """All rows that a request names, whoever may read them."""
    return _window(request, table, _named(household, request))


def _named(household: Household, request: Request) -> Scope:
    if request.get("all") is True:
        return Scope("1", [])
    person_id = request.get("person_id")
    if isinstance(person_id, int):
        person = household.state.person(person_id)
        return Scope("epoch IN (SELECT epoch FROM epochs WHERE person=? AND shared=0)", [person.id])
    return Scope("device=?", [household.devices_of(request)[0].id])


def devices_named(household: Household, request: Request) -> list[Device]:
    """A person may have no device any more, and records all the same."""
    person_id = request.get("person_id")
    if isinstance(person_id, int) and request.get("all") is not True:
        household.state.person(person_id)
        return household.people.devices_of(person_id)
    return household.devices_of(request)


def _window(request: Request, table: str, found: Scope) -> Scope:
    """What went on at any time from `from` on and before `to`: a long visit belongs to each hour that it spans."""
    first, last = SPAN[table]
    for name, condition in (("from", f"{last} >= ?"), ("to", f"{first} < ?")):
        bound = optional_number(request, name)
        if bound is not None:
            found = found.narrowed(condition, bound)
    return found


def _own_device(household: Household, request: Request) -> Device | None:
    """The device whose own page asks, None for the household."""
    kind, _, number = actor(request).partition(":")
    return household.state.device(int(number)) if kind == "me" and is_number(number) else None


def count(household: Household, table: str, scope: Scope) -> int:
    query = f"SELECT COUNT(*) FROM {table} WHERE {scope.where}"
    return int(household.records.db.sql.execute(query, scope.values).fetchone()[0])


def ids(household: Household, table: str, scope: Scope) -> dict[int, list[int]]:
    """The ids of the rows, by device."""
    found: dict[int, list[int]] = {}
    query = f"SELECT device, id FROM {table} WHERE {scope.where} ORDER BY id"
    for device, row_id in household.records.db.sql.execute(query, scope.values):
        found.setdefault(int(device), []).append(int(row_id))
    return found


def kept_until(household: Household, table: str, scope: Scope) -> int | None:
    """Wall time at which the last of these rows will be over its time; None when there are none."""
    days = household.days(TABLES[table])
    query = (
        f"SELECT MAX(age + {DAY_S} * MIN(?, IFNULL((SELECT days FROM epochs e WHERE e.epoch = {table}.epoch), ?)))"
        f" FROM {table} WHERE {scope.where}"
    )
    end = household.records.db.sql.execute(query, [days, days, *scope.values]).fetchone()[0]
    return None if end is None else int(end) + household.clock.wall() - household.clock.age()


def oldest_at(household: Household, scopes: dict[str, Scope]) -> int | None:
    """Wall time of the oldest of the rows of both tables."""
    found = []
    for table, column in (("visits", "first"), ("attempts", "at")):
        query = f"SELECT MIN({column}) FROM {table} WHERE {scopes[table].where}"
        found.append(household.records.db.sql.execute(query, scopes[table].values).fetchone()[0])
    return min([int(at) for at in found if at is not None], default=None)
