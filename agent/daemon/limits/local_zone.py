"""The router's time zone: what the init script wrote, else /etc/TZ, else /etc/localtime, else UTC.

A jail shows a mounted file as it was when it began, so the init script writes the zone into the run directory.
"""

import os

from agent.core.model import BadInput, Sentence
from agent.core.timezone import UTC, Zone, parse, read_tzif

GIVEN = "timezone"  # in the run directory
FILES = ("/etc/TZ", "/etc/localtime")
ZONEINFO = "zoneinfo/"
BYTES_MAX = 1 << 16
NO_ZONE = "this system says no time zone: times are UTC"


class LocalZone:
    """`zone` is the same value for as long as nothing changed; `trouble` says why it is UTC."""

    def __init__(self, run_dir: str, files: tuple[str, ...] = FILES) -> None:
        self._paths = (os.path.join(run_dir, GIVEN), *files)
        self._read: bytes | None = None
        self.zone: Zone = UTC
        self.trouble: str | Sentence = ""
        self.place = ""  # "Europe/Berlin", where that is known
        self.look()

    def look(self) -> bool:
        """Whether it is another one now."""
        for path in self._paths:
            data = _content(path)
            if not data:
                continue
            if data == self._read:
                return False
            try:
                self.zone = read_tzif(data) if data[:4] == b"TZif" else parse(data.decode())
            except (BadInput, UnicodeError):
                self.trouble = Sentence("the time zone in {} can't be read: times are UTC", path)
                continue
            self._read, self.trouble, self.place = data, "", _place(path)
            return True
        changed = self._read is not None
        self._read, self.zone, self.place = None, UTC, ""
        self.trouble = self.trouble or NO_ZONE
        return changed


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(BYTES_MAX)
    except OSError:
        return b""


def _place(path: str) -> str:
    _, found, name = os.path.realpath(path).partition(ZONEINFO)
    return name if found else ""
