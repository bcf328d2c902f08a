"""Minutes of use, made of what was counted in each minute: how many packets a device sent, never where to.

A device's day is a number whose bit n says that its minute n was busy. A minute counts when it is busy and so is one of
the two before it or of the two after it, so that a lone sync counts nothing; a single quiet one between two busy ones
counts with them. All of it is an estimate: a long page that is read counts little, and music counts.
"""

DAY_BITS = 1500  # 25 hours, when the clocks go back
# A device in nobody's hand syncs in bursts of a few dozen packets; whoever scrolls or watches sends hundreds.
BUSY_PACKETS = 60
# A backup sends full packets all the time; a call over video sends many that are not.
UPLOAD_BYTES, UPLOAD_PACKET_BYTES = 2000000, 1000


def busy(packets: int, size: int) -> bool:
    """Whether somebody seems to use the device, by the packets and bytes that it sent in one minute."""
    upload = size > UPLOAD_BYTES and size > packets * UPLOAD_PACKET_BYTES
    return packets >= BUSY_PACKETS and not upload


def mark(day: int, minute: int) -> int:
    """The day with one more busy minute; one outside of the day changes nothing."""
    return day | 1 << minute if 0 <= minute < DAY_BITS else day


def counted(day: int) -> int:
    """The day's minutes that count, one bit each."""
    near = day << 1 | day << 2 | day >> 1 | day >> 2
    bridged = day << 1 & day >> 1
    return (day & near | bridged) & (1 << DAY_BITS) - 1


def minutes(day: int) -> int:
    """How many minutes count."""
    return _ones(counted(day))


def alone(days: "list[int]") -> "list[int]":
    """Of each of a person's devices the minutes that none before it in the list had: their sum is the person's, since
    two screens at once are one minute."""
    found, had = [], 0
    for day in days:
        own = counted(day)
        found.append(_ones(own & ~had))
        had |= own
    return found


def beyond(day: int, others: "list[int]") -> int:
    """The minutes that none of the others has."""
    return alone(others + [day])[-1]


def union(days: "list[int]") -> int:
    """A person's minutes, over all of their devices."""
    return sum(alone(days))


def _ones(bits: int) -> int:
    return bin(bits).count("1")
