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

from agent.core.model import BadInput
from agent.core.settings import Settings
from agent.daemon.forked import NICE, yield_memory
from agent.daemon.log import say
from agent.daemon.loop import Loop, Timer

PAUSE_S = 1.0  # after a crash, so that a job that can't start does not eat the processor
PAUSE_MAX_S = 60.0
LONG_RUN_S = 30.0
REAP_S = 10.0  # a slow router takes seconds to end an interpreter
PATIENCE = 200  # looks, within REAP_S, whether a job that hung up has ended by itself
FEEDS_MAX_S = 3600.0  # fifteen feeds at their slowest, and the compile


class Identity:
    """Whom a job becomes: looked up once, at the start; None means to stay who we are. BadInput without such a user."""

    def __init__(self, settings: Settings, setting: str) -> None:
        self.ids: tuple[int, int] | None = None
        user = settings.text(setting)
        if os.geteuid() == 0:
            try:
                found = pwd.getpwnam(user)
            except KeyError:
                raise BadInput(f"setting {setting}: there is no user {user!r} on this system") from None
            self.ids = (found.pw_uid, found.pw_gid)

    def assume(self) -> None:
        """In the child. Without capabilities from here on: a change from root to another user drops them all."""
        if self.ids is not None:
            os.setgroups([])
            os.setgid(self.ids[1])
            os.setuid(self.ids[0])

    def make_folder(self, path: str) -> None:
        """A folder of ours that the job may write to, made without the right to give files away.

        A new file has our group, so ours is the job's for that moment.
        """
        if os.path.isdir(path):
            return
        if self.ids is None:
            os.makedirs(path, mode=0o700)
            return
        os.makedirs(os.path.dirname(path), mode=0o711, exist_ok=True)
        before = os.getegid()
        os.setegid(self.ids[1])
        try:
            os.mkdir(path, 0o770)
            os.chmod(path, 0o770)
        finally:
            os.setegid(before)


def launch(
    command: list[str],
    environment: dict[str, str],
    identity: Identity,
    link: socket.socket,
    handed: tuple[int, ...] = (),
    niceness: int = 0,
) -> int:
    """Start a job's program with its end of the control connection and other descriptors; returns its process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for held in (link.fileno(), *handed):
            os.set_inheritable(held, True)
        yield_memory()
        if niceness:
            os.nice(niceness)
        identity.assume()
        given = {**environment, "PRIVACY_AGENT_CONTROL_FD": str(link.fileno())}
        os.execve(command[0], command, given)
    finally:
        os._exit(127)


def _opened(paths: tuple[str, ...]) -> tuple[int, ...]:
    """Descriptors of all these files, or of none."""
    opened: list[int] = []
    try:
        for path in paths:
            opened.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        for held in opened:
            os.close(held)
        return ()
    return tuple(opened)


class WebJob:
    """`adopt(link, closed)` serves the job's control connection. `command` is the job's argument list.

    `certificate` are the paths of a certificate and its key. They are opened for the job, which may not read them;
    where they are not both there, it makes its own.
    """

    def __init__(
        self,
        loop: Loop,
        listeners: list[socket.socket],
        command: list[str],
        environment: dict[str, str],
        identity: Identity,
        certificate: tuple[str, str],
        adopt: Callable[[socket.socket, Callable[[], None]], None],
    ) -> None:
        self._loop = loop
        self._listeners = listeners
        self._command = command
        self._environment = environment
        self._identity = identity
        self._certificate = certificate
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
        self._started = self._loop.now
        try:
            ours = self._launch()
        except OSError as error:
            say(f"the web page could not be started: {error.strerror}; trying again")
            self._loop.after(PAUSE_MAX_S, self._wait)
            return
        self._adopt(ours, self._hung_up)

    def _launch(self) -> socket.socket:
        """Our end of the job's control connection. OSError when there is no memory or descriptor left for a job."""
        ours, theirs = socket.socketpair()
        listening = tuple(listener.fileno() for listener in self._listeners)
        opened = _opened(self._certificate)
        environment = {**self._environment, "PRIVACY_AGENT_LISTEN_FDS": ",".join(map(str, listening))}
        if opened:
            environment["PRIVACY_AGENT_TLS_FDS"] = ",".join(map(str, opened))
        try:
            self._pid = launch(self._command, environment, self._identity, theirs, listening + opened)
        finally:
            for held in opened:
                os.close(held)
            theirs.close()
        return ours

    def _hung_up(self) -> None:
        self._loop.after(0, self._reap)

    def _reap(self, patience: int = PATIENCE) -> None:
        if not self._pid:
            return
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if pid == 0:
            # It hung up and is about to end. One that lives on can't serve anything any more.
            if not patience:
                os.kill(self._pid, signal.SIGKILL)
            self._loop.after(REAP_S / PATIENCE, lambda: self._reap(max(patience - 1, 0)))
            return
        self._pid = 0
        short = self._loop.now - self._started < LONG_RUN_S
        self._pause = min(max(self._pause * 2, PAUSE_S), PAUSE_MAX_S) if status and short else 0.0
        self._loop.after(self._pause, self._wait)

    def stop(self) -> None:
        if self._pid:
            os.kill(self._pid, signal.SIGTERM)


class FeedsJob:
    """Fetches and compiles lists once, when started; `ended(status)` is called when it has gone, with its exit code or
    minus the signal that ended it.

    `folder` is where it keeps texts: ours, and its group's to write to. `target()` opens the file that it may write
    the finished set into.
    """

    def __init__(
        self,
        loop: Loop,
        command: list[str],
        environment: dict[str, str],
        identity: Identity,
        adopt: Callable[[socket.socket, Callable[[], None]], None],
        folder: str,
        target: Callable[[], int],
        ended: Callable[[int], None],
    ) -> None:
        self._loop = loop
        self._command = command
        self._environment = {**environment, "PRIVACY_AGENT_LISTS_DIR": folder}
        self._identity = identity
        self._adopt = adopt
        self._folder = folder
        self._target = target
        self._ended = ended
        self._limit: Timer | None = None
        self.pid = 0

    def start(self) -> bool:
        """False when the folder or the file can't be made."""
        try:
            self._identity.make_folder(self._folder)
            written = self._target()
        except OSError:
            return False
        try:
            ours, theirs = socket.socketpair()
            environment = {**self._environment, "PRIVACY_AGENT_SET_FD": str(written)}
            self.pid = launch(self._command, environment, self._identity, theirs, (written,), NICE)
            theirs.close()
        except OSError:
            return False
        finally:
            os.close(written)
        self._limit = self._loop.after(FEEDS_MAX_S, self.stop)
        self._adopt(ours, self._hung_up)
        return True

    def _hung_up(self) -> None:
        self._loop.after(0, self._reap)

    def _reap(self, patience: int = PATIENCE) -> None:
        """It hung up: it has said all and is about to end, or it is ended."""
        if not self.pid:
            return
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            if not patience:
                os.kill(self.pid, signal.SIGKILL)
            self._loop.after(REAP_S / PATIENCE, lambda: self._reap(max(patience - 1, 0)))
            return
        self.pid = 0
        if self._limit:
            self._limit.cancel()
        self._ended(os.waitstatus_to_exitcode(status))

    def stop(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGTERM)


def job_command(module: str) -> list[str]:
    """The argument list that runs a module of this project as a job."""
    return python_command(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), module)


def python_command(root: str, module: str) -> list[str]:
    """The argument list that runs a module of this project alone: no site, no user's paths, no environment's, and from
    before its first line on closed to other processes of its user."""
    brief = f"from agent.platform.lastwords import be_brief; be_brief({module.split('.')[2] + ' '!r})"
    alone = "from agent.platform.coredump import keep_out; keep_out()"
    code = f"import sys; sys.path.insert(0, {root!r}); {brief}; {alone}; from {module} import main; sys.exit(main())"
    return [sys.executable, "-I", "-S", "-c", code]
