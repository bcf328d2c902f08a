"""The resolver that the agent asks: one that is told on stdin to be dead, slow, or to lie.

python -m tests.campaign.upstream ADDRESS PORT; a line is "well", "dead", "slow SECONDS", "lie" or "flood".
"""

import heapq
import random
import select
import socket
import sys
import time

from tests.lab.lab import WHO_AGENT
from tools.responder import ADDRESSES, answer

ADDRESSES[1] = socket.inet_aton(WHO_AGENT)
PRIVATE = socket.inet_aton("192.168.50.10")


def lies(reply: bytes, rng: random.Random) -> bytes:
    """What a bad or broken server says in place of a reply."""
    return rng.choice(
        (
            bytes([reply[0] ^ 0x55]) + reply[1:],  # to another question
            reply[:12] + b"\x03xyz" + reply[12:],
            reply[: rng.randrange(len(reply))],
            reply.replace(ADDRESSES[1], PRIVATE),
            reply[:6] + b"\xff\xff\xff\xff\xff\xff" + reply[12:],
            reply[:12] + b"\xc0\x0c" * 200,  # a name that points at itself
            rng.randbytes(rng.randrange(1, 600)),
        )
    )


def main(address: str, port: int) -> None:
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.bind((address, port))
    mode, rng = ["well"], random.Random(1)
    late: list[tuple[float, bytes, tuple[str, int]]] = []
    while True:
        wait_s = max(0.0, late[0][0] - time.monotonic()) if late else 1.0
        ready = select.select([link, sys.stdin], [], [], wait_s)[0]
        while late and late[0][0] <= time.monotonic():
            _, reply, sender = heapq.heappop(late)
            link.sendto(reply, sender)
        if sys.stdin in ready:
            line = sys.stdin.readline()
            if not line:
                return
            mode = line.split()
        if link not in ready:
            continue
        query, sender = link.recvfrom(4096)
        reply = answer(query) or b""
        if not reply or mode[0] == "dead":
            continue
        if mode[0] == "lie":
            link.sendto(lies(reply, rng), sender)
        elif mode[0] == "slow":
            heapq.heappush(late, (time.monotonic() + float(mode[1]), reply, sender))
        else:
            for _ in range(30 if mode[0] == "flood" else 1):
                link.sendto(reply, sender)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
