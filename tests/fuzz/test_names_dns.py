"""Names and DNS under mutated bytes: a value or BadInput, and soon. Longer with PRIVACY_AGENT_FUZZ_SECONDS=600."""

import json
import lzma
import os
import random
import struct
import time
from collections.abc import Callable
from pathlib import Path

from agent.core import dns, names, wire
from agent.core.model import BadInput
from tests.core import whole
from tests.fuzz.work import bounded

SECONDS = float(os.environ.get("PRIVACY_AGENT_FUZZ_SECONDS", "2"))
CORPUS = Path(__file__).parents[3] / "shared" / "data" / "wire" / "dns.jsonl.xz"
WORST_S = 0.5  # CPU time of one message, on a slow and busy machine; 64 KiB of the worst take some 30 ms

QUERY = b"\x12\x34\1\0\0\1\0\0\0\0\0\1\3www\7example\3com\0\0\x41\0\1\0\0\x29\4\xd0\0\0\x80\0\0\x0c\0\x0a\0\x08abcdefgh"
ANSWER = (
    b"\x12\x34\x81\x80\0\1\0\3\0\1\0\2\3www\7example\3com\0\0\x41\0\1"
    b"\xc0\x0c\0\5\0\1\0\0\1\x2c\0\6\3cdn\xc0\x10"
    b"\xc0\x2d\0\x41\0\1\0\0\0\x3c\0\x1b\0\1\3svc\xc0\x10\0\1\0\3\2h2\0\4\0\4\1\2\3\4\0\5\0\1\x00"
    b"\xc0\x2d\0\1\0\1\0\0\0\x3c\0\4\1\2\3\4"
    b"\xc0\x10\0\6\0\1\0\0\x0e\x10\0\x1a\2ns\xc0\x10\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"
    b"\xc0\x56\0\x1c\0\1\0\0\0\x3c\0\x10" + bytes(16) + b"\0\0\x29\2\0\0\0\0\0\0\6\0\x0f\0\2\0\3"
)
TEXTS = (b"www.example.com.", b"a\\046b.example", b"_sip._tcp.xn--bcher-kva.example", b"192.0.2.1")
LIST = ["com", "co.uk", "*.kobe.jp", "!city.kobe.jp", "github.io"]


def seeds() -> list[bytes]:
    found = [QUERY, ANSWER, *TEXTS]
    if CORPUS.exists():
        with lzma.open(CORPUS) as lines:
            found += [bytes.fromhex(json.loads(line)["message"]) for line in lines]
    return found


def mutated(seed: bytes, chance: random.Random) -> bytes:
    message = bytearray(seed)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(len(message)) if message else 0
        kind = chance.randrange(6)
        if kind == 0 and message:
            message[at] = chance.randrange(256)
        elif kind == 1 and message:
            message[at] = chance.choice((0, 1, 0x0C, 0x3F, 0x40, 0x7F, 0x80, 0xC0, 0xFF))
        elif kind == 2 and message:
            message[at] ^= 1 << chance.randrange(8)
        elif kind == 3:
            del message[at:]
        elif kind == 4:
            message[at:at] = bytes(chance.randrange(256) for _ in range(chance.randrange(8)))
        else:
            end = chance.randrange(len(message) + 1)
            message[at:at] = message[min(at, end) : end]
    return bytes(message)


def everything(message: bytes) -> None:
    """All that the daemon does with bytes from outside, as far as the bytes allow."""
    attempt(names.parse, message)
    attempt(whole.from_wire, message)
    dns.malformed(message)
    attempt(dns.ttl_offsets, message)
    question = attempt(wire.peek, message)
    answer = attempt(dns.walk, message)
    if isinstance(question, wire.Question):
        answer_it(message, question)
        assert whole.from_wire(names.to_wire(question.name)) == question.name
    if isinstance(answer, dns.DnsResponse):
        serve_it(message, answer)


def attempt(action: Callable[[bytes], object], message: bytes) -> object:
    try:
        return action(message)
    except BadInput:
        return None


def answer_it(message: bytes, question: wire.Question) -> None:
    assert dns.cache_key(message, question)[: -dns.KEY_END] == question.name
    assert wire.peek(dns.forwarded(message, question, 1)).name == question.name
    for answer in (
        dns.blocked(message, question, dns.NULL, 10, "x"),
        dns.blocked(message, question, dns.NXDOMAIN_STYLE, 10, "x"),
        dns.servfail(message, question, dns.EDE_NETWORK_ERROR, "x"),
        dns.badvers(message, question),
    ):
        assert dns.walk(answer) and len(answer) <= wire.HEADER + 512
        assert dns.answers(answer, message, question.end)
        assert dns.walk(dns.truncated(answer, 100))


def serve_it(message: bytes, answer: dns.DnsResponse) -> None:
    assert answer.lifetime() >= 0
    question = attempt(wire.peek, message[:2] + b"\1\0\0\1" + bytes(6) + message[12:])
    if not isinstance(question, wire.Question) or message[4:6] != b"\0\1":
        return
    settled = dns.normalised(message, question, answer)
    assert dns.walk(settled).addresses == answer.addresses
    assert dns.walk(dns.aged(settled, 1 << 33)).min_ttl in (None, 0)
    assert len(dns.readdressed(settled, message, question)) == len(settled)


def timed(message: bytes) -> None:
    bounded(lambda: everything(message), WORST_S, message)


def test_mutated_messages_are_values_or_bad_input() -> None:
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    start = seeds()
    end = time.monotonic() + SECONDS
    rounds = 0
    while time.monotonic() < end:
        message = mutated(chance.choice(start), chance)
        try:
            timed(message)
        except Exception as error:
            raise AssertionError(f"seed {seed}, round {rounds}: {message.hex()}") from error
        rounds += 1
    assert rounds > 100


def test_mutated_suffix_lists_are_refused() -> None:
    chance = random.Random(1)
    good = names.compile_suffixes(LIST)
    for _ in range(2000):
        other = mutated(good, chance)
        assert other == good or attempt(names.PublicSuffixes, other) is None
    public = names.PublicSuffixes(good)
    for _ in range(2000):
        name = mutated(chance.choice(TEXTS), chance)
        assert name.endswith(public.suffix(name)) and name.endswith(public.registrable(name))


def heads(questions: int, answers: int) -> bytes:
    return struct.pack(">HHHHHH", 1, 0x8180, questions, answers, 0, 0)


def test_the_worst_messages_end_soon() -> None:
    record = b"\0\0\x10\0\1\0\0\0\1"
    labels = b"\1a" * 126 + b"\0"
    # At 23 a name of 126 labels, from 276 on a pointer to it, and pointers each to the one before it.
    chain = labels + b"".join(struct.pack(">H", 0xC000 | (at - 2 if at > 276 else 23)) for at in range(276, 526, 2))
    deep = record + struct.pack(">H", len(chain)) + chain
    alias = b"\0\0\5\0\1\0\0\0\1\0\2" + struct.pack(">H", 0xC000 | 276 + 2 * 124)
    hints = b"\0\1\0\0\4" + struct.pack(">H", 65000) + bytes(65000)
    for message in (
        heads(65535, 0) + bytes(65523),
        heads(0, 65535) + (record + b"\0\0") * 5956,
        heads(0, 5956) + (record + b"\0\0") * 5956,
        heads(0, 65) + deep + alias * 64,
        heads(0, 1) + b"\0\0\x41\0\1\0\0\0\1" + struct.pack(">H", len(hints)) + hints,
        heads(1, 0) + b"\xc0\x0c" * 32000,
        heads(1, 0) + b"\x3f" * 65000,
    ):
        timed(message)
    assert len(dns.walk(heads(0, 65) + deep + alias * 64).chain) == 64
