"""What a connection opens with: a TLS hello or a plain HTTP request, also when it comes in several segments.

Segments may come in any order, twice, and overlapping. Nothing is kept of a connection whose first segment says it all;
what is kept of the others is bounded for each and in all, and goes when the connection is judged or given up.
"""

from agent.core import sniffed_request, tls_hello
from agent.core.model import BadInput
from agent.core.sniffed_request import SniffedRequest
from agent.core.tls_hello import Hello

FLOW_BYTES_MAX = tls_hello.HELLO_MAX + 1024
SEGMENTS_MAX = 16  # a hello of 12 kB comes in nine
STRANGE_MAX = 4  # segments without one that something opens with: another protocol, or a connection of before
FLOW_COST = 500  # bytes of memory that a flow takes beside its data
ALL_BYTES_MAX = 6 << 20
KEPT_S = 120.0  # who pauses longer inside a hello is given up

WAIT = "wait"  # more segments are needed
UNKNOWN = "unknown"  # never will it say where it goes
_HALF = 1 << 31


class Flow:
    """The segments of one connection, by sequence number relative to the first that was seen."""

    __slots__ = ("seq", "parts", "size", "began")

    def __init__(self, seq: int, began: float) -> None:
        self.seq = seq
        self.parts: list[tuple[int, bytes]] = []
        self.size = 0
        self.began = began

    def add(self, seq: int, data: bytes) -> None:
        at = (seq - self.seq + _HALF) % (2 * _HALF) - _HALF
        self.parts.append((at, data))
        self.size += len(data)

    def joined(self) -> bytes:
        """The bytes from the lowest number known up to the first hole; of an overlap the byte that came first."""
        order = sorted([(part[0], at) for at, part in enumerate(self.parts)])
        start = order[0][0]
        out = bytearray()
        for at, place in order:
            begin = at - start
            if begin > len(out):
                break
            out += self.parts[place][1][len(out) - begin :]
        return bytes(out)

    @property
    def full(self) -> bool:
        return len(self.parts) >= SEGMENTS_MAX or self.size > FLOW_BYTES_MAX


class Flows:
    """The connections that have not said all. A key is (owner, flow): the owner a mark, so that what one device sends
    in one epoch is never joined with anything else, and makes no other device's connections be given up."""

    def __init__(self, bytes_max: int = ALL_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._owners: dict[int, dict[bytes, Flow]] = {}
        self.size = 0
        self.given_up = 0

    def feed(self, owner: int, flow: bytes, seq: int, data: bytes, now: float) -> "Hello | SniffedRequest | str":
        """Takes a segment's bytes (not empty): what the connection opens with, or WAIT, or UNKNOWN."""
        flows = self._owners.get(owner)
        known = None if flows is None else flows.get(flow)
        if known is None:
            found = opening(data)
            if found is not WAIT and found is not UNKNOWN:
                return found
            known = self._keep(owner, flow, seq, now)
        known.add(seq, data)
        self.size += len(data)
        found = self._judged(known)
        if found is not WAIT:
            self._drop(owner, flow)
            if found is UNKNOWN:
                self.given_up += 1
        elif self.size > self._bytes_max:
            self._make_room()
        return found

    def _judged(self, flow: Flow) -> "Hello | SniffedRequest | str":
        found = opening(flow.joined())
        if found is UNKNOWN and len(flow.parts) < STRANGE_MAX:
            found = WAIT  # a segment from the middle may have come first
        return UNKNOWN if found is WAIT and flow.full else found

    def _keep(self, owner: int, flow: bytes, seq: int, now: float) -> Flow:
        made = self._owners.setdefault(owner, {})[flow] = Flow(seq, now)
        self.size += FLOW_COST
        return made

    def _drop(self, owner: int, flow: bytes) -> None:
        flows = self._owners[owner]
        self.size -= FLOW_COST + flows.pop(flow).size
        if not flows:
            del self._owners[owner]

    def _make_room(self) -> None:
        """The owner with the most open connections loses a quarter of them, the eldest."""
        owner = max(sorted(self._owners), key=lambda owner: len(self._owners[owner]))
        flows = self._owners[owner]
        by_age = sorted([(flows[flow].began, flow) for flow in flows])
        for _, flow in by_age[: 1 + len(by_age) // 4]:
            self._drop(owner, flow)
            self.given_up += 1

    def expire(self, now: float) -> None:
        """Give up what began too long ago."""
        for owner in sorted(self._owners):
            flows = self._owners[owner]
            for flow in [flow for flow in flows if now - flows[flow].began > KEPT_S]:
                self._drop(owner, flow)
                self.given_up += 1

    def drop(self, owners: "set[int]") -> None:
        """Keep only what belongs to these owners."""
        for owner in [owner for owner in self._owners if owner not in owners]:
            for flow in list(self._owners[owner]):
                self._drop(owner, flow)

    def __len__(self) -> int:
        return sum([len(flows) for flows in self._owners.values()])


def opening(data: bytes) -> "Hello | SniffedRequest | str":
    """What a connection's first bytes are: Hello, Request, WAIT, or UNKNOWN."""
    try:
        found: Hello | SniffedRequest | None
        if data[:1] == b"\x16":
            found = tls_hello.read(data)
        else:
            found = sniffed_request.read(data)
    except BadInput:
        return UNKNOWN
    return WAIT if found is None else found
