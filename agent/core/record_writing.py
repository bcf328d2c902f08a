"""Records of a response written anew at another place: names may be pointers, so they are read and written again."""

import struct

from agent.core.model import BadInput
from agent.core.names import to_wire
from agent.core.wire import CNAME, SOA, Record, read_name

_POINTER_MAX = 0x3FFF
_TCP_MAX = 65535

NS, PTR, MX, RP, AFSDB, SRV, NAPTR, KX, DNAME = 2, 12, 15, 17, 18, 33, 35, 36, 39
# What stands before the names in the data of a record that may be compressed (RFC 1035, RFC 3597 section 4): bytes
# before the first name, and how many names follow one another. NAPTR's strings before its name are seen to.
_NAMES = {NS: (0, 1), CNAME: (0, 1), SOA: (0, 2), PTR: (0, 1), MX: (2, 1), RP: (0, 2), AFSDB: (2, 1), KX: (2, 1)}
_NAMES.update({SRV: (6, 1), DNAME: (0, 1), 3: (0, 1), 4: (0, 1), 7: (0, 1), 8: (0, 1), 9: (0, 1), 14: (0, 2)})


class RecordWriter:
    """`out` is what follows the first `start` bytes of a message. Names written before are written as pointers."""

    def __init__(self, start: int) -> None:
        self.out = bytearray()
        self._start = start
        self._places = {}  # type: dict[bytes, int]

    def know(self, name: bytes, place: int) -> None:
        """The name stands there in the message."""
        if name:
            self._places[name] = place

    def write(self, name: bytes) -> None:
        place = self._places.get(name)
        if place is not None:
            self.out += struct.pack(">H", 0xC000 | place)
            return
        here = self._start + len(self.out)
        if name and here <= _POINTER_MAX:
            self._places[name] = here
        self.out += to_wire(name)

    def copy(self, response: bytes, record: Record) -> None:
        """A record of that response; BadInput where it is broken, or the message grows too long."""
        self.write(read_name(response, record.start)[0])
        self.out += response[record.data - 10 : record.data - 2]
        size_at = len(self.out)
        self.out += b"\0\0"
        self._copy_data(response, record)
        struct.pack_into(">H", self.out, size_at, len(self.out) - size_at - 2)
        if self._start + len(self.out) > _TCP_MAX:
            raise BadInput("a response grows too long")

    def _copy_data(self, response: bytes, record: Record) -> None:
        at = record.data
        before, count = _NAMES.get(record.rtype, (0, 0))
        if record.rtype == NAPTR:
            before, count = _naptr_strings(response, record), 1
        self.out += response[at : at + before]
        at += before
        for _ in range(count):
            name, at = read_name(response, at)
            self.write(name)
        if at > record.end:
            raise BadInput("a name is longer than its record")
        self.out += response[at : record.end]


def _naptr_strings(response: bytes, record: Record) -> int:
    """Order, preference and three strings (RFC 3403 section 4.1)."""
    at = record.data + 4
    for _ in range(3):
        if at >= record.end:
            raise BadInput("a NAPTR record is too short")
        at += 1 + response[at]
    return at - record.data
