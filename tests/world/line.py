"""A DNS server behind a bad line, the agent and dnsmasq that ask it, and a client as patient as real ones."""

import heapq
import random
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import dnslib

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
PATIENCE_S = 5.0
RESEND_S = 2.5  # glibc's second server's share, systemd's and musl's own try
NAMES = 40

# (name, when it was asked) → seconds until the answer, or None for silence
Line = Callable[[str, float], float | None]
Answerer = Callable[[dnslib.DNSRecord], dnslib.DNSRecord]


def answer_to(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
    reply = query.reply()
    if query.q.qtype == dnslib.QTYPE.A:
        reply.add_answer(dnslib.RR(query.q.qname, rdata=dnslib.A("203.0.113.7"), ttl=60))
    return reply


class Server:
    """Answers by UDP over a line; TCP is not there."""

    def __init__(
        self,
        line: Line,
        answer: Answerer = answer_to,
        place: tuple[str, int] = (HOST, 0),
    ) -> None:
        self.line = line
        self.answer = answer
        self.seen: set[str] = set()
        self.began = time.monotonic()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(place)
        self.port = self.socket.getsockname()[1]
        self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        later: list[tuple[float, int, bytes, tuple[str, int]]] = []
        count = 0
        while not self._ended:
            wait = max(0.0, min(0.05, later[0][0] - time.monotonic())) if later else 0.05
            if select.select([self.socket], [], [], wait)[0]:
                message, source = self.socket.recvfrom(4096)
                query = dnslib.DNSRecord.parse(message)
                self.seen.add(str(query.q.qname).rstrip("."))
                delay = self.line(str(query.q.qname).rstrip("."), time.monotonic() - self.began)
                if delay is not None:
                    count += 1
                    packed = self.answer(query).pack()
                    heapq.heappush(later, (time.monotonic() + delay, count, packed, source))
            while later and later[0][0] <= time.monotonic():
                _, _, packed, source = heapq.heappop(later)
                self.socket.sendto(packed, source)

    def close(self) -> None:
        self._ended = True
        self._thread.join()
        self.socket.close()


class Process:
    def __init__(self, port: int, command: list[str]) -> None:
        self.port = port
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def dnsmasq(upstreams: list[int], *more: str) -> Process:
    port = free_port()
    words = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", f"--port={port}"]
    words += ["--bind-interfaces", f"--listen-address={HOST}", "--cache-size=1000", "--user=root", "--pid-file="]
    return Process(port, [*words, *(f"--server={HOST}#{upstream}" for upstream in upstreams), *more])


def agent(folder: Path, upstreams: list[int], **more: object) -> Process:
    return Process(*agent_command(folder, upstreams, **more))


def agent_command(folder: Path, upstreams: list[int], **more: object) -> tuple[int, list[str]]:
    port = free_port()
    settings: dict[str, object] = {
        "identity": "address",
        "state_dir": folder / "state",
        "run_dir": folder / "run",
        "data_dir": ROOT / "blocklists",
        "dns_listen": f"{HOST}:{port}",
        "upstream": ",".join(f"{HOST}:{upstream}" for upstream in upstreams),
        "web_listen": "",
        "lists_auto": "no",
        **more,
    }
    words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    return port, [sys.executable, "-m", "agent", "run", *words]


def await_port(process: Process) -> None:
    """Until somebody listens there by TCP, as both do; nothing is asked."""
    deadline = time.monotonic() + 60
    while True:
        with socket.socket() as trying:
            if trying.connect_ex((HOST, process.port)) == 0:
                return
        assert process.process.poll() is None and time.monotonic() < deadline, "it did not start"
        time.sleep(0.05)


class Client:
    """Asks names at a pace, each for as long as a real client would.

    `answered` has the seconds until the answer, `asked` when it was asked.
    """

    def __init__(self, port: int, names: list[str], pace_s: float, source: str = HOST) -> None:
        self.asked: dict[str, float] = {}
        self.answered: dict[str, float] = {}
        self.addresses: dict[str, str] = {}
        self.failed: dict[str, str] = {}
        self._to = (HOST, port)
        self._source = source
        self._names = names
        self._pace_s = pace_s
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._socket as asking:
            asking.bind((self._source, 0))
            waiting: dict[int, tuple[str, float, float]] = {}
            due = [(time.monotonic() + number * self._pace_s, name) for number, name in enumerate(self._names)]
            while due or waiting:
                now = time.monotonic()
                while due and due[0][0] <= now:
                    _, name = due.pop(0)
                    number = len(self._names) - len(due)
                    self.asked[name] = now
                    waiting[number] = (name, now, now + RESEND_S)
                    self._send(asking, number, name)
                for number, (name, began, again) in list(waiting.items()):
                    if now - began > PATIENCE_S + 0.5:
                        del waiting[number]
                    elif now > again:
                        waiting[number] = (name, began, now + PATIENCE_S)
                        self._send(asking, number, name)
                wait = min(0.02, max(0.0, due[0][0] - time.monotonic())) if due else 0.02
                if select.select([asking], [], [], wait)[0]:
                    self._take(dnslib.DNSRecord.parse(asking.recv(4096)), waiting)

    def _send(self, asking: socket.socket, number: int, name: str) -> None:
        query = dnslib.DNSRecord.question(name)
        query.header.id = number
        asking.sendto(query.pack(), self._to)

    def _take(self, reply: dnslib.DNSRecord, waiting: dict[int, tuple[str, float, float]]) -> None:
        if reply.header.id not in waiting:
            return
        name, began, _ = waiting.pop(reply.header.id)
        if reply.header.rcode == 0 and reply.rr:
            self.answered[name] = time.monotonic() - began
            self.addresses[name] = str(reply.rr[0].rdata)
        else:
            self.failed[name] = str(dnslib.RCODE[reply.header.rcode])

    def join(self) -> "Client":
        self._thread.join()
        return self


def names(word: str, count: int = NAMES) -> list[str]:
    return [f"{word}{number}.example.net" for number in range(count)]


def lossy(share: float, seed: int) -> Line:
    """Each packet there and back may be lost."""
    dice = random.Random(seed)
    return lambda name, at: None if dice.random() < 1 - (1 - share) ** 2 else 0.01
