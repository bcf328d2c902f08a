"""A connection to an SQLite file. What SQLite or the file system refuses is a StorageError and nothing else.

A constraint that does not hold stays SQLite's IntegrityError: callers know what it means.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from agent.core.model import Sentence
from agent.daemon.store.sql import sqlite3

MYPY = False
if MYPY:  # not worth its memory
    from typing import Any

SqlError = sqlite3.Error
# A broken constraint, and what is wrong in our own statements.
UNTOUCHED = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError)


class StorageError(Exception):
    """The storage refused: full, read-only, damaged or of a newer version. The message says what to do."""


class Locked(StorageError):
    """Somebody else reads the file just now (an open sqlite3, say): it may work in a moment."""


# What SQLite and Python say of a file that holds something else than was written, some with what it holds. A table that
# our statements do not find was there.
DAMAGED = ("malformed", "not a database", "unsupported file", "Could not decode", "no such table", "no such column")

# The loop must beat: what another process holds is tried again from there, never waited for here.
BUSY_S = 0.01


def plain(error: Exception, path: str) -> StorageError:
    """The same failure as a sentence for people."""
    text = _refusal(path) if "disk I/O" in str(error) else str(error)
    if "full" in text or "No space" in text:
        return StorageError(Sentence("no space left for {}: free some space or shorten the retention", path))
    if "readonly" in text or "Read-only" in text:
        return StorageError(Sentence("{} is read-only: check the mount and the file's owner", path))
    if "is locked" in text:
        return Locked(path + " is in use by another program: close it")
    if any(word in text for word in DAMAGED):
        return StorageError(Sentence("{} is damaged: move it away or restore a backup", path))
    return StorageError(Sentence("{}: {}", path, getattr(error, "strerror", None) or text))


def _refusal(path: str) -> str:
    """What the file system says, where SQLite says no more than that it refused."""
    try:
        os.utime(path)
    except OSError as error:
        return str(error)
    return "disk I/O error"


def discard(path: str) -> None:
    """Remove a file, if it is there. StorageError."""
    # A read-only file system refuses also where there is nothing to remove.
    if os.path.lexists(path):
        with storing(path), contextlib.suppress(FileNotFoundError):
            os.unlink(path)


@contextlib.contextmanager
def storing(path: str) -> Iterator[None]:
    """Around what is done with a file: what the file system refuses is a StorageError."""
    try:
        yield
    except OSError as error:
        raise plain(error, path) from error


def connect(path: str, in_memory: bool) -> SqlConnection:
    """StorageError. `in_memory` leaves the file alone; errors name it all the same."""
    with Translated(path):
        made = sqlite3.connect(
            ":memory:" if in_memory else path,
            isolation_level=None,
            timeout=BUSY_S,
            cached_statements=40,
            factory=SqlConnection,
        )
    made.translated = Translated(path)
    return made


class Translated:
    """As `with` around calls of SQLite: its errors are StorageErrors. A class, since it stands around each row."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.Error) and not isinstance(error, UNTOUCHED):
            raise plain(error, self._path) from error
        if isinstance(error, UnicodeDecodeError):  # SQLite quotes damaged text in its message, which Python can't read
            raise plain(ValueError("malformed"), self._path) from error


class SqlConnection(sqlite3.Connection):
    """Made by `connect`."""

    translated: Translated

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or SqlCursor)

    def execute(self, *statement: Any) -> Any:
        return self.cursor().execute(*statement)

    def executemany(self, *statement: Any) -> Any:
        return self.cursor().executemany(*statement)

    def executescript(self, script: str) -> Any:
        return self.cursor().executescript(script)


class SqlCursor(sqlite3.Cursor):
    """Rows are refused as well as statements: damage is met where it is read."""

    connection: SqlConnection

    def execute(self, *statement: Any) -> Any:
        with self.connection.translated:
            return super().execute(*statement)

    def executemany(self, *statement: Any) -> Any:
        with self.connection.translated:
            return super().executemany(*statement)

    def executescript(self, script: str) -> Any:
        with self.connection.translated:
            return super().executescript(script)

    def fetchone(self) -> Any:
        with self.connection.translated:
            return super().fetchone()

    def fetchall(self) -> list[Any]:
        with self.connection.translated:
            return super().fetchall()

    def __next__(self) -> Any:
        with self.connection.translated:
            return super().__next__()
