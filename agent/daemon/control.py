"""The control socket: one JSON object a line, from the command line, the rpcd plugin and the jobs.

Root and the daemon's own user may ask on the socket (peer credentials, mode 0600); a job asks on the connection that
it inherits. No operation holds the loop: a long one is a generator and goes on a step a turn.
"""

import contextlib
import json
import os
import socket
import struct
from collections.abc import Callable, Generator
from types import GeneratorType

from agent.core.model import BadInput
from agent.daemon.household import Household
from agent.daemon.loop import Loop
from agent.daemon.operations import CLI_ONLY, FEEDS_ONLY, REPORT_ONLY, TABLE, WEB_ONLY
from agent.daemon.operations.arguments import Refused
from agent.daemon.store.database import StorageError

LINE_MAX = 64 * 1024
PEERS_MAX = 32
WAITING_MAX = 1 << 20  # bytes a peer may leave unread; a slower one is cut off
UNDER_WAY_MAX = 32  # long operations at once, per peer
CLI = "cli"
WEB = "web"
FEEDS = "feeds"
REPORT = "report"
# Role → what it may not ask for. A job that reads strangers' texts may ask for nothing but its own.
REFUSED = {
    CLI: WEB_ONLY | FEEDS_ONLY | REPORT_ONLY,
    WEB: CLI_ONLY | FEEDS_ONLY | REPORT_ONLY,
    FEEDS: frozenset(TABLE) - FEEDS_ONLY,
    REPORT: frozenset(TABLE) - REPORT_ONLY,
}


class Peer:
    """One connection. `role` is CLI, WEB, FEEDS or REPORT; a subscriber gets events between its replies."""

    def __init__(self, control: "Control", link: socket.socket, role: str, closed: Callable[[], None]) -> None:
        self._control = control
        self._loop = control.loop
        self._link = link
        self._role = role
        self._closed = closed
        self._incoming = b""
        self._outgoing = b""
        self._under_way = 0
        self.subscribed = False
        link.setblocking(False)
        self._loop.add(link, self._readable)

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
        *lines, self._incoming = (self._incoming + data).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self._incoming) > LINE_MAX:
            self.send({"error": {"code": "bad_request", "message": "a request is at most 64 KiB"}})
            self.close()

    def _line(self, line: bytes) -> None:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            self.send({"error": {"code": "bad_request", "message": "send one JSON object a line"}})
            return
        self._answer(request)

    def _answer(self, request: dict[str, object]) -> None:
        if request.get("op") == "subscribe" and self._role in (CLI, WEB):
            self.subscribed = True
            self._reply(request, {"ok": {}})
            return
        if self._under_way >= UNDER_WAY_MAX:
            self._reply(request, {"error": {"code": "busy", "message": "too many requests at once; try again"}})
            return
        result = self._control.perform(request, self._role)
        if isinstance(result, dict):
            self._reply(request, result)
            return
        self._under_way += 1
        self._loop.task(self._long(request, result))

    def _long(
        self, request: dict[str, object], steps: Generator[float | None, None, object]
    ) -> Generator[float | None, None, None]:
        reply = yield from self._control.drive(steps)
        self._under_way -= 1
        self._reply(request, reply)

    def _reply(self, request: dict[str, object], reply: dict[str, object]) -> None:
        if "tag" in request:
            reply = {**reply, "tag": request["tag"]}
        self.send(reply)

    def send(self, message: dict[str, object]) -> None:
        if self._link.fileno() < 0:
            return
        self._outgoing += json.dumps(message, separators=(",", ":")).encode() + b"\n"
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
        self._loop.add(self._link, self._readable, self._writable if self._outgoing else None)

    def close(self) -> None:
        if self._link.fileno() < 0:
            return
        self._loop.remove(self._link)
        self._link.close()
        self._control.peers.discard(self)
        self._closed()


class Control:
    """The listening socket and its peers."""

    def __init__(self, loop: Loop, household: Household, path: str) -> None:
        self.loop = loop
        self.peers: set[Peer] = set()
        self._household = household
        self._path = path
        self._listener = _listen(path)
        loop.add(self._listener, self._accept)
        household.publish = self.publish

    def _accept(self) -> None:
        try:
            link, _ = self._listener.accept()
        except OSError:
            return
        if len(self.peers) >= PEERS_MAX or not _trusted(link):
            link.close()
            return
        self.peers.add(Peer(self, link, CLI, lambda: None))

    def adopt(self, link: socket.socket, closed: Callable[[], None], role: str = WEB) -> None:
        """Serve a job's end of a socket pair; `closed` is called when the job hangs up."""
        self.peers.add(Peer(self, link, role, closed))

    def perform(
        self, request: dict[str, object], role: str
    ) -> dict[str, object] | Generator[float | None, None, object]:
        """The reply, or a generator that ends with the value for one (to be driven by `drive`)."""
        name = request.get("op")
        if not isinstance(name, str) or name not in TABLE:
            return {"error": {"code": "bad_request", "message": "no operation " + repr(name)[:60]}}
        if name in REFUSED[role]:
            return {"error": {"code": "forbidden", "message": name + " may not be asked for here"}}
        try:
            result = TABLE[name](self._household, request)
        except (BadInput, StorageError) as error:
            return failure(error)
        return result if isinstance(result, GeneratorType) else {"ok": result}

    @staticmethod
    def drive(steps: Generator[float | None, None, object]) -> Generator[float | None, None, dict[str, object]]:
        try:
            result = yield from steps
        except (BadInput, StorageError) as error:
            return failure(error)
        return {"ok": result}

    def publish(self, event: dict[str, object]) -> None:
        for peer in list(self.peers):
            if peer.subscribed:
                peer.send(event)

    def close(self) -> None:
        for peer in list(self.peers):
            peer.close()
        self.loop.remove(self._listener)
        self._listener.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)


def failure(error: Exception) -> dict[str, object]:
    """The error reply for what an operation raised."""
    if isinstance(error, Refused):
        return {"error": {"code": error.code, "message": str(error), **error.detail}}
    code = (
        "storage" if isinstance(error, StorageError) else "not_found" if str(error).startswith("no ") else "bad_request"
    )
    return {"error": {"code": code, "message": str(error)}}


def _listen(path: str) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(before)
    listener.listen(8)
    listener.setblocking(False)
    return listener


def _trusted(link: socket.socket) -> bool:
    """Only root and the daemon's own user (SO_PEERCRED: pid, uid, gid; see unix(7))."""
    credentials = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return uid in (0, os.geteuid())
