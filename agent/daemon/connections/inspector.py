"""Judges connections by what they open with: who it is, where it goes, whether it may, and what is recorded of it.

In doubt a connection is let through and nothing is recorded: an unknown or former device, a packet that is none, an
opening that names nobody.
"""

from collections.abc import Callable

from agent.core import quic
from agent.core.addresses import show
from agent.core.flows import FLOW_BYTES_MAX, UNKNOWN, Flows
from agent.core.marks import DEFAULT, Layout
from agent.core.model import Verdict
from agent.core.nft import inspection
from agent.core.packet import Segment, datagram, segment
from agent.core.policy import ALLOWED, Policy, View, recorded
from agent.core.safesearch import safe_host
from agent.core.sniffed_request import SniffedRequest, url
from agent.core.tls_hello import Hello
from agent.daemon.clients import Clients, DeviceView
from agent.daemon.connections.open_connections import OpenConnections
from agent.daemon.safe_addresses import SafeAddresses
from agent.daemon.store.recorder import Recorder

TARGET_MAX = 500  # bytes of a URL in an attempt; longer ones are cut
NOTED_MAX = 500  # connections waiting to be recorded, some 150 bytes each
ENDED_MAX = 1000  # refused connections of which copies may wait in the queue, some 250 bytes each
VERDICTS_MAX = 500  # decisions remembered, some 300 bytes each: what a household's devices connect to again and again

Packet = tuple[int, int, bytes, bytes]  # see nfnl.packets
# (client, packet, segment, request, verdict) → whether who made the request was sent a page that says why
Answer = Callable[[DeviceView, bytes, Segment, SniffedRequest, Verdict], bool]


class Inspector:
    """`now()` is the loop's clock; `told(client)` is called for each refusal, `warn(device id, name)`
    for each name that was let through, `safe` are the addresses of safe forms. `spared(device id, host)` tells whether
    a device reaches the host while its internet is off.

    What was let through is recorded by `flush`, off the packets' way, under the client that it came in with.
    """

    def __init__(
        self,
        clients: Clients,
        recorder: Recorder,
        policy: Policy,
        now: Callable[[], float],
        told: Callable[[DeviceView], None],
        answer: Answer,
        layout: Layout = DEFAULT,
        warn: Callable[[int, bytes], None] = lambda device_id, name: None,
        safe: SafeAddresses | None = None,
        spared: Callable[[int, bytes], bool] = lambda device_id, host: False,
    ) -> None:
        self._spared = spared
        self._policy = policy
        self._safe = SafeAddresses(now) if safe is None else safe
        self._clients = clients
        self._recorder = recorder
        self._now = now
        self._told = told
        self._answer = answer
        self._warn = warn
        self._flows = Flows()
        self.open = OpenConnections()
        self._others = ~layout.tag_mask
        self._bits = {
            state: layout.state(state) for state in (inspection.DONE, inspection.REFUSED, inspection.ANSWERED)
        }
        self._done = self._bits[inspection.DONE]
        self._verdicts: dict[tuple[DeviceView, bytes, bytes], Verdict] = {}
        self._noted: dict[tuple[DeviceView, bytes, str], int] = {}
        self._ended: dict[bytes, tuple[int, int]] = {}  # flow → where its opening was, and what it came to
        self.judged = 0
        self.refusals = 0
        self.quic = 0

    def judge(self, packet: Packet) -> int | None:
        """The mark that a packet of a protected device goes on with; None: as it is, and its connection comes again."""
        _, mark, source, payload = packet
        seen = self._seen(source, payload)
        if seen is None:
            return None
        client, piece, opened = seen
        ended = self._ended.get(piece.flow)
        if ended is not None and _near(piece.seq, ended[0]):
            # Sent once more while its opening waited here: it would complete at the server what was refused.
            return self._marked(mark, ended[1])
        if isinstance(opened, str):
            if opened is not UNKNOWN:
                return None
            if client.held:
                return self._marked(mark, inspection.REFUSED)
            self._let(client, piece, b"")
            return self._marked(mark, inspection.DONE)
        self.judged += 1
        host = host_of(piece, opened)
        if client.held and not self._spared(client.device_id, host):
            # It came this far since something else is spared at that address. Recorded for nobody.
            return self._end(mark, piece, inspection.REFUSED)
        view = client.view
        if view is not None and view.safe and self._passes_by(view, host, piece.destination):
            # Nobody is told: the device asks the DNS again and is led to the safe form.
            return self._end(mark, piece, inspection.REFUSED)
        verdict = self._decide(client, piece, opened, host)
        if verdict.blocked:
            if recorded(verdict):
                self._refused(client, piece, opened, verdict)
            return self._end(mark, piece, self._refusal(client, payload, piece, opened, verdict))
        self._let(client, piece, host)
        self._allowed(client, opened)
        # On a connection of plain HTTP requests for other pages may follow.
        return None if isinstance(opened, SniffedRequest) else mark & self._others | self._done

    def _let(self, client: DeviceView, piece: Segment, name: bytes) -> None:
        if client.view is not None:
            self.open.let(piece.flow, client.device_id, name, piece.destination)

    def review(self) -> list[bytes]:
        """The flows of connections that were let through and may not go on, since policy or devices changed."""
        return self.open.review(self._policy, self._clients.protected(), self._blocked)

    def _blocked(self, view: View, name: bytes, address: bytes) -> bool:
        if not isinstance(view, View):
            return False
        if view.safe and self._passes_by(view, name, address):
            return True
        return self._policy.reach(view, name or show(address).encode(), address).blocked

    def _passes_by(self, view: View, host: bytes, address: bytes) -> bool:
        """Whether a host that has a safe form for this view is reached where that is not."""
        safe = safe_host(host, view.search, view.youtube)
        return safe is not None and not self._safe.holds(safe, address)

    def _end(self, mark: int, piece: Segment, state: int) -> int:
        self.open.refused(piece.flow)
        if len(self._ended) >= ENDED_MAX:
            del self._ended[next(iter(self._ended))]
        self._ended[piece.flow] = (piece.seq, state)
        return self._marked(mark, state)

    def _marked(self, mark: int, state: int) -> int:
        """The packet's mark with what its connection has come to in it."""
        return mark & self._others | self._bits[state]

    def _refusal(
        self, client: DeviceView, payload: bytes, piece: Segment, opened: Hello | SniffedRequest, verdict: Verdict
    ) -> int:
        if not isinstance(opened, SniffedRequest) or opened.method not in (b"GET", b"POST"):
            return inspection.REFUSED
        return inspection.ANSWERED if self._answer(client, payload, piece, opened, verdict) else inspection.REFUSED

    def note(self, packet: Packet) -> None:
        """Takes a copy of a packet: of a device with history only, or of QUIC."""
        _, _, source, payload = packet
        seen = self._seen(source, payload)
        if seen is None:
            first = datagram(payload)
            self.quic += first is not None and quic.read(first) is not None
            return
        client, piece, opened = seen
        if not isinstance(opened, str):
            self.judged += 1
            self._allowed(client, opened)

    def _seen(self, source: bytes, payload: bytes) -> tuple[DeviceView, Segment, Hello | SniffedRequest | str] | None:
        """Whose it is, and what its connection opens with as far as it is known; None when nobody's or empty."""
        mark = inspection.sender(source)
        client = None if mark is None else self._clients.identify(mark, "")
        piece = None if client is None else segment(payload)
        if mark is None or client is None or piece is None or not piece.data:
            return None
        return client, piece, self._flows.feed(mark, piece.flow, piece.seq, piece.data, self._now())

    def _decide(self, client: DeviceView, piece: Segment, opened: Hello | SniffedRequest, host: bytes) -> Verdict:
        view = client.view
        if not isinstance(view, View):
            return ALLOWED
        if isinstance(opened, SniffedRequest):
            return self._policy.reach(view, host, piece.destination, (authority_of(piece, opened), opened.target))
        key = (client, host, piece.destination)
        verdict = self._verdicts.get(key)
        if verdict is None:
            if len(self._verdicts) >= VERDICTS_MAX:
                self._verdicts.clear()
            verdict = self._verdicts[key] = self._policy.reach(view, host, piece.destination)
        return verdict

    def _refused(self, client: DeviceView, piece: Segment, opened: Hello | SniffedRequest, verdict: Verdict) -> None:
        self.refusals += 1
        target = target_of(piece, opened)
        self._recorder.refused(client.slot, client.generation, target, source_of(opened), 1, verdict)
        self._told(client)

    def _allowed(self, client: DeviceView, opened: Hello | SniffedRequest) -> None:
        name = opened_name(opened)
        if name is None:
            return  # an address is no site
        key = (client, name, source_of(opened))
        self._noted[key] = self._noted.get(key, 0) + 1
        if len(self._noted) >= NOTED_MAX:
            self.flush()

    def flush(self) -> None:
        """Records what was let through until now."""
        noted, self._noted = self._noted, {}
        for (client, name, source), hits in noted.items():
            self._recorder.allowed(client.slot, client.generation, name, source, hits)
            self._warn(client.device_id, name)

    def drain(self) -> None:
        """Records what was let through, and forgets what was decided. Before any toggle."""
        self.flush()
        self._verdicts.clear()

    def swap(self, policy: Policy) -> None:
        """Decide by this policy from here on."""
        self._policy = policy
        self._verdicts.clear()

    def retain(self, marks: set[int]) -> None:
        """Forget the unfinished connections of all other marks."""
        self._flows.drop(marks)

    def expire(self) -> None:
        self._flows.expire(self._now())

    def counters(self) -> dict[str, int]:
        return {
            "connections": self.judged,
            "connections_refused": self.refusals,
            "connections_unread": self._flows.given_up,
            "quic": self.quic,
        }


def opened_name(opened: Hello | SniffedRequest) -> bytes | None:
    return opened.name if isinstance(opened, Hello) else opened.host


def host_of(piece: Segment, opened: Hello | SniffedRequest) -> bytes:
    """The name that the opening says; the destination's address where it says none."""
    return opened_name(opened) or show(piece.destination).encode()


def authority_of(piece: Segment, opened: SniffedRequest) -> bytes:
    if opened.authority is not None:
        return opened.authority
    address = show(piece.destination)
    return (f"[{address}]" if ":" in address else address).encode()


def source_of(opened: Hello | SniffedRequest) -> str:
    """With ECH on offer the name may be the front's: it is noted as such."""
    if isinstance(opened, SniffedRequest):
        return "http"
    return "ech" if opened.ech else "tls"


def target_of(piece: Segment, opened: Hello | SniffedRequest) -> str:
    """What an attempt names: a host or an address, of a plain request the URL without its query."""
    if isinstance(opened, SniffedRequest):
        return url(authority_of(piece, opened), opened.target)[:TARGET_MAX]
    return host_of(piece, opened).decode()


def _near(seq: int, other: int) -> bool:
    """Whether both are of one opening; another connection of the same ports begins elsewhere."""
    return (seq - other + FLOW_BYTES_MAX) % (1 << 32) <= 2 * FLOW_BYTES_MAX
