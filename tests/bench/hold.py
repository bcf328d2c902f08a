"""How long it takes to hold devices among a household's open flows: acknowledged, longest step of the loop, silent.

    python -m tests.bench.hold [--devices 20] [--flows 2000] [--others 48000]

Half of the flows are IPv6. Everything is in a network namespace of its own; conntrack's entries are made by netlink.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import socket
import statistics
import struct
import time
from collections.abc import Generator
from pathlib import Path

from agent.core.netlink import ACK, CREATE, EXCL, Message, attribute, encode, nested, u32
from agent.daemon.kernel.flow_ending import FlowEnding
from agent.daemon.kernel.holding import Holding
from agent.daemon.kernel.nfsocket import open_socket
from agent.daemon.kernel.switch import Switch

CLONE_NEWNET = 0x40000000
BATCH = 64
SERVER4, SERVER6 = socket.inet_aton("198.51.100.1"), socket.inet_pton(socket.AF_INET6, "2001:db8::1")


def mac(number: int) -> bytes:
    return b"\x3c\x22\xfb" + number.to_bytes(3, "big")


def address4(number: int) -> bytes:
    return bytes([192, 168, 50 + number // 250, number % 250 + 2])


def address6(number: int) -> bytes:
    return socket.inet_pton(socket.AF_INET6, "2001:db8:50::")[:14] + number.to_bytes(2, "big")


def entry(source: bytes, target: bytes, port: int) -> Message:
    kinds = (1, 2) if len(source) == 4 else (3, 4)

    def tuple_of(kind: int, one: bytes, other: bytes, ports: tuple[int, int]) -> bytes:
        protocol = attribute(1, b"\x11") + b"".join(
            attribute(2 + at, struct.pack(">H", p)) for at, p in enumerate(ports)
        )
        return nested(kind, nested(1, attribute(kinds[0], one), attribute(kinds[1], other)), nested(2, protocol))

    body = tuple_of(1, source, target, (port, 443)) + tuple_of(2, target, source, (443, port)) + u32(7, 3600)
    family = 2 if len(source) == 4 else 10
    return Message(1 << 8, ACK | CREATE | EXCL, bytes([family, 0, 0, 0]) + body)


def fill(sock: socket.socket, devices: list[int], flows: int) -> None:
    """Flows spread over the devices, half of them IPv6."""
    made = []
    for at in range(flows):
        device, port = devices[at % len(devices)], 1024 + at // len(devices) // 2
        six = at // len(devices) % 2
        made.append(entry(address6(device), SERVER6, port) if six else entry(address4(device), SERVER4, port))
    for start in range(0, len(made), BATCH):
        sock.send(b"".join([encode(message, 1) for message in made[start : start + BATCH]]))
        for _ in made[start : start + BATCH]:
            answer = sock.recv(4096)
            error = struct.unpack_from("i", answer, 16)[0]
            if error:
                raise OSError(-error, os.strerror(-error))


NUMBERS = {mac(number): number for number in range(200)}


def addresses(one: bytes) -> list[str]:
    number = NUMBERS[one]
    return [socket.inet_ntoa(address4(number)), socket.inet_ntop(socket.AF_INET6, address6(number))]


def count() -> int:
    return int(Path("/proc/sys/net/netfilter/nf_conntrack_count").read_text())


class Steps:
    """A loop of nothing but tasks, which notes how long each step takes."""

    def __init__(self) -> None:
        self.tasks: list[Generator[float | None, None, None]] = []
        self.longest = 0.0

    def task(self, steps: Generator[float | None, None, None]) -> None:
        self.tasks.append(steps)

    def run(self) -> None:
        """All until they wait for something else."""
        for steps in self.tasks:
            while True:
                began = time.thread_time()
                try:
                    pause_s = next(steps)
                except StopIteration:
                    break
                self.longest = max(self.longest, time.thread_time() - began)
                if pause_s:
                    break
        self.tasks = []


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--devices", type=int, default=20)
    parser.add_argument("--flows", type=int, default=2000)
    parser.add_argument("--others", type=int, default=48000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    sock = open_socket()
    assert sock is not None
    filling = open_socket()
    assert filling is not None
    filling.setblocking(True)
    for held in (1, given.devices):
        acknowledged, silent, longest = [], [], []
        for _ in range(given.runs):
            filling.send(encode(Message(1 << 8 | 2, ACK, bytes(4)), 1))  # flush
            filling.recv(4096)
            fill(filling, list(range(given.devices)), given.flows)
            fill(filling, list(range(100, 200)), given.others)
            before = count()
            steps = Steps()
            switch = Switch(sock, ["br-lan"], 5391)
            ending = FlowEnding(switch.each, addresses, ["br-lan"])
            holding = Holding(switch, ending, steps.task)
            holding.begin()
            switch.apply({mac(200): 0x40008001})
            began = time.perf_counter()
            holding.want({mac(number) for number in range(held)})
            acknowledged.append(time.perf_counter() - began)
            steps.run()
            silent.append(time.perf_counter() - began)
            longest.append(steps.longest)
            gone = before - count()
            switch.close()
        ms = [1000 * statistics.median(values) for values in (acknowledged, longest, silent)]
        print(
            f"{held} of {given.devices} devices, {gone} of {before} flows ended: "
            f"acknowledged {ms[0]:.1f} ms, longest step {ms[1]:.1f} ms of CPU, all ended {ms[2]:.0f} ms"
        )


if __name__ == "__main__":
    main()
