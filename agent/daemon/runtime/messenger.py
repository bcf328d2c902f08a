"""Tells whoever watches what happened (event "notice"), and starts the job that tells an address inside the house."""

import contextlib
import time

from agent.core import jsontext
from agent.core.model import BadInput
from agent.core.settings import Settings
from agent.daemon.control import ControlServer
from agent.daemon.happenings import Happenings
from agent.daemon.household import Household
from agent.daemon.jobs import Identity, Job, environment
from agent.daemon.log import say
from agent.daemon.loop import Loop
from agent.platform.cmodules import signal

JOB_MAX_S = 60.0
PAUSE_S = 10.0  # between two jobs: what happens meanwhile is told together
WAITING_MAX = 8
NO_OPERATION = "house call"  # a role that may ask for nothing


class Messenger:
    def __init__(
        self, loop: Loop, settings: Settings, household: Household, control: ControlServer, command: list[str]
    ) -> None:
        self._settings = settings
        self._control = control
        self._happenings = Happenings(household)
        self._waiting: list[str] = []
        self._free_at = 0.0
        self._job: Job | None = None
        try:
            identity = Identity(settings, "jobs_user")
        except BadInput as error:
            say(f"nothing is told to notice_url: {error}")
            return
        self._job = Job(
            loop,
            command,
            environment(),
            identity,
            lambda link, closed: control.adopt(link, closed, NO_OPERATION),
            lambda status: None,
            JOB_MAX_S,
            signal.SIGKILL,
        )

    def check(self) -> None:
        for what in self._happenings.look():
            self._control.publish({"event": "notice", "what": what})
            if what not in self._waiting:
                self._waiting = [*self._waiting, what][-WAITING_MAX:]
        url = self._settings.text("notice_url")
        if not url or self._job is None:
            self._waiting = []
        if not self._waiting or self._job is None or self._job.there() or time.monotonic() < self._free_at:
            return
        told = {"url": url, "what": self._waiting, "interfaces": self._settings.texts("interfaces")}
        self._free_at, self._waiting = time.monotonic() + PAUSE_S, []
        # No memory or descriptor left for a job: this is not worth more.
        with contextlib.suppress(OSError):
            self._job.start({"PRIVACY_AGENT_HOUSE_CALL": jsontext.dumps(told)})

    def close(self) -> None:
        if self._job:
            self._job.stop()
