"""Tells a restored state.db from one that simply went on.

Two small files note the ledger's head after each change: one beside state.db that backups leave out, one in RAM. At the
start the noted heads must be in the ledger. If one is not, or there is none for a ledger with rows, or the note was
put there by somebody else, then what lies there was restored, and everything stays off until somebody confirms.
Each such start is a row of the ledger, so that the same copy put back once more is found once more.
A crash between a ledger row and its note leaves a note that is behind: an ancestor, which is fine.

A note that was put there by somebody else has another inode, or was written at another time than it says: a file's
ctime (inode(7)) is set by the kernel alone.
"""

import contextlib
import os
import time

from agent.core.consent import LedgerRow
from agent.core.digits import whole
from agent.daemon.store.database import Waiting, discard

FORMAT = "privacy-agent anchor 2"
SIZE_BYTES = 192
# The kernel's time of a file lags behind by a tick, and some file systems know seconds only.
EARLY_NS = 2_000_000_000
# Between reading the clock and writing; on a loaded machine it is tried again.
LATE_NS = 1_000_000
TRIES = 50


class RollbackCheck:
    """`path` lies on flash, `ram_path` in the run directory."""

    def __init__(self, path: str, ram_path: str) -> None:
        self._path = path
        self._ram_path = ram_path
        self.waiting: Waiting = contextlib.nullcontext  # see Database

    def save(self, head: LedgerRow | None) -> None:
        """Note the head in both places. A failure is harmless (see above) and repaired by the next note."""
        for path in (self._ram_path, self._path):
            try:
                with self.waiting():
                    _write(path, head)
            except OSError:
                continue

    def clear(self) -> None:
        """Unnoted: whatever ledger is found next was brought here. StorageError."""
        for path in (self._ram_path, self._path):
            discard(path)

    def restored(self, hash_of_row: dict[int, bytes]) -> bool:
        """Whether the ledger, given as {sequence number: hash}, is not the one that was noted last here."""
        durable = _read(self._path)
        if not hash_of_row:
            return durable is not None and durable[0] > 0  # from before there was a ledger here
        if durable is None:
            return True
        ram = _read(self._ram_path)
        return any(hash_of_row.get(seq) != head for seq, head in (durable, ram or durable))


def _write(path: str, head: LedgerRow | None) -> None:
    # Written in place at a fixed size: it keeps its inode, which is part of what is noted, and needs no new block.
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        before = os.fstat(fd)
        told = f"{head.seq} {head.hash.hex()}" if head else "0"
        for _ in range(TRIES):
            now = time.time_ns()
            line = f"{FORMAT} {before.st_ino} {now} {before.st_ctime_ns} {told}"
            os.pwrite(fd, line.encode().ljust(SIZE_BYTES - 1) + b"\n", 0)
            if _at_once(now, os.fstat(fd).st_ctime_ns):
                break
        os.fsync(fd)
    finally:
        os.close(fd)


def _at_once(noted_ns: int, changed_ns: int) -> bool:
    return noted_ns - EARLY_NS <= changed_ns <= noted_ns + LATE_NS


def _read(path: str) -> tuple[int, bytes] | None:
    """The noted (sequence number, hash); None when missing, damaged or not written here."""
    try:
        with open(path, "rb") as file:
            fields = file.read(SIZE_BYTES).decode("ascii", "replace").split()
            found = os.fstat(file.fileno())
    except OSError:
        return None
    if not 7 <= len(fields) <= 8 or " ".join(fields[:3]) != FORMAT or fields[3] != str(found.st_ino):
        return None
    now, before, seq = whole(fields[4], 20), whole(fields[5], 20), whole(fields[6])
    # A power cut may leave the new text with the file's old time.
    if now is None or not (_at_once(now, found.st_ctime_ns) or before == found.st_ctime_ns):
        return None
    try:
        return None if seq is None else (seq, bytes.fromhex("".join(fields[7:])))
    except ValueError:
        return None
