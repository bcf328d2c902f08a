"""Whatever bytes come, netlink's readers give values or BadInput; what is written is read back."""

from hypothesis import given
from hypothesis import strategies as st

from agent.core import conntrack, leases, marks, neighbour, netlink, nftables
from agent.core.model import BadInput
from agent.core.netlink import Message, NetlinkReply
from agent.core.nft.dns_redirect import DnsRedirect

MACS = st.binary(min_size=6, max_size=6)
MARKS = st.builds(marks.pack, st.integers(1, 255), st.integers(0, 1 << 40))
PLACES = st.dictionaries(MACS, MARKS, max_size=20)


def aligned(body: bytes) -> bytes:
    """As every body is that is made of attributes."""
    return body + bytes(-len(body) % 4)


@given(st.binary(max_size=400))
def test_any_bytes_are_messages_or_bad_input(data: bytes) -> None:
    for read in (netlink.messages, netlink.attributes):
        try:
            read(data)
        except BadInput:
            continue


@given(st.integers(0, 0xFFFF), st.binary(max_size=200))
def test_any_body_is_a_neighbour_a_flow_or_nothing(kind: int, body: bytes) -> None:
    answer = NetlinkReply(kind, 0, 0, body)
    for read in (neighbour.read, lambda answer: conntrack.end(answer, frozenset([bytes(4)]))):
        try:
            read(answer)
        except BadInput:
            continue


@given(st.lists(st.tuples(st.integers(0, 0x3FFF), st.binary(max_size=40)), max_size=10))
def test_attributes_round_trip(pairs: list[tuple[int, bytes]]) -> None:
    data = b"".join(netlink.attribute(kind, value) for kind, value in pairs)
    assert netlink.attributes(data) == dict(pairs)


@given(st.lists(st.binary(max_size=40).map(aligned), min_size=1, max_size=8), st.integers(1, 1 << 30))
def test_a_batch_round_trips(bodies: list[bytes], seq: int) -> None:
    work = [Message(0xA00, 0, body) for body in bodies]
    found = netlink.messages(nftables.batch(work, seq))
    assert [answer.body for answer in found[1:-1]] == bodies
    assert [answer.seq for answer in found] == list(range(seq, seq + len(bodies) + 2))
    assert [bool(answer.flags & netlink.ACK) for answer in found[1:-1]] == [False] * (len(bodies) - 1) + [True]


@given(st.integers(0, 0xFFFFFFFF))
def test_a_mark_is_a_place_and_back(mark: int) -> None:
    place = marks.unpack(mark)
    if place is not None:
        assert marks.pack(*place) == mark & marks.DEFAULT.mask


@given(PLACES, PLACES)
def test_a_change_leads_to_what_is_wanted(standing: dict[bytes, int], wanted: dict[bytes, int]) -> None:
    """Applied to what stands, as the kernel would: a key that is there can't be added, one that is not can't go."""
    held = dict(standing)
    for message in DnsRedirect(["br-lan"], 5391).change(standing, wanted):
        for mac, mark in elements(message):
            if mark is None:
                del held[mac]
            else:
                assert mac not in held
                held[mac] = mark
    assert held == wanted


def elements(message: Message) -> list[tuple[bytes, int | None]]:
    """(key, mark) of each element of a message, in order; a removal has no mark."""
    listed = netlink.attributes(message.body[4:])[3]
    found: list[tuple[bytes, int | None]] = []
    at = 0
    while at < len(listed):
        size = int.from_bytes(listed[at : at + 2], "little" if netlink.HOST == "<" else "big")
        inner = netlink.attributes(listed[at + 4 : at + size])
        mark = None
        if 2 in inner:
            value = netlink.attributes(inner[2])[1]
            mark = int.from_bytes(value, "little" if netlink.HOST == "<" else "big")
        found.append((netlink.attributes(inner[1])[1], mark))
        at += size + 3 & ~3
    return found


@given(st.text(max_size=300))
def test_any_text_is_leases(text: str) -> None:
    for lease in leases.parse(text):
        assert len(lease.mac) == 6
        assert lease.name == leases.shown(lease.name)
