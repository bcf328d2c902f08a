"""Reading what was recorded: rows by the names of their columns, counts, and until when they are kept."""

from collections.abc import Generator, Iterable

from agent.daemon.store.database import TableRow
from agent.daemon.store.history_db import HistoryDb
from agent.daemon.store.selection import SPAN, Selection, spans

MYPY = False
if MYPY:  # not worth its memory
    from typing import Any, TypeVar

    Read = TypeVar("Read", bound=TableRow)

DAY_S = 86400

Numbers = tuple[int, ...]


class VisitRow(TableRow):
    """`cause` is the row that pulled this one in, while that is there; `folded` how many rows this one pulled in."""

    __slots__ = (
        *("id", "device", "epoch", "site", "first", "last", "hits", "hosts", "source", "status"),
        *("background", "cause", "corrected", "folded"),
    )
    COLUMNS = (
        "id, device, epoch, site, first, last, hits, hosts, source, status, background,"
        " (SELECT c.id FROM visits c WHERE c.id = visits.cause), corrected,"
        " (SELECT COUNT(*) FROM visits f WHERE f.cause = visits.id)"
    )
    id: int
    hosts: str


class AttemptRow(TableRow):
    """One blocked attempt, with the rule as it was then."""

    __slots__ = (
        *("id", "device", "epoch", "target", "at", "hits", "source"),
        *("rule", "scope", "list", "list_name", "list_version", "category"),
    )
    COLUMNS = "id, device, epoch, target, at, hits, source, rule, scope, list, list_name, list_version, category"
    id: int
    device: int


def _all(
    records: HistoryDb, what: str, rows: Selection, end: str = "", first: Numbers = (), last: Numbers = ()
) -> "list[Any]":
    """`first` and `last` are the values in `what` and `end`."""
    query = f"SELECT {what} FROM {rows.table} WHERE {rows.where} {end}"
    return list(records.db.sql.execute(query, (*first, *rows.values, *last)))


def page(records: HistoryDb, kind: "type[Read]", rows: Selection, limit: int) -> "list[Read]":
    """The first of them by id."""
    return [kind(*found) for found in _all(records, kind.COLUMNS, rows, "ORDER BY id LIMIT ?", last=(limit,))]


def newest(
    records: HistoryDb, kind: "type[Read]", rows: Selection, before: int, limit: int
) -> "Generator[float | None, None, list[Read]]":
    """At most `limit` rows below id `before` (0: all), newest first, looked for in spans of some milliseconds each."""
    found: list[Read] = []
    for low, high in spans(records.top(rows.table), before):
        some = rows.between(low, high)
        here = _all(records, kind.COLUMNS, some, "ORDER BY id DESC LIMIT ?", last=(limit - len(found),))
        found += [kind(*row) for row in here]
        if len(found) >= limit:
            break
        yield None
    return found


def latest(
    records: HistoryDb, rows: Selection, before: "tuple[int, int] | None", limit: int
) -> "Generator[float | None, None, list[VisitRow]]":
    """At most `limit` visits, what was last seen latest first: one that began long ago may have ended just now.
    `before` is the age and id that a page ended with. Looked for in some milliseconds each."""
    age, row_id = before or (records.top_age("visits"), 0)
    some = rows if before is None else rows.seen_before(age, row_id)
    found: list[VisitRow] = []
    query = (
        f"SELECT {VisitRow.COLUMNS} FROM visits INDEXED BY visits_by_age WHERE {{}} ORDER BY age DESC, id DESC LIMIT ?"
    )
    for low, high in records.ages("visits", age):
        here = some.aged(low, high)
        values = (*here.values, limit - len(found))
        found += [VisitRow(*row) for row in records.db.sql.execute(query.format(here.where), values).fetchall()]
        if len(found) >= limit:
            break
        yield None
    return found


def attempt(records: HistoryDb, attempt_id: int) -> AttemptRow | None:
    found = page(records, AttemptRow, Selection("attempts").row(attempt_id), 1)
    return found[0] if found else None


def count(records: HistoryDb, rows: Selection) -> int:
    return int(_all(records, "COUNT(*)", rows)[0][0])


def ids(records: HistoryDb, rows: Selection) -> dict[int, list[int]]:
    """The ids of the rows, by device."""
    found: dict[int, list[int]] = {}
    for device, row_id in _all(records, "device, id", rows, "ORDER BY id"):
        found.setdefault(int(device), []).append(int(row_id))
    return found


def last_end(records: HistoryDb, rows: Selection, days: int) -> int | None:
    """The household's age at which the last of these rows will be over its time; None when there are none. They are
    kept for `days`, or for as long as their epoch's terms say where that is less."""
    told = f"SELECT days FROM epochs e WHERE e.epoch = {rows.table}.epoch"
    (end,) = _all(records, f"MAX(age + {DAY_S} * MIN(?, IFNULL(({told}), ?)))", rows, first=(days, days))[0]
    return None if end is None else int(end)


def oldest(records: HistoryDb, selections: Iterable[Selection]) -> int | None:
    """Wall time of the oldest of all these rows."""
    found = [_all(records, f"MIN({SPAN[rows.table][0]})", rows)[0][0] for rows in selections]
    return min([int(at) for at in found if at is not None], default=None)


# counts; `offset` is seconds east of UTC


def by_day(records: HistoryDb, rows: Selection, offset: int) -> list[tuple[int, str, int]]:
    """(day, category, attempts)."""
    return _all(records, "(at + ?) / 86400, category, SUM(hits)", rows, "GROUP BY 1, 2", first=(offset,))


def by_minutes(records: HistoryDb, rows: Selection, offset: int) -> list[tuple[int, int, int]]:
    """(first minute, last minute, visits)."""
    what = "(first + ?) / 60, (last + ?) / 60, COUNT(*)"
    return _all(records, what, rows, "GROUP BY 1, 2", first=(offset, offset))


def stays(records: HistoryDb, rows: Selection) -> list[tuple[str, int, int]]:
    """(site, first, last) of each visit."""
    return _all(records, "site, first, last", rows)


def at_times(records: HistoryDb, rows: Selection) -> list[tuple[int, int]]:
    """(wall time, attempts) by quarters of an hour, which every zone's midnight is one of."""
    return _all(records, "at / 900 * 900, SUM(hits)", rows, "GROUP BY 1")


def sites(records: HistoryDb, rows: Selection) -> list[tuple[int, str]]:
    """(device, site) of each visit."""
    return _all(records, "device, site", rows)


def by_device(records: HistoryDb, rows: Selection) -> list[tuple[int, int]]:
    """(device, attempts)."""
    return _all(records, "device, SUM(hits)", rows, "GROUP BY 1")


def by_category(records: HistoryDb, rows: Selection) -> list[tuple[str, int]]:
    """(category, rows)."""
    return _all(records, "category, COUNT(*)", rows, "GROUP BY category")
