"""Netlink's framing, and the messages that the switch is made of."""

import struct

from agent.core import netlink
from agent.core.model import BadInput
from agent.core.netlink import HOST, Message, NetlinkReply


def refused(call, *arguments):
    try:
        call(*arguments)
    except BadInput:
        return True
    return False


def error(number, seq, text=None):
    body = struct.pack(HOST + "i", -number) + struct.pack(HOST + "IHHII", 20, 0xA06, 5, seq, 0)
    if text is not None:
        body += netlink.text(1, text)
    flags = 0x100 | (netlink.ACK_TLVS if text is not None else 0)
    return struct.pack(HOST + "IHHII", 16 + len(body), netlink.ERROR, flags, seq, 77) + body


def test_an_attribute_is_padded_but_says_its_length():
    assert netlink.attribute(1, b"abc") == struct.pack(HOST + "HH", 7, 1) + b"abc\0"
    assert netlink.attribute(1, b"") == struct.pack(HOST + "HH", 4, 1)


def test_numbers_are_in_network_order():
    assert netlink.u32(2, -301)[4:] == b"\xff\xff\xfe\xd3"


def test_attributes_come_back():
    data = netlink.text(1, "table") + netlink.u32(2, 7) + netlink.nested(3, netlink.u32(1, 5))
    found = netlink.attributes(data)
    assert sorted(found) == [1, 2, 3]
    assert found[1] == b"table\0"
    assert found[2] == b"\0\0\0\7"
    assert netlink.attributes(found[3]) == {1: b"\0\0\0\5"}


def test_attributes_of_every_length_and_cut():
    for length in range(9):
        data = netlink.attribute(5, bytes(range(length)))
        assert netlink.attributes(data) == {5: bytes(range(length))}
        for end in range(4, 4 + length):
            assert refused(netlink.attributes, data[:end])


def test_a_message_comes_back():
    message = Message(0xA06, netlink.ACK, b"body")
    found = netlink.messages(netlink.encode(message, 9))
    assert found == [NetlinkReply(0xA06, netlink.ACK | netlink.REQUEST, 9, b"body")]


def test_several_messages_of_a_datagram():
    data = error(0, 1) + error(17, 2) + error(1, 3, "wrong owner")
    found = netlink.messages(data)
    assert [answer.errno for answer in found] == [0, 17, 1]
    assert [answer.seq for answer in found] == [1, 2, 3]
    assert [answer.text for answer in found] == ["", "", "wrong owner"]


def test_lengths_that_lie_are_refused():
    data = error(17, 2)
    assert refused(netlink.messages, data[:-1])
    assert refused(netlink.messages, struct.pack(HOST + "IHHII", 8, 2, 0, 0, 0))
    assert refused(netlink.messages, struct.pack(HOST + "IHHII", 0xFFFFFFFF, 2, 0, 0, 0))
    assert netlink.messages(b"short") == []
