"""Many connections at once, from a client's namespace: `python -m tests.lab.many SERVER NUMBER`.

All are open before the first byte. Each then sends the first half of a hello that two packets carry; after a line of
standard input the second half, and waits for its answer. Prints "half", then how many were answered.
"""

import resource
import select
import socket
import sys
import time

from tests.lab.web import GREETING, hello

SILENCE_S = 30.0  # without one more answer; how long all take depends on the machine
FIRST = 1000


def main(server: str, number: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (number + 100, number + 100))
    made = [socket.create_connection((server, 443), timeout=60) for _ in range(number)]
    hellos = [hello(f"www.n{at}.example", 1600) for at in range(number)]
    for sock, data in zip(made, hellos, strict=True):
        sock.send(data[:FIRST])
    print("half", flush=True)
    sys.stdin.readline()
    for sock, data in zip(made, hellos, strict=True):
        sock.send(data[FIRST:])
    print(answered(made), flush=True)


def answered(made: list[socket.socket]) -> int:
    poll = select.poll()
    waiting = {sock.fileno(): sock for sock in made}
    for descriptor in waiting:
        poll.register(descriptor, select.POLLIN)
    end = time.monotonic() + SILENCE_S
    while waiting and time.monotonic() < end:
        for descriptor, _ in poll.poll(1000):
            if waiting[descriptor].recv(100) != GREETING:
                return len(made) - len(waiting)
            poll.unregister(descriptor)
            del waiting[descriptor]
            end = time.monotonic() + SILENCE_S
    return len(made) - len(waiting)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
