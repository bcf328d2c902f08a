"""history.db: visits and attempts, in RAM. Its own open epochs and triggers refuse rows outside consent."""

from collections.abc import Iterable, Iterator

from agent.core.consent import Epoch
from agent.core.model import Attempt, DeviceDay, Sentence, Visit
from agent.daemon.clock import STEP_S
from agent.daemon.store.connection import SqlConnection
from agent.daemon.store.database import Database, StorageError, TableRow, WithMeta, insist
from agent.daemon.store.history_schema import MIGRATIONS, TABLES
from agent.daemon.store.selection import IDS_STEP
from agent.daemon.store.sql import sqlite3

# OR FAIL: a row that is refused ends the transaction here anyway, and SQLite need not be able to undo it by itself.
VISIT_INSERT = (
    "INSERT OR FAIL INTO visits(device, epoch, batch, site, first, last, age, hits, hosts, source, background, cause)"
    " VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"
)
# What the household corrected stays as corrected.
VISIT_UPDATE = (
    "UPDATE OR FAIL visits SET batch=?1, last=?2, age=?3, hits=?4, hosts=?5, source=?6,"
    " background=IIF(corrected, background, ?7), cause=IIF(corrected, cause, ?8), first=?9 WHERE id=?10"
)
ATTEMPT_INSERT = (
    "INSERT OR FAIL INTO attempts(device, epoch, batch, target, at, age, hits, source, rule, scope, list, list_name,"
    " list_version, category) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
USAGE_INSERT = "INSERT OR FAIL INTO usage(device, epoch, batch, day, minutes, alone, at, age) VALUES (?,?,?,?,?,?,?,?)"
USAGE_UPDATE = "UPDATE OR FAIL usage SET batch=?, minutes=?, alone=? WHERE id=?"
ATTEMPT_UPDATE = "UPDATE OR FAIL attempts SET batch=?, target=?, at=?, age=?, hits=? WHERE id=?"
EPOCH_TELL = "UPDATE epochs SET person=?, shared=?, days=?, kept=?, reader=? WHERE epoch=?"
LOWEST = -(1 << 62)  # below each age
IN_MAX = 400  # values of one IN (…); SQLite's limit was 999 for long


class EpochRow(TableRow):
    """`closed` is the batch that closed it; whom it is about is None where it is older than that."""

    __slots__ = ("epoch", "device", "feature", "closed", "person", "shared")
    QUERY = "SELECT epoch, device, feature, closed, person, shared FROM epochs ORDER BY epoch"
    epoch: int
    device: int
    feature: str
    closed: int | None
    person: int | None
    shared: int | None


class HistoryDb(WithMeta):
    """What was recorded. Rows are refused by the database itself once their epoch is closed.

    `instead`: see Database.
    """

    def __init__(self, path: str, instead: str | Sentence = "") -> None:
        # OFF: it lies in RAM; what a power cut takes is gone with or without a sync.
        self.db = Database(path, MIGRATIONS, "OFF", True, instead)
        try:
            self.batch = self._last_batch()
        except StorageError:
            self.db.close()
            raise
        self.unclosed: list[int] = []  # closing them waits for room; the gate and the ledger are closed

    def _last_batch(self) -> int:
        tables = " UNION ALL ".join(f"SELECT MAX(batch) AS b FROM {table}" for table in TABLES)
        epochs = " UNION ALL SELECT MAX(closed) FROM epochs UNION ALL SELECT MAX(opened) FROM epochs"
        query = f"SELECT MAX(b) FROM ({tables}{epochs})"
        return int(self.db.sql.execute(query).fetchone()[0] or 0)

    # writing

    def write(self, visits: Iterable[Visit], attempts: Iterable[Attempt], days: Iterable[DeviceDay] = ()) -> None:
        """Store new visits, attempts and days and update those that grew, all or none."""
        with self.db.transaction() as sql:
            made = self._put(sql, visits, attempts, days)
            sql.executemany("UPDATE epochs SET closed=? WHERE epoch=?", [(self.batch, e) for e in self.unclosed])
        self.unclosed = []
        self._number(made)

    def _put(
        self,
        sql: SqlConnection,
        visits: Iterable[Visit],
        attempts: Iterable[Attempt],
        days: Iterable[DeviceDay],
    ) -> "list[tuple[Visit | Attempt | DeviceDay, int]]":
        self.batch += 1
        made: list[tuple[Visit | Attempt | DeviceDay, int]] = []
        ids: dict[int, int] = {}  # of visits made in this batch, by identity
        cursor = sql.cursor(sqlite3.Cursor)  # one for all rows: their errors are translated around the whole
        try:
            with sql.translated:
                for visit in sorted(visits, key=lambda of: of.cause is not None):
                    row_id = self._put_visit(cursor, visit, ids)
                    if row_id is not None:
                        made.append((visit, row_id))
                        ids[id(visit)] = row_id
                for attempt in attempts:
                    row_id = self._put_attempt(cursor, attempt)
                    if row_id is not None:
                        made.append((attempt, row_id))
                for day in days:
                    row_id = self._put_day(cursor, day)
                    if row_id is not None:
                        made.append((day, row_id))
        except sqlite3.IntegrityError as error:
            raise StorageError(Sentence("a row was refused: {}", error)) from error
        return made

    def _put_visit(self, sql: sqlite3.Cursor, visit: Visit, ids: dict[int, int]) -> int | None:
        hosts = b" ".join(visit.hosts).decode()
        cause = None if visit.cause is None else visit.cause.id or ids.get(id(visit.cause))
        grown = (visit.last, visit.age, visit.hits, hosts, visit.source, visit.background, cause)
        if visit.id is not None:
            sql.execute(VISIT_UPDATE, (self.batch, *grown, visit.first, visit.id))
            return None
        start = (visit.device_id, visit.epoch, self.batch, visit.site.decode(), visit.first)
        return sql.execute(VISIT_INSERT, (*start, *grown)).lastrowid

    def _put_attempt(self, sql: sqlite3.Cursor, attempt: Attempt) -> int | None:
        if attempt.id is not None:
            grown = (self.batch, attempt.target, attempt.at, attempt.age, attempt.hits)
            sql.execute(ATTEMPT_UPDATE, (*grown, attempt.id))
            return None
        return sql.execute(ATTEMPT_INSERT, _attempt_row(attempt, self.batch)).lastrowid

    def _put_day(self, sql: sqlite3.Cursor, day: DeviceDay) -> int | None:
        if day.id is not None:
            sql.execute(USAGE_UPDATE, (self.batch, day.minutes, day.alone, day.id))
            return None
        values = (day.device_id, day.epoch, self.batch, day.day, day.minutes, day.alone, day.at, day.age)
        return sql.execute(USAGE_INSERT, values).lastrowid

    @staticmethod
    def _number(made: "list[tuple[Visit | Attempt | DeviceDay, int]]") -> None:
        # Only after the commit: one whose insert was rolled back must be inserted again, not updated.
        for row, row_id in made:
            row.id = row_id

    def open(self, epochs: list[tuple[Epoch, int]]) -> None:
        """Open epochs, each of the device with that id."""
        with self.db.transaction() as sql:
            self.batch += 1
            rows = [(epoch.seq, device, epoch.feature, self.batch) for epoch, device in epochs]
            sql.executemany("INSERT INTO epochs(epoch, device, feature, opened) VALUES (?,?,?,?)", rows)
            sql.executemany(EPOCH_TELL, [_told(epoch) for epoch, _ in epochs])

    def close(
        self, epochs: list[int], visits: list[Visit], attempts: list[Attempt], days: Iterable[DeviceDay] = ()
    ) -> None:
        """Store what was observed before, and close the epochs, in one transaction; with reserved room if need be."""

        def write() -> None:
            with self.db.transaction() as sql:
                made = self._put(sql, visits, attempts, days)
                sql.executemany("UPDATE epochs SET closed=? WHERE epoch=?", [(self.batch, e) for e in epochs])
            self._number(made)

        insist(self.db, write)

    def close_later(self, epochs: list[int]) -> None:
        """Closing these failed for want of room: drop what they could not store, and close them with the next write.

        The gate is closed and the ledger says so; a restart closes them from the ledger.
        """
        self.unclosed.extend(epochs)

    def rebuild(self, epochs: dict[int, Epoch], device_of: dict[str, int]) -> int:
        """Make the table of epochs agree with the ledger, and delete rows outside every epoch; returns how many.

        `device_of` maps enrolment ids to device ids. Called at each start, before anything records.
        """
        with self.db.transaction() as sql:
            self.batch += 1
            for epoch in epochs.values():
                self._rebuild_one(sql, epoch, device_of.get(epoch.enrolment))
            known = [row[0] for row in sql.execute("SELECT epoch FROM epochs")]
            sql.executemany("DELETE FROM epochs WHERE epoch=?", [(e,) for e in known if e not in epochs])
            return self._delete_outside(sql)

    def _rebuild_one(self, sql: sqlite3.Connection, epoch: Epoch, device: int | None) -> None:
        if device is None:
            sql.execute("DELETE FROM epochs WHERE epoch=?", (epoch.seq,))
            return
        sql.execute(
            "INSERT OR IGNORE INTO epochs(epoch, device, feature, opened) VALUES (?,?,?,?)",
            (epoch.seq, device, epoch.feature, self.batch),
        )
        sql.execute(EPOCH_TELL, _told(epoch))
        if epoch.closed is None:
            # Closed here and not in the ledger: a crash before the ledger row, so that off was never acknowledged.
            sql.execute("UPDATE epochs SET closed=NULL WHERE epoch=?", (epoch.seq,))
        else:
            sql.execute("UPDATE epochs SET closed=? WHERE epoch=? AND closed IS NULL", (self.batch, epoch.seq))

    @staticmethod
    def _delete_outside(sql: sqlite3.Connection) -> int:
        gone = 0
        for table, feature in TABLES.items():
            query = (
                "DELETE FROM {0} WHERE NOT EXISTS (SELECT 1 FROM epochs e WHERE e.epoch={0}.epoch"
                " AND e.device={0}.device AND e.feature=? AND {0}.batch >= e.opened"
                " AND (e.closed IS NULL OR {0}.batch <= e.closed))"
            )
            gone += sql.execute(query.format(table), (feature,)).rowcount
        return gone

    def set_right(self, frame: int, to: int, began: int, upto: int) -> None:
        """The clock was set: rows with ages in this span whose wall time minus age is `frame` get that of `to`."""
        with self.db.transaction() as sql:
            for table, columns, at in (
                ("visits", ("first", "last"), "last"),
                *((name, ("at",), "at") for name in ("attempts", "usage")),
            ):
                values = ", ".join(f"{column} = {column} + ?1" for column in columns)
                which = f"age BETWEEN ?2 AND ?3 AND ABS({at} - age - ?4) <= ?5"
                sql.execute(f"UPDATE {table} SET {values} WHERE {which}", (to - frame, began, upto, frame, STEP_S))

    def older(self, began: int, upto: int, jump: int) -> None:
        """The time without power became known: so much older is what this boot stamped before."""
        with self.db.transaction() as sql:
            for table in TABLES:
                sql.execute(f"UPDATE {table} SET age = age + ? WHERE age BETWEEN ? AND ?", (jump, began, upto))

    # erasing and retention

    def delete(self, table: str, ids: list[int]) -> int:
        """Delete rows by id; their bytes are overwritten in the file."""
        with self.db.transaction() as sql:
            return sum(sql.execute("DELETE FROM " + table + " WHERE id=?", (i,)).rowcount for i in ids)

    def delete_span(self, table: str, device: int, low: int, high: int) -> int:
        """Delete a device's rows with ids from `low` to `high`."""
        with self.db.transaction() as sql:
            query = f"DELETE FROM {table} WHERE device=? AND id BETWEEN ? AND ?"
            return int(sql.execute(query, (device, low, high)).rowcount)

    def forget(self, device: int) -> None:
        """The device is removed and its rows are erased: its epochs say nothing about any row."""
        with self.db.transaction() as sql:
            sql.execute("DELETE FROM epochs WHERE device=?", (device,))

    def reserve_ids(self, table: str, above: int) -> None:
        """Let new rows have ids above `above`, so that removals kept for older snapshots never name a new row."""
        with self.db.transaction() as sql:
            sql.execute(
                "INSERT INTO sqlite_sequence(name, seq) SELECT ?, 0 WHERE NOT EXISTS"
                " (SELECT 1 FROM sqlite_sequence WHERE name=?)",
                (table, table),
            )
            sql.execute("UPDATE sqlite_sequence SET seq=MAX(seq, ?) WHERE name=?", (above, table))

    # reading

    def ids(self, table: str, device: int) -> list[int]:
        """The ids of all rows of a device, whoever they are about."""
        return [row[0] for row in self.db.sql.execute(f"SELECT id FROM {table} WHERE device=? ORDER BY id", (device,))]

    def count(self, table: str, device: int) -> int:
        return int(self.db.sql.execute(f"SELECT COUNT(*) FROM {table} WHERE device=?", (device,)).fetchone()[0])

    def top(self, table: str) -> int:
        """The highest id in use, 0 for none."""
        return int(self.db.sql.execute(f"SELECT MAX(id) FROM {table}").fetchone()[0] or 0)

    def top_age(self, table: str) -> int:
        """The highest age of a row, any for none."""
        return int(self.db.sql.execute(f"SELECT MAX(age) FROM {table}").fetchone()[0] or 0)

    def age_of(self, visit_id: int) -> int | None:
        found = self.db.sql.execute("SELECT age FROM visits WHERE id=?", (visit_id,)).fetchone()
        return None if found is None else int(found[0])

    def ages(self, table: str, high: int) -> Iterator[tuple[int, int]]:
        """(low, high] pieces of the ages up to `high`, the highest first, with about IDS_STEP rows each."""
        query = f"SELECT age FROM {table} INDEXED BY {table}_by_age WHERE age <= ? ORDER BY age DESC LIMIT 1 OFFSET ?"
        while True:
            found = self.db.sql.execute(query, (high, IDS_STEP)).fetchone()
            if found is None:
                yield LOWEST, high
                return
            low = min(int(found[0]), high - 1)
            yield low, high
            high = low

    def first_since(self, table: str, age: int) -> int:
        """The lowest id of a row that is this young, one above the highest when there is none."""
        # The planner would rather walk all rows by their ids until it meets one.
        query = f"SELECT MIN(id) FROM {table} INDEXED BY {table}_by_age WHERE age >= ?"
        found = self.db.sql.execute(query, (age,)).fetchone()[0]
        return self.top(table) + 1 if found is None else int(found)

    def epochs(self) -> list[EpochRow]:
        return [EpochRow(*row) for row in self.db.sql.execute(EpochRow.QUERY)]

    def readable(self, reader: str) -> set[int]:
        """The epochs whose rows this reader may see."""
        return {row[0] for row in self.db.sql.execute("SELECT epoch FROM epochs WHERE reader = ?", (reader,))}

    def day_before(self, epoch: int, day: int) -> tuple[int | None, int, int]:
        """What an epoch's day has so far: (id, minutes, alone)."""
        query = "SELECT id, minutes, alone FROM usage WHERE epoch=? AND day=?"
        row = self.db.sql.execute(query, (epoch, day)).fetchone()
        return (None, 0, 0) if row is None else (int(row[0]), int(row[1]), int(row[2]))

    def device_of_visit(self, visit_id: int) -> int | None:
        row = self.db.sql.execute("SELECT device FROM visits WHERE id=?", (visit_id,)).fetchone()
        return None if row is None else int(row[0])

    def folded(self, device: int, ids: list[int]) -> list[int]:
        """The ids of what these visits of a device pulled in."""
        found: list[int] = []
        for start in range(0, len(ids), IN_MAX):
            some = ids[start : start + IN_MAX]
            query = f"SELECT id FROM visits WHERE cause IN ({','.join('?' * len(some))}) AND device=?"
            found += [row[0] for row in self.db.sql.execute(query, [*some, device])]
        return found

    def correct(self, visit_id: int, background: bool) -> None:
        """What the household says about a visit; it stays so, whatever follows."""
        with self.db.transaction() as sql:
            query = "UPDATE visits SET background=?, cause=NULL, corrected=1 WHERE id=?"
            sql.execute(query, (background, visit_id))

    def set_status(self, visit_id: int, status: str) -> None:
        with self.db.transaction() as sql:
            sql.execute("UPDATE visits SET status=? WHERE id=?", (status, visit_id))


def _told(epoch: Epoch) -> tuple[object, ...]:
    subject, terms = epoch.subject, epoch.terms
    about = (subject.person, subject.shared) if subject else (None, None)
    # Who reads it, without since when that is so.
    agreed = (terms.days, terms.kept, terms.reader.partition(".")[0]) if terms else (None, None, None)
    return (*about, *agreed, epoch.seq)


def _attempt_row(attempt: Attempt, batch: int) -> tuple[object, ...]:
    rule = attempt.rule
    return (
        attempt.device_id,
        attempt.epoch,
        batch,
        attempt.target,
        attempt.at,
        attempt.age,
        attempt.hits,
        attempt.source,
        rule.text,
        rule.scope,
        rule.list_id,
        rule.list_name,
        rule.list_version,
        rule.category,
    )
