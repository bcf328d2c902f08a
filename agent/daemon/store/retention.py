"""Retention: what is over its time or over the room for it goes, a few rows at a time."""

from agent.core.history import oldest_kept
from agent.daemon.store.history_db import HistoryDb
from agent.daemon.store.history_schema import TABLES
from agent.daemon.store.sql import sqlite3

FOR_ROOM = "for room "  # a key of meta, with a table's name


def expire(records: HistoryDb, table: str, oldest_age: int, rows_max: int, step: int) -> int:
    """Delete at most `step` rows that are over their time or over the bound; returns how many.

    Over the bound, the device with the most rows loses its oldest, so that none pushes out another's.
    """
    with records.db.transaction() as sql:
        old = f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE age < ? ORDER BY age LIMIT ?)"
        gone = int(sql.execute(old, (oldest_age, step)).rowcount)
        excess = min(step, sql.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] - rows_max)
        if excess > 0:
            gone += _make_room(sql, table, excess)
        return gone


def _make_room(sql: sqlite3.Connection, table: str, excess: int) -> int:
    most = max(sql.execute(f"SELECT COUNT(*), device FROM {table} GROUP BY device").fetchall())
    many = f"SELECT id FROM {table} INDEXED BY {table}_by_age WHERE device=? ORDER BY age, id LIMIT ?"
    gone = int(sql.execute(f"DELETE FROM {table} WHERE id IN ({many})", (most[1], excess)).rowcount)
    count = "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT(key) DO UPDATE SET value = value + ?2"
    sql.execute(count, (FOR_ROOM + table, gone))
    return gone


def deleted_for_room(records: HistoryDb) -> dict[str, int]:
    """How many rows of each table went before their time because there was no room for all."""
    return {table: int(records.meta(FOR_ROOM + table, "0")) for table in TABLES}


def expire_early(records: HistoryDb, table: str, age: int, days: int, step: int) -> int:
    """Delete at most `step` rows that were recorded under terms of fewer than `days` and are over their time."""
    held = f"days < ? AND EXISTS (SELECT 1 FROM {table} WHERE {table}.epoch = epochs.epoch)"
    found = records.db.sql.execute(f"SELECT epoch, days FROM epochs WHERE {held}", (days,)).fetchall()
    gone = 0
    if not found:
        return gone
    # By age, for what is older than these few days is hardly of any other epoch.
    old = f"SELECT id FROM {table} INDEXED BY {table}_by_age WHERE age < ? AND epoch = ? LIMIT ?"
    with records.db.transaction() as sql:
        for epoch, agreed in found:
            values = (oldest_kept(age, agreed), epoch, step - gone)
            gone += sql.execute(f"DELETE FROM {table} WHERE id IN ({old})", values).rowcount
    return gone
