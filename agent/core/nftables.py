"""nftables in its own messages: tables, chains, rules, sets, and batches of them (linux/netfilter/nf_tables.h)."""

import struct

from agent.core.expressions import host32
from agent.core.netlink import (
    ACK,
    APPEND,
    CREATE,
    DUMP,
    EXCL,
    Message,
    NetlinkReply,
    attribute,
    attributes,
    encode,
    nested,
    pairs,
    text,
    u32,
)

INET = 1  # NFPROTO_INET
OWNER = 2  # NFT_TABLE_F_OWNER: goes when the socket that made it goes, and nobody else can change it
PREROUTING, INPUT, FORWARD, OUTPUT = 0, 1, 2, 3

_NFTABLES = 10 << 8
_BATCH_BEGIN, _BATCH_END = 16, 17
_NEW_TABLE, _GET_TABLE, _DEL_TABLE, _NEW_CHAIN, _NEW_RULE = 0, 1, 2, 3, 6
_DEL_CHAIN, _DEL_SET = 5, 11
_NEW_SET, _NEW_ELEMENTS, _GET_ELEMENTS, _DEL_ELEMENTS = 9, 12, 13, 14
_NEW_FLOWTABLE, _GET_FLOWTABLE = 22, 23

# set types as `nft list` shows them
_TYPE_MARK, _TYPE_ETHER, _TYPE_IFNAME = 19, 9, 41
_TYPE_ADDRESS = {4: 7, 16: 8}  # ipv4_addr, ipv6_addr, by size
_TYPE_PORT = 13
_TYPE_WAY = _TYPE_IFNAME << 12 | 2 << 6 | 12  # ifname . nf_proto . inet_proto
_SET_IS_MAP = 8
_SET_EXPIRES, _SET_BY_RULES = 0x10, 0x20  # elements have a timeout; rules may renew it
# What `nft list` needs to show host-endian keys and values rightly (libnftnl udata.h; the kernel ignores it).
_KEY_ORDER, _DATA_ORDER = 0, 1
_BIG_ENDIAN = 2


def _message(kind: int, flags: int, *attributes: bytes) -> Message:
    return Message(_NFTABLES | kind, flags, struct.pack("BBBB", INET, 0, 0, 0) + b"".join(attributes))


def new_table(table: str) -> Message:
    return _message(_NEW_TABLE, CREATE | EXCL, text(1, table), u32(2, OWNER))


def get_table(table: str) -> Message:
    return _message(_GET_TABLE, 0, text(1, table))


def delete_table(table: str) -> Message:
    return _message(_DEL_TABLE, 0, text(1, table))


def new_chain(table: str, name: str, kind: str, hook: int, priority: int) -> Message:
    """`kind` is "filter" or "nat"."""
    where = nested(4, u32(1, hook), u32(2, priority))
    return _message(_NEW_CHAIN, CREATE, text(1, table), text(3, name), where, text(7, kind))


def new_part(table: str, name: str) -> Message:
    """A chain that only jumps lead to."""
    return _message(_NEW_CHAIN, CREATE, text(1, table), text(3, name))


def delete_chain(table: str, name: str) -> Message:
    """With its rules; none may lead to it any more."""
    return _message(_DEL_CHAIN, 0, text(1, table), text(3, name))


def flowtables() -> Message:
    """Asks for the flow tables of all tables: what goes by one of them passes no chain."""
    return Message(_NFTABLES | _GET_FLOWTABLE, DUMP, bytes(4))


def is_flowtable(answer: NetlinkReply) -> bool:
    return answer.type == _NFTABLES | _NEW_FLOWTABLE


def new_rule(table: str, chain: str, expressions: bytes) -> Message:
    return _message(_NEW_RULE, CREATE | APPEND, text(1, table), text(2, chain), nested(4, expressions))


def new_mark_map(table: str, name: str, id: int) -> Message:
    """Ethernet address → mark."""
    key = u32(4, _TYPE_ETHER) + u32(5, 6)
    data = u32(6, _TYPE_MARK) + u32(7, 4)
    return _new_set(table, name, id, _SET_IS_MAP, key + data, _DATA_ORDER)


def new_mac_set(table: str, name: str, id: int) -> Message:
    return _new_set(table, name, id, 0, u32(4, _TYPE_ETHER) + u32(5, 6), _BIG_ENDIAN)


def new_counting_set(table: str, name: str, id: int) -> Message:
    """Of Ethernet addresses, each with a counter of the packets that were looked up there; it begins at 0."""
    counter = nested(17, text(1, "counter"), nested(2))
    return _new_set(table, name, id, 0, u32(4, _TYPE_ETHER) + u32(5, 6) + counter, _BIG_ENDIAN)


def new_interface_set(table: str, name: str, id: int) -> Message:
    return _new_set(table, name, id, 0, u32(4, _TYPE_IFNAME) + u32(5, 16), _KEY_ORDER)


def new_met_set(table: str, name: str, id: int, elements_max: int) -> Message:
    """Of interfaces that a rule adds, see `expressions.note`."""
    types = u32(4, _TYPE_IFNAME) + u32(5, 16) + nested(9, u32(1, elements_max))
    return _new_set(table, name, id, _SET_BY_RULES, types, _KEY_ORDER)


def new_way_set(table: str, name: str, id: int) -> Message:
    """Of what `expressions.way` makes."""
    return _new_set(table, name, id, 0, u32(4, _TYPE_WAY) + u32(5, 24), _BIG_ENDIAN)


def new_port_set(table: str, name: str, id: int) -> Message:
    return _new_set(table, name, id, 0, u32(4, _TYPE_PORT) + u32(5, 2), _BIG_ENDIAN)


def new_address_set(table: str, name: str, id: int, size: int) -> Message:
    """Of IPv4 (4) or IPv6 (16) addresses."""
    return _new_set(table, name, id, 0, u32(4, _TYPE_ADDRESS[size]) + u32(5, size), _BIG_ENDIAN)


def new_passing_set(table: str, name: str, id: int, size: int, elements_max: int) -> Message:
    """Of addresses that each stay for a while, see `add_for`; rules may renew that."""
    bounded = nested(9, u32(1, elements_max))
    types = u32(4, _TYPE_ADDRESS[size]) + u32(5, size) + bounded
    return _new_set(table, name, id, _SET_EXPIRES | _SET_BY_RULES, types, _BIG_ENDIAN)


def delete_set(table: str, name: str) -> Message:
    return _message(_DEL_SET, 0, text(1, table), text(2, name))


def _new_set(table: str, name: str, id: int, flags: int, types: bytes, host_order: int) -> Message:
    shown = b"" if host_order == _BIG_ENDIAN else attribute(13, bytes([host_order, 4]) + host32(1))
    return _message(_NEW_SET, CREATE, text(1, table), text(2, name), u32(3, flags), types, u32(10, id), shown)


def _elements(kind: int, table: str, name: str, elements: "list[bytes]") -> Message:
    return _message(kind, CREATE, text(1, table), text(2, name), nested(3, *[nested(1, item) for item in elements]))


def _key(value: bytes) -> bytes:
    return nested(1, attribute(1, value))


def add_keys(table: str, name: str, keys: "list[bytes]") -> Message:
    return _elements(_NEW_ELEMENTS, table, name, [_key(key) for key in keys])


def elements(table: str, name: str) -> Message:
    """Asks for all of a set."""
    return _message(_GET_ELEMENTS, DUMP, text(1, table), text(2, name))


def keys_of(answer: NetlinkReply) -> "list[bytes]":
    """The keys of a set's elements, of one answer. BadInput."""
    if answer.type != _NFTABLES | _NEW_ELEMENTS:
        return []
    listed = pairs(attributes(answer.body[4:]).get(3, b""))
    return [attributes(attributes(item).get(1, b"")).get(1, b"") for _, item in listed]


def counts_of(answer: NetlinkReply) -> "list[tuple[bytes, int, int]]":
    """(key, packets, bytes) of a counting set's elements, of one answer. BadInput."""
    if answer.type != _NFTABLES | _NEW_ELEMENTS:
        return []
    found = []
    for _, item in pairs(attributes(answer.body[4:]).get(3, b"")):
        one = attributes(item)
        counter = attributes(attributes(one.get(7, b"")).get(2, b""))
        size, packets = [int.from_bytes(counter.get(at, b""), "big") for at in (1, 2)]
        found.append((attributes(one.get(1, b"")).get(1, b""), packets, size))
    return found


def add_for(table: str, name: str, keys: "list[bytes]", seconds: int) -> Message:
    """Add elements that the kernel removes by itself after so many seconds."""
    lasts = attribute(4, struct.pack(">Q", seconds * 1000))
    return _elements(_NEW_ELEMENTS, table, name, [_key(key) + lasts for key in keys])


def add_marks(table: str, name: str, entries: "list[tuple[bytes, int]]") -> Message:
    pairs = [_key(mac) + nested(2, attribute(1, host32(mark))) for mac, mark in entries]
    return _elements(_NEW_ELEMENTS, table, name, pairs)


def delete_keys(table: str, name: str, keys: "list[bytes]") -> Message:
    return _elements(_DEL_ELEMENTS, table, name, [_key(key) for key in keys])


def batch(work: "list[Message]", seq: int) -> bytes:
    """All of `work` or nothing of it, with sequence numbers from `seq` on; the last message is acknowledged."""
    edge = struct.pack(">BBH", 0, 0, 10)
    parts = [encode(Message(_BATCH_BEGIN, 0, edge), seq)]
    for at, message in enumerate(work):
        flags = message.flags | (ACK if at == len(work) - 1 else 0)
        parts.append(encode(Message(message.type, flags, message.body), seq + 1 + at))
    parts.append(encode(Message(_BATCH_END, 0, edge), seq + 1 + len(work)))
    return b"".join(parts)
