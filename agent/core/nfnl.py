"""NFQUEUE and NFLOG: the rules that lead packets there, and their messages.

Sources: linux/netfilter/nfnetlink_queue.h, nfnetlink_log.h, xt_NFQUEUE.h.
"""

import struct

from agent.core import nftables as nft
from agent.core.model import Value
from agent.core.netlink import ACK, HOST, Message, attribute, text, u32

_QUEUE, _LOG = 3 << 8, 4 << 8
_PACKET, _VERDICT, _CONFIG = 0, 1, 2  # of a queue
_LOG_PACKET, _LOG_CONFIG = 0, 1
_BIND = 1
_COPY_PACKET = 2
# FAIL_OPEN: a full queue lets pass instead of dropping. GSO: segments that were put together stay so.
_FAIL_OPEN, _GSO = 1, 4

# Attributes of a packet: queue, then log.
_ID, _MARK, _HARDWARE, _PAYLOAD = 1, 3, 9, 10
_LOG_MARK, _LOG_HARDWARE, _LOG_PAYLOAD = 2, 8, 9
_BYPASS = 1  # when nobody reads the queue, its packets pass
_HEADER = 20  # of netlink and nfnetlink


class Packet(Value):
    """One packet: its id in the queue (0 in a log), its mark, the six bytes of its source, its first bytes."""

    __slots__ = ("id", "mark", "source", "payload")

    def __init__(self, id: int, mark: int, source: bytes, payload: bytes) -> None:
        self.id = id
        self.mark = mark
        self.source = source
        self.payload = payload


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


def accept(number: int, packet_id: int, mark: "int | None" = None) -> bytes:
    """The verdict that lets a packet go on, ready to be sent; with a mark it goes on marked so.

    Written flat: it is made once a packet.
    """
    marked = b"" if mark is None else struct.pack(HOST + "HH", 8, 3) + struct.pack(">I", mark)
    return (
        struct.pack(HOST + "IHHII", 32 + len(marked), _QUEUE | _VERDICT, 1, 0, 0)
        + struct.pack(">BBH", 0, 0, number)
        + struct.pack(HOST + "HH", 12, 2)
        + struct.pack(">II", 1, packet_id)
        + marked
    )


def packets(data: bytes) -> "list[Packet]":
    """The packets of one read, from a queue or a log; what is none of these, or cut short, is passed over."""
    found = []
    at = 0
    while len(data) - at >= _HEADER:
        size, kind = struct.unpack_from(HOST + "IH", data, at)
        if size < _HEADER or at + size > len(data):
            break
        if kind == _QUEUE | _PACKET:
            found.append(_packet(_attributes(data, at + _HEADER, at + size), _ID, _MARK, _HARDWARE, _PAYLOAD))
        elif kind == _LOG | _LOG_PACKET:
            found.append(_packet(_attributes(data, at + _HEADER, at + size), 0, _LOG_MARK, _LOG_HARDWARE, _LOG_PAYLOAD))
        at += size + 3 & ~3
    return found


def _attributes(data: bytes, at: int, end: int) -> "dict[int, bytes]":
    found = {}
    while end - at >= 4:
        size, kind = struct.unpack_from(HOST + "HH", data, at)
        if size < 4 or at + size > end:
            break
        found[kind & 0x3FFF] = data[at + 4 : at + size]
        at += size + 3 & ~3
    return found


def _packet(found: "dict[int, bytes]", id: int, mark: int, hardware: int, payload: int) -> Packet:
    number = _number(found.get(id, b"")) if id else 0
    return Packet(number, _number(found.get(mark, b"")), found.get(hardware, b"")[4:10], found.get(payload, b""))


def _number(data: bytes) -> int:
    return int.from_bytes(data[:4], "big")
