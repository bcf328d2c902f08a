"""What the people behind the devices ask for, and what they were answered."""

from collections.abc import Callable

from agent.control.messages import Row
from agent.core.people import Subject
from agent.daemon.store.database import Database, TableRow
from agent.daemon.store.sql import sqlite3


class RequestRow(TableRow):
    """`state` is "open", "answered", or "ended": what was asked about is over. `person` and `shared` tell who asked,
    whoever has the device today."""

    __slots__ = ("id", "device", "kind", "text", "target", "at", "state", "answer", "answered_at", "person", "shared")
    COLUMNS = "id, device, kind, text, target, at, state, answer, answered_at, person, shared"
    id: int
    device: int
    kind: str
    text: str
    target: str | None
    at: int
    state: str
    answer: str | None
    answered_at: int | None
    person: int
    shared: int

    def made_by(self, subject: Subject) -> bool:
        return (self.person, bool(self.shared)) == (subject.person, subject.shared)

    def told(self) -> Row:
        """Without who asked: the device tells it, or nobody is to know."""
        return {name: value for name, value in TableRow.told(self).items() if name not in ("person", "shared")}


def answered(sql: sqlite3.Connection, request_id: int, answer: str, at: int) -> None:
    """Within a transaction."""
    sql.execute("UPDATE requests SET state='answered', answer=?, answered_at=? WHERE id=?", (answer, at, request_id))


class Requests:
    """What changes something commits before it returns. StorageError."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.age: Callable[[], int] = lambda: 0  # the household's

    def _columns(self) -> str:
        """Nothing is written when one ends."""
        now = f"CASE WHEN state='open' AND ends <= {self.age()} THEN 'ended' ELSE state END AS now"
        return RequestRow.COLUMNS.replace("state", now)

    def add(
        self,
        device: int,
        by: Subject,
        kind: str,
        text: str,
        target: str | None,
        at: int,
        seconds: int | None = None,
    ) -> RequestRow:
        """`seconds`: for how long an answer is any use."""
        ends = None if seconds is None else self.age() + seconds
        with self._db.transaction() as sql:
            columns = "device, kind, text, target, at, state, person, shared, ends"
            query = f"INSERT INTO requests({columns}) VALUES (?,?,?,?,?,'open',?,?,?)"
            values = (device, kind, text, target, at, by.person, int(by.shared), ends)
            made = int(sql.execute(query, values).lastrowid or 0)
        row = self.row(made)
        assert row is not None
        return row

    def answer(self, request_id: int, answer: str, at: int) -> RequestRow | None:
        """The answered request; None when there is none of that id."""
        with self._db.transaction() as sql:
            answered(sql, request_id, answer, at)
        return self.row(request_id)

    def row(self, request_id: int) -> RequestRow | None:
        query = f"SELECT {self._columns()} FROM requests WHERE id=?"
        found = self._db.sql.execute(query, (request_id,)).fetchone()
        return None if found is None else RequestRow(*found)

    def rows(self, device: int | None, state: str | None, after: int, limit: int) -> list[RequestRow]:
        """Of a device or all, in that state or any, by id."""
        query = (
            f"SELECT {self._columns()} FROM requests WHERE id > ? AND (? IS NULL OR device=?)"
            " AND (? IS NULL OR now=?) ORDER BY id LIMIT ?"
        )
        found = self._db.sql.execute(query, (after, device, device, state, state, limit))
        return [RequestRow(*row) for row in found.fetchall()]

    def between(self, device: int, since: int, until: int, limit: int) -> list[RequestRow]:
        """The newest of a device from `since` on and before `until`."""
        query = f"SELECT {self._columns()} FROM requests WHERE device=? AND at >= ? AND at < ? ORDER BY id DESC LIMIT ?"
        return [RequestRow(*row) for row in self._db.sql.execute(query, (device, since, until, limit))]

    def made(self, device: int, since: int, until: int) -> int:
        """How many a device made after `since`, up to `until`."""
        query = "SELECT COUNT(*) FROM requests WHERE device=? AND at > ? AND at <= ?"
        return int(self._db.sql.execute(query, (device, since, until)).fetchone()[0])

    def last_open(self) -> int:
        """The newest that waits for an answer, 0 for none."""
        return int(self._db.sql.execute("SELECT MAX(id) FROM requests WHERE state='open'").fetchone()[0] or 0)

    def waiting(self) -> int:
        """For `status`, which also answers where the file can't be read."""
        try:
            return self.open_ones()
        except sqlite3.Error:
            return 0

    def open_ones(self) -> int:
        query = "SELECT COUNT(*) FROM requests WHERE state='open' AND (ends IS NULL OR ends > ?)"
        return int(self._db.sql.execute(query, (self.age(),)).fetchone()[0])
