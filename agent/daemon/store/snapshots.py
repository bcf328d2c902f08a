"""history.db lies in RAM; this keeps a copy on flash, if the household wants one, and brings it back after a reboot.

With a key the copy is sealed (copy_sealing.py). After a reboot it is locked: it stays as it is until somebody types the
passphrase, or something is deleted, which may be in it.

A copy is taken in RAM between two transactions (some milliseconds), then written to flash by a forked child, so that
the loop never waits for flash. What was agreed to for RAM only is left out of it. What was erased is deleted again from
whatever comes back.
"""

import contextlib
import os
from collections.abc import Callable

from agent.core.model import Sentence
from agent.core.people import FLASH
from agent.daemon.store.copy_sealing import CopyKey, write_sealed_and_exit
from agent.daemon.store.database import StorageError, Waiting, discard, storing
from agent.daemon.store.flashcopy import CHUNK, write_and_exit
from agent.daemon.store.history_db import HistoryDb
from agent.daemon.store.history_schema import TABLES
from agent.daemon.store.sql import sqlite3
from agent.daemon.store.state import State
from agent.platform.cmodules import signal


class Snapshots:
    """`live` is history.db in RAM, `kept` its copy on flash, `wanted` whether anything may outlive a reboot."""

    def __init__(self, live: str, kept: str, wanted: bool, key: CopyKey | None = None) -> None:
        self.live = live
        self.kept = kept
        self.sealed = kept + ".age"
        self.key = key
        self._mark = live + ".locked"  # beside the live file: gone with it
        self.note: Callable[[], None] = lambda: None  # about a copy that begins now; StorageError
        self._copy = live + ".copy"
        self._child = 0
        self.wanted = wanted
        self.held = 0  # erasings under way: no copy may begin that would hold what they erase
        self.written = 0  # copies that were written whole
        self.trouble: str | Sentence = ""
        self.waiting: Waiting = contextlib.nullcontext  # see Database

    def restore(self) -> bool:
        """Put the kept copy in place when there is no live file; True when it did. Call before opening Records.

        StorageError when it does not fit, or something that is to go can't be removed.
        """
        for leftover in (self._copy, self.live + ".unlocked", self.kept + ".new", self.sealed + ".new"):
            discard(leftover)
        if not self.wanted:
            discard(self.kept)
        if not self.wanted or self.key is None:
            discard(self.sealed)
        if os.path.exists(self.live):
            return False
        if os.path.exists(self.sealed):
            discard(self.kept)  # it is the older one: it goes when the sealed one stands
            with storing(self._mark), open(self._mark, "wb"):
                return False
        if not os.path.exists(self.kept):
            return False
        part = self.live + ".new"
        try:
            with storing(self.live):
                _copied(self.kept, part)
                os.rename(part, self.live)
        except StorageError as error:
            discard(part)
            raise StorageError(Sentence("the history was not brought back from flash: {}", error)) from error
        return True

    def start(self) -> bool:
        """Begin a snapshot; False when none is wanted or one is under way. `finished` tells when it stands."""
        if not self.wanted or self._child or self.held or self.locked:
            return False
        try:
            self.note()
            _copied(self.live, self._copy)
            self._child = os.fork()
        except OSError as error:
            discard(self._copy)
            self.trouble = Sentence("the history could not be saved to flash: {}", error.strerror)
            return False
        if self._child == 0:
            self._write_and_exit()
        return True

    def _write_and_exit(self) -> None:
        if self.key is None:
            write_and_exit(self._copy, self.kept, lambda: for_flash_only(self._copy))
        else:
            write_sealed_and_exit(self._copy, self.sealed, self.key.public, lambda: for_flash_only(self._copy))

    def finished(self) -> bool:
        """Whether no snapshot is under way (any more)."""
        if not self._child:
            return True
        pid, status = os.waitpid(self._child, os.WNOHANG)
        if pid == 0:
            return False
        self._child = 0
        discard(self._copy)
        if status == 0:
            self.written += 1
            discard(self.sealed if self.key is None else self.kept)
        self.trouble = "" if status == 0 else "the history could not be saved to flash: check its free space"
        return True

    def abandon(self) -> None:
        """Stop a snapshot under way and remove what it wrote: it may hold rows that are being erased."""
        if self._child:
            os.kill(self._child, signal.SIGKILL)
            with self.waiting():  # one that writes to flash dies after that
                os.waitpid(self._child, 0)
            self._child = 0
        for part in (self._copy, self.kept + ".new", self.sealed + ".new"):
            discard(part)

    def drop(self) -> None:
        """Remove the copy on flash."""
        self.abandon()
        for path in (self.kept, self.sealed, self._mark):
            discard(path)

    @property
    def exists(self) -> bool:
        return os.path.exists(self.kept) or os.path.exists(self.sealed)

    @property
    def locked(self) -> bool:
        """Whether the copy is one of before a reboot, which nobody has opened yet."""
        return os.path.exists(self._mark)

    def unlocked(self) -> None:
        discard(self._mark)


def _copied(source_path: str, target_path: str) -> None:
    with open(source_path, "rb") as source, open(target_path, "wb") as target:
        while chunk := source.read(CHUNK):
            target.write(chunk)


def for_flash_only(path: str) -> None:
    """Take out of a copy what was recorded under terms that keep it in RAM, or under unknown ones; nothing of it stays
    in the file."""
    found = f"epoch NOT IN (SELECT epoch FROM epochs WHERE kept = '{FLASH}')"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as sql:
        sql.execute("PRAGMA journal_mode=MEMORY")
        sql.execute("PRAGMA synchronous=OFF")
        gone = [sql.execute(f"DELETE FROM {table} WHERE {found}").rowcount for table in TABLES]
        if any(gone):
            sql.execute("VACUUM")
        sql.execute("PRAGMA journal_mode=TRUNCATE")


def parse_ids(text: str) -> list[tuple[int, int]]:
    """ "3-9,12" as [(3, 9), (12, 12)]."""
    spans = []
    for part in text.split(","):
        low, _, high = part.partition("-")
        spans.append((int(low), int(high or low)))
    return spans


def show_ids(ids: list[int]) -> str:
    """The shortest text that `parse_ids` turns back into exactly these ids."""
    spans: list[list[int]] = []
    for row_id in sorted(ids):
        if spans and spans[-1][1] == row_id - 1:
            spans[-1][1] = row_id
        else:
            spans.append([row_id, row_id])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in spans)


def reapply(state: State, records: HistoryDb) -> int:
    """Delete again what was erased, from a history that came back; returns how many rows it still held."""
    gone = 0
    for row in state.removals.rows():
        for low, high in parse_ids(row.ids):
            gone += records.delete_span(row.kind, row.device, low, high)
            records.reserve_ids(row.kind, high)
    return gone
