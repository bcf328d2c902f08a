"""SQLite files: opened with the same care everywhere, migrated by version, with room kept for what must not fail."""

import os
import sqlite3
from collections.abc import Sequence

RESERVE_BYTES = 128 * 1024  # a ledger row, its journal and the database's growth, with room to spare


class StorageError(Exception):
    """The storage refused: full, read-only, damaged or of a newer version. The message says what to do."""


def plain(error: Exception, path: str) -> StorageError:
    """The same failure as a sentence for people."""
    text = str(error)
    if "full" in text or "No space" in text:
        return StorageError("no space left for " + path + ": free some space or shorten the retention")
    if "readonly" in text or "Read-only" in text:
        return StorageError(path + " is read-only: check the mount and the file's owner")
    if "malformed" in text or "not a database" in text:
        return StorageError(path + " is damaged: move it away or restore a backup")
    return StorageError(path + ": " + text)


class Database:
    """One connection. `migrations[n]` brings version n to n + 1; `synchronous` is SQLite's FULL or OFF.

    `reserved` makes a spare file beside it that `spend` gives back to the file system when a write has to succeed.
    """

    def __init__(self, path: str, migrations: Sequence[str], synchronous: str, reserved: bool) -> None:
        self.path = path
        self._reserve = path + ".reserve" if reserved else None
        try:
            self.sql = sqlite3.connect(path, isolation_level=None, timeout=1.0, cached_statements=40)
        except sqlite3.Error as error:
            raise plain(error, path) from error
        try:
            os.chmod(path, 0o600)
            self._configure(synchronous)
            self._migrate(migrations)
        except (sqlite3.Error, OSError, StorageError) as error:
            self.sql.close()
            raise error if isinstance(error, StorageError) else plain(error, path) from error
        self.refill()

    def _configure(self, synchronous: str) -> None:
        # A rollback journal, so that the file alone is whole between transactions; truncated, so that what was
        # deleted does not linger in it. Deleted content is overwritten.
        self.sql.execute("PRAGMA journal_mode=TRUNCATE")
        self.sql.execute("PRAGMA synchronous=" + synchronous)
        self.sql.execute("PRAGMA secure_delete=ON")
        self.sql.execute("PRAGMA cache_size=-256")  # KiB; the tables are small and memory is what a router lacks
        self.sql.execute("PRAGMA temp_store=MEMORY")
        self.sql.execute("PRAGMA foreign_keys=ON")

    def _migrate(self, migrations: Sequence[str]) -> None:
        version = self.sql.execute("PRAGMA user_version").fetchone()[0]
        if version > len(migrations):
            raise StorageError(self.path + " was written by a newer version: upgrade privacy-agent")
        for step in range(version, len(migrations)):
            bump = "PRAGMA user_version=" + str(step + 1)
            self.sql.executescript("BEGIN IMMEDIATE;" + migrations[step] + bump + ";COMMIT;")

    def transaction(self) -> "Transaction":
        """Use as `with database.transaction():`; rolls back on any exception and translates SQLite's."""
        return Transaction(self)

    def refill(self) -> None:
        """Make the spare file again if it is gone and there is room; without room it is tried again later."""
        if self._reserve is None or os.path.exists(self._reserve):
            return
        try:
            with open(self._reserve, "wb") as file:
                file.write(os.urandom(RESERVE_BYTES))  # random: a compressing file system must not shrink it
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self.spend()

    def spend(self) -> bool:
        """Give the spare file's space back; True when there was one."""
        if self._reserve is None or not os.path.exists(self._reserve):
            return False
        os.unlink(self._reserve)
        return True

    @property
    def has_reserve(self) -> bool:
        return self._reserve is None or os.path.exists(self._reserve)

    def close(self) -> None:
        self.sql.close()


class Transaction:
    """BEGIN IMMEDIATE … COMMIT around a block; ROLLBACK when the block or the commit fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._database.sql.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise plain(error, self._database.path) from error
        return self._database.sql

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                self._database.sql.execute("COMMIT")
                return
        except sqlite3.Error as failed:
            self._rollback()
            raise plain(failed, self._database.path) from failed
        self._rollback()
        if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
            raise plain(error, self._database.path) from error

    def _rollback(self) -> None:
        if self._database.sql.in_transaction:
            self._database.sql.execute("ROLLBACK")


def insist(database: Database, write):  # type: ignore[no-untyped-def]
    """Run `write()`; when the storage is full, once more with the reserved room."""
    try:
        return write()
    except StorageError:
        if not database.spend():
            raise
    return write()
