"""The kernel's neighbour messages."""

import struct

from agent.core import neighbour, netlink
from agent.core.model import BadInput
from agent.core.neighbour import Neighbour
from agent.core.netlink import HOST, NetlinkReply

MAC = b"\x3c\x22\xfb\x00\x00\x0a"
V4, V6 = bytes([192, 168, 50, 10]), b"\xfd\x50" + bytes(13) + b"\x0a"


def message(type, family, state, address, mac=MAC):
    body = struct.pack(HOST + "BBHiHBB", family, 0, 0, 7, state, 0, 0) + netlink.attribute(1, address)
    return NetlinkReply(type, 0, 0, body + (netlink.attribute(2, mac) if mac is not None else b""))


def test_both_families():
    assert neighbour.read(message(28, 2, 2, V4)) == Neighbour(7, V4, MAC, True)
    assert neighbour.read(message(28, 10, 4, V6)) == Neighbour(7, V6, MAC, False)


def test_gone_failed_and_unanswered_have_no_mac():
    for found in (message(29, 2, 2, V4), message(28, 2, 0x20, V4), message(28, 2, 1, V4), message(28, 2, 2, V4, None)):
        assert neighbour.read(found) == Neighbour(7, V4, None, False)


def test_what_is_not_about_an_address_of_ours():
    assert neighbour.read(NetlinkReply(3, 0, 0, bytes(4))) is None
    assert neighbour.read(NetlinkReply(28, 0, 0, bytes(11))) is None
    assert neighbour.read(message(28, 7, 2, V4)) is None  # a bridge's forwarding entry
    assert neighbour.read(message(28, 2, 2, V6)) is None
    assert neighbour.read(message(28, 10, 2, V4)) is None
    assert neighbour.read(message(28, 2, 2, V4, bytes(8))) == Neighbour(7, V4, None, False)


def test_every_cut():
    whole = message(28, 2, 2, V4)
    padding = 2
    for end in range(len(whole.body) - padding):
        try:
            found = neighbour.read(NetlinkReply(28, 0, 0, whole.body[:end]))
        except BadInput:
            continue
        assert found is None or found.mac is None


def test_made_up_addresses():
    assert neighbour.made_up(b"\xda\xa1\x19\x00\x00\x0b")
    assert not neighbour.made_up(MAC)
    assert not neighbour.made_up(b"\xff\xff\xff\xff\xff\xff")
