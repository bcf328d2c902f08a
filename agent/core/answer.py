"""What a DNS response says: addresses, the names that it leads to, how long it may be kept.

Any bytes give an Answer or BadInput, in time that grows with the message's length only.
"""

import struct

from agent.core.model import BadInput, Value
from agent.core.wire import (
    AAAA,
    ANY,
    CNAME,
    HEADER,
    HTTPS,
    IN,
    NOERROR,
    NXDOMAIN,
    OPT,
    SOA,
    SVCB,
    A,
    Record,
    read_name,
    records,
    skip_questions,
)

HINTS_MAX = 64  # addresses of service records; each costs a look-up in the lists, and honest ones give a handful
_CHAIN_MAX = 64  # aliases in one answer: resolvers give up after 16 or so; bounds the time of a walk
_TTL_LIMIT = 1 << 31  # from here on a TTL means 0, RFC 2181 section 8
_EDE = 15  # option code, RFC 8914
_IPV4HINT, _IPV6HINT = 4, 6  # SvcParamKeys, RFC 9460 section 14.3.2


class DnsResponse(Value):
    """What a response says.

    rcode             with the upper bits from OPT
    truncated         the TC bit
    found             a record of the asked type is there
    min_ttl           smallest TTL in seconds of any record, None without records
    soa_negative_ttl  seconds that a negative answer may be kept (RFC 2308 section 5), None without SOA
    chain             canonical names that the answer leads to, in its order: CNAME targets, HTTPS/SVCB targets
    addresses         4 or 16 bytes each: A, AAAA and the address hints of HTTPS/SVCB, of the answer section
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
        self.body_end = body_end
        self.additional = 0
        self.ede = b""

    def lifetime(self) -> int:
        """Seconds that the response may be cached; 0 for errors, truncated ones and negatives without SOA."""
        if self.truncated or self.rcode not in (NOERROR, NXDOMAIN) or self.min_ttl is None:
            return 0
        if self.found and self.rcode == NOERROR:
            return self.min_ttl
        return 0 if self.soa_negative_ttl is None else min(self.min_ttl, self.soa_negative_ttl)


def walk(message: bytes) -> DnsResponse:
    """What a response says; see Answer. BadInput if it ends before its counts say, or is otherwise broken."""
    at = skip_questions(message)
    asked = message[at - 4] << 8 | message[at - 3] if at > HEADER else ANY
    answer = DnsResponse(message[3] & 0x0F, bool(message[2] & 0x02), at)
    for record in records(message, at):
        if record.rtype == OPT:
            _read_opt(message, record, answer)
            break  # additional records after OPT are hints that nobody misses; `normalised` leaves them out
        ttl = record.ttl if record.ttl < _TTL_LIMIT else 0
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


def _read_opt(message: bytes, record: Record, answer: DnsResponse) -> None:
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


def _read_address(message: bytes, record: Record, answer: DnsResponse) -> None:
    if record.end - record.data != (4 if record.rtype == A else 16):
        raise BadInput("an address record has the wrong size")
    answer.addresses.append(bytes(message[record.data : record.end]))


def _read_target(message: bytes, at: int, record: Record, answer: DnsResponse) -> int:
    name, at = read_name(message, at)
    if at > record.end or len(answer.chain) >= _CHAIN_MAX:
        raise BadInput("an alias is longer than its record, or there are more than " + str(_CHAIN_MAX))
    answer.chain.append(name)
    return at


def _read_cname(message: bytes, record: Record, answer: DnsResponse) -> None:
    if _read_target(message, record.data, record, answer) != record.end:
        raise BadInput("a CNAME record holds more than a name")


def _read_svcb(message: bytes, record: Record, answer: DnsResponse) -> None:
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


def _read_hints(message: bytes, start: int, end: int, size: int, answer: DnsResponse) -> None:
    if (end - start) % size or len(answer.addresses) + (end - start) // size > HINTS_MAX:
        raise BadInput("an address hint has the wrong size, or there are more than " + str(HINTS_MAX))
    for at in range(start, end, size):
        answer.addresses.append(bytes(message[at : at + size]))


_READERS = {A: _read_address, AAAA: _read_address, CNAME: _read_cname, SVCB: _read_svcb, HTTPS: _read_svcb}
