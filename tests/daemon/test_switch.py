"""The switch against a kernel that says no: nothing is half done, and what is said fits."""

import errno
import struct
from socket import AF_INET, AF_INET6

import pytest

from agent.core import netlink
from agent.core.netlink import HOST, NetlinkReply
from agent.core.nft.inspection import Inspection
from agent.daemon.kernel.netfilter import NetfilterError
from agent.daemon.kernel.switch import ARMED, IDLE, REFUSED, Switch

TABLET, PHONE = b"\x3c\x22\xfb\x00\x00\x0a", b"\xda\xa1\x19\x00\x00\x0b"
NEW_TABLE, GET_TABLE, DELETE_TABLE, ADD, DELETE = 0xA00, 0xA01, 0xA02, 0xA0C, 0xA0E
STATISTICS = 0x105


class Kernel:
    """The other end of the netlink socket: notes what comes, acknowledges it, or answers with an error."""

    def __init__(self) -> None:
        self.received: list[list[NetlinkReply]] = []
        self.errors: dict[int, list[int]] = {}  # message type → error numbers, one a sending
        self.silent = False
        self.waiting: list[bytes] = []

    def send(self, datagram: bytes) -> int:
        messages = netlink.messages(datagram)
        self.received.append(messages)
        # A refused batch has an answer for each bad message, and the last one is acknowledged all the same.
        for message in messages:
            number = (self.errors.get(message.type) or [0]).pop(0)
            if not self.silent and (number or message.flags & netlink.ACK):
                self.waiting.append(answered(number, message.seq))
            elif message.flags & netlink.DUMP == netlink.DUMP:
                self.waiting.append(netlink.encode(netlink.Message(netlink.DONE, 0, bytes(4)), message.seq))
            elif message.type == GET_TABLE:
                self.waiting.append(netlink.encode(netlink.Message(NEW_TABLE, 0, b""), message.seq))
        return len(datagram)

    def recv(self, size: int) -> bytes:
        if not self.waiting:
            raise BlockingIOError
        return self.waiting.pop(0)

    def kinds(self) -> list[list[int]]:
        """The types of each sending's messages about tables and elements, where there are any."""
        known = (NEW_TABLE, DELETE_TABLE, ADD, DELETE)
        found = [[message.type for message in sent if message.type in known] for sent in self.received]
        return [kinds for kinds in found if kinds]


def answered(number: int, seq: int) -> bytes:
    body = struct.pack(HOST + "i", -number) + struct.pack(HOST + "IHHII", 20, 0, 0, seq, 0)
    return struct.pack(HOST + "IHHII", 16 + len(body), netlink.ERROR, 0, seq, 0) + body


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
def switch(kernel: Kernel) -> Switch:
    return Switch(kernel, ["br-lan"], 5391)  # type: ignore[arg-type]


def test_the_first_device_brings_the_table_and_later_ones_only_themselves(switch: Switch, kernel: Kernel) -> None:
    switch.apply({TABLET: 5})
    switch.apply({TABLET: 5, PHONE: 6})
    switch.apply({TABLET: 7, PHONE: 6})
    assert kernel.kinds() == [[NEW_TABLE, ADD, ADD, ADD], [ADD], [DELETE, ADD]]
    assert (switch.state, switch.standing) == (ARMED, {TABLET: 7, PHONE: 6})


def test_what_stands_already_is_not_sent(switch: Switch, kernel: Kernel) -> None:
    switch.apply({})
    assert kernel.received == []
    switch.apply({TABLET: 5})
    sent = len(kernel.received)
    switch.apply({TABLET: 5})
    assert len(kernel.received) == sent


def test_a_refusal_changes_nothing_and_says_why(switch: Switch, kernel: Kernel) -> None:
    switch.apply({TABLET: 5})
    kernel.errors = {ADD: [errno.ENOMEM]}
    with pytest.raises(NetfilterError, match="short of memory"):
        switch.apply({TABLET: 5, PHONE: 6})
    assert switch.standing == {TABLET: 5}
    assert switch.state == REFUSED
    assert switch.message == "Your devices are not protected: the kernel is short of memory."
    switch.apply({TABLET: 5, PHONE: 6})
    assert switch.state == ARMED


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EPERM, "CAP_NET_ADMIN"),
        (errno.EOPNOTSUPP, "Linux 5.12"),
        (errno.EINVAL, "Linux 5.19"),
        (errno.ENOENT, "kmod-nft-core"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_every_refusal_is_a_sentence(switch: Switch, kernel: Kernel, number: int, words: str) -> None:
    kernel.errors = {NEW_TABLE: [number]}
    with pytest.raises(NetfilterError, match=words):
        switch.apply({TABLET: 5})
    assert switch.standing == {}


def test_a_table_that_was_lost_is_put_up_as_a_whole(switch: Switch, kernel: Kernel) -> None:
    switch.apply({TABLET: 5})
    kernel.errors = {ADD: [errno.ENOENT]}
    switch.apply({TABLET: 5, PHONE: 6})
    assert kernel.kinds()[-2:] == [[ADD], [NEW_TABLE, ADD, ADD, ADD]]
    assert switch.standing == {TABLET: 5, PHONE: 6}


def test_a_table_from_before_is_replaced_in_one_batch(switch: Switch, kernel: Kernel) -> None:
    kernel.errors = {NEW_TABLE: [errno.EEXIST]}
    switch.apply({TABLET: 5})
    assert kernel.kinds() == [[NEW_TABLE, ADD, ADD, ADD], [DELETE_TABLE, NEW_TABLE, ADD, ADD, ADD]]
    assert switch.state == ARMED


def test_a_kernel_that_does_not_answer_is_a_refusal(switch: Switch, kernel: Kernel) -> None:
    kernel.silent = True
    with pytest.raises(NetfilterError, match="did not answer"):
        switch.apply({TABLET: 5})
    assert switch.state == REFUSED


def test_answers_to_an_earlier_sending_are_not_taken_for_ours(switch: Switch, kernel: Kernel) -> None:
    kernel.waiting = [answered(errno.EPERM, 3), answered(0, 2)]
    switch.apply({TABLET: 5})
    kernel.waiting = [answered(errno.EPERM, 1)]
    switch.apply({TABLET: 6})
    assert switch.standing == {TABLET: 6}


def test_the_empty_table_goes_at_the_second_look(switch: Switch, kernel: Kernel) -> None:
    switch.apply({TABLET: 5})
    switch.apply({})
    assert (switch.state, kernel.kinds()[-1]) == (IDLE, [DELETE])
    assert switch.verify() and DELETE_TABLE not in kernel.kinds()[-1]
    assert switch.verify() and kernel.kinds()[-1] == [DELETE_TABLE]
    sent = len(kernel.received)
    assert switch.verify() and len(kernel.received) == sent
    switch.apply({TABLET: 6})
    assert kernel.kinds()[-1] == [NEW_TABLE, ADD, ADD, ADD]


def test_a_look_that_finds_no_table(switch: Switch, kernel: Kernel) -> None:
    switch.apply({TABLET: 5})
    kernel.errors = {GET_TABLE: [errno.ENOENT]}
    assert not switch.verify()
    assert (switch.state, switch.standing) == (REFUSED, {})
    switch.apply({TABLET: 5})
    assert kernel.kinds()[-1] == [NEW_TABLE, ADD, ADD, ADD]


def test_closing_removes_the_table_at_once(switch: Switch, kernel: Kernel) -> None:
    switch.apply({TABLET: 5})
    switch.close()
    assert kernel.kinds()[-2:] == [[DELETE], [DELETE_TABLE]]
    assert kernel.received[-1][0].type == 0x102


def test_without_a_way_to_end_flows_nothing_is_redirected(switch: Switch, kernel: Kernel) -> None:
    kernel.errors = {STATISTICS: [errno.EINVAL]}
    with pytest.raises(NetfilterError, match="install kmod-nf-conntrack-netlink"):
        switch.apply({TABLET: 5})
    assert (switch.state, switch.standing, kernel.kinds()) == (REFUSED, {}, [])
    switch.apply({TABLET: 5})
    assert switch.state == ARMED


def test_a_way_for_connections_that_comes_later_is_taken(switch: Switch, kernel: Kernel) -> None:
    """Meanwhile the table stands as it is, however often that is tried."""
    ways = [Inspection(1), Inspection(1, by_target=True)]
    missing = [errno.ENOENT, errno.ENOENT]
    kernel.errors = {NEW_TABLE: [*missing]}
    switch.judge(ways)
    switch.apply({TABLET: 5})
    assert (switch.judging, switch.state) == (None, ARMED)
    kernel.received.clear()
    kernel.errors = {NEW_TABLE: [*missing]}
    switch.judge(ways)
    assert (switch.judging, switch.state, len(kernel.received)) == (None, ARMED, 2)
    switch.judge(ways)
    assert (switch.judging, switch.standing) == (ways[0], {TABLET: 5})


def test_old_flows_are_looked_for_once_a_family_and_where_there_can_be_any(switch: Switch, kernel: Kernel) -> None:
    switch.release(["192.168.50.10", "192.168.50.11", "fe80::1"])
    assert [message.body[0] for sent in kernel.received for message in sent] == [AF_INET]
    kernel.received.clear()
    switch.release(["192.168.50.10", "fd50::1", "fd50::2"])
    assert [message.body[0] for sent in kernel.received for message in sent] == [AF_INET, AF_INET6]
    kernel.received.clear()
    switch.release(["fe80::1"])
    assert kernel.received == []


def test_a_system_without_netlink_refuses() -> None:
    switch = Switch(None, ["br-lan"], 5391)
    switch.apply({})
    with pytest.raises(NetfilterError, match="no netlink"):
        switch.apply({TABLET: 5})
