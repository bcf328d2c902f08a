"""What connections open with, against captures of real ones: as they came, cut anew at every byte, and shuffled."""

import json
import lzma
import random
from functools import cache
from pathlib import Path

import pytest

from agent.core import quic
from agent.core.flows import UNKNOWN, WAIT, Flows
from agent.core.sniffed_request import SniffedRequest
from agent.core.tls_hello import Hello
from tests.core.whole import read_all

WIRE = Path(__file__).parents[3] / "shared" / "data" / "wire"
Parts = list[tuple[int, bytes]]

BROKEN = "lengths inside the hello contradict each other: made to break readers"
SSL2 = "a hello of SSL 2, which names no server"
INSIDE = "another protocol carries the hello"
HELLOS = {
    ("ndpi/tls_cipher_lens.pcap", 1): BROKEN,
    ("ndpi/tls_cipher_lens.pcap", 2): BROKEN,
    ("ndpi/tls_cipher_lens.pcap", 4): BROKEN,
    ("ndpi/tls_invalid_reads.pcap", 0): BROKEN,
    ("ndpi/tls_invalid_reads.pcap", 2): BROKEN,
    ("ndpi/google_ssl.pcap", 0): SSL2,
    ("zeek/tls__ssl-v2.pcap", 0): SSL2,
    ("zeek/tls__ssl.v3.pcap", 0): SSL2,
    ("ndpi/443-opvn.pcap", 0): INSIDE,
    ("ndpi/openvpn.pcap", 0): INSIDE,
    ("ndpi/tls_with_huge_ch.pcapng", 0): "the capture holds six of its twelve segments",
}

NO_SPACE = "no space between target and version, or no target: no server takes it"
TESTED = "requests made to see what servers bear"
REQUESTS = {
    ("ndpi/socks.pcap", 0): "SOCKS comes first",
    ("ndpi/fuzz-2006-09-29-28586.pcap", 4): "%s is no host",
    ("ndpi/fuzz-2006-09-29-28586.pcap", 33): "a target with a zero byte; the truth ends there",
    ("ndpi/http-manipulated.pcap", 1): "many blanks before the target, which the truth takes for an empty one",
    ("ndpi/WebattackRCE.pcap", 534): "blanks in the target, where the truth ends",
    ("zeek/http__connect-with-smtp.pcap", 0): "CONNECT with a blank in its target",
    ("zeek/http__http-09-content-length-confusion.pcap", 0): "HTTP 0.9",
    ("zeek/http__no-uri.pcap", 0): NO_SPACE,
    ("zeek/http__methods.pcap", 1): NO_SPACE,
    ("zeek/http__methods.pcap", 3): NO_SPACE,
    ("zeek/http__methods.pcap", 6): NO_SPACE,
    ("zeek/http__methods.pcap", 16): NO_SPACE,
    ("zeek/http__methods.pcap", 20): TESTED,
    ("zeek/http__methods.pcap", 21): TESTED,
    ("zeek/http__methods.pcap", 24): TESTED,
    ("zeek/http__methods.pcap", 26): NO_SPACE,
    ("zeek/http__methods.pcap", 31): NO_SPACE,
    ("zeek/http__methods.pcap", 36): NO_SPACE,
    ("zeek/http__methods.pcap", 41): NO_SPACE,
    ("zeek/http__methods.pcap", 46): NO_SPACE,
}


@cache
def corpus(name: str) -> list[dict]:
    path = WIRE / f"{name}.jsonl.xz"
    if not path.exists():
        pytest.skip(f"not here: {path}")
    with lzma.open(path) as lines:
        return [json.loads(line) for line in lines]


def key(row: dict) -> tuple[str, int]:
    return row["pcap"], row["stream"]


def hello_parts(row: dict) -> Parts:
    return [(seq, bytes.fromhex(data)) for seq, data in row["frames"]]


def request_parts(row: dict) -> Parts:
    return list(zip(row["seqs"], [bytes.fromhex(data) for data in row["frames"]], strict=True))


def opened(parts: Parts) -> Hello | SniffedRequest | str:
    flows = Flows()
    for seq, data in parts:
        if data and (found := flows.feed(1, b"flow", seq, data, 0.0)) is not WAIT:
            assert flows.size == len(flows) == 0
            return found
    return WAIT


def agrees_hello(row: dict, found: object) -> bool:
    """Where another protocol comes first and turns to TLS (mail, CONNECT), the connection opens with that."""
    if not row["hello"] or "after_plaintext" in row["tags"]:
        return not isinstance(found, Hello)
    name = row["sni"].lower().encode() if row["sni"] else None
    return found == Hello(name, row["ech"])


def agrees_request(row: dict, found: object) -> bool:
    if not isinstance(found, SniffedRequest):
        return False
    said, target = (row["host"] or "").lower(), row["uri"]
    for scheme in ("http://", "HTTP://"):
        if target.startswith(scheme):
            said, slash, path = target[len(scheme) :].partition("/")
            target = slash + path
    if row["method"] == "CONNECT":
        said, target = target, ""
    elif not target.startswith("/") and target != "*":
        target = "/" + target
    for usual in (":80", ":443"):
        said = said.removesuffix(usual)
    return (found.authority or b"").decode() == said and found.target.decode("latin1") == target


@pytest.mark.parametrize(
    ("name", "parts", "agrees", "exceptions"),
    [
        ("clienthello", hello_parts, agrees_hello, HELLOS),
        ("http", request_parts, agrees_request, REQUESTS),
    ],
    ids=["hello", "http"],
)
def test_as_they_came(name, parts, agrees, exceptions) -> None:
    disagreed = {key(row): opened(parts(row)) for row in corpus(name) if not agrees(row, opened(parts(row)))}
    unexpected = {row: found for row, found in disagreed.items() if row not in exceptions}
    assert unexpected == {}
    assert sorted(exceptions) == sorted(disagreed), "an exception that is none any more"
    # Where we can't tell, no name is made up.
    assert not any(isinstance(found, Hello) for found in disagreed.values())


def streams(name: str, parts, exceptions: dict) -> list[tuple[bytes, Hello | SniffedRequest]]:
    """The bytes of each connection until it is judged, and what it was judged to be; equal ones once."""
    found: dict[bytes, Hello | SniffedRequest] = {}
    for row in corpus(name):
        seen: Parts = []
        for part in parts(row):
            seen.append(part)
            result = opened(seen)
            if result is not WAIT:
                break
        if key(row) not in exceptions and not isinstance(result, str):
            first = min(seq for seq, _ in seen)
            joined = bytearray()
            for seq, data in sorted(seen):
                joined[seq - first :] = joined[seq - first : seq - first] + data
            found[bytes(joined[: needed(joined)])] = result
    return sorted(found.items(), key=lambda item: item[0])


def needed(stream: bytearray) -> int:
    """Where a request's head ends: a body may be longer than all that is kept of a connection."""
    ends = [stream.find(blank) + len(blank) for blank in (b"\r\n\r\n", b"\n\n") if blank in stream]
    return len(stream) if stream[:1] == b"\x16" or not ends else min(ends)


def same(one: object, other: Hello | SniffedRequest) -> bool:
    """A request that is cut inside its method and comes in the wrong order may lose the method's letters."""
    if isinstance(one, SniffedRequest) and isinstance(other, SniffedRequest):
        if other.method == b"CONNECT" and one.method != other.method:
            return one.host in (None, other.host)
        return (one.authority, one.target) == (other.authority, other.target)
    return one == other


@pytest.mark.parametrize(
    ("name", "parts", "exceptions", "least"),
    [("clienthello", hello_parts, HELLOS, 500), ("http", request_parts, REQUESTS, 900)],
    ids=["hello", "http"],
)
def test_cut_at_every_byte_in_both_orders(name, parts, exceptions, least) -> None:
    known = streams(name, parts, exceptions)
    assert len(known) >= least
    wrong = []
    for data, judged in known:
        for cut in range(1, len(data)):
            first, second = (1, data[:cut]), (1 + cut, data[cut:])
            wrong += [(cut, data) for order in ([first, second], [second, first]) if not same(opened(order), judged)]
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "parts", "exceptions"),
    [("clienthello", hello_parts, HELLOS), ("http", request_parts, REQUESTS)],
    ids=["hello", "http"],
)
def test_shuffled(name, parts, exceptions) -> None:
    chance = random.Random(4)
    for data, judged in streams(name, parts, exceptions):
        for _ in range(10):
            cuts = sorted({0, len(data), *(chance.randrange(len(data)) for _ in range(3))})
            pieces = [(1 + a, data[a:b]) for a, b in zip(cuts, cuts[1:], strict=False)]
            chance.shuffle(pieces)
            assert same(opened(pieces), judged), (pieces, judged)


def test_every_request_of_a_connection() -> None:
    """As far as bodies can be skipped and the capture has no holes: in order, each with its host and target."""
    whole = several = 0
    for row in corpus("http"):
        if key(row) in REQUESTS or len(row["requests"]) < 2 or "retransmission" in row["tags"]:
            continue
        found = read_all(b"".join(data for _, data in sorted(request_parts(row))))
        assert len(found) <= len(row["requests"])
        for request, (_, host, target) in zip(found, row["requests"], strict=False):
            assert agrees_request({"host": host, "uri": target, "method": request.method.decode()}, request)
        several += 1
        whole += len(found) == len(row["requests"])
    assert several >= 40 and whole >= several * 0.8, (whole, several)


def test_quic_is_recognised() -> None:
    rows = corpus("quic")
    for row in rows:
        found = quic.read(bytes.fromhex(row["datagrams"][0]))
        assert found is not None and f"{found.version:08x}" == row["version"], row["pcap"]
        assert found.reserved == ("reserved_version" in row["tags"])
    assert len(rows) == 173


def test_nothing_else_is_taken_for_quic() -> None:
    for row in [row for row in corpus("dns") if not row["is_response"]]:
        assert quic.read(bytes.fromhex(row["message"])) is None


def test_unknown_is_said_of_what_is_neither() -> None:
    assert opened([(1, b"\x00\x0d\x01"), (4, b"x"), (5, b"y"), (6, b"z")]) is UNKNOWN
