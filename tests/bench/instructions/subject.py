"""The household whose instructions are counted: real databases, rule set, sockets and loop, a clock that stands still.

Started by run.py under callgrind. It turns its loop and takes orders on stdin; each getsid(2) makes callgrind write
down what was counted since the one before (--dump-before), so the orders around a measured part call it.
"""

import gc
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from agent.core import settings as settings_table  # noqa: E402
from agent.core.nft.inspection import MAGIC  # noqa: E402
from agent.core.nft.nfqueue import Accepting  # noqa: E402
from agent.core.policy import Policy  # noqa: E402
from agent.core.settings import mark_layout  # noqa: E402
from agent.daemon import bootstrap  # noqa: E402
from agent.daemon.connections.inspector import Inspector  # noqa: E402
from agent.daemon.edges import Edges  # noqa: E402
from agent.daemon.kernel.queue import Queue, _readable  # noqa: E402
from agent.daemon.loop import Loop  # noqa: E402
from agent.daemon.operations import TABLE  # noqa: E402
from agent.daemon.runtime.dns_service import DnsService  # noqa: E402

MAC = "02:00:00:00:00:01"


class FedQueue(Queue):
    """The kernel's queue with its messages coming by a pair of sockets, so that no rules are needed."""

    def __init__(self, end: socket.socket, inspector: Inspector) -> None:
        self._verdict, self.packets = Accepting(0).verdict, 0
        self._judge, self._note = inspector.judge, inspector.note
        self._sent: Callable[[], None] = lambda: None
        self.queue = end
        self._more = _readable(end)


class SubjectEdges(Edges):
    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.dns: DnsService | None = None

    def turn(self) -> float:
        return self._loop.now

    def swap(self, policy: Policy) -> None:
        if self.dns:
            self.dns.swap(policy)

    def drain(self) -> None:
        if self.dns:
            self.dns.drain()

    def hand_over(self) -> None:
        if self.dns:
            self.dns.hand_over()


class Subject:
    def __init__(self, settings_file: str, features: str) -> None:
        self.now = 1000.0
        self.counting = False
        self.loop = Loop(lambda: self.now)
        settings = settings_table.read(Path(settings_file).read_text())
        edges = SubjectEdges(self.loop)
        self.household = bootstrap.build(settings, edges)
        self.household.begin()
        self.household.load_lists()
        self.dns = edges.dns = DnsService(self.loop, settings, self.household)
        by_mark = settings.text("identity") == "mark"
        whose = {"mac": MAC} if by_mark else {"address": "127.0.0.1"}
        device = self.ask("device.add", label="tablet", **whose)
        for feature in features.split(","):
            self.ask("on", device_id=device["id"], feature=feature, agree=1)
        self.mark = mark_layout(settings).pack(1, self.household.gate.generation(1))
        self.loop.add(0, self.order)
        if by_mark:
            self.feed(mark_layout(settings))
        print("ready", self.mark, flush=True)

    def feed(self, layout) -> None:  # type: ignore[no-untyped-def]
        household = self.household
        self.inspector = Inspector(
            household.clients,
            household.recorder,
            household.policy,
            lambda: self.loop.now,
            lambda client: None,
            lambda *packet: False,
            layout,
            household.policies.warn,
        )
        mine = socket.socket(fileno=int(os.environ["QUEUE_FD"]))
        mine.setblocking(False)
        self.loop.add(mine, FedQueue(mine, self.inspector).read_queue)
        self.source = self.mark.to_bytes(4, sys.byteorder) + MAGIC

    def ask(self, op: str, **arguments: object):  # type: ignore[no-untyped-def]
        result = TABLE[op](self.household, arguments)
        if isinstance(result, dict):
            return result
        while True:
            try:
                next(result)
            except StopIteration as done:
                return done.value

    def order(self) -> None:
        word, _, argument = os.read(0, 100).decode().strip().partition(" ")
        if word == "count":
            self.counting = not self.counting
            if self.counting:
                gc.collect()  # or one that goes over all there is falls into a count now and then
            os.getsid(0)
        elif word == "record":
            # As the timers do: what the DNS side noted, then a batch.
            os.getsid(0)
            self.household.flush()
            os.getsid(0)
        elif word == "later":
            self.now += float(argument)
        else:
            self.loop.stop()
        print("done", flush=True)


if __name__ == "__main__":
    Subject(*sys.argv[1:]).loop.run()
