"""Which conntrack entries are ended, as messages."""

import struct

from agent.core import conntrack, netlink
from agent.core.netlink import HOST, Answer

V4, V6 = bytes([192, 168, 50, 10]), b"\xfd\x50" + bytes(13) + b"\x0a"


def test_a_flush_names_mark_and_mask():
    message = conntrack.flush(0x40008001, 0xC000C0FF)
    assert message.type == 0x102
    found = netlink.attributes(message.body[4:])
    assert struct.unpack(">II", found[8] + found[21]) == (0x40008001, 0xC000C0FF)


def test_flows_are_asked_for_by_source_and_port():
    for source, family, kind in ((V4, 2, 1), (V6, 10, 3)):
        message = conntrack.datagram_flows(source, 53)
        assert message.body[0] == family
        found = netlink.attributes(message.body[4:])
        original = netlink.attributes(found[1])
        assert netlink.attributes(original[1]) == {kind: source}
        assert netlink.attributes(original[2]) == {1: b"\x11", 3: b"\x00\x35"}
        assert struct.unpack(HOST + "I", netlink.attributes(found[25])[1])[0] == 1 | 8 | 32


def test_an_entry_is_ended_by_its_own_tuple_and_id():
    original = netlink.nested(1, netlink.attribute(1, V4))
    entry = netlink.nested(1, original) + netlink.u32(12, 77) + netlink.u32(8, 0)
    message = conntrack.end(Answer(0x100, 2, 5, b"\x02\0\0\0" + entry))
    assert message.type == 0x102
    assert message.body[:4] == b"\x02\0\0\0"
    assert netlink.attributes(message.body[4:]) == {1: original, 12: b"\0\0\0\x4d"}


def test_what_is_no_entry():
    assert conntrack.end(Answer(3, 2, 5, bytes(4))) is None
    assert conntrack.end(Answer(0x100, 2, 5, b"")) is None
    assert conntrack.end(Answer(0x100, 2, 5, bytes(4) + netlink.u32(12, 77))) is None


def test_an_entry_with_a_mark_is_left_alone():
    entry = netlink.nested(1, netlink.attribute(1, V4)) + netlink.u32(12, 77) + netlink.u32(8, 0x40008001)
    assert conntrack.end(Answer(0x100, 2, 5, bytes(4) + entry)) is None
