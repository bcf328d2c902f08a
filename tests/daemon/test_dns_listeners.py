"""Listeners: wildcard addresses, both families, ports that are taken, and the kernel's marks (with root)."""

import socket
import struct
from collections.abc import Iterator

import dnslib
import pytest

from agent.core.marks import TAG, pack
from agent.core.model import BadInput
from agent.core.policy import Policy
from agent.daemon.clients import DeviceView
from agent.daemon.dns.listeners import listen
from agent.daemon.dns.servers import UpstreamServers
from agent.daemon.dns.service import Dns
from agent.daemon.dns.udp import SO_MARK, SO_RCVMARK
from agent.daemon.dns.upstream import Upstream
from agent.daemon.loop import Loop
from tests.daemon.resolving import HOST, Asker, Server, addresses, texts, turn_until
from tests.namespaces import missing
from tests.ports import free_port

root = pytest.mark.skipif(missing("net") != "", reason=missing("net"))  # to mark packets takes the same right


class Listening:
    """`identified` are the (mark, address) that were asked for; a mark is its own device, an address none."""

    def __init__(self, *hosts: str, tag: int | None = None) -> None:
        self.loop = Loop()
        self.server = Server(self.loop, addresses("192.0.2.1"))
        self.identified: list[tuple[int | None, str]] = []
        self.records: list[tuple[int, bytes]] = []
        self.upstream = Upstream(self.loop, UpstreamServers([(HOST, self.server.port)], "", []))
        self.dns = Dns(self.loop, self.upstream, self._identify, Policy(None, []), self._record)
        self.port = free_port(hosts[0])
        listen(self.loop, self.dns, [(host, self.port) for host in hosts], tag)

    def _identify(self, mark: int | None, address: str) -> DeviceView | None:
        self.identified.append((mark, address))
        return DeviceView(1, 1, None, mark) if mark else None

    def _record(self, client: DeviceView, name: bytes, verdict: object, count: int) -> None:
        self.records.append((client.device_id, name))

    def ask(self, asker: Asker, name: str) -> dnslib.DNSRecord:
        try:
            return asker.ask(name)
        finally:
            asker.close()

    def close(self) -> None:
        self.dns.close()
        self.upstream.close()
        self.server.close()


@pytest.fixture
def listening() -> Iterator[list[Listening]]:
    made: list[Listening] = []
    yield made
    for each in made:
        each.close()


def start(listening: list[Listening], *hosts: str, tag: int | None = None) -> Listening:
    listening.append(Listening(*hosts, tag=tag))
    return listening[-1]


@pytest.mark.parametrize("asked", ["127.0.0.1", "127.0.0.7", "127.9.9.9"])
def test_a_wildcard_answers_from_the_address_that_was_asked(listening: list[Listening], asked: str) -> None:
    net = start(listening, "0.0.0.0")
    asker = Asker(net.loop, net.port, "127.0.0.2", asked)
    for name in ("one.example", "one.example", "one.example"):
        assert texts(asker.ask(name)) == ["192.0.2.1"]
    assert set(asker.froms) == {(asked, net.port)}
    asker.close()


def test_ipv6_answers_from_the_address_that_was_asked(listening: list[Listening]) -> None:
    net = start(listening, "::", "0.0.0.0")
    six, four = Asker(net.loop, net.port, "::1", "::1"), Asker(net.loop, net.port, HOST, HOST)
    for _ in range(3):
        assert texts(six.ask("one.example")) == ["192.0.2.1"]
        assert texts(four.ask("one.example")) == ["192.0.2.1"]
    assert six.froms[0][:2] == ("::1", net.port)
    assert set(net.identified) == {(None, "::1"), (None, HOST)}
    six.close()
    four.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "0.0.0.0", "::"])
def test_tcp_listens_where_udp_does(listening: list[Listening], host: str) -> None:
    net = start(listening, host)
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    message = dnslib.DNSRecord.question("one.example").pack()
    with socket.create_connection((target, net.port)) as stream:
        stream.sendall(len(message).to_bytes(2, "big") + message)
        stream.setblocking(False)
        got = bytearray()
        net.loop.add(stream, lambda: got.extend(stream.recv(4096)))
        turn_until(net.loop, lambda: len(got) > 2)
        net.loop.remove(stream)
    assert texts(dnslib.DNSRecord.parse(bytes(got[2:]))) == ["192.0.2.1"]


def test_a_port_that_is_taken_leaves_nothing_open(listening: list[Listening]) -> None:
    net = start(listening, HOST)
    free = free_port()
    with pytest.raises(BadInput):
        listen(net.loop, net.dns, [(HOST, free), (HOST, net.port)], None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind((HOST, free))


@root
@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1", "::"])
def test_the_mark_tells_the_device_packet_by_packet(listening: list[Listening], host: str) -> None:
    """On the loopback a packet keeps its sender's mark, so that two devices can share an address."""
    net = start(listening, host, tag=TAG)
    source = "::1" if host == "::" else HOST
    marks = [pack(1, 1), pack(2, 1), 0, pack(1, 2)]
    asker = Asker(net.loop, net.port, source, source)
    for mark in [*marks, *marks]:
        asker.socket.setsockopt(socket.SOL_SOCKET, SO_MARK, mark)
        asker.ask("one.example")
    asker.close()
    assert [mark for mark, _ in net.identified] == marks
    net.dns.flush()
    assert sorted(net.records) == sorted((mark, b"one.example") for mark in marks if mark)


@root
def test_replies_carry_the_tag(listening: list[Listening]) -> None:
    net = start(listening, "0.0.0.0", tag=TAG)
    asker = Asker(net.loop, net.port)
    asker.close()
    asker.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asker.socket.bind((HOST, 0))
    asker.socket.setblocking(False)
    asker.socket.setsockopt(socket.SOL_SOCKET, SO_RCVMARK, 1)
    got: list[int] = []

    def read() -> None:
        _, ancillary, _, _ = asker.socket.recvmsg(4096, 256)
        got.extend(struct.unpack("I", data)[0] for _, kind, data in ancillary if kind == SO_MARK)

    net.loop.add(asker.socket, read)
    for number in (1, 2):
        asker.send(dnslib.DNSRecord.question("one.example"))
        turn_until(net.loop, lambda number=number: len(got) == number)
    assert got == [TAG, TAG]
    asker.close()


@root
def test_a_tcp_connection_that_did_not_come_by_the_switch_is_nobodys(listening: list[Listening]) -> None:
    net = start(listening, HOST, tag=TAG)
    with socket.create_connection((HOST, net.port)):
        turn_until(net.loop, lambda: bool(net.identified))
    assert net.identified == [(0, HOST)]
