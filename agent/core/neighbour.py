"""The kernel's neighbour messages as values (linux/neighbour.h), and what an Ethernet address tells about itself."""

import struct

from agent.core.model import Value
from agent.core.netlink import DUMP, HOST, Message, NetlinkReply, attributes

NEW, GONE = 28, 29  # RTM_NEWNEIGH, RTM_DELNEIGH
GROUP = 1 << 2  # RTMGRP_NEIGH, for bind
INET, INET6 = 2, 10

_GET = 30  # RTM_GETNEIGH
_ADDRESS, _LINK_ADDRESS = 1, 2  # NDA_DST, NDA_LLADDR
_HEADER = HOST + "BBHiHBB"  # struct ndmsg
_HEADER_BYTES = 12
# NUD_REACHABLE, STALE, DELAY, PROBE, PERMANENT: the link address holds; INCOMPLETE and FAILED have none, and NOARP ones
# are made up by the kernel (groups, broadcast, this host).
_KNOWN_STATES = 0x02 | 0x04 | 0x08 | 0x10 | 0x80
_LIVE_STATES = 0x02 | 0x08 | 0x10  # heard of within the last minute or so
_LOCAL_BIT, _GROUP_BIT = 2, 1


class Neighbour(Value):
    """`address` has 4 or 16 bytes; `mac` is None when the address has gone or is not answered for; `live`: lately."""

    __slots__ = ("interface", "address", "mac", "live")

    def __init__(self, interface: int, address: bytes, mac: "bytes | None", live: bool) -> None:
        self.interface = interface
        self.address = address
        self.mac = mac
        self.live = live


def dump() -> Message:
    """Asks for all neighbours of both families."""
    return Message(_GET, DUMP, struct.pack(_HEADER, 0, 0, 0, 0, 0, 0, 0))


def read(answer: NetlinkReply) -> "Neighbour | None":
    """The neighbour that a message is about; None for anything else. BadInput when its attributes don't fit."""
    if answer.type not in (NEW, GONE) or len(answer.body) < _HEADER_BYTES:
        return None
    header = struct.unpack(_HEADER, answer.body[:_HEADER_BYTES])
    family, interface, state = header[0], header[3], header[4]
    found = attributes(answer.body[_HEADER_BYTES:])
    address, mac = found.get(_ADDRESS, b""), found.get(_LINK_ADDRESS, b"")
    if len(address) != {INET: 4, INET6: 16}.get(family, -1):
        return None
    holds = answer.type == NEW and state & _KNOWN_STATES and len(mac) == 6 and is_one(mac)
    return Neighbour(interface, address, mac if holds else None, bool(holds and state & _LIVE_STATES))


def is_one(mac: bytes) -> bool:
    """Whether it is an address of one device: no group's, and not zero."""
    return not mac[0] & _GROUP_BIT and mac != bytes(6)


def made_up(mac: bytes) -> bool:
    """Locally administered (IEEE 802, the second bit): phones make up such addresses and change them."""
    return bool(mac[0] & _LOCAL_BIT) and not mac[0] & _GROUP_BIT
