"""The web job's loop: accepts, limits, hands requests to the application, sends events, goes when idle."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial

from agent.core.http import Head
from agent.daemon.loop import Loop
from agent.jobs.web import sse
from agent.jobs.web.certificate import Certificate
from agent.jobs.web.connection import ConnectionHost, HttpConnection, plain_address
from agent.jobs.web.control import AsyncControl
from agent.jobs.web.effects import Ask, Resume, Work
from agent.jobs.web.http_types import WebRequest, WebResponse
from agent.jobs.web.workers import Workers
from agent.platform.cmodules import accept, socket

MYPY = False
if MYPY:
    import ssl
    from typing import Any

# A household's browsers hold some 30. Beyond this the idlest of the greediest address makes room.
CONNECTIONS_MAX = 192
ACCEPTS_A_TURN = 32
# Which of a source's connections goes first.
WORTH = {"head": 0, "idle": 0, "body": 1, "stream": 2, "write": 3, "work": 4}
SWEEP_S = 1.0


class Application:
    """What the server needs of the application: three functions."""

    def __init__(
        self,
        respond: Callable[[WebRequest], Coroutine[Any, Any, WebResponse]],
        body_limit: Callable[[Head, bool], int],
        event: Callable[[dict[str, Any]], None],
    ) -> None:
        self.respond = respond
        self.body_limit = body_limit
        self.event = event


class WebServer(ConnectionHost):
    """`serve()` returns when nobody used it for `idle_s` seconds; an open event stream alone is no use."""

    def __init__(
        self, loop: Loop, listeners: list[socket.socket], control: AsyncControl, certificate: Certificate | None
    ) -> None:
        super().__init__(loop)
        self._certificate = certificate
        self._tls: ssl.SSLContext | None = None
        self._listeners = listeners
        self._control = control
        self._workers = Workers(loop.add, loop.remove)
        self._connections: list[HttpConnection] = []
        self._application: Application | None = None
        self._last_use = loop.now
        self._idle_s = 0.0

    def serve(self, application: Application, idle_s: float) -> None:
        self._application = application
        self._idle_s = idle_s
        self._last_use = self.loop.now
        for listener in self._listeners:
            listener.setblocking(False)
            self._watch_listener(listener)
        self._watch_control()
        self.loop.every(SWEEP_S, self._sweep)
        self.loop.every(sse.BEAT_S, lambda: self._push(sse.BEAT, None))
        self.loop.run()
        self._close()

    # What connections ask for

    def respond(self, request: WebRequest) -> Coroutine[Any, Any, WebResponse]:
        assert self._application is not None
        if request.head.path != "/metrics":
            # A collector's regular scrape is not a person's use.
            self._last_use = self.loop.now
        return self._application.respond(request)

    def body_limit(self, head: Head, secure: bool) -> int:
        assert self._application is not None
        return self._application.body_limit(head, secure)

    def perform(self, effect: Any, resume: Resume) -> None:
        if isinstance(effect, Ask):
            self._control.send(effect.op, effect.arguments, resume)
            self._watch_control()
        elif isinstance(effect, Work):
            self._workers.start(effect, resume)
        else:
            raise TypeError("a handler awaited something else than an effect")

    def tls(self, sock: socket.socket) -> ssl.SSLSocket:
        """The connection under TLS. OSError without a certificate; OpenSSL is loaded with the first one only."""
        if self._certificate is None:
            raise OSError("no certificate")
        if self._tls is None:
            self._tls = self._certificate.context()
        return self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)

    def drop(self, connection: HttpConnection) -> None:
        self.loop.remove(connection.sock)
        if connection in self._connections:
            self._connections.remove(connection)
        if connection in self.streams:
            self.streams.remove(connection)

    # Events of the loop

    def _watch_listener(self, listener: socket.socket) -> None:
        self.loop.add(listener, lambda: self._accept(listener))

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(ACCEPTS_A_TURN):
            try:
                sock, address = accept(listener)
            except BlockingIOError:
                return
            except OSError:
                # The client has gone already, or the process is out of descriptors: room comes with the sweep.
                return
            sock.setblocking(False)
            if len(self._connections) >= CONNECTIONS_MAX:
                self._make_room()
            connection = HttpConnection(self, sock, plain_address(str(address[0])))
            self._connections.append(connection)
            connection.start()

    def _make_room(self) -> None:
        """Close one connection: of the source that holds most, the least useful one that waits longest."""
        counts: dict[str, int] = {}
        for connection in self._connections:
            counts[connection.source] = counts.get(connection.source, 0) + 1
        found = min(self._connections, key=lambda one: (-counts[one.source], WORTH[one.state], one.deadline))
        found.close()

    def _watch_control(self) -> None:
        self.loop.add(
            self._control.sock,
            self._read_control,
            self._write_control if self._control.wants_write else None,
        )

    def _read_control(self) -> None:
        self._control.read()
        self._watch_control()

    def _write_control(self) -> None:
        self._control.write()
        self._watch_control()

    def take_event(self, event: dict[str, Any]) -> None:
        """An event of the daemon: to the application first, then to the pages that may know."""
        if self._application is not None:
            self._application.event(event)
        data = sse.encode(event)
        if data:
            self.last_minute.add(self.loop.now, event)
            self._push(data, event)

    def _push(self, data: bytes, event: dict[str, Any] | None) -> None:
        for connection in self.streams[:]:
            connection.guarded(partial(self._push_to, connection, data, event))

    @staticmethod
    def _push_to(connection: HttpConnection, data: bytes, event: dict[str, Any] | None) -> None:
        if event is None or connection.filter(event):
            connection.push(data)

    def _sweep(self) -> None:
        now = self.loop.now
        for connection in self._connections[:]:
            if connection.deadline <= now:
                connection.guarded(connection.overdue)
        working = [one for one in self._connections if one.state in ("body", "work", "write")]
        if working or self._workers.busy:
            self._last_use = now
        elif now - self._last_use >= self._idle_s:
            self._sleep()

    def _sleep(self) -> None:
        # From here on new connections wait in the daemon's listener for the next job.
        for listener in self._listeners:
            self.loop.remove(listener)
        self._push(sse.SLEEP, None)
        self.loop.stop()

    def _close(self) -> None:
        for connection in self._connections[:]:
            connection.close()
        for sock in (*self._listeners, self._control.sock):
            sock.close()
