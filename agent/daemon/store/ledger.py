"""The consent ledger in state.db: rows are appended, durably, and never changed; `register` is what they add up to."""

from collections.abc import Callable, Iterator, Sequence

from agent.core.consent import GENESIS, ConsentState, LedgerRow, sealed
from agent.daemon.store.database import Database, insist
from agent.daemon.store.sql import sqlite3

ACTOR_MAX = 64
COLUMNS = "seq, at, actor, enrolment, feature, action, notice, hash, detail"

# (enrolment, feature, action, notice), and what changed (see people.told)
Entry = tuple[str, str, str, int] | tuple[str, str, str, int, str]


class Ledger:
    """`head` is the last row, None while there is none. `sha256` is `bytes -> bytes`."""

    def __init__(self, db: Database, sha256: Callable[[bytes], bytes]) -> None:
        self._db = db
        self._sha256 = sha256
        self.register = ConsentState()
        self.head: LedgerRow | None = None
        self.take(list(self.rows()))
        db.on_found(lambda: self.take(list(self.rows(self.head.seq if self.head else 0))))

    def rows(self, after: int = 0, limit: int = -1) -> Iterator[LedgerRow]:
        """The rows beyond sequence number `after`, at most `limit` (-1: all)."""
        query = f"SELECT {COLUMNS} FROM ledger WHERE seq > ? ORDER BY seq LIMIT ?"
        for fields in self._db.sql.execute(query, (after, limit)):
            yield LedgerRow(*fields)

    def hashes(self) -> dict[int, bytes]:
        """{sequence number: hash} of all rows."""
        return {row.seq: row.hash for row in self.rows()}

    def rows_of(self, enrolments: list[str], after: int, limit: int) -> list[LedgerRow]:
        """The same, of these enrolments only."""
        marks = ",".join("?" for _ in enrolments)
        query = f"SELECT {COLUMNS} FROM ledger WHERE enrolment IN ({marks}) AND seq > ? ORDER BY seq LIMIT ?"
        return [LedgerRow(*fields) for fields in self._db.sql.execute(query, [*enrolments, after, limit])]

    def count(self, feature: str, action: str) -> int:
        query = "SELECT COUNT(*) FROM ledger WHERE feature=? AND action=?"
        return int(self._db.sql.execute(query, (feature, action)).fetchone()[0])

    def append(self, entries: Sequence[Entry], actor: str, at: int) -> list[LedgerRow]:
        """Add rows in one durable transaction, with the reserved room if need be. StorageError: nothing was added."""
        made = self.chain(entries, actor, at)

        def write() -> None:
            with self._db.transaction() as sql:
                if made[-1:] != [self.head]:  # it may have been written the first time
                    self.insert(sql, made)

        insist(self._db, write)
        self.take(made)
        return made

    # for a change that has to stand in one transaction with its row: chain, insert inside it, take after it

    def chain(self, entries: Sequence[Entry], actor: str, at: int) -> list[LedgerRow]:
        """The rows that these entries become, linked to the head. StorageError while nobody knows what that is."""
        self._db.settle()
        seq = self.head.seq if self.head else 0
        previous = self.head.hash if self.head else GENESIS
        made = []
        for entry in entries:
            seq += 1
            detail = entry[4] if len(entry) > 4 else ""
            row = sealed(LedgerRow(seq, at, actor[:ACTOR_MAX], *entry[:4], b"", detail), previous, self._sha256)
            previous = row.hash
            made.append(row)
        return made

    @staticmethod
    def insert(sql: sqlite3.Connection, made: list[LedgerRow]) -> None:
        rows = [(r.seq, r.at, r.actor, r.enrolment, r.feature, r.action, r.notice, r.hash, r.detail) for r in made]
        sql.executemany(f"INSERT INTO ledger({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?)", rows)

    def take(self, made: list[LedgerRow]) -> None:
        """Rows that are committed count from here on. BadInput when a stored one does not fit (a damaged ledger)."""
        for row in made:
            if self.head is None or row.seq > self.head.seq:
                self.register.add(row)
                self.head = row
