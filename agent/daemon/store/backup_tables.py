"""The rows of a backup: what of each table goes into one, and new database files made of one."""

import contextlib

from agent.core.model import BadInput, Sentence
from agent.daemon.store import history_schema, state_schema
from agent.daemon.store.connection import SqlConnection
from agent.daemon.store.database import Database, StorageError, TableRow, Waiting, discard
from agent.daemon.store.history_db import HistoryDb
from agent.daemon.store.sql import sqlite3
from agent.daemon.store.state import State

# kind → table. What is not here (removals, the web job's secrets, boots) is this router's own.
TABLES = {
    "person": "persons",
    "device": "devices",
    "rule": "rules",
    "content": "content",
    "window": "windows",
    "holiday": "holidays",
    "allowance": "allowances",
    "bank": "banks",
    "ledger": "ledger",
}
HISTORY_TABLES = {"epoch": "epochs", "visit": "visits", "attempt": "attempts", "usage": "usage"}
SETTING = {"setting": "meta"}
ALL = {**TABLES, **HISTORY_TABLES, **SETTING}
# How many columns of the others go into a backup: all. An age counts on this router only, and an epoch's terms are told
# from the ledger.
FIRST = {"rule": 7, "epoch": 5}

Rows = list[tuple[str, list[object]]]  # (kind, or table for this router's own; values)


class Column(TableRow):
    """As SQLite tells it: `kind` is INTEGER, TEXT or BLOB, `default` an SQL expression or None."""

    __slots__ = ("place", "name", "kind", "always", "default", "key")
    name: str
    kind: str
    always: int
    default: str | None
    key: int

    @property
    def may_be_left_out(self) -> bool:
        """By a backup from before the column was there."""
        return not self.key and (self.default is not None or not self.always)


Columns = dict[str, list[Column]]  # of each kind


def columns_in(state: State, records: HistoryDb) -> Columns:
    """The columns of a backup's rows, in their order."""
    found = {kind: _columns(state.db.sql, kind) for kind in (*TABLES, *SETTING)}
    return found | {kind: _columns(records.db.sql, kind) for kind in HISTORY_TABLES}


def _columns(sql: SqlConnection, kind: str) -> list[Column]:
    told = sql.execute(f"PRAGMA table_info({ALL[kind]})").fetchall()
    return [Column(*row) for row in told][: FIRST.get(kind)]


def _listed(columns: list[Column]) -> str:
    return ", ".join([f'"{column.name}"' for column in columns])


def page(state: State, records: HistoryDb, kind: str, after: int, limit: int) -> list[list[object]]:
    """The values of rows of that kind, by their first column."""
    sql = (records if kind in HISTORY_TABLES else state).db.sql
    columns = _columns(sql, kind)
    key = columns[0].name
    query = f"SELECT {_listed(columns)} FROM {ALL[kind]} WHERE {key} > ? ORDER BY {key} LIMIT ?"
    return [list(row) for row in sql.execute(query, (after, limit)).fetchall()]


def settings(state: State) -> list[list[object]]:
    query = "SELECT key, value FROM meta WHERE key LIKE 'setting %'"
    return [list(row) for row in state.db.sql.execute(query).fetchall()]


def fitting(kind: str, row: list[object], known: Columns) -> list[object]:
    """The row with a value for each column; one that came later has what rows of before have. BadInput."""
    columns = known.get(kind, [])
    missing = columns[len(row) :]
    if not columns or len(row) > len(columns) or not all(column.may_be_left_out for column in missing):
        raise BadInput(Sentence("this is no row of a backup: {}", kind[:20]))
    return row + [_default(column) for column in missing]


def _default(column: Column) -> object:
    if column.default is None:
        return None
    return int(column.default) if column.kind == "INTEGER" else column.default[1:-1]


def new_state(path: str, rows: Rows, own: Rows, waiting: Waiting) -> None:
    """A new state.db of the rows that belong there, and of this router's own, whole on the disk."""
    _fresh(path, state_schema.MIGRATIONS, [row for row in rows if row[0] in TABLES or row[0] in SETTING], own, waiting)


def new_history(path: str, rows: Rows, waiting: Waiting) -> None:
    """The same of history.db."""
    _fresh(path, history_schema.MIGRATIONS, rows, [], waiting)


def _fresh(path: str, migrations: tuple[str, ...], rows: Rows, own: Rows, waiting: Waiting) -> None:
    for leftover in (path, path + "-journal"):
        discard(leftover)
    with waiting():
        made = Database(path, migrations, "FULL", reserved=False)
    made.waiting = waiting
    try:
        with made.transaction() as sql:
            _fill(sql, rows, own)
    except (sqlite3.Error, OverflowError) as error:
        raise BadInput(Sentence("the backup does not fit together: {}", error)) from error
    except StorageError:
        with contextlib.suppress(StorageError):  # it is discarded before the next
            discard(path)
        raise
    finally:
        made.close()


def _fill(sql: SqlConnection, rows: Rows, own: Rows) -> None:
    triggers = sql.execute(
        "SELECT name, sql FROM sqlite_master WHERE type='trigger' AND name LIKE '%consent'"
    ).fetchall()
    for name, _ in triggers:
        sql.execute("DROP TRIGGER " + name)
    listed: dict[str, str] = {}
    for kind, row in rows:
        listed[kind] = listed.get(kind) or _listed(_columns(sql, kind))
        sql.execute(f"INSERT INTO {ALL[kind]}({listed[kind]}) VALUES ({','.join('?' * len(row))})", row)
    for table, row in own:
        sql.execute(f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * len(row))})", row)
    for _, text in triggers:
        sql.execute(text)
