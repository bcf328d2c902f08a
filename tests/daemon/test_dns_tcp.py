"""DNS by TCP: several questions on a connection, in pieces, and what impatient, slow and greedy clients get."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import dnslib
import pytest

from agent.daemon.dns import tcp
from agent.daemon.dns.listeners import listen
from tests.daemon.household_dns import PLAIN, PROTECTED, Resolving
from tests.daemon.resolving import HOST, texts, turn_for, turn_until
from tests.ports import free_port


class Talk:
    """A client's connection in the test's loop; `replies` are what came back, `ended` that the other side closed."""

    def __init__(self, net: Resolving, source: str = PROTECTED) -> None:
        self.net = net
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.bind((source, 0))
        self.socket.connect((HOST, net.port))
        self.socket.setblocking(False)
        self.received = b""
        self.ended = False
        self.error: OSError | None = None
        net.loop.add(self.socket, self._read)

    @property
    def replies(self) -> list[dnslib.DNSRecord]:
        found, at = [], 0
        while len(self.received) >= at + 2:
            size = int.from_bytes(self.received[at : at + 2], "big")
            if len(self.received) < at + 2 + size:
                break
            found.append(dnslib.DNSRecord.parse(self.received[at + 2 : at + 2 + size]))
            at += 2 + size
        return found

    def send(self, *names: str) -> None:
        self.socket.send(b"".join(framed(name) for name in names))

    def ask(self, name: str) -> dnslib.DNSRecord:
        had = len(self.replies)
        self.send(name)
        turn_until(self.net.loop, lambda: len(self.replies) > had)
        return self.replies[-1]

    def close(self) -> None:
        self.net.loop.remove(self.socket)
        self.socket.close()

    def _read(self) -> None:
        try:
            chunk = self.socket.recv(65536)
        except ConnectionError as error:
            self.error = error
            chunk = b""
        self.received += chunk
        if not chunk:
            self.ended = True
            self.net.loop.remove(self.socket)


def framed(name: str) -> bytes:
    message = dnslib.DNSRecord.question(name).pack()
    return len(message).to_bytes(2, "big") + message


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Resolving]:
    made = Resolving(tmp_path)
    yield made
    made.close()


@pytest.fixture
def talk(net: Resolving) -> Iterator[Talk]:
    made = Talk(net)
    yield made
    made.close()


def later(net: Resolving, seconds: float) -> None:
    """Puts the clock forward, and lets the sweep see it."""
    net.time.ahead += seconds
    turn_for(net.loop, 0.02)


def test_several_questions_one_after_the_other(talk: Talk) -> None:
    assert texts(talk.ask("fine.example")) == ["192.0.2.1"]
    assert texts(talk.ask("bad.example")) == ["0.0.0.0"]
    assert texts(talk.ask("fine.example")) == ["192.0.2.1"]
    assert talk.net.recorded() == {(1, b"fine.example"): (False, 2), (1, b"bad.example"): (True, 1)}


def test_several_questions_at_once(talk: Talk) -> None:
    names = [f"n{number}.example" for number in range(50)] + ["bad.example"]
    talk.send(*names)
    turn_until(talk.net.loop, lambda: len(talk.replies) == 51)
    assert sorted(str(reply.q.qname) for reply in talk.replies) == sorted(name + "." for name in names)


def test_an_answer_does_not_wait_for_a_slower_one(talk: Talk) -> None:
    slow, talk.net.server.answer = talk.net.server.answer, lambda query: None
    talk.send("slow.example", "bad.example")
    turn_until(talk.net.loop, lambda: len(talk.replies) == 1)
    assert str(talk.replies[0].q.qname) == "bad.example."
    talk.net.server.answer = slow
    turn_until(talk.net.loop, lambda: len(talk.replies) == 2)


def test_byte_by_byte(talk: Talk) -> None:
    for byte in framed("fine.example") + framed("bad.example"):
        talk.socket.send(bytes([byte]))
        turn_for(talk.net.loop, 0.002)
    turn_until(talk.net.loop, lambda: len(talk.replies) == 2)


HEAD = b"\x12\x34\x01\x00"
QUESTION = b"\x04fine\x07example\x00\x00\x01\x00\x01"
FRAMES = {
    "of no bytes": (b"\x00\x00", None),
    "shorter than a head": (b"\x00\x0b" + bytes(11), None),
    "longer than a question can be": (b"\x10\x01" + bytes(4097), None),
    "a request of the web": (b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", None),
    "a hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", None),
    "a head alone": (b"\x00\x0c" + HEAD + bytes(8), 1),  # FORMERR
    "a question cut short": (b"\x00\x10" + HEAD + b"\0\1" + bytes(6) + QUESTION[:4], 1),
    "a name that points at itself": (b"\x00\x12" + HEAD + b"\0\1" + bytes(6) + b"\xc0\x0c\0\1\0\1", 1),
    "two questions in one": (b"\x00\x30" + HEAD + b"\0\2" + bytes(6) + QUESTION + QUESTION, 1),
    "an update": (b"\x00\x1e" + HEAD[:2] + b"\x28\x00\0\1" + bytes(6) + QUESTION, 4),  # NOTIMP
    "as it should be": (b"\x00\x1e" + HEAD + b"\0\1" + bytes(6) + QUESTION, 0),
}


@pytest.mark.parametrize("what", FRAMES)
def test_frames_as_others_bend_them(net: Resolving, talk: Talk, what: str) -> None:
    """Answered with a code, or closed (None): what says a length that no question has. Others are served meanwhile."""
    data, code = FRAMES[what]
    other = Talk(net)
    talk.socket.send(data)
    turn_until(net.loop, lambda: talk.ended or bool(talk.received))
    assert (talk.received[5] & 15 if talk.received else None) == code
    assert texts(other.ask("fine.example")) == ["192.0.2.1"]
    other.close()


def test_half_closed_is_still_answered_then_closed(talk: Talk) -> None:
    talk.send("fine.example", "bad.example")
    talk.socket.shutdown(socket.SHUT_WR)
    turn_until(talk.net.loop, lambda: talk.ended)
    assert len(talk.replies) == 2


def test_a_long_answer_comes_whole(net: Resolving, talk: Talk) -> None:
    def many(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        reply = query.reply()
        if net.server.by_tcp == 0:
            reply.header.tc = 1
            return reply
        for number in range(250):
            reply.add_answer(dnslib.RR(query.q.qname, dnslib.QTYPE.TXT, rdata=dnslib.TXT(f"line {number}"), ttl=60))
        reply.add_answer(dnslib.RR(query.q.qname, dnslib.QTYPE.A, rdata=dnslib.A("192.0.2.1"), ttl=60))
        return reply

    net.server.answer = many
    device = net.device()
    assert device.ask("long.example").header.tc == 1
    assert len(talk.ask("long.example").rr) == 251
    assert device.ask("long.example").header.tc == 1
    assert net.server.by_tcp == 1


def test_a_short_or_endless_message_ends_the_connection(net: Resolving) -> None:
    for start in (b"\0\0", b"\0\x0b" + bytes(11), b"\xff\xff" + bytes(50)):
        talk = Talk(net)
        talk.socket.send(start)
        turn_until(net.loop, lambda talk=talk: talk.ended)
        talk.close()


def test_who_says_nothing_is_gone_after_ten_seconds(net: Resolving, talk: Talk) -> None:
    talk.ask("fine.example")
    later(net, tcp.IDLE_S - 1)
    assert not talk.ended
    later(net, 2)
    turn_until(net.loop, lambda: talk.ended)


def test_bytes_that_trickle_in_do_not_hold_the_connection(net: Resolving, talk: Talk) -> None:
    for byte in framed("a-very-long-name-that-takes-its-time.example")[:12]:
        if talk.ended:
            break
        talk.socket.send(bytes([byte]))
        later(net, 1)
    turn_until(net.loop, lambda: talk.ended, 1)
    assert talk.replies == []


def test_who_does_not_read_is_not_served_on_and_costs_little(net: Resolving) -> None:
    def huge(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        reply = query.reply()
        for number in range(70):
            reply.add_answer(dnslib.RR(query.q.qname, dnslib.QTYPE.A, rdata=dnslib.A(f"192.0.2.{number}"), ttl=60))
        return reply

    net.server.answer = huge
    greedy = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    greedy.bind((PROTECTED, 0))
    greedy.connect((HOST, net.port))
    greedy.setblocking(False)
    for _ in range(400):
        with contextlib.suppress(BlockingIOError):
            greedy.send(framed("huge.example") * 20)
        turn_for(net.loop, 0.001)
        front = next(front for front in net.dns._fronts if front.stream)
        assert isinstance(front, tcp.Tcp)
        for connection in front._connections:
            assert len(connection.out) <= tcp.OUT_MAX
            assert len(connection.received) <= tcp.QUERY_MAX + tcp.CHUNK
    later(net, tcp.IDLE_S + 2)
    assert not front._connections
    assert texts(net.device(PLAIN).ask("bad.example", "TXT")) == []
    greedy.close()


def test_connections_are_few_and_the_newest_wins(net: Resolving) -> None:
    talks = []
    for number in range(tcp.CONNECTIONS_MAX + 6):
        talks.append(Talk(net, f"127.0.1.{number + 1}"))
        turn_for(net.loop, 0.002)
        net.time.ahead += 0.01
    turn_until(net.loop, lambda: sum(talk.ended for talk in talks) == 6)
    assert [talk.ended for talk in talks[:6]] == [True] * 6
    assert texts(talks[-1].ask("fine.example")) == ["192.0.2.1"]
    for talk in talks:
        talk.close()


def test_one_address_can_not_take_them_all(net: Resolving) -> None:
    talks = []
    for _ in range(tcp.PER_ADDRESS_MAX + 3):
        talks.append(Talk(net))
        turn_for(net.loop, 0.002)
    # Those too many wait until the first have been quiet for a while.
    other = Talk(net, PLAIN)
    assert texts(other.ask("fine.example")) == ["192.0.2.1"]
    other.close()
    turn_until(net.loop, lambda: sum(talk.ended for talk in talks) == 3)
    assert texts(talks[-1].ask("fine.example")) == ["192.0.2.1"]
    for talk in talks:
        talk.close()


def test_connections_that_are_too_many_wait_and_lose_nothing(net: Resolving) -> None:
    answer, net.server.answer = net.server.answer, lambda query: None
    talks = [Talk(net) for _ in range(tcp.PER_ADDRESS_MAX + 12)]
    for number, talk in enumerate(talks):
        talk.send(f"n{number}.example")
    turn_for(net.loop, 0.1)
    net.server.answer = answer

    def ended() -> bool:
        for talk in talks:
            if talk.replies and not talk.ended:
                with contextlib.suppress(OSError):
                    talk.socket.shutdown(socket.SHUT_WR)
        return all(talk.replies for talk in talks)

    turn_until(net.loop, ended)
    for talk in talks:
        talk.close()


def test_who_opens_hundreds_does_not_keep_another_out(net: Resolving) -> None:
    net.server.answer = lambda query: None if "slow" in str(query.q.qname) else query.reply()
    talks = []
    for number in range(tcp.PER_ADDRESS_MAX + tcp.WAITING_PER_ADDRESS_MAX + 30):
        talks.append(Talk(net))
        if number < tcp.PER_ADDRESS_MAX:
            talks[-1].send("slow.example")
        turn_for(net.loop, 0.002)
    other = Talk(net, PLAIN)
    other.ask("fine.example")
    talks.append(other)
    for talk in talks:
        talk.close()


def test_a_client_that_is_gone_harms_nobody(net: Resolving) -> None:
    answer, net.server.answer = net.server.answer, lambda query: None
    for _ in range(3):
        talk = Talk(net)
        talk.send("slow.example", "other.example")
        turn_for(net.loop, 0.02)
        # A reset, not an orderly end.
        talk.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        talk.close()
    net.server.answer = answer
    turn_for(net.loop, 1.0)
    assert texts(net.device().ask("slow.example")) == ["192.0.2.1"]


def test_a_hung_up_client_does_not_make_the_loop_spin(net: Resolving, talk: Talk) -> None:
    net.server.answer = lambda query: None
    talk.send(*[f"n{number}.example" for number in range(tcp.OPEN_MAX + 5)])
    turn_for(net.loop, 0.05)
    talk.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    talk.close()
    turns = 0
    turn = net.loop._turn

    def counted() -> None:
        nonlocal turns
        turns += 1
        turn()

    net.loop._turn = counted  # type: ignore[method-assign]
    net.loop.after(0.3, net.loop.stop)
    net.loop.run()
    assert turns < 60


def test_a_toggle_ends_no_connection_and_no_question(net: Resolving, talk: Talk) -> None:
    before = net.clients[PROTECTED]
    talk.ask("fine.example")
    answer, net.server.answer = net.server.answer, lambda query: None
    talk.send("slow.example")
    turn_until(net.loop, lambda: "slow.example." in net.server.names)
    unread = Talk(net)
    unread.send("bad.example")
    net.dns.drain()
    net.toggle(2)
    net.server.answer = answer
    turn_until(net.loop, lambda: len(talk.replies) == 2 and len(unread.replies) == 1)
    assert [str(reply.q.qname) for reply in talk.replies] == ["fine.example.", "slow.example."]
    assert [str(reply.q.qname) for reply in unread.replies] == ["bad.example."]
    talk.ask("later.example")
    net.recorded()
    clients = {(name, client) for client, name, _, _ in net.records}
    after = net.clients[PROTECTED]
    names = (b"fine.example", b"slow.example", b"bad.example")
    assert clients == {(name, before) for name in names} | {(b"later.example", after)}
    unread.close()


def test_what_came_in_part_before_a_toggle_is_ended_in_order(net: Resolving, talk: Talk) -> None:
    """Both sides close: a reset would take the answer away that the client has not read yet."""
    begun = framed("begun.example")
    talk.socket.send(framed("fine.example") + begun[:9])
    turn_until(net.loop, lambda: "fine.example." in net.server.names)
    net.dns.drain()
    net.toggle(2)
    talk.socket.send(begun[9:] + framed("more.example"))
    turn_until(net.loop, lambda: talk.ended)
    assert [str(reply.q.qname) for reply in talk.replies] == ["fine.example."]
    assert talk.error is None
    assert {name for _, name in net.recorded()} == {b"fine.example"}


def test_who_says_farewell_to_nobody_is_not_waited_for(net: Resolving, talk: Talk) -> None:
    talk.socket.send(framed("fine.example")[:9])
    turn_for(net.loop, 0.05)
    net.dns.drain()
    turn_until(net.loop, lambda: talk.ended)
    net.time.ahead += tcp.FAREWELL_S
    front = next(front for front in net.dns._fronts if front.stream)
    turn_until(net.loop, lambda: not front._connections)


def test_a_mark_of_before_gets_nothing_more(net: Resolving) -> None:
    """By marks, whom nobody is known by was somebody before the toggle: asking again they have another."""
    net.port = free_port()
    listen(net.loop, net.dns, [(HOST, net.port)], 1)
    stays, goes = Talk(net), Talk(net, PLAIN)
    for each in (stays, goes):
        each.ask("fine.example")
    net.dns.drain()
    net.toggle(2)
    del net.clients[PLAIN]
    goes.send("later.example")
    turn_until(net.loop, lambda: goes.ended)
    assert goes.error is None
    assert len(goes.replies) == 1
    stays.ask("later.example")
    assert list(net.recorded()) == [(1, b"fine.example"), (2, b"fine.example"), (1, b"later.example")]
    for each in (stays, goes):
        each.close()
