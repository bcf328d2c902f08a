"""nftables in its own messages: tables, chains, maps, rules and their expressions (linux/netfilter/nf_tables.h).

An expression is bytes; a rule is the concatenation of its expressions. Register 1 carries every value.
"""

import struct

from agent.core.netlink import (
    ACK,
    APPEND,
    CREATE,
    DUMP,
    EXCL,
    HOST,
    Answer,
    Message,
    attribute,
    encode,
    nested,
    text,
    u32,
)

INET = 1  # NFPROTO_INET
OWNER = 2  # NFT_TABLE_F_OWNER: goes when the socket that made it goes, and nobody else can change it
PREROUTING, INPUT, FORWARD, OUTPUT = 0, 1, 2, 3
INET4, INET6 = 2, 10  # NFPROTO_IPV4, NFPROTO_IPV6
TCP, UDP = 6, 17
ETHERNET = 1  # ARPHRD_ETHER
UNICAST = 1  # RTN_UNICAST: an address that is routed on, not the host's own

_NFTABLES = 10 << 8
_BATCH_BEGIN, _BATCH_END = 16, 17
_NEW_TABLE, _GET_TABLE, _DEL_TABLE, _NEW_CHAIN, _NEW_RULE = 0, 1, 2, 3, 6
_NEW_SET, _NEW_ELEMENTS, _DEL_ELEMENTS = 9, 12, 14
_NEW_FLOWTABLE, _GET_FLOWTABLE = 22, 23
_R1 = u32(1, 1)  # every expression used here has its register, or its destination, as attribute 1
LINK, NETWORK, TRANSPORT = 0, 1, 2

# meta keys, and how wide their values are compared
LENGTH, MARK, IIFNAME, OIFNAME, IIFTYPE, NFPROTO, L4PROTO = 0, 3, 6, 7, 8, 15, 16
CT_STATE, CT_MARK = 0, 3
CT_STATE_NEW = 8

# set types as `nft list` shows them
_TYPE_MARK, _TYPE_ETHER, _TYPE_IFNAME = 19, 9, 41
_TYPE_ADDRESS = {4: 7, 16: 8}  # ipv4_addr, ipv6_addr, by size
_TYPE_PORT = 13
_SET_IS_MAP = 8
# What `nft list` needs to show host-endian keys and values rightly (libnftnl udata.h; the kernel ignores it).
_KEY_ORDER, _DATA_ORDER = 0, 1
_BIG_ENDIAN = 2

_DROP, _RETURN, _JUMP = 0, -5, -3  # verdicts


def host32(value: int) -> bytes:
    """Marks and interface types are compared in the host's byte order."""
    return struct.pack(HOST + "I", value)


def host16(value: int) -> bytes:
    return struct.pack(HOST + "H", value)


def port(value: int) -> bytes:
    return struct.pack(">H", value)


def interface(name: str) -> bytes:
    return (name.encode() + bytes(16))[:16]


# --- expressions


def expression(name: str, *attributes: bytes) -> bytes:
    """NFTA_LIST_ELEM with the expression's name and data."""
    return nested(1, text(1, name), nested(2, *attributes))


def meta(key: int) -> bytes:
    return expression("meta", u32(2, key), _R1)


def meta_set(key: int) -> bytes:
    return expression("meta", u32(2, key), u32(3, 1))


def ct(key: int) -> bytes:
    return expression("ct", u32(2, key), _R1)


def ct_set(key: int) -> bytes:
    return expression("ct", u32(2, key), u32(4, 1))


def load(base: int, offset: int, length: int) -> bytes:
    return expression("payload", _R1, u32(2, base), u32(3, offset), u32(4, length))


def store(base: int, offset: int, length: int, checksum: "int | None" = None) -> bytes:
    """Writes the register into the packet; `checksum` is the offset of the internet checksum to correct."""
    more = () if checksum is None else (u32(6, 1), u32(7, checksum))
    return expression("payload", u32(5, 1), u32(2, base), u32(3, offset), u32(4, length), *more)


def immediate(value: bytes) -> bytes:
    return expression("immediate", _R1, nested(2, attribute(1, value)))


def equals(value: bytes) -> bytes:
    return expression("cmp", _R1, u32(2, 0), nested(3, attribute(1, value)))


def differs(value: bytes) -> bytes:
    return expression("cmp", _R1, u32(2, 1), nested(3, attribute(1, value)))


def at_most(size: int) -> bytes:
    """Goes on when the number in the register (four bytes in the host's order, as a packet's length) is no greater."""
    swapped = expression("byteorder", _R1, u32(2, 1), u32(3, 1), u32(4, 4), u32(5, 4))
    return swapped + expression("cmp", _R1, u32(2, 3), nested(3, attribute(1, struct.pack(">I", size))))


def masked(mask: bytes, then: bytes = b"") -> bytes:
    """The register and-ed with `mask`, and what is in `then` turned over."""
    return expression(
        "bitwise",
        _R1,
        u32(2, 1),
        u32(3, len(mask)),
        nested(4, attribute(1, mask)),
        nested(5, attribute(1, then or bytes(len(mask)))),
    )


def mark_bits(load: bytes, store: bytes, mask: int, value: int) -> bytes:
    """The bits of a mark under the mask become `value`, its other bits stay."""
    return load + masked(host32(0xFFFFFFFF ^ mask), host32(value)) + store


def within(set_name: str) -> bytes:
    """Goes on when the register is in the set or a key of the map."""
    return expression("lookup", text(1, set_name), u32(2, 1))


def without(set_name: str) -> bytes:
    """Goes on when the register is not in the set."""
    return expression("lookup", text(1, set_name), u32(2, 1), u32(5, 1))


def mapped(map_name: str) -> bytes:
    """Replaces the register by what the map has for it; without an entry the rule ends."""
    return expression("lookup", text(1, map_name), u32(2, 1), u32(3, 1))


def route_type() -> bytes:
    """What the destination address is to this host's routing (`fib daddr type`)."""
    return expression("fib", _R1, u32(2, 3), u32(3, 2))


def redirect() -> bytes:
    """To the router itself, at the port that the packet asks for."""
    return expression("redir")


def refuse_tcp() -> bytes:
    return expression("reject", u32(1, 1), attribute(2, b"\0"))


def refuse() -> bytes:
    """ICMP port unreachable in the packet's own family (icmpx)."""
    return expression("reject", u32(1, 2), attribute(2, b"\1"))


def verdict(code: int, *more: bytes) -> bytes:
    """A verdict as data of an expression or of a map's element."""
    return nested(2, u32(1, code), *more)


def _verdict(code: int, *more: bytes) -> bytes:
    # The verdict has a register of its own, number 0.
    return expression("immediate", u32(1, 0), nested(2, verdict(code, *more)))


def drop() -> bytes:
    return _verdict(_DROP)


def back() -> bytes:
    """To the chain that jumped here; in a base chain: accepted by it."""
    return _verdict(_RETURN)


def jump(chain: str) -> bytes:
    return _verdict(_JUMP, text(2, chain))


# --- messages


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


def flowtables() -> Message:
    """Asks for the flow tables of all tables: what goes by one of them passes no chain."""
    return Message(_NFTABLES | _GET_FLOWTABLE, DUMP, bytes(4))


def is_flowtable(answer: Answer) -> bool:
    return answer.type == _NFTABLES | _NEW_FLOWTABLE


def new_rule(table: str, chain: str, expressions: bytes) -> Message:
    return _message(_NEW_RULE, CREATE | APPEND, text(1, table), text(2, chain), nested(4, expressions))


def new_mark_map(table: str, name: str, id: int) -> Message:
    """Ethernet address → mark."""
    key = u32(4, _TYPE_ETHER) + u32(5, 6)
    data = u32(6, _TYPE_MARK) + u32(7, 4)
    return _new_set(table, name, id, _SET_IS_MAP, key + data, _DATA_ORDER)


def new_interface_set(table: str, name: str, id: int) -> Message:
    return _new_set(table, name, id, 0, u32(4, _TYPE_IFNAME) + u32(5, 16), _KEY_ORDER)


def new_port_set(table: str, name: str, id: int) -> Message:
    return _new_set(table, name, id, 0, u32(4, _TYPE_PORT) + u32(5, 2), _BIG_ENDIAN)


def new_address_set(table: str, name: str, id: int, size: int) -> Message:
    """Of IPv4 (4) or IPv6 (16) addresses."""
    return _new_set(table, name, id, 0, u32(4, _TYPE_ADDRESS[size]) + u32(5, size), _BIG_ENDIAN)


def _new_set(table: str, name: str, id: int, flags: int, types: bytes, host_order: int) -> Message:
    shown = b"" if host_order == _BIG_ENDIAN else attribute(13, bytes([host_order, 4]) + host32(1))
    return _message(_NEW_SET, CREATE, text(1, table), text(2, name), u32(3, flags), types, u32(10, id), shown)


def _elements(kind: int, table: str, name: str, elements: "list[bytes]") -> Message:
    return _message(kind, CREATE, text(1, table), text(2, name), nested(3, *[nested(1, item) for item in elements]))


def _key(value: bytes) -> bytes:
    return nested(1, attribute(1, value))


def add_keys(table: str, name: str, keys: "list[bytes]") -> Message:
    return _elements(_NEW_ELEMENTS, table, name, [_key(key) for key in keys])


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
