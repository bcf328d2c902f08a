"""Where devices are known by address: what was sent before an `on`, and waits in sockets, is not recorded after it."""

import socket
from collections.abc import Iterator
from pathlib import Path

import dnslib
import pytest

from tests.daemon.household_dns import PLAIN, Resolving
from tests.daemon.resolving import HOST, turn_for

CONNECTIONS = 90
PACKETS = 7000


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Resolving]:
    made = Resolving(tmp_path)
    made.clients = {}
    yield made
    made.close()


def switched_on(net: Resolving) -> dict[tuple[int, bytes], tuple[bool, int]]:
    """As the toggles do: what waits is read under the clients of before, more than once; then there are new ones."""
    for _ in range(3):
        net.dns.drain()
    net.toggle(2)
    turn_for(net.loop, 1.0)
    return net.recorded()


def test_connections_in_the_backlog(net: Resolving) -> None:
    talks = []
    for number in range(CONNECTIONS):
        talk = socket.create_connection((HOST, net.port), source_address=(PLAIN, 0))
        message = dnslib.DNSRecord.question(f"t{number}.example").pack()
        talk.sendall(len(message).to_bytes(2, "big") + message)
        talks.append(talk)
    assert switched_on(net) == {}
    for talk in talks:
        talk.close()


def test_a_socket_full_of_datagrams(net: Resolving) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.bind((PLAIN, 0))
        for number in range(PACKETS):
            asker.sendto(dnslib.DNSRecord.question(f"u{number}.example").pack(), (HOST, net.port))
        assert switched_on(net) == {}
    device = net.device(PLAIN)
    device.ask("after.example")
    assert list(net.recorded()) == [(2, b"after.example")]
