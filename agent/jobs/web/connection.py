"""One client's connection: TLS or not by its first byte, requests in turn, limits on everything it can hold."""

from __future__ import annotations

from collections.abc import Callable, Coroutine

from agent.core.http import BadRequest, Head, HttpParser, chunk, response_head
from agent.daemon.loop import Loop
from agent.jobs.web import sse, throttle
from agent.jobs.web.effects import Resume, Task
from agent.jobs.web.http_types import Problem, WebRequest, WebResponse, bad_request
from agent.jobs.web.routes import BODY_MAX
from agent.platform.cmodules import socket

MYPY = False
if MYPY:
    from typing import Any

READ_BYTES = 16384
# Seconds a connection may spend in a state. `head`: a slow loris holds one place for ten seconds, no longer.
TIME_LIMITS = {"head": 10.0, "idle": 75.0, "body": 20.0, "work": 120.0, "write": 30.0, "stream": 86400.0}
TLS_HANDSHAKE = 0x16
SECURITY = [
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
]


FILES_MAX = 1  # a file of 2 MB takes some 4 MB while it is read
SKIP_MAX = 2 * 1024 * 1024  # of a body that is not wanted yet; nothing of it is stored


class ConnectionHost:
    """What a connection has of the server that it belongs to; `streams` are those to which events go.

    `files` are those that send a large body, or whose handler still has it: FILES_MAX at once, whoever they are.
    """

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.files: set[HttpConnection] = set()
        self.streams: list[HttpConnection] = []
        self.last_minute = sse.LastMinute(loop.now)

    def respond(self, request: WebRequest) -> Coroutine[Any, Any, WebResponse]:
        """The application's handler of a request, begun."""
        raise NotImplementedError

    def body_limit(self, head: Head, secure: bool) -> int:
        """How many bytes of a body are taken."""
        raise NotImplementedError

    def perform(self, effect: Any, resume: Resume) -> None:
        """What a handler awaits."""
        raise NotImplementedError

    def tls(self, sock: socket.socket) -> Any:
        """The connection under TLS. OSError without a certificate."""
        raise NotImplementedError

    def drop(self, connection: HttpConnection) -> None:
        """Forget a connection that is closed."""
        raise NotImplementedError


class HttpConnection:
    """States: head (reading one) → body → work (a handler runs) → write → idle or closed; or stream."""

    def __init__(self, server: ConnectionHost, sock: socket.socket, peer: str) -> None:
        self.server = server
        self.sock: socket.socket = sock
        self.peer = peer
        self.source = throttle.source(peer)
        self.local, self.port = sock.getsockname()[:2]
        self.local = plain_address(self.local)
        self.secure = False
        self.state = ""
        self.deadline = 0.0
        self.filter: Any = None
        self._known = False
        self._reader = HttpParser()
        self._head: Head | None = None
        self._asked = ""
        self._unwanted: tuple[int, Problem] | None = None  # what is left of a body, and the answer to it
        self._out = b""
        self._task: Task | None = None
        self._response: WebResponse | None = None
        self._chunked = False
        self._close_after = False
        self._enter("head")

    # Descriptor events

    def guarded(self, call: Callable[[], None]) -> None:
        """What nobody expected ends this connection and no other."""
        try:
            call()
        except Exception as error:  # noqa: BLE001 - the barrier
            self.server.loop.faults.met(error)
            self.close()

    def readable(self) -> None:
        self.guarded(self._read)

    def writable(self) -> None:
        self.guarded(self._write)

    def _read(self) -> None:
        try:
            data = self._receive()
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        if not data:
            self.close()
            return
        if self.state == "stream":
            return
        self._reader.feed(data)
        if self.state == "idle":
            self._enter("head")
        self._advance()

    def _write(self) -> None:
        try:
            while self._out:
                sent = self._send(self._out[:65536])
                self._out = self._out[sent:]
                self.deadline = self.server.loop.now + TIME_LIMITS[self.state]
        except BlockingIOError:
            self._watch()
            return
        except OSError:
            self.close()
            return
        self._watch()
        if self.state == "write":
            self._written()

    def _receive(self) -> bytes:
        if not self._known:
            first = self.sock.recv(1, socket.MSG_PEEK)
            self._known = True
            if first and first[0] == TLS_HANDSHAKE:
                self.server.loop.remove(self.sock)
                self.sock = self.server.tls(self.sock)
                self.secure = True
                self._watch()
        if not self.secure:
            return self.sock.recv(READ_BYTES)
        return receive_tls(self.sock, READ_BYTES)

    def _send(self, data: bytes) -> int:
        return send_tls(self.sock, data) if self.secure else self.sock.send(data)

    # Requests

    def _advance(self) -> None:
        if self.state not in ("head", "body"):
            return
        try:
            if self.state == "head":
                self._head = self._reader.head()
                if self._head is None:
                    return
                self._begin_body(self._head)
            if self._unwanted is not None:
                self._skip(*self._unwanted)
            elif self.state == "body" and self._head is not None:
                body = self._reader.body(self._head.length)
                if body is not None:
                    self._work(self._head, body)
        except BadRequest as error:
            self._refuse(bad_request(error))
        except Problem as error:
            self._refuse(error)

    def _begin_body(self, head: Head) -> None:
        try:
            most = self.server.body_limit(head, self.secure)
        except Problem as problem:
            # The page is about to ask for the password: it reads that answer only after all is sent.
            self._unwanted = (min(head.length, SKIP_MAX), problem)
        else:
            if head.length > most:
                raise Problem(413, "too-large", "The body is larger than this address takes.")
            if head.length > BODY_MAX:
                self._take_place(head.length)
        self._enter("body")
        if head.wants_continue and head.length:
            self._out += b"HTTP/1.1 100 Continue\r\n\r\n"
            self.writable()

    def _take_place(self, length: int) -> None:
        if len(self.server.files) < FILES_MAX:
            self.server.files.add(self)
            return
        problem = Problem(503, "busy", "Another file is being read. Try again in a moment.")
        problem.headers.append(("Retry-After", "2"))
        self._unwanted = (min(length, SKIP_MAX), problem)

    def _skip(self, length: int, problem: Problem) -> None:
        left = self._reader.skip(length)
        self._unwanted = (left, problem) if left else None
        if not left:
            self._refuse(problem)

    def _work(self, head: Head, body: bytes) -> None:
        self._enter("work")
        self._watch()
        self._asked = self.server.last_minute.moment(self.server.loop.now) if head.path.startswith("/api/") else ""
        request = WebRequest(head, body, self.peer, self.local, self.port, self.secure)
        self._close_after = not head.keep_alive
        self._run(self.server.respond(request), self._answer)

    def _run(self, coroutine: Any, done: Any) -> None:
        self._task = Task(coroutine, self.server.perform, done)
        self._task.resume(None)

    def _refuse(self, problem: Problem) -> None:
        """Answer and close: what follows on this connection can't be trusted to be a request."""
        self._close_after = True
        self._answer(problem.response())

    def _answer(self, result: Any) -> None:
        self._task = None
        if self.state == "closed":
            return
        if isinstance(result, Exception):
            self.server.loop.faults.met(result)
            result = Problem(500, "internal", "Something went wrong in the web page's program.").response()
            self._close_after = True
        self.guarded(lambda: self._respond(result))

    def _respond(self, response: WebResponse) -> None:
        self._response = response
        head = self._head
        headers = response.headers + SECURITY
        if not any(name == "Cache-Control" for name, _ in headers):
            # What says how it may be kept is a file of the page; everything else concerns somebody.
            headers.append(("Cache-Control", "no-store"))
        if self._asked:
            headers.append((sse.ASKED, self._asked))
        self._chunked = response.more is not None and head is not None and head.keep_alive
        if response.stream is not None or response.more is not None and not self._chunked:
            self._close_after = True
        elif self._chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        elif response.status not in (204, 304):
            headers.append(("Content-Length", str(len(response.body))))
        if self._close_after:
            headers.append(("Connection", "close"))
        bodyless = head is not None and head.method == "HEAD"
        self._out += response_head(response.status, headers)
        if not bodyless:
            self._out += self._piece(response.body)
        self._enter("write")
        if bodyless:
            response.more = response.stream = None
        self.writable()

    def _piece(self, data: bytes) -> bytes:
        return chunk(data) if self._chunked and data else data

    def _written(self) -> None:
        """Everything given is sent: the next piece, the stream, the next request, or the end."""
        response = self._response
        if response is not None and response.more is not None:
            self._enter("work")
            self._watch()
            self._run(_await(response.more), self._next_piece)
        elif response is not None and response.stream is not None:
            self.filter = response.stream
            self._enter("stream")
            self.server.streams.append(self)
            if response.asked and self.server.last_minute.missed(response.asked, response.stream):
                self.push(sse.MISSED)
        elif self._close_after:
            self.close()
        else:
            self._response = self._head = None
            self._enter("head" if self._reader.pending else "idle")
            self._watch()
            if self.state == "head":
                # Not from here: a client may have sent hundreds of requests at once.
                self.server.loop.after(0, lambda: self.guarded(self._advance))

    def _next_piece(self, result: Any) -> None:
        self._task = None
        if self.state == "closed":
            return
        if isinstance(result, Exception):
            # The head has promised 200: only an early end can say that the rest is missing.
            self.server.loop.faults.met(result)
            self.close()
            return
        self._enter("write")
        if result:
            self._out += self._piece(result)
        elif self._response is not None:
            self._out += chunk(b"") if self._chunked else b""
            self._response.more = None
        self.writable()

    # Streams

    def push(self, data: bytes) -> None:
        """More of an event stream; one that is not read is cut, its page asks again when it wakes."""
        if len(self._out) > sse.BACKLOG_MAX:
            self.close()
            return
        self._out += data
        self.writable()

    # State

    def _enter(self, state: str) -> None:
        self.state = state
        if state not in ("body", "work"):
            self.server.files.discard(self)
        self.deadline = self.server.loop.now + TIME_LIMITS[state]

    def _watch(self) -> None:
        """Reads unless a handler runs or its answer is under way: what a client sends meanwhile waits in the kernel."""
        reading = self.readable if self.state not in ("work", "write") else None
        writing = self.writable if self._out else None
        if self.state != "closed" and (reading or writing):
            self.server.loop.add(self.sock, reading, writing)
        elif self.state != "closed":
            # Not even for errors: a client that hung up would wake the loop over and over.
            self.server.loop.remove(self.sock)

    def start(self) -> None:
        self._watch()

    def overdue(self) -> None:
        """Its time is over: a started request is told so, everything else is closed."""
        if self.state == "body" or self.state == "head" and self._reader.pending:
            self._refuse(Problem(408, "too-slow", "The request took too long to arrive."))
        else:
            self.close()

    def close(self) -> None:
        if self.state == "closed":
            return
        self.state = "closed"
        self.server.files.discard(self)
        if self._task is not None:
            self._task.cancel()
        self.server.drop(self)
        self.sock.close()


async def _await(more: Any) -> bytes:
    piece: bytes = await more()
    return piece


def plain_address(address: str) -> str:
    """A socket's address without zone, IPv4 in its own form."""
    address = address.partition("%")[0]
    return address[7:] if address.startswith("::ffff:") and "." in address else address


def receive_tls(sock: Any, size: int) -> bytes:
    """Like recv on a plain socket: BlockingIOError when there is nothing yet."""
    import ssl

    try:
        data: bytes = sock.recv(size)
        while sock.pending():
            data += sock.recv(size)
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
        raise BlockingIOError from error
    return data


def send_tls(sock: Any, data: bytes) -> int:
    import ssl

    try:
        return int(sock.send(data))
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
        raise BlockingIOError from error
