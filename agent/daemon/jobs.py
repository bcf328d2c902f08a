"""Jobs: started when needed, given what they need as open descriptors, reaped, never restarted in a hurry.

The daemon holds the web listeners. While no web job runs it waits for a connection on them; then it starts the job,
which accepts from the same sockets. When the job has gone (idle or crashed) the daemon waits again.
"""

import os
import pwd
import signal
import socket
import sys
from collections.abc import Callable

from agent.daemon.loop import Loop

PAUSE_S = 1.0  # after a crash, so that a job that can't start does not eat the processor
PAUSE_MAX_S = 60.0
LONG_RUN_S = 30.0
REAP_S = 0.5


class Identity:
    """Whom a job becomes: looked up once, at the start; None means to stay who we are."""

    def __init__(self, user: str) -> None:
        self.ids: tuple[int, int] | None = None
        if os.geteuid() == 0:
            found = pwd.getpwnam(user)
            self.ids = (found.pw_uid, found.pw_gid)

    def assume(self) -> None:
        """In the child. Without capabilities from here on: a change from root to another user drops them all."""
        if self.ids is not None:
            os.setgroups([])
            os.setgid(self.ids[1])
            os.setuid(self.ids[0])


class WebJob:
    """`adopt(link, closed)` serves the job's control connection. `command` is the job's argument list."""

    def __init__(
        self,
        loop: Loop,
        listeners: list[socket.socket],
        command: list[str],
        environment: dict[str, str],
        identity: Identity,
        adopt: Callable[[socket.socket, Callable[[], None]], None],
    ) -> None:
        self._loop = loop
        self._listeners = listeners
        self._command = command
        self._environment = environment
        self._identity = identity
        self._adopt = adopt
        self._pid = 0
        self._pause = 0.0
        self._started = 0.0
        self._wait()

    def _wait(self) -> None:
        for listener in self._listeners:
            self._loop.add(listener, self._start)

    def _start(self) -> None:
        for listener in self._listeners:
            self._loop.remove(listener)
        ours, theirs = socket.socketpair()
        self._started = self._loop.now
        self._pid = os.fork()
        if self._pid == 0:
            self._become(theirs)
        theirs.close()
        self._adopt(ours, self._hung_up)

    def _become(self, link: socket.socket) -> None:
        """In the child: our own descriptors, user, environment, then the job's program. Never returns."""
        try:
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            for held in (link, *self._listeners):
                os.set_inheritable(held.fileno(), True)
            self._identity.assume()
            environment = {
                **self._environment,
                "PRIVACY_AGENT_CONTROL_FD": str(link.fileno()),
                "PRIVACY_AGENT_LISTEN_FDS": ",".join(str(listener.fileno()) for listener in self._listeners),
            }
            os.execve(self._command[0], self._command, environment)
        finally:
            os._exit(127)

    def _hung_up(self) -> None:
        self._loop.after(0, self._reap)

    def _reap(self) -> None:
        if not self._pid:
            return
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if pid == 0:
            # It closed the connection but lives: it can't serve anything any more.
            os.kill(self._pid, signal.SIGKILL)
            self._loop.after(REAP_S, self._reap)
            return
        self._pid = 0
        short = self._loop.now - self._started < LONG_RUN_S
        self._pause = min(max(self._pause * 2, PAUSE_S), PAUSE_MAX_S) if status and short else 0.0
        self._loop.after(self._pause, self._wait)

    def stop(self) -> None:
        if self._pid:
            os.kill(self._pid, signal.SIGTERM)


def python_command(root: str, module: str) -> list[str]:
    """The argument list that runs a module of this project alone: no site, no user's paths, no environment's."""
    code = f"import sys; sys.path.insert(0, {root!r}); from {module} import main; sys.exit(main())"
    return [sys.executable, "-I", "-S", "-c", code]
