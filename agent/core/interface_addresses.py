"""The router's own addresses and the networks behind its interfaces, as the kernel tells (linux/if_addr.h)."""

import struct

from agent.core.model import Value
from agent.core.netlink import DUMP, HOST, Message, NetlinkReply, attributes

_NEW, _GET = 20, 22  # RTM_NEWADDR, RTM_GETADDR
_HEADER = HOST + "BBBBi"  # struct ifaddrmsg
_HEADER_BYTES = 8
_ADDRESS, _LOCAL = 1, 2  # IFA_*: behind a point-to-point interface the first is the other end's


class InterfaceAddress(Value):
    """`address` has 4 or 16 bytes; the first `bits` of it are its network's."""

    __slots__ = ("interface", "address", "bits")

    def __init__(self, interface: int, address: bytes, bits: int) -> None:
        self.interface = interface
        self.address = address
        self.bits = bits

    def has(self, address: bytes) -> bool:
        """Whether another address is in the same network."""
        return len(address) == len(self.address) and _top(address, self.bits) == _top(self.address, self.bits)


def dump() -> Message:
    """Asks for all of both families."""
    return Message(_GET, DUMP, struct.pack(_HEADER, 0, 0, 0, 0, 0))


def read(answer: NetlinkReply) -> "InterfaceAddress | None":
    """None for anything else. BadInput when its attributes don't fit."""
    if answer.type != _NEW or len(answer.body) < _HEADER_BYTES:
        return None
    header = struct.unpack(_HEADER, answer.body[:_HEADER_BYTES])
    found = attributes(answer.body[_HEADER_BYTES:])
    address = found.get(_LOCAL, found.get(_ADDRESS, b""))
    return InterfaceAddress(header[4], address, header[1]) if len(address) in (4, 16) else None


def _top(address: bytes, bits: int) -> int:
    return int.from_bytes(address, "big") >> (8 * len(address) - bits)
