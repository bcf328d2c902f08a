"""The kernel's mark of an added device: which device, and since which `on`.

A mark is a signature that says "ours", the device's slot (1–255) and the low bits of its generation. The same value
marks packets on their way into the agent and the conntrack entries of redirected flows. Only conntrack marks outlive a
packet, so the fields stay clear of what other software on a router keeps there. By default (settings `mark_…`):

    bit  31 30 | 29 … 24    | 23 … 16            | 15 14 | 13 … 8        | 7 … 0
          0  1 | generation | pbr, tailscale: 0  |  1  0 | mwan3: 0      | slot

The signature has four bits in two places, so that nobody who uses a whole byte of the mark makes it by accident.
"""

import struct

from agent.core.model import BadInput

SLOT_MAX = 255
# Six bits: 64 toggles of one device would have to pass before a packet that waits in a socket is read.
GENERATION_MAX = 63
SYN_MAGIC = b"PA"

_DEVICE = 0b0110  # of the signature's bits, in their order; core/nft/inspection.py has the other patterns

# Defaults of other software that keeps connection marks.
OTHERS = (("mwan3", 0x00003F00), ("pbr", 0x00FF0000), ("Tailscale", 0x00FF0000))


class Layout:
    """Where the fields are: the signature's four bits as a mask, the lowest bits of slot and generation. BadInput.

    `tag` is the signature of a device's mark, `tag_mask` the signature's bits, `mask` all bits that are ours.
    """

    def __init__(self, signature: int = 0xC000C000, slot_bit: int = 0, generation_bit: int = 24) -> None:
        self._signature = [1 << bit for bit in range(32) if signature >> bit & 1]
        if len(self._signature) != 4 or signature >> 32:
            raise BadInput("the signature of marks has four of the 32 bits, not 0x%x" % signature)
        self.tag_mask = signature
        self.tag = self.state(_DEVICE)
        self._slot_bit = slot_bit
        self._generation_bit = generation_bit
        slots = SLOT_MAX << slot_bit
        generations = GENERATION_MAX << generation_bit
        self.mask = signature | slots | generations
        if signature & slots or (signature | slots) & generations or self.mask >> 32:
            raise BadInput("the fields of the mark overlap or leave its 32 bits")

    def state(self, number: int) -> int:
        """The signature's bits as they stand for a number of four bits; `_DEVICE` is a device's mark."""
        return sum([bit for at, bit in enumerate(self._signature) if number >> at & 1])

    def shared(self) -> "list[str]":
        """Whose bits on many routers these also are."""
        return [name for name, mask in OTHERS if mask & self.mask]

    def pack(self, slot: int, generation: int) -> int:
        """The mark of slot 1–255; the generation is any number and wrapped."""
        if not 1 <= slot <= SLOT_MAX:
            raise BadInput("no such slot: " + str(slot))
        return self.tag | slot << self._slot_bit | self.wrap(generation) << self._generation_bit

    def unpack(self, mark: int) -> "tuple[int, int] | None":
        """(slot, wrapped generation), or None for a mark that is not ours; other software's bits are ignored."""
        slot = mark >> self._slot_bit & SLOT_MAX
        if mark & self.tag_mask != self.tag or slot == 0:
            return None
        return slot, mark >> self._generation_bit & GENERATION_MAX

    def wrap(self, generation: int) -> int:
        """What is left of a generation in a mark."""
        return generation & GENERATION_MAX


DEFAULT = Layout()
TAG = DEFAULT.tag
pack = DEFAULT.pack
unpack = DEFAULT.unpack
wrap = DEFAULT.wrap


def of_syn(header: bytes) -> "int | None":
    """The mark in the saved SYN of a TCP connection (TCP_SAVE_SYN=2 keeps it from the Ethernet header on), or None.

    No socket option gives a TCP connection's mark without a host-wide setting, so the switch writes the mark, in the
    host's byte order, and a magic over the SYN's destination MAC, which has done its duty by then.
    """
    if len(header) < 14 or header[4:6] != SYN_MAGIC:
        return None
    mark: int = struct.unpack("I", header[:4])[0]
    return mark
