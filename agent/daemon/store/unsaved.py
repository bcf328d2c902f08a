"""What is off in memory and kernel while storage can't say so yet.

Noted in the run directory as well, so that a daemon that is started again goes on with it; a loss of power takes it.
"""

import contextlib
import os
from collections.abc import Callable, Generator

from agent.core import jsontext
from agent.core.model import Sentence
from agent.daemon.store.connection import Locked, StorageError

Key = tuple[str, str]  # enrolment, feature
NOT_SAVED = (
    "It is off now, but this could not be saved: {}. It is tried again by itself; "
    "if the router restarts before that, turn it off once more"
)
# Somebody looks into the file with sqlite3: mostly gone in a moment; whoever turns it off waits no longer than this.
LOCKED_S, LOCKED_TRIES = 0.1, 50


class Unsaved:
    """`rows` is {(enrolment, feature): (action, actor)}. `path` lies in RAM."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.rows: dict[Key, tuple[str, str]] = {}
        with contextlib.suppress(OSError, ValueError):
            with open(path, encoding="utf-8") as file:
                self.rows = {(row[0], row[1]): (row[2], row[3]) for row in jsontext.loads(file.read())}

    def add(self, keys: list[Key], action: str, actor: str) -> None:
        self.rows.update({key: (action, actor) for key in keys})
        self._write()

    def drop(self, keys: list[Key]) -> None:
        if any(self.rows.pop(key, None) for key in keys):
            self._write()

    def _write(self) -> None:
        """Where even that fails, memory has it."""
        part = self._path + ".part"
        with contextlib.suppress(OSError):
            if not self.rows:
                os.unlink(self._path)
                return
            with open(part, "w", encoding="utf-8") as file:
                file.write(jsontext.dumps([[*key, *value] for key, value in sorted(self.rows.items())]))
            os.replace(part, self._path)


def saved(write: Callable[[], None]) -> Generator[float | None, None, None]:
    """`write()` of something that is off already; while another program holds the file, for some seconds from the loop.
    StorageError, as it is told."""
    for left in range(LOCKED_TRIES, -1, -1):
        try:
            write()
            return
        except StorageError as error:
            if not (left and isinstance(error, Locked)):
                raise StorageError(Sentence(NOT_SAVED, error)) from error
        yield LOCKED_S
