"""How many minutes of today somebody with an allowance has used: pulling the router's plug gives none of them back.

Written in place and synced when a quarter of the allowance is crossed. Whose, which day and a sum, no more.
"""

from __future__ import annotations

import contextlib
import os

from agent.core.digits import whole
from agent.daemon.store.owners import DEVICE, PERSON, Owner

FORMAT = b"privacy-agent used 1\n"
BYTES_MAX = 4096


class UsedFile:
    """`path` lies on flash."""

    def __init__(self, path: str) -> None:
        self._path = path

    def read(self) -> dict[Owner, tuple[int, int]]:
        """Whose → (day, minutes); what can't be read names nobody."""
        try:
            with open(self._path, "rb") as file:
                lines = file.read(BYTES_MAX).decode("ascii", "replace").splitlines()
        except OSError:
            return {}
        found = {}
        if lines[:1] == [FORMAT.decode().strip()]:
            for line in lines[1:]:
                kind, *numbers = (line.split() + [""] * 4)[:4]
                id, day, minutes = [whole(word) for word in numbers]
                if kind in (PERSON, DEVICE) and id is not None and day is not None and minutes is not None:
                    found[(kind, id)] = (day, minutes)
        return found

    def save(self, used: dict[Owner, tuple[int, int]]) -> None:
        """Durable when it returns. Where it can't be written, a power cut gives the day's minutes back, no more."""
        if not used and not os.path.exists(self._path):
            return
        text = FORMAT
        for (kind, id), (day, minutes) in sorted(used.items()):
            line = b"%s %d %d %d\n" % (kind.encode(), id, day, minutes)
            if len(text) + len(line) <= BYTES_MAX:
                text += line
        with contextlib.suppress(OSError):
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(fd, text.ljust(BYTES_MAX, b"\n"), 0)
                os.fsync(fd)
            finally:
                os.close(fd)
