"""One connection of the control socket: one JSON object a line, both ways.

What comes in is begun in order, and an `off` is done once it is begun. A request without a `tag` ends before the next
one begins, because its reply could not be told from another's.
"""

from collections.abc import Callable, Generator

from agent.control.messages import Reply, Request, Row
from agent.core import jsontext
from agent.daemon.loop import Loop
from agent.platform.cmodules import socket

LINE_MAX = 64 * 1024
WAITING_MAX = 1 << 20  # bytes a peer may leave unread; a slower one is cut off
UNDER_WAY_MAX = 32  # long operations at once, per peer
DEPTH_MAX = 16  # of what stands in a request; the deepest one has 4
TURN_S = 0.005  # of requests that came in together; the rest wait for the next turn
INTERNAL = "something went wrong in the daemon, which goes on: its log says where"

Steps = Generator[float | None, None, Reply]


class Peer:
    """`perform(request)` gives the reply, or a generator that ends with it. A subscriber gets events in between."""

    def __init__(
        self,
        loop: Loop,
        link: socket.socket,
        perform: Callable[[Row], Reply | Steps],
        may_subscribe: bool,
        closed: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._link = link
        self._perform = perform
        self._may_subscribe = may_subscribe
        self._closed = closed
        self._incoming = b""
        self._lines: list[bytes] = []  # whole ones, to be begun
        self._outgoing = b""
        self._under_way = 0
        self._untagged = False  # a long one without a tag is under way
        self.subscribed = False
        link.setblocking(False)
        self._watch()

    def _readable(self) -> None:
        try:
            data = self._link.recv(LINE_MAX)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        *self._lines, self._incoming = (self._incoming + data).split(b"\n")
        if len(self._incoming) > LINE_MAX:
            self.send({"error": {"code": "bad_request", "message": "a request is at most 64 KiB"}})
            self.close()
            return
        self._begin_lines()

    def _begin_lines(self) -> None:
        """In order, for a moment. Meanwhile nothing more is read."""
        end = self._loop.clock() + TURN_S
        begun = 0
        for line in self._lines:
            if self._untagged or self._link.fileno() < 0:
                break
            if begun and self._loop.clock() > end:
                self._loop.after(0, self._begin_lines)
                break
            begun += 1
            self._line(line)
        del self._lines[:begun]
        self._watch()

    def _watch(self) -> None:
        reading = None if self._lines else self._readable
        writing = self._writable if self._outgoing else None
        if self._link.fileno() < 0:
            return
        if reading or writing:
            self._loop.add(self._link, reading, writing)
        else:
            # Watched for nothing, it would still wake the loop again and again after a hang-up.
            self._loop.remove(self._link)

    def _line(self, line: bytes) -> None:
        request = _read(line)
        if request is None:
            self.send({"error": {"code": "bad_request", "message": "send one JSON object a line"}})
            return
        try:
            self._answer(request)
        except Exception as error:  # noqa: BLE001 - the barrier
            self._loop.faults.met(error)
            self._reply(request, {"error": {"code": "internal", "message": INTERNAL}})

    def _answer(self, request: Request) -> None:
        if request.get("op") == "subscribe" and self._may_subscribe:
            self.subscribed = True
            self._reply(request, {"ok": {}})
            return
        if self._under_way >= UNDER_WAY_MAX:
            self._reply(request, {"error": {"code": "busy", "message": "too many requests at once; try again"}})
            return
        result = self._perform(request)
        if isinstance(result, dict):
            self._reply(request, result)
            return
        self._under_way += 1
        self._untagged = "tag" not in request
        self._loop.begin(self._long(request, result))

    def _long(self, request: Request, steps: Steps) -> Generator[float | None, None, None]:
        try:
            reply = yield from steps
            self._reply(request, reply)
        except Exception as error:  # noqa: BLE001 - the barrier
            self._loop.faults.met(error)
            self._reply(request, {"error": {"code": "internal", "message": INTERNAL}})
        self._under_way -= 1
        if "tag" not in request:
            self._untagged = False
            self._loop.after(0, self._begin_lines)

    def _reply(self, request: Request, reply: Reply) -> None:
        if "tag" in request:
            reply = {**reply, "tag": request["tag"]}
        self.send(reply)

    def send(self, message: Reply) -> None:
        if self._link.fileno() < 0:
            return
        self._outgoing += jsontext.dumps(message, separators=(",", ":")).encode() + b"\n"
        if len(self._outgoing) > WAITING_MAX:
            self.close()
            return
        self._writable()

    def _writable(self) -> None:
        try:
            sent = self._link.send(self._outgoing)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        self._outgoing = self._outgoing[sent:]
        self._watch()

    def close(self) -> None:
        if self._link.fileno() < 0:
            return
        self._loop.remove(self._link)
        self._link.close()
        self._closed()


def _read(line: bytes) -> Row | None:
    """The request of a line; None when it is none, is nested so deeply that its answer could not be written, or has a
    tag that is neither a number nor a text."""
    try:
        request = jsontext.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(request, dict) or not isinstance(request.get("tag", 0), int | str) or _deep(request, DEPTH_MAX):
        return None
    return request


def _deep(value: object, left: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    return left == 0 or any(_deep(part, left - 1) for part in (value.values() if isinstance(value, dict) else value))
