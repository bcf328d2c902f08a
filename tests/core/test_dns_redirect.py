"""The switch's decisions: which messages lead from what stands to what is wanted."""

import struct

from agent.core import marks, netlink, nftables
from agent.core.netlink import HOST
from agent.core.nft.dns_redirect import DnsRedirect
from agent.core.nft.teardown import farewell

TABLET = b"\x3c\x22\xfb\x00\x00\x0a"
PHONE = b"\xda\xa1\x19\x00\x00\x0b"
STEERING = DnsRedirect(["br-lan", "br-guest"], 5391)
ADD, DELETE = 0xA0C, 0xA0E


def kinds(work):
    return [message.type for message in work]


def elements(message):
    """(key, mark or None) of a message about map elements; one element is all these tests use."""
    found = netlink.attributes(netlink.attributes(message.body[4:])[3])
    assert sorted(found) == [1]
    element = netlink.attributes(found[1])
    key = netlink.attributes(element[1])[1]
    if 2 not in element:
        return key, None
    return key, struct.unpack(HOST + "I", netlink.attributes(element[2])[1])[0]


def test_nothing_to_do():
    assert STEERING.change({}, {}) == []
    assert STEERING.change({TABLET: 5}, {TABLET: 5}) == []


def test_a_device_comes():
    work = STEERING.change({TABLET: 5}, {TABLET: 5, PHONE: 6})
    assert kinds(work) == [ADD]
    assert elements(work[0]) == (PHONE, 6)


def test_a_device_goes():
    work = STEERING.change({TABLET: 5, PHONE: 6}, {TABLET: 5})
    assert kinds(work) == [DELETE]
    assert elements(work[0]) == (PHONE, None)


def test_a_new_generation_replaces_the_old_one():
    old, new = marks.pack(1, 1), marks.pack(1, 2)
    work = STEERING.change({TABLET: old}, {TABLET: new})
    assert kinds(work) == [DELETE, ADD]
    assert elements(work[0]) == (TABLET, None)
    assert elements(work[1]) == (TABLET, new)


def test_the_whole_table_ends_with_its_devices():
    work = STEERING.arm({TABLET: marks.pack(1, 1)})
    assert work[0] == nftables.new_table("privacy_agent")
    assert elements(work[-1]) == (TABLET, marks.pack(1, 1))
    assert len([message for message in work if message.type == 0xA06]) == len(STEERING.rules())


def test_the_interfaces_are_named_once():
    work = DnsRedirect(["br-lan", "br-lan"], 5391).arm({})
    keys = [message for message in work if message.type == ADD]
    assert elements(keys[0]) == (b"br-lan" + bytes(10), None)


def test_a_batch_numbers_its_messages_and_asks_for_one_acknowledgement():
    sent = netlink.messages(nftables.batch(STEERING.disarm() + STEERING.disarm(), 40))
    assert [message.seq for message in sent] == [40, 41, 42, 43]
    assert [message.type for message in sent] == [16, 0xA02, 0xA02, 17]
    assert [message.flags & netlink.ACK for message in sent] == [0, 0, netlink.ACK, 0]


def test_the_farewell_deletes_the_table_and_flushes_what_is_tagged():
    table, flows = farewell()
    assert [message.type for message in netlink.messages(table)] == [16, 0xA02, 17]
    flush = netlink.messages(flows)[0]
    assert flush.type == 0x102
    found = netlink.attributes(flush.body[4:])
    assert struct.unpack(">I", found[8])[0] == marks.TAG
    assert struct.unpack(">I", found[21])[0] == marks.DEFAULT.tag_mask


def test_one_device_is_flushed_by_its_whole_mark():
    mark = marks.pack(200, 33)
    found = netlink.attributes(STEERING.flush_device(mark).body[4:])
    assert struct.unpack(">II", found[8] + found[21]) == (mark, marks.DEFAULT.mask)
