"""Has a report's numbers counted, starts the report job when there is something to do, and ends it on opting out."""

import os
import signal
import socket
import time

from agent.control.operations import REPORT
from agent.core.model import BadInput
from agent.core.settings import Settings
from agent.daemon.control import ControlServer
from agent.daemon.household import Household
from agent.daemon.jobs import Identity, launch
from agent.daemon.log import say
from agent.daemon.loop import Loop, Timer

TICK_S = 30.0
REAP_S = 0.1
# What a killed connection had under way, and the answers to it: one round trip, also by satellite.
SETTLE_S = 2.0
JOB_MAX_S = 300.0  # a report at its slowest is a minute
PASSED_ON = ("SSL_CERT_FILE", "SSL_CERT_DIR")


class ReportJob:
    """One for the daemon."""

    def __init__(
        self, loop: Loop, settings: Settings, household: Household, control: ControlServer, command: list[str]
    ) -> None:
        self._loop = loop
        self._household = household
        self._control = control
        self._command = command
        self._environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        self._environment.update({name: os.environ[name] for name in PASSED_ON if name in os.environ})
        self._limit: Timer | None = None
        self.pid = 0
        self._ended = time.monotonic()  # a job of the daemon before this one died with it
        self._identity: Identity | None = None
        try:
            self._identity = Identity(settings, "jobs_user")
        except BadInput as error:
            say(f"no report is sent: {error}")

    def begin(self) -> None:
        """Look again and again whether there is something to do."""
        if self._identity is not None:
            self._wait()

    def _wait(self) -> None:
        # Half a tick to one and a half: at a steady beat, when a report arrives would tell when the daemon was started.
        spread = int.from_bytes(self._household.reports.draw(4), "big") / (1 << 32)
        self._loop.after(TICK_S * (0.5 + spread), self._check)

    def _check(self) -> None:
        self._wait()
        if self._household.reports.tick() and not self.pid:
            self._start()

    def _start(self) -> None:
        if self._identity is None:
            return
        try:
            ours, theirs = socket.socketpair()
            self.pid = launch(self._command, self._environment, self._identity, theirs)
        except OSError:
            return  # no memory or descriptor left for a job: looked at again with the next tick
        theirs.close()
        self._limit = self._loop.after(JOB_MAX_S, self._too_long)
        self._control.adopt(ours, self._hung_up, REPORT)

    def _too_long(self) -> None:
        self.end()

    def _hung_up(self) -> None:
        self._loop.after(0, self._reap)

    def _reap(self) -> None:
        if self.pid and not self._gone():
            self._loop.after(REAP_S, self._reap)

    def _gone(self) -> bool:
        pid, _ = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return False
        self.pid = 0
        self._ended = time.monotonic()
        if self._limit:
            self._limit.cancel()
        return True

    def end(self) -> bool:
        """Kill the job; True while it is still there. Its sockets are cut, not flushed (see jobs/upload.py)."""
        if not self.pid or self._gone():
            return False
        os.kill(self.pid, signal.SIGKILL)
        return True

    def silence_s(self) -> float:
        """How long the wire may still carry answers to packets of a job that has gone; 0 when it is silent."""
        return max(self._ended + SETTLE_S - time.monotonic(), 0.0)
