"""Password hashing in a child process: the loop goes on, and its 19 MiB go back to the router at once."""

import json
import os
from collections.abc import Callable

from agent.jobs.web.effects import ControlRefused, Resume, Work

# One at a time: two would need 38 MiB. A queue longer than this is an attack, not a household.
WAITING_MAX = 8
RESULT_MAX = 65536
# Hashing may wait for everything else; names may not wait for it.
NICE = 10
SHORT = "The router is short of memory. Try again."


class Workers:
    """Runs `Work` effects one after the other; `watch(fd, callback)` and `unwatch(fd)` belong to the loop."""

    def __init__(self, watch: Callable[[int, Callable[[], None]], None], unwatch: Callable[[int], None]) -> None:
        self._watch = watch
        self._unwatch = unwatch
        self._running: Resume | None = None
        self._waiting: list[tuple[Work, Resume]] = []

    @property
    def busy(self) -> bool:
        return self._running is not None

    def start(self, work: Work, resume: Resume) -> None:
        if self._running is None:
            self._fork(work, resume)
        elif len(self._waiting) < WAITING_MAX:
            self._waiting.append((work, resume))
        else:
            resume(ControlRefused("busy", "Too many sign-ins at once. Try again in a moment."))

    def _fork(self, work: Work, resume: Resume) -> None:
        ours, theirs = os.pipe()
        try:
            child = os.fork()
        except OSError:
            os.close(ours)
            os.close(theirs)
            resume(ControlRefused("busy", SHORT))
            return
        if child == 0:
            _work_and_exit(work, theirs)
        os.close(theirs)
        self._running = resume
        self._watch(ours, lambda: self._finish(ours, child))

    def _finish(self, pipe: int, child: int) -> None:
        self._unwatch(pipe)
        data = os.read(pipe, RESULT_MAX)
        os.close(pipe)
        os.waitpid(child, 0)
        resume, self._running = self._running, None
        assert resume is not None
        try:
            resume(json.loads(data) if data else ControlRefused("busy", SHORT))
        finally:
            while self._waiting and self._running is None:
                self._fork(*self._waiting.pop(0))


def _work_and_exit(work: Work, pipe: int) -> None:
    """In the child: nothing of the parent is kept open, whatever happens it ends here."""
    try:
        os.closerange(3, pipe)
        os.closerange(pipe + 1, 4096)
        os.nice(NICE)
        os.write(pipe, json.dumps(work.function(*work.arguments)).encode())
    finally:
        os._exit(0)
