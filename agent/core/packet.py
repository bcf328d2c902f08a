"""What an IP packet carries (RFC 791, RFC 8200): a TCP segment (RFC 9293 section 3.1), or a datagram's bytes."""

import struct

from agent.core.model import Value

_TCP, _UDP = 6, 17
_IPV6_OPTIONS = (0, 43, 60)  # hop-by-hop, routing, destination options
_V4_HEAD, _V6_HEAD, _TCP_HEAD, _UDP_HEAD = 20, 40, 20, 8
_END, _NOTHING, _TIMESTAMPS, _TIMESTAMPS_SIZE = 0, 1, 8, 10  # TCP options (RFC 9293 section 3.1, RFC 7323 section 3.2)
_V4_PLAIN = b"\x45"  # version 4, and no options
_V4_TCP = ">2xH2xHxB12xHI4xB"  # of both heads: size, fragment, protocol; port, sequence number, where the data begins
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


class TcpPosition(Value):
    """How far a TCP connection is, by a segment of its client: `flow` as of a Segment, the client's and the server's
    next sequence numbers, and the server's timestamp that the client echoes (None on a connection without them)."""

    __slots__ = ("flow", "client_next", "server_next", "echo")

    def __init__(self, flow: bytes, client_next: int, server_next: int, echo: int | None) -> None:
        self.flow = flow
        self.client_next = client_next
        self.server_next = server_next
        self.echo = echo


def tcp_position(packet: bytes) -> TcpPosition | None:
    """How far the connection of an IP packet is; None for what is no segment, or was captured in part."""
    found = inside(packet)
    taken = segment(packet)
    if found is None or taken is None or found[2] > len(packet):
        return None
    head = found[1]
    options = packet[head + _TCP_HEAD : head + (packet[head + 12] >> 4) * 4]
    server_next = int.from_bytes(packet[head + 8 : head + 12], "big")
    return TcpPosition(taken.flow, taken.seq + len(taken.data) & 0xFFFFFFFF, server_next, _echo(options))


def _echo(options: bytes) -> int | None:
    at = 0
    while at < len(options) and options[at] != _END:
        if options[at] == _NOTHING:
            at += 1
            continue
        size = options[at + 1] if at + 1 < len(options) else 0
        if size < 2 or at + size > len(options):
            return None
        if options[at] == _TIMESTAMPS and size == _TIMESTAMPS_SIZE:
            return int.from_bytes(options[at + 6 : at + 10], "big")
        at += size
    return None


def segment(packet: bytes) -> Segment | None:
    """The segment of an IP packet as captured (it may be cut short); None for anything else and for fragments."""
    if packet[:1] == _V4_PLAIN and len(packet) >= _V4_HEAD + _TCP_HEAD:
        # Most of all: read in one look.
        size, fragment, kind, port, seq, offset = struct.unpack_from(_V4_TCP, packet)
        if kind != _TCP or fragment & _FRAGMENT or offset < _TCP_HEAD << 2:
            return None
        data = packet[_V4_HEAD + (offset >> 4) * 4 : size or len(packet)]
        return Segment(packet[12:24], packet[16:20], port, seq, data)
    found = inside(packet)
    if found is None or found[0] != _TCP:
        return None
    _, head, end, addresses = found
    if len(packet) < head + _TCP_HEAD:
        return None
    _, port, seq, _, offset = struct.unpack_from(">HHIIB", packet, head)
    offset = (offset >> 4) * 4
    if offset < _TCP_HEAD:
        return None
    return Segment(
        addresses + packet[head : head + 4], addresses[len(addresses) // 2 :], port, seq, packet[head + offset : end]
    )


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
