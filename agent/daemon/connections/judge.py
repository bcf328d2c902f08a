"""Judges connections by what they open with: who it is, where it goes, whether it may, and what is recorded of it.

In doubt a connection is let through and nothing is recorded: an unknown or former device, a packet that is none, an
opening that names nobody.
"""

from collections.abc import Callable

from agent.core import judging, quic
from agent.core.addresses import show
from agent.core.flows import UNKNOWN, Flows
from agent.core.hello import Hello
from agent.core.marks import DEFAULT, Layout
from agent.core.model import Rule, Verdict
from agent.core.nfnl import Packet
from agent.core.packet import Segment, datagram, segment
from agent.core.policy import ALLOWED, Policy
from agent.core.request import Request, url
from agent.daemon.clients import Client, Clients
from agent.daemon.store.recorder import Recorder

TARGET_MAX = 500  # bytes of a URL in an attempt; longer ones are cut


class Connections:
    """`now()` is the loop's clock; `told(client)` is called for each refusal. `answer(packet, target, rule)` sends who
    made a plain request a page that says why, or returns False.
    """

    def __init__(
        self,
        clients: Clients,
        recorder: Recorder,
        policy: Policy,
        now: Callable[[], float],
        told: Callable[[Client], None],
        answer: Callable[[bytes, str, Rule | None], bool] = lambda packet, target, rule: False,
        layout: Layout = DEFAULT,
    ) -> None:
        self._layout = layout
        self.policy = policy
        self._clients = clients
        self._recorder = recorder
        self._now = now
        self._told = told
        self._answer = answer
        self._flows = Flows()
        self.judged = 0
        self.refusals = 0
        self.quic = 0

    def judge(self, packet: Packet) -> int | None:
        """The mark that a packet of a protected device goes on with; None: as it is, and its connection comes again."""
        seen = self._seen(packet)
        if seen is None:
            return None
        client, piece, opened = seen
        if isinstance(opened, str):
            return self._layout.with_state(packet.mark, judging.DONE) if opened is UNKNOWN else None
        verdict = self._decide(client, piece, opened)
        self._record(client, piece, opened, verdict)
        if verdict.blocked:
            return self._layout.with_state(packet.mark, self._refusal(packet, piece, opened, verdict))
        # On a connection of plain HTTP requests for other pages may follow.
        return None if isinstance(opened, Request) else self._layout.with_state(packet.mark, judging.DONE)

    def _refusal(self, packet: Packet, piece: Segment, opened: Hello | Request, verdict: Verdict) -> int:
        readable = isinstance(opened, Request) and opened.method in (b"GET", b"POST")
        if readable and self._answer(packet.payload, target_of(piece, opened), verdict.rule):
            return judging.ANSWERED
        return judging.REFUSED

    def note(self, packet: Packet) -> None:
        """Takes a copy of a packet: of a device with history only, or of QUIC."""
        seen = self._seen(packet)
        if seen is None:
            first = datagram(packet.payload)
            self.quic += first is not None and quic.read(first) is not None
            return
        client, piece, opened = seen
        if not isinstance(opened, str):
            self._record(client, piece, opened, ALLOWED)

    def _seen(self, packet: Packet) -> tuple[Client, Segment, Hello | Request | str] | None:
        """Whose it is, and what its connection opens with as far as it is known; None when nobody's or empty."""
        mark = judging.sender(packet.source)
        client = None if mark is None else self._clients.identify(mark, "")
        piece = None if client is None else segment(packet.payload)
        if mark is None or client is None or piece is None or not piece.data:
            return None
        return client, piece, self._flows.feed(mark, piece.flow, piece.seq, piece.data, self._now())

    def _decide(self, client: Client, piece: Segment, opened: Hello | Request) -> Verdict:
        view = client.view
        if not isinstance(view, tuple):
            return ALLOWED
        page = (authority_of(piece, opened), opened.target) if isinstance(opened, Request) else None
        return self.policy.reach(view, host_of(piece, opened), piece.destination, page)

    def _record(self, client: Client, piece: Segment, opened: Hello | Request, verdict: Verdict) -> None:
        self.judged += 1
        source = source_of(opened)
        if verdict.blocked:
            self.refusals += 1
            target = target_of(piece, opened)
            self._recorder.refused(client.slot, client.generation, target, source, 1, verdict)
            self._told(client)
        elif opened_name(opened) is not None:
            self._recorder.allowed(client.slot, client.generation, host_of(piece, opened), source, 1)

    def keep(self, marks: set[int]) -> None:
        """Forget the unfinished connections of all other marks."""
        self._flows.forget(marks)

    def expire(self) -> None:
        self._flows.expire(self._now())

    def counters(self) -> dict[str, int]:
        return {
            "connections": self.judged,
            "connections_refused": self.refusals,
            "connections_unread": self._flows.given_up,
            "quic": self.quic,
        }


def opened_name(opened: Hello | Request) -> bytes | None:
    return opened.name if isinstance(opened, Hello) else opened.host


def host_of(piece: Segment, opened: Hello | Request) -> bytes:
    """The name that the opening says; the destination's address where it says none."""
    return opened_name(opened) or show(piece.destination).encode()


def authority_of(piece: Segment, opened: Request) -> bytes:
    if opened.authority is not None:
        return opened.authority
    address = show(piece.destination)
    return (f"[{address}]" if ":" in address else address).encode()


def source_of(opened: Hello | Request) -> str:
    """With ECH on offer the name may be the front's: it is noted as such."""
    if isinstance(opened, Request):
        return "http"
    return "ech" if opened.ech else "tls"


def target_of(piece: Segment, opened: Hello | Request) -> str:
    """What an attempt names: a host or an address, of a plain request the URL without its query."""
    if isinstance(opened, Request):
        return url(authority_of(piece, opened), opened.target)[:TARGET_MAX]
    return host_of(piece, opened).decode()
