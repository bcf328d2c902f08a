"""The rows of what people and devices may not reach (agent/core/content.py), in state.db."""

from __future__ import annotations

from collections.abc import Callable

from agent.core.content import Content, from_rows, rows_of
from agent.core.shapes import ContentRow
from agent.daemon.store.database import Database
from agent.daemon.store.owners import Owner

MYPY = False
if MYPY:  # not worth its memory
    from typing import Any

    from agent.daemon.store.sql import sqlite3

TABLE = """
CREATE TABLE content(id INTEGER PRIMARY KEY AUTOINCREMENT, owner_kind TEXT NOT NULL, owner INTEGER NOT NULL,
  kind TEXT NOT NULL, name TEXT NOT NULL, mode TEXT NOT NULL, "window" TEXT NOT NULL,
  UNIQUE(owner_kind, owner, kind, name));
"""
COLUMNS = 'id, owner_kind, owner, kind, name, mode, "window"'


class ContentRows:
    """Of each owner: ("person", id), ("device", id), or ("household", 0), which has lists only.

    `rows` asks the file.
    """

    def __init__(self, db: Database, rows: Callable[[str], list[Any]]) -> None:
        self._db = db
        self._rows = rows

    def of(self, owner: Owner) -> Content:
        return self.all().get(owner) or Content()

    def all(self) -> dict[Owner, Content]:
        """Of everybody who has some."""
        found: dict[Owner, list[ContentRow]] = {}
        for _, owner_kind, owner, *row in self._rows(f"SELECT {COLUMNS} FROM content ORDER BY id"):
            found.setdefault((owner_kind, owner), []).append((row[0], row[1], row[2], row[3]))
        return {owner: from_rows(of) for owner, of in found.items()}

    def put(self, sql: sqlite3.Connection, owner: Owner, content: Content) -> None:
        """In place of the owner's rows; in a transaction of the caller's."""
        erase(sql, owner)
        columns = COLUMNS.partition(", ")[2]
        for row in rows_of(content):
            sql.execute(f"INSERT INTO content({columns}) VALUES (?,?,?,?,?,?)", (*owner, *row))


def erase(sql: sqlite3.Connection, owner: Owner) -> None:
    sql.execute("DELETE FROM content WHERE owner_kind=? AND owner=?", owner)
