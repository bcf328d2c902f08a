"""The sockets to a DNS server: a UDP channel that many queries share, and a TCP stream for one long answer.

They are given connected sockets; which, and what becomes of their answers, is `upstream`'s.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from agent.core.dns import answers
from agent.core.wire import HEADER
from agent.daemon.dns.resolvers import Server
from agent.daemon.loop import Loop

DRAIN = 64
MESSAGE_MAX = 4096  # more than the 1232 bytes that we offer
STREAM_S = 3.0
CHUNK = 16384


class Query:
    """A question on its way. `message` carries the id under which it was sent last; its question ends at `end`."""

    __slots__ = ("message", "end", "server", "channel", "deadline", "tries")

    def __init__(self, message: bytes, end: int) -> None:
        self.message = message
        self.end = end
        self.server: Server
        self.channel: Channel | None = None
        self.deadline = 0.0
        self.tries = 0

    def done(self, response: bytes | None, ede: int) -> None:
        """Called once: with the response, or with None and the extended error (RFC 8914) that says why not."""
        raise NotImplementedError


class Channel:
    """A UDP socket connected to one server, and the queries that wait on it under their ids.

    `arrived(query, response)` takes an answer that has the id and the question of a query, which waits no longer.
    `refused(channel)` is called when the network says that the server can't be reached. A channel that is `spent`
    closes itself with its last answer and says `emptied(channel)`.
    """

    __slots__ = ("_loop", "_socket", "_arrived", "_refused", "_emptied", "pending", "uses", "opened", "spent", "unsent")

    def __init__(
        self,
        loop: Loop,
        connected: socket.socket,
        arrived: Callable[[Query, bytes], None],
        refused: Callable[[Channel], None],
        emptied: Callable[[Channel], None],
    ) -> None:
        self._loop = loop
        self._socket = connected
        self._arrived = arrived
        self._refused = refused
        self._emptied = emptied
        self.pending: dict[int, Query] = {}
        self.uses = 0
        self.opened = loop.now
        self.spent = False
        self.unsent = 0
        loop.add(connected, self._read)

    def send(self, query: Query, number: int) -> None:
        """Sends it under this id, or the next free one. OSError when the server can't be reached from here."""
        while number in self.pending:
            number = number + 1 & 0xFFFF
        self.uses += 1
        self.pending[number] = query
        query.channel = self
        query.message = message = number.to_bytes(2, "big") + query.message[2:]
        try:
            self._socket.send(message)
        except BlockingIOError:
            self.unsent += 1  # a full buffer: as good as lost on the way

    def drop(self, query: Query) -> None:
        """No later packet can answer it."""
        query.channel = None
        del self.pending[query.message[0] << 8 | query.message[1]]
        self._close_if_over()

    def close(self) -> None:
        self._loop.remove(self._socket)
        self._socket.close()

    def _close_if_over(self) -> None:
        if self.spent and not self.pending:
            self.close()
            self._emptied(self)

    def _read(self) -> None:
        receive, pending, arrived = self._socket.recv, self.pending, self._arrived
        try:
            for _ in range(DRAIN):
                response = receive(MESSAGE_MAX)
                if len(response) < HEADER:
                    continue
                number = response[0] << 8 | response[1]
                query = pending.get(number)
                if query is None or not answers(response, query.message, query.end):
                    continue
                del pending[number]
                query.channel = None
                arrived(query, response)
                # Nothing more is expected: no call in vain.
                if not pending:
                    break
        except BlockingIOError:
            return
        except OSError:
            self._refused(self)
            return
        self._close_if_over()


class Stream:
    """One question by TCP. `ended(stream, response)` is called once, with None when there was no answer."""

    __slots__ = ("query", "_loop", "_socket", "_ended", "_out", "_received", "_timer")

    def __init__(
        self,
        loop: Loop,
        connecting: socket.socket,
        query: Query,
        ended: Callable[[Stream, bytes | None], None],
    ) -> None:
        self.query = query
        self._loop = loop
        self._socket = connecting
        self._ended = ended
        self._out = len(query.message).to_bytes(2, "big") + query.message
        self._received = bytearray()
        self._timer = loop.after(STREAM_S, self.fail)
        loop.add(connecting, self._read, self._write)

    def fail(self) -> None:
        self._finish(None)

    def close(self) -> None:
        self._timer.cancel()
        self._loop.remove(self._socket)
        self._socket.close()

    def _write(self) -> None:
        try:
            self._out = self._out[self._socket.send(self._out) :]
        except BlockingIOError:
            return
        except OSError:
            self.fail()
            return
        if not self._out:
            self._loop.add(self._socket, self._read)

    def _read(self) -> None:
        try:
            chunk = self._socket.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        self._received += chunk
        size = int.from_bytes(self._received[:2], "big")
        if len(self._received) >= 2 + max(size, HEADER):
            response = bytes(self._received[2 : 2 + size])
            self._finish(response if answers(response, self.query.message, self.query.end) else None)
        elif not chunk:
            self.fail()

    def _finish(self, response: bytes | None) -> None:
        self.close()
        self._ended(self, response)
