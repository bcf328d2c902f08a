"""The rows of a backup: what of each table goes into one, and new database files made of one."""

import contextlib

from agent.core.model import BadInput, Sentence
from agent.daemon.store import allowances, content_rows, history_schema, limit_rules, state_schema
from agent.daemon.store.database import Database, StorageError, Waiting, discard
from agent.daemon.store.history_db import HistoryDb
from agent.daemon.store.ledger import COLUMNS as LEDGER_COLUMNS
from agent.daemon.store.sql import sqlite3
from agent.daemon.store.state import DEVICE_COLUMNS, State

# kind → (table, columns). What is not here (removals, the web job's secrets, boots) is this router's own.
TABLES = {
    "person": ("persons", "id, name, grp, birth_month"),
    "device": ("devices", DEVICE_COLUMNS),
    "rule": ("rules", "id, name, action, scope, owner, until, created"),
    "content": ("content", content_rows.COLUMNS),
    "window": ("windows", limit_rules.WINDOW_COLUMNS),
    "holiday": ("holidays", limit_rules.HOLIDAY_COLUMNS),
    "allowance": ("allowances", allowances.ALLOWANCE_COLUMNS),
    "bank": ("banks", allowances.BANK_COLUMNS),
    "ledger": ("ledger", LEDGER_COLUMNS),
}
HISTORY_TABLES = {
    "epoch": ("epochs", "epoch, device, feature, opened, closed"),
    "visit": (
        "visits",
        "id, device, epoch, batch, site, first, last, age, hits, hosts, source, status, background, cause, corrected",
    ),
    "attempt": (
        "attempts",
        "id, device, epoch, batch, target, at, age, hits, source, rule, scope, list, list_name, list_version, category",
    ),
    "usage": ("usage", "id, device, epoch, batch, day, minutes, alone, at, age"),
}
SETTING = {"setting": ("meta", "key, value")}
ALL = {**TABLES, **HISTORY_TABLES, **SETTING}
# What rows of backups from before a column was there have in its place.
SINCE: dict[str, list[object]] = {"device": [0], "visit": [0, None, 0], "ledger": [""]}

Rows = list[tuple[str, list[object]]]  # (kind, or table for this router's own; values)


def page(state: State, records: HistoryDb, kind: str, after: int, limit: int) -> list[list[object]]:
    """The values of rows of that kind, by their first column."""
    table, columns = ALL[kind]
    key = columns.partition(",")[0]
    query = f"SELECT {columns} FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT ?"
    sql = (records if kind in HISTORY_TABLES else state).db.sql
    return [list(row) for row in sql.execute(query, (after, limit)).fetchall()]


def settings(state: State) -> list[list[object]]:
    query = "SELECT key, value FROM meta WHERE key LIKE 'setting %'"
    return [list(row) for row in state.db.sql.execute(query).fetchall()]


def fitting(kind: str, row: list[object]) -> list[object]:
    """The row with a value for each column. BadInput."""
    columns = ALL.get(kind)
    count = 0 if columns is None else columns[1].count(",") + 1
    missing = SINCE.get(kind, [])
    row = row + missing if len(row) + len(missing) == count else row
    if len(row) != count:
        raise BadInput(Sentence("this is no row of a backup: {}", kind[:20]))
    return row


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


def _fill(sql: sqlite3.Connection, rows: Rows, own: Rows) -> None:
    triggers = sql.execute(
        "SELECT name, sql FROM sqlite_master WHERE type='trigger' AND name LIKE '%consent'"
    ).fetchall()
    for name, _ in triggers:
        sql.execute("DROP TRIGGER " + name)
    for kind, row in rows:
        table, columns = ALL[kind]
        sql.execute(f"INSERT INTO {table}({columns}) VALUES ({','.join('?' * len(row))})", row)
    for table, row in own:
        sql.execute(f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * len(row))})", row)
    for _, text in triggers:
        sql.execute(text)
