"""What was made to be sent: the queue of those that wait, and what became of the others. Each kind is a queue.

A report goes at a time of its own, drawn when it was made. One that is late (the router was off, or another goes first)
is given a new time: sent at once it would tell when the router was switched on, and two in one go that they are one
household's.
"""

from collections.abc import Callable

from agent.control.messages import Row
from agent.core.model import NotFound, Sentence
from agent.daemon.store.sql import sqlite3
from agent.daemon.store.state import State

QUEUE_MAX = 8  # two months offline; older counts are of no use
KEPT_MAX = 200  # rows that the household can look back on: four years
STATISTICS, WEEK_FILE = "statistics", "week file"  # kinds
JITTER_S = 86400
LATE_S = 600  # far more than it takes to notice that the time of a report has come

COLUMNS = "id, report, period, made, epsilon, notice, state, plain, body, hash, send_age, failures, message, ended"
INSERT = (
    "INSERT INTO reports(report, period, made, epsilon, notice, state, send_age, kind) VALUES (?,?,?,?,?,'made',?,?)"
)
DROP = "UPDATE reports SET state='dropped', plain=NULL, body=NULL, ended=?, message=? WHERE "
CROWDED, CUT_OFF = "the queue was full", "its making was cut off"
WITHDRAW = (
    "UPDATE reports SET state='withdrawn', plain=NULL, body=NULL, ended=?, message=?"
    " WHERE state IN ('made', 'sealed') AND kind=?"
)
# What a try ends in → (state of the report, the ledger's word for it).
ENDS = {"done": ("sent", "share"), "never": ("dropped", "drop")}


class Outbox:
    """`chance(n)` draws from [0, n). Methods with `sql` belong into their caller's transaction; the others commit."""

    def __init__(
        self,
        state: State,
        sha256: Callable[[bytes], bytes],
        chance: Callable[[int], int],
        kind: str,
        queue_max: int = QUEUE_MAX,
    ) -> None:
        self._db = state.db
        self._sha256 = sha256
        self._chance = chance
        self._kind = kind
        self._queue_max = queue_max

    # reading

    def rows(self, after: int, limit: int) -> list[Row]:
        query = f"SELECT {COLUMNS} FROM reports WHERE id > ? AND kind=? ORDER BY id LIMIT ?"
        return [_row(found) for found in self._db.sql.execute(query, (after, self._kind, limit))]

    def row(self, row_id: int) -> Row:
        """BadInput when there is none."""
        query = f"SELECT {COLUMNS} FROM reports WHERE id=? AND kind=?"
        found = self._db.sql.execute(query, (row_id, self._kind)).fetchone()
        if found is None:
            raise NotFound(Sentence("no report {}", row_id))
        return _row(found)

    def last(self) -> Row | None:
        """The one that was made last."""
        query = f"SELECT {COLUMNS} FROM reports WHERE kind=? ORDER BY id DESC LIMIT 1"
        found = self._db.sql.execute(query, (self._kind,)).fetchone()
        return None if found is None else _row(found)

    def waiting(self) -> list[Row]:
        query = f"SELECT {COLUMNS} FROM reports WHERE state IN ('made', 'sealed') AND kind=? ORDER BY id"
        return [_row(found) for found in self._db.sql.execute(query, (self._kind,))]

    def made(self) -> list[Row]:
        """Those that are to be sealed, or get their text first."""
        return [row for row in self.waiting() if row["state"] == "made"]

    def to_seal(self) -> list[Row]:
        return [row for row in self.made() if row["plain"]]

    def send_age(self) -> int | None:
        """When the next one goes; None when none waits."""
        query = "SELECT MIN(send_age) FROM reports WHERE state='sealed' AND kind=?"
        found = self._db.sql.execute(query, (self._kind,)).fetchone()[0]
        return None if found is None else int(found)

    # the life of a report

    def crowded(self) -> list[int]:
        """Which ones have to go for another one, the oldest first."""
        ids = [_int(row["id"]) for row in self.waiting()]
        return ids[: max(len(ids) - self._queue_max + 1, 0)]

    def insert(self, sql: sqlite3.Connection, drawn: Row, age: int, wait_s: int | None = None) -> int:
        """One that has no text yet; `drawn` has report, period, made, epsilon, notice. It goes after `wait_s`, drawn
        where it is None."""
        sql.executemany(DROP + "id=?", [(drawn["made"], CROWDED, row_id) for row_id in self.crowded()])
        values = [drawn[name] for name in ("report", "period", "made", "epsilon", "notice")]
        wait_s = self._chance(JITTER_S) if wait_s is None else wait_s
        row_id = int(sql.execute(INSERT, (*values, age + wait_s, self._kind)).lastrowid or 0)
        sql.execute("DELETE FROM reports WHERE id <= ?", (row_id - KEPT_MAX,))
        return row_id

    def keep(self, row_id: int, text: str) -> None:
        with self._db.transaction() as sql:
            sql.execute("UPDATE reports SET plain=? WHERE id=? AND state='made'", (text, row_id))

    def seal(self, row_id: int, body: str) -> None:
        digest = self._sha256(body.encode()).hex()
        with self._db.transaction() as sql:
            sql.execute("UPDATE reports SET state='sealed', body=?, hash=? WHERE id=?", (body, digest, row_id))

    def to_send(self, age: int) -> Row | None:
        """The one whose time has come; others whose time is over get a new one."""
        due = [row for row in self.waiting() if row["state"] == "sealed" and _int(row["send_age"]) <= age]
        first = next((row for row in due if _int(row["send_age"]) >= age - LATE_S), None)
        late = [(age + 1 + self._chance(JITTER_S), row["id"]) for row in due if row is not first]
        if late:
            with self._db.transaction() as sql:
                sql.executemany("UPDATE reports SET send_age=? WHERE id=?", late)
        return first

    def put_off(self, row_id: int, send_age: int, message: str) -> None:
        with self._db.transaction() as sql:
            query = "UPDATE reports SET failures=failures+1, send_age=?, message=? WHERE id=?"
            sql.execute(query, (send_age, message, row_id))

    def end(self, sql: sqlite3.Connection, row_id: int, state: str, message: str, now: int) -> None:
        query = "UPDATE reports SET state=?, body=NULL, ended=?, message=? WHERE id=?"
        sql.execute(query, (state, now, message, row_id))

    def withdraw(self, sql: sqlite3.Connection, now: int, message: str = "") -> None:
        """Nothing waits any more, and nothing of it stays."""
        sql.execute(WITHDRAW, (now, message, self._kind))

    def drop_cut_off(self, now: int) -> None:
        """What a crash, or storage that failed, left without its text."""
        if any(row["plain"] is None for row in self.made()):
            with self._db.transaction() as sql:
                sql.execute(DROP + "state='made' AND plain IS NULL AND kind=?", (now, CUT_OFF, self._kind))


def _row(found: tuple[object, ...]) -> Row:
    return dict(zip(COLUMNS.split(", "), found, strict=True))


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
