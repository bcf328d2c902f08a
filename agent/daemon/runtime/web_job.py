"""The web page's listeners. While no web job runs the daemon waits for a connection on them; then it starts the job,
which accepts from the same sockets. When the job has gone (idle or crashed) the daemon waits again.
"""

import os
from collections.abc import Callable

from agent.core.addresses import parse_endpoint
from agent.core.settings import Settings
from agent.daemon.control import ControlServer
from agent.daemon.faults import STRICT
from agent.daemon.jobs import Identity, Job, environment, job_command
from agent.daemon.log import say
from agent.daemon.loop import Loop
from agent.platform.cmodules import socket

PAUSE_S = 1.0  # after a crash, so that a job that can't start does not eat the processor
PAUSE_MAX_S = 60.0
LONG_RUN_S = 30.0
PASSED_ON = ("PRIVACY_AGENT_WEB_IDLE_S", "PRIVACY_AGENT_WEB_TLS", STRICT)


def web_job(loop: Loop, settings: Settings, control: ControlServer) -> "WebJob | None":
    """None where no page is served. BadInput without the user, OSError without the address."""
    if not settings.texts("web_listen"):
        return None
    identity = Identity(settings, "web_user")
    listeners = [_listener(endpoint) for endpoint in settings.texts("web_listen")]
    told = {**environment(*PASSED_ON), "PRIVACY_AGENT_WEB_HOSTS": ",".join(settings.texts("web_hosts"))}
    certificate = (settings.text("web_certificate"), settings.text("web_key"))
    return WebJob(loop, listeners, job_command("agent.jobs.web.__main__"), told, identity, certificate, control.adopt)


class WebJob:
    """`certificate` are the paths of a certificate and its key. They are opened for the job, which may not read them;
    where they are not both there, it makes its own. For the rest see Job.
    """

    def __init__(
        self,
        loop: Loop,
        listeners: list[socket.socket],
        command: list[str],
        told: dict[str, str],
        identity: Identity,
        certificate: tuple[str, str],
        adopt: Callable[[socket.socket, Callable[[], None]], None],
    ) -> None:
        self._loop = loop
        self._listeners = listeners
        self._certificate = certificate
        self._job = Job(loop, command, told, identity, adopt, self._ended)
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
            self._launch()
        except OSError as error:
            say(f"the web page could not be started: {error.strerror}; trying again")
            self._loop.after(PAUSE_MAX_S, self._wait)

    def _launch(self) -> None:
        listening = tuple(listener.fileno() for listener in self._listeners)
        opened = _opened(self._certificate)
        told = {"PRIVACY_AGENT_LISTEN_FDS": ",".join(map(str, listening))}
        if opened:
            told["PRIVACY_AGENT_TLS_FDS"] = ",".join(map(str, opened))
        try:
            self._job.start(told, listening + opened)
        finally:
            for held in opened:
                os.close(held)

    def _ended(self, status: int) -> None:
        short = self._loop.now - self._started < LONG_RUN_S
        self._pause = min(max(self._pause * 2, PAUSE_S), PAUSE_MAX_S) if status and short else 0.0
        self._loop.after(self._pause, self._wait)

    def stop(self) -> None:
        self._job.stop()


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


def _listener(endpoint: str) -> socket.socket:
    address, port = parse_endpoint(endpoint)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"setting web_listen: {endpoint}: {error.strerror}") from error
    listener.setblocking(False)
    return listener
