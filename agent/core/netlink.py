"""Netlink messages as values: attributes, headers, and the reading of answers (RFC 3549; linux/netlink.h, nfnetlink.h).

Nothing here opens a socket. Headers are in the host's byte order, most netfilter values in network order.
"""

import struct

from agent.core.model import BadInput, Value

# "=" is not known to every interpreter, and native alignment would pad: so the host's order is found once.
HOST = "<" if struct.pack("H", 1) == b"\1\0" else ">"

ERROR, DONE = 2, 3
REQUEST, ACK, ROOT, MATCH = 1, 4, 0x100, 0x200
DUMP = ROOT | MATCH
EXCL, CREATE, APPEND = 0x200, 0x400, 0x800
NESTED = 0x8000
ACK_TLVS = 0x200  # an error message that carries text

_HEADER = HOST + "IHHII"
_HEADER_BYTES = 16
_LENGTH = HOST + "I"
_ATTRIBUTE = HOST + "HH"
_TYPE_MASK = 0x3FFF
_ERROR_TEXT = 1  # NLMSGERR_ATTR_MSG


class Message(Value):
    """One message without its sequence number, which belongs to the sending."""

    __slots__ = ("type", "flags", "body")

    def __init__(self, type: int, flags: int, body: bytes) -> None:
        self.type = type
        self.flags = flags
        self.body = body


class NetlinkReply(Value):
    """One message as read. `body` is what follows the header."""

    __slots__ = ("type", "flags", "seq", "body")

    def __init__(self, type: int, flags: int, seq: int, body: bytes) -> None:
        self.type = type
        self.flags = flags
        self.seq = seq
        self.body = body

    @property
    def errno(self) -> int:
        """0 for an acknowledgement or an ordinary message, else the positive error number."""
        if self.type != ERROR or len(self.body) < 4:
            return 0
        return -int(struct.unpack(HOST + "i", self.body[:4])[0])

    @property
    def text(self) -> str:
        """The kernel's own words about an error, often empty (NETLINK_EXT_ACK)."""
        if self.type != ERROR or not self.flags & ACK_TLVS:
            return ""
        # NETLINK_CAP_ACK is set, so only the header of the refused message stands before the attributes.
        words = attributes(self.body[4 + _HEADER_BYTES :]).get(_ERROR_TEXT, b"")
        return words.rstrip(b"\0").decode()


def attribute(type: int, data: bytes) -> bytes:
    """Length, type, data, padded to four bytes."""
    return struct.pack(_ATTRIBUTE, len(data) + 4, type) + data + bytes(-len(data) % 4)


def nested(type: int, *attributes: bytes) -> bytes:
    return attribute(type | NESTED, b"".join(attributes))


def u32(type: int, value: int) -> bytes:
    """A number in network order, as netfilter wants it."""
    return attribute(type, struct.pack(">I", value & 0xFFFFFFFF))


def text(type: int, value: str) -> bytes:
    return attribute(type, value.encode() + b"\0")


def encode(message: Message, seq: int) -> bytes:
    body = message.body
    return struct.pack(_HEADER, _HEADER_BYTES + len(body), message.type, message.flags | REQUEST, seq, 0) + body


def messages(data: bytes) -> "list[NetlinkReply]":
    """Every message of a datagram. BadInput when a length leaves it."""
    found = []
    at = 0
    while len(data) - at >= _HEADER_BYTES:
        length, type, flags, seq, _port = struct.unpack(_HEADER, data[at : at + _HEADER_BYTES])
        if length < _HEADER_BYTES or at + length > len(data):
            raise BadInput("a netlink message says %d bytes at %d of %d" % (length, at, len(data)))
        found.append(NetlinkReply(type, flags, seq, data[at + _HEADER_BYTES : at + length]))
        at += length + 3 & ~3
    return found


def last(data: bytes) -> "NetlinkReply | None":
    """The last message of a datagram alone: it says whether a dump is over."""
    at, found = 0, -1
    while len(data) - at >= _HEADER_BYTES:
        length = struct.unpack_from(_LENGTH, data, at)[0]
        if length < _HEADER_BYTES or at + length > len(data):
            break
        found = at
        at += length + 3 & ~3
    return messages(data[found:])[0] if found >= 0 else None


def attributes(data: bytes) -> "dict[int, bytes]":
    """Type → data; of a repeated type the last. BadInput when a length leaves the data."""
    return dict(pairs(data))


def pairs(data: bytes) -> "list[tuple[int, bytes]]":
    """(type, data) of every attribute, flags of the type removed. BadInput when a length leaves the data."""
    found = []
    at = 0
    while len(data) - at >= 4:
        length, type = struct.unpack(_ATTRIBUTE, data[at : at + 4])
        if length < 4 or at + length > len(data):
            raise BadInput("a netlink attribute says %d bytes at %d of %d" % (length, at, len(data)))
        found.append((type & _TYPE_MASK, data[at + 4 : at + length]))
        at += length + 3 & ~3
    return found
