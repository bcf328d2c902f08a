"""What the router's disk, clock, memory and neighbours do to the house: no hand in its own processes."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import time

from agent.client import ControlError, Unreachable
from tests.campaign.house import House
from tests.lab.lab import ALICE4, ALICE_MAC, BOB4, RESOLVER4, ROUTER4, ROUTER_MAC
from tests.promises.running import query
from tests.world.memory import FILES, Group

YEARS_S = 10 * 365 * 86400
SPOOFED = 100_000
NEIGHBOUR_S = 4.0  # three questions for an address, one a second
WRITES, SYNCS, NAMES = 1, 2, 4


def slow_disk(house: House, rng: random.Random) -> None:
    house.trouble.set(sync_s=rng.uniform(0.3, 2.0))
    time.sleep(rng.uniform(0.5, 3.0))
    house.trouble.set()


def failing_disk(house: House, rng: random.Random) -> None:
    """EIO at each call of a kind, or at one of a few."""
    kinds = rng.choice((WRITES, SYNCS, NAMES, WRITES | SYNCS | NAMES))
    house.trouble.set(kinds=kinds, every=rng.choice((1, 2, 3, 7)))
    time.sleep(rng.uniform(0.2, 2.0))
    house.trouble.set()


def clock_jump(house: House, rng: random.Random) -> None:
    house.trouble.set(clock_s=rng.choice((-YEARS_S, YEARS_S)))
    time.sleep(rng.uniform(0.2, 2.0))
    house.trouble.set()


def memory_limit(house: House, rng: random.Random) -> None:
    """The daemon may have a few megabytes more and no others, while it has much to do."""
    pid = house.daemon
    if pid is None:
        return
    for root in FILES:
        with contextlib.suppress(OSError):
            group = Group(root, f"campaign-{time.monotonic_ns()}", rng.choice((2, 6, 20)) << 20)
            break
    else:
        return
    try:
        with contextlib.suppress(OSError):
            (group.path / "cgroup.procs").write_text(str(pid))
        with contextlib.suppress(Unreachable, OSError, ControlError):
            client = house.client()
            try:
                client.call("lists.update")
            finally:
                client.close()
        time.sleep(rng.uniform(0.2, 1.5))
    finally:
        for left in (group.path / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):
                (root / "cgroup.procs").write_text(left)
        group.remove()


def spoofed(house: House, rng: random.Random) -> None:
    """From one cable, under as many senders as there are frames: a quarter under Alice's own address of the cable."""
    frames = [frame(rng, number) for number in range(2000)]
    with house.space(0).inside(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)) as link:
        link.bind(("eth0", 0))
        for sent in range(SPOOFED):
            with contextlib.suppress(OSError):
                link.send(frames[sent % len(frames)])
            if sent % 500 == 0:
                time.sleep(0.005)


def frame(rng: random.Random, number: int) -> bytes:
    source = bytes.fromhex(ALICE_MAC.replace(":", "")) if number % 4 == 0 else b"\x02" + rng.randbytes(5)
    wire = query(f"spoofed{number}.who", number)
    address = socket.inet_aton(f"192.168.50.{rng.randrange(210, 254)}")
    udp = struct.pack(">HHHH", rng.randrange(1024, 65536), 53, 8 + len(wire), 0) + wire
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), number, 0, 64, 17, 0) + address + socket.inet_aton(ROUTER4)
    total = sum(struct.unpack(">10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + struct.pack(">H", ~total & 0xFFFF) + head[12:]
    return bytes.fromhex(ROUTER_MAC.replace(":", "")) + source + b"\x08\x00" + head + udp


HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
OPENINGS = (HELLO, b"GET / HTTP/1.1\r\nHost: ", b"POST", b"\x16\x03\x01\xff\xff", b"\xc3\0\0\0\1\x08", b"", b"\0" * 900)


def bad_openings(house: House, rng: random.Random) -> None:
    """Connections of a protected device that begin with anything, in pieces, ended at any time."""
    space = house.space(0)
    for _ in range(12):
        data = rng.choice(OPENINGS) + rng.randbytes(rng.randrange(1200))
        with contextlib.suppress(OSError):
            if rng.randrange(3) == 0:
                with space.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as link:
                    link.sendto(data[:1200], (RESOLVER4, 443))
                continue
            port = rng.choice((80, 443))
            with space.inside(lambda port=port: socket.create_connection((RESOLVER4, port), 1)) as link:
                cut = rng.randrange(len(data) + 1)
                link.sendall(data[:cut])
                time.sleep(0.01)
                link.sendall(data[cut:])


def link_anew(house: House, rng: random.Random) -> None:
    """A device's interface goes, and comes as another one with its address, as Wi-Fi does after a restart."""
    at = rng.randrange(2)
    device, space, lab = house.devices[at], house.space(at), house.lab
    device.cut_until = time.monotonic() + 3600
    lab.router.ip.link("del", index=lab.router.index("p-" + device.label))
    time.sleep(rng.uniform(0.0, 0.5))
    lab._wire_client(space, "br-lan", device.mac)
    space.address("eth0", (ALICE4, BOB4)[at] + "/24")
    space.default_route(ROUTER4)
    lab.addresses6(space)
    device.cut_until = time.monotonic() + NEIGHBOUR_S


SURROUNDINGS = {
    "slow-disk": slow_disk,
    "failing-disk": failing_disk,
    "clock-jump": clock_jump,
    "memory-limit": memory_limit,
    "spoofed": spoofed,
    "bad-openings": bad_openings,
    "link-anew": link_anew,
}

__all__ = ["SURROUNDINGS"]
