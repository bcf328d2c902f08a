"""NFQUEUE and NFLOG: the rules that lead packets there, and their messages.

Sources: linux/netfilter/nfnetlink_queue.h, nfnetlink_log.h, xt_NFQUEUE.h.
"""

import struct

from agent.core import expressions as nft
from agent.core.netlink import ACK, HOST, Message, attribute, text, u32

_QUEUE, _LOG = 3 << 8, 4 << 8
_PACKET, _VERDICT, _CONFIG = 0, 1, 2  # of a queue
_LOG_PACKET, _LOG_CONFIG = 0, 1
_BIND = 1
_COPY_PACKET = 2
# FAIL_OPEN: a full queue lets pass instead of dropping. GSO: segments that were put together stay so.
_FAIL_OPEN, _GSO = 1, 4

# By the message's kind its attributes: id (a log's packet has none), mark, hardware address, payload.
_PACKETS = {_QUEUE | _PACKET: (1, 3, 9, 10), _LOG | _LOG_PACKET: (-1, 2, 8, 9)}
_MESSAGE_HEAD, _ATTRIBUTE_HEAD = HOST + "IH", HOST + "HH"
_VERDICT_HEAD = HOST + "IHHIIBBBBHH"
_MARK_HEAD = struct.pack(_ATTRIBUTE_HEAD, 8, 3)
_ACCEPT, _REPEAT = 1, 4
_BYPASS = 1  # when nobody reads the queue, its packets pass
_HEADER = 20  # of netlink and nfnetlink


# --- expressions of rules


def queue(number: int) -> bytes:
    """To the program that reads the queue; past it when nobody does."""
    return nft.expression("queue", _u16(1, number), _u16(2, 1), _u16(3, _BYPASS))


def queue_by_target(number: int) -> bytes:
    """The same by the x_tables target (struct xt_NFQ_info_v3), for kernels without the expression."""
    data = struct.pack(HOST + "HHHxx", number, 1, _BYPASS)
    return nft.expression("target", text(1, "NFQUEUE"), u32(2, 3), attribute(3, data))


def log(group: int, size: int) -> bytes:
    """A copy of the packet's first bytes to the program that reads the group; the packet goes on."""
    return nft.expression("log", _u16(1, group), u32(3, size), _u16(4, 0))


def _u16(type: int, value: int) -> bytes:
    return attribute(type, struct.pack(">H", value))


# --- messages


def _message(kind: int, number: int, flags: int, *attributes: bytes) -> Message:
    return Message(kind, flags, struct.pack(">BBH", 0, 0, number) + b"".join(attributes))


def bind_queue(number: int, copy_bytes: int, length_max: int) -> "list[Message]":
    """Makes this socket the reader of a queue that holds at most `length_max` packets."""
    kind = _QUEUE | _CONFIG
    flags = _FAIL_OPEN | _GSO
    return [
        _message(kind, number, ACK, attribute(1, struct.pack(">BBH", _BIND, 0, 0))),
        _message(kind, number, ACK, attribute(2, struct.pack(">IB", copy_bytes, _COPY_PACKET))),
        _message(kind, number, ACK, u32(3, length_max), u32(4, flags), u32(5, flags)),
    ]


def bind_log(group: int, copy_bytes: int, gather: int, wait_cs: int) -> "list[Message]":
    """Makes this socket the reader of a group: `gather` packets are sent at once, or after `wait_cs` hundredths."""
    kind = _LOG | _LOG_CONFIG
    return [
        _message(kind, group, ACK, attribute(1, bytes([_BIND]))),
        _message(kind, group, ACK, attribute(2, struct.pack(">IBB", copy_bytes, _COPY_PACKET, 0))),
        _message(kind, group, ACK, u32(5, gather), u32(4, wait_cs)),
    ]


class Accepting:
    """The verdicts of a queue that let a packet go on, ready to be sent. What is the same in each is made once."""

    __slots__ = ("_plain", "_again")

    def __init__(self, number: int) -> None:
        self._plain = _verdict(number, 32, _ACCEPT)
        self._again = _verdict(number, 40, _REPEAT)

    def verdict(self, packet_id: int, mark: "int | None" = None) -> bytes:
        """With a mark the packet meets the rules of its hook once more, marked so; these must not queue it again."""
        if mark is None:
            return self._plain + struct.pack(">I", packet_id)
        return self._again + struct.pack(">I4sI", packet_id, _MARK_HEAD, mark)


def _verdict(number: int, size: int, word: int) -> bytes:
    """Until the packet's id."""
    # The number is in the network's order, also where the others are not.
    head = struct.pack(_VERDICT_HEAD, size, _QUEUE | _VERDICT, 1, 0, 0, 0, 0, number >> 8, number & 255, 12, 2)
    return head + struct.pack(">I", word)


def packets(data: bytes) -> "list[tuple[int, int, bytes, bytes]]":
    """The packets of one read, from a queue or a log; what is none of these, or cut short, is passed over.

    Of each its id in the queue (0 in a log), its mark, the six bytes of its source, its first bytes.
    """
    found = []
    at, end = 0, len(data)
    while end - at >= _HEADER:
        size, kind = struct.unpack_from(_MESSAGE_HEAD, data, at)
        if size < _HEADER or at + size > end:
            break
        if kind in _PACKETS:
            found.append(_packet(data, at + _HEADER, at + size, _PACKETS[kind]))
        at += size + 3 & ~3
    return found


def _packet(data: bytes, at: int, end: int, places: "tuple[int, int, int, int]") -> "tuple[int, int, bytes, bytes]":
    """The packet whose attributes are between two places. Written flat: it is read once a packet."""
    id_kind, mark_kind, hardware_kind, payload_kind = places
    id = mark = 0
    source = payload = b""
    last, unpack_from = end - 4, struct.unpack_from
    while at <= last:
        size, kind = unpack_from(_ATTRIBUTE_HEAD, data, at)
        after = at + size
        if size < 4 or after > end:
            break
        if kind == payload_kind:
            payload = data[at + 4 : after]
        elif kind == hardware_kind and size >= 14:
            source = data[at + 8 : at + 14]
        elif kind == mark_kind and size >= 8:
            (mark,) = unpack_from(">I", data, at + 4)
        elif kind == id_kind and size >= 8:
            (id,) = unpack_from(">I", data, at + 4)
        at += size + 3 & ~3
    return id, mark, source, payload
