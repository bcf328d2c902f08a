"""Asks the configured DNS servers, and nobody else: the only module of the daemon that reaches out.

A false answer has to guess a random id, the random port of one of several sockets that change all the time, and which
of the name's letters are capital (but for a server on the router), and has to come from the server's address. A query's
`done` is called, at the latest when a client's patience ends. Answers that come later are taken all the same: they tell
that the server lives, and the client asks again.
"""

import errno
import os
from collections.abc import Callable

from agent.core.addresses import show_endpoint
from agent.core.wire import FORMERR, HEADER, NOTIMP, REFUSED, SERVFAIL
from agent.daemon.dns.servers import UpstreamServer, UpstreamServers
from agent.daemon.dns.upstream_sockets import Packet, Stream, UpstreamQuery, UpstreamSocket
from agent.daemon.loop import Loop
from agent.platform.cmodules import socket

PATIENCE_S = 5.0  # of clients: glibc, musl, Windows and Android ask again or give up after that
RESTART_S = 1.5  # a resolver that restarts can't be reached for about a second
AGAIN_S_MAX = 0.8  # the longest between two packets with one question, on a line that answers sooner when it does
AGAIN_S = 0.25  # how soon what can't be reached is asked again meanwhile
LATE_S = 10.0  # an answer later than this is of no use to anybody
TICK_S = 0.1
REREAD_S = 2.0
QUERIES_MAX = 512  # waiting; a household asks for a few dozen at once, and each takes about a kilobyte
LOCAL_MAX = 64  # and so many names of this network, which are answered at once
WAITING_MAX = QUERIES_MAX + LOCAL_MAX
PACKETS_MAX = 2048  # that may still be answered, the late ones too, some 300 bytes each
EDE_OTHER = 0
DEAF_MAX = 5  # questions in a row that a server answered in the client's letters only: then it gets no others
MIX_AGAIN_S = 86400.0  # a bad line looks alike

CHANNELS = 4  # sockets to a server at a time: each more means fewer answers a wake-up
CHANNEL_USES = 64  # then its port has been seen often enough
CHANNEL_S = 10.0  # an idle one is closed after that
SPENT_MAX = 64  # sockets that only wait for their last answers: bounds the descriptors
STREAMS_MAX = 16  # one holds 64 KiB at most

ENTROPY_BYTES = (
    2048  # drawn at once: a system call for a hundred queries, or some seven hundred of the router's own server
)

_TC = 0x02


class Upstream:
    """`ask` sends a query to the best server; see the module. `asked` and `failed` count."""

    def __init__(self, loop: Loop, servers: UpstreamServers) -> None:
        self._loop = loop
        self._servers = servers
        self.asked = 0
        self.failed = 0
        self._waiting: dict[UpstreamQuery, None] = {}
        self._packets: dict[Packet, None] = {}  # as they were sent
        self._pools: dict[UpstreamServer, list[UpstreamSocket | None]] = {}
        self._spent: set[UpstreamSocket] = set()
        self._streams: set[Stream] = set()
        self._ticking = False
        self._entropy = b""
        self._drawn = ENTROPY_BYTES  # of it, what is used
        self._repeats = [loop.every(REREAD_S, self._reread), loop.every(CHANNEL_S, self._close_idle)]

    def query(self, query: UpstreamQuery) -> None:
        """It may be done at once."""
        self.asked += 1
        servers = self._servers
        server = servers.list[0] if len(servers.list) == 1 else servers.best()
        if server is None:
            self._give_up(query, servers.ede)
        elif len(self._waiting) >= WAITING_MAX:
            self._give_up(query, EDE_OTHER)
        else:
            self._waiting[query] = None
            query.began = self._loop.now
            if not self._ticking:
                self._ticking = True
                self._loop.after(TICK_S, self._tick)
            self._send(query, server)
            if len(servers.list) > 1 and not query.over:
                self._look_at_doubted(query, server)

    def abandon(self, query: UpstreamQuery) -> None:
        """It is not asked any more, and no late answer is waited for; nobody is called back."""
        query.over = True
        self._waiting.pop(query, None)
        for packet in query.packets:
            self._drop(packet)
        query.packets.clear()

    @property
    def state(self) -> str:
        """See `Servers.state`."""
        return self._servers.state

    @property
    def names(self) -> list[str]:
        """The servers' endpoints, in order of preference."""
        return [show_endpoint(server.address, server.port) for server in self._servers.list]

    def close(self) -> None:
        """Forgets what is in flight; nobody is called back."""
        for repeat in self._repeats:
            repeat.cancel()
        self._waiting.clear()
        self._packets.clear()
        for server in list(self._pools):
            for channel in self._pools.pop(server):
                if channel is not None:
                    channel.close()
        for channel in self._spent:
            channel.close()
        self._spent.clear()
        for stream in self._streams:
            stream.close()

    def _finish(self, query: UpstreamQuery, response: bytes | None, ede: int) -> None:
        query.over = True
        query.packets.clear()  # no circle is left to be collected
        self._waiting.pop(query, None)
        query.done(response, ede)

    def _give_up(self, query: UpstreamQuery, ede: int) -> None:
        """A failure that some server told is passed on, with the reason that it gave."""
        self.failed += 1
        self._finish(query, query.said, 0 if query.said else ede)

    # sending

    def _send(self, query: UpstreamQuery, server: UpstreamServer) -> None:
        wait = server.patience_s
        if query.asked:
            # Each round is waited for twice as long as before, but a line that is back is noticed within a second.
            wait = min(wait * 2 ** query.asked.count(server), max(wait, AGAIN_S_MAX))
        query.asked.append(server)
        query.next_at = self._loop.now + wait
        try:
            self._put(query, server)
        except OSError:
            self._unreachable(query, server)

    def _put(self, query: UpstreamQuery, server: UpstreamServer) -> None:
        # For id and channel, and a byte for each of the name's.
        at, size = self._drawn, query.end - HEADER if server.mixes else 3
        if at + size > ENTROPY_BYTES:
            at, self._entropy = 0, os.urandom(ENTROPY_BYTES)
        self._drawn = at + size
        entropy = self._entropy
        packet = Packet(query, server, self._loop.now)
        pool, slot = self._pools.get(server), entropy[at + 2] % CHANNELS
        channel = None if pool is None else pool[slot]
        if channel is None or channel.uses >= CHANNEL_USES:
            channel = self._channel(server, slot)
        noise = None
        if server.mixes and not (query.packets and _met_silence(query, server)):
            noise = entropy[at + 3 : at + size]
        channel.send(packet, entropy[at : at + 2], noise)
        self._packets[packet] = None
        query.packets.append(packet)
        if len(self._packets) > PACKETS_MAX:
            self._drop(next(iter(self._packets)))

    def _look_at_doubted(self, query: UpstreamQuery, server: UpstreamServer) -> None:
        """While one server serves, a question now and then tells whether another is back."""
        for other in self._servers.list:
            if other is not server and other.doubted and other.look(self._loop.now):
                try:
                    self._put(query, other)
                except OSError:
                    other.unreachable(self._loop.now)

    def _channel(self, server: UpstreamServer, slot: int) -> UpstreamSocket:
        pool = self._pools.get(server)
        if pool is None:
            pool = self._pools[server] = [None] * CHANNELS
        channel = pool[slot]
        if channel is not None and channel.uses >= CHANNEL_USES and len(self._spent) < SPENT_MAX:
            pool[slot] = None
            self._spend(channel)
            channel = None
        if channel is None:
            connected = _dial(server, socket.SOCK_DGRAM)
            channel = pool[slot] = UpstreamSocket(
                self._loop, connected, self._arrived, self._folded, self._refused, self._spent.discard
            )
        return channel

    def _spend(self, channel: UpstreamSocket) -> None:
        """It is used for nothing new, and closed with its last answer."""
        if channel.pending:
            channel.spent = True
            self._spent.add(channel)
        else:
            channel.close()

    def _retire(self, server: UpstreamServer) -> None:
        """New sockets from here on: the address that the old ones send from may be gone."""
        for channel in self._pools.pop(server, []):
            if channel is not None:
                self._spend(channel)

    def _drop(self, packet: Packet) -> None:
        """Nothing can answer it any more."""
        self._packets.pop(packet, None)
        if packet.channel is not None:
            packet.channel.drop(packet)

    # answers

    def _arrived(self, packet: Packet, response: bytes) -> None:
        query, server = packet.query, packet.server
        self._packets.pop(packet, None)
        rcode = response[3] & 0x0F
        if rcode:
            # Before it: whom to ask next, and for how long, goes by what is known of the servers.
            server.answered(self._loop.now - packet.sent_at)
        try:
            if query.over:
                query.late(response)
            elif response[2] & _TC:
                self._ask_by_tcp(packet, response)
            elif not rcode or rcode not in _SECOND_CHANCES or not _SECOND_CHANCES[rcode](self, query, server):
                if query.packets[0] is packet:
                    server.deaf = 0
                else:
                    self._learn_letters(packet, rcode)
                self._finish(query, response, 0)
            else:
                query.said = response
        except Exception as error:  # noqa: BLE001 - the barrier
            self._loop.faults.met(error)
            self._failed(query)
        if not rcode:
            server.answered(self._loop.now - packet.sent_at)

    def _learn_letters(self, packet: Packet, rcode: int) -> None:
        """It was not the first packet that was answered: random letters may be why."""
        server = packet.server
        if not server.mixes or rcode in _SECOND_CHANCES:
            return
        # One without OPT tells nothing of letters, and questions that waited together met one silence.
        alike = [
            one for one in packet.query.packets if one.server is server and len(one.message) == len(packet.message)
        ]
        if not _plain(packet):
            server.deaf = 0
        elif packet.query.began >= server.deaf_at and not all([_plain(one) for one in alike]):
            server.deaf_at = self._loop.now
            server.deaf += 1
            if server.deaf >= DEAF_MAX:
                server.mixes, server.deaf = False, 0
                self._loop.after(MIX_AGAIN_S, lambda: setattr(server, "mixes", not server.folds))

    def _failed(self, query: UpstreamQuery) -> None:
        if not query.over:
            self._finish(query, None, EDE_OTHER)

    def _folded(self, packet: Packet) -> bool:
        """An answer has other letters in the name than were sent: forged, or of one of the few servers that do so
        each time. So it counts if another packet of the question was answered so as well."""
        server, query = packet.server, packet.query
        packet.folded = True
        others = [one for one in query.packets if one is not packet and one.server is server]
        if server.folds or [one for one in others if one.folded]:
            server.folds, server.mixes = True, False
            return True
        if not others and query in self._waiting:
            self._send(query, server)
        return False

    def without_edns(self, query: UpstreamQuery, server: UpstreamServer) -> bool:
        """Asks again without OPT, which old servers refuse (RFC 6891 section 7); False if it had none."""
        if query.message[10:HEADER] == b"\0\0":
            return self.in_its_letters(query, server)
        query.message = query.message[:10] + b"\0\0" + query.message[HEADER : query.end]
        self._send(query, server)
        return True

    def elsewhere(self, query: UpstreamQuery, server: UpstreamServer) -> bool:
        """Asks another server, since a failure of one need not be another's, and the last one once more in the client's
        letters; False if all failed."""
        query.failed = (*query.failed, server)
        left = [other for other in self._servers.list if other not in query.failed]
        if left and not any(other in query.asked for other in left):
            self._send(query, min(left, key=lambda other: other.doubted))
        return bool(left) or self.in_its_letters(query, server)

    def in_its_letters(self, query: UpstreamQuery, server: UpstreamServer) -> bool:
        """Asks once more in the client's letters, which random ones may be refused for; False if it was done."""
        sent = [packet for packet in query.packets if packet.server is server]
        if not server.mixes or any([_plain(packet) for packet in sent]):
            return False
        query.failed = (*query.failed, server)
        self._send(query, server)
        return True

    def _ask_by_tcp(self, packet: Packet, cut: bytes) -> None:
        """The whole of an answer that was cut. Where it can't be had the client gets the cut one, and sees to it."""
        if len(self._streams) >= STREAMS_MAX:
            self._finish(packet.query, cut, 0)
            return
        try:
            connecting = _dial(packet.server, socket.SOCK_STREAM)
        except OSError:
            self._finish(packet.query, cut, 0)
            return
        packet.query.next_at = self._loop.now + PATIENCE_S
        self._streams.add(Stream(self._loop, connecting, packet, cut, self._stream_ended))

    def _stream_ended(self, stream: Stream, response: bytes | None) -> None:
        self._streams.discard(stream)
        query = stream.packet.query
        if not query.over:
            self._finish(query, response or stream.cut, 0)
        elif response is not None:
            query.late(response)

    # silence

    def _tick(self) -> None:
        now = self._loop.now
        for query in [query for query in self._waiting if query.next_at <= now or query.began + PATIENCE_S <= now]:
            # What happens to one may end others.
            if query in self._waiting:
                try:
                    self._overdue(query)
                except Exception as error:  # noqa: BLE001 - the barrier
                    self._loop.faults.met(error)
                    self._failed(query)
        for packet in self._outdated():
            self._drop(packet)
        self._ticking = bool(self._waiting or self._packets)
        if self._ticking:
            self._loop.after(TICK_S, self._tick)

    def _outdated(self) -> list[Packet]:
        found = []
        for packet in self._packets:
            if packet.sent_at + LATE_S > self._loop.now:
                break
            found.append(packet)
        return found

    def _overdue(self, query: UpstreamQuery) -> None:
        server = query.asked[-1]
        if server.unreachable_since is None:
            before = server.down
            server.unanswered()
            if server.down and not before:
                self._retire(server)
        following = self._servers.after(server, query.asked, query.failed)
        told = query.said is not None and all([one in query.failed for one in self._servers.list])
        if query.began + PATIENCE_S <= self._loop.now or following is None or told:
            self._give_up(query, server.ede)
        else:
            self._send(query, following)

    def _refused(self, channel: UpstreamSocket) -> None:
        """An ICMP error came back on this socket, or its interface went away."""
        for packet in list(channel.pending.values()):
            self._drop(packet)
            if packet.query in self._waiting:
                self._unreachable(packet.query, packet.server)
            else:
                packet.server.unreachable(self._loop.now)

    def _unreachable(self, query: UpstreamQuery, server: UpstreamServer) -> None:
        """Goes on elsewhere at once; with nowhere else, what is restarting has a moment, if it was there until now."""
        now = self._loop.now
        if not server.down:
            self._retire(server)
        server.unreachable(now)
        following = self._servers.after(server, query.asked, query.failed)
        if following is not None and following not in query.asked:
            self._send(query, following)
        elif all(_gone(one, now) for one in self._servers.list):
            self._give_up(query, server.ede)
        else:
            query.next_at = min(query.next_at, now + AGAIN_S)

    # upkeep

    def _reread(self) -> None:
        for server in [server for server in self._pools if server.down]:
            self._retire(server)
        if self._servers.reread():
            for server in [server for server in self._pools if server not in self._servers.list]:
                self._retire(server)

    def _close_idle(self) -> None:
        oldest = self._loop.now - CHANNEL_S
        for pool in self._pools.values():
            for slot, channel in enumerate(pool):
                if channel is not None and not channel.pending and channel.opened < oldest:
                    channel.close()
                    pool[slot] = None


def _met_silence(query: UpstreamQuery, server: UpstreamServer) -> bool:
    """Whether the server has not answered the question yet: random letters may be why, so it gets the client's."""
    return any([packet.server is server and not packet.folded for packet in query.packets])


def _plain(packet: Packet) -> bool:
    """Whether it was sent in the client's letters."""
    end = packet.query.end
    return packet.message[HEADER:end] == packet.query.message[HEADER:end]


def _gone(server: UpstreamServer, now: float) -> bool:
    """Whether it can't be reached for longer than a restart takes."""
    return server.unreachable_since is not None and now - server.unreachable_since >= RESTART_S


def _dial(server: UpstreamServer, kind: int) -> socket.socket:
    """A non-blocking socket, connected to the server or about to be. OSError."""
    made = socket.socket(server.family, kind)
    made.setblocking(False)
    error = made.connect_ex(server.sockaddr)
    if error not in (0, errno.EINPROGRESS):
        made.close()
        raise OSError(error, os.strerror(error))
    return made


# Response codes after which the question is put differently, or to somebody else.
_SECOND_CHANCES: dict[int, Callable[[Upstream, UpstreamQuery, UpstreamServer], bool]] = {
    FORMERR: Upstream.without_edns,
    NOTIMP: Upstream.without_edns,
    SERVFAIL: Upstream.elsewhere,
    REFUSED: Upstream.elsewhere,
}
