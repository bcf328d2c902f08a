"""P4, nothing leaves but DNS to the configured upstream: a capture of the WAN during a busy time, and all logs."""

from __future__ import annotations

import re
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.lab import ALICE4, ALICE_MAC, ROUTER4, WAN4, Lab
from tests.lab.resident import Resident
from tests.promises.running import query

ROUTER_WAN4 = "198.51.100.2"
SITES = [f"site{number}.telltale.example" for number in range(40)]
BLOCKED = "refused.telltale.example"
LABEL = "Unmistakable Tablet"


class Capture:
    """All that the router's WAN port sends, as a pcap file made by tcpdump."""

    def __init__(self, lab: Lab, path: Path) -> None:
        self.path = path
        command = ["tcpdump", "--immediate-mode", "-U", "-n", "-Q", "out", "-i", "wan0", "-w", str(path)]
        self.process = lab.router.start(command, stderr=subprocess.PIPE)
        assert self.process.stderr is not None
        self.process.stderr.readline()  # "listening on wan0 …"

    def packets(self) -> Iterator[bytes]:
        """Ethernet frames."""
        time.sleep(0.3)
        self.process.terminate()
        self.process.wait(5)
        assert self.process.stderr is not None
        self.process.stderr.close()
        data = self.path.read_bytes()
        at = 24
        while at + 16 <= len(data):
            size = struct.unpack_from("<I", data, at + 8)[0]
            yield data[at + 16 : at + 16 + size]
            at += 16 + size


def neighbourhood(frame: bytes) -> bool:
    """ARP, and IPv6 that keeps the link itself going (ICMPv6)."""
    kind = frame[12:14]
    return kind == b"\x08\x06" or (kind == b"\x86\xdd" and frame[20] in (0, 58))


def flow(frame: bytes) -> tuple[str, str, int, bytes]:
    """(protocol, destination, port, payload of UDP) of an IPv4 frame."""
    assert frame[12:14] == b"\x08\x00", frame[:40].hex()
    start = 14 + (frame[14] & 15) * 4
    protocol = {6: "tcp", 17: "udp"}.get(frame[23], str(frame[23]))
    return protocol, socket.inet_ntoa(frame[30:34]), struct.unpack_from(">H", frame, start + 2)[0], frame[start + 8 :]


def asked_name(message: bytes) -> str:
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1 : at + 1 + message[at]].decode())
        at += 1 + message[at]
    return ".".join(labels).lower()


@pytest.fixture
def resident(lab: Lab, tmp_path: Path) -> Iterator[Resident]:
    made = Resident(lab, tmp_path, upstream=[WAN4 + ":53"], web_listen=[ROUTER4 + ":5392"])
    yield made
    for space in lab.spaces.values():
        space.close_sockets()
    assert made.stop() == 0, made.said()


def live(lab: Lab, resident: Resident) -> None:
    """Some use of everything there is: queries, toggles, reading, erasing, the web page, an unknown device."""
    device = resident.add(LABEL, ALICE_MAC)
    resident.call("block", name=BLOCKED)
    for feature in ("history", "protection"):
        resident.on(device, feature)
    asker = lab.alice.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asker.connect((ROUTER4, 53))
    for number, site in enumerate([*SITES, BLOCKED]):
        asker.send(query(site, number))
        asker.recv(2048)
    page = lab.alice.socket(socket.AF_INET, socket.SOCK_STREAM, 10.0)
    page.connect((ROUTER4, 5392))
    page.sendall(f"GET / HTTP/1.1\r\nHost: {ROUTER4}:5392\r\nConnection: close\r\n\r\n".encode())
    assert page.recv(4096).startswith(b"HTTP/1.1")
    for op in ("history", "blocked", "export"):
        assert resident.call(op, device_id=device)["items"]
    assert resident.audit()["ok"]
    resident.call("explain", name=BLOCKED)
    resident.call("delete", device_id=device)
    resident.off(device)
    for number, site in enumerate(SITES):
        asker.send(query("again." + site, number))
        asker.recv(2048)
    resident.call("device.remove", id=device)


def test_only_dns_to_the_upstream_leaves(lab: Lab, resident: Resident, tmp_path: Path) -> None:
    capture = Capture(lab, tmp_path / "wan.pcap")
    live(lab, resident)
    frames = [frame for frame in capture.packets() if not neighbourhood(frame)]
    assert len(frames) >= len(SITES)
    names = set()
    for frame in frames:
        protocol, to, port, payload = flow(frame)
        assert (protocol, to, port) == ("udp", WAN4, 53), f"{protocol} to {to} port {port} left the router"
        names.add(asked_name(payload))
    ours = {name for name in names if not name.endswith("telltale.example")}
    assert ours == set(), "the agent asked for names that nobody asked it for"
    assert BLOCKED not in names, "a refused name was asked for upstream"


def test_no_log_line_names_anybody_or_any_site(lab: Lab, resident: Resident) -> None:
    live(lab, resident)
    said = resident.said()
    assert "ready" in said
    for word in ("telltale", LABEL, ALICE_MAC, ALICE_MAC.replace(":", ""), ALICE4):
        assert word.lower() not in said.lower(), said
    assert not re.search(r"\b\d{1,3}(\.\d{1,3}){3}\b", said), said
