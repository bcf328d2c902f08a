"""Openings of connections under mutated bytes: a value, WAIT or UNKNOWN, soon, and within the bounds of memory.

Longer with PRIVACY_AGENT_FUZZ_SECONDS=600.
"""

import os
import random
import time
from collections.abc import Callable
from functools import partial

from agent.core import flows, quic, sniffed_request, tls_hello
from agent.core.model import BadInput
from agent.core.names import HOST, parse
from agent.core.packet import Segment, segment, tcp_position
from tests.core import whole
from tests.core.test_flows import tcp, v4, v6
from tests.core.test_sniffed_request import GET
from tests.core.test_tls_hello import WHOLE, message, records, server_name
from tests.fuzz.work import bounded

SECONDS = float(os.environ.get("PRIVACY_AGENT_FUZZ_SECONDS", "2"))
WORST_S = 0.1  # of CPU time for one input of some kilobytes, on a slow and busy machine

POST = b"POST http://u:p@[2001:db8::1]:81/%2e/x?y#z HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9\r\n\r\nGET / HTT"
SEEDS = [WHOLE, GET, POST, records(message(server_name(b"a.example")), 9), records(WHOLE[5:] + bytes(1500), 700)]
PACKETS = [
    v4(tcp(WHOLE)),
    v6(tcp(GET, 80)),
    v6(b"\x2b\x01" + bytes(14) + tcp(POST), kind=0),
    v4(tcp(b"", options=bytes(40))),
]


def mutated(seed: bytes, chance: random.Random) -> bytes:
    text = bytearray(seed)
    for _ in range(chance.choice((1, 2, 4, 16))):
        at = chance.randrange(len(text) + 1)
        kind = chance.randrange(4)
        if kind == 0:
            text[at : at + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            text[at:at] = chance.choice(
                (b"\x16\x03\x01\x00", b"\r\n", b"\n", b" ", b"%", b":", b"[", b"@", b"\xff\xff")
            )
        elif kind == 2:
            del text[at : at + chance.randrange(20)]
        else:
            text[at:at] = text[at : at + chance.randrange(60)] * chance.choice((1, 2, 40))
    return bytes(text)


def loop(seeds: list[bytes], once: Callable[[bytes, random.Random], None], number: int) -> None:
    chance = random.Random(number)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        data = mutated(chance.choice(seeds), chance)
        bounded(partial(once, data, chance), WORST_S, data)


def check(found: object) -> None:
    """Whatever is said is canonical: it can be printed and stored without care."""
    if isinstance(found, tls_hello.Hello):
        assert found.name is None or (parse(found.name) == found.name and not found.name.strip(HOST))
    elif isinstance(found, sniffed_request.SniffedRequest):
        assert found.authority is None or not found.authority.strip(HOST + b"[]:")
        assert sniffed_request.normal(sniffed_request.normal(found.target)) == sniffed_request.normal(found.target)
    else:
        assert found in (flows.WAIT, flows.UNKNOWN)


def test_parsers() -> None:
    def once(data: bytes, chance: random.Random) -> None:
        for read in (tls_hello.read, sniffed_request.read, whole.read_all, quic.read):
            try:
                found = read(data)
            except BadInput:
                continue
            if found is not None and not isinstance(found, (list, quic.Initial)):
                check(found)

    loop([*SEEDS, b"\xc3\x00\x00\x00\x01\x08" + bytes(1200)], once, 1)


def test_flows() -> None:
    joined = flows.Flows(200_000)

    def once(data: bytes, chance: random.Random) -> None:
        flow, start = b"%d" % chance.randrange(3000), chance.randrange(1 << 32)
        cuts = sorted({0, len(data), *(chance.randrange(len(data) + 1) for _ in range(3))})
        pieces = [(a, data[a:b]) for a, b in zip(cuts, cuts[1:], strict=False)]
        chance.shuffle(pieces)
        for at, piece in pieces[: chance.choice((1, 2, 9))]:
            seq = (start + at + chance.choice((0, 0, 0, -1, 1 << 31))) % (1 << 32)
            check(joined.feed(chance.randrange(3), flow, seq, piece, 0.0))
            assert joined.size <= 200_000
        assert joined.size >= 0 and (joined.size == 0) == (len(joined) == 0)

    loop(SEEDS, once, 2)


def test_packets() -> None:
    def once(data: bytes, chance: random.Random) -> None:
        cut = data[: chance.choice((len(data), chance.randrange(len(data) + 1)))]
        found, far = segment(cut), tcp_position(cut)
        if far is not None:
            assert 0 <= far.client_next < 1 << 32 and 0 <= far.server_next < 1 << 32
            assert far.echo is None or 0 <= far.echo < 1 << 32
        if found is not None:
            assert isinstance(found, Segment)
            assert 0 <= found.port < 1 << 16 and 0 <= found.seq < 1 << 32 and len(found.flow) in (12, 36)

    loop(PACKETS, once, 3)
