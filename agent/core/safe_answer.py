"""Answers about hosts that have a safe form (see `safesearch`): the alias, and what its target has.

What is asked upstream is the target's name, never the host's own, so nothing of the host's can be in an answer.
"""

import struct

from agent.core.answer import DnsResponse
from agent.core.dns import answered, nodata
from agent.core.names import to_wire
from agent.core.record_writing import RecordWriter
from agent.core.safesearch import ADDRESS, ALIAS, SafeHost
from agent.core.wire import CNAME, HEADER, IN, SOA, A, Question, records

TTL_S = 60  # how long a change of mode may go unnoticed by a device that keeps answers
_OWNER = b"\xc0\x0c"  # the question's name
_NO_AD = 0xDF  # the alias is not signed, so the answer is not authentic data as a whole


def target_query(message: bytes, question: Question, target: bytes) -> "tuple[bytes, Question]":
    """The same question about the target: what `cache_key` and `forwarded` need of a query, and no more."""
    query = message[:4] + b"\0\1\0\0\0\0\0\0" + to_wire(target) + message[question.end - 4 : question.end]
    return query, Question(target, question.qtype, question.qclass, len(query), question.edns)


def own_answer(message: bytes, question: Question, safe: SafeHost, kind: str) -> bytes:
    """The answer where nothing is asked upstream: for each `treatment` but ASK."""
    if kind == ALIAS:
        return answered(message, question, _alias(safe.target))
    if kind == ADDRESS:
        return answered(message, question, _OWNER + struct.pack(">HHIH", A, IN, TTL_S, 4) + safe.address)
    return nodata(message, question, TTL_S)


def aliased(message: bytes, question: Question, response: bytes, target: Question, answer: DnsResponse) -> bytes:
    """The answer to a query: the alias, then what the target has by the normalised `response` to its query `target`,
    of which `answer` is what `walk` says. BadInput where that is broken, or all together is too long.

    Without anything of the asked type there is always a SOA, so that the answer may be kept.
    """
    alias = _alias(target.name)
    writer = RecordWriter(question.end)
    writer.know(question.name, HEADER)
    writer.know(target.name, question.end + len(alias) - len(to_wire(target.name)))
    writer.out += alias
    found = records(response, target.end)
    counts = [len([record for record in found if record.section == section]) for section in (0, 1, 2)]
    for record in found[: counts[0] + counts[1]]:
        writer.copy(response, record)
    if not answer.found and answer.soa_negative_ttl is None:
        counts[1] += 1
        _write_soa(writer, target.name)
    for record in found[len(found) - counts[2] :]:
        writer.copy(response, record)
    head = message[:2] + response[2:3] + bytes([response[3] & _NO_AD]) + message[4:6]
    return head + struct.pack(">HHH", counts[0] + 1, *counts[1:]) + message[HEADER : question.end] + bytes(writer.out)


def _alias(target: bytes) -> bytes:
    name = to_wire(target)
    return _OWNER + struct.pack(">HHIH", CNAME, IN, TTL_S, len(name)) + name


def _write_soa(writer: RecordWriter, name: bytes) -> None:
    """It lets clients keep a negative answer (RFC 2308); it names no server and nobody."""
    writer.write(name)
    writer.out += struct.pack(">HHIH", SOA, IN, TTL_S, 22) + b"\0\0" + struct.pack(">IIIII", 1, *[TTL_S] * 4)
