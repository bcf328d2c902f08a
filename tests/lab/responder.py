"""A tiny daemon around the real switch: whoever reaches it is told which device the kernel says it is.

Run in the router's namespace. It answers every query with 10.<slot>.<generation>.<0 udp, 1 tcp>; strangers get no
answer, but are counted. Commands come as JSON lines on stdin: {"op": "apply", "wanted": {mac: [slot, generation]}},
"hold" or "count" (macs), "admit", "counts", "lose", "flush", "flush_marked", "release", "seen", "verify", "trouble",
"hang", "write". What was applied is kept in the file that is its argument, and armed again by the next daemon after a
crash.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Generator
from pathlib import Path

from agent.core import marks
from agent.core.addresses import parse
from agent.core.nft.hold_rules import CALLS, SPARED, HoldingRules
from agent.core.nft.teardown import farewell
from agent.daemon import guard
from agent.daemon.kernel.flow_ending import FlowEnding
from agent.daemon.kernel.holding import Holding
from agent.daemon.kernel.neighbours import Neighbours
from agent.daemon.kernel.netfilter import NetfilterError
from agent.daemon.kernel.nfsocket import open_socket
from agent.daemon.kernel.switch import Switch

PORT, PAGE_PORT = 5391, 5393
INTERFACES = ["br-lan", "br-guest"]
SO_MARK, SO_RCVMARK = 36, 75
TCP_SAVE_SYN, TCP_SAVED_SYN = 27, 28
IPV6_RECVPKTINFO, IPV6_PKTINFO = 49, 50


class Responder:
    def __init__(self, switch: Switch, memory: Path) -> None:
        self.switch = switch
        self.memory = memory
        self.seen: list[tuple[str, int, int]] = []
        self.strangers = 0
        self.udp = listener(socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, SO_RCVMARK, 1)
        self.udp.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
        self.tcp = listener(socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.IPPROTO_TCP, TCP_SAVE_SYN, 2)
        self.tcp.listen()
        self.neighbours = Neighbours(INTERFACES, "")
        switch.holding = HoldingRules(INTERFACES, (), PAGE_PORT)
        ending = FlowEnding(switch.each, self.neighbours.addresses_of, INTERFACES)
        self.holding = Holding(switch, ending, self.task)
        self.holding.begin()
        self.tasks: list[tuple[float, Generator[float | None, None, None]]] = []
        self.connections: dict[int, tuple[socket.socket, int | None]] = {}
        self.poll = select.poll()
        self.poll.register(self.udp, select.POLLIN)
        self.poll.register(self.tcp, select.POLLIN)

    def task(self, steps: Generator[float | None, None, None]) -> None:
        self.tasks.append((0.0, steps))

    def step_tasks(self) -> None:
        tasks, self.tasks = self.tasks, []
        for due, steps in tasks:
            if due > time.monotonic():
                self.tasks.append((due, steps))
                continue
            for pause_s in steps:
                if pause_s is not None:
                    self.tasks.append((time.monotonic() + pause_s, steps))
                    break

    def turn(self, timeout_ms: int) -> list[int]:
        """Answers what is there; returns the descriptors that are somebody else's."""
        self.step_tasks()
        others = []
        for fd, _ in self.poll.poll(timeout_ms):
            if fd == self.udp.fileno():
                self.datagrams()
            elif fd == self.tcp.fileno():
                self.accept()
            elif fd in self.connections:
                self.segment(fd)
            else:
                others.append(fd)
        return others

    def datagrams(self) -> None:
        while True:
            try:
                query, ancillary, _, sender = self.udp.recvmsg(4096, 256)
            except BlockingIOError:
                return
            mark = None
            reply_from = []
            for level, kind, data in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, SO_MARK):
                    mark = struct.unpack("I", data[:4])[0]
                elif (level, kind) == (socket.IPPROTO_IPV6, IPV6_PKTINFO):
                    reply_from = [(level, kind, data)]
            if reply := self.answer(query, mark, 0):
                self.udp.sendmsg([reply], reply_from, 0, sender)

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.tcp.accept()
            except BlockingIOError:
                return
            connection.setblocking(False)
            mark = marks.of_syn(connection.getsockopt(socket.IPPROTO_TCP, TCP_SAVED_SYN, 256))
            self.connections[connection.fileno()] = (connection, mark)
            self.poll.register(connection, select.POLLIN)

    def segment(self, fd: int) -> None:
        connection, mark = self.connections[fd]
        try:
            data = connection.recv(4096)
        except OSError:
            data = b""
        reply = self.answer(data[2:], mark, 1) if data else None
        if reply:
            connection.send(struct.pack(">H", len(reply)) + reply)
            return
        self.poll.unregister(fd)
        del self.connections[fd]
        connection.close()

    def answer(self, query: bytes, mark: int | None, path: int) -> bytes | None:
        place = marks.unpack(mark) if mark is not None else None
        if place is None:
            self.strangers += 1
            return None
        self.seen.append((("udp", "tcp")[path], *place))
        end = query.index(b"\0", 12) + 5
        record = struct.pack(">HHHIHBBBB", 0xC00C, 1, 1, 0, 4, 10, *place, path)
        return query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:end] + record

    def apply(self, places: dict[str, list[int]]) -> None:
        wanted = {bytes.fromhex(mac.replace(":", "")): marks.pack(*place) for mac, place in places.items()}
        self.switch.apply(wanted)
        self.memory.write_text(json.dumps(places))

    def hold(self, order: dict[str, object]) -> None:
        if order["op"] == "count":
            self.switch.count(frozenset([bytes.fromhex(mac.replace(":", "")) for mac in order["macs"]]))
            return
        if order["op"] == "lose":
            self.switch._netfilter.commit(self.switch._steering.disarm())
            return
        if order["op"] == "admit":
            names = SPARED if order["set"] == "spared" else CALLS
            self.switch.admit(names, [parse(address) for address in order["addresses"]])
            return
        self.neighbours.read()
        self.holding.want({bytes.fromhex(mac.replace(":", "")) for mac in order["macs"]})
        self.step_tasks()

    def counts(self) -> dict[str, list[int]]:
        return {mac.hex(":"): list(found) for mac, found in self.switch.counts().items()}

    def verified(self) -> bool:
        stands = self.switch.verify()
        self.holding.check()
        return stands

    def trouble(self) -> str:
        self.step_tasks()
        return str(self.holding.trouble)

    def told(self) -> dict[str, object]:
        # What waits in the sockets counts as seen.
        self.turn(0)
        seen, self.seen = self.seen, []
        strangers, self.strangers = self.strangers, 0
        return {"seen": seen, "strangers": strangers}

    def command(self, line: str) -> object:
        order = json.loads(line)
        told = {"counts": self.counts, "seen": self.told, "verify": self.verified, "trouble": self.trouble}
        if order["op"] in told:
            return told[order["op"]]()
        if order["op"] == "apply":
            self.apply(order["wanted"])
        elif order["op"] in ("hold", "admit", "lose", "count"):
            self.hold(order)
        elif order["op"] == "flush":
            self.switch.flush()
        elif order["op"] == "flush_marked":
            self.switch.flush_marked(marks.pack(*order["mark"]))
        elif order["op"] == "release":
            self.switch.release(order["addresses"])
        elif order["op"] in ("hang", "write"):
            stuck(order)
        return {"state": self.switch.state, "message": self.switch.message, "pid": os.getpid()}


def stuck(order: dict[str, str]) -> None:
    if order["op"] == "write":
        Path(order["file"]).write_text("on frozen storage this never ends")
    while order["op"] == "hang":
        pass


def listener(kind: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6, kind)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, SO_MARK, marks.TAG)
    sock.setblocking(False)
    sock.bind(("::", PORT))
    return sock


def beat(heartbeat: int) -> bool:
    """Whether the guard is there to hear it."""
    try:
        return os.write(heartbeat, b".") == 1
    except BlockingIOError:
        return True  # asked more often than the guard reads
    except BrokenPipeError:
        return False


def serve(heartbeat: int, netlink: socket.socket | None) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    memory = Path(sys.argv[1])
    responder = Responder(Switch(netlink, INTERFACES, PORT), memory)
    os.write(heartbeat, b".")
    if memory.exists():
        responder.apply(json.loads(memory.read_text()))
    commands = sys.stdin.fileno()
    responder.poll.register(commands, select.POLLIN)
    responder.poll.register(heartbeat, select.POLLIN)
    print(json.dumps({"ready": os.getpid()}), flush=True)
    while True:
        gone = not beat(heartbeat)
        others = responder.turn(200)
        if gone or heartbeat in others:
            responder.switch.close()
            return 1
        if commands in others:
            line = sys.stdin.readline()
            if not line:
                return 0
            try:
                print(json.dumps({"ok": responder.command(line)}, default=str), flush=True)
            except NetfilterError as refusal:
                print(json.dumps({"refused": str(refusal)}), flush=True)


def main() -> int:
    netlink = open_socket()
    return guard.run(serve, netlink, farewell())


if __name__ == "__main__":
    sys.exit(main())
