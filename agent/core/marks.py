"""The kernel's mark of an enrolled device: which device, and since which `on`.

A mark is a signature that says "ours", the device's slot (1–255) and the low bits of its generation. The same value
marks packets on their way into the agent and the conntrack entries of redirected flows. Only conntrack marks outlive a
packet, so the fields stay clear of what other software on a router keeps there:

    bit  31 30 | 29 … 24    | 23 … 16            | 15 14 | 13 … 8        | 7 … 0
          0  1 | generation | pbr, tailscale: 0  |  1  0 | mwan3: 0      | slot

The signature has four bits in two places, so that nobody who uses a whole byte of the mark makes it by accident.
"""

import struct

from agent.core.model import BadInput

SLOT_MAX = 255
SYN_MAGIC = b"PA"


class Layout:
    """Where the fields are. `tag` under `tag_mask` is the signature; the shifts say where slot and generation begin."""

    def __init__(
        self,
        tag: int = 0x40008000,
        tag_mask: int = 0xC000C000,
        slot_shift: int = 0,
        generation_shift: int = 24,
        # 64 toggles of one device would have to pass before a packet that waits in a socket is read.
        generation_bits: int = 6,
    ) -> None:
        self.tag = tag
        self.tag_mask = tag_mask
        self._slot_shift = slot_shift
        self._generation_shift = generation_shift
        self._generation_max = (1 << generation_bits) - 1
        slots = SLOT_MAX << slot_shift
        generations = self._generation_max << generation_shift
        self.mask = tag_mask | slots | generations
        if tag == 0 or tag & ~tag_mask or tag_mask & slots or (tag_mask | slots) & generations or self.mask >> 32:
            raise BadInput("the fields of the mark overlap or leave its 32 bits")

    def pack(self, slot: int, generation: int) -> int:
        """The mark of slot 1–255; the generation is any number and wrapped."""
        if not 1 <= slot <= SLOT_MAX:
            raise BadInput("no such slot: " + str(slot))
        return self.tag | slot << self._slot_shift | self.wrap(generation) << self._generation_shift

    def unpack(self, mark: int) -> "tuple[int, int] | None":
        """(slot, wrapped generation), or None for a mark that is not ours; other software's bits are ignored."""
        slot = mark >> self._slot_shift & SLOT_MAX
        if mark & self.tag_mask != self.tag or slot == 0:
            return None
        return slot, mark >> self._generation_shift & self._generation_max

    def wrap(self, generation: int) -> int:
        """What is left of a generation in a mark."""
        return generation & self._generation_max


DEFAULT = Layout()
TAG = DEFAULT.tag
MASK = DEFAULT.mask
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
