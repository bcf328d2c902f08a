"""Has reports counted and weekly files made, starts the job that sends them, and ends it on opting out."""

import contextlib
import time

from agent.control.operations import REPORT
from agent.core.model import BadInput
from agent.core.settings import Settings
from agent.daemon.control import ControlServer
from agent.daemon.household import Household
from agent.daemon.jobs import AUTHORITIES, Identity, Job, environment
from agent.daemon.log import say
from agent.daemon.loop import Loop
from agent.platform.cmodules import signal

# What a killed connection had under way, and the answers to it: one round trip, also by satellite.
SETTLE_S = 2.0
JOB_MAX_S = 300.0  # a report at its slowest is a minute


class ReportJob:
    """One for the daemon."""

    def __init__(
        self,
        loop: Loop,
        settings: Settings,
        household: Household,
        control: ControlServer,
        command: list[str],
        tick_s: float,
    ) -> None:
        self._loop = loop
        self._household = household
        self._tick_s = tick_s
        self._ended_at = time.monotonic()  # a job of the daemon before this one died with it
        self._job: Job | None = None
        try:
            identity = Identity(settings, "jobs_user")
        except BadInput as error:
            say(f"no report is sent: {error}")
            return
        # Killed, so that its sockets are cut, not flushed (see jobs/upload.py).
        self._job = Job(
            loop,
            command,
            environment(*AUTHORITIES),
            identity,
            lambda link, closed: control.adopt(link, closed, REPORT),
            self._ended,
            JOB_MAX_S,
            signal.SIGKILL,
        )

    def begin(self) -> None:
        """Look again and again whether there is something to do."""
        if self._job is not None:
            self._wait()

    def _wait(self) -> None:
        # Half a tick to one and a half: at a steady beat, when a report arrives would tell when the daemon was started.
        spread = int.from_bytes(self._household.reports.draw(4), "big") / (1 << 32)
        self._loop.after(self._tick_s * (0.5 + spread), self._check)

    def _check(self) -> None:
        self._wait()
        work = [one.tick() for one in (self._household.reports, self._household.week_file)]
        if self._job is not None and any(work) and not self._job.pid:
            # No memory or descriptor left for a job: looked at again with the next tick.
            with contextlib.suppress(OSError):
                self._job.start({})

    def _ended(self, status: int) -> None:
        self._ended_at = time.monotonic()

    def end(self) -> bool:
        """Kill the job; True while it is still there."""
        if self._job is None or not self._job.there():
            return False
        self._job.stop()
        return True

    def silence_s(self) -> float:
        """How long the wire may still carry answers to packets of a job that has gone; 0 when it is silent."""
        return max(self._ended_at + SETTLE_S - time.monotonic(), 0.0)
