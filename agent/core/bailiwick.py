"""The part of a DNS response that belongs to its question: what else a server sends never reaches a client.

Kept are the records of the name asked for and of the names that its aliases (CNAME, DNAME) lead to, in the order in
which they came, with TTLs of a day at most. An alias that leads in a circle is BadInput.
"""

import struct

from agent.core.answer import DnsResponse
from agent.core.model import BadInput
from agent.core.record_writing import DNAME, RecordWriter
from agent.core.wire import AAAA, ANY, CNAME, HEADER, IN, OPT, A, Question, Record, read_name, some_records

TTL_MAX = 86400  # a wrong answer from upstream should not outlive the day
# Each address costs a look-up in the lists; the largest honest answers have some two dozen.
ADDRESSES_MAX = 64
RECORDS_MAX = 256  # that are read of one response; zones with more under one name are not for devices
_TC = 0x02
# How a record of an address of the name begins, the size of its data, and the whole: beginning, TTL, size, data.
_ADDRESSES = {A: (b"\xc0\x0c\0\1\0\1", 4, ">6sIH4s"), AAAA: (b"\xc0\x0c\0\x1c\0\1", 16, ">6sIH16s")}
_CHAIN_MAX = 64  # as in `answer`
_TCP_MAX = 65535

RRSIG, NSEC, NSEC3 = 46, 47, 50


def in_bailiwick(response: bytes, question: Question) -> bytes:
    """The response with what belongs to the question, which it repeats, and its OPT; BadInput if it is broken."""
    found, whole = some_records(response, question.end, RECORDS_MAX)
    if whole and len(found) <= ADDRESSES_MAX and _plain(response, question, found):
        return response
    kept = [record for record in _belonging(response, question, found) if record.rtype != OPT]
    opts = [record for record in found if record.rtype == OPT]
    plain = [record for record in found if record.rtype != OPT]
    if not whole or len(kept) < len(plain):
        begin = kept == plain[: len(kept)] and not [of for of in opts if kept and of.start < kept[-1].end]
        body = response[question.end : kept[-1].end if kept else question.end]
        if not begin:
            body = _rewritten(response, question, kept)
        opt = b"".join([response[record.start : record.end] for record in opts[:1]])
        counts = [len([record for record in kept if record.section == section]) for section in (0, 1, 2)]
        counts[2] += 1 if opt else 0
        response = response[:6] + struct.pack(">HHH", *counts) + response[HEADER : question.end] + body + opt
        if len(response) > _TCP_MAX:
            raise BadInput("a response grows too long")
        if [record for record in kept if record.ttl > TTL_MAX]:
            kept, _ = some_records(response, question.end, RECORDS_MAX)
    return _with_short_ttls(response, kept)


def of_addresses(response: bytes, question: Question) -> DnsResponse | None:
    """What `in_bailiwick` leaves of a response and `walk` says of that, where it is nothing but addresses of the name
    itself, as most are; None where these have to be asked. Written flat: it costs a quarter of the two.
    """
    kind = _ADDRESSES.get(question.qtype)
    unpack_from = struct.unpack_from
    flags, rcode, count, others = unpack_from(">2xBB2xHI", response)
    if kind is None or others or flags & _TC or question.qclass != IN:
        return None
    head, size, layout = kind
    at = question.end
    body_end = at + count * (12 + size)
    if not 0 < count <= ADDRESSES_MAX or len(response) < body_end:
        return None
    least = TTL_MAX
    addresses = []
    while at < body_end:
        begins, ttl, length, address = unpack_from(layout, response, at)
        if begins != head or length != size or ttl > TTL_MAX:
            return None
        if ttl < least:
            least = ttl
        addresses.append(address)
        at += 12 + size
    found = DnsResponse(rcode & 0x0F, False, body_end)
    found.found = True
    found.addresses = addresses
    found.min_ttl = least
    return found


def _plain(response: bytes, question: Question, found: list[Record]) -> bool:
    """Whether all are answers of the name itself, as of nearly all responses: 3 us instead of 15."""
    for record in found:
        if record.rtype == OPT and record.section == 2:
            continue
        if record.section or record.ttl > TTL_MAX or record.rtype in (CNAME, DNAME):
            return False
        if record.rclass != question.qclass or response[record.start : record.start + 2] != b"\xc0\x0c":
            return False
    return True


def _with_short_ttls(response: bytes, found: list[Record]) -> bytes:
    over = [record for record in found if record.ttl > TTL_MAX and record.rtype != OPT]
    if not over:
        return response
    patched = bytearray(response)
    for record in over:
        # From 2**31 on it means 0 (RFC 2181 section 8).
        struct.pack_into(">I", patched, record.data - 6, TTL_MAX if record.ttl < 1 << 31 else 0)
    return bytes(patched)


def _belonging(response: bytes, question: Question, found: list[Record]) -> list[Record]:
    """Answers of the chain, what authority says of it, and no additional records: they are hints to resolvers."""
    owners = _Owners(response, question)
    answers = [record for record in found if record.section == 0 and question.qclass in (record.rclass, ANY)]
    chain = _chain(response, question, answers, owners)
    kept = []
    addresses = 0
    for record in answers:
        owner = owners.of(record)
        if owner in chain or (record.rtype in (DNAME, RRSIG) and _above(owner, chain)):
            addresses += record.rtype in (A, AAAA)
            if record.rtype not in (A, AAAA) or addresses <= ADDRESSES_MAX:
                kept.append(record)
    for record in found:
        if record.section == 1 and question.qclass in (record.rclass, ANY) and record.rtype != OPT:
            # Proofs that something is not there have owners of their own.
            owner = owners.of(record)
            if record.rtype in (NSEC, NSEC3, RRSIG) or owner in chain or _above(owner, chain):
                kept.append(record)
    return kept


class _Owners:
    """The canonical owner of each record, read once for those that point at the question as nearly all do."""

    def __init__(self, response: bytes, question: Question) -> None:
        self._response = response
        self._name = question.name

    def of(self, record: Record) -> bytes:
        if self._response[record.start : record.start + 2] == b"\xc0\x0c":
            return self._name
        return read_name(self._response, record.start)[0]


def _chain(response: bytes, question: Question, answers: list[Record], owners: _Owners) -> dict[bytes, bool]:
    """The name asked for and all that aliases lead to. A circle is BadInput."""
    chain = {question.name: True}
    aliases = [record for record in answers if record.rtype in (CNAME, DNAME)]
    if not aliases:
        return chain
    names: dict[bytes, bytes] = {}
    trees: dict[bytes, bytes] = {}
    for record in aliases:
        target, end = read_name(response, record.data)
        if end != record.end:
            raise BadInput("an alias is longer than its record, or holds more than a name")
        (names if record.rtype == CNAME else trees).setdefault(owners.of(record), target)
    name = question.name
    while True:
        following = names.get(name)
        if following is None and question.qtype != DNAME:
            following = _below_alias(name, trees)
        if following is None:
            return chain
        if following in chain or len(chain) > _CHAIN_MAX:
            raise BadInput("an alias that leads in a circle, or through too many names")
        chain[following] = True
        name = following


def _below_alias(name: bytes, trees: dict[bytes, bytes]) -> bytes | None:
    """Where a DNAME (RFC 6672) leads a name below it, should its CNAME be missing."""
    for owner in trees:
        if name.endswith(b"." + owner):
            return name[: len(name) - len(owner)] + trees[owner]
    return None


def _above(owner: bytes, chain: dict[bytes, bool]) -> bool:
    return any([owner in (b"", name) or name.endswith(b"." + owner) for name in chain])


def _rewritten(response: bytes, question: Question, kept: list[Record]) -> bytes:
    """The records with their names written anew: what names pointed to may be gone."""
    writer = RecordWriter(question.end)
    writer.know(question.name, HEADER)
    for record in kept:
        writer.copy(response, record)
    return bytes(writer.out)
