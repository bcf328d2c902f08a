"""Reading DNS messages (RFC 1035 section 4): the question of a query, the records of an answer.

Every function takes any bytes and gives a value or raises BadInput, in time that grows with the message's length only.
"""

import struct

from agent.core.model import BadInput, Value
from agent.core.names import LABEL_MAX, canonical

HEADER = 12
A, CNAME, SOA, AAAA, OPT, SVCB, HTTPS, ANY = 1, 5, 6, 28, 41, 64, 65, 255
IN = 1
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, BADVERS = 0, 1, 2, 3, 4, 5, 16

_WIRE_MAX = 255  # octets of a name, RFC 1035 section 2.3.4
_JUMPS_MAX = 126  # a name has at most 127 labels, so an honest writer needs no more pointers
_CHAIN_MAX = 64  # aliases in one answer: resolvers give up after 16 or so; bounds the time of a walk
_TTL_LIMIT = 1 << 31  # from here on a TTL means 0, RFC 2181 section 8
_EDE = 15  # option code, RFC 8914
_IPV4HINT, _IPV6HINT = 4, 6  # SvcParamKeys, RFC 9460 section 14.3.2


class Edns(Value):
    """What a query's OPT record says (RFC 6891): the sender's UDP payload size, version, DO bit."""

    __slots__ = ("size", "version", "dnssec")

    def __init__(self, size: int, version: int, dnssec: bool) -> None:
        self.size = size
        self.version = version
        self.dnssec = dnssec


class Question(Value):
    """What a query asks. `name` is canonical, `end` the offset after the question, `edns` None without OPT."""

    __slots__ = ("name", "qtype", "qclass", "end", "edns")

    def __init__(self, name: bytes, qtype: int, qclass: int, end: int, edns: Edns | None) -> None:
        self.name = name
        self.qtype = qtype
        self.qclass = qclass
        self.end = end
        self.edns = edns


class Answer(Value):
    """What a response says.

    rcode             with the upper bits from OPT
    truncated         the TC bit
    found             a record of the asked type is there
    min_ttl           smallest TTL in seconds of any record, None without records
    soa_negative_ttl  seconds that a negative answer may be kept (RFC 2308 section 5), None without SOA
    chain             canonical names that the answer leads to, in its order: CNAME targets, HTTPS/SVCB targets
    addresses         4 or 16 bytes each: A, AAAA and the address hints of HTTPS/SVCB, of the answer section
    ttl_offsets       where the TTLs are
    body_end          where the records end that are of use: at OPT, or at the end
    additional        how many additional records lie before body_end
    ede               the extended errors (RFC 8914), as they stood in OPT
    """

    __slots__ = (
        "rcode",
        "truncated",
        "found",
        "min_ttl",
        "soa_negative_ttl",
        "chain",
        "addresses",
        "ttl_offsets",
        "body_end",
        "additional",
        "ede",
    )

    def __init__(self, rcode: int, truncated: bool, body_end: int) -> None:
        self.rcode = rcode
        self.truncated = truncated
        self.found = False
        self.min_ttl: int | None = None
        self.soa_negative_ttl: int | None = None
        self.chain: list[bytes] = []
        self.addresses: list[bytes] = []
        self.ttl_offsets: list[int] = []
        self.body_end = body_end
        self.additional = 0
        self.ede = b""

    @property
    def lifetime(self) -> int:
        """Seconds that the response may be cached; 0 for errors, truncated ones and negatives without SOA."""
        if self.truncated or self.rcode not in (NOERROR, NXDOMAIN) or self.min_ttl is None:
            return 0
        if self.found and self.rcode == NOERROR:
            return self.min_ttl
        return 0 if self.soa_negative_ttl is None else min(self.min_ttl, self.soa_negative_ttl)


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
    found = []
    length = len(message)
    for section, count in enumerate(struct.unpack_from(">HHH", message, 6)):
        for _ in range(count):
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
    return found


def peek(message: bytes) -> Question:
    """The question of a query. BadInput for responses, other operations and whatever has not one question.

    RFC 9619: a query has exactly one. Bytes after the last record are ignored.
    """
    if len(message) < HEADER:
        raise BadInput("shorter than a DNS header")
    if message[2] & 0xF8:
        raise BadInput("a response, or another operation than a query")
    if message[4:6] != b"\0\1":
        raise BadInput("not exactly one question")
    name, at = read_name(message, HEADER)
    end = at + 4
    if end > len(message):
        raise BadInput("the question runs past the end of the message")
    edns = None if message[6:12] == b"\0\0\0\0\0\0" else _edns(message, end)
    return Question(name, message[at] << 8 | message[at + 1], message[at + 2] << 8 | message[at + 3], end, edns)


def _edns(message: bytes, at: int) -> Edns | None:
    found = [record for record in records(message, at) if record.rtype == OPT]
    if not found:
        return None
    opt = found[0]
    if len(found) > 1 or opt.section != 2 or message[opt.start]:
        raise BadInput("more than one OPT record, or one in a wrong place")
    return Edns(opt.rclass, opt.ttl >> 16 & 0xFF, bool(opt.ttl & 0x8000))


def walk(message: bytes) -> Answer:
    """What a response says; see Answer. BadInput if it ends before its counts say, or is otherwise broken."""
    at = skip_questions(message)
    asked = message[at - 4] << 8 | message[at - 3] if at > HEADER else ANY
    answer = Answer(message[3] & 0x0F, bool(message[2] & 0x02), at)
    for record in records(message, at):
        if record.rtype == OPT:
            _read_opt(message, record, answer)
            break  # additional records after OPT are hints that nobody misses; `settled` leaves them out
        ttl = record.ttl if record.ttl < _TTL_LIMIT else 0
        answer.ttl_offsets.append(record.data - 6)
        if answer.min_ttl is None or ttl < answer.min_ttl:
            answer.min_ttl = ttl
        answer.body_end = record.end
        if record.section == 0:
            answer.found = answer.found or asked in (record.rtype, ANY)
            if record.rclass == IN and record.rtype in _READERS:
                _READERS[record.rtype](message, record, answer)
        elif record.section == 2:
            answer.additional += 1
        elif record.rtype == SOA:
            answer.soa_negative_ttl = min(ttl, _soa_minimum(message, record))
    return answer


def _read_opt(message: bytes, record: Record, answer: Answer) -> None:
    if record.section != 2:
        raise BadInput("an OPT record outside the additional section")
    answer.rcode |= record.ttl >> 24 << 4
    for code, start, end in _options(message, record.data, record.end):
        if code == _EDE:
            answer.ede += message[start - 4 : end]


def _options(message: bytes, at: int, end: int) -> list[tuple[int, int, int]]:
    """(code, start, end) of EDNS options, and of SvcParams, which look the same."""
    found = []
    while at < end:
        if at + 4 > end:
            raise BadInput("an option is cut short")
        code, size = struct.unpack_from(">HH", message, at)
        at += 4
        if at + size > end:
            raise BadInput("an option is longer than its record")
        found.append((code, at, at + size))
        at += size
    return found


def _soa_minimum(message: bytes, record: Record) -> int:
    if record.end - record.data < 22:
        raise BadInput("a SOA record is too short")
    minimum: int = struct.unpack_from(">I", message, record.end - 4)[0]
    return minimum if minimum < _TTL_LIMIT else 0


def _read_address(message: bytes, record: Record, answer: Answer) -> None:
    if record.end - record.data != (4 if record.rtype == A else 16):
        raise BadInput("an address record has the wrong size")
    answer.addresses.append(bytes(message[record.data : record.end]))


def _read_target(message: bytes, at: int, record: Record, answer: Answer) -> int:
    name, at = read_name(message, at)
    if at > record.end or len(answer.chain) >= _CHAIN_MAX:
        raise BadInput("an alias is longer than its record, or there are more than " + str(_CHAIN_MAX))
    answer.chain.append(name)
    return at


def _read_cname(message: bytes, record: Record, answer: Answer) -> None:
    if _read_target(message, record.data, record, answer) != record.end:
        raise BadInput("a CNAME record holds more than a name")


def _read_svcb(message: bytes, record: Record, answer: Answer) -> None:
    """RFC 9460 section 2.2. The target "." means the owner itself, so it leads nowhere else."""
    if record.end - record.data < 3:
        raise BadInput("a service record is too short")
    at = record.data + 3
    if message[record.data + 2]:
        at = _read_target(message, record.data + 2, record, answer)
    for key, start, end in _options(message, at, record.end):
        size = {_IPV4HINT: 4, _IPV6HINT: 16}.get(key)
        if size:
            _read_hints(message, start, end, size, answer)


def _read_hints(message: bytes, start: int, end: int, size: int, answer: Answer) -> None:
    if (end - start) % size:
        raise BadInput("an address hint has the wrong size")
    for at in range(start, end, size):
        answer.addresses.append(bytes(message[at : at + size]))


_READERS = {A: _read_address, AAAA: _read_address, CNAME: _read_cname, SVCB: _read_svcb, HTTPS: _read_svcb}
