"""The control socket: one JSON object a line, from the command line, the rpcd plugin and the jobs.

Root and the daemon's own user may ask on the socket (peer credentials, mode 0600); a job asks on the connection that
it inherits. No operation holds the loop: a long one is a generator and goes on a step a turn.
"""

import contextlib
import os
import struct
from collections.abc import Callable, Generator
from types import GeneratorType

from agent.control.messages import Event, Reply, Request
from agent.control.operations import BOTH, CLI, OPERATIONS, WEB, checked
from agent.core.model import BadInput, NotFound, told
from agent.daemon.household import Household
from agent.daemon.loop import Loop
from agent.daemon.operations import TABLE, proven
from agent.daemon.operations.arguments import OperationRejected
from agent.daemon.peers import Peer, Steps
from agent.daemon.store.database import StorageError, plain
from agent.platform.cmodules import accept, socket

PEERS_MAX = 32
# What an operation may answer with. The store translates what its files and SQLite say; this is for what it missed.
EXPECTED = (BadInput, StorageError, OSError)


class ControlServer:
    """The listening socket and its peers."""

    def __init__(self, loop: Loop, household: Household, path: str) -> None:
        self.loop = loop
        self.peers: set[Peer] = set()
        self._household = household
        self._path = path
        self._listener = _listen(path)
        loop.add(self._listener, self._accept)

    def _accept(self) -> None:
        try:
            link, _ = accept(self._listener)
        except OSError:
            return
        if len(self.peers) >= PEERS_MAX or not _trusted(link):
            link.close()
            return
        self._serve(link, CLI, lambda: None)

    def adopt(self, link: socket.socket, closed: Callable[[], None], role: str = WEB) -> None:
        """Serve a job's end of a socket pair; `closed` is called when the job hangs up."""
        self._serve(link, role, closed)

    def _serve(self, link: socket.socket, role: str, closed: Callable[[], None]) -> None:
        def gone() -> None:
            self.peers.discard(peer)
            closed()

        peer = Peer(self.loop, link, lambda request: self.perform(request, role), role in BOTH, gone)
        self.peers.add(peer)

    def perform(self, request: Request, role: str) -> Reply | Steps:
        """The reply, or a generator that ends with it."""
        name = request.get("op")
        if not isinstance(name, str) or name not in OPERATIONS:
            return {"error": {"code": "bad_request", "message": "no operation " + repr(name)[:60]}}
        if role not in OPERATIONS[name].roles:
            return {"error": {"code": "forbidden", "message": name + " may not be asked for here"}}
        try:
            checked(name, request)
            if str(request.get("actor", "")).startswith("me:"):
                self._own(request, role)
            if role == WEB:
                proven.need(self._household, name, request)
            result = TABLE[name](self._household, request)
        except EXPECTED as error:
            return failure(error)
        return self.drive(result) if isinstance(result, GeneratorType) else {"ok": result}

    def _own(self, request: Request, role: str) -> None:
        if role != WEB:
            raise OperationRejected("forbidden", "a person speaks for their device at its own page")
        from agent.daemon.operations.me import speaks_for_device  # here: it brings most operations with it

        speaks_for_device(self._household, request)

    @staticmethod
    def drive(steps: Generator[float | None, None, object]) -> Steps:
        try:
            result = yield from steps
        except EXPECTED as error:
            return failure(error)
        return {"ok": result}

    def publish(self, event: Event) -> None:
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


def failure(error: Exception) -> Reply:
    """The error reply for what an operation raised."""
    if isinstance(error, OperationRejected):
        return {"error": {"code": error.code, **_said(error), **error.detail}}
    if not isinstance(error, BadInput):
        error = error if isinstance(error, StorageError) else plain(error, "the storage")
        return {"error": {"code": "storage", **_said(error)}}
    code = "not_found" if isinstance(error, NotFound) else "bad_request"
    return {"error": {"code": code, **_said(error)}}


def _said(error: Exception) -> dict[str, object]:
    """The message in English, and where it has values the sentence with them apart: others say it in their language."""
    sentence = told(error)
    return {"message": str(error), **({} if isinstance(sentence, str) else {"sentence": sentence})}


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
