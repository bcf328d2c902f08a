"""Bytes that go to the kernel, as they must be on a little-endian and on a big-endian router, written out by hand.

Netlink's headers and what a rule compares with a mark are in the host's order; netfilter's own numbers are in the
network's. `h2` and `h4` below are numbers in the host's order, everything else stands as it is sent.
"""

import struct

from agent.core import conntrack, expressions, marks, neighbour, netlink, nftables
from agent.core.netlink import Message, NetlinkReply
from agent.core.nft import inspection, nfqueue

LITTLE = netlink.HOST == "<"
MAC = bytes.fromhex("3c22fb00000a")
MARK = 0x41008007
H = bytes.fromhex


def h2(number):
    pair = [number & 255, number >> 8]
    return bytes(pair if LITTLE else [pair[1], pair[0]])


def h4(number):
    return h2(number & 0xFFFF) + h2(number >> 16) if LITTLE else h2(number >> 16) + h2(number & 0xFFFF)


def test_the_host_order_is_the_interpreters():
    import sys

    assert (sys.byteorder == "little") == LITTLE
    assert h4(0x01020304) == struct.pack("I", 0x01020304)


def test_a_message():
    sent = netlink.encode(Message(0xA02, netlink.ACK, b"body"), 7)
    assert sent == h4(20) + h2(0xA02) + h2(5) + h4(7) + h4(0) + b"body"
    assert netlink.messages(sent) == [NetlinkReply(0xA02, 5, 7, b"body")]


def test_attributes():
    assert netlink.u32(2, -301) == h2(8) + h2(2) + H("fffffed3")
    assert netlink.nested(3, netlink.text(1, "pa")) == h2(12) + h2(0x8003) + h2(7) + h2(1) + b"pa\0\0"


def test_an_error():
    body = h4(0xFFFFFFFF - 16) + h4(20) + h2(0xA06) + h2(5) + h4(9) + h4(0)
    (found,) = netlink.messages(h4(16 + len(body)) + h2(2) + h2(0x100) + h4(9) + h4(77) + body)
    assert found.errno == 17


def test_a_batch():
    sent = nftables.batch([nftables.delete_table("pa")], 3)
    assert sent[:20] == h4(20) + h2(16) + h2(1) + h4(3) + h4(0) + b"\0\0\0\x0a"
    assert sent[20:40] == h4(28) + h2(0xA02) + sent[26:28] + h4(4) + h4(0) + b"\1\0\0\0"
    assert sent[40:48] == h2(7) + h2(1) + b"pa\0\0"
    assert sent[48:] == h4(20) + h2(17) + h2(1) + h4(5) + h4(0) + b"\0\0\0\x0a"


def test_a_device_in_the_map():
    """The key as it is on the wire, its mark as the kernel keeps marks."""
    found = netlink.attributes(nftables.add_marks("pa", "steered", [(MAC, MARK)]).body[4:])
    key = h2(16) + h2(0x8001) + h2(10) + h2(1) + MAC + b"\0\0"
    value = h2(12) + h2(0x8002) + h2(8) + h2(1) + h4(MARK)
    assert found[3] == h2(4 + len(key) + len(value)) + h2(0x8001) + key + value


def test_what_a_rule_compares():
    assert expressions.host32(MARK) == h4(MARK)
    assert expressions.host16(1) == h2(1)
    assert expressions.port(5391) == H("150f")
    assert H("0000002c") in expressions.at_most(44)
    turned = expressions.mark_bits(b"", b"", 0xC000C000, 0x40008000)
    assert h2(8) + h2(1) + h4(0x3FFF3FFF) in turned and h2(8) + h2(1) + h4(0x40008000) in turned


def test_a_verdict_on_a_packet():
    sent = nfqueue.Accepting(5).verdict(77, MARK)
    head = h4(40) + h2(0x301) + h2(1) + h4(0) + h4(0) + b"\0\0\0\5"
    assert sent == head + h2(12) + h2(2) + H("000000040000004d") + h2(8) + h2(3) + H("41008007")


def test_a_packet_of_a_queue():
    attributes = h2(11) + h2(1) + H("0000004d08000100") + h2(8) + h2(3) + H("41008007")
    attributes += h2(16) + h2(9) + H("00060000") + MAC + b"\0\0" + h2(7) + h2(10) + b"abc\0"
    (found,) = nfqueue.packets(h4(20 + len(attributes)) + h2(0x300) + h2(0) + h4(0) + h4(0) + b"\2\0\0\5" + attributes)
    assert tuple(found) == (77, MARK, MAC, b"abc")


def test_flows_are_ended_by_their_mark():
    assert conntrack.flush(MARK, 0xC000C000).body[4:] == h2(8) + h2(8) + H("41008007") + h2(8) + h2(21) + H("c000c000")


def test_flows_are_asked_for_by_their_port():
    body = conntrack.flows_to(4, 53, conntrack.UDP).body
    assert h2(6) + h2(3) + H("0035") in body
    assert body[-16:] == h2(8) + h2(1) + h4(0x28) + h2(8) + h2(2) + bytes(4)


def test_a_neighbour():
    body = H("02000000") + h4(7) + h2(2) + H("0001") + h2(8) + h2(1) + H("c0a8320a") + h2(10) + h2(2) + MAC + b"\0\0"
    assert neighbour.read(NetlinkReply(28, 0, 0, body)) == neighbour.Neighbour(7, H("c0a8320a"), MAC, True)


def test_marks_that_come_back_in_a_packet():
    assert inspection.sender(h4(MARK) + inspection.MAGIC) == MARK
    assert marks.of_syn(h4(MARK) + marks.SYN_MAGIC + bytes(8)) == MARK
