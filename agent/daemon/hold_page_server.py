"""The page of whoever is held, served by the daemon itself: every phone asks for one all night, and the web job is
large. One short answer a connection, a few connections at a time, and no more than so many a second.

It listens only while somebody is held. Who is none of them, or comes too often, is reset, as without a page.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from agent.core import hold_page
from agent.core.block_page import language
from agent.core.http import BadRequest, Head, HttpParser
from agent.core.model import Value
from agent.daemon.connections.unblock_tokens import UnblockTokens
from agent.daemon.loop import Loop, Timer
from agent.platform import page_texts
from agent.platform.cmodules import accept, socket

A_SECOND_MAX = 20
OPEN_MAX = 32
WAIT_S = 5.0
_READ_BYTES = 4096
_BODY_MAX = 200
_TARGET = "hold"
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing resets


class Stay(Value):
    """Why a device is held: `name` is whose it is or "", `until` a time of day in words or "". Without a number it is
    one that nobody knows, which can ask for nothing."""

    __slots__ = ("device_id", "why", "name", "until")

    def __init__(self, device_id: int | None, why: str, name: str, until: str) -> None:
        self.device_id = device_id
        self.why = why
        self.name = name
        self.until = until


class HoldPageServer:
    """`stay(address)` is of the device with this address, None when it is not held; `ask(device_id, kind)` brings a
    request before the household and says whether it could."""

    def __init__(
        self,
        loop: Loop,
        port: int,
        calls: Callable[[], bool],
        stay: Callable[[str], Stay | None],
        ask: Callable[[int, str], bool],
    ) -> None:
        self._loop = loop
        self._port = port
        self._calls = calls
        self._stay = stay
        self._ask = ask
        self._listener: socket.socket | None = None
        self._tokens = UnblockTokens()
        self._open: dict[int, _Guest] = {}
        self._second, self._served = 0, 0

    def open(self) -> None:
        """OSError when the port can't be had."""
        if self._listener is None:
            self._listener = _listening(self._port)
            self._loop.add(self._listener, self._accept)

    def close(self) -> None:
        for guest in list(self._open.values()):
            guest.end(reset=True)
        if self._listener is not None:
            self._loop.remove(self._listener)
            self._listener.close()
            self._listener = None

    def _accept(self) -> None:
        assert self._listener is not None
        while True:
            try:
                connection, peer = accept(self._listener)
            except OSError:  # nobody is left, or who was there has gone
                return
            connection.setblocking(False)
            if len(self._open) >= OPEN_MAX or not self._in_time():
                _reset(connection)
                continue
            guest = _Guest(self, connection, peer[0])
            self._open[connection.fileno()] = guest

    def _in_time(self) -> bool:
        second = int(self._loop.now)
        if second != self._second:
            self._second, self._served = second, 0
        self._served += 1
        return self._served <= A_SECOND_MAX

    def answer(self, address: str, head: Head, body: bytes, spoken: str) -> bytes | None:
        """The response to one request; None for nobody who is held."""
        stay = self._stay(address)
        if stay is None:
            return None
        if head.method == "POST" and head.path == hold_page.PATH:
            return hold_page.asked(self._requested(stay, body), spoken, page_texts.texts(spoken, "hold"))
        token = "" if stay.device_id is None else self._tokens.token(stay.device_id, _TARGET)
        given = page_texts.texts(spoken, "hold")
        return hold_page.page(stay.why, stay.name, stay.until, self._calls(), token, spoken, given)

    def _requested(self, stay: Stay, body: bytes) -> bool:
        button = hold_page.pressed(body)
        if button is None or stay.device_id is None or self._tokens.use(button[0], stay.device_id) is None:
            return False
        return self._ask(stay.device_id, button[1])

    def left(self, fd: int) -> None:
        self._open.pop(fd, None)

    @property
    def loop(self) -> Loop:
        return self._loop


class _Guest:
    """One connection: a head, a short body, an answer, and the end."""

    def __init__(self, server: HoldPageServer, sock: socket.socket, address: str) -> None:
        self._server = server
        self._sock = sock
        self._address = address
        self._parser = HttpParser()
        self._head: Head | None = None
        self._spoken = "en"
        self._left = b""
        self._timer: Timer = server.loop.after(WAIT_S, lambda: self.end(reset=True))
        server.loop.add(sock, self._read)

    def _read(self) -> None:
        try:
            data = self._sock.recv(_READ_BYTES)
            if not data:
                self.end(reset=True)
                return
            self._parser.feed(data)
            self._go_on()
        except BlockingIOError:
            return
        except (OSError, BadRequest):
            self.end(reset=True)

    def _go_on(self) -> None:
        if self._head is None:
            self._head = self._parser.head()
        if self._head is None:
            return
        wanted = b"\nAccept-Language: " + self._head.header("accept-language").encode()
        self._spoken = language(wanted, page_texts.installed())
        posted = self._head.method == "POST" and self._head.length <= _BODY_MAX
        body = self._parser.body(self._head.length) if posted else b""
        if body is None:
            return
        answer = self._server.answer(self._address, self._head, body, self._spoken)
        if answer is None:
            self.end(reset=True)
            return
        self._left = answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if self._head.method == "HEAD" else answer
        self._server.loop.add(self._sock, self._drop, self._write)

    def _write(self) -> None:
        try:
            self._left = self._left[self._sock.send(self._left) :]
            if not self._left:
                # What the client sends on is read until it closes, or a reset would take the page from it.
                self._sock.shutdown(socket.SHUT_WR)
                self._server.loop.add(self._sock, self._drop)
        except BlockingIOError:
            return
        except OSError:
            self.end(reset=True)

    def _drop(self) -> None:
        try:
            if not self._sock.recv(_READ_BYTES):
                self.end(reset=bool(self._left))
        except BlockingIOError:
            return
        except OSError:
            self.end(reset=True)

    def end(self, reset: bool) -> None:
        self._timer.cancel()
        fd = self._sock.fileno()
        if fd < 0:
            return
        self._server.loop.remove(self._sock)
        self._server.left(fd)
        if reset:
            _reset(self._sock)
        else:
            self._sock.close()


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    connection.close()


def _listening(port: int) -> socket.socket:
    """On every address, of both families where there are two."""
    try:
        return _bound(socket.AF_INET6, "::", port)
    except OSError:
        return _bound(socket.AF_INET, "0.0.0.0", port)


def _bound(family: int, address: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.listen(OPEN_MAX)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock
