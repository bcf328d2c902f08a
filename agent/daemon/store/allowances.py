"""Minutes a day in state.db: how many somebody may have on each day of the week, what was given beside, and the bank.

All of it is the household's rules. What was used is a record, and lies in history.db.
"""

from __future__ import annotations

from agent.core.model import Value
from agent.daemon.store.owners import Owner
from agent.daemon.store.sql import sqlite3

SCHEMA = """
CREATE TABLE allowances(id INTEGER PRIMARY KEY AUTOINCREMENT, owner_kind TEXT NOT NULL, owner INTEGER NOT NULL,
  weekday INTEGER NOT NULL, minutes INTEGER NOT NULL, UNIQUE(owner_kind, owner, weekday));
CREATE TABLE bonuses(id INTEGER PRIMARY KEY AUTOINCREMENT, owner_kind TEXT NOT NULL, owner INTEGER NOT NULL,
  day INTEGER NOT NULL, minutes INTEGER NOT NULL, text TEXT NOT NULL, actor TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE banks(id INTEGER PRIMARY KEY AUTOINCREMENT, owner_kind TEXT NOT NULL, owner INTEGER NOT NULL,
  minutes INTEGER NOT NULL, UNIQUE(owner_kind, owner));
"""
ALLOWANCE_COLUMNS = "id, owner_kind, owner, weekday, minutes"
BANK_COLUMNS = "id, owner_kind, owner, minutes"
TABLES = ("allowances", "bonuses", "banks")
DAY_MINUTES = 1440
BANK_MAX = 300

Week = list[int | None]  # minutes of Monday to Sunday, None without a limit


class Bonus(Value):
    """Minutes given for one day beside the allowance; `text` says what for."""

    __slots__ = ("id", "owner", "day", "minutes", "text", "actor", "at")

    def __init__(self, id: int, owner: Owner, day: int, minutes: int, text: str, actor: str, at: int) -> None:
        self.id = id
        self.owner = owner
        self.day = day
        self.minutes = minutes
        self.text = text
        self.actor = actor
        self.at = at


class Allowances:
    """All of them, as the file has them; `put`, `give` and `bank` belong into a transaction of the caller's."""

    def __init__(self) -> None:
        self.weeks: dict[Owner, Week] = {}
        self.bonuses: list[Bonus] = []
        self.banks: dict[Owner, int] = {}

    def load(self, sql: sqlite3.Connection) -> None:
        weeks: dict[Owner, Week] = {}
        for _, kind, owner, weekday, minutes in sql.execute(f"SELECT {ALLOWANCE_COLUMNS} FROM allowances ORDER BY id"):
            if 0 <= weekday < 7:
                weeks.setdefault((kind, owner), [None] * 7)[weekday] = minutes
        query = "SELECT id, owner_kind, owner, day, minutes, text, actor, at FROM bonuses ORDER BY id"
        bonuses = [Bonus(row[0], (row[1], row[2]), *row[3:]) for row in sql.execute(query)]
        banks = {(row[1], row[2]): int(row[3]) for row in sql.execute(f"SELECT {BANK_COLUMNS} FROM banks")}
        self.weeks, self.bonuses, self.banks = weeks, bonuses, banks

    def of_day(self, owner: Owner, day: int, weekday: int) -> int | None:
        """The minutes that the owner may have on that day, with what was given for it; None without a limit."""
        minutes = self.weeks.get(owner, [None] * 7)[weekday]
        return None if minutes is None else minutes + self.given(owner, day)

    def given(self, owner: Owner, day: int) -> int:
        return sum(one.minutes for one in self.bonuses if (one.owner, one.day) == (owner, day))


def put(sql: sqlite3.Connection, owner: Owner, week: Week) -> None:
    """In place of the owner's."""
    sql.execute("DELETE FROM allowances WHERE owner_kind=? AND owner=?", owner)
    sql.executemany(
        "INSERT INTO allowances(owner_kind, owner, weekday, minutes) VALUES (?,?,?,?)",
        [(*owner, weekday, minutes) for weekday, minutes in enumerate(week) if minutes is not None],
    )


def give(sql: sqlite3.Connection, bonus: Bonus) -> None:
    """What was given for days before goes; yesterday may still be somebody's today."""
    sql.execute("DELETE FROM bonuses WHERE day < ?", (bonus.day - 1,))
    row = (*bonus.owner, bonus.day, bonus.minutes, bonus.text, bonus.actor, bonus.at)
    sql.execute("INSERT INTO bonuses(owner_kind, owner, day, minutes, text, actor, at) VALUES (?,?,?,?,?,?,?)", row)


def bank(sql: sqlite3.Connection, owner: Owner, minutes: int) -> None:
    """So many are in the owner's bank."""
    sql.execute("DELETE FROM banks WHERE owner_kind=? AND owner=?", owner)
    if minutes:
        sql.execute("INSERT INTO banks(owner_kind, owner, minutes) VALUES (?,?,?)", (*owner, minutes))
