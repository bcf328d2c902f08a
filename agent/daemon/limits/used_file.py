"""How many minutes of today somebody with an allowance has used: pulling the router's plug gives none of them back.

Written in place and synced when a quarter of the allowance is crossed. Whose, which day and a sum, no more.
"""

from __future__ import annotations

import os

from agent.core.digits import whole
from agent.daemon.limits import flash_note
from agent.daemon.store.owners import DEVICE, PERSON, Owner

FORMAT = b"privacy-agent used 1\n"


class UsedFile:
    """`path` lies on flash."""

    def __init__(self, path: str) -> None:
        self._path = path

    def read(self) -> dict[Owner, tuple[int, int]]:
        """Whose → (day, minutes); what can't be read names nobody."""
        found = {}
        for words in flash_note.read(self._path, FORMAT):
            kind, *numbers = [*words, "", "", "", ""][:4]
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
            if len(text) + len(line) <= flash_note.BYTES_MAX:
                text += line
        flash_note.write(self._path, text)
