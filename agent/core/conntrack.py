"""Conntrack entries by netlink: which to end (linux/netfilter/nfnetlink_conntrack.h)."""

import struct

from agent.core.netlink import ACK, DUMP, HOST, Message, NetlinkReply, attribute, attributes, nested, u32

_SET, _GET, _DELETE, _STATISTICS = 1 << 8, 1 << 8 | 1, 1 << 8 | 2, 1 << 8 | 5
_NEW = 1 << 8  # what a dump's entries are called
_ORIGINAL, _REPLY, _MARK, _ID, _MARK_MASK, _FILTER = 1, 2, 8, 12, 21, 25  # CTA_*
_SOURCE4, _TARGET4, _SOURCE6, _TARGET6 = 1, 2, 3, 4  # CTA_IP_*
_PROTOCOL, _SOURCE_PORT, _TARGET_PORT = 1, 2, 3  # CTA_PROTO_*
TCP, UDP = b"\x06", b"\x11"
_WEB = (struct.pack(">H", 80), struct.pack(">H", 443))
_UNMARKED = bytes(4)
# Which parts of the original tuple a dump is filtered by (Linux 5.8): protocol, destination port.
_BY_PROTOCOL, _BY_PORT = 8, 32
_ENTRY_HEAD, _HOST16 = HOST + "IH", HOST + "H"
_INET, _INET6 = 2, 10


def flush(mark: int, mask: int) -> Message:
    """Ends every entry of every family whose mark under the mask is this one; the kernel does the walk."""
    return Message(_DELETE, ACK, bytes(4) + u32(_MARK, mark) + u32(_MARK_MASK, mask))


def statistics() -> Message:
    """Asks for next to nothing: whether the kernel has this side of conntrack at all."""
    return Message(_STATISTICS, ACK, bytes(4))


def flows_to(address_size: int, port: int, protocol: bytes) -> Message:
    """Asks for the flows to a port over IPv4 (4) or IPv6 (16); the kernel leaves out all others.

    Its walk takes milliseconds, so there is one for all addresses of all devices that came. One for both families is
    not to be had: without a family the kernel takes no filter (EOPNOTSUPP), and tells of everything.
    """
    family = _INET if address_size == 4 else _INET6
    target = nested(2, attribute(1, protocol), attribute(3, struct.pack(">H", port)))
    by = struct.pack(HOST + "I", _BY_PROTOCOL | _BY_PORT)
    only = nested(_FILTER, attribute(1, by), attribute(2, bytes(4)))
    return Message(_GET, DUMP, bytes([family, 0, 0, 0]) + nested(_ORIGINAL, target) + only)


def end(answer: NetlinkReply, sources: "frozenset[bytes]") -> "Message | None":
    """What ends the entry that a dump told of, if it began at one of these addresses and bears no mark; else None.

    BadInput when its attributes don't fit.
    """
    if answer.type != _NEW or len(answer.body) < 4:
        return None
    found = attributes(answer.body[4:])
    if _ORIGINAL not in found or _ID not in found or found.get(_MARK, _UNMARKED) != _UNMARKED:
        return None
    addresses = attributes(attributes(found[_ORIGINAL]).get(1, b""))
    if addresses.get(_SOURCE4, addresses.get(_SOURCE6)) not in sources:
        return None
    return end_flow(answer)


def all_flows() -> Message:
    """Asks for every flow of both families. Not filtered by the kernel: by an IPv6 source it gives all flows but those
    (seen on Linux 6.18), and by an IPv4 source it walks its whole table in one step, 60 ms with 262,144 buckets."""
    return Message(_GET, DUMP, bytes(4))


def flows_between(data: bytes, devices: "frozenset[bytes]") -> "list[tuple[NetlinkReply, bytes]]":
    """Of the entries in one read of a dump those that a device of `devices` (addresses) has, each with its far end:
    whoever the device has the flow with, whichever of them began it.

    Written flat, since a household has tens of thousands: who began it and who replies stand where the kernel puts them
    (ctnetlink_dump_tuples), each behind three heads of four bytes.
    """
    found = []
    at, end = 0, len(data)
    while end - at >= 24:
        length, type = struct.unpack_from(_ENTRY_HEAD, data, at)
        if length < 24 or at + length > end:
            break
        body = at + 16
        if type == _NEW:
            size = 4 if data[body] == _INET else 16
            reply = body + 16 + struct.unpack_from(_HOST16, data, body + 4)[0]
            began, replies = data[body + 16 : body + 16 + size], data[reply : reply + size]
            if began in devices or replies in devices:
                answer = NetlinkReply(type, 0, 0, data[body : at + length])
                found.append((answer, replies if began in devices else began))
        at += length + 3 & ~3
    return found


def is_web(answer: NetlinkReply) -> bool:
    """Whether the entry that a dump told of is a TCP connection to a port whose connections are judged by name."""
    parts = attributes(attributes(attributes(answer.body[4:]).get(_ORIGINAL, b"")).get(2, b""))
    return parts.get(_PROTOCOL) == TCP and parts.get(_TARGET_PORT) in _WEB


def begun_outside(answer: NetlinkReply, far: bytes) -> bool:
    """Whether the far end began the flow of an entry that a dump told of. BadInput when its attributes don't fit."""
    addresses = attributes(attributes(attributes(answer.body[4:]).get(_ORIGINAL, b"")).get(1, b""))
    return addresses.get(_SOURCE4, addresses.get(_SOURCE6)) == far


def end_flow(answer: NetlinkReply) -> "Message | None":
    """What ends the entry that a dump told of. BadInput when its attributes don't fit."""
    found = attributes(answer.body[4:])
    if _ORIGINAL not in found or _ID not in found:
        return None
    # With its id, so that a flow which took the same addresses and ports meanwhile is left alone.
    entry = nested(_ORIGINAL, found[_ORIGINAL]) + attribute(_ID, found[_ID])
    return Message(_DELETE, ACK, answer.body[:1] + bytes(3) + entry)


def connection(flow: bytes) -> Message:
    """Asks for a TCP connection by both its addresses and both its ports, as its client sees them."""
    return Message(_GET, 0, _of(flow))


def mark(flow: bytes, mark: int, mask: int, protocol: bytes = TCP) -> Message:
    """Sets these bits of a connection's mark; ENOENT when there is none (any more)."""
    return Message(_SET, ACK, _of(flow, protocol) + u32(_MARK, mark) + u32(_MARK_MASK, mask))


def begun_at(
    answer: NetlinkReply, sources: "frozenset[bytes]", port: int, protocol_number: bytes = TCP
) -> "bytes | None":
    """The flow (see `connection`) of a connection to a port that a dump told of, if it began at one of these addresses:
    a kernel that knows no filter tells of all.

    BadInput when its attributes don't fit.
    """
    if answer.type != _NEW or len(answer.body) < 4:
        return None
    original = attributes(attributes(answer.body[4:]).get(_ORIGINAL, b""))
    addresses, protocol = attributes(original.get(1, b"")), attributes(original.get(2, b""))
    source = addresses.get(_SOURCE4, addresses.get(_SOURCE6))
    target = addresses.get(_TARGET4, addresses.get(_TARGET6))
    if source not in sources or target is None or protocol.get(_PROTOCOL) != protocol_number:
        return None
    ports = protocol.get(_SOURCE_PORT, b"") + protocol.get(_TARGET_PORT, b"")
    return source + target + ports if len(ports) == 4 and ports[2:] == struct.pack(">H", port) else None


def source_of(flow: bytes) -> bytes:
    """The address at which it began."""
    return flow[: (len(flow) - 4) // 2]


def _of(flow: bytes, protocol: bytes = TCP) -> bytes:
    size = (len(flow) - 4) // 2
    source, target = (_SOURCE4, _TARGET4) if size == 4 else (_SOURCE6, _TARGET6)
    addresses = nested(1, attribute(source, flow[:size]), attribute(target, flow[size : 2 * size]))
    ports = (attribute(_SOURCE_PORT, flow[-4:-2]), attribute(_TARGET_PORT, flow[-2:]))
    family = _INET if size == 4 else _INET6
    return bytes([family, 0, 0, 0]) + nested(_ORIGINAL, addresses, nested(2, attribute(_PROTOCOL, protocol), *ports))


def answered_at(answer: NetlinkReply) -> "tuple[bytes, int] | None":
    """The address and port that the server of a connection answers to: behind masquerade not the client's own.

    None for what is no connection. BadInput when its attributes don't fit.
    """
    if answer.type != _NEW or len(answer.body) < 4:
        return None
    reply = attributes(attributes(answer.body[4:]).get(_REPLY, b""))
    addresses, ports = attributes(reply.get(1, b"")), attributes(reply.get(2, b""))
    address = addresses.get(_TARGET4, addresses.get(_TARGET6))
    port = ports.get(_TARGET_PORT, b"")
    return None if address is None or len(port) != 2 else (address, port[0] << 8 | port[1])
