"""Which devices a window held when the router last knew the time: pulling its plug frees nobody for ten minutes.

Written in place and synced at each change, as state.db may be hours behind. Numbers of devices and until when, no more.
"""

import os

from agent.core.digits import whole
from agent.daemon.limits import flash_note

FORMAT = b"privacy-agent held 1\n"


class HeldFile:
    def __init__(self, path: str) -> None:
        self._path = path
        self._written: dict[int, int] | None = None

    def read(self) -> dict[int, int]:
        """Device → until; what can't be read names nobody."""
        found = {}
        for words in flash_note.read(self._path, FORMAT):
            device, until = [whole(word) for word in [*words, "", ""][:2]]
            if device is not None and until is not None:
                found[device] = until
        return found

    def save(self, held: dict[int, int]) -> None:
        """Durable when it returns. Where it can't be written nothing is lost but the ten minutes."""
        if held == self._written or (not held and self._written is None and not os.path.exists(self._path)):
            return
        text = FORMAT + b"".join(b"%d %d\n" % one for one in sorted(held.items()))
        if flash_note.write(self._path, text):
            self._written = dict(held)
