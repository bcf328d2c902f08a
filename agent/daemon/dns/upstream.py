"""Asks the configured DNS servers, and nobody else: the only module of the daemon that reaches out.

A false answer has to guess a random id and the random port of one of several sockets that change all the time, and
has to come from the server's address with the question that was asked. Whatever happens, a query's `done` is called, at
the latest some eight seconds later.
"""

import errno
import os
import socket
from collections.abc import Callable

from agent.core.addresses import show_endpoint
from agent.core.dns import EDE_NETWORK_ERROR, EDE_NO_REACHABLE_AUTHORITY
from agent.core.wire import FORMERR, HEADER, NOTIMP, REFUSED, SERVFAIL
from agent.daemon.dns.channels import Channel, Query, Stream
from agent.daemon.dns.resolvers import UP, Server, Servers
from agent.daemon.loop import Loop

TRY_S = 0.7  # three of them fit before a client's patience ends; a far resolver's cache miss takes a third of it
RESENDS = (1, 2, 4)  # after so many tries; in between only waiting, since the server may be busy with the question
TRIES_MAX = 7
TICK_S = 0.1
REREAD_S = 2.0
QUERIES_MAX = 512  # in flight; a household asks for a few dozen at once, and each takes about a kilobyte
EDE_OTHER = 0

CHANNELS = 4  # sockets to a server at a time: each more means fewer answers a wake-up
CHANNEL_USES = 64  # then its port has been seen often enough
CHANNEL_S = 10.0  # an idle one is closed after that
SPENT_MAX = 64  # sockets that only wait for their last answers: bounds the descriptors
STREAMS_MAX = 16  # one holds 64 KiB at most

ENTROPY_BYTES = 300  # drawn at once: a system call for a hundred queries

_TC = 0x02
_PROBE = b"\0\0\1\0\0\1\0\0\0\0\0\0\0\0\2\0\1"  # NS of the root: every resolver has it at hand


class Probe(Query):
    """Asks whether a server answers at all."""

    __slots__ = ()

    def __init__(self) -> None:
        Query.__init__(self, _PROBE, len(_PROBE))

    def done(self, response: bytes | None, ede: int) -> None:
        """Its answer says all by coming."""


class Upstream:
    """`ask` sends a query to the best server; see the module. `asked` and `failed` count."""

    def __init__(self, loop: Loop, servers: Servers) -> None:
        self._loop = loop
        self._servers = servers
        self.asked = 0
        self.failed = 0
        self._flying: dict[Query, None] = {}  # in the order of their deadlines, as all tries last equally long
        self._pools: dict[Server, list[Channel | None]] = {}
        self._spent: set[Channel] = set()
        self._streams: set[Stream] = set()
        self._ticking = False
        self._entropy = b""
        self._repeats = [loop.every(REREAD_S, self._reread), loop.every(CHANNEL_S, self._close_idle)]

    def ask(self, query: Query) -> None:
        """Its id is replaced. It may be done at once."""
        self.asked += 1
        server = self._servers.best()
        if server is None:
            self._give_up(query, self._servers.ede)
        elif len(self._flying) >= QUERIES_MAX:
            self._give_up(query, EDE_OTHER)
        else:
            self._send(query, server)

    @property
    def state(self) -> str:
        """ "up", "down", or "none" when no server is configured."""
        return self._servers.state

    @property
    def names(self) -> list[str]:
        """The servers' endpoints, in order of preference."""
        return [show_endpoint(server.address, server.port) for server in self._servers.list]

    def close(self) -> None:
        """Forgets what is in flight; nobody is called back."""
        for repeat in self._repeats:
            repeat.cancel()
        self._flying.clear()
        for server in list(self._pools):
            self._retire(server)
        for channel in self._spent:
            channel.close()
        for stream in self._streams:
            stream.close()

    def _give_up(self, query: Query, ede: int) -> None:
        self.failed += 1
        query.done(None, ede)

    # sending

    def _send(self, query: Query, server: Server) -> None:
        query.server = server
        self._wait(query)
        entropy = self._entropy or os.urandom(ENTROPY_BYTES)
        self._entropy = entropy[3:]
        try:
            self._channel(server, entropy[2] % CHANNELS).send(query, entropy[0] << 8 | entropy[1])
        except OSError:
            self._unreachable(query)

    def _wait(self, query: Query) -> None:
        query.deadline = self._loop.now + TRY_S
        self._flying[query] = None
        if not self._ticking:
            self._ticking = True
            self._loop.after(TICK_S, self._tick)

    def _channel(self, server: Server, slot: int) -> Channel:
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
            channel = pool[slot] = Channel(self._loop, connected, self._arrived, self._refused, self._spent.discard)
        return channel

    def _spend(self, channel: Channel) -> None:
        """It is used for nothing new, and closed with its last answer."""
        if channel.pending:
            channel.spent = True
            self._spent.add(channel)
        else:
            channel.close()

    def _retire(self, server: Server) -> None:
        """New sockets from here on: the address that the old ones send from may be gone."""
        for channel in self._pools.pop(server, []):
            if channel is not None:
                self._spend(channel)

    def _land(self, query: Query) -> None:
        """It is in the air no longer, so that no later packet can answer it."""
        del self._flying[query]
        if query.channel is not None:
            query.channel.drop(query)

    # answers

    def _arrived(self, query: Query, response: bytes) -> None:
        del self._flying[query]
        server = query.server
        if server.state != UP:
            server.answered()
        if isinstance(query, Probe):
            server.probing = False
            return
        if response[2] & _TC:
            self._ask_by_tcp(query)
            return
        second_chance = _SECOND_CHANCES.get(response[3] & 0x0F)
        if second_chance is None or not second_chance(self, query):
            query.done(response, 0)

    def without_edns(self, query: Query) -> bool:
        """Asks again without OPT, which old servers refuse (RFC 6891 section 7); False if it had none."""
        if query.message[10:HEADER] == b"\0\0":
            return False
        query.message = query.message[:10] + b"\0\0" + query.message[HEADER : query.end]
        self._send(query, query.server)
        return True

    def elsewhere(self, query: Query) -> bool:
        """Asks another server, since a failure of one need not be another's; False if all were asked."""
        other = self._servers.other(query.server)
        query.tries += 1
        if other is None or other is query.server or query.tries >= len(self._servers.list):
            return False
        self._send(query, other)
        return True

    def _ask_by_tcp(self, query: Query) -> None:
        if len(self._streams) >= STREAMS_MAX:
            self._give_up(query, EDE_OTHER)
            return
        try:
            connecting = _dial(query.server, socket.SOCK_STREAM)
        except OSError:
            self._give_up(query, EDE_NETWORK_ERROR)
            return
        self._streams.add(Stream(self._loop, connecting, query, self._stream_ended))

    def _stream_ended(self, stream: Stream, response: bytes | None) -> None:
        self._streams.discard(stream)
        if response is None:
            self._give_up(stream.query, EDE_NETWORK_ERROR)
        else:
            stream.query.done(response, 0)

    # silence

    def _tick(self) -> None:
        overdue = []
        for query in self._flying:
            if query.deadline > self._loop.now:
                break
            overdue.append(query)
        for query in overdue:
            # What happens to one may end others.
            if query in self._flying:
                self._overdue(query)
        self._ticking = bool(self._flying)
        if self._ticking:
            self._loop.after(TICK_S, self._tick)

    def _overdue(self, query: Query) -> None:
        if isinstance(query, Probe):
            self._probe_lost(query)
            return
        server = query.server
        query.tries += 1
        if query.tries >= TRIES_MAX:
            self._land(query)
            self._give_up(query, EDE_NO_REACHABLE_AUTHORITY)
        elif query.tries in RESENDS:
            self._move(query)
        else:
            del self._flying[query]
            self._wait(query)
        self._doubt(server, EDE_NO_REACHABLE_AUTHORITY)

    def _move(self, query: Query) -> None:
        """Asks again: another server if there is one."""
        self._land(query)
        other = self._servers.other(query.server)
        if other is None:
            self._give_up(query, query.server.ede)
        else:
            self._send(query, other)

    def _refused(self, channel: Channel) -> None:
        """An ICMP error came back on this socket, or its interface went away."""
        for query in list(channel.pending.values()):
            if query in self._flying:
                self._unreachable(query)

    def _unreachable(self, query: Query) -> None:
        """Goes on elsewhere at once; with nowhere else, what is restarting has until the next try."""
        server = query.server
        if isinstance(query, Probe):
            server.doubt(EDE_NETWORK_ERROR)
            self._probe_lost(query)
            return
        query.tries += 1
        if query.tries < TRIES_MAX and self._servers.other(server) is not server:
            self._move(query)
        self._doubt(server, EDE_NETWORK_ERROR)

    # health

    def _doubt(self, server: Server, ede: int) -> None:
        server.doubt(ede)
        if not server.probing:
            server.probing = True
            self._retire(server)
            self._probe(server)

    def _probe(self, server: Server) -> None:
        if server.state == UP or server not in self._servers.list:
            server.probing = False
        else:
            self._send(Probe(), server)

    def _probe_lost(self, probe: Query) -> None:
        self._land(probe)
        server = probe.server
        if server.probe_lost():
            self._retire(server)
            for query in [query for query in self._flying if query.server is server]:
                self._move(query)
        # From when the probe was sent: one that failed at once is not followed by the next at once.
        self._loop.at(probe.deadline - TRY_S + server.probe_after_s, lambda: self._probe(server))

    # upkeep

    def _reread(self) -> None:
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


def _dial(server: Server, kind: int) -> socket.socket:
    """A non-blocking socket, connected to the server or about to be. OSError."""
    made = socket.socket(server.family, kind)
    made.setblocking(False)
    error = made.connect_ex(server.sockaddr)
    if error not in (0, errno.EINPROGRESS):
        made.close()
        raise OSError(error, os.strerror(error))
    return made


# Response codes after which the question is put differently, or to somebody else.
_SECOND_CHANCES: dict[int, Callable[[Upstream, Query], bool]] = {
    FORMERR: Upstream.without_edns,
    NOTIMP: Upstream.without_edns,
    SERVFAIL: Upstream.elsewhere,
    REFUSED: Upstream.elsewhere,
}
