"""What an IP packet carries (RFC 791, RFC 8200): a TCP segment (RFC 9293 section 3.1), or a datagram's bytes."""

from agent.core.model import Value

_TCP, _UDP = 6, 17
_IPV6_OPTIONS = (0, 43, 60)  # hop-by-hop, routing, destination options
_V4_HEAD, _V6_HEAD, _TCP_HEAD, _UDP_HEAD = 20, 40, 20, 8
_FRAGMENT = 0x3FFF  # more to come, or not the first
_OPTIONS_MAX = 4


class Segment(Value):
    """`flow` is both addresses and both ports as on the wire; `destination` 4 or 16 bytes; `data` what it carries."""

    __slots__ = ("flow", "destination", "port", "seq", "data")

    def __init__(self, flow: bytes, destination: bytes, port: int, seq: int, data: bytes) -> None:
        self.flow = flow
        self.destination = destination
        self.port = port
        self.seq = seq
        self.data = data


def segment(packet: bytes) -> Segment | None:
    """The segment of an IP packet as captured (it may be cut short); None for anything else and for fragments."""
    found = inside(packet)
    if found is None or found[0] != _TCP:
        return None
    _, head, end, addresses = found
    return _tcp(packet, addresses, head, end)


def datagram(packet: bytes) -> bytes | None:
    """The bytes of a UDP datagram; None for anything else and for fragments."""
    found = inside(packet)
    if found is None or found[0] != _UDP:
        return None
    return packet[found[1] + _UDP_HEAD : found[2]]


def inside(packet: bytes) -> tuple[int, int, int, bytes] | None:
    """The protocol that the packet carries, where its head begins, where the packet ends, and both addresses."""
    version = packet[0] >> 4 if packet else 0
    if version == 4 and len(packet) >= _V4_HEAD:
        head = (packet[0] & 15) * 4
        if head < _V4_HEAD or (packet[6] << 8 | packet[7]) & _FRAGMENT:
            return None
        # Zero where segments were put together to more than the field can say.
        return packet[9], head, packet[2] << 8 | packet[3] or len(packet), packet[12:20]
    if version == 6 and len(packet) >= _V6_HEAD:
        return _inside6(packet)
    return None


def _inside6(packet: bytes) -> tuple[int, int, int, bytes]:
    size = packet[4] << 8 | packet[5]
    kind, head = packet[6], _V6_HEAD
    for _ in range(_OPTIONS_MAX):
        if kind not in _IPV6_OPTIONS or len(packet) < head + 2:
            break
        kind, head = packet[head], head + 8 + packet[head + 1] * 8
    return kind, head, _V6_HEAD + size if size else len(packet), packet[8:40]


def _tcp(packet: bytes, addresses: bytes, head: int, end: int) -> Segment | None:
    if len(packet) < head + _TCP_HEAD:
        return None
    offset = (packet[head + 12] >> 4) * 4
    if offset < _TCP_HEAD:
        return None
    return Segment(
        addresses + packet[head : head + 4],
        addresses[len(addresses) // 2 :],
        packet[head + 2] << 8 | packet[head + 3],
        int.from_bytes(packet[head + 4 : head + 8], "big"),
        packet[head + offset : end],
    )
