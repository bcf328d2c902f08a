"""The responder in the lab's router, and clients that ask it: what the tests of switch and guard have in common."""

from __future__ import annotations

import json
import select
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from dnslib import DNSRecord

from tests.lab.lab import WHO, WHO_AGENT, WHO_ROUTER, WHO_WAN
from tests.lab.spaces import Space

ROOT = Path(__file__).resolve().parent.parent.parent
ANSWERS = {WHO_ROUTER: "router", WHO_WAN: "wan", WHO_AGENT: "agent"}


class Agent:
    """tests/lab/responder.py in a namespace. `place` of a MAC is [slot, generation]."""

    def __init__(self, space: Space, memory: Path, prefix: tuple[str, ...] = ()) -> None:
        self.process = space.start(
            [*prefix, sys.executable, "-m", "tests.lab.responder", str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        self.pid = self.ready()

    def ready(self, within_s: float = 10.0) -> int:
        """The pid of a daemon that has just started."""
        pid = self._read(within_s)["ready"]
        assert isinstance(pid, int)
        return pid

    def _read(self, within_s: float) -> dict[str, object]:
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], within_s)[0]:
            raise TimeoutError(f"the responder said nothing within {within_s} s")
        answer = json.loads(self.process.stdout.readline())
        assert isinstance(answer, dict)
        return answer

    def send(self, **order: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, **order: object) -> dict[str, object]:
        self.send(**order)
        return self._read(5.0)

    def apply(self, wanted: dict[str, list[int]], flush: bool = True) -> None:
        answer = self.ask(op="apply", wanted=wanted)
        assert "ok" in answer, answer
        if flush:
            self.ask(op="flush")

    def hold(self, *macs: str) -> None:
        """Nothing of these goes out, and what they have open ends."""
        answer = self.ask(op="hold", macs=macs)
        assert "ok" in answer, answer

    def seen(self) -> tuple[list[list[object]], int]:
        """[path, slot, generation] of each query since the last time, and how many came from strangers."""
        answer = self.ask(op="seen")["ok"]
        assert isinstance(answer, dict)
        return answer["seen"], answer["strangers"]

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(15)


class Asker:
    """A client's socket to one server, held open over many questions."""

    def __init__(
        self,
        space: Space,
        server: str,
        tcp: bool = False,
        port: int = 53,
        source: int = 0,
        timeout_ms: int = 1000,
    ) -> None:
        self.server, self.port = server, port
        self.tcp = tcp
        self.sock = space.socket(
            socket.AF_INET6 if ":" in server else socket.AF_INET,
            socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM,
            timeout_ms / 1000,
        )
        if source:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.sock.bind(("", source))
        scope = space.index("eth0") if server.startswith("fe80") else 0
        self.to = (server, port, 0, scope) if ":" in server else (server, port)
        self.number = 0
        self.sent_at = 0.0

    def connect(self) -> Asker:
        self.sock.connect(self.to)
        return self

    def ask(self, name: str = WHO) -> str:
        """Who answered: "router", "wan", "agent" (the responder adds SLOT/GENERATION), or the error's name."""
        self.number += 1
        question = DNSRecord.question(name)
        question.header.id = self.number
        try:
            if self.number == 1:
                self.connect()
            return who(self._exchange(bytes(question.pack())), self.number)
        except OSError as error:
            return type(error).__name__

    def _exchange(self, query: bytes) -> bytes:
        self.sent_at = 0.0
        if not self.tcp:
            self.sock.send(query)
            self.sent_at = time.monotonic()
            while True:
                reply = self.sock.recv(4096)
                # An answer to an earlier question that timed out is not one to this.
                if reply[:2] == query[:2]:
                    return reply
        self.sock.send(struct.pack(">H", len(query)) + query)
        self.sent_at = time.monotonic()
        length = struct.unpack(">H", self._read(2))[0]
        return self._read(length)

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            if not (more := self.sock.recv(size - len(data))):
                raise ConnectionResetError("closed")
            data += more
        return data

    def close(self) -> None:
        self.sock.close()


def who(reply: bytes, number: int) -> str:
    answer = DNSRecord.parse(reply)
    assert answer.header.id == number, "an answer to another question"
    address = str(answer.rr[0].rdata)
    if address in ANSWERS:
        return ANSWERS[address]
    first, slot, generation, _path = address.split(".")
    assert first == "10", address
    return f"agent {slot}/{generation}"


def ask(space: Space, server: str, tcp: bool = False, name: str = WHO, **options: int) -> str:
    """One question from a fresh socket."""
    asker = Asker(space, server, tcp, **options)
    try:
        return asker.ask(name)
    finally:
        asker.close()
