"""One epoll loop: descriptors, timers, tasks in small steps, and the heartbeat that tells the guard it still turns.

A callback that raises has failed for itself alone (see faults.py). A descriptor of which that callback did not read
what woke it would wake the loop again at once, so it is left alone for a moment.
"""

from __future__ import annotations

import heapq
import os
import select
import time
from collections.abc import Callable, Generator
from functools import partial

from agent.daemon.faults import Faults
from agent.daemon.guard import BEAT, DISK
from agent.platform.cmodules import socket

NEVER = float("inf")
BEAT_S = 0.3  # five missed beats fit into the 1.5 s of silence after which the guard acts
STOOD_S = 1.0  # a little less than that silence
IDLE_S = 1.0  # the longest sleep: a signal's handler that called stop() is noticed within it
READABLE = select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR
WRITABLE = select.EPOLLOUT | select.EPOLLHUP | select.EPOLLERR
REST_S = 0.1  # of a descriptor whose callback failed: ten failures a second cost nothing
_EVENTS_MAX = 64  # of a turn; the kernel tells the others in the next one


class Timer:
    """One call to come. `cancel()` may be called at any time, also after it ran."""

    __slots__ = ("due", "call")

    def __init__(self, due: float, call: Callable[[], None] | None) -> None:
        self.due = due
        self.call = call

    def cancel(self) -> None:
        self.call = None

    def __lt__(self, other: Timer) -> bool:
        return self.due < other.due


class Repeat:
    """A call every so many seconds, counted from the end of the one before."""

    __slots__ = ("loop", "seconds", "call", "timer")

    def __init__(self, loop: Loop, seconds: float, call: Callable[[], None]) -> None:
        self.loop = loop
        self.seconds = seconds
        self.call = call
        self.timer = loop.after(seconds, self.tick)

    def tick(self) -> None:
        timer = self.timer
        try:
            self.call()
        finally:
            if self.timer is timer and timer.call is not None:
                self.timer = self.loop.after(self.seconds, self.tick)

    def cancel(self) -> None:
        self.timer.cancel()


class AtDisk:
    """Made by `Loop.at_disk`. The guard is told that the loop stands still for the disk, and that it goes on."""

    __slots__ = ("loop", "began")

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.began = 0.0

    def __enter__(self) -> None:
        self.began = self.loop.clock()
        self.loop.tell(DISK)

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        self.loop.tell(BEAT)
        if self.loop.clock() - self.began > STOOD_S:
            self.loop.after(0, lambda: self.loop.stood())


class Loop:
    """`now` is the monotonic time at which this turn woke up, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, faults: Faults | None = None) -> None:
        self.clock = clock
        self.faults = faults or Faults()
        self.now = clock()
        # A packet's verdict costs 2 to 4 us less than with poll(), which asks all descriptors each time.
        self._poll = select.epoll()
        self._calls: dict[int, tuple[Callable[[], None] | None, Callable[[], None] | None]] = {}
        self._resting: set[int] = set()
        self._timers: list[Timer] = []
        self._tasks: list[Generator[float | None, None, None]] = []
        self._beat_fd = -1
        self._beat_due = NEVER
        self._beaten = False
        self.stood: Callable[[], None] = lambda: None  # after the loop stood still for so long that the guard acted
        self._stopped = False

    def add(
        self,
        source: int | socket.socket,
        on_readable: Callable[[], None] | None,
        on_writable: Callable[[], None] | None = None,
    ) -> None:
        """Watches a descriptor; a second `add` of the same one replaces what is watched. Errors and hang-ups
        wake whichever callback there is, which meets them at its own read or write."""
        fd = source if isinstance(source, int) else source.fileno()
        calls = (on_readable, on_writable)
        if fd not in self._calls:
            self._poll.register(fd, _events(calls))
        elif fd not in self._resting:
            self._poll.modify(fd, _events(calls))
        self._calls[fd] = calls

    def remove(self, source: int | socket.socket) -> None:
        """Stops watching; to be called before the descriptor is closed. Nothing happens if it was not watched."""
        fd = source if isinstance(source, int) else source.fileno()
        if self._calls.pop(fd, None) is None:
            return
        if fd in self._resting:
            self._resting.discard(fd)
        else:
            self._poll.unregister(fd)

    def at(self, due: float, call: Callable[[], None]) -> Timer:
        timer = Timer(due, call)
        heapq.heappush(self._timers, timer)
        return timer

    def after(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Counted from the start of this turn."""
        return self.at(self.now + seconds, call)

    def every(self, seconds: float, call: Callable[[], None]) -> Repeat:
        return Repeat(self, seconds, call)

    def task(self, steps: Generator[float | None, None, None]) -> None:
        """Long work in small pieces: one step of it runs in each turn, so a step may take a few milliseconds.

        A step that yields a number waits for something else: its next one comes after that many seconds.
        """
        self._tasks.append(steps)

    def begin(self, steps: Generator[float | None, None, None]) -> None:
        """The same with the first step taken at once, so that what is begun in order is done in order."""
        try:
            pause_s = next(steps)
        except StopIteration:
            return
        except Exception as error:  # noqa: BLE001 - the barrier
            self.faults.met(error)
            return
        if pause_s:
            self.after(pause_s, partial(self.task, steps))
        else:
            self.task(steps)

    def heartbeat(self, fd: int) -> None:
        """Writes a byte to this non-blocking pipe at most every 0.3 s, and stops when nobody holds its other end."""
        self._beat_fd = fd
        self._beat_due = self.now

    def at_disk(self) -> AtDisk:
        """As `with`, around what waits for the disk."""
        return AtDisk(self)

    def run(self) -> None:
        """Turns until `stop()`, which may have come before."""
        self.now = self.clock()
        while not self._stopped:
            self._turn()
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True

    def _turn(self) -> None:  # noqa: C901 - each query comes here, and each call costs it
        clock, timers = self.clock, self._timers
        # Poll rounds up to milliseconds, so that no timer is waited for in vain.
        left = 0.0
        if not self._tasks:
            due = self._beat_due
            if timers and timers[0].due < due:
                due = timers[0].due
            left = due - clock()
            left = IDLE_S if left > IDLE_S else 0.0 if left < 0.0 else left
        events = self._poll.poll(left, _EVENTS_MAX)
        self.now = now = clock()
        if now >= self._beat_due:
            self._beat()
        watched = self._calls
        for fd, event in events:
            # Looked up each time: an earlier callback of this turn may have removed it.
            if fd not in watched:
                continue
            on_readable, on_writable = watched[fd]
            try:
                if on_readable and event & READABLE:
                    on_readable()
                # Asked again, because the reader may have closed it.
                if on_writable and event & WRITABLE and fd in watched:
                    on_writable()
            except Exception as error:  # noqa: BLE001 - the barrier
                self.faults.met(error)
                self._rest(fd)
        if timers and timers[0].due <= now:
            self._run_timers()
        if self._tasks:
            self._step_tasks()

    def _rest(self, fd: int) -> None:
        """Out of sight, for a hang-up is told even to whom watches for nothing."""
        if fd in self._calls and fd not in self._resting:
            self._poll.unregister(fd)
            self._resting.add(fd)
            self.after(REST_S, partial(self._rested, fd))

    def _rested(self, fd: int) -> None:
        if fd in self._resting:
            self._resting.discard(fd)
            self._poll.register(fd, _events(self._calls[fd]))

    def tell(self, beat: bytes) -> None:
        """The guard, between two turns. Before the first beat it waits for long anyway."""
        if self._beaten:
            self._beat(beat)

    def _beat(self, beat: bytes = BEAT) -> None:
        self._beat_due = self.now + BEAT_S
        self._beaten = True
        try:
            os.write(self._beat_fd, beat)
        except BlockingIOError:
            pass  # the guard is behind, not gone; a full pipe says "alive" just as well
        except BrokenPipeError:
            self.stop()

    def _run_timers(self) -> None:
        due = []
        # Taken out first: a timer that sets another one with no delay must not hold the loop.
        while self._timers and self._timers[0].due <= self.now:
            due.append(heapq.heappop(self._timers))
        for timer in due:
            try:
                if timer.call is not None:
                    timer.call()
            except Exception as error:  # noqa: BLE001 - the barrier
                self.faults.met(error)

    def _step_tasks(self) -> None:
        tasks, self._tasks = self._tasks, []
        for steps in tasks:
            self.begin(steps)


def _events(calls: tuple[Callable[[], None] | None, Callable[[], None] | None]) -> int:
    return (select.EPOLLIN if calls[0] else 0) | (select.EPOLLOUT if calls[1] else 0)
