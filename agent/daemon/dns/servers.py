"""The DNS servers to ask: from the settings or the system's resolver file, and what the traffic told of each.

Nothing is probed. A server that left a question unanswered is doubted until any answer comes from it, also a late one;
with all in doubt the least bad is asked, so that the only one is always asked.
"""

import contextlib
import os

from agent.core.addresses import parse
from agent.core.dns import EDE_NETWORK_ERROR, EDE_NO_REACHABLE_AUTHORITY
from agent.core.localnames import is_private
from agent.core.model import BadInput
from agent.platform.cmodules import socket

SERVERS_MAX = 4  # one more than resolv.conf(5) knows
FILE_BYTES_MAX = 16384
DNS_PORT = 53

UP, DOWN, UNKNOWN, NONE = "up", "down", "unknown", "none"
DOWN_LOST = 2  # one unanswered question may be a lost packet
# How long an answer is waited for before the question is sent again: RFC 6298, with bounds of our own. A question that
# is asked twice costs little, so the lower one is only what a resolver takes that has to ask around itself; with the
# upper one a client's patience still has room for three tries.
PATIENCE_FIRST_S = 0.7
PATIENCE_MIN_S, PATIENCE_MAX_S = 0.3, 1.5
MUCH_SLOWER_S = 0.3  # a server that answers sooner by more than this goes before the one that is preferred
LOOK_S, LOOK_S_MAX = 2.0, 32.0  # how often one question also goes to a doubted server while another one serves


class UpstreamServer:
    """One resolver. `sockaddr` is what connect takes; `ede` says why it is doubted, `folds` that it changes letters.

    `mixes` says that it is sent random ones: an answer from the router itself can't be forged from outside. `deaf`
    counts the questions in a row that it answered in the client's letters only, the last of them at `deaf_at`."""

    __slots__ = (
        "address",
        "port",
        "family",
        "sockaddr",
        "ede",
        "lost",
        "unreachable_since",
        "patience_s",
        "smoothed_s",
        "variance_s",
        "look_at",
        "looks",
        "folds",
        "mixes",
        "deaf",
        "deaf_at",
    )

    def __init__(self, address: str, port: int) -> None:
        self.address = address
        self.port = port
        bare, _, scope = address.partition("%")
        v6 = ":" in bare
        self.family = socket.AF_INET6 if v6 else socket.AF_INET
        self.sockaddr: tuple[str | int, ...] = (bare, port, 0, _scope_id(scope)) if v6 else (bare, port)
        self.ede = EDE_NO_REACHABLE_AUTHORITY
        self.lost = 0
        self.unreachable_since: float | None = None
        self.patience_s = PATIENCE_FIRST_S  # RFC 6298 section 2, within the bounds above
        self.smoothed_s: float | None = None  # None: it never answered
        self.variance_s = 0.0
        self.look_at = 0.0
        self.looks = 0
        self.folds = False
        self.mixes = not (bare.startswith("127.") or bare == "::1")
        self.deaf = 0
        self.deaf_at = 0.0

    @property
    def doubted(self) -> bool:
        return self.lost > 0

    @property
    def down(self) -> bool:
        return self.lost >= DOWN_LOST

    def answered(self, took_s: float) -> None:
        """An answer came, `took_s` after the packet that it answers was sent."""
        self.lost = 0
        self.unreachable_since = None
        self.looks = 0
        if self.smoothed_s is None:
            self.smoothed_s, self.variance_s = took_s, took_s / 2
        else:
            off = took_s - self.smoothed_s
            self.variance_s += ((off if off > 0 else -off) - self.variance_s) / 4
            self.smoothed_s += off / 8
        patience_s = self.smoothed_s + 4 * self.variance_s
        if patience_s < PATIENCE_MIN_S:
            patience_s = PATIENCE_MIN_S
        self.patience_s = patience_s if patience_s < PATIENCE_MAX_S else PATIENCE_MAX_S

    def unanswered(self) -> None:
        """A question waited for too long."""
        self.lost += 1
        self.ede = EDE_NO_REACHABLE_AUTHORITY

    def unreachable(self, now: float) -> None:
        """The network says that it can't be reached."""
        self.lost = max(self.lost, DOWN_LOST)
        self.ede = EDE_NETWORK_ERROR
        if self.unreachable_since is None:
            self.unreachable_since = now

    def look(self, now: float) -> bool:
        """Whether it is time to see if this doubted server answers again; the next time is later."""
        if now < self.look_at:
            return False
        self.look_at = now + min(LOOK_S * 2.0**self.looks, LOOK_S_MAX)
        self.looks += 1
        return True


def _scope_id(scope: str) -> int:
    """Of a link-local address (RFC 4007); 0, the default zone, when there is none or its interface is gone."""
    try:
        return socket.if_nametoindex(scope) if scope else 0
    except OSError:
        return 0


def is_inside(address: str) -> bool:
    """Whether the address is none of the internet's."""
    return is_private(parse(address.partition("%")[0]))


def on_this_router(address: str) -> bool:
    """Whether it is an address of this machine's own on the inside."""
    if not is_inside(address):
        return False
    server = UpstreamServer(address, 0)
    with contextlib.closing(socket.socket(server.family, socket.SOCK_DGRAM)) as trying:
        try:
            trying.bind(server.sockaddr)
        except OSError:
            return False
    return True


class UpstreamServers:
    """The servers in order of preference. `given` comes from the settings; without any, `path` is read and watched.

    `own` are the endpoints that we listen on: never asked, or a query would run in circles. `inside`: servers with
    addresses of the internet are left out. `domains` are the local ones that the file names.
    """

    def __init__(
        self, given: list[tuple[str, int]], path: str, own: list[tuple[str, int]], inside: bool = False
    ) -> None:
        self.list: list[UpstreamServer] = []
        self.domains: list[str] = []
        self._given = given
        self._path = path
        self._own = own
        self._inside = inside
        self._seen: tuple[int, ...] = ()
        self.reread()

    def holds(self, endpoint: tuple[str, int]) -> bool:
        """Whether it is one of the servers."""
        return endpoint in [(server.address, server.port) for server in self.list]

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
        endpoints = [endpoint for endpoint in wanted if endpoint not in self._own]
        endpoints = [endpoint for endpoint in endpoints if not self._inside or is_inside(endpoint[0])][:SERVERS_MAX]
        if endpoints == [(server.address, server.port) for server in self.list]:
            return False
        known = {(server.address, server.port): server for server in self.list}
        self.list = [known.get(endpoint) or UpstreamServer(*endpoint) for endpoint in endpoints]
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
        self.domains = parse_domains(text)
        return parse_resolv_conf(text)

    def best(self) -> UpstreamServer | None:
        """The first that is not doubted, unless another is much quicker; with all in doubt the one that lost least."""
        if len(self.list) == 1:
            return self.list[0]
        found: UpstreamServer | None = None
        for server in self.list:
            if found is None or _goes_before(server, found):
                found = server
        return found

    def after(
        self, server: UpstreamServer, asked: list[UpstreamServer], failed: tuple[UpstreamServer, ...]
    ) -> UpstreamServer | None:
        """Whom to ask next what `server` left unanswered: those that `failed` last, those not asked yet before others,
        those in doubt behind these; None when there is none."""
        if not self.list:
            return None
        # In turn, so that a third is asked before the first again.
        at = self.list.index(server) + 1 if server in self.list else 0
        turn = self.list[at:] + self.list[:at]
        return min(turn, key=lambda one: (one in failed, asked.count(one), one.doubted))

    @property
    def ede(self) -> int:
        """Why nothing can be asked."""
        return self.list[0].ede if self.list else EDE_NETWORK_ERROR

    @property
    def state(self) -> str:
        """UP: one answered, and is not doubted since; DOWN: all are doubted; UNKNOWN: none was asked yet; or NONE."""
        if not self.list:
            return NONE
        if all(server.down for server in self.list):
            return DOWN
        return UP if any(server.smoothed_s is not None and not server.down for server in self.list) else UNKNOWN


def _goes_before(one: UpstreamServer, other: UpstreamServer) -> bool:
    if one.doubted or other.doubted:
        return one.lost < other.lost
    if one.smoothed_s is None or other.smoothed_s is None:
        return False
    return one.smoothed_s + MUCH_SLOWER_S < other.smoothed_s


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


def parse_domains(text: bytes) -> list[str]:
    """The names of the `search` and `domain` lines of resolv.conf(5)."""
    lines = [line.split() for line in text.decode("latin-1").splitlines()]
    return [word for words in lines if words[:1] in (["search"], ["domain"]) for word in words[1:]]
