"""DNS as the daemon needs it: what a query asks, what an answer says, and the answers that are our own.

Reading lies in `wire` (with the numbers) and `answer`; here are the cache's key, the ageing of answers and the
writing. EDNS is hop by hop (RFC 6891 section 6.2.6): a client's OPT ends here and upstream's does too, so no
cookie, client subnet or other option of one side reaches the other, and one cached answer serves everybody.
Only extended errors (RFC 8914) are passed on.
"""

import struct

from agent.core.answer import DnsResponse as DnsResponse
from agent.core.answer import walk as walk
from agent.core.model import BadInput
from agent.core.wire import (
    AAAA,
    BADVERS,
    FORMERR,
    HEADER,
    IN,
    NOERROR,
    NOTIMP,
    NXDOMAIN,
    OPT,
    REFUSED,
    SERVFAIL,
    SOA,
    A,
    records,
    skip_questions,
    ttls,
)
from agent.core.wire import Edns as Edns
from agent.core.wire import Question as Question
from agent.core.wire import peek as peek

NULL = "null"
NXDOMAIN_STYLE = "nxdomain"

EDE_STALE, EDE_BLOCKED, EDE_NO_REACHABLE_AUTHORITY, EDE_NETWORK_ERROR = 3, 15, 22, 23  # RFC 8914 section 4

UDP_MIN = 512  # what every client takes, RFC 1035 section 4.2.1
UDP_MAX = 1232  # fits an unfragmented IPv6 packet: 1280 less 48 bytes of headers
_TCP_MAX = 65535
_TEXT_MAX = 160  # bytes of an extended error's text: with the longest name, a blocked answer still fits into 512
_OWNER = b"\xc0\x0c"  # the question's name
KEY_END = 5  # bytes of a cache key behind the name
_BYTES = [bytes((byte,)) for byte in range(256)]  # quicker than to make one
_NULL_ADDRESSES = {A: bytes(4), AAAA: bytes(16)}
_RD, _QR, _TC, _OPCODE = 0x01, 0x80, 0x02, 0x78  # third byte of the header
_RA, _AD, _CD = 0x80, 0x20, 0x10  # fourth byte
_FORWARDED = b"\0\0\1\x20\0\1\0\0\0\0\0\0"  # a query's header for upstream: RD, AD, one question, no OPT


def cache_key(message: bytes, question: Question) -> bytes:
    """What an upstream answer depends on, and nothing else, so that equal keys may share one answer.

    In it: the canonical name (case carries no meaning but is randomised by some clients, 0x20), type and
    class; RD, since without recursion the answer is a referral or a refusal; CD, since it lets through what
    fails validation; DO, since it asks for signatures; and whether there is EDNS, since only then the answer
    carries OPT. Not in it: AD, which is always asked for and told to whoever asked (`readdressed`), the id, the
    UDP size (`truncated` sees to it when answering) and all EDNS options, which `forwarded` does not pass on.
    """
    flags = (message[2] & _RD) | (message[3] & _CD)
    edns = question.edns
    if edns is not None:
        flags |= 0xC0 if edns.dnssec else 0x40
    end = question.end
    return question.name + message[end - 4 : end] + _BYTES[flags]


def forwarded(message: bytes, question: Question, id: int) -> bytes:
    """The query for upstream: the same question and the flags of `cache_key`, and AD; OPT is our own."""
    if question.edns is None and id == 0 and message[2:4] == b"\1\0":
        return _FORWARDED + message[HEADER : question.end]  # nearly all
    head = bytes((id >> 8, id & 0xFF, message[2] & _RD, _AD | message[3] & _CD))
    if question.edns is None:
        return head + b"\0\1\0\0\0\0\0\0" + message[HEADER : question.end]
    return head + b"\0\1\0\0\0\0\0\1" + message[HEADER : question.end] + _opt(question.edns)


def repeats(response: bytes, query: bytes, end: int) -> bool:
    """Whether what came under a query's id `answers` it with the letters as they were sent, as nearly all do."""
    return (
        response[HEADER:end] == query[HEADER:end]
        and (response[2] ^ query[2]) & (_QR | _OPCODE) == _QR
        and response[4:6] == b"\0\1"
    )


def answers(response: bytes, query: bytes, end: int) -> bool:
    """Whether `response` answers `query`, whose question ends at `end`: same id, operation and question."""
    if (
        response[:2] != query[:2]
        or len(response) < end
        or (response[2] ^ query[2]) & (_QR | _OPCODE) != _QR
        or response[4:6] != b"\0\1"
    ):
        return False
    if response[HEADER:end] == query[HEADER:end]:
        return True
    # Length octets are below "A", so lower() changes letters of labels only; the type must not be touched.
    name_end = end - 4
    return (
        response[HEADER:name_end].lower() == query[HEADER:name_end].lower()
        and response[name_end:end] == query[name_end:end]
    )


def normalised(response: bytes, question: Question, answer: DnsResponse) -> bytes:
    """Upstream's response as it may be cached and served: OPT is ours if the query had one, nothing behind it.

    `answer` is what `walk` said of it.
    """
    if question.edns is None and len(response) == answer.body_end and not answer.additional:
        return response[:2] + response[2:]  # a copy: what a socket gave lies in room for the longest
    opt = _opt(question.edns, answer.rcode, answer.ede)
    count = struct.pack(">H", answer.additional + (1 if opt else 0))
    whole = response[:10] + count + response[HEADER : answer.body_end] + opt
    if len(whole) > _TCP_MAX:
        raise BadInput("a response has no room for OPT")
    return whole


def readdressed(response: bytes, message: bytes, question: Question) -> bytes:
    """A normalised response with the id and the question bytes (0x20 case) of the query being answered.

    The AD bit is for whoever asked for it, or for signatures (RFC 6840 section 5.8).
    """
    end = question.end
    if not response[3] & _AD:
        # Nearly all.
        letters = message[HEADER:end]
        if response[HEADER:end] == letters:
            return message[:2] + response[2:]
        return message[:2] + response[2:HEADER] + letters + response[end:]
    asked = message[3] & _AD or (question.edns is not None and question.edns.dnssec)
    flags = response[2:4] if asked else bytes((response[2], response[3] & ~_AD))
    return message[:2] + flags + response[4:HEADER] + message[HEADER:end] + response[end:]


def ttl_offsets(response: bytes, end: int | None = None) -> list[int]:
    """Where the TTLs are, OPT excluded: its field holds no time. The question ends at `end`, if somebody knows."""
    return [ttl[0] for ttl in ttls(response, skip_questions(response) if end is None else end)]


def aged(response: bytes, seconds: int, end: int | None = None) -> bytes:
    """The response with every TTL counted down by `seconds`, not below 0; one from 2**31 on is 0 (RFC 2181)."""
    patched = bytearray(response)
    for at, ttl in ttls(response, skip_questions(response) if end is None else end):
        struct.pack_into(">I", patched, at, ttl - seconds if seconds < ttl < 1 << 31 else 0)
    return bytes(patched)


def remembered(response: bytes, seconds_max: int) -> bytes:
    """The response with no TTL above `seconds_max`."""
    patched = bytearray(response)
    for at in ttl_offsets(response):
        if struct.unpack_from(">I", patched, at)[0] > seconds_max:
            struct.pack_into(">I", patched, at, seconds_max)
    return bytes(patched)


def stale(response: bytes, question: Question, seconds: int) -> bytes:
    """A response that is over, with every TTL `seconds` and EDE 3 if there is OPT (RFC 8767 section 4, RFC 8914)."""
    patched = bytearray(response)
    for at in ttl_offsets(response):
        struct.pack_into(">I", patched, at, seconds)
    if question.edns is None:
        return bytes(patched)
    # OPT is last, as `normalised` puts it, with at most the extended errors of upstream behind its fixed part.
    found = [record for record in records(response, skip_questions(response)) if record.rtype == OPT]
    extra = _ede(EDE_STALE, "")
    for record in found[-1:]:
        size = record.end - record.data + len(extra)
        struct.pack_into(">H", patched, record.data - 2, size)
        patched[record.end : record.end] = extra
    return bytes(patched)


def udp_limit(question: Question) -> int:
    """How many bytes an answer by UDP may have."""
    return UDP_MIN if question.edns is None else min(max(question.edns.size, UDP_MIN), UDP_MAX)


def truncated(response: bytes, limit: int) -> bytes:
    """The response if it has at most `limit` bytes, else its question and OPT with the TC bit: ask again by TCP."""
    if len(response) <= limit:
        return response
    end = skip_questions(response)
    opt = b""
    for record in records(response, end):
        if record.rtype == OPT:
            opt = response[record.start : record.data - 2] + b"\0\0"
    head = response[:2] + bytes([response[2] | _TC]) + response[3:6]
    return head + b"\0\0\0\0\0" + (b"\1" if opt else b"\0") + response[HEADER:end] + opt


def blocked(message: bytes, question: Question, style: str, ttl: int, ede_text: str) -> bytes:
    """The refusal of a name, valid for `ttl` seconds: EDE 15 with a text (RFC 8914) and, by `style`,

    "null": 0.0.0.0 for A, :: for AAAA, and no data for all other types, HTTPS and SVCB among them;
    "nxdomain": the name does not exist, for every type.
    """
    extra = _ede(EDE_BLOCKED, ede_text) if question.edns is not None else b""
    if style == NXDOMAIN_STYLE:
        return _reply(message, question, NXDOMAIN, authority=_soa(question, ttl), extra=extra)
    address = _NULL_ADDRESSES.get(question.qtype) if question.qclass == IN else None
    if address is None:
        return _reply(message, question, NOERROR, authority=_soa(question, ttl), extra=extra)
    head = struct.pack(">HHIH", question.qtype, IN, ttl, len(address))
    return _reply(message, question, NOERROR, answer=_OWNER + head + address, extra=extra)


def answered(message: bytes, question: Question, record: bytes) -> bytes:
    """Our own answer, of one record."""
    return _reply(message, question, NOERROR, answer=record)


def nodata(message: bytes, question: Question, ttl: int) -> bytes:
    """The name has nothing of this type, for `ttl` seconds."""
    return _reply(message, question, NOERROR, authority=_soa(question, ttl))


def nxdomain(message: bytes, question: Question, ttl: int) -> bytes:
    """The name does not exist, for `ttl` seconds."""
    return _reply(message, question, NXDOMAIN, authority=_soa(question, ttl))


def servfail(message: bytes, question: Question, ede: int, text: str) -> bytes:
    """No answer could be had; `ede` says why, for example EDE_NETWORK_ERROR."""
    return _reply(message, question, SERVFAIL, extra=_ede(ede, text))


def refused(message: bytes, question: Question) -> bytes:
    """We don't do that for you."""
    return _reply(message, question, REFUSED)


def badvers(message: bytes, question: Question) -> bytes:
    """For a query whose EDNS version is not 0 (RFC 6891 section 6.1.3); the answer says 0."""
    return _reply(message, question, BADVERS)


def malformed(message: bytes) -> bytes | None:
    """The answer to a message that `peek` refused: NOTIMP, FORMERR, or None where none may be given.

    None for what is itself a response, so that two servers never answer each other, and without a whole header.
    """
    if len(message) < HEADER or message[2] & _QR:
        return None
    return _head(message, NOTIMP if message[2] & _OPCODE else FORMERR) + bytes(8)


def _head(message: bytes, rcode: int) -> bytes:
    flags = message[2:4]
    if flags == b"\1\0" and rcode == NOERROR:
        return message[:2] + b"\x81\x80"
    return message[:2] + bytes((_QR | flags[0] & (_OPCODE | _RD), _RA | flags[1] & _CD | rcode & 0x0F))


def _reply(
    message: bytes, question: Question, rcode: int, answer: bytes = b"", authority: bytes = b"", extra: bytes = b""
) -> bytes:
    """Our own answer: at most one record, in `answer` or `authority`; options in `extra` if the query had OPT."""
    counts = b"\0\1\0\1\0\0" if answer else b"\0\1\0\0\0\1" if authority else b"\0\1\0\0\0\0"
    asked = message[HEADER : question.end]
    if question.edns is None:
        return _head(message, rcode) + counts + b"\0\0" + asked + (answer or authority)
    opt = _opt(question.edns, rcode, extra)
    return _head(message, rcode) + counts + b"\0\1" + asked + (answer or authority) + opt


def _opt(edns: Edns | None, rcode: int = NOERROR, extra: bytes = b"") -> bytes:
    """Our OPT record, for a query that had one: DO is copied (RFC 3225 section 3)."""
    if edns is None:
        return b""
    dnssec = 0x8000 if edns.dnssec else 0
    return struct.pack(">BHHBBHH", 0, OPT, UDP_MAX, rcode >> 4, 0, dnssec, len(extra)) + extra


def _ede(code: int, text: str) -> bytes:
    """An extended error option; the text is cut to _TEXT_MAX bytes, never inside a character."""
    try:
        raw = text[:_TEXT_MAX].encode()
    except UnicodeError:
        raw = b""  # half a surrogate pair in the name of some list: the answer matters more than its text
    if len(raw) > _TEXT_MAX:
        cut = _TEXT_MAX
        while raw[cut] & 0xC0 == 0x80:
            cut -= 1
        raw = raw[:cut]
    return struct.pack(">HHH", 15, 2 + len(raw), code) + raw


def _soa(question: Question, ttl: int) -> bytes:
    """A SOA that lets clients keep a negative answer for `ttl` seconds (RFC 2308); it names no server and nobody."""
    times = struct.pack(">IIIII", 1, ttl, ttl, ttl, ttl)
    return _OWNER + struct.pack(">HHIH", SOA, question.qclass, ttl, 22) + b"\0\0" + times
