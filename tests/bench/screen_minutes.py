"""What a device sends in a minute by what it is used for, and what core/minutes.py makes of it:
`python -m tests.bench.screen_minutes` (root).

Traffic is modelled, its packets are not: real TCP between two namespaces, counted where they leave the device. With
segments put together by the receiver (as Wi-Fi drivers do, few acknowledgements) and without (many).
"""

import ctypes
import fcntl
import os
import socket
import struct
import threading

from agent.core.minutes import BUSY_PACKETS, busy, mark, minutes
from tests.lab.spaces import Space

SERVER, DEVICE = "10.9.0.1", "10.9.0.2"
PORT = 8443
FEWER = 30  # what a chat would need
_SIOCETHTOOL = 0x8946
_OFFLOADS = (0x1F, 0x24, 0x2C)  # TSO, GSO, GRO

# A minute's transfers: (bytes up, bytes down) each, all of one group over one connection.
Minute = list[list[tuple[int, int]]]
REQUEST = [(600, 4_000), (400, 20_000)]
KEEPALIVE = [(100, 100)]


def video(megabits: float) -> Minute:
    return [[(800, int(megabits * 4 * 125_000))] * 15]


USES: dict[str, list[Minute]] = {
    "video, 2.5 Mbit/s": [video(2.5)],
    "video, 0.7 Mbit/s": [video(0.7)],
    "music, 128 kbit/s": [[[(800, 160_000)] * 6]],
    "chat: 6 messages, 2 pictures": [[[(300, 200)] * 18, [(500, 150_000)] * 2]],
    "a page opened, then read": [[REQUEST] * 12, [], []],
    "scrolling a feed": [[REQUEST] * 10 + [[(600, 300_000)] * 6]],
    "an update, 20 Mbit/s": [[[(500, 15_000_000)] * 10]],
    "nobody: five tabs that report": [[[(700, 300)] * 2] * 5],
    "nobody: a lively group's messages and 2 pictures": [[[(40, 500)] * 10, [(500, 150_000)] * 2]],
    "photo backup, 5 MB a minute": [[[(2_500_000, 200)] * 2]],
}


def quiet(hours: int) -> list[Minute]:
    """A phone in nobody's hand: a push connection, checks every quarter of an hour, a larger one each hour, one
    backup of photos."""
    day: list[Minute] = []
    for minute in range(hours * 60):
        work: Minute = [KEEPALIVE] if minute % 4 == 0 else []
        work += [REQUEST] * 3 if minute % 15 == 0 else []
        work += [REQUEST] * 12 if minute % 60 == 7 else []
        work += [[(2_500_000, 200)] * 2] if 120 <= minute < 126 else []
        day.append(work)
    return day


def exact(sock: socket.socket, size: int) -> None:
    while size:
        size -= len(sock.recv(min(size, 1 << 16))) or size


def serve(listener: socket.socket) -> None:
    while True:
        try:
            sock = listener.accept()[0]
        except OSError:
            return
        with sock:
            while len(head := sock.recv(8, socket.MSG_WAITALL)) == 8:
                up, down = struct.unpack("!II", head)
                exact(sock, up)
                sock.sendall(bytes(down))


class Wire:
    def __init__(self, together: bool) -> None:
        self.server, self.device = Space(f"minutes-{os.getpid()}-s"), Space(f"minutes-{os.getpid()}-d")
        self.server.ip.link("add", ifname="w", kind="veth", peer={"ifname": "w", "net_ns_fd": self.device.name})
        for space, address in ((self.server, SERVER), (self.device, DEVICE)):
            space.up("w")
            space.address("w", address + "/24")
            if not together:
                space.inside(lambda: alone("w"))
        self.listener = self.server.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.bind((SERVER, PORT))
        self.listener.listen(64)
        threading.Thread(target=serve, args=(self.listener,), daemon=True).start()

    def sent(self) -> tuple[int, int]:
        """Packets and bytes that left the device."""
        link = self.device.ip.get_links(ifname="w")[0]
        stats = link.get_attr("IFLA_STATS64")
        return stats["tx_packets"], stats["tx_bytes"]

    def minute(self, work: Minute) -> tuple[int, int]:
        before = self.sent()
        for group in work:
            sock = self.device.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.connect((SERVER, PORT))
            for up, down in group:
                sock.sendall(struct.pack("!II", up, down) + bytes(up))
                exact(sock, down)
            sock.close()
        after = self.sent()
        return after[0] - before[0], after[1] - before[1]

    def close(self) -> None:
        self.listener.close()
        self.device.close()
        self.server.close()


def alone(interface: str) -> None:
    """No segments are put together."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for offload in _OFFLOADS:
            value = ctypes.create_string_buffer(struct.pack("II", offload, 0))
            request = struct.pack("16sP", interface.encode(), ctypes.addressof(value))
            fcntl.ioctl(sock, _SIOCETHTOOL, request.ljust(40, b"\0"))


def used(wire: Wire, day: list[Minute], least: int = BUSY_PACKETS) -> int:
    bits = 0
    seen: dict[str, tuple[int, int]] = {}
    for at, work in enumerate(day):
        found = seen.setdefault(str(work), wire.minute(work) if str(work) not in seen else (0, 0))
        if found[0] >= least and busy(max(found[0], BUSY_PACKETS), found[1]):
            bits = mark(bits, at)
    return minutes(bits)


def hour(work: list[Minute]) -> list[Minute]:
    return (work * 60)[:60]


def main() -> None:
    print(f"packets a minute (busy from {BUSY_PACKETS} on), and minutes that count of an hour of it")
    for together in (True, False):
        wire = Wire(together)
        try:
            print("segments put together" if together else "each segment alone")
            for name, work in USES.items():
                packets = [wire.minute(one)[0] for one in work]
                print(f"  {name}: {packets} {used(wire, hour(work))}, from {FEWER} on {used(wire, hour(work), FEWER)}")
            print(f"  quiet phone, eight hours: {used(wire, quiet(8))} minutes")
        finally:
            wire.close()


if __name__ == "__main__":
    main()
