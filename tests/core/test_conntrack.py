"""Which conntrack entries are ended, as messages."""

import struct

from agent.core import conntrack, netlink
from agent.core.netlink import HOST, NetlinkReply

V4, V6 = bytes([192, 168, 50, 10]), b"\xfd\x50" + bytes(13) + b"\x0a"


def test_a_flush_names_mark_and_mask():
    message = conntrack.flush(0x40008001, 0xC000C0FF)
    assert message.type == 0x102
    found = netlink.attributes(message.body[4:])
    assert struct.unpack(">II", found[8] + found[21]) == (0x40008001, 0xC000C0FF)


def test_flows_are_asked_for_by_port():
    for size, family in ((4, 2), (16, 10)):
        message = conntrack.flows_to(size, 53, conntrack.UDP)
        assert message.body[0] == family
        found = netlink.attributes(message.body[4:])
        assert netlink.attributes(netlink.attributes(found[1])[2]) == {1: b"\x11", 3: b"\x00\x35"}
        assert struct.unpack(HOST + "I", netlink.attributes(found[25])[1])[0] == 8 | 32


def flow(kind, source, mark=0):
    original = netlink.nested(1, netlink.attribute(kind, source))
    return NetlinkReply(
        0x100, 2, 5, b"\x02\0\0\0" + netlink.nested(1, original) + netlink.u32(12, 77) + netlink.u32(8, mark)
    )


def test_an_entry_is_ended_by_its_own_tuple_and_id():
    original = netlink.nested(1, netlink.attribute(1, V4))
    message = conntrack.end(flow(1, V4), frozenset([V4]))
    assert message.type == 0x102
    assert message.body[:4] == b"\x02\0\0\0"
    assert netlink.attributes(message.body[4:]) == {1: original, 12: b"\0\0\0\x4d"}


def test_only_the_device_is_meant():
    assert conntrack.end(flow(3, V6), frozenset([V4, V6])) is not None
    assert conntrack.end(flow(1, bytes(4)), frozenset([V4, V6])) is None
    assert conntrack.end(flow(1, V4), frozenset()) is None


def test_what_is_no_entry():
    anybody = frozenset([V4])
    assert conntrack.end(NetlinkReply(3, 2, 5, bytes(4)), anybody) is None
    assert conntrack.end(NetlinkReply(0x100, 2, 5, b""), anybody) is None
    assert conntrack.end(NetlinkReply(0x100, 2, 5, bytes(4) + netlink.u32(12, 77)), anybody) is None


def test_an_entry_with_a_mark_is_left_alone():
    assert conntrack.end(flow(1, V4, 0x40008001), frozenset([V4])) is None


def test_a_connection_is_asked_for_as_its_client_sees_it():
    other = bytes([203, 0, 113, 10])
    for source, target, kinds in ((V4, other, (1, 2)), (V6, V6, (3, 4))):
        message = conntrack.connection(source + target + b"\x9c\x40\x00\x50")
        assert (message.type, message.flags) == (0x101, 0)
        original = netlink.attributes(netlink.attributes(message.body[4:])[1])
        assert netlink.attributes(original[1]) == {kinds[0]: source, kinds[1]: target}
        assert netlink.attributes(original[2]) == {1: b"\x06", 2: b"\x9c\x40", 3: b"\x00\x50"}


def test_where_a_server_answers_to():
    def told(*parts):
        return NetlinkReply(0x100, 0, 1, b"\x02\0\0\0" + netlink.nested(2, *parts))

    ports = netlink.nested(2, netlink.attribute(1, b"\x06"), netlink.attribute(3, b"\x9c\x40"))
    for kind, address in ((2, V4), (4, V6)):
        addresses = netlink.nested(1, netlink.attribute(kind, address))
        assert conntrack.answered_at(told(addresses, ports)) == (address, 40000)
        assert conntrack.answered_at(told(addresses)) is None
    assert conntrack.answered_at(told(ports)) is None
    assert conntrack.answered_at(NetlinkReply(2, 0, 1, bytes(20))) is None


def test_connections_of_a_device_by_their_port():
    """A dump's entry and the message that asks for one say the same of it, so each reads what the other makes."""
    for source, target in ((V4, bytes([203, 0, 113, 10])), (V6, b"\xfd\x99" + bytes(13) + b"\x01")):
        flow = source + target + struct.pack(">HH", 40000, 443)
        entry = NetlinkReply(0x100, 2, 5, conntrack.connection(flow).body)
        assert conntrack.begun_at(entry, frozenset([source]), 443) == flow
        assert conntrack.begun_at(entry, frozenset([source]), 80) is None
        assert conntrack.begun_at(entry, frozenset([target]), 443) is None
        assert conntrack.begun_at(NetlinkReply(3, 2, 5, entry.body), frozenset([source]), 443) is None
        assert conntrack.begun_at(NetlinkReply(0x100, 2, 5, bytes(4)), frozenset([source]), 443) is None
        message = conntrack.mark(flow, 0x8000C000, 0xC000C000)
        found = netlink.attributes(message.body[4:])
        assert message.type == 0x100
        assert struct.unpack(">II", found[8] + found[21]) == (0x8000C000, 0xC000C000)
        assert found[1] == netlink.attributes(entry.body[4:])[1]


def test_connections_are_asked_for_by_port():
    found = netlink.attributes(conntrack.flows_to(4, 443, conntrack.TCP).body[4:])
    assert netlink.attributes(netlink.attributes(found[1])[2]) == {1: b"\x06", 3: b"\x01\xbb"}


def entry(source, target, kinds=(1, 2), family=2, message=0x100, id=77):
    """As a dump has it: who began it and who replies, behind masquerade the router."""
    nat = bytes(len(source) - 1) + b"\x09"
    ports = netlink.nested(2, netlink.attribute(1, b"\x11"))
    parts = []
    for tuple, one, other in ((1, source, target), (2, target, nat)):
        addresses = netlink.nested(1, netlink.attribute(kinds[0], one), netlink.attribute(kinds[1], other))
        parts.append(netlink.nested(tuple, addresses, ports))
    body = bytes([family, 0, 0, 0]) + b"".join(parts) + netlink.u32(12, id)
    return netlink.encode(netlink.Message(message, 2, body), 5)


def test_a_device_s_flows_of_either_family_and_direction():
    far4, far6 = bytes([203, 0, 113, 9]), b"\x20\x01" + bytes(14)
    dump = b"".join(
        [
            entry(V4, far4),
            entry(far4, V4),
            entry(bytes(4), far4),
            entry(V6, far6, (3, 4), 10),
            entry(far6, V6, (3, 4), 10),
            entry(V4, far4, message=3),
        ]
    )
    found = conntrack.flows_between(dump, frozenset([V4, V6]))
    assert [far for _, far in found] == [far4, far4, far6, far6]
    for answer, _ in found:
        message = conntrack.end_flow(answer)
        assert message is not None and message.type == 0x102
        assert netlink.attributes(message.body[4:])[12] == b"\0\0\0\x4d"
    assert conntrack.flows_between(dump, frozenset()) == []


def test_a_dump_cut_anywhere_is_read_as_far_as_it_goes():
    dump = entry(V4, V4) + entry(V4, V4)
    for size in range(len(dump)):
        assert len(conntrack.flows_between(dump[:size], frozenset([V4]))) == size // (len(dump) // 2)


def test_the_last_message_says_whether_it_is_over():
    done = netlink.encode(netlink.Message(netlink.DONE, 2, bytes(4)), 5)
    assert netlink.last(entry(V4, V4) + done).type == netlink.DONE
    assert netlink.last(entry(V4, V4)).type == 0x100
    assert netlink.last(b"") is None and netlink.last(b"\xff" * 20) is None


def test_datagrams_are_marked_and_found_as_connections_are():
    flow = V4 + bytes([203, 0, 113, 10]) + struct.pack(">HH", 40000, 443)
    message = conntrack.mark(flow, 0x8000C000, 0xC000C000, conntrack.UDP)
    original = netlink.attributes(message.body[4:])[1]
    assert netlink.attributes(netlink.attributes(original)[2])[1] == conntrack.UDP
    entry = NetlinkReply(0x100, 2, 5, message.body)
    assert conntrack.begun_at(entry, frozenset([V4]), 443, conntrack.UDP) == flow
    assert conntrack.begun_at(entry, frozenset([V4]), 443) is None
