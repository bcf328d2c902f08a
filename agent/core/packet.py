"""The TCP segment inside an IP packet (RFC 9293 section 3.1, RFC 791, RFC 8200): whose it is, and its bytes."""

from agent.core.model import Value

_TCP = 6
_IPV6_OPTIONS = (0, 43, 60)  # hop-by-hop, routing, destination options
_V4_HEAD, _V6_HEAD, _TCP_HEAD = 20, 40, 20
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
    version = packet[0] >> 4 if packet else 0
    if version == 4:
        return _v4(packet)
    return _v6(packet) if version == 6 else None


def _v4(packet: bytes) -> Segment | None:
    head = (packet[0] & 15) * 4
    if len(packet) < _V4_HEAD or head < _V4_HEAD or packet[9] != _TCP or (packet[6] << 8 | packet[7]) & _FRAGMENT:
        return None
    # Zero where segments were put together to more than the field can say.
    end = packet[2] << 8 | packet[3] or len(packet)
    return _tcp(packet, packet[12:20], packet[16:20], head, end)


def _v6(packet: bytes) -> Segment | None:
    if len(packet) < _V6_HEAD:
        return None
    size = packet[4] << 8 | packet[5]
    kind, head = packet[6], _V6_HEAD
    for _ in range(_OPTIONS_MAX):
        if kind not in _IPV6_OPTIONS or len(packet) < head + 2:
            break
        kind, head = packet[head], head + 8 + packet[head + 1] * 8
    if kind != _TCP:
        return None
    return _tcp(packet, packet[8:40], packet[24:40], head, _V6_HEAD + size if size else len(packet))


def _tcp(packet: bytes, addresses: bytes, destination: bytes, head: int, end: int) -> Segment | None:
    if len(packet) < head + _TCP_HEAD:
        return None
    offset = (packet[head + 12] >> 4) * 4
    if offset < _TCP_HEAD:
        return None
    return Segment(
        addresses + packet[head : head + 4],
        destination,
        packet[head + 2] << 8 | packet[head + 3],
        int.from_bytes(packet[head + 4 : head + 8], "big"),
        packet[head + offset : end],
    )
