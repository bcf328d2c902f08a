"""Jobs: programs started when needed, given what they need as open descriptors, and reaped."""

import os
import pwd
import sys
from collections.abc import Callable

from agent.core.model import BadInput
from agent.core.settings import Settings
from agent.daemon.forked import yield_memory
from agent.daemon.loop import Loop, Timer
from agent.platform.cmodules import signal, socket

# Where the system's or the household's authorities are, for those who keep them elsewhere: for jobs that go out.
AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
REAP_S = 10.0  # a slow router takes seconds to end an interpreter
PATIENCE = 200  # looks, within REAP_S, whether a job that hung up has ended by itself


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


def environment(*passed_on: str) -> dict[str, str]:
    """What a job's program is told of ours, and nothing else."""
    told = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    return {**told, **{name: os.environ[name] for name in passed_on if name in os.environ}}


class Job:
    """One program, started as often as wanted, one at a time. `adopt(link, hung_up)` serves its control connection.

    `ended(status)` is called when it has gone, with its exit code or minus the signal that ended it. One that runs for
    `limit_s` is ended by the signal `ends_by`; one that hung up and lives on is killed.
    """

    def __init__(
        self,
        loop: Loop,
        command: list[str],
        told: dict[str, str],
        identity: Identity,
        adopt: Callable[[socket.socket, Callable[[], None]], None],
        ended: Callable[[int], None],
        limit_s: float = 0.0,
        ends_by: int = signal.SIGTERM,
        niceness: int = 0,
    ) -> None:
        self._loop = loop
        self._command = command
        self._told = told
        self.identity = identity
        self._adopt = adopt
        self._ended = ended
        self._limit_s = limit_s
        self._ends_by = ends_by
        self._niceness = niceness
        self._limit: Timer | None = None
        self.pid = 0

    def start(self, told: dict[str, str], handed: tuple[int, ...] = ()) -> None:
        """`handed` are descriptors for it. OSError when there is no memory or descriptor left for a job."""
        ours, theirs = socket.socketpair()
        try:
            given = {**self._told, **told}
            self.pid = launch(self._command, given, self.identity, theirs, handed, self._niceness)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        if self._limit_s:
            self._limit = self._loop.after(self._limit_s, self.stop)
        self._adopt(ours, self._hung_up)

    def _hung_up(self) -> None:
        self._loop.after(0, self._reap)

    def _reap(self, patience: int = PATIENCE) -> None:
        """It hung up: it has said all and is about to end, or it is ended."""
        if not self.there():
            return
        if not patience:
            os.kill(self.pid, signal.SIGKILL)
        self._loop.after(REAP_S / PATIENCE, lambda: self._reap(max(patience - 1, 0)))

    def there(self) -> bool:
        """Whether it runs; one that has just gone is reaped."""
        if not self.pid:
            return False
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return True
        self.pid = 0
        if self._limit:
            self._limit.cancel()
        self._ended(os.waitstatus_to_exitcode(status))
        return False

    def stop(self) -> None:
        if self.pid:
            os.kill(self.pid, self._ends_by)


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
