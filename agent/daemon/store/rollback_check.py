"""Tells a restored state.db from one that simply went on.

Two small files note the ledger's head after each change: one beside state.db that backups leave out, one in RAM. At the
start the noted heads must be in the ledger. If one is not, or there is none for a ledger with rows, or the note was
copied here (its inode changed), then what lies there was restored, and everything stays off until somebody confirms.
Each such start is a row of the ledger, so that the same copy put back once more is found once more.
A crash between a ledger row and its note leaves a note that is behind: an ancestor, which is fine.
"""

import os

from agent.core.consent import LedgerRow
from agent.core.digits import whole
from agent.daemon.store.database import discard

FORMAT = "privacy-agent anchor 1"


class RollbackCheck:
    """`path` lies on flash, `ram_path` in the run directory."""

    def __init__(self, path: str, ram_path: str) -> None:
        self._path = path
        self._ram_path = ram_path

    def note(self, head: LedgerRow | None) -> None:
        """Note the head in both places. A failure is harmless (see above) and repaired by the next note."""
        for path in (self._ram_path, self._path):
            try:
                _write(path, head)
            except OSError:
                continue

    def forget(self) -> None:
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
        seq, text = (head.seq, head.hash.hex()) if head else (0, "")
        line = " ".join((FORMAT, str(os.fstat(fd).st_ino), str(seq), text))
        os.pwrite(fd, line.encode().ljust(159) + b"\n", 0)
        os.fsync(fd)
    finally:
        os.close(fd)


def _read(path: str) -> tuple[int, bytes] | None:
    """The noted (sequence number, hash); None when missing, damaged or copied."""
    try:
        with open(path, "rb") as file:
            text = file.read(160).decode("ascii", "replace")
            inode = os.fstat(file.fileno()).st_ino
    except OSError:
        return None
    fields = text.split()
    if len(fields) != 6 or " ".join(fields[:3]) != FORMAT or fields[3] != str(inode):
        return None
    seq = whole(fields[4])
    try:
        return None if seq is None else (seq, bytes.fromhex(fields[5]))
    except ValueError:
        return None
