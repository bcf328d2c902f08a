"""Where things lie in a DNS message (RFC 1035 section 4): names, records, the question of a query.

Every function takes any bytes and gives a value or raises BadInput, in time that grows with the message's length only.
"""

import struct

from agent.core.model import BadInput, Value
from agent.core.names import HOST, LABEL_MAX, canonical, suffixes

HEADER = 12
A, CNAME, SOA, AAAA, OPT, SVCB, HTTPS, ANY = 1, 5, 6, 28, 41, 64, 65, 255
IN = 1
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, BADVERS = 0, 1, 2, 3, 4, 5, 16

_WIRE_MAX = 255  # octets of a name, RFC 1035 section 2.3.4
_JUMPS_MAX = 126  # a name has at most 127 labels, so an honest writer needs no more pointers
_DOT = 0x2E
_OPT_HEAD = b"\0\0\x29"  # owner "." and type
_USUAL = b"\1\0\0\1\0\0\0\0\0\0"  # a query's header behind its id: recursion is asked for, one question, no OPT


class Edns(Value):
    """What a query's OPT record says (RFC 6891): the sender's UDP payload size, version, DO bit."""

    __slots__ = ("size", "version", "dnssec")

    def __init__(self, size: int, version: int, dnssec: bool) -> None:
        self.size = size
        self.version = version
        self.dnssec = dnssec


class Question(Value):
    """What a query asks. `name` is canonical, `end` the offset after the question, `edns` None without OPT.

    `suffixes` are those of the name, see `names.suffixes`.
    """

    __slots__ = ("name", "suffixes", "qtype", "qclass", "end", "edns")

    def __init__(
        self, name: bytes, qtype: int, qclass: int, end: int, edns: Edns | None, found: list[bytes] | None = None
    ) -> None:
        self.name = name
        self.suffixes = suffixes(name) if found is None else found
        self.qtype = qtype
        self.qclass = qclass
        self.end = end
        self.edns = edns


class Record(Value):
    """Where a record lies: `section` 0 answer, 1 authority, 2 additional; `start`, `data`, `end` are offsets."""

    __slots__ = ("section", "rtype", "rclass", "ttl", "start", "data", "end")

    def __init__(self, section: int, rtype: int, rclass: int, ttl: int, start: int, data: int, end: int) -> None:
        self.section = section
        self.rtype = rtype
        self.rclass = rclass
        self.ttl = ttl
        self.start = start
        self.data = data
        self.end = end


def read_name(message: bytes, at: int) -> tuple[bytes, int]:
    """The canonical name at `at`, compressed or not, and the offset after it.

    What a compression pointer leads to must lie wholly before the labels that it follows, as it does in every
    honest message. So there are no loops, and no name depends on bytes behind it.
    """
    raw = []
    size = 1
    jumps = end = 0
    start, limit = at, len(message)
    try:
        while length := message[at]:
            if length <= LABEL_MAX:
                raw.append(message[at + 1 : at + 1 + length])
                at += length + 1
                size += length + 1
                if size > _WIRE_MAX or at >= limit:
                    raise BadInput("a name is longer than 255 bytes or does not end where it must")
                continue
            end = end or at + 2
            jumps += 1
            start, limit = _target(message, at), start
            at = start
            if at >= limit or jumps > _JUMPS_MAX:
                raise BadInput("a compression pointer leads nowhere, or there are too many")
    except IndexError as error:
        raise BadInput("a name runs past the end of the message") from error
    return canonical(raw), end or at + 1


def _target(message: bytes, at: int) -> int:
    if message[at] < 0xC0:
        raise BadInput("a label of a kind that DNS does not have")
    target = (message[at] & 0x3F) << 8 | message[at + 1]
    if target < HEADER:
        raise BadInput("a compression pointer leads into the header")
    return target


def _skip_name(message: bytes, at: int) -> int:
    try:
        while length := message[at]:
            if length >= 0xC0:
                return at + 2
            if length > LABEL_MAX:
                raise BadInput("a label of a kind that DNS does not have")
            at += length + 1
    except IndexError as error:
        raise BadInput("a name runs past the end of the message") from error
    return at + 1


def skip_questions(message: bytes) -> int:
    """The offset after the question section."""
    if len(message) < HEADER:
        raise BadInput("shorter than a DNS header")
    at = HEADER
    for _ in range(message[4] << 8 | message[5]):
        at = _skip_name(message, at) + 4
    if at > len(message):
        raise BadInput("a question runs past the end of the message")
    return at


def records(message: bytes, at: int) -> list[Record]:
    """All records from `at`, the end of the questions, on; what follows the last one is left alone."""
    return some_records(message, at, 1 << 16)[0]


def some_records(message: bytes, at: int, most: int) -> tuple[list[Record], bool]:
    """The first records, `most` of them, and whether these are all."""
    found: list[Record] = []
    length = len(message)
    for section, count in enumerate(struct.unpack_from(">HHH", message, 6)):
        for _ in range(count):
            if len(found) >= most:
                return found, False
            start = at
            at = _skip_name(message, at)
            if at + 10 > length:
                raise BadInput("a record runs past the end of the message")
            rtype, rclass, ttl, size = struct.unpack_from(">HHIH", message, at)
            data = at + 10
            at = data + size
            if at > length:
                raise BadInput("a record's data runs past the end of the message")
            found.append(Record(section, rtype, rclass, ttl, start, data, at))
    return found, True


def ttls(message: bytes, at: int) -> list[tuple[int, int]]:
    """Of each record but OPT, from `at`, the end of the questions, on: where its TTL is, and the TTL. As `records`."""
    found = []
    length = len(message)
    unpack_from = struct.unpack_from
    for _ in range(sum(unpack_from(">HHH", message, 6))):
        at = at + 2 if at < length and message[at] >= 0xC0 else _skip_name(message, at)
        if at + 10 > length:
            raise BadInput("a record runs past the end of the message")
        rtype, _, ttl, size = unpack_from(">HHIH", message, at)
        if rtype != OPT:
            found.append((at + 4, ttl))
        at += 10 + size
        if at > length:
            raise BadInput("a record's data runs past the end of the message")
    return found


def _plain_name(message: bytes) -> tuple[bytes, list[bytes], int] | None:
    """A question's name, its suffixes and its end, for one of plain letters, as nearly all are; else None."""
    parts = []
    at = HEADER
    try:
        while length := message[at]:
            if length > LABEL_MAX:
                return None
            start = at + 1
            at = start + length
            parts.append(message[start:at])
    except IndexError:
        return None
    name = b".".join(parts).lower()
    # A dot in a label, or a length that looks like one: one look at all bytes costs a fifth of a count of the dots.
    if at >= HEADER + _WIRE_MAX or _DOT in message[HEADER:at] or name.strip(HOST):
        return None
    found = [name] if name else []
    begin = 0
    for part in parts[:-1]:
        begin += len(part) + 1
        found.append(name[begin:])
    return name, found, at + 1


def peek(message: bytes) -> Question:
    """The question of a query. BadInput for responses, other operations and whatever has not one question.

    RFC 9619: a query has exactly one. Bytes after the last record are ignored.
    """
    usual = message[2:HEADER] == _USUAL
    if not usual:
        if len(message) < HEADER:
            raise BadInput("shorter than a DNS header")
        if message[2] & 0xF8:
            raise BadInput("a response, or another operation than a query")
        if message[4:6] != b"\0\1":
            raise BadInput("not exactly one question")
    plain = _plain_name(message)
    if plain is None:
        name, at = read_name(message, HEADER)
        found = None
    else:
        name, found, at = plain
    end = at + 4
    if end > len(message):
        raise BadInput("the question runs past the end of the message")
    edns = None if usual or message[6:HEADER] == b"\0\0\0\0\0\0" else _edns(message, end)
    qtype, qclass = struct.unpack_from(">HH", message, at)
    return Question(name, qtype, qclass, end, edns, found)


def _edns(message: bytes, at: int) -> Edns | None:
    if message[6:12] == b"\0\0\0\0\0\1" and message[at : at + 3] == _OPT_HEAD and at + 11 <= len(message):
        # Nearly always OPT is all there is: 2 us less than to look for it.
        size, _, version, flags, options = struct.unpack_from(">HBBHH", message, at + 3)
        if at + 11 + options <= len(message):
            return Edns(size, version, flags >= 0x8000)
    found = [record for record in records(message, at) if record.rtype == OPT]
    if not found:
        return None
    opt = found[0]
    if len(found) > 1 or opt.section != 2 or message[opt.start]:
        raise BadInput("more than one OPT record, or one in a wrong place")
    return Edns(opt.rclass, opt.ttl >> 16 & 0xFF, bool(opt.ttl & 0x8000))
