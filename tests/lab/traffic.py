"""Flows of every kind between a client and the WAN, each noting when it heard of its other end last."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable

from tests.lab.lab import await_true
from tests.lab.spaces import Space

TICK_S = 0.01
STREAM, DATAGRAM = socket.SOCK_STREAM, socket.SOCK_DGRAM


class WanServers:
    """On each of these addresses of the WAN: TCP `port` sends and swallows at once, UDP `port` sends to whoever wrote
    first, UDP `port` + 1 echoes. `heard` has when each client's address and kind was heard of last."""

    def __init__(self, space: Space, addresses: list[str], port: int) -> None:
        self.space = space
        self.port = port
        self.heard: dict[tuple[str, int], float] = {}
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            for kind, serve, at in (
                (STREAM, self._accept, port),
                (DATAGRAM, self._push, port),
                (DATAGRAM, self._echo, port + 1),
            ):
                self._run(serve, self._bound(family, kind, (address, at)))

    def _bound(self, family: int, kind: int, at: tuple[str, int]) -> socket.socket:
        made = self.space.inside(lambda: socket.socket(family, kind))
        made.settimeout(0.2)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(at)
        if kind == STREAM:
            made.listen(16)
        self._sockets.append(made)
        return made

    def _run(self, work: Callable[[socket.socket], None], sock: socket.socket) -> None:
        thread = threading.Thread(target=self._guarded, args=(work, sock), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _guarded(self, work: Callable[[socket.socket], None], sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            work(sock)

    def _accept(self, listener: socket.socket) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = listener.accept()
                connection.settimeout(0.2)
                self._sockets.append(connection)
                self._run(self._converse, connection)

    def _converse(self, connection: socket.socket) -> None:
        """The first byte says which kind: "d" sends all the time, "u" only listens, "i" answers what it hears."""
        kind = connection.recv(1)
        peer = connection.getpeername()[:2]
        while not self._stop.is_set():
            if kind == b"d":
                with contextlib.suppress(TimeoutError):
                    connection.send(bytes(1000))
                time.sleep(TICK_S)
                continue
            with contextlib.suppress(TimeoutError):
                data = connection.recv(4096)
                if not data:
                    return
                self.heard[peer] = time.monotonic()
                if kind == b"i":
                    connection.send(data)

    def _push(self, sock: socket.socket) -> None:
        """Who wrote once is sent numbered datagrams for good."""
        peers: dict[tuple[object, ...], int] = {}
        sock.settimeout(TICK_S)
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError, ConnectionRefusedError):
                _, peer = sock.recvfrom(100)
                peers.setdefault(peer, 0)
            for peer in peers:
                with contextlib.suppress(OSError):
                    sock.sendto(struct.pack(">I", peers[peer]), peer)
                peers[peer] += 1

    def _echo(self, sock: socket.socket) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError, ConnectionRefusedError):
                data, peer = sock.recvfrom(2000)
                self.heard[peer[:2]] = time.monotonic()
                sock.sendto(data, peer)

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(3)
        for sock in self._sockets:
            sock.close()


class Flow:
    """One flow of a client, kept busy by a thread. `heard` is when something came last; `error` what ended it."""

    def __init__(self, space: Space, kind: str, address: str, servers: WanServers) -> None:
        self.kind = kind
        self.heard = 0.0
        self.numbers: list[int] = []
        self.error = ""
        self._servers = servers
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._sock = space.inside(lambda: socket.socket(family, DATAGRAM if kind in ("push", "echo") else STREAM))
        self._sock.settimeout(2)
        try:
            self._sock.connect((address, servers.port + (kind == "echo")))
        except OSError:
            self._sock.close()
            raise
        self._sock.settimeout(0.05)
        self.name = self._sock.getsockname()[:2]
        if kind in ("download", "upload", "idle"):
            self._sock.send({"download": b"d", "upload": b"u", "idle": b"i"}[kind])
        elif kind == "push":
            self._sock.send(b"?")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            try:
                if self.kind in ("upload", "echo"):
                    number += 1
                    self._sock.send(struct.pack(">I", number))
                    time.sleep(TICK_S / 5)
                if self.kind == "upload":
                    time.sleep(TICK_S)
                    self.heard = self._servers.heard.get(self.name, 0.0) or self._newest()
                elif self.kind != "idle":
                    self._take(self._sock.recv(4096))
                else:
                    time.sleep(TICK_S)
            except TimeoutError:
                continue
            except ConnectionRefusedError:
                time.sleep(TICK_S)  # said of a datagram; the flow may come back
                self.error = "ConnectionRefusedError"
            except OSError as error:
                self.error = type(error).__name__
                return

    def _newest(self) -> float:
        """Behind masquerade the server knows the client by another name, as a rule by the same port."""
        heard = [at for (_, port), at in self._servers.heard.items() if port == self.name[1]]
        return max(heard, default=0.0)

    def _take(self, data: bytes) -> None:
        if not data:
            raise ConnectionResetError
        self.heard = time.monotonic()
        if self.kind in ("push", "echo"):
            self.numbers.append(struct.unpack(">I", data[:4])[0])

    def answers(self) -> bool:
        """Of an idle connection: whether its other end is there."""
        self._sock.settimeout(1)
        try:
            self._sock.send(b"!")
            return self._sock.recv(10) == b"!"
        except OSError as error:
            self.error = type(error).__name__
            return False

    def complete(self) -> bool:
        """Of datagrams: whether none was lost on the way."""
        numbers = list(self.numbers)
        return not numbers or numbers == list(range(numbers[0], numbers[0] + len(numbers)))

    def flowing(self) -> Flow:
        await_true(lambda: self.kind == "idle" or self.heard or self.error, f"{self.kind} that flows")
        return self

    def close(self) -> None:
        self._stop.set()
        self._thread.join(3)
        self._sock.close()


KINDS = ("download", "upload", "idle", "push", "echo")


def fate(sock: socket.socket, data: bytes) -> str:
    """What becomes of a datagram that goes out by this connected socket: "answered", or the name of the error."""
    sock.send(data)
    time.sleep(0.05)
    try:
        sock.recv(100)
    except OSError as error:
        return type(error).__name__
    return "answered"
