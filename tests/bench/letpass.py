"""A reader of the queue that lets everything pass, to tell what queue and rules cost from what judging does.

`python -m tests.bench.letpass MAC`, in the router's namespace. For each line of standard input it protects that device
in the way that the agent does ("on"), or takes the table down ("off"), and says "done".
"""

import select
import sys

from agent.core.known_resolvers import ADDRESSES
from agent.core.marks import DEFAULT
from agent.core.nft.inspection import DONE, BypassRules, Inspection
from agent.core.nft.nfqueue import Accepting
from agent.daemon.kernel.nfsocket import open_socket
from agent.daemon.kernel.queue import Queue
from agent.daemon.kernel.switch import Switch

NUMBER, COPY_BYTES = 100, 4096
ID_AT = 24  # of a packet's message: its first attribute


def main(mac: bytes) -> None:
    verdict, accept = DEFAULT.state(DONE), Accepting(NUMBER).verdict
    queue = Queue(NUMBER, COPY_BYTES, lambda packet: None, lambda packet: None).queue
    switch = Switch(open_socket(), ["br-lan"], 5301)
    around = BypassRules(True, True, ADDRESSES)
    switch.judge([Inspection(NUMBER, COPY_BYTES, by_target, around) for by_target in (False, True)])
    poll = select.poll()
    poll.register(queue, select.POLLIN)
    poll.register(0, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == queue.fileno():
                data = queue.recv(1 << 16)
                queue.send(accept(int.from_bytes(data[ID_AT : ID_AT + 4], "big"), verdict))
            elif not obeyed(switch, mac):
                return


def obeyed(switch: Switch, mac: bytes) -> bool:
    """Whether there was an order."""
    order = sys.stdin.buffer.raw.readline()
    if order == b"on\n":
        switch.apply({mac: DEFAULT.pack(1, 1)}, frozenset([mac]))
    elif order == b"off\n":
        switch.close()
    print("done", flush=True)
    return bool(order)


if __name__ == "__main__":
    main(bytes.fromhex(sys.argv[1].replace(":", "")))
