"""The household's rules about time in state.db: windows and holidays of a person or device, internet off, exceptions.

Every change stands in one transaction with its rows of the ledger.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Callable, Sequence

from agent.core import jsontext
from agent.core.model import NotFound, Sentence, Value
from agent.core.windows import Dates, Window
from agent.daemon.store import allowances
from agent.daemon.store.allowances import Allowances, Bonus, Week
from agent.daemon.store.database import Database
from agent.daemon.store.ledger import Entry, Ledger
from agent.daemon.store.owners import Owner
from agent.daemon.store.requests import answered
from agent.daemon.store.sql import sqlite3

SCHEMA = """
CREATE TABLE windows(id INTEGER PRIMARY KEY AUTOINCREMENT, owner_kind TEXT NOT NULL, owner INTEGER NOT NULL,
  kind TEXT NOT NULL, days INTEGER NOT NULL, begin INTEGER NOT NULL, end INTEGER NOT NULL, label TEXT NOT NULL,
  holiday INTEGER NOT NULL);
CREATE TABLE holidays(id INTEGER PRIMARY KEY AUTOINCREMENT, owner_kind TEXT NOT NULL, owner INTEGER NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE holds(id INTEGER PRIMARY KEY AUTOINCREMENT, owner_kind TEXT NOT NULL, owner INTEGER NOT NULL,
  until_age INTEGER NOT NULL, until_wall INTEGER, actor TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE exceptions(id INTEGER PRIMARY KEY AUTOINCREMENT, owner_kind TEXT NOT NULL, owner INTEGER NOT NULL,
  kind TEXT NOT NULL, begin INTEGER NOT NULL, until_age INTEGER, until_wall INTEGER, why TEXT NOT NULL,
  label TEXT NOT NULL, actor TEXT NOT NULL, at INTEGER NOT NULL);
"""
WINDOW_COLUMNS = "id, owner_kind, owner, kind, days, begin, end, label, holiday"
HOLIDAY_COLUMNS = "id, owner_kind, owner, first, last"
OF = " WHERE owner_kind=? AND owner=?"
TABLES = ("windows", "holidays", "holds", "exceptions", *allowances.TABLES)


class Hold(Value):
    """Internet off: until the household's age is `until_age`, or before, the trusted wall clock `until_wall`."""

    __slots__ = ("id", "owner", "until_age", "until_wall", "actor", "at")

    def __init__(self, id: int, owner: Owner, until_age: int, until_wall: int | None, actor: str, at: int) -> None:
        self.id = id
        self.owner = owner
        self.until_age = until_age
        self.until_wall = until_wall
        self.actor = actor
        self.at = at


class Exemption(Value):
    """Once something else than the windows say: `kind` as in core/schedule.Span. One given as a length has `until_age`,
    another `until_wall`; `begin` is wall time."""

    __slots__ = ("id", "owner", "kind", "begin", "until_age", "until_wall", "why", "label", "actor", "at")

    def __init__(
        self,
        id: int,
        owner: Owner,
        kind: str,
        begin: int,
        until_age: int | None,
        until_wall: int | None,
        why: str = "",
        label: str = "",
        actor: str = "",
        at: int = 0,
    ) -> None:
        self.id = id
        self.owner = owner
        self.kind = kind
        self.begin = begin
        self.until_age = until_age
        self.until_wall = until_wall
        self.why = why
        self.label = label
        self.actor = actor
        self.at = at


class LimitRules:
    """All of them are few, and kept in memory as well."""

    def __init__(self, db: Database, ledger: Ledger) -> None:
        self._db = db
        self._ledger = ledger
        # What has ended by itself (holds, exemptions): it goes with the next change, and costs no write of its own.
        self.over: Callable[[], tuple[list[int], list[int]]] = lambda: ([], [])
        self.allowances = Allowances()
        self.loads = 0  # how often they were read: another number says that something changed
        self.load()

    def load(self) -> None:
        """As the file has them: after a person or device was removed, too. StorageError leaves them as they were."""
        sql = self._db.sql
        windows: dict[Owner, list[Window]] = {}
        for id, owner_kind, owner, kind, days, begin, end, label, holiday in sql.execute(
            f"SELECT {WINDOW_COLUMNS} FROM windows ORDER BY id"
        ):
            window = Window(kind, days, begin, end, label, bool(holiday), id)
            windows.setdefault((owner_kind, owner), []).append(window)
        dates: dict[Owner, list[Dates]] = {}
        for id, owner_kind, owner, first, last in sql.execute(f"SELECT {HOLIDAY_COLUMNS} FROM holidays ORDER BY first"):
            dates.setdefault((owner_kind, owner), []).append(Dates(first, last, id))
        holds = "SELECT id, owner_kind, owner, until_age, until_wall, actor, at FROM holds ORDER BY id"
        self.holds = [Hold(r[0], (r[1], r[2]), *r[3:]) for r in sql.execute(holds)]
        exceptions = (
            "SELECT id, owner_kind, owner, kind, begin, until_age, until_wall, why, label, actor, at FROM exceptions"
            " ORDER BY id"
        )
        self.exemptions = [Exemption(r[0], (r[1], r[2]), *r[3:]) for r in sql.execute(exceptions)]
        self.allowances.load(sql)
        self.windows, self.dates = windows, dates
        self.loads += 1

    def owners(self) -> set[Owner]:
        """Who has any rule."""
        return {
            *self.windows,
            *self.allowances.weeks,
            *(one.owner for one in self.holds),
            *(one.owner for one in self.exemptions),
        }

    def version(self, owner: Owner) -> int:
        """Of the windows and holidays; whoever changes them names the one they saw."""
        windows = [[w.kind, w.days, w.begin, w.end, w.label, w.holiday] for w in self.windows.get(owner, [])]
        dates = [[one.first, one.last] for one in self.dates.get(owner, [])]
        return crc32(jsontext.dumps([windows, dates]).encode()) % 1_000_000 + 1

    def hold(self, hold_id: int) -> Hold:
        for one in self.holds:
            if one.id == hold_id:
                return one
        raise NotFound(Sentence("no internet-off {}", hold_id))

    # changes, each with rows for the ledger

    def put(
        self, owner: Owner, windows: list[Window], dates: list[Dates], told: Sequence[Entry], who: str, at: int
    ) -> None:
        """These take the places of the owner's."""

        def write(sql: sqlite3.Connection) -> None:
            sql.execute("DELETE FROM windows" + OF, owner)
            sql.execute("DELETE FROM holidays" + OF, owner)
            columns = WINDOW_COLUMNS.partition(", ")[2]
            sql.executemany(
                f"INSERT INTO windows({columns}) VALUES (?,?,?,?,?,?,?,?)",
                [(*owner, w.kind, w.days, w.begin, w.end, w.label, int(w.holiday)) for w in windows],
            )
            sql.executemany(
                "INSERT INTO holidays(owner_kind, owner, first, last) VALUES (?,?,?,?)",
                [(*owner, one.first, one.last) for one in dates],
            )

        self._change(write, told, who, at)

    def add_holds(
        self,
        holds: list[Hold],
        instead: list[int],
        still: list[Exemption],
        told: Sequence[Entry],
        who: str,
        at: int,
    ) -> None:
        """Their ids are set. The exceptions with the ids `instead` go, and those of `still` come."""

        def write(sql: sqlite3.Connection) -> None:
            _delete(sql, "exceptions", instead)
            _insert(sql, still, who, at)
            _insert_holds(sql, holds)

        self._change(write, told, who, at)

    def replace_holds(self, ids: list[int], instead: list[Hold], who: str, at: int) -> None:
        """It is told elsewhere."""

        def write(sql: sqlite3.Connection) -> None:
            _delete(sql, "holds", ids)
            _insert_holds(sql, instead)

        self._change(write, (), who, at)

    def end_holds(self, ids: list[int], told: Sequence[Entry], who: str, at: int) -> None:
        self._change(lambda sql: _delete(sql, "holds", ids), told, who, at)

    def exempt(
        self,
        given: list[Exemption],
        instead: list[int],
        told: Sequence[Entry],
        who: str,
        at: int,
        answer: tuple[int, str] | None = None,
    ) -> None:
        """Add some; those with the ids `instead` go. `answer` is one to a request, (its id, text)."""

        def write(sql: sqlite3.Connection) -> None:
            _delete(sql, "exceptions", instead)
            _insert(sql, given, who, at)
            if answer is not None:
                answered(sql, *answer, at)

        self._change(write, told, who, at)

    def allow(self, owner: Owner, week: Week, told: Sequence[Entry], who: str, at: int) -> None:
        """So many minutes a day from here on."""
        self._change(lambda sql: allowances.put(sql, owner, week), told, who, at)

    def give(
        self,
        bonus: Bonus | None,
        bank: tuple[Owner, int] | None,
        told: Sequence[Entry],
        who: str,
        at: int,
        answer: tuple[int, str] | None = None,
    ) -> None:
        """Minutes for a day, and how many are in somebody's bank then; `answer` is as in `exempt`."""

        def write(sql: sqlite3.Connection) -> None:
            if bonus is not None:
                allowances.give(sql, bonus)
            if bank is not None:
                allowances.bank(sql, *bank)
            if answer is not None:
                answered(sql, *answer, at)

        self._change(write, told, who, at)

    def _change(self, write: Callable[[sqlite3.Connection], None], told: Sequence[Entry], who: str, at: int) -> None:
        made = self._ledger.chain(told, who, at)
        holds, exemptions = self.over()
        with self._db.transaction() as sql:
            _delete(sql, "holds", holds)
            _delete(sql, "exceptions", exemptions)
            write(sql)
            self._ledger.insert(sql, made)
        self._ledger.take(made)
        self.load()


def _insert(sql: sqlite3.Connection, given: list[Exemption], who: str, at: int) -> None:
    for one in given:
        row = (*one.owner, one.kind, one.begin, one.until_age, one.until_wall, one.why, one.label, who, at)
        cursor = sql.execute(
            "INSERT INTO exceptions(owner_kind, owner, kind, begin, until_age, until_wall, why, label, actor, at)"
            " VALUES (?,?,?,?,?,?,?,?,?,?)",
            row,
        )
        one.id = int(cursor.lastrowid or 0)


def _insert_holds(sql: sqlite3.Connection, holds: list[Hold]) -> None:
    for one in holds:
        cursor = sql.execute(
            "INSERT INTO holds(owner_kind, owner, until_age, until_wall, actor, at) VALUES (?,?,?,?,?,?)",
            (*one.owner, one.until_age, one.until_wall, one.actor, one.at),
        )
        one.id = int(cursor.lastrowid or 0)


def _delete(sql: sqlite3.Connection, table: str, ids: list[int]) -> None:
    sql.executemany("DELETE FROM " + table + " WHERE id=?", [(one,) for one in ids])


def forget(sql: sqlite3.Connection, owner: Owner) -> None:
    """With the person or the device all of it goes, inside its transaction."""
    for table in TABLES:
        sql.execute("DELETE FROM " + table + OF, owner)
