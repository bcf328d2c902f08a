"""DNS by UDP: the sockets that queries come in by.

A marked socket tells the kernel's mark of each packet; one on a wildcard address answers from the address that was
asked. Both take a slower system call, so the plain kind has a reader of its own.
"""

import errno
import sys
from collections.abc import Generator

from agent.daemon.dns.pending import Listener
from agent.daemon.dns.service import Dns
from agent.daemon.dns.sessions import Ancillary, DnsSession
from agent.daemon.loop import Loop
from agent.platform.cmodules import socket

MYPY = False
if MYPY:  # not worth its memory
    from typing import Any

FULL_TURNS = 16  # with one query each before two are looked for
DRAIN = 64  # queries a turn, some 2 ms of work when none is in the cache
WAITING_MAX = 4096  # more than a socket's buffer holds of the smallest packets
BUFFER_PACKETS = 1 << 14  # a buffer of BUFFER_BYTES, which the kernel doubles, holds no more
MESSAGE_MAX = 4096
ANCILLARY_MAX = 128
BUFFER_BYTES = 1 << 19
WAYS_MAX = 256  # of all sockets together, half a kilobyte each

# <asm-generic/socket.h>, <linux/in.h>, <linux/in6.h>
SO_MARK = 36
SO_RCVMARK = 75  # Linux 5.19; the mark itself comes as a control message of type SO_MARK
IP_PKTINFO = 8
IPV6_RECVPKTINFO = 49
IPV6_PKTINFO = 50

Source = tuple[str, int] | tuple[str, int, int, int]
Reader = tuple[Ancillary, Source]  # whom to answer, and from where


class Udp(Listener):
    """A bound, non-blocking UDP socket. Its `to` is the source address, with ancillary data if the socket has any."""

    def __init__(self, loop: Loop, dns: Dns, bound: socket.socket, by_mark: bool, wildcard: bool) -> None:
        self._loop = loop
        self._dns = dns
        self._socket = bound
        self._by_mark = by_mark
        self._ancillary = by_mark or wildcard
        self._v6 = bound.family == socket.AF_INET6
        self._settled: list[tuple[bytes, DnsSession, Reader | Source]] = []
        self._expected = 1  # packets in the next turn
        self._full_turns = 0
        self.unsent = 0
        loop.add(bound, self._read_ancillary if self._ancillary else self._read_plain)
        dns.attach(self)

    def send(self, message: bytes, to: "Any") -> None:
        try:
            if self._ancillary:
                self._socket.sendmsg((message,), to[0], 0, to[1])
            else:
                self._socket.sendto(message, to)
        except OSError:
            self.unsent += 1  # a full buffer, or nobody there any more: by UDP they ask again

    def drain(self) -> None:
        started = bool(self._settled)
        try:
            for _ in range(BUFFER_PACKETS):
                taken = self._take_ancillary() if self._ancillary else self._take_plain()
                if len(self._settled) < WAITING_MAX:
                    self._settled.append(taken)
                else:
                    self.unsent += 1  # none stays behind to be taken for one of later; they ask again
        except OSError:
            pass  # no more
        if self._settled and not started:
            self._loop.task(self._answer_settled())

    def close(self) -> None:
        self._loop.remove(self._socket)
        self._socket.close()

    def _answer_settled(self) -> Generator[None, None, None]:
        while self._settled:
            some, self._settled = self._settled[:DRAIN], self._settled[DRAIN:]
            for message, lane, to in some:
                try:
                    self._dns.query(lane, message, self, to)
                except Exception as error:  # noqa: BLE001 - the barrier
                    self._loop.faults.met(error)
            self._dns.asked(len(some))
            yield

    # plain

    def _read_plain(self) -> None:
        """The hot path: everything that a cached reply needs is in this loop.

        It expects as many packets as came last, see `_all_came`.
        """
        known, find, ask, now = self._dns.lanes.known, self._dns.lanes.find, self._dns.query, self._loop.now
        receive, send = self._socket.recvfrom, self._socket.sendto
        left = expected = self._expected
        try:
            while left:
                message, source = receive(MESSAGE_MAX)
                left -= 1
                address = source[0]
                lane = known.get(address) or find(address, None, address)
                reply = lane.replies.young.get(message[2:])
                if reply is not None and reply.until > now:
                    send(message[:2] + reply.body, source)
                    if reply.verdict is not None:
                        lane.asked.append(reply)
                else:
                    ask(lane, message, self, source)
            self._all_came(expected)
        except OSError as error:
            self._expected = max(expected - left, 1)
            self._noticed(error)
        except Exception as error:  # noqa: BLE001 - the barrier; the packet was taken, the next turn goes on behind it
            self._loop.faults.met(error)
        self._dns.asked(expected - left)

    def _all_came(self, turn: int) -> None:
        """Twice as many are expected then; but a look for one more than there is costs as much as half an answer, and
        a household's devices mostly ask one by one."""
        if turn == 1:
            self._full_turns += 1
            if self._full_turns < FULL_TURNS:
                return
            self._full_turns = 0
        self._expected = min(2 * turn, DRAIN)

    def _take_plain(self) -> tuple[bytes, DnsSession, Source]:
        message, source = self._socket.recvfrom(MESSAGE_MAX)
        address = source[0]
        known = self._dns.lanes.known
        return message, known.get(address) or self._dns.lanes.find(address, None, address), source

    # with marks or destination addresses

    def _read_ancillary(self) -> None:
        """The same with marks and routes."""
        ways, ask, now, by_mark = self._dns.lanes.ways, self._dns.query, self._loop.now, self._by_mark
        receive, send = self._socket.recvmsg, self._socket.sendmsg
        left = expected = self._expected
        try:
            while left:
                message, ancillary, _, source = receive(MESSAGE_MAX, ANCILLARY_MAX)
                left -= 1
                told = tuple(ancillary) if by_mark else (source[0], *ancillary)
                lane, route = ways.get(told) or self._way(told, ancillary, source[0])
                reply = lane.replies.young.get(message[2:])
                if reply is not None and reply.until > now:
                    send((message[:2] + reply.body,), route, 0, source)
                    if reply.verdict is not None:
                        lane.asked.append(reply)
                else:
                    ask(lane, message, self, (route, source))
            self._all_came(expected)
        except OSError as error:
            self._expected = max(expected - left, 1)
            self._noticed(error)
        except Exception as error:  # noqa: BLE001 - the barrier; the packet was taken, the next turn goes on behind it
            self._loop.faults.met(error)
        self._dns.asked(expected - left)

    def _take_ancillary(self) -> tuple[bytes, DnsSession, Reader]:
        message, ancillary, _, source = self._socket.recvmsg(MESSAGE_MAX, ANCILLARY_MAX)
        told = tuple(ancillary) if self._by_mark else (source[0], *ancillary)
        lane, route = self._dns.lanes.ways.get(told) or self._way(told, ancillary, source[0])
        return message, lane, (route, source)

    def _way(self, told: tuple[object, ...], ancillary: Ancillary, address: str) -> tuple[DnsSession, Ancillary]:
        """The lane of a query that came with this, and the ancillary data of its answer."""
        mark = info = b""
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == SO_MARK:
                mark = data
            elif kind in (IP_PKTINFO, IPV6_PKTINFO):
                info = data
        lanes = self._dns.lanes
        key = mark if self._by_mark else address
        lane = lanes.known.get(key)
        if lane is None:
            number = int.from_bytes(mark, sys.byteorder) if self._by_mark else None
            lane = lanes.find(key, number, address)
        if len(lanes.ways) >= WAYS_MAX:
            lanes.ways.clear()
        way = lanes.ways[told] = (lane, self._route(info))
        return way

    def _route(self, info: bytes) -> Ancillary:
        """The ancillary data of an answer that leaves from the address that the query came to.

        struct in_pktinfo: interface, local address, destination; struct in6_pktinfo: destination, interface. The
        interface is left out where routing finds it: only a link-local address means nothing without.
        """
        if not info:
            return []
        if not self._v6:
            return [(socket.IPPROTO_IP, IP_PKTINFO, bytes(4) + info[4:])]
        if info[0] == 0xFE and info[1] & 0xC0 == 0x80:
            return [(socket.IPPROTO_IPV6, IPV6_PKTINFO, info)]
        return [(socket.IPPROTO_IPV6, IPV6_PKTINFO, info[:16] + bytes(4))]

    def _noticed(self, error: OSError) -> None:
        if error.errno != errno.EAGAIN:
            self.unsent += 1
