"""The guard: the parent process that makes a dead or hung agent a plain router again.

It parses nothing and imports little. It shares the daemon's netlink socket, so it may delete the table that the daemon
made, and it is given the datagrams for that beforehand. It acts when the daemon's end of the heartbeat is closed or
silent. The daemon in turn reads end of file there when the guard is gone; the kernel removes the table when both are.
"""

from __future__ import annotations

import os
import select
import time

from agent.platform import lastwords
from agent.platform.cmodules import signal, socket

MYPY = False
if MYPY:  # neither is worth its memory
    from collections.abc import Callable

SILENCE_S = 1.5  # five beats of 0.3 s; with the cleanup, service is back within 2 s
BEAT = b"."
DISK = b"d"  # instead of a beat: the daemon waits for the disk from here on
# For one commit; a flash that takes longer is broken. The router is a plain one meanwhile.
DISK_S = 60.0
# Until its first beat a daemon has made no rules, so it may take its time: a slow flash reads Python for seconds.
START_S = 60.0
STOP_S = 10.0  # for the last snapshot
BACK_OFF_S = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
HEALTHY_S = 30.0  # a daemon that has run for this long starts again with the first delay
LOOK_S = 0.05  # how often a killed daemon is looked after that does not die, because its storage is frozen

# sysexits.h: it would end the same way again, so there is no restart, unless a daemon had run before.
EX_CONFIG = 78  # a setting can't be followed
EX_UNAVAILABLE = 69  # another daemon has the folders
FINAL = (EX_CONFIG, EX_UNAVAILABLE)
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
HANDLED = (*FORWARDED, signal.SIGCHLD)
SIGNALLED = 128  # as a shell says it: killed by the signal of the number above
HANDED_ON = [SIGNALLED + number for number in FORWARDED]  # how a daemon ends that is stopped before it is ready for it


def run(
    start: Callable[[int, socket.socket | None], int],
    netlink: socket.socket | None,
    farewell: list[bytes],
    back_off_s: tuple[float, ...] = BACK_OFF_S,
) -> int:
    """Runs `start(heartbeat, netlink)` in a child, again and again until it ends with 0, or, before any of them ever
    beat, with one of FINAL; returns that.

    `heartbeat` is the descriptor of a non-blocking socket. The daemon writes a byte to it at least every 0.3 s,
    beginning before it makes its first rule, and exits when it becomes readable, because then the guard is gone. Before
    it waits for the disk it writes DISK.
    `farewell` are datagrams for `netlink` that remove the table and end the flows; None where there is no netlink.
    SIGTERM, SIGINT and SIGHUP are handed on; after the first two there is no restart.

    Returns in the child as well, with what `start` returned: the caller exits with it either way.
    """
    guard = Guard(netlink, farewell)
    failures = 0
    while True:
        born = time.monotonic()
        heartbeat = guard.fork()
        if guard.child == 0:
            return start(heartbeat, netlink)
        code = guard.watch(heartbeat)
        if guard.stopping and code in HANDED_ON:
            return 0
        if guard.stopping or code == 0 or (code in FINAL and not guard.heard):
            return code
        if code > SIGNALLED and not guard.silent:
            lastwords.leave(f"the daemon was killed by signal {code - SIGNALLED}")
        if time.monotonic() - born > HEALTHY_S:
            failures = 0
        guard.pause(back_off_s[min(failures, len(back_off_s) - 1)])
        if guard.stopping:
            return 0
        failures += 1


class Guard:
    """One child at a time: born, watched, buried. `stopping` once SIGTERM or SIGINT came."""

    def __init__(self, netlink: socket.socket | None, farewell: list[bytes]) -> None:
        self.child = 0
        self.stopping = False
        self.silent = False
        self.heard = False  # whether any child ever beat: what it ran with was right then
        self._netlink = netlink
        self._farewell = farewell
        self._code: int | None = None  # of the child, once it is dead
        # Handlers, because PID 1 of a namespace ignores what has none; a socket, because poll() resumes after them.
        self._signals, self._wakeup = socket.socketpair()
        self._signals.setblocking(False)
        self._wakeup.setblocking(False)
        for number in HANDLED:
            signal.signal(number, _noted)
        signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)
        self._poll = select.poll()
        self._poll.register(self._signals, select.POLLIN)

    def fork(self) -> int:
        """Makes the child; returns the heartbeat's descriptor on either side, and `child` is 0 in the child."""
        ours, theirs = socket.socketpair()
        # A signal in between would reach the guard's handler in the child, and be lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
        self._code = None
        self.child = os.fork()
        mine, other = (ours, theirs) if self.child else (theirs, ours)
        other.close()
        mine.setblocking(False)
        if self.child == 0:
            self._forget()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
        return mine.detach()

    def _forget(self) -> None:
        """In the child: nothing of the guard's stays but the netlink socket."""
        signal.set_wakeup_fd(-1)
        for number in HANDLED:
            signal.signal(number, signal.SIG_DFL)
        # Until the daemon reads its settings again on it, a reload must not end it.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._signals.close()
        self._wakeup.close()

    def watch(self, heartbeat: int) -> int:
        """Until the child is dead and its traces are removed; its exit code, 128 + signal when it was killed."""
        self.silent = False
        self._poll.register(heartbeat, select.POLLIN)
        self._listen(heartbeat)
        self._poll.unregister(heartbeat)
        self._clean_up()
        self._bury()
        # A daemon that was slow rather than hung may have made its table again before it died.
        self._clean_up()
        os.close(heartbeat)
        return 1 if self._code is None else self._code

    def _listen(self, heartbeat: int) -> None:
        """Until the child's end is closed or silent for too long, or a stop takes too long."""
        due = end = time.monotonic() + START_S
        while True:
            fds = self._await(due)
            if heartbeat in fds:
                beat = _beat(heartbeat)
                if not beat:
                    return
                self.heard = True
                due = time.monotonic() + SILENCE_S
                end = time.monotonic() + DISK_S if beat.endswith(DISK) else due
            if self.stopping:
                self._wind_down(heartbeat)
                return
            if due <= time.monotonic() < end:
                # It makes its table again as soon as it goes on.
                self._clean_up()
                due = end
            if time.monotonic() >= due:
                self.silent = True
                _say("the daemon is silent; its rules are removed and it is started again")
                lastwords.leave("the daemon was silent for too long")
                return

    def _wind_down(self, heartbeat: int) -> None:
        """While stopping, silence only costs the rules: the last snapshot may take longer than a beat."""
        end = time.monotonic() + STOP_S
        silent = time.monotonic() + SILENCE_S
        while self._code is None and time.monotonic() < end:
            if heartbeat in self._await(min(end, silent)):
                if not _beat(heartbeat):
                    return
                silent = time.monotonic() + SILENCE_S
            elif time.monotonic() >= silent:
                self._clean_up()
                silent = end

    def _bury(self) -> None:
        """Kills the child and waits for its end; a stop does not wait for one that storage holds in the kernel."""
        while self._code is None:
            _kill(self.child, signal.SIGKILL)
            self._await(time.monotonic() + LOOK_S)
            self._reap()
            if self.stopping and self._code is None:
                return

    def pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < end:
            self._await(end)

    def _await(self, due: float) -> list[int]:
        """Descriptors with something to read, or [] when it is due; signals are dealt with on the way."""
        wait_ms = max(0, int((due - time.monotonic()) * 1000) + 1)
        fds = [fd for fd, _ in self._poll.poll(wait_ms)]
        if self._signals.fileno() in fds:
            for number in self._signals.recv(4096):
                self._signal(number)
        return fds

    def _signal(self, number: int) -> None:
        if number == signal.SIGCHLD:
            self._reap()
        elif number in FORWARDED:
            self.stopping = self.stopping or number != signal.SIGHUP
            if self._code is None:
                _kill(self.child, number)

    def _reap(self) -> None:
        """Every dead child: as PID 1 of a namespace the guard inherits the jobs' children too."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.child:
                code = os.waitstatus_to_exitcode(status)
                self._code = code if code >= 0 else SIGNALLED - code

    def _clean_up(self) -> None:
        """The kernel does the work within send(); its answers are of no use and make room."""
        if self._netlink is None:
            return
        for datagram in self._farewell:
            try:
                self._netlink.send(datagram, socket.MSG_DONTWAIT)
            except OSError:
                # The next datagram must still go out; the kernel removes the table at the latest with the socket.
                continue
        try:
            while True:
                self._netlink.recv(65536, socket.MSG_DONTWAIT)
        except OSError:
            return


def _beat(heartbeat: int) -> bytes:
    """What was heard; nothing when the other end is closed."""
    try:
        return os.read(heartbeat, 4096)
    except BlockingIOError:
        return BEAT
    except OSError:
        return b""


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _noted(number: int, frame: object) -> None:
    """The wake-up socket has the signal's number; that is all there is to do."""


def _say(sentence: str) -> None:
    try:
        os.write(2, b"privacy-agent: " + sentence.encode() + b"\n")
    except OSError:
        return
