"""What the DNS tests share: a loop that turns until something holds, a DNS server that says what a test wants it to,
and a client. All of them real sockets on the loopback, in one loop and one thread."""

import contextlib
import socket
import time
from collections.abc import Callable

import dnslib

from agent.daemon.loop import Loop
from tests.ports import free_port

HOST = "127.0.0.1"
Answerer = Callable[[dnslib.DNSRecord], "bytes | dnslib.DNSRecord | None"]


def turn_until(loop: Loop, holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Turns the loop until `holds()`; AssertionError when it never does."""
    end = time.monotonic() + seconds

    def look() -> None:
        if holds() or time.monotonic() > end:
            loop.stop()

    repeat = loop.every(0.001, look)
    if not holds():
        loop.run()
    repeat.cancel()
    assert holds(), "it did not happen"


def turn_for(loop: Loop, seconds: float) -> None:
    end = time.monotonic() + seconds
    turn_until(loop, lambda: time.monotonic() >= end, seconds + 1)


def addresses(*found: str, ttl: int = 300) -> Answerer:
    """Answers A and AAAA with these addresses, other types with no data."""

    def answer(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        reply = query.reply(ra=1, aa=0)
        for address in found:
            rtype, rdata = ("AAAA", dnslib.AAAA(address)) if ":" in address else ("A", dnslib.A(address))
            if dnslib.QTYPE[query.q.qtype] == rtype:
                reply.add_answer(dnslib.RR(query.q.qname, getattr(dnslib.QTYPE, rtype), rdata=rdata, ttl=ttl))
        return reply

    return answer


class Server:
    """A DNS server in the test's loop. `seen` are the queries it got, `by_tcp` how many of them came by TCP.

    `answer(query)` gives a record, bytes to send as they are, or None to stay silent.
    """

    def __init__(self, loop: Loop, answer: Answerer, host: str = HOST, port: int = 0) -> None:
        self.loop = loop
        self.answer = answer
        self.seen: list[dnslib.DNSRecord] = []
        self.sources: list[tuple[str, int]] = []
        self.by_tcp = 0
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.host, self.port = host, port or free_port(host)
        self._datagrams = socket.socket(family, socket.SOCK_DGRAM)
        self._datagrams.bind((host, self.port))
        self._stream = socket.socket(family, socket.SOCK_STREAM)
        self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._stream.bind((host, self.port))
        self._stream.listen()
        for own in (self._datagrams, self._stream):
            own.setblocking(False)
        self._connections: list[socket.socket] = []
        loop.add(self._datagrams, self._read)
        loop.add(self._stream, self._accept)

    @property
    def names(self) -> list[str]:
        """What was asked, probes left out."""
        return [str(query.q.qname) for query in self.seen if query.q.qtype != dnslib.QTYPE.NS]

    def say(self, message: bytes, to: tuple[str, int]) -> None:
        self._datagrams.sendto(message, to)

    def close(self) -> None:
        for own in (self._datagrams, self._stream, *self._connections):
            self.loop.remove(own)
            own.close()
        self._connections = []

    def _take(self, message: bytes) -> bytes | None:
        try:
            query = dnslib.DNSRecord.parse(message)
        except dnslib.DNSError:
            # A name that dnslib does not take; any answer will do.
            return message[:2] + b"\x81\x82" + message[4:]
        self.seen.append(query)
        reply = self.answer(query)
        return reply.pack() if isinstance(reply, dnslib.DNSRecord) else reply

    def _read(self) -> None:
        message, source = self._datagrams.recvfrom(4096)
        self.sources.append(source)
        reply = self._take(message)
        if reply is not None:
            self._datagrams.sendto(reply, source)

    def _accept(self) -> None:
        accepted, _ = self._stream.accept()
        self._connections.append(accepted)
        self.loop.add(accepted, lambda: self._read_stream(accepted))

    def _read_stream(self, accepted: socket.socket) -> None:
        message = accepted.recv(4096)
        if not message:
            self.loop.remove(accepted)
            return
        self.by_tcp += 1
        reply = self._take(message[2:])
        if reply is not None:
            accepted.sendall(len(reply).to_bytes(2, "big") + reply)


class Asker:
    """A device: asks by UDP from an address of its own, and keeps what comes back."""

    def __init__(self, loop: Loop, port: int, source: str = HOST, host: str = HOST) -> None:
        self.loop = loop
        self.to = (host, port)
        self.raw: list[bytes] = []
        self.froms: list[tuple[str, int]] = []
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((source, 0))
        self.socket.setblocking(False)
        loop.add(self.socket, self._read)

    def send(self, query: dnslib.DNSRecord | bytes) -> None:
        self.socket.sendto(query if isinstance(query, bytes) else query.pack(), self.to)

    def ask(self, query: "dnslib.DNSRecord | bytes | str", qtype: str = "A", seconds: float = 5.0) -> dnslib.DNSRecord:
        """Sends it and turns until the answer is there."""
        had = len(self.raw)
        self.send(dnslib.DNSRecord.question(query, qtype) if isinstance(query, str) else query)
        turn_until(self.loop, lambda: len(self.raw) > had, seconds)
        return dnslib.DNSRecord.parse(self.raw[-1])

    def close(self) -> None:
        self.loop.remove(self.socket)
        self.socket.close()

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                message, source = self.socket.recvfrom(4096)
                self.raw.append(message)
                self.froms.append(source)


def texts(reply: dnslib.DNSRecord) -> list[str]:
    """The data of the answer's records."""
    return [str(record.rdata) for record in reply.rr]


def rcode(reply: dnslib.DNSRecord) -> str:
    return str(dnslib.RCODE[reply.header.rcode])


def ede(reply: dnslib.DNSRecord) -> tuple[int, str] | None:
    """The extended error of a reply (RFC 8914): code and text."""
    for record in reply.ar:
        if record.rtype == dnslib.QTYPE.OPT:
            for option in record.rdata:
                if option.code == 15:
                    return int.from_bytes(option.data[:2], "big"), option.data[2:].decode()
    return None


def with_edns(query: dnslib.DNSRecord, size: int = 1232, flags: str = "", options: object = None) -> dnslib.DNSRecord:
    query.add_ar(dnslib.EDNS0(flags=flags, udp_len=size, opts=options))
    return query


class Time:
    """A monotonic clock that a test can put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead
