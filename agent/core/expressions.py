"""nftables' expressions: what a rule is made of (linux/netfilter/nf_tables.h).

An expression is bytes; a rule is the concatenation of its expressions. Register 1 carries every value.
"""

import struct

from agent.core.netlink import HOST, attribute, nested, text, u32

INET4, INET6 = 2, 10  # NFPROTO_IPV4, NFPROTO_IPV6
TCP, UDP, ESP = 6, 17, 50
ETHERNET = 1  # ARPHRD_ETHER
UNICAST = 1  # RTN_UNICAST: an address that is routed on, not the host's own

LINK, NETWORK, TRANSPORT = 0, 1, 2

# meta keys, and how wide their values are compared
LENGTH, MARK, IIFNAME, OIFNAME, IIFTYPE, NFPROTO, L4PROTO = 0, 3, 6, 7, 8, 15, 16
CT_STATE, CT_STATUS, CT_MARK = 0, 2, 3
CT_STATE_NEW = 8
DNAT = 0x20  # IPS_DST_NAT, a bit of CT_STATUS

_R1 = u32(1, 1)  # every expression used here has its register, or its destination, as attribute 1
_DROP, _ACCEPT, _RETURN, _JUMP = 0, 1, -5, -3  # verdicts


def host32(value: int) -> bytes:
    """Marks and interface types are compared in the host's byte order."""
    return struct.pack(HOST + "I", value)


def host16(value: int) -> bytes:
    return struct.pack(HOST + "H", value)


def port(value: int) -> bytes:
    return struct.pack(">H", value)


def interface(name: str) -> bytes:
    return (name.encode() + bytes(16))[:16]


def way(name: str, family: int, protocol: int) -> bytes:
    """An interface, INET4 or INET6, and UDP or TCP, each filled up to four bytes as in registers."""
    return interface(name) + bytes([family, 0, 0, 0, protocol, 0, 0, 0])


def expression(name: str, *attributes: bytes) -> bytes:
    """NFTA_LIST_ELEM with the expression's name and data."""
    return nested(1, text(1, name), nested(2, *attributes))


def meta(key: int) -> bytes:
    return expression("meta", u32(2, key), _R1)


def interface_and_way() -> bytes:
    """The interface's name, the network's and the transport's protocol side by side: a key of `way`'s kind."""
    family, protocol = [expression("meta", u32(2, key), u32(1, at)) for key, at in ((NFPROTO, 12), (L4PROTO, 13))]
    return meta(IIFNAME) + family + protocol


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


def at_least(value: bytes) -> bytes:
    """Goes on when the number in the register, in a packet's order, is no less."""
    return expression("cmp", _R1, u32(2, 5), nested(3, attribute(1, value)))


def no_more_than(value: bytes) -> bytes:
    """Goes on when the number in the register, in a packet's order, is no greater."""
    return expression("cmp", _R1, u32(2, 3), nested(3, attribute(1, value)))


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


def route_interface() -> bytes:
    """The name of the interface that the destination address is routed to (`fib daddr oifname`)."""
    return expression("fib", _R1, u32(2, 2), u32(3, 2))


def redirect() -> bytes:
    """To the router itself, at the port that the packet asks for."""
    return expression("redir")


def redirect_to(number: int) -> bytes:
    """To the router itself, at this port."""
    return immediate(port(number)) + expression("redir", _R1)


def note(set_name: str) -> bytes:
    """The register is in the set from now on, if there is room."""
    return expression("dynset", text(1, set_name), u32(3, 0), u32(4, 1))


def renew(set_name: str, seconds: int) -> bytes:
    """The register, which is in the set, stays there for so many seconds from now."""
    lasts = attribute(6, struct.pack(">Q", seconds * 1000))
    return expression("dynset", text(1, set_name), u32(3, 1), u32(4, 1), lasts)


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


def accept() -> bytes:
    """Out of all chains of this hook's base chain; the packet goes on."""
    return _verdict(_ACCEPT)


def back() -> bytes:
    """To the chain that jumped here; in a base chain: accepted by it."""
    return _verdict(_RETURN)


def jump(chain: str) -> bytes:
    return _verdict(_JUMP, text(2, chain))
