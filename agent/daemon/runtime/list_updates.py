"""Starts the feeds job when an update is due or asked for, and takes what it offers into use when it has gone."""

import contextlib
import os
from collections.abc import Callable

from agent.control.operations import FEEDS
from agent.core.model import PROTECTION, BadInput, Sentence, said_by
from agent.core.settings import Settings
from agent.daemon.control import ControlServer
from agent.daemon.forked import NICE
from agent.daemon.household import Household
from agent.daemon.jobs import AUTHORITIES, Identity, Job, environment
from agent.daemon.lists import rule_sets
from agent.daemon.log import say
from agent.daemon.loop import Loop
from agent.daemon.store.database import StorageError
from agent.platform.cmodules import signal

JOB_MAX_S = 3600.0  # fifteen feeds at their slowest, and the compile
AT_ONCE_S = 0.2  # several interfaces come up together: one look for all of them


class ListUpdates:
    """One for the daemon. Lists are fetched while protection is on for some device, or a category, and only then."""

    def __init__(
        self,
        loop: Loop,
        settings: Settings,
        household: Household,
        control: ControlServer,
        command: list[str],
        due_s: float,
    ) -> None:
        self._loop = loop
        self._household = household
        self._due_s = due_s
        self._job: Job | None = None
        self._clock_trusted = False
        try:
            identity = Identity(settings, "jobs_user")
        except BadInput as error:
            household.feeds.no_job = Sentence("no list is fetched: {}", said_by(error))
            say(str(household.feeds.no_job))
            return
        if identity.ids is not None:
            # So that another user can reach the folder of texts: pass through, not look around. Files are 0600.
            os.chmod(settings.text("run_dir"), 0o711)
        self._folder = settings.text("lists_dir")
        told = {**environment(*AUTHORITIES), "PRIVACY_AGENT_LISTS_DIR": self._folder}
        self._job = Job(
            loop,
            command,
            told,
            identity,
            lambda link, closed: control.adopt(link, closed, FEEDS),
            self.ended,
            JOB_MAX_S,
            niceness=NICE,
        )

    def begin(self) -> None:
        """Once lists are loaded: look again and again whether an update is due."""
        self._loop.every(self._due_s, self.check)
        if self._job is None:
            return
        if not self._household.kept_lists.came_back:
            with contextlib.suppress(StorageError):  # noted with the next update
                self._household.feeds.note_used()
        self._schedule()

    def start(self) -> bool:
        """False when the job, its folder of texts or the file for the finished set can't be made."""
        if self._job is None:
            return False
        try:
            self._job.identity.make_folder(self._folder)
            written = rule_sets.open_incoming(self._household.feeds.file)
        except OSError:
            return False
        try:
            self._job.start({"PRIVACY_AGENT_SET_FD": str(written)}, (written,))
        except OSError:
            return False
        finally:
            os.close(written)
        return True

    def _schedule(self) -> None:
        """Before the clock is set, a plan of before a reboot can't be compared with now; once it is trusted, again."""
        household = self._household
        self._clock_trusted = household.clock.trusted
        if household.clock.is_set or not household.feeds.loaded:
            household.feeds.schedule(bool(household.feeds.loaded), chance())

    def hurry(self) -> None:
        """The line or the clock may just have come."""
        self._household.feeds.hurry()
        self._loop.after(AT_ONCE_S, self.check)

    def check(self) -> None:
        """Start what is due; stop what nobody needs any more."""
        household = self._household
        household.kept_lists.check(household.feeds.file, household.feeds.loaded, household.clock.wall())
        if self._job is None:
            return
        if household.clock.trusted and not self._clock_trusted:
            self._schedule()
            household.feeds.hurry()
        used = bool(household.toggles.pairs_on(PROTECTION) or household.categories_used())
        if household.feeds.due(used):
            household.feeds.begin(False)
        elif household.feeds.progress.running and not used:
            self.close()

    def ended(self, status: int) -> None:
        """The job has gone, with this exit code, or minus the signal that ended it."""
        well = status == 0
        household = self._household
        feeds = household.feeds
        try:
            if well and feeds.offered:
                take(household, household.edges.step)
        except (BadInput, OSError) as error:
            feeds.message = Sentence("the new lists can't be used: {}", said_by(error))
        if status == -signal.SIGKILL and not feeds.message:  # not by the daemon, which says so
            feeds.message = "the update was ended by the system, mostly because memory was short; choose fewer lists"
        rule_sets.discard(feeds.file)
        try:
            feeds.ended(well, chance())
        except StorageError as error:
            say(f"what is known of the lists could not be kept: {error}")
        household.edges.publish({"event": "lists"})
        household.edges.publish({"event": "status"})

    def close(self) -> None:
        if self._job:
            self._job.stop()


def take(household: Household, step: Callable[[str], None]) -> None:
    """The set that a job wrote comes into use; what was in use becomes the set to go back to."""
    rule_sets.take(household.feeds.file, step, bool(household.feeds.loaded))
    household.load_lists()
    household.feeds.note_used()


def chance() -> float:
    return int.from_bytes(os.urandom(2), "big") / 65536
