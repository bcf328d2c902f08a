"""Upstream against real servers on the loopback: what is sent, what is believed, and what happens in silence."""

import socket
from collections.abc import Iterator
from pathlib import Path

import dnslib
import pytest

from agent.core.dns import EDE_NETWORK_ERROR, EDE_NO_REACHABLE_AUTHORITY, forwarded, peek
from agent.daemon.dns import servers
from agent.daemon.dns import upstream as upstream_module
from agent.daemon.dns.servers import DOWN, UNKNOWN, UP, UpstreamServers
from agent.daemon.dns.upstream import CHANNEL_USES, LOCAL_MAX, PACKETS_MAX, QUERIES_MAX, STREAMS_MAX, Upstream
from agent.daemon.dns.upstream_sockets import UpstreamQuery, mixed_case
from agent.daemon.loop import Loop
from tests.daemon.resolving import HOST, Answerer, Server, addresses, rcode, texts, turn_for, turn_until
from tests.ports import free_port


class Asked(UpstreamQuery):
    """A query that keeps what became of it."""

    def __init__(self, loop: Loop, name: str, qtype: str = "A", edns: bool = False) -> None:
        record = dnslib.DNSRecord.question(name, qtype)
        if edns:
            record.add_ar(dnslib.EDNS0(udp_len=1232))
        packed = record.pack()
        question = peek(packed)
        UpstreamQuery.__init__(self, forwarded(packed, question, 0), question.end)
        self.loop = loop
        self.started = loop.clock()
        self.times = 0
        self.response: bytes | None = None
        self.lates: list[bytes] = []
        self.ede = -1
        self.took = 0.0

    def done(self, response: bytes | None, ede: int) -> None:
        self.times += 1
        self.response, self.ede = response, ede
        self.took = self.loop.clock() - self.started

    def late(self, response: bytes) -> None:
        self.lates.append(response)

    @property
    def reply(self) -> dnslib.DNSRecord:
        assert self.response is not None
        return dnslib.DNSRecord.parse(self.response)


class Net:
    """A loop, an upstream, and servers."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.servers: list[Server] = []
        self.upstream: Upstream

    def serve(self, *answers: object, path: str = "") -> Upstream:
        self.servers = [Server(self.loop, answer) for answer in answers]  # type: ignore[arg-type]
        return self.use([(server.host, server.port) for server in self.servers], path)

    def use(self, endpoints: list[tuple[str, int]], path: str = "") -> Upstream:
        self.upstream = Upstream(self.loop, UpstreamServers(endpoints, path, []))
        return self.upstream

    def ask(self, name: str, qtype: str = "A", seconds: float = 10.0, edns: bool = False) -> Asked:
        query = Asked(self.loop, name, qtype, edns)
        self.upstream.query(query)
        turn_until(self.loop, lambda: query.times > 0, seconds)
        return query

    def close(self) -> None:
        self.upstream.close()
        for server in self.servers:
            server.close()


@pytest.fixture
def net() -> Iterator[Net]:
    made = Net()
    yield made
    made.close()


def silent(query: dnslib.DNSRecord) -> None:
    return None


def failing(code: int) -> Answerer:
    def answer(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        reply = query.reply()
        reply.header.rcode = code
        return reply

    return answer


# answers


def test_an_answer_comes_back(net: Net) -> None:
    net.serve(addresses("192.0.2.1"))
    assert texts(net.ask("www.example.com").reply) == ["192.0.2.1"]


def test_ids_and_ports_are_not_to_be_guessed(net: Net) -> None:
    net.serve(addresses("192.0.2.1"))
    for number in range(400):
        net.ask(f"n{number}.example")
    ids = [query.header.id for query in net.servers[0].seen]
    ports = [port for _, port in net.servers[0].sources]
    # 400 draws of 65,536 collide a few times; a counter would have no spread, a poor generator few values.
    assert len(set(ids)) > 380
    assert max(ids) > 60000
    assert min(ids) < 5000
    assert len({later - earlier for earlier, later in zip(ids, ids[1:], strict=False)}) > 350
    # No port is used for more than its share, and a query's port does not tell the next one's.
    assert all(ports.count(port) <= CHANNEL_USES for port in ports)
    assert len(set(ports)) >= 400 // CHANNEL_USES
    changes = sum(earlier != later for earlier, later in zip(ports, ports[1:], strict=False))
    assert changes > 200


def test_only_the_right_answer_is_believed(net: Net) -> None:
    """Another id, another question, another type, a query, a fragment: all passed over until the true one comes."""
    wrong = "192.0.2.66"

    def answer(query: dnslib.DNSRecord) -> bytes:
        server = net.servers[0]
        source = server.sources[-1]
        lies = [addresses(wrong)(query) for _ in range(4)]
        assert all(isinstance(lie, dnslib.DNSRecord) for lie in lies)
        packed = [bytearray(lie.pack()) for lie in lies]
        packed[0][0] ^= 0x55
        packed[1][13] ^= 1
        packed[2][2] &= 0x7F
        packed[3][5] = 2
        other_type = addresses(wrong)(dnslib.DNSRecord.question("www.example.com", "AAAA"))
        other_type.header.id = query.header.id
        for lie in [*packed, other_type.pack(), b"", b"\0", query.pack()[:11]]:
            server.say(bytes(lie), source)
        return addresses("192.0.2.1")(query).pack()

    net.serve(answer)
    assert texts(net.ask("www.example.com").reply) == ["192.0.2.1"]


def test_an_answer_from_elsewhere_is_not_believed(net: Net) -> None:
    elsewhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    elsewhere.bind(("127.0.0.9", 0))

    def answer(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        elsewhere.sendto(addresses("192.0.2.66")(query).pack(), net.servers[0].sources[-1])
        return addresses("192.0.2.1")(query)

    net.serve(answer)
    assert texts(net.ask("www.example.com").reply) == ["192.0.2.1"]
    elsewhere.close()


def test_a_second_answer_changes_nothing(net: Net) -> None:
    def answer(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        reply = addresses("192.0.2.1")(query)
        net.servers[0].say(reply.pack(), net.servers[0].sources[-1])
        return reply

    net.serve(answer)
    query = net.ask("www.example.com")
    turn_for(net.loop, 0.05)
    assert query.times == 1


def test_case_that_the_server_changed_is_fine(net: Net) -> None:
    def answer(query: dnslib.DNSRecord) -> bytes:
        return addresses("192.0.2.1")(query).pack().replace(b"\3www", b"\3WWW")

    net.serve(answer)
    assert net.ask("www.example.com").response is not None


def test_an_answer_with_other_letters_is_not_taken_for_ours(net: Net) -> None:
    """Whoever forges one does not know the letters; the server's own, which comes after it, is taken."""

    def answer(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        forged = addresses("203.0.113.66")(query).pack().replace(b"wWw", b"www")
        net.servers[0].say(forged, net.servers[0].sources[-1])
        return addresses("192.0.2.1")(query)

    net.serve(answer)
    for _ in range(3):
        query = net.ask("wWw.example.com")
        assert texts(query.reply) == ["192.0.2.1"]
    turn_for(net.loop, 0.05)
    assert query.times == 1


def test_a_server_that_changes_letters_is_asked_twice_once(net: Net) -> None:
    net.serve(lambda query: addresses("192.0.2.1")(query).pack().replace(b"\3wWw", b"\3www"))
    for asked in (2, 3, 4):
        assert net.ask("wWw.example.com", seconds=2.0).response is not None
        assert len(net.servers[0].seen) == asked


def elsewhere(net: Net, answer: Answerer) -> None:
    """The server counts as one that is not on the router: only such an answer can be forged from outside."""
    net.serve(answer)
    for server in net.upstream._servers.list:
        assert not server.mixes
        server.mixes = True


def names(net: Net) -> list[str]:
    return [str(query.q.qname) for query in net.servers[0].seen]


def test_letters_are_random_for_servers_elsewhere(net: Net) -> None:
    elsewhere(net, addresses("192.0.2.1"))
    for _ in range(8):
        assert texts(net.ask("some-1.long.name.example").reply) == ["192.0.2.1"]
    assert {name.lower() for name in names(net)} == {"some-1.long.name.example."}
    assert len(set(names(net))) == 8, "20 letters: two are alike once in 40,000 runs"
    assert UpstreamServers([("192.0.2.53", 53)], "", []).list[0].mixes


def test_one_who_does_not_know_the_letters_is_not_believed(net: Net) -> None:
    def answer(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        forged = addresses("203.0.113.66")(query).pack().replace(query.q.qname.label[0], b"www-in-small-letters")
        net.servers[0].say(forged, net.servers[0].sources[-1])
        return addresses("192.0.2.1")(query)

    elsewhere(net, answer)
    assert texts(net.ask("www-in-small-letters.example").reply) == ["192.0.2.1"]


def test_a_server_that_answers_in_small_letters_loses_nothing(net: Net) -> None:
    def answer(query: dnslib.DNSRecord) -> bytes:
        packed = addresses("192.0.2.1")(query).pack()
        return packed[:12] + packed[12:].lower()

    elsewhere(net, answer)
    for asked in (2, 3, 4):
        assert texts(net.ask("www.some-long-name.example", seconds=2.0).reply)
        assert len(net.servers[0].seen) == asked
    assert names(net)[2:] == ["www.some-long-name.example."] * 2


def test_a_server_that_drops_capital_letters_loses_nothing(net: Net) -> None:
    def answer(query: dnslib.DNSRecord) -> "dnslib.DNSRecord | None":
        name = str(query.q.qname)
        return addresses("192.0.2.1")(query) if name == name.lower() else None

    elsewhere(net, answer)
    assert texts(net.ask("www.some-long-name.example").reply) == ["192.0.2.1"]
    assert len(net.servers[0].seen) == 2


def test_letters_by_noise() -> None:
    query = b"\0\7\1\0\0\1\0\0\0\0\0\0" + b"\3wWw\5a-1_z\2ab\0" + b"\0\x41\0\x61"
    end = len(query)
    all_of = query[:2] + mixed_case(query, end, b"\xff" * 20)
    assert all_of == query[:12] + b"\3WwW\5A-1_Z\2AB\0" + b"\0\x41\0\x61", "type and class stay"
    assert mixed_case(query, end, b"\xdf" * 20) == query[2:]
    assert mixed_case(query + b"opt", end, b"\x20\x20\0" + bytes(17))[11:14] == b"WWw"
    assert mixed_case(bytes(12) + b"\0\0\1\0\1", 17, b"\xff") == bytes(10) + b"\0\0\1\0\1", "the root"


# TCP


def long_answer(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
    reply = query.reply()
    for number in range(200):
        reply.add_answer(dnslib.RR(query.q.qname, dnslib.QTYPE.A, rdata=dnslib.A(f"192.0.2.{number}"), ttl=60))
    return reply


def truncating(net: Net, by_tcp: Answerer) -> Answerer:
    """By UDP a truncated answer, by TCP what is given."""

    def answer(query: dnslib.DNSRecord) -> "bytes | dnslib.DNSRecord | None":
        if net.servers[0].by_tcp:
            return by_tcp(query)
        reply = query.reply()
        reply.header.tc = 1
        return reply

    return answer


def test_a_truncated_answer_is_fetched_by_tcp(net: Net) -> None:
    net.serve(truncating(net, long_answer))
    query = net.ask("long.example")
    assert len(query.reply.rr) == 200
    assert net.servers[0].by_tcp == 1


def test_without_tcp_the_client_gets_what_was_cut(net: Net) -> None:
    net.serve(truncating(net, silent))
    query = net.ask("long.example")
    assert query.reply.header.tc and not query.reply.rr
    assert query.took < 3.5


def test_where_tcp_is_refused_that_comes_at_once(net: Net) -> None:
    net.serve(truncating(net, silent))
    stream = net.servers[0]._stream
    net.loop.remove(stream)
    stream.close()
    query = net.ask("long.example")
    assert query.reply.header.tc
    assert query.took < 0.5
    net.servers[0]._stream = socket.socket()


def test_tcp_answers_in_pieces_and_wrong_ones(net: Net) -> None:
    """Byte by byte is fine; an answer to another question is none."""
    listening = socket.create_server((HOST, 0))
    port = listening.getsockname()[1]
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind((HOST, port))
    datagrams.setblocking(False)
    net.use([(HOST, port)])

    def truncated() -> None:
        message, source = datagrams.recvfrom(4096)
        reply = dnslib.DNSRecord.parse(message).reply()
        reply.header.tc = 1
        datagrams.sendto(reply.pack(), source)

    net.loop.add(datagrams, truncated)
    for change, good in ((0, True), (1, False)):
        query = Asked(net.loop, "long.example")
        net.upstream.query(query)
        turn_for(net.loop, 0.05)
        accepted, _ = listening.accept()
        message = accepted.recv(4096)[2:]
        turned = bytearray(long_answer(dnslib.DNSRecord.parse(message)).pack())
        turned[0] ^= change
        framed = len(turned).to_bytes(2, "big") + turned
        for place in range(0, len(framed), 100):
            accepted.sendall(framed[place : place + 100])
            turn_for(net.loop, 0.002)
        turn_until(net.loop, lambda query=query: query.times > 0)
        assert bool(query.reply.rr) is good
        accepted.close()
    net.loop.remove(datagrams)
    datagrams.close()
    listening.close()


def test_only_so_many_streams_at_a_time(net: Net) -> None:
    net.serve(truncating(net, silent))
    net.servers[0]._read_stream = lambda accepted: net.loop.remove(accepted)  # type: ignore[method-assign]
    queries = [Asked(net.loop, f"n{number}.example") for number in range(STREAMS_MAX + 4)]
    for query in queries:
        net.upstream.query(query)
    turn_until(net.loop, lambda: sum(query.times for query in queries) >= 4)
    turn_for(net.loop, 0.1)
    assert sum(query.times for query in queries) == 4
    assert all(query.reply.header.tc for query in queries if query.times)


# second chances


def test_without_edns_for_servers_that_refuse_it(net: Net) -> None:
    def answer(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        return failing(dnslib.RCODE.FORMERR)(query) if query.ar else addresses("192.0.2.1")(query)

    net.serve(answer)
    query = net.ask("www.example.com", edns=True)
    assert texts(query.reply) == ["192.0.2.1"]
    assert [len(seen.ar) for seen in net.servers[0].seen] == [1, 0]


def test_a_server_that_fails_is_not_the_last_word(net: Net) -> None:
    net.serve(failing(dnslib.RCODE.SERVFAIL), addresses("192.0.2.1"))
    assert texts(net.ask("www.example.com").reply) == ["192.0.2.1"]


def test_when_all_fail_the_failure_is_told(net: Net) -> None:
    net.serve(failing(dnslib.RCODE.REFUSED), failing(dnslib.RCODE.SERVFAIL))
    assert rcode(net.ask("www.example.com").reply) == "SERVFAIL"
    assert sum(len(server.seen) for server in net.servers) == 2


def test_one_server_alone_that_fails_is_asked_once(net: Net) -> None:
    net.serve(failing(dnslib.RCODE.SERVFAIL))
    assert rcode(net.ask("www.example.com").reply) == "SERVFAIL"
    assert len(net.servers[0].seen) == 1


# silence


def test_a_lost_packet_is_sent_again(net: Net) -> None:
    net.serve(lambda query: addresses("192.0.2.1")(query) if len(net.servers[0].names) > 1 else None)
    query = net.ask("www.example.com")
    assert query.response is not None
    assert query.took < 1.2


def test_the_next_server_is_asked_when_one_is_silent(net: Net) -> None:
    net.serve(silent, addresses("192.0.2.1"))
    first = net.ask("one.example")
    assert first.response is not None
    assert first.took < 1.2
    # The silent one gets a copy of a question now and then, and nobody waits for it.
    second = net.ask("two.example")
    assert second.took < 0.2
    net.servers[0].answer = addresses("192.0.2.9")
    turn_for(net.loop, 2.1)
    net.ask("three.example")
    turn_until(net.loop, lambda: net.upstream._servers.list[0].lost == 0, 2)


def test_the_only_server_is_always_asked_and_back_at_once(net: Net) -> None:
    net.serve(silent)
    assert net.upstream.state == UNKNOWN
    first = net.ask("one.example")
    assert first.response is None
    assert first.ede == EDE_NO_REACHABLE_AUTHORITY
    assert 4.9 < first.took < 6, "a client's patience"
    assert net.upstream.state == DOWN
    net.servers[0].answer = addresses("192.0.2.1")
    assert net.ask("two.example").took < 0.3
    assert net.upstream.state == UP
    assert set(net.servers[0].names) == {"one.example.", "two.example."}, "nothing is asked that nobody asked for"


def test_a_late_answer_tells_that_the_server_lives(net: Net) -> None:
    held: list[tuple[dnslib.DNSRecord, tuple[str, int]]] = []

    def answer(query: dnslib.DNSRecord) -> None:
        held.append((query, net.servers[0].sources[-1]))

    net.serve(answer)
    query = net.ask("one.example")
    assert query.response is None and net.upstream.state == DOWN
    for late, source in held:
        net.servers[0].say(addresses("192.0.2.1")(late).pack(), source)
    turn_until(net.loop, lambda: bool(query.lates), 2)
    assert query.times == 1 and net.upstream.state == UP


def test_patience_grows_with_the_server(net: Net) -> None:
    """After an answer that took a second, the next question is not sent twice within it."""

    def answer(query: dnslib.DNSRecord) -> None:
        source = net.servers[0].sources[-1]
        net.loop.after(1.0, lambda: net.servers[0].say(addresses("192.0.2.1")(query).pack(), source))

    net.serve(answer)
    assert net.ask("one.example").response is not None
    assert net.ask("two.example").response is not None
    assert net.servers[0].names.count("two.example.") == 1


def test_nobody_there_is_noticed_and_forgiven(net: Net) -> None:
    """An ICMP error within a second: network error. Something that restarts meanwhile is not noticed at all."""
    port = free_port()
    net.use([(HOST, port)])
    first = net.ask("one.example")
    assert first.ede == EDE_NETWORK_ERROR
    assert 1.4 < first.took < 2.5
    assert net.ask("two.example").took < 0.1
    net.servers = [Server(net.loop, addresses("192.0.2.1"), port=port)]
    assert net.ask("three.example").response is not None
    assert net.upstream.state == UP


def test_a_restart_of_the_server_costs_a_moment_only(net: Net) -> None:
    port = free_port()
    net.use([(HOST, port)])
    query = Asked(net.loop, "one.example")
    net.upstream.query(query)
    turn_for(net.loop, 0.2)
    net.servers = [Server(net.loop, addresses("192.0.2.1"), port=port)]
    turn_until(net.loop, lambda: query.times > 0)
    assert query.response is not None


def test_a_slow_name_does_not_make_a_server_dead(net: Net) -> None:
    held: list[tuple[dnslib.DNSRecord, tuple[str, int]]] = []

    def answer(query: dnslib.DNSRecord) -> dnslib.DNSRecord | None:
        if query.q.qtype == dnslib.QTYPE.NS:
            return query.reply()
        if str(query.q.qname) != "slow.example.":
            return addresses("192.0.2.1")(query)
        held.append((query, net.servers[0].sources[-1]))
        return None

    net.serve(answer)
    slow = Asked(net.loop, "slow.example")
    net.upstream.query(slow)
    turn_for(net.loop, 2.6)
    assert slow.times == 0
    assert net.ask("quick.example").took < 0.1
    query, source = held[-1]
    net.servers[0].say(addresses("192.0.2.7")(query).pack(), source)
    turn_until(net.loop, lambda: slow.times > 0, 1)
    assert texts(slow.reply) == ["192.0.2.7"]


def test_a_question_that_a_living_server_never_answers_ends(net: Net) -> None:
    net.serve(lambda query: None if "never" in str(query.q.qname) else addresses("192.0.2.1")(query))
    never = Asked(net.loop, "never.example")
    net.upstream.query(never)
    turn_for(net.loop, 1.0)
    assert net.ask("other.example").took < 0.3
    turn_until(net.loop, lambda: never.times > 0, 8)
    assert never.response is None
    assert never.ede == EDE_NO_REACHABLE_AUTHORITY
    assert 4 < never.took < 6
    assert len(net.servers[0].names) <= 9
    assert net.ask("another.example").took < 0.3


def test_an_unreachable_network_is_a_network_error(net: Net) -> None:
    # A broadcast address may not be connected to: the kernel refuses at once, as it does without a route.
    net.use([("255.255.255.255", 53)])
    query = net.ask("one.example")
    assert query.ede == EDE_NETWORK_ERROR
    assert query.took < 2.5
    assert net.ask("two.example").took < 0.1


def test_without_any_server_the_answer_is_at_once(net: Net, tmp_path: Path) -> None:
    net.use([], str(tmp_path / "none"))
    assert net.upstream.state == "none"
    query = net.ask("one.example")
    assert query.ede == EDE_NETWORK_ERROR
    assert query.took < 0.02


def test_other_servers_come_into_use_without_a_restart(
    net: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setattr(servers, "DNS_PORT", port)
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 127.0.0.8\n")
    net.servers = [
        Server(net.loop, addresses("192.0.2.8"), "127.0.0.8", port),
        Server(net.loop, addresses("192.0.2.9"), "127.0.0.9", port),
    ]
    net.use([], str(path))
    assert texts(net.ask("one.example").reply) == ["192.0.2.8"]
    path.write_text("nameserver 127.0.0.9\n")
    turn_for(net.loop, 2.3)
    assert texts(net.ask("two.example").reply) == ["192.0.2.9"]


# bounds


def test_only_so_many_in_flight(net: Net) -> None:
    net.serve(silent)
    queries = [Asked(net.loop, f"n{number}.example") for number in range(QUERIES_MAX + LOCAL_MAX + 50)]
    for query in queries:
        net.upstream.query(query)
    assert sum(query.times for query in queries) == 50
    turn_until(net.loop, lambda: all(query.times for query in queries), 8)
    assert all(query.times == 1 for query in queries)
    assert not net.upstream._waiting and len(net.upstream._packets) <= PACKETS_MAX
    turn_until(net.loop, lambda: not net.upstream._packets, 15)
    assert not net.upstream._spent, "no socket waits for ever"


def test_sockets_are_few_and_closed_again(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream_module, "CHANNEL_S", 0.3)
    net.serve(addresses("192.0.2.1"))
    for number in range(300):
        net.ask(f"n{number}.example")
    assert not net.upstream._spent
    assert sum(1 for pool in net.upstream._pools.values() for channel in pool if channel) <= upstream_module.CHANNELS
    net.upstream._repeats[1].cancel()
    net.upstream._repeats[1] = net.loop.every(0.3, net.upstream._close_idle)
    turn_until(net.loop, lambda: not any(channel for pool in net.upstream._pools.values() for channel in pool), 2)
