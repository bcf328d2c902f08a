"""The sockets to a DNS server: a UDP channel that many queries share, and a TCP stream for one long answer.

They are given connected sockets; which, and what becomes of their answers, is `upstream`'s.
"""

from __future__ import annotations

from collections.abc import Callable

from agent.core.dns import answers, repeats
from agent.core.wire import HEADER
from agent.daemon.dns.servers import UpstreamServer
from agent.daemon.loop import Loop
from agent.platform.cmodules import socket

DRAIN = 64
MESSAGE_MAX = 4096  # more than the 1232 bytes that we offer
STREAM_S = 3.0
CHUNK = 16384
# Length octets are below "A": 0x20 where there is a letter, else 0.
_LETTERS = bytes([0x20 if 64 < at < 91 or 96 < at < 123 else 0 for at in range(256)])


class UpstreamQuery:
    """A question that is to be answered; it goes out in one or more packets. Its question ends at `end`.

    `message` is what is sent, with an id for each packet. `asked` are the servers, one for each of `packets`; `failed`
    those that answered with a failure, and `said` what the last of them said. `over` says that it waits no longer.
    """

    __slots__ = ("message", "end", "asked", "packets", "failed", "said", "began", "next_at", "over")

    def __init__(self, message: bytes, end: int) -> None:
        self.message = message
        self.end = end
        self.asked: list[UpstreamServer] = []
        self.packets: list[Packet] = []
        self.failed: tuple[UpstreamServer, ...] = ()
        self.said: bytes | None = None
        self.began = 0.0
        self.next_at = 0.0
        self.over = False

    def done(self, response: bytes | None, ede: int) -> None:
        """Called once: with the response, or with None and the extended error (RFC 8914) that says why not."""
        raise NotImplementedError

    def late(self, response: bytes) -> None:
        """An answer that came after `done`."""


class Packet:
    """One sending of a question to one server. `message` is what was sent, with its id; `folded` says that an answer
    came whose name has letters in another case."""

    __slots__ = ("query", "server", "message", "sent_at", "channel", "folded")

    def __init__(self, query: UpstreamQuery, server: UpstreamServer, sent_at: float) -> None:
        self.query = query
        self.server = server
        self.sent_at = sent_at
        self.message = b""
        self.channel: UpstreamSocket | None = None
        self.folded = False


class UpstreamSocket:
    """A UDP socket connected to one server, and the packets that wait on it under their ids.

    `arrived(packet, response)` takes an answer that has the id and the question of a packet, which waits no longer.
    `folded(packet)` says whether one is to be taken all the same that has other letters in the name.
    `refused(channel)` is called when the network says that the server can't be reached. A channel that is `spent`
    closes itself with its last answer and says `emptied(channel)`.
    """

    __slots__ = (
        "_loop",
        "_socket",
        "_arrived",
        "_folded",
        "_refused",
        "_emptied",
        "pending",
        "uses",
        "opened",
        "spent",
    )

    def __init__(
        self,
        loop: Loop,
        connected: socket.socket,
        arrived: Callable[[Packet, bytes], None],
        folded: Callable[[Packet], bool],
        refused: Callable[[UpstreamSocket], None],
        emptied: Callable[[UpstreamSocket], None],
    ) -> None:
        self._loop = loop
        self._socket = connected
        self._arrived = arrived
        self._folded = folded
        self._refused = refused
        self._emptied = emptied
        self.pending: dict[bytes, Packet] = {}
        self.uses = 0
        self.opened = loop.now
        self.spent = False
        loop.add(connected, self._read)

    def send(self, packet: Packet, id: bytes, noise: bytes | None) -> None:
        """Sends it under this id, or the next free one, with letters by that noise. OSError when the server can't be
        reached from here."""
        pending = self.pending
        while id in pending:
            id = (int.from_bytes(id, "big") + 1 & 0xFFFF).to_bytes(2, "big")
        self.uses += 1
        query = packet.query
        message = query.message
        packet.message = message = id + (message[2:] if noise is None else mixed_case(message, query.end, noise))
        try:  # noqa: SIM105 - each query comes here, and `suppress` costs as much as the sending
            self._socket.send(message)
        except BlockingIOError:
            pass  # a full buffer: as good as lost on the way
        pending[id] = packet
        packet.channel = self

    def drop(self, packet: Packet) -> None:
        """No later answer can be its own."""
        packet.channel = None
        del self.pending[packet.message[:2]]
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
        left = DRAIN
        try:
            while left:
                left -= 1
                response = receive(MESSAGE_MAX)
                id = response[:2]
                packet = pending.get(id)
                if packet is None or not (
                    repeats(response, packet.message, packet.query.end) or self._folds(packet, response)
                ):
                    continue
                del pending[id]
                packet.channel = None
                arrived(packet, response)
                # Nothing more is expected: no call in vain.
                if not pending:
                    break
        except BlockingIOError:
            return
        except OSError:
            self._refused(self)
            return
        if self.spent:
            self._close_if_over()

    def _folds(self, packet: Packet, response: bytes) -> bool:
        """Whether it is an answer with other letters, and is to be taken."""
        return answers(response, packet.message, packet.query.end) and self._folded(packet)


class Stream:
    """One question by TCP, whose answer was `cut` by UDP. `ended(stream, response)` is called once, with None when none
    came."""

    __slots__ = ("packet", "cut", "_loop", "_socket", "_ended", "_out", "_received", "_timer")

    def __init__(
        self,
        loop: Loop,
        connecting: socket.socket,
        packet: Packet,
        cut: bytes,
        ended: Callable[[Stream, bytes | None], None],
    ) -> None:
        self.packet = packet
        self.cut = cut
        self._loop = loop
        self._socket = connecting
        self._ended = ended
        self._out = len(packet.message).to_bytes(2, "big") + packet.message
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
            self._finish(response if answers(response, self.packet.message, self.packet.query.end) else None)
        elif not chunk:
            self.fail()

    def _finish(self, response: bytes | None) -> None:
        self.close()
        self._ended(self, response)


def mixed_case(query: bytes, end: int, noise: bytes) -> bytes:
    """The query behind its id, its name's letters turned over where `noise`, as long as the name at least, has 0x20."""
    name = query[HEADER : end - 4]
    size = len(name)
    turned = int.from_bytes(name.translate(_LETTERS), "big") & int.from_bytes(noise[:size], "big")
    return query[2:HEADER] + (int.from_bytes(name, "big") ^ turned).to_bytes(size, "big") + query[end - 4 :]
