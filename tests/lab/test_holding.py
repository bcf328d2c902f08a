"""Holding a device ends all it has with the internet, and nothing of anybody else's."""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon.kernel.holding import LOOK_CHECKS
from tests.lab.household import Agent, ask
from tests.lab.lab import (
    ALICE4,
    ALICE_MAC,
    BOB4,
    RESOLVER4,
    RESOLVER6,
    ROUTER4,
    ROUTER_ULA,
    WAN4,
    WAN6,
    Lab,
    await_true,
)
from tests.lab.traffic import KINDS, Flow, WanServers

PORT = 7000
SILENT_S = 1.5
WATCHED_S = 4.0
ADDRESSES = {"v4": WAN4, "v6": WAN6}


@pytest.fixture
def servers(lab: Lab) -> Iterator[WanServers]:
    lab.addresses6(lab.alice)
    lab.addresses6(lab.bob)
    made = WanServers(lab.wan, [WAN4, WAN6], PORT)
    yield made
    made.close()


@pytest.fixture
def flows(lab: Lab, servers: WanServers) -> Iterator[dict[str, dict[tuple[str, str], Flow]]]:
    """Of Alice and of Bob, each kind over both families."""
    made = {
        name: {(kind, family): Flow(space, kind, ADDRESSES[family], servers) for kind in KINDS for family in ADDRESSES}
        for name, space in (("alice", lab.alice), ("bob", lab.bob))
    }
    for flow in (flow for owned in made.values() for flow in owned.values()):
        flow.flowing()
    yield made
    for flow in (flow for owned in made.values() for flow in owned.values()):
        flow.close()


def test_silence_for_the_held_and_nothing_for_the_free(
    lab: Lab, agent: Agent, flows: dict[str, dict[tuple[str, str], Flow]]
) -> None:
    agent.hold(ALICE_MAC)
    at = time.monotonic()
    end = at + WATCHED_S
    while time.monotonic() < end:
        agent.ask(op="seen")  # its tasks go on
        time.sleep(0.1)
    for (kind, family), flow in flows["alice"].items():
        if kind == "idle":
            assert not flow.answers(), family
            assert flow.error == "ConnectionResetError"
        else:
            assert flow.heard < at + SILENT_S, (kind, family, flow.heard - at)
    for (kind, family), flow in flows["bob"].items():
        assert not flow.error, (kind, family)
        assert flow.answers() if kind == "idle" else flow.heard > end - 1, (kind, family)
        assert flow.complete(), (kind, family)


def test_free_again_at_once(lab: Lab, agent: Agent, servers: WanServers) -> None:
    agent.hold(ALICE_MAC)
    for address in ADDRESSES.values():
        with pytest.raises(ConnectionRefusedError):
            Flow(lab.alice, "idle", address, servers)
    agent.hold()
    for address in ADDRESSES.values():
        flow = Flow(lab.alice, "idle", address, servers)
        assert flow.answers()
        flow.close()


def test_many_holds_cost_the_free_nothing(lab: Lab, agent: Agent, servers: WanServers) -> None:
    held = [Flow(lab.bob, kind, address, servers) for kind, address in itertools.product(KINDS, ADDRESSES.values())]
    for flow in held:
        flow.flowing()
    for _ in range(100):
        agent.hold(ALICE_MAC)
        agent.hold()
    for flow in held:
        assert not flow.error, flow.kind
        assert flow.kind != "idle" or flow.answers()
        assert flow.complete()
        flow.close()


def test_the_house_goes_on(lab: Lab, agent: Agent) -> None:
    agent.apply({ALICE_MAC: [7, 1]})
    agent.hold(ALICE_MAC)
    for server in (ROUTER4, ROUTER_ULA, RESOLVER4, RESOLVER6):
        assert ask(lab.alice, server) == "agent 7/1", server
        assert ask(lab.alice, server, tcp=True) == "agent 7/1", server


@pytest.mark.parametrize("filtered", [0, 1], ids=["bridge", "filtered bridge"])
def test_a_printer_in_the_house(lab: Lab, agent: Agent, filtered: int) -> None:
    """Also where the kernel shows the bridge's frames to the rules."""
    for family in ("iptables", "ip6tables"):
        lab.router.sysctl(f"bridge/bridge-nf-call-{family}", filtered)
    lab.router.run("nft insert rule inet fw4 forward iifname br-lan oifname br-lan accept".split())
    agent.hold(ALICE_MAC)
    for port in (80, 631):
        listener = lab.bob.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((BOB4, port))
        listener.listen()
        printer = lab.alice.socket(socket.AF_INET, socket.SOCK_STREAM)
        printer.connect((BOB4, port))
        accepted, peer = listener.accept()
        accepted.close()
        assert peer[0] == ALICE4


def test_an_open_connection_to_the_router_stays(lab: Lab, agent: Agent) -> None:
    listener = lab.router.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((ROUTER4, 8022))
    listener.listen()
    client = lab.alice.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.connect((ROUTER4, 8022))
    server, _ = listener.accept()
    before = entries(lab, "8022")
    agent.hold(ALICE_MAC)
    client.send(b"still here")
    assert server.recv(100) == b"still here"
    assert entries(lab, "8022") == before
    server.close()


def entries(lab: Lab, port: str) -> int:
    listed = lab.router.inside(Path("/proc/thread-self/net/nf_conntrack").read_text)
    return len([line for line in listed.splitlines() if f"dport={port}" in line])


def test_a_port_forward_ends(lab: Lab, agent: Agent) -> None:
    for rule in (
        "insert rule inet fw4 dstnat iifname wan0 tcp dport 8090 dnat ip to " + ALICE4,
        "insert rule inet fw4 forward ct status dnat accept",
    ):
        lab.router.run(["nft", *rule.split()])
    listener = lab.alice.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind((ALICE4, 8090))
    listener.listen()
    client = lab.wan.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.connect(("198.51.100.2", 8090))
    server, _ = listener.accept()
    server.send(b"1")
    assert client.recv(1) == b"1"
    agent.hold(ALICE_MAC)
    with pytest.raises(ConnectionResetError):
        for _ in range(20):
            server.send(b"2")
            time.sleep(0.05)
    client.settimeout(0.3)
    with pytest.raises((TimeoutError, ConnectionResetError)):
        client.recv(1)
    server.close()
    again = lab.wan.socket(socket.AF_INET, socket.SOCK_STREAM, 0.5)
    with pytest.raises(OSError):
        again.connect(("198.51.100.2", 8090))
    agent.hold()
    await_true(lambda: reaches(lab), "the port forward again")


def reaches(lab: Lab) -> bool:
    sock = lab.wan.socket(socket.AF_INET, socket.SOCK_STREAM, 0.5)
    return sock.connect_ex(("198.51.100.2", 8090)) == 0


def test_a_lost_table_is_made_anew_and_ends_flows_again(lab: Lab, agent: Agent, servers: WanServers) -> None:
    agent.hold(ALICE_MAC)
    # Nobody else may change a table with an owner, so its owner does.
    agent.ask(op="lose")
    flow = Flow(lab.alice, "download", WAN4, servers).flowing()
    assert agent.ask(op="verify")["ok"] is False
    agent.ask(op="seen")
    at = time.monotonic()
    time.sleep(SILENT_S)
    assert flow.heard < at + 1
    flow.close()


def test_what_comes_in_is_told_until_the_firewall_keeps_it_out(lab: Lab, agent: Agent) -> None:
    """By IPv6 nothing but the firewall keeps a server's datagrams out; it may be set right while a device is held."""
    address, over = lab.addresses6(lab.alice)[0], threading.Event()
    server = lab.wan.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    device = lab.alice.socket(socket.AF_INET6, socket.SOCK_DGRAM, 10)
    device.bind((address, 9445))

    def send() -> None:
        while not over.wait(0.02):
            server.sendto(b"more", (address, 9445))

    def arrives() -> bytes:
        device.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while device.recv(100):
                pass
        device.settimeout(10)
        return device.recv(100)

    def told() -> bool:
        agent.ask(op="verify")
        return "comes in by IPv6" in str(agent.ask(op="trouble")["ok"])

    chain = "inet fw4 forward"
    lab.router.run(f"nft insert rule {chain} iifname wan0 meta nfproto ipv6 accept".split())
    listed = lab.router.run(f"nft -a list chain {chain}".split())
    (handle,) = [line.split()[-1] for line in listed.split("\n") if 'iifname "wan0" meta nfproto ipv6 accept' in line]
    sending = threading.Thread(target=send)
    sending.start()
    try:
        assert arrives()
        agent.hold(ALICE_MAC)
        await_true(told, "what comes in", 20)
        assert all(arrives() and told() for _ in range(2 * LOOK_CHECKS)), "it still does"
        lab.router.run(f"nft delete rule {chain} handle {handle}".split())
        handle = ""
        await_true(lambda: not told(), "nothing that comes in", 20)
    finally:
        over.set()
        sending.join()
        server.close()
        device.close()
        if handle:
            lab.router.run(f"nft delete rule {chain} handle {handle}".split())


class Ends:
    """Sockets of the WAN, one for each kind and port, that answer each datagram and take in connections."""

    def __init__(self, lab: Lab, ports: dict[str, tuple[int, ...]]) -> None:
        self._stop = threading.Event()
        self._threads = []
        for kind, numbers in ports.items():
            for address, port in itertools.product(ADDRESSES.values(), numbers):
                sock = lab.wan.socket(family(address), socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM, 0.1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((address, port))
                if kind == "tcp":
                    sock.listen()
                else:
                    self._threads.append(threading.Thread(target=self._echo, args=(sock,)))
        for thread in self._threads:
            thread.start()

    def _echo(self, sock: socket.socket) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                data, peer = sock.recvfrom(100)
                sock.sendto(data, peer)

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(3)


@pytest.fixture
def ends(lab: Lab) -> Iterator[Ends]:
    made = Ends(lab, {"tcp": (22, 80, 443), "udp": (443, 500, 4500, 51820)})
    yield made
    made.close()


def family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def connects(lab: Lab, address: str, port: int) -> bool:
    sock = lab.alice.socket(family(address), socket.SOCK_STREAM, 2)
    try:
        return sock.connect_ex((address, port)) == 0
    finally:
        sock.close()


def echoes(lab: Lab, address: str, port: int) -> bool:
    sock = lab.alice.socket(family(address), socket.SOCK_DGRAM, 0.4)
    sock.connect((address, port))
    try:
        sock.send(b"hello")
        return sock.recv(100) == b"hello"
    except OSError:
        return False
    finally:
        sock.close()


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_what_is_spared_and_no_more(lab: Lab, agent: Agent, ends: Ends, address: str) -> None:
    web, calls, others = [("tcp", 80), ("tcp", 443)], [("udp", 500), ("udp", 4500)], [("tcp", 22), ("udp", 443)]
    others.append(("udp", 51820))

    def passes(kind: str, port: int) -> bool:
        return connects(lab, address, port) if kind == "tcp" else echoes(lab, address, port)

    agent.hold(ALICE_MAC)
    assert not any(passes(*one) for one in web + calls + others)
    agent.ask(op="admit", set="spared", addresses=[address])
    assert all(passes(*one) for one in web)
    assert not any(passes(*one) for one in calls + others)
    agent.ask(op="admit", set="calls", addresses=[address])
    assert all(passes(*one) for one in web + calls)
    assert not any(passes(*one) for one in others)
    agent.hold()
    assert all(passes(*one) for one in web + calls + others)


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_plain_requests_are_led_to_the_page(lab: Lab, agent: Agent, ends: Ends, address: str) -> None:
    page = lab.router.socket(socket.AF_INET6, socket.SOCK_STREAM)
    page.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    page.bind(("::", 5393))
    page.listen()
    agent.hold(ALICE_MAC)
    client = lab.alice.socket(family(address), socket.SOCK_STREAM)
    client.connect((address, 80))
    served, _ = page.accept()
    served.send(b"the page")
    assert client.recv(100) == b"the page"
    served.close()
    free = lab.bob.socket(family(address), socket.SOCK_STREAM)
    free.connect((address, 80))
    page.settimeout(0.3)
    with pytest.raises(TimeoutError):
        page.accept()
    page.close()


def test_the_hook_of_the_agent_sees_no_packet_of_the_free(lab: Lab, agent: Agent, servers: WanServers) -> None:
    """P2: whoever is not held meets one look-up in the kernel."""
    agent.hold(ALICE_MAC)
    flow = Flow(lab.bob, "echo", WAN4, servers).flowing()
    assert ask(lab.bob, ROUTER4) == "router"
    assert agent.seen() == ([], 0)
    assert flow.complete() and not flow.error
    flow.close()


class Tunnel:
    """Packets of a protocol without ports between Alice and the WAN, as tunnels have them."""

    def __init__(self, lab: Lab, address: str, protocol: int) -> None:
        self.address = address
        self.near = lab.alice.inside(lambda: socket.socket(family(address), socket.SOCK_RAW, protocol))
        self.far = lab.wan.inside(lambda: socket.socket(family(address), socket.SOCK_RAW, protocol))
        for end in (self.near, self.far):
            end.settimeout(0.3)
        self.peer: tuple[str, int] = ("", 0)
        self.count = 0

    def sent(self) -> bool:
        """Whether what Alice sends arrives."""
        with contextlib.suppress(OSError):  # whoever is refused hears of it
            self.near.sendto(self._next(), (self.address, 0))
        return self._arrived(self.far)

    def answered(self) -> bool:
        """Whether what the far end sends to whom it heard of arrives."""
        self.far.sendto(self._next(), (self.peer[0], 0))
        return self._arrived(self.near)

    def _next(self) -> bytes:
        """None like it was sent before."""
        self.count += 1
        return b"\x00\x00\x08\x00" + struct.pack("!I", self.count)

    def _arrived(self, end: socket.socket) -> bool:
        while (data := self._read(end)) is not None:
            if data.endswith(struct.pack("!I", self.count)):
                return True
        return False

    def _read(self, end: socket.socket) -> bytes | None:
        try:
            data, peer = end.recvfrom(4096)
        except OSError:
            return None
        if end is self.far:
            self.peer = peer[:2]
        return data

    def close(self) -> None:
        self.near.close()
        self.far.close()


def test_tunnels_without_ports_end(lab: Lab, agent: Agent) -> None:
    """6in4, GRE, ESP: what a VPN is made of, both ways and both families, also one that stood open."""
    tunnels = [Tunnel(lab, address, protocol) for address in ADDRESSES.values() for protocol in (41, 47, 50)]
    try:
        for one in tunnels:
            await_true(one.sent, "a tunnel")
            assert one.answered(), (one.address, one.near.proto)
        agent.hold(ALICE_MAC)
        end = time.monotonic() + SILENT_S
        while time.monotonic() < end:
            agent.ask(op="seen")  # its tasks go on
        for one in tunnels:
            assert not one.answered() and not one.sent(), (one.address, one.near.proto)
        agent.hold()
        assert all(one.sent() and one.answered() for one in tunnels)
    finally:
        for one in tunnels:
            one.close()
