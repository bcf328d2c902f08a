"""SQLite files: opened with the same care everywhere, migrated by version, with room kept for what must not fail."""

import contextlib
import os
from collections.abc import Callable, Sequence

from agent.control.messages import Row
from agent.core.model import Sentence, Value, said_by
from agent.daemon.store.connection import Locked, SqlConnection, StorageError, connect, discard, plain, storing

__all__ = ["RESERVE_BYTES", "Database", "Locked", "StorageError", "WithMeta", "discard", "insist", "plain", "storing"]

RESERVE_BYTES = 128 * 1024  # a ledger row, its journal and the database's growth, with room to spare
COMMITS = 1 << 31  # of as many one is told from another


Waiting = Callable[[], "contextlib.AbstractContextManager[None]"]


class Database:
    """One connection. `migrations[n]` brings version n to n + 1; `synchronous` is SQLite's FULL or OFF.

    `reserved` makes a spare file beside it that `spend` gives back to the file system when a write has to succeed.
    `instead` says why the file can't be used: an empty one in memory stands for it, and nothing is written.
    `broken` is why nothing can be written for as long as this connection stands, or "".
    `waiting` is what to do around a wait for the disk, as `with`: the guard is told.
    `doubtful` says that a commit was refused and may be in the file all the same: nothing is known before `settle`.
    """

    def __init__(
        self, path: str, migrations: Sequence[str], synchronous: str, reserved: bool, instead: str | Sentence = ""
    ) -> None:
        self.path = path
        self.broken: str | Sentence = ""
        self.stands_in = bool(instead)
        self._migrations = migrations
        self._synchronous = synchronous
        self._reserve = path + ".reserve" if reserved and not instead else None
        self.sql = connect(path, in_memory=self.stands_in)
        self.doubtful = False
        self.waiting: Waiting = contextlib.nullcontext
        self._followers: list[Callable[[], None]] = []
        self.commits = 0
        try:
            self._open()
        except StorageError:
            self.sql.close()
            raise
        self.broken = instead or self.broken
        self.refill()

    def _open(self) -> None:
        if not self.stands_in:
            with storing(self.path):
                # Not changed where it is right already: what can only be read can still be read.
                if os.stat(self.path).st_mode & 0o777 != 0o600:
                    os.chmod(self.path, 0o600)
            if not os.access(self.path, os.W_OK):
                self.broken = said_by(plain(OSError("Read-only"), self.path))
        self._configure()
        self._migrate()
        self.commits = self._counted()

    def _counted(self) -> int:
        """How many commits the file has had: counted in a field of its first page, which each writes anyway."""
        return int(self.sql.execute("PRAGMA application_id").fetchone()[0])

    def _configure(self) -> None:
        # A rollback journal, so that the file alone is whole between transactions; truncated, so that what was
        # deleted does not linger in it. Deleted content is overwritten.
        self.sql.execute("PRAGMA journal_mode=TRUNCATE")
        self.sql.execute("PRAGMA synchronous=" + self._synchronous)
        self.sql.execute("PRAGMA secure_delete=ON")
        self.sql.execute("PRAGMA cache_size=-256")  # KiB; the tables are small and memory is what a router lacks
        self.sql.execute("PRAGMA temp_store=MEMORY")
        self.sql.execute("PRAGMA foreign_keys=ON")

    def _migrate(self) -> None:
        version = self.sql.execute("PRAGMA user_version").fetchone()[0]
        if version > len(self._migrations):
            raise StorageError(Sentence("{} was written by a newer version: upgrade privacy-agent", self.path))
        for step in range(version, len(self._migrations)):
            bump = "PRAGMA user_version=" + str(step + 1)
            self.sql.executescript("BEGIN IMMEDIATE;" + self._migrations[step] + bump + ";COMMIT;")

    def transaction(self) -> "Transaction":
        """Use as `with database.transaction():`; rolls back on any exception and translates SQLite's."""
        return Transaction(self)

    def require_file(self) -> None:
        """StorageError where something stands in for a file that can't be used: it has nothing to tell of what was."""
        if self.stands_in:
            raise StorageError(self.broken)

    def works_anew(self) -> bool:
        """Whether the file, which this connection can't write, can be written by a fresh one."""
        try:
            with self.waiting():
                fresh = Database(self.path, self._migrations, self._synchronous, self._reserve is not None)
        except StorageError:
            return False
        fresh.waiting = self.waiting
        try:
            fresh.touch()
        except StorageError:
            return False
        finally:
            fresh.close()
        return True

    def touch(self) -> None:
        """A durable commit that changes nothing: after it, what was read here is on the disk. StorageError."""
        with self.transaction() as sql:
            version = sql.execute("PRAGMA user_version").fetchone()[0]
            sql.execute("PRAGMA user_version=" + str(version))

    def settle(self) -> bool:
        """After a refused commit: make durable what the file says, and whether that has it. StorageError: unknown."""
        if not self.doubtful:
            return False
        self.sql.execute("BEGIN IMMEDIATE")
        try:
            counted = self._counted()
            self.sql.execute("PRAGMA application_id=" + str(counted))  # so that there is something to commit
            with self.waiting():
                self.sql.execute("COMMIT")
        finally:
            self.roll_back()
        stands = counted != self.commits
        if stands:
            for follow in self._followers:
                follow()
        self.commits, self.doubtful = counted, False
        return stands

    def on_found(self, follow: Callable[[], None]) -> None:
        """To be called when a commit that was refused stands: memory has to follow."""
        self._followers.append(follow)

    def roll_back(self) -> None:
        # One that fails ends the transaction, too: the journal stays, and the next reader rolls back by it.
        if self.sql.in_transaction:
            with contextlib.suppress(StorageError), self.waiting():
                self.sql.execute("ROLLBACK")

    def refill(self) -> None:
        """Make the spare file again if it is gone and there is room; without room it is tried again later."""
        if self._reserve is None or self.broken or os.path.exists(self._reserve):
            return
        try:
            with self.waiting(), open(self._reserve, "wb") as file:
                file.write(os.urandom(RESERVE_BYTES))  # random: a compressing file system must not shrink it
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self.spend()

    def spend(self) -> bool:
        """Give the spare file's space back; True when there was one and it is gone."""
        if self._reserve is None or not os.path.exists(self._reserve):
            return False
        try:
            os.unlink(self._reserve)
        except OSError:
            return False
        return True

    def close(self) -> None:
        self.sql.close()


class TableRow(Value):
    """A row by the names of its columns, which a subclass lists as its slots."""

    __slots__: tuple[str, ...] = ()
    COLUMNS = ""

    def __init__(self, *values: object) -> None:
        for name, value in zip(self.__slots__, values, strict=True):
            setattr(self, name, value)

    def values(self) -> list[object]:
        return self._fields()

    def told(self) -> Row:
        """As a reply has it."""
        return {"device_id" if name == "device" else name: getattr(self, name) for name in self.__slots__}


def keep(sql: SqlConnection, values: dict[str, str]) -> None:
    """Note these in `meta`, within a transaction."""
    sql.executemany("INSERT OR REPLACE INTO meta VALUES (?,?)", sorted(values.items()))


def unkeep(sql: SqlConnection, keys: Sequence[str]) -> None:
    sql.executemany("DELETE FROM meta WHERE key=?", [(key,) for key in keys])


class WithMeta:
    """What a file notes beside its rows, in its table `meta`: key → text."""

    db: Database

    def meta(self, key: str, default: str) -> str:
        row = self.db.sql.execute("SELECT value FROM meta WHERE key=?", (key,)).fetchone()
        return str(row[0]) if row else default

    def put_meta(self, key: str, value: str) -> None:
        with self.db.transaction() as sql:
            keep(sql, {key: value})


class Transaction:
    """BEGIN IMMEDIATE … COMMIT around a block; ROLLBACK when the block or the commit fails.

    A commit that reports an error may be written all the same, so the file is asked: where it is there, durably, it was
    no failure.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changes = 0

    def __enter__(self) -> SqlConnection:
        database = self._database
        if database.broken:
            raise StorageError(database.broken)
        database.settle()
        database.sql.execute("BEGIN IMMEDIATE")
        self._changes = database.sql.total_changes
        return database.sql

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                self._commit()
        finally:
            self._database.roll_back()

    def _commit(self) -> None:
        database = self._database
        if database.sql.total_changes == self._changes:
            with database.waiting():
                database.sql.execute("COMMIT")
            return
        count = (database.commits + 1) % COMMITS
        database.sql.execute("PRAGMA application_id=" + str(count))
        try:
            with database.waiting():
                database.sql.execute("COMMIT")
        except StorageError:
            database.roll_back()
            database.doubtful = True
            if not database.settle():
                raise
        database.commits = count


def insist(database: Database, write: Callable[[], None]) -> None:
    """Run `write()`; when the storage is full, once more with the reserved room."""
    try:
        write()
        return
    except Locked:
        raise  # room would not help
    except StorageError:
        if not database.spend():
            raise
    write()
