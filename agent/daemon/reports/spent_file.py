"""The privacy budget that was spent, in two places: state.db, and a small file beside it that is written first.

The larger number counts. So a crash in between, or a state.db that was put back, never makes it smaller. What can't be
known counts as all spent.
"""

import os

from agent.core.digits import whole

FORMAT = "privacy-agent spent 1"
SIZE = 64


class SpentFile:
    """Thousandths of epsilon."""

    def __init__(self, path: str) -> None:
        self._path = path

    def save(self, value: int) -> None:
        """Durable before it returns; OSError when it can't be written."""
        # In place and of a fixed size, so that it needs no new block.
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(fd, f"{FORMAT} {value}".encode().ljust(SIZE - 1) + b"\n", 0)
            os.fsync(fd)
        finally:
            os.close(fd)

    @property
    def missing(self) -> bool:
        return not os.path.exists(self._path)

    def read(self, stored: int, made: int) -> int | None:
        """What counts, given state.db's number and how many reports its ledger tells of; None: it can't be known."""
        try:
            with open(self._path, "rb") as file:
                words = file.read(SIZE).decode("ascii", "replace").split()
        except FileNotFoundError:
            return 0 if stored == 0 and made == 0 else None
        except OSError:
            return None
        noted = whole(words[3]) if len(words) == 4 and " ".join(words[:3]) == FORMAT else None
        if noted is None:
            return None
        # A ledger that was restored without its numbers: more was spent than state.db says, and nobody knows how much.
        return None if stored == 0 and made > 0 and noted == 0 else max(stored, noted)
