"""What a rewritten answer costs beside a cached one: `python -m tests.bench.safe_search`.

A device asks again and again for a host and for one with a safe form; both answers lie in its view's cache. The time
is the processor's, of a whole turn: read, look up, send. Once a second the TTLs are counted down as well.
"""

import socket
import tempfile
import time
from pathlib import Path

import dnslib

from agent.daemon.dns.pending import Listener
from tests.daemon.household_dns import PROTECTED, Resolving
from tests.daemon.test_safe_search import internet

ROUNDS, QUERIES = 40, 2000


class Nobody(Listener):
    def send(self, message: bytes, to: object) -> None:
        pass


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        net = Resolving(Path(folder), internet)
        net.modes = {1: ("on", "off")}
        net.swap(net.policy)
        device = net.device(PROTECTED)
        names = {"cached": "www.example.com", "rewritten": "www.google.com"}
        for name in names.values():
            for _ in range(3):
                device.ask(name)
        best: dict[str, float] = {}
        for _ in range(ROUNDS):
            for kind, name in names.items():
                best[kind] = min(best.get(kind, 1.0), hits(net, name))
        counted = {kind: min(renewals(net, name) for _ in range(ROUNDS)) for kind, name in names.items()}
        net.close()
    for what, found in (("hit", best), ("hit, TTLs counted down", counted)):
        ratio = found["rewritten"] / found["cached"]
        print(
            f"{what}: cached {found['cached'] * 1e6:.2f} us, rewritten {found['rewritten'] * 1e6:.2f} us: {ratio:.2f}"
        )


def hits(net: Resolving, name: str) -> float:
    """Seconds for one, by real sockets."""
    message = bytes(dnslib.DNSRecord.question(name).pack())
    asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asking.bind((PROTECTED, 0))
    asking.settimeout(5.0)
    front = net.dns._fronts[0]
    spent = 0.0
    for _ in range(QUERIES // 50):
        for _ in range(50):
            asking.sendto(message, ("127.0.0.1", net.port))
        began = time.process_time()
        front._expected = 50  # type: ignore[attr-defined]
        front._read_plain()  # type: ignore[attr-defined]
        spent += time.process_time() - began
        for _ in range(50):
            asking.recv(4096)
    asking.close()
    return spent / QUERIES


def renewals(net: Resolving, name: str) -> float:
    """Seconds for one whose TTLs are counted down."""
    message = bytes(dnslib.DNSRecord.question(name).pack())
    lane = net.dns.lanes.find(PROTECTED, None, PROTECTED)
    front = Nobody()
    net.dns.query(lane, message, front, None)
    reply = lane.replies.find(message[2:])
    began = time.process_time()
    for _ in range(QUERIES):
        reply.until = 0.0
        net.dns.query(lane, message, front, None)
    return (time.process_time() - began) / QUERIES


if __name__ == "__main__":
    main()
