"""Counts what a report says, starts the report job when there is something to do, and ends it on opting out."""

import json
import os
import signal
import socket
import time

from agent import __version__
from agent.core.model import HISTORY, PROTECTION
from agent.core.settings import Settings
from agent.daemon.control import REPORT, Control
from agent.daemon.household import Household
from agent.daemon.jobs import Identity, launch
from agent.daemon.loop import Loop, Timer
from agent.daemon.reports.agreement import COUNTING

TICK_S = 30.0
REAP_S = 0.1
# What a killed connection had under way, and the answers to it: one round trip, also by satellite.
SETTLE_S = 2.0
JOB_MAX_S = 300.0  # a report at its slowest is a minute
WEEK_S = 7 * 86400
PASSED_ON = ("SSL_CERT_FILE", "SSL_CERT_DIR")
REFUSED = "SELECT category, COUNT(*) FROM attempts WHERE device=? AND list != '' AND age > ? GROUP BY category"


def counting(household: Household) -> dict[str, int]:
    """Device → the household's age since which it counts, as an adult's or a shared one, without a break.

    Looked at with each tick while reports are on, so that nothing counts of the time when it was a child's.
    """
    from agent.core.summary import counts_for_summary

    kept: dict[str, int] = json.loads(household.state.meta(COUNTING, "{}"))
    age, state = household.clock.age(), household.state
    counted = [device for device in state.devices() if counts_for_summary(household.group_of(device), device.shared)]
    found = {str(device.id): kept.get(str(device.id), age) for device in counted}
    if household.reports.running and found != kept:
        state.put_meta(COUNTING, json.dumps(found))
    return found


def facts(household: Household, since_age: int):  # type: ignore[no-untyped-def]
    """summary.Facts of the last week, and of nothing before `since_age`: adults' and shared devices, and what lists
    refused (not the household's own rules)."""
    from agent.core.summary import Facts

    household.flush()
    since = counting(household)
    devices = [device for device in household.state.devices() if str(device.id) in since]
    oldest = max(household.clock.age() - WEEK_S, since_age)
    refused: dict[str, int] = {}
    for device in devices:
        # Before opting in nobody watched since when a device counts; nothing of that time is ever sent.
        start = max(oldest, since[str(device.id)]) if household.reports.running else oldest
        for category, found in household.records.db.sql.execute(REFUSED, (device.id, start)):
            refused[str(category)] = refused.get(str(category), 0) + int(found)
    on = [sum(household.is_on(device, name) for device in devices) for name in (PROTECTION, HISTORY)]
    return Facts(refused, on[0], on[1], household.lists_state(), __version__)


def count(household: Household, since_age: int, epsilon: int) -> list[int]:
    """The week's numbers with noise."""
    from agent.core import summary  # once a week

    return summary.noised(summary.answers(facts(household, since_age)), epsilon, household.reports.draw)


def wire(household: Household) -> None:
    """What reports count, and since when."""
    household.reports.watch = lambda: counting(household)
    household.reports.counted = lambda since_age, epsilon: count(household, since_age, epsilon)


class Reporting:
    """One for the daemon."""

    def __init__(
        self, loop: Loop, settings: Settings, household: Household, control: Control, command: list[str]
    ) -> None:
        self._loop = loop
        self._household = household
        self._control = control
        self._command = command
        self._identity = Identity(settings.text("jobs_user"))
        self._environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        self._environment.update({name: os.environ[name] for name in PASSED_ON if name in os.environ})
        self._limit: Timer | None = None
        self.pid = 0
        self._ended = time.monotonic()  # a job of the daemon before this one died with it
        household.reports.end_job = self.end
        household.reports.silence_s = self.silence_s
        wire(household)
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
        ours, theirs = socket.socketpair()
        self.pid = launch(self._command, self._environment, self._identity, theirs)
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
        """Kill the job; True while it still is there. Its sockets are set to be cut, not flushed (see jobs/post.py)."""
        if not self.pid or self._gone():
            return False
        os.kill(self.pid, signal.SIGKILL)
        return True

    def silence_s(self) -> float:
        """How long the wire may still carry answers to packets of a job that has gone; 0 when it is silent."""
        return max(self._ended + SETTLE_S - time.monotonic(), 0.0)
