"""P2, untouched means untouched: a busy neighbour beside a device that is on, seen by kernel counters and captures.

The neighbour does all that could be mistaken: DNS to every address, packets from and to the agent's port, DNS-like
packets to other ports. Witness chains count before and behind the agent's own; captures compare what it sent with what
arrived.
"""

import itertools
import json
import select
import signal
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.household import Asker, ask
from tests.lab.lab import ALICE_MAC, BOB4, BOB_MAC, RESOLVER4, RESOLVER6, ROUTER4, ROUTER_LINK_LOCAL, ROUTER_ULA, Lab
from tests.lab.lab import await_true as await_
from tests.lab.resident import Resident

AGENT_PORT = 5391
ECHO_PORTS = (AGENT_PORT, 443, 5353, 40000)
SOURCE_PORTS = (AGENT_PORT, 53, 0)

COUNTERS = (
    *("asked_before", "asked_behind", "answered_before", "answered_behind"),
    *("to_agent", "by_agent", "marked", "device_marked"),
)
WITNESS = """
table inet witness {{
  set neighbour4 {{ type ipv4_addr; elements = {{ {v4} }} }}
  set neighbour6 {{ type ipv6_addr; elements = {{ {v6} }} }}
  {counters}
  chain input_before {{ type filter hook input priority 199;
    ether saddr {mac} th dport 53 counter name asked_before
  }}
  chain input_behind {{ type filter hook input priority 201;
    ether saddr {device} meta mark != 0 counter name device_marked
    ether saddr != {mac} accept
    th dport 53 counter name asked_behind
    th dport {port} counter name to_agent
    meta mark != 0 counter name marked
    ct mark != 0 counter name marked
  }}
  chain forward {{ type filter hook forward priority 301;
    ether saddr {mac} meta mark != 0 counter name marked
    ether saddr {mac} ct mark != 0 counter name marked
  }}
  chain output_before {{ type filter hook output priority -302;
    ip daddr @neighbour4 th sport 53 counter name answered_before
    ip6 daddr @neighbour6 th sport 53 counter name answered_before
  }}
  chain output_behind {{ type filter hook output priority -299;
    ip daddr @neighbour4 jump answers
    ip6 daddr @neighbour6 jump answers
  }}
  chain answers {{
    th sport 53 counter name answered_behind
    meta mark != 0 counter name by_agent
    th sport {port} tcp flags != rst counter name by_agent
    udp sport {port} counter name by_agent
  }}
}}
"""


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Echo(threading.Thread):
    """In the WAN: says to whoever sends a datagram which port it came from, and its own bytes."""

    def __init__(self, lab: Lab) -> None:
        super().__init__()
        self.sockets = []
        for address, port in itertools.product((RESOLVER4, RESOLVER6), ECHO_PORTS):
            sock = lab.wan.socket(family_of(address), socket.SOCK_DGRAM)
            sock.bind((address, port))
            self.sockets.append(sock)
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            for sock in select.select(self.sockets, [], [], 0.1)[0]:
                data, sender = sock.recvfrom(2048)
                sock.sendto(struct.pack(">H", sender[1]) + data, sender)


@pytest.fixture
def echo(lab: Lab) -> Iterator[Echo]:
    echo = Echo(lab)
    echo.start()
    yield echo
    echo.over.set()
    echo.join()


@pytest.fixture
def witness(lab: Lab) -> Iterator[None]:
    addresses = lab.addresses6(lab.bob)
    names = "\n  ".join(f"counter {name} {{ }}" for name in COUNTERS)
    rules = WITNESS.format(
        counters=names, v4=BOB4, v6=", ".join(addresses), mac=BOB_MAC, device=ALICE_MAC, port=AGENT_PORT
    )
    lab.router.run(["nft", "-f", "-"], input=rules)
    yield
    lab.router.run(["nft", "delete", "table", "inet", "witness"])


def counters(lab: Lab) -> dict[str, int]:
    listed = json.loads(lab.router.run(["nft", "-j", "list", "counters", "table", "inet", "witness"]))
    return {item["counter"]["name"]: item["counter"]["packets"] for item in listed["nftables"] if "counter" in item}


def be_busy(lab: Lab, rounds: int) -> int:
    """The neighbour's traffic; how many questions to the router it has. Every answer must be as without an agent."""
    asked = 0
    held = [Asker(lab.bob, server) for server in (ROUTER4, ROUTER_ULA, RESOLVER4, RESOLVER6)]
    for _ in range(rounds):
        for server, plain in (
            (ROUTER4, "router"),
            (ROUTER_ULA, "router"),
            (ROUTER_LINK_LOCAL, "router"),
            (RESOLVER4, "wan"),
            (RESOLVER6, "wan"),
        ):
            assert ask(lab.bob, server) == plain
            assert ask(lab.bob, server, source=AGENT_PORT) == plain
            assert ask(lab.bob, server, tcp=True) == plain
            asked += 3 if plain == "router" else 0
        assert [asker.ask() for asker in held] == ["router", "router", "wan", "wan"]
        asked += 2
        for server in (ROUTER4, ROUTER_ULA):
            # Refusals by ICMP are rate limited, so not each of them is heard.
            assert ask(lab.bob, server, port=AGENT_PORT, timeout_ms=100) in ("ConnectionRefusedError", "TimeoutError")
            assert ask(lab.bob, server, tcp=True, port=AGENT_PORT) == "ConnectionRefusedError"
        for port in ECHO_PORTS:
            for source in SOURCE_PORTS:
                assert echoed(lab, RESOLVER4, port, source) and echoed(lab, RESOLVER6, port, source)
    return asked


def echoed(lab: Lab, server: str, port: int, source: int) -> bool:
    """Whether a datagram arrives and returns as sent: its ports (masquerade keeps free ones) and every byte."""
    with lab.bob.socket(family_of(server), socket.SOCK_DGRAM, 2.0) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("", source))
        sock.connect((server, port))
        data = bytes(range(200))
        sock.send(data)
        reply = sock.recv(2048)
        return reply[2:] == data and struct.unpack(">H", reply[:2])[0] == sock.getsockname()[1]


def test_no_packet_of_the_neighbour_crosses_the_agent(lab: Lab, resident: Resident, echo: Echo, witness: None) -> None:
    device = resident.add("Tablet", ALICE_MAC)
    over = threading.Event()
    asked_by_device = [0]

    def use() -> None:
        while not over.is_set():
            for server in (ROUTER4, RESOLVER4):
                asked_by_device[0] += ask(lab.alice, server) == "agent"
            time.sleep(0.01)

    resident.on(device)
    user = threading.Thread(target=use)
    user.start()
    try:
        be_busy(lab, 8)
    finally:
        over.set()
        user.join()
    seen = counters(lab)
    assert seen["device_marked"] > 0, "the witness sees nothing"
    assert seen["asked_before"] == seen["asked_behind"] > 0
    assert seen["answered_before"] == seen["answered_behind"] > 0
    assert {name: seen[name] for name in ("to_agent", "marked", "by_agent")} == {
        "to_agent": 0,
        "marked": 0,
        "by_agent": 0,
    }
    queries = resident.status()["dns"]
    assert isinstance(queries, dict) and queries["queries"] == asked_by_device[0]
    assert "mark=" + str(0x40008000)[:4] not in lab.router.run(["conntrack", "-L", "-s", BOB4])
    assert {row["device_id"] for row in resident.client.items("history", device_id=device)} == {device}


class Capture:
    """tcpdump at a client's and the WAN's end."""

    def __init__(self, lab: Lab, folder: Path, filter_: str) -> None:
        self.files = {"sent": folder / "sent.pcap", "arrived": folder / "arrived.pcap"}
        self.processes = [
            space.start(
                ["tcpdump", "-i", "eth0", "-U", "--immediate-mode", "-s", "0", "-Z", "root", "-w", str(file), filter_],
                stderr=-3,
            )
            for space, file in ((lab.bob, self.files["sent"]), (lab.wan, self.files["arrived"]))
        ]
        await_(lambda: all(file.exists() and file.stat().st_size >= 24 for file in self.files.values()), "capture")

    def stop(self) -> dict[str, Counter[tuple[object, ...]]]:
        time.sleep(0.2)
        for process in self.processes:
            process.send_signal(signal.SIGINT)
            process.wait(5)
        return {end: Counter(packets(file.read_bytes())) for end, file in self.files.items()}


def packets(pcap: bytes) -> Iterator[tuple[object, ...]]:
    """(other end's address, direction, ports, all that follows) of each packet; the checksum is left out."""
    at = 24
    while at + 16 <= len(pcap):
        size = struct.unpack("I", pcap[at + 8 : at + 12])[0]
        frame = pcap[at + 16 : at + 16 + size]
        at += 16 + size
        ip = frame[14:]
        if ip[0] >> 4 == 4:
            protocol, head, source, destination = ip[9], (ip[0] & 15) * 4, ip[12:16], ip[16:20]
            length = struct.unpack(">H", ip[2:4])[0]
        else:
            protocol, head, source, destination = ip[6], 40, ip[8:24], ip[24:40]
            length = 40 + struct.unpack(">H", ip[4:6])[0]
        if protocol not in (socket.IPPROTO_UDP, socket.IPPROTO_TCP):
            continue
        transport = ip[head:length]
        after = 8 if protocol == socket.IPPROTO_UDP else 18
        numbers = b"" if protocol == socket.IPPROTO_UDP else transport[4:16]  # what a proxy between them would change
        # The client's IPv4 address is masqueraded; the other end is what both sides see alike.
        resolvers = {socket.inet_pton(socket.AF_INET, RESOLVER4), socket.inet_pton(socket.AF_INET6, RESOLVER6)}
        other = [address for address in (source, destination) if address in resolvers]
        yield (bytes(other[0]), source in resolvers, protocol, transport[:4], numbers, transport[after:])


def test_every_packet_arrives_as_it_was_sent(lab: Lab, resident: Resident, echo: Echo, tmp_path: Path) -> None:
    device = resident.add("Tablet", ALICE_MAC)
    resident.on(device)
    assert ask(lab.alice, RESOLVER4) == "agent"
    capture = Capture(lab, tmp_path, f"(udp or tcp) and (host {RESOLVER4} or host {RESOLVER6})")
    be_busy(lab, 3)
    for server in (RESOLVER4, RESOLVER6):
        assert ask(lab.bob, server, tcp=True, source=AGENT_PORT) == "wan"
    seen = capture.stop()
    assert sum(seen["sent"].values()) > 100
    assert seen["sent"] == seen["arrived"]
