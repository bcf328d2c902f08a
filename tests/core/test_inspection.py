"""The rules about connections, and the messages of queue and log."""

import struct

from agent.core import marks, netlink
from agent.core.conntrack import flush
from agent.core.netlink import HOST
from agent.core.nft import inspection, nfqueue
from agent.core.nft.dns_redirect import DnsRedirect
from agent.core.nft.inspection import (
    ANSWERED,
    DONE,
    FRESH,
    LOGGED,
    MAGIC,
    QUEUED,
    REFUSED,
    SEEN_1,
    SEEN_2,
    BypassRules,
    Inspection,
)
from agent.core.nft.nfqueue import Accepting, packets

TABLET = b"\x3c\x22\xfb\x00\x00\x0a"
PHONE = b"\xda\xa1\x19\x00\x00\x0b"
ADD = 0xA0C


def steering(judged: "Inspection | None") -> DnsRedirect:
    return DnsRedirect(["br-lan"], 5391, judging=judged)


def filled(work):
    """Map → number of elements added."""
    names = {}
    for message in work:
        if message.type == ADD:
            found = netlink.attributes(message.body[4:])
            name = found[2].rstrip(b"\0").decode()
            names[name] = names.get(name, 0) + 1
    return names


def test_what_a_connection_comes_to_is_never_the_signature_of_redirected_dns():
    states = [marks.DEFAULT.state(number) for number in (FRESH, SEEN_1, SEEN_2, DONE, REFUSED, ANSWERED)]
    assert len(set(states)) == len(states)
    for state in states:
        assert state & ~marks.DEFAULT.tag_mask == 0
        assert state != marks.TAG, "ending redirected flows would end connections"
        assert marks.unpack(state | 1) is None
    assert flush(marks.TAG, marks.DEFAULT.tag_mask) == steering(Inspection(1)).flush()


def test_whose_packet_it_is():
    mark = marks.pack(7, 3)
    assert inspection.sender(struct.pack(HOST + "I", mark) + MAGIC) == mark
    assert inspection.sender(TABLET) is None
    assert inspection.sender(b"") is None


def test_protected_devices_are_queued_and_the_others_logged():
    wanted = {TABLET: marks.pack(1, 1), PHONE: marks.pack(2, 1)}
    both = steering(Inspection(1))
    assert filled(both.arm(wanted, frozenset([TABLET])))[QUEUED] == 1
    assert filled(both.arm(wanted, frozenset([TABLET])))[LOGGED] == 1
    moved = both.change(wanted, wanted, frozenset([TABLET]), frozenset([TABLET, PHONE]))
    assert filled(moved) == {QUEUED: 1}
    assert len(moved) == 2
    assert both.change(wanted, wanted, frozenset([TABLET]), frozenset([TABLET])) == []


def test_without_judging_nothing_of_it_stands():
    wanted = {TABLET: marks.pack(1, 1)}
    plain = steering(None)
    assert filled(plain.arm(wanted, frozenset([TABLET]))) == {"lan": 1, "open": 1, "steered": 1}
    assert plain.change(wanted, wanted, frozenset(), frozenset([TABLET])) == []


def test_ways_around_are_refused_only_when_said():
    chains = [
        len([chain for chain, _ in Inspection(1, around=around).rules(marks.DEFAULT) if chain == "forward"])
        for around in (BypassRules(), BypassRules(quic=True), BypassRules(encrypted_dns=True), BypassRules(True, True))
    ]
    assert chains == [7, 10, 13, 16]
    work = Inspection(1, around=BypassRules(True, True, ("192.0.2.1", "2001:db8::1"))).stand("t", 3, marks.DEFAULT)
    assert filled(work) == {"web": 1, "resolvers4": 1, "resolvers6": 1}


def test_a_verdict():
    queue = Accepting(9)
    plain, marked = queue.verdict(77), queue.verdict(77, 0x80004001)
    assert len(netlink.messages(plain + marked)) == 2
    for message, mark in ((plain, None), (marked, 0x80004001)):
        (sent,) = netlink.messages(message)
        assert (sent.type, sent.body[:4]) == (0x301, b"\0\0\0\x09")
        found = netlink.attributes(sent.body[4:])
        assert struct.unpack(">II", found[2]) == (1 if mark is None else 4, 77)
        assert found.get(3) == (None if mark is None else struct.pack(">I", mark))


def from_queue(id: int, mark: int, source: bytes, payload: bytes) -> bytes:
    body = b"\x02\0\0\x09" + netlink.attribute(1, struct.pack(">IHBx", id, 0x800, 2)) + netlink.u32(3, mark)
    body += netlink.attribute(9, struct.pack(">HH", 6, 0) + source + b"\0\0") + netlink.attribute(10, payload)
    return struct.pack(HOST + "IHHII", 16 + len(body), 0x300, 0, 0, 0) + body + bytes(-len(body) % 4)


def test_packets_of_a_queue():
    one, two = from_queue(1, 5, TABLET, b"abc"), from_queue(2, 0, PHONE, b"defg")
    assert packets(one + two) == [(1, 5, TABLET, b"abc"), (2, 0, PHONE, b"defg")]
    for end in range(len(one + two)):
        assert packets((one + two)[:end]) == ([(1, 5, TABLET, b"abc")] if end >= len(one) else [])
    assert packets(b"\xff" * 200) == []
    assert packets(bytes(200)) == []


def test_bindings():
    assert [message.type for message in nfqueue.bind_queue(9, 4096, 256)] == [0x302] * 3
    assert [message.type for message in nfqueue.bind_log(9, 4096, 16, 10)] == [0x401] * 3
    flags = netlink.attributes(nfqueue.bind_queue(9, 4096, 256)[2].body[4:])
    assert (flags[4], flags[5]) == (b"\0\0\0\x05", b"\0\0\0\x05")
