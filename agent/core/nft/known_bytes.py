"""Bytes of which some are not known (None), compared as the kernel compares a rule's registers: True, False, or None
where it can't be known."""

from agent.core.netlink import HOST
from agent.core.shapes import KnownBytes


def same(value: KnownBytes, wanted: bytes) -> "bool | None":
    """Whether they are the same bytes, as far as `wanted` goes (a name with a star is compared so)."""
    if [one for one, other in zip(value, wanted) if one is not None and one != other]:
        return False
    return True if wanted and len(value) >= len(wanted) and None not in value[: len(wanted)] else None


def between(value: KnownBytes, low: bytes, high: bytes) -> "bool | None":
    own = whole(value)
    return low <= own <= high if own and len(own) == len(low) == len(high) else None


def whole(value: KnownBytes) -> "bytes | None":
    known = [byte for byte in value if byte is not None]
    return bytes(known) if len(known) == len(value) else None


def masked(value: KnownBytes, mask: bytes, then: bytes) -> KnownBytes:
    """And-ed with a mask, and the bits of `then` turned over; nothing known where they are not as long."""
    if not len(value) == len(mask) == len(then):
        return []
    return [
        other if not bits else None if one is None else one & bits ^ other
        for one, bits, other in zip(value, mask, then)
    ]


def swapped(value: KnownBytes, size: int) -> KnownBytes:
    """Between the host's order and a packet's, number by number; nft also says it of what is shorter than one."""
    if HOST == ">" or not 0 < size <= len(value):
        return value
    return [value[at + size - 1 - n] for at in range(0, len(value) - size + 1, size) for n in range(size)]


def turned(holds: "bool | None", by: int) -> "bool | None":
    return holds if holds is None or not by else not holds
