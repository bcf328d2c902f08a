"""The DNS servers to ask: from the settings or the system's resolver file, and what is known of their health.

A server is up, doubted (something went unanswered, a probe is out) or down (two probes in a row went unanswered).
Any answer makes it up again.
"""

import os
import socket

from agent.core.addresses import parse
from agent.core.dns import EDE_NETWORK_ERROR, EDE_NO_REACHABLE_AUTHORITY
from agent.core.model import BadInput

SERVERS_MAX = 4  # one more than resolv.conf(5) knows
FILE_BYTES_MAX = 16384
DNS_PORT = 53

UP, DOUBTED, DOWN = "up", "doubted", "down"
PROBES_LOST_MAX = 2  # one lost probe may be a lost packet
PROBE_S = 0.7
PROBE_S_MAX = 4.0  # how long after its return a server is noticed, at worst


class Server:
    """One resolver. `sockaddr` is what connect takes; `ede` says why it is not up."""

    __slots__ = ("address", "port", "family", "sockaddr", "state", "ede", "probes_lost", "probing")

    def __init__(self, address: str, port: int) -> None:
        self.address = address
        self.port = port
        bare, _, scope = address.partition("%")
        v6 = ":" in bare
        self.family = socket.AF_INET6 if v6 else socket.AF_INET
        self.sockaddr: tuple[str | int, ...] = (bare, port, 0, _scope_id(scope)) if v6 else (bare, port)
        self.state = UP
        self.ede = EDE_NO_REACHABLE_AUTHORITY
        self.probes_lost = 0
        self.probing = False  # a probe is out, or the next one is set

    def answered(self) -> None:
        self.state = UP

    def doubt(self, ede: int) -> None:
        """Something went unanswered, and `ede` says why."""
        self.ede = ede
        if self.state == UP:
            self.state = DOUBTED
            self.probes_lost = 0

    def probe_lost(self) -> bool:
        """A probe went unanswered; True when the server is down from now on."""
        self.probes_lost += 1
        if self.state != DOUBTED or self.probes_lost < PROBES_LOST_MAX:
            return False
        self.state = DOWN
        return True

    @property
    def probe_after_s(self) -> float:
        """Seconds from one probe to the next."""
        return min(PROBE_S * 2.0 ** max(0, self.probes_lost - PROBES_LOST_MAX), PROBE_S_MAX)


def _scope_id(scope: str) -> int:
    """Of a link-local address (RFC 4007); 0, the default zone, when there is none or its interface is gone."""
    try:
        return socket.if_nametoindex(scope) if scope else 0
    except OSError:
        return 0


class Servers:
    """The servers in order of preference. `given` comes from the settings; without any, `path` is read and watched.

    `own` are the endpoints that we listen on: never asked, or a query would run in circles.
    """

    def __init__(self, given: list[tuple[str, int]], path: str, own: list[tuple[str, int]]) -> None:
        self.list: list[Server] = []
        self._given = given
        self._path = path
        self._own = own
        self._seen: tuple[int, ...] = ()
        self.reread()

    def use(self, given: list[tuple[str, int]], path: str) -> None:
        """Other settings, which `reread` follows from here on."""
        self._given = given
        self._path = path
        self._seen = ()

    def reread(self) -> bool:
        """Looks whether the file changed; True when the servers did. A server that stays keeps its health."""
        wanted = self._given or self._from_file()
        if wanted is None:
            return False
        endpoints = [endpoint for endpoint in wanted if endpoint not in self._own][:SERVERS_MAX]
        if endpoints == [(server.address, server.port) for server in self.list]:
            return False
        known = {(server.address, server.port): server for server in self.list}
        self.list = [known.get(endpoint) or Server(*endpoint) for endpoint in endpoints]
        return True

    def _from_file(self) -> list[tuple[str, int]] | None:
        """None when there is nothing new; a file that is gone for a moment leaves the servers as they are."""
        try:
            found = os.stat(self._path)
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
            if seen == self._seen:
                return None
            with open(self._path, "rb") as file:
                text = file.read(FILE_BYTES_MAX)
        except OSError:
            return None
        self._seen = seen
        return parse_resolv_conf(text)

    def best(self) -> Server | None:
        """The first that is up, else the first that is doubted."""
        for state in (UP, DOUBTED):
            for server in self.list:
                if server.state == state:
                    return server
        return None

    def other(self, than: Server) -> Server | None:
        """Where to ask next what `than` did not answer: another if one may answer, else itself, or None."""
        may_answer = [server for server in self.list if server.state != DOWN]
        others = [server for server in may_answer if server is not than]
        # In turn, so that a third is asked before the first again.
        position = self.list.index(than) if than in self.list else 0
        others.sort(key=lambda server: (server.state == DOUBTED, (self.list.index(server) - position) % len(self.list)))
        if others:
            return others[0]
        return than if than in may_answer else None

    @property
    def ede(self) -> int:
        """Why nothing can be asked."""
        return self.list[0].ede if self.list else EDE_NETWORK_ERROR

    @property
    def state(self) -> str:
        """ "up", "down", or "none" when no server is known."""
        if not self.list:
            return "none"
        return "up" if self.best() else DOWN


def parse_resolv_conf(text: bytes) -> list[tuple[str, int]]:
    """The `nameserver` lines of resolv.conf(5); lines that are broken are passed over."""
    found: list[tuple[str, int]] = []
    for line in text.decode("latin-1").splitlines():
        words = line.split()
        if len(words) < 2 or words[0] != "nameserver":
            continue
        try:
            parse(words[1].partition("%")[0])
        except BadInput:
            continue
        if (words[1], DNS_PORT) not in found:
            found.append((words[1], DNS_PORT))
    return found
