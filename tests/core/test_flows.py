"""Connections that open in several segments: in any order, twice, overlapping; and what they may cost."""

from agent.core.flows import FLOW_COST, KEPT_S, SEGMENTS_MAX, STRANGE_MAX, UNKNOWN, WAIT, Flows
from agent.core.packet import Segment, TcpPosition, segment, tcp_position
from agent.core.quic import Initial
from agent.core.quic import read as quic
from agent.core.sniffed_request import SniffedRequest
from tests.core.test_sniffed_request import GET
from tests.core.test_tls_hello import EXAMPLE, WHOLE

LAST = (1 << 32) - 1


def feed(parts: list[tuple[int, bytes]], flows: Flows | None = None) -> object:
    flows = flows or Flows()
    found: object = WAIT
    for seq, data in parts:
        assert found is WAIT
        found = flows.feed(1, b"flow", seq, data, 0.0)
    if found is not WAIT:
        assert (len(flows), flows.size) == (0, 0)
    return found


def test_in_one_segment_nothing_is_kept() -> None:
    assert feed([(7, WHOLE)]) == EXAMPLE
    assert isinstance(feed([(7, GET)]), SniffedRequest)


def test_in_two_at_every_byte_in_both_orders_and_round_the_end_of_the_numbers() -> None:
    for start in (1, LAST - 60):
        for cut in range(1, len(WHOLE)):
            first, second = (start, WHOLE[:cut]), ((start + cut) & LAST, WHOLE[cut:])
            assert feed([first, second]) == EXAMPLE, cut
            assert feed([second, first]) == EXAMPLE, cut


def test_in_three_in_every_order() -> None:
    parts = [(0, WHOLE[:40]), (40, WHOLE[40:90]), (90, WHOLE[90:])]
    for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        assert feed([parts[at] for at in order]) == EXAMPLE, order


def test_twice_and_overlapping() -> None:
    assert feed([(0, WHOLE[:50]), (0, WHOLE[:50]), (50, WHOLE[50:])]) == EXAMPLE
    assert feed([(0, WHOLE[:50]), (20, WHOLE[20:80]), (70, WHOLE[70:])]) == EXAMPLE
    assert feed([(0, WHOLE[:50]), (30, WHOLE[30:40]), (50, WHOLE[50:])]) == EXAMPLE


def test_what_came_first_counts() -> None:
    other = WHOLE.replace(b"Example", b"Another")
    assert feed([(0, WHOLE[:110]), (0, other[:111]), (111, WHOLE[111:])]) == EXAMPLE


def test_another_protocol_is_given_up_after_a_few() -> None:
    flows = Flows()
    for at in range(STRANGE_MAX):
        found = flows.feed(1, b"flow", at * 8, b"\x00\x01binary", 0.0)
        assert found is (WAIT if at < STRANGE_MAX - 1 else UNKNOWN)
    assert (len(flows), flows.size, flows.given_up) == (0, 0, 1)


def test_a_hello_in_crumbs_is_given_up() -> None:
    flows = Flows()
    for at in range(SEGMENTS_MAX):
        found = flows.feed(1, b"flow", at, WHOLE[at : at + 1], 0.0)
        assert found is (WAIT if at < SEGMENTS_MAX - 1 else UNKNOWN)
    assert flows.size == 0


def test_owners_are_kept_apart() -> None:
    flows = Flows()
    assert flows.feed(1, b"flow", 0, WHOLE[:50], 0.0) is WAIT
    assert flows.feed(2, b"flow", 50, WHOLE[50:], 0.0) is WAIT, "another epoch's bytes are another connection's"
    flows.drop({2})
    assert len(flows) == 1
    assert flows.feed(1, b"flow", 50, WHOLE[50:], 0.0) is WAIT


def test_memory_is_bounded_and_the_greedy_pay() -> None:
    flows = Flows(bytes_max=100 * (FLOW_COST + 50))
    flows.feed(2, b"quiet", 0, WHOLE[:50], 0.0)
    for number in range(1000):
        flows.feed(1, b"%d" % number, 0, WHOLE[:50], float(number))
        assert flows.size <= 100 * (FLOW_COST + 50)
    assert flows.feed(2, b"quiet", 50, WHOLE[50:], 0.0) == EXAMPLE
    assert flows.feed(1, b"999", 50, WHOLE[50:], 0.0) == EXAMPLE
    assert flows.feed(1, b"0", 50, WHOLE[50:], 0.0) is WAIT, "given up long ago"


def test_a_long_pause() -> None:
    flows = Flows()
    flows.feed(1, b"flow", 0, WHOLE[:50], 100.0)
    flows.expire(100.0 + KEPT_S)
    assert len(flows) == 1
    flows.expire(101.0 + KEPT_S)
    assert (len(flows), flows.size, flows.given_up) == (0, 0, 1)


# packets


def tcp(data: bytes, port: int = 443, options: bytes = b"") -> bytes:
    offset = (20 + len(options)) // 4
    head = b"\x9c\x40" + bytes([port >> 8, port & 255]) + b"\x00\x00\x01\x00" + bytes(4) + bytes([offset << 4, 0x18])
    return head + b"\xff\xff" + bytes(4) + options + data


def v4(payload: bytes, protocol: int = 6, options: bytes = b"", fragment: int = 0) -> bytes:
    size = 20 + len(options) + len(payload)
    head = bytes([0x40 | (20 + len(options)) // 4, 0, size >> 8, size & 255, 0, 0, fragment >> 8, fragment & 255])
    return head + bytes([64, protocol, 0, 0]) + b"\xc0\x00\x02\x01" + b"\xc0\x00\x02\x02" + options + payload


def v6(payload: bytes, kind: int = 6, size: int | None = None) -> bytes:
    size = len(payload) if size is None else size
    addresses = b"\x20\x01" + bytes(13) + b"\x01" + b"\x20\x01" + bytes(13) + b"\x02"
    return bytes([0x60, 0, 0, 0, size >> 8, size & 255, kind, 64]) + addresses + payload


def test_segments() -> None:
    ports = b"\x9c\x40\x01\xbb"
    wanted = Segment(b"\xc0\x00\x02\x01\xc0\x00\x02\x02" + ports, b"\xc0\x00\x02\x02", 443, 256, b"hello")
    assert segment(v4(tcp(b"hello"))) == wanted
    assert segment(v4(tcp(b"hello", options=bytes(12)), options=bytes(8))) == wanted
    assert segment(v4(tcp(b"hello")) + b"padding of Ethernet") == wanted
    six = segment(v6(tcp(b"hello")))
    assert six is not None and (six.port, six.seq, six.data, len(six.destination)) == (443, 256, b"hello", 16)
    assert segment(v6(b"\x06\x00" + bytes(6) + tcp(b"hello"), kind=0)) == six
    assert segment(v6(tcp(b"hello"), size=0)) == six, "a packet that offload made longer than its head can say"


def test_what_is_no_segment() -> None:
    whole = v4(tcp(b"hello"))
    for packet in (b"", b"\x45", whole[:19], whole[:39], v4(tcp(b"x"), protocol=17), v4(tcp(b"x"), fragment=1)):
        assert segment(packet) is None
    assert segment(v4(tcp(b"x"), fragment=0x2000)) is None
    assert segment(v6(tcp(b"x"), kind=44)) is None
    assert segment(v6(b"")[:39]) is None
    for end in range(len(whole)):
        segment(whole[:end])
        segment(v6(b"\x00\x01" + bytes(14) + tcp(b"x"), kind=0)[:end])


def test_how_far_a_connection_is() -> None:
    flow = b"\xc0\x00\x02\x01\xc0\x00\x02\x02\x9c\x40\x01\xbb"
    stamps = b"\x01\x01\x08\x0a\x00\x00\x00\x07\x00\x00\x00\x09"
    assert tcp_position(v4(tcp(b"hello"))) == TcpPosition(flow, 261, 0, None)
    assert tcp_position(v4(tcp(b"hello", options=stamps))) == TcpPosition(flow, 261, 0, 9)
    assert tcp_position(v4(tcp(b"hello", options=b"\x05\x0a" + bytes(8) + stamps + bytes(2)))).echo == 9
    for broken in (b"\x08\x0a\x00\x00", b"\x08\x01\x00\x00", b"\x00\x08\x0a\x00", b"\x01\x01\x01\x08"):
        assert tcp_position(v4(tcp(b"hello", options=broken))).echo is None
    whole = v4(tcp(b"hello"))
    assert tcp_position(whole[:-1]) is None, "how much to acknowledge is not known"
    assert tcp_position(v4(b"", protocol=17)) is None
    six = tcp_position(v6(tcp(b"hello")))
    assert len(six.flow) == 36 and six.client_next == 261


# QUIC


def test_quic_is_recognised_by_its_first_packet() -> None:
    initial = b"\xc3\x00\x00\x00\x01\x08" + bytes(8) + b"\x00" + bytes(1185)
    assert quic(initial) == Initial(1)
    assert not Initial(1).reserved and Initial(0x1A2A3A4A).reserved
    assert quic(b"\xd3\x6b\x33\x43\xcf\x08" + bytes(1195)) == Initial(0x6B3343CF)
    for other in (
        b"",
        b"\xc3\x00\x00\x00",
        b"\x43" + initial[1:],  # a short head
        b"\xe3" + initial[1:],  # a handshake packet
        b"\xc3\x00\x00\x00\x00" + initial[5:],  # version negotiation
        initial[:5] + b"\x15" + initial[6:],  # an id of 21 bytes
        initial[:14],
        initial[:1199],
        b"\xc2\x34\x01\x00\x00\x01" + bytes(20),  # DNS
    ):
        assert quic(other) is None, other[:8]
