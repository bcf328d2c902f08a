"""Connections for the benchmark, made in a client's namespace: `python -m tests.bench.flood SERVER NUMBER AT_ONCE`.

They come as browsers make them: AT_ONCE are opened, then each sends a hello and waits for its answer. With AT_ONCE 0
hellos come as bare packets of as many connections, at a RATE a second: `... SERVER NUMBER 0 RATE INTERFACE ROUTER_MAC`.
"""

import socket
import struct
import sys
import time

from tests.lab.web import GREETING, hello

NAMES = 200
RESET_AT_CLOSE = struct.pack("ii", 1, 0)
ALICE4 = "192.168.50.10"
PORTS = range(1024, 65536)


def hellos() -> list[bytes]:
    return [hello(f"host{n}.site{n % 50}.example", 300) for n in range(NAMES)]


def checksum(data: bytes) -> int:
    """The internet checksum (RFC 1071)."""
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def connect(server: str, number: int, at_once: int) -> None:
    data = hellos()
    for begin in range(0, number, at_once):
        made = [opened(server) for _ in range(min(at_once, number - begin))]
        for at, sock in enumerate(made, begin):
            sock.send(data[at % NAMES])
        for sock in made:
            assert sock.recv(100) == GREETING
            sock.close()


def opened(server: str) -> socket.socket:
    made = socket.create_connection((server, 443), timeout=5)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # No TIME_WAIT, or the client would soon be without ports.
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
    return made


def frames(server: str, number: int, source: bytes, router: str) -> list[bytes]:
    """Ethernet frames, each with the hello of another connection."""
    data = hellos()
    head = bytes.fromhex(router.replace(":", "")) + source + b"\x08\x00"
    addresses = socket.inet_aton(ALICE4) + socket.inet_aton(server)
    made = []
    for at in range(number):
        port, piece = PORTS[at % len(PORTS)], data[at % NAMES]
        tcp = struct.pack(">HHIIBBHHH", port, 443, 1 + at, 1, 5 << 4, 0x18, 65535, 0, 0) + piece
        tcp = tcp[:16] + struct.pack(">H", checksum(addresses + struct.pack(">HH", 6, len(tcp)) + tcp)) + tcp[18:]
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), at & 65535, 0, 64, 6, 0) + addresses
        made.append(head + ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:] + tcp)
    return made


def replay(server: str, number: int, rate: int, interface: str, router: str) -> None:
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind((interface, 0))
    ready = frames(server, number, sock.getsockname()[4], router)
    began = time.monotonic()
    for at, frame in enumerate(ready):
        while (time.monotonic() - began) * rate < at:
            pass
        sock.send(frame)
    print(f"{time.monotonic() - began:.3f}")


if __name__ == "__main__":
    if sys.argv[3] == "0":
        replay(sys.argv[1], int(sys.argv[2]), int(sys.argv[4]), sys.argv[5], sys.argv[6])
    else:
        connect(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
