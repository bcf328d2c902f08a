"""Bulk data through the router, for the benchmark: `python -m tests.bench.bulk take` is the server, on port 443;
`... give SERVER` sends as many megabytes as it reads, each time on a connection that opens with a hello."""

import socket
import sys

from tests.lab.web import hello

PIECE = bytes(1 << 16)


def take() -> None:
    listener = socket.create_server(("::", 443), family=socket.AF_INET6, dualstack_ipv6=True)
    room = bytearray(1 << 18)
    while True:
        made = listener.accept()[0]
        while made.recv_into(room):
            pass
        made.close()


def give(server: str) -> None:
    """For each line of standard input, which says megabytes, one connection; says when all of it was taken."""
    for line in sys.stdin:
        made = socket.create_connection((server, 443))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.send(hello("www.bulk.example", 300))
        for _ in range(int(line) * 16):
            made.sendall(PIECE)
        made.shutdown(socket.SHUT_WR)
        made.recv(1)
        made.close()
        print("taken", flush=True)


if __name__ == "__main__":
    take() if sys.argv[1] == "take" else give(sys.argv[2])
