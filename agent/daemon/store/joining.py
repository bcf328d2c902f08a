"""A history that was locked during a start, put to the one that was recorded since: as if it had been there always."""

import os

from agent.core import jsontext
from agent.daemon.clock import Clock
from agent.daemon.store.copy_sealing import TOPS, stored
from agent.daemon.store.database import storing
from agent.daemon.store.history_db import HistoryDb
from agent.daemon.store.history_schema import TABLES
from agent.daemon.store.snapshots import reapply
from agent.daemon.store.sql import sqlite3
from agent.daemon.store.state import State

DAY_MIN = 1440


def note_tops(state: State, records: HistoryDb, clock: Clock) -> None:
    """Before a sealed copy is made: new rows of a start that can't read it get ids above its own. StorageError."""
    if stored(state) is not None:
        state.put_meta(TOPS, jsontext.dumps({"age": clock.age(), **{table: records.top(table) for table in TABLES}}))


def reserve_ids(state: State, records: HistoryDb) -> None:
    """Of the copy that is locked. StorageError."""
    tops = jsontext.loads(state.meta(TOPS, "{}"))
    for table in TABLES:
        if isinstance(tops.get(table), int):
            records.reserve_ids(table, tops[table])


def over(state: State, age: int, days: int) -> bool:
    """Whether all of a locked copy is over its time."""
    made = jsontext.loads(state.meta(TOPS, "{}")).get("age")
    return isinstance(made, int) and age - made > days * 86400


def join(state: State, older: str, live: str) -> None:
    """`older` with what is in `live`, in the place of `live`. What was deleted is deleted in both. The next start looks
    at each row's consent, as after any. StorageError."""
    records = HistoryDb(older)  # of an older version: brought up to this one's
    try:
        reapply(state, records)
        with storing(older):
            _put(records.db.sql, live, records.batch)
    finally:
        records.db.close()
    with storing(live):
        os.rename(older, live)


def _put(sql: sqlite3.Connection, live: str, batch: int) -> None:
    """Batches of `live` go on from `batch`: they say what was written before an epoch's end, and what after it."""
    sql.execute("ATTACH ? AS live", (live,))
    triggers = sql.execute("SELECT name, sql FROM main.sqlite_master WHERE type='trigger'").fetchall()
    sql.execute("BEGIN IMMEDIATE")
    for name, _ in triggers:
        sql.execute(f"DROP TRIGGER main.{name}")
    # A day's minutes before and after the restart are one row.
    for name in ("minutes", "alone"):
        more = f"SELECT {name} FROM live.usage AS now WHERE now.epoch = main.usage.epoch AND now.day = main.usage.day"
        sql.execute(f"UPDATE main.usage SET {name} = MIN({name} + IFNULL(({more}), 0), {DAY_MIN})")
    for table in ("epochs", *TABLES):
        names = [row[1] for row in sql.execute(f"PRAGMA main.table_info({table})")]
        values = [f"{name} + {batch}" if name in ("batch", "opened", "closed") else name for name in names]
        sql.execute(f"INSERT OR IGNORE INTO main.{table} SELECT {', '.join(values)} FROM live.{table}")
    ended = f"SELECT closed + {batch} FROM live.epochs WHERE live.epochs.epoch = main.epochs.epoch"
    sql.execute(f"UPDATE main.epochs SET closed = ({ended}) WHERE closed IS NULL")
    for _, text in triggers:
        sql.execute(text)
    sql.execute("COMMIT")
    sql.execute("DETACH live")
