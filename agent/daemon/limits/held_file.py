"""Which devices a window held when the router last knew the time: pulling its plug frees nobody for ten minutes.

Written in place and synced at each change, as state.db may be hours behind. Numbers of devices and until when, no more.
"""

import contextlib
import os

from agent.core.digits import whole

FORMAT = b"privacy-agent held 1\n"
BYTES_MAX = 4096


class HeldFile:
    def __init__(self, path: str) -> None:
        self._path = path
        self._written: dict[int, int] | None = None

    def read(self) -> dict[int, int]:
        """Device → until; what can't be read names nobody."""
        try:
            with open(self._path, "rb") as file:
                lines = file.read(BYTES_MAX).decode("ascii", "replace").splitlines()
        except OSError:
            return {}
        found = {}
        if lines[:1] == [FORMAT.decode().strip()]:
            for line in lines[1:]:
                device, until = [whole(word) for word in (line.split() + ["", ""])[:2]]
                if device is not None and until is not None:
                    found[device] = until
        return found

    def save(self, held: dict[int, int]) -> None:
        """Durable when it returns. Where it can't be written nothing is lost but the ten minutes."""
        if held == self._written or (not held and self._written is None and not os.path.exists(self._path)):
            return
        text = FORMAT + b"".join(b"%d %d\n" % one for one in sorted(held.items()))
        with contextlib.suppress(OSError):
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(fd, text[:BYTES_MAX].ljust(BYTES_MAX, b"\n"), 0)
                os.fsync(fd)
            finally:
                os.close(fd)
            self._written = dict(held)
