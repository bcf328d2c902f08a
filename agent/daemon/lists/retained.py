"""The compiled set in use, a second time on flash: in force after a reboot before any line is up.

Written by a forked child, so that the loop never waits for flash, and at most once a day, since lists change with
nearly every update. It comes back whole, by its digests, or not at all.
"""

import os
import time
from collections.abc import Callable

from agent.core.model import BadInput, Sentence, said_by
from agent.core.settings import Settings
from agent.daemon.forked import lower_priority
from agent.daemon.lists import rule_sets
from agent.daemon.lists.feed_state import Versions, versions
from agent.daemon.store.database import StorageError, discard
from agent.daemon.store.flashcopy import write_and_exit
from agent.platform.rulefile import open_ruleset

DAY_S = 86400
AGAIN_S = 3600.0  # after flash refused a copy
SHARE = (
    2  # by default the copy takes one part of so many of what is free: settings and other programs need room as well
)
CHUNK = 1 << 18
ALWAYS, NEVER = "always", "never"  # else "auto"
TOO_LARGE = (
    "the lists do not outlive a restart and are fetched again after it: a copy would take {} of {} MB that are free on"
    " flash (setting keep_lists)"
)
NO_ROOM = "the lists could not be copied to flash, so they do not outlive a restart: check its free space"


class RetainedSet:
    """`check(loaded)` is called again and again with what is in use; `path` is the copy. `free()` is of flash."""

    def __init__(self, settings: Settings, free: Callable[[str], int] | None = None) -> None:
        self._settings = settings
        self._free = free or _free
        self.path = os.path.join(settings.text("state_dir"), "rules.bin")
        self.versions: Versions = {}  # of the copy
        self.trouble: str | Sentence = ""
        self.came_back = False  # what is in use is the copy, since this start
        self._child = 0
        self._writing: Versions = {}
        self._not_before = 0.0

    @property
    def wanted(self) -> bool:
        return self._settings.text("keep_lists") != NEVER

    def restore(self, target: str) -> None:
        """Put the copy where the set in use belongs when there is none, as after a reboot; a damaged one goes."""
        try:
            self._restore(target)
        except StorageError as error:
            self.trouble = Sentence("the copy of the lists on flash can't be removed: {}", said_by(error))

    def _restore(self, target: str) -> None:
        discard(self.path + ".new")
        if not self.wanted:
            self.drop()
            return
        if not os.path.exists(self.path):
            return
        try:
            self.versions = _read(self.path)
            if not os.path.exists(target):
                self._bring(target)
        except BadInput as error:
            self.drop()
            self.trouble = Sentence("the copy of the lists on flash is damaged and not used: {}", said_by(error))
        except OSError as error:
            rule_sets.discard(target)
            self.trouble = Sentence("the copy of the lists on flash can't be used: {}", error.strerror)

    def _bring(self, target: str) -> None:
        """Checked where it is to be used from: what was read of flash may differ from what is read next."""
        found = os.stat(self.path)
        with open(self.path, "rb") as source, os.fdopen(rule_sets.open_incoming(target), "wb") as file:
            while piece := source.read(CHUNK):
                file.write(piece)
        os.utime(rule_sets.incoming(target), (found.st_mtime, found.st_mtime))
        try:
            ruleset = open_ruleset(rule_sets.incoming(target))
            try:
                ruleset.verify()
            finally:
                ruleset.close()
            os.rename(rule_sets.incoming(target), target)
        finally:
            rule_sets.discard(target)
        self.came_back = True

    def drop(self) -> None:
        """No copy from here on: none is wanted, or the one there is must not come back. StorageError."""
        for path in (self.path, self.path + ".new"):
            discard(path)
        self.versions, self._writing, self._not_before = {}, {}, 0.0

    def check(self, target: str, loaded: Versions, wall: int) -> None:
        """Begin to write what is in use, where it is due and fits, and see what became of the writing before."""
        try:
            self._check(target, loaded, wall)
        except StorageError as error:
            self.trouble = Sentence("the copy of the lists on flash can't be removed: {}", said_by(error))

    def _check(self, target: str, loaded: Versions, wall: int) -> None:
        if self._child:
            self._finished()
        elif not self.wanted:
            if self.versions:
                self.drop()
        elif loaded and loaded != self.versions and self._due(wall) and self._fits(target):
            self._start(target, loaded)

    def _due(self, wall: int) -> bool:
        if time.monotonic() < self._not_before:
            return False
        try:
            age = wall - os.stat(self.path).st_mtime
        except OSError:
            return True
        return not -DAY_S < age < DAY_S

    def _fits(self, target: str) -> bool:
        size = _size(target)
        free = self._free(os.path.dirname(self.path))
        enough = self._settings.text("keep_lists") == ALWAYS or size * SHARE <= free + _size(self.path)
        self.trouble = ""
        if not enough:
            self.trouble = Sentence(TOO_LARGE, f"{size / 1e6:.1f}", f"{free / 1e6:.1f}")
            self._not_before = time.monotonic() + AGAIN_S
        elif size > free:
            self.drop()  # there is no room for both; without a copy lists come from their servers
        return enough

    def _start(self, target: str, loaded: Versions) -> None:
        self._writing = loaded
        self._child = os.fork()
        if self._child == 0:
            write_and_exit(target, self.path, lower_priority)

    def _finished(self) -> None:
        pid, status = os.waitpid(self._child, os.WNOHANG)
        if pid == 0:
            return
        self._child = 0
        if not self._writing:
            self.drop()  # it was dropped meanwhile
        elif status:
            self._not_before = time.monotonic() + AGAIN_S
            self.trouble = NO_ROOM
        else:
            self.versions = self._writing


def _read(path: str) -> Versions:
    found = open_ruleset(path)
    try:
        return versions(found)
    finally:
        found.close()


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _free(folder: str) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
