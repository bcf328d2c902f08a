"""A daemon in the lab's router that sends reports to a receiver beyond the WAN, with a clock that the test moves."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from agent.client import ControlClient, Unreachable
from tests import harness
from tests.authority import authority
from tests.daemon.reporting import Operator
from tests.lab.lab import ALICE4, BOB4, ROUTER4, WAN4, Lab
from tests.lab.spaces import Space
from tests.promises.control_server import PIN, stored
from tests.promises.test_p4_nothing_leaves import Capture

ROOT = Path(__file__).resolve().parent.parent.parent
REPORTS, FEEDS, SLOW, DRIPPING, STORAGE = 8443, 8444, 8445, 8446, 8447
DNS_PORT = 5391

# Beyond the WAN: a list over HTTPS, a receiver that accepts and then says nothing, one that drips, and one that stores
# what is put.
SERVERS = """
import socket, ssl, sys, threading, time
folder, address, feeds, slow, dripping, storage = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder + "/server.pem", folder + "/server.key")
LIST = b"".join(b"||bad%d.telltale.example^\\n" % n for n in range(400))
def feed(link):
    link.recv(4096)
    link.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(LIST) + LIST)
def hang(link):
    time.sleep(30)
def drip(link):
    while True:
        link.sendall(b"H")
        time.sleep(0.01)
def store(link):
    data = b""
    while b"\\r\\n\\r\\n" not in data:
        data += link.recv(65536)
    head, _, body = data.partition(b"\\r\\n\\r\\n")
    size = int(head.lower().split(b"content-length: ")[1].split(b"\\r\\n")[0])
    while len(body) < size:
        body += link.recv(65536)
    with open(folder + "/" + head.split(b" ")[1].decode().strip("/"), "wb") as file:
        file.write(body)
    link.sendall(b"HTTP/1.1 201 Created\\r\\n\\r\\n")
def one(plain, act):
    try:
        with context.wrap_socket(plain, server_side=True) as link:
            act(link)
    except OSError:
        pass
def serve(listener, act):
    while True:
        threading.Thread(target=one, args=(listener.accept()[0], act), daemon=True).start()
wanted = ((feeds, feed), (slow, hang), (dripping, drip), (storage, store))
open_ones = [(socket.create_server((address, port)), act) for port, act in wanted]
print("ready", flush=True)
for listener, act in open_ones[1:]:
    threading.Thread(target=serve, args=(listener, act), daemon=True).start()
serve(*open_ones[0])
"""


class Household:
    """Alice's tablet behind the router; `receiver` is the port that reports go to."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.folder = folder
        authority(folder, WAN4)
        feed = {"id": "list", "name": "List", "address": f"https://{WAN4}:{FEEDS}/list", "syntax": None, "rules": 400}
        feed.update(category="phishing", licence="CC0", home="https://example.org/", default=True)
        (folder / "feeds.json").write_text(json.dumps({"format": 1, "feeds": [feed]}))
        settings = {
            "identity": "address",
            "state_dir": str(folder / "state"),
            "run_dir": str(folder / "run"),
            "dns_listen": [f"{ROUTER4}:{DNS_PORT}"],
            "upstream": [f"{WAN4}:53"],
            "web_listen": [],
            "feeds_file": str(folder / "feeds.json"),
            "jobs_user": "root",  # another user can't pass through this test's folders
        }
        (folder / "settings.json").write_text(json.dumps(settings))
        self.shift_s = 0
        self.pass_time(0)
        self.log = (folder / "log").open("ab")
        self.processes = [self._receiver(), self._servers()]
        self.start()

    def start(self) -> None:
        environment = {**os.environ, "SSL_CERT_FILE": str(self.folder / "ca.pem")}
        command = harness.handed(self.folder / "settings.json", "--quick", "--moved", "--spoken-for")
        self.guard = self.lab.router.start(command, stderr=self.log, env=environment)
        self.client = self.connect()

    def end(self) -> None:
        self.client.close()
        self.guard.terminate()
        assert self.guard.wait(15) == 0, self.said()

    def _receiver(self) -> subprocess.Popen[bytes]:
        certificate = ["--certificate", str(self.folder / "server.pem"), "--key", str(self.folder / "server.key")]
        where = ["--listen", WAN4, "--port", str(REPORTS)]
        module = [sys.executable, "-m", "tools.collector.receiver", str(self.folder / "received")]
        return self._ready([*module, *certificate, *where])

    def _servers(self) -> subprocess.Popen[bytes]:
        return self._ready(
            [sys.executable, "-c", SERVERS, str(self.folder), WAN4, *map(str, (FEEDS, SLOW, DRIPPING, STORAGE))]
        )

    def _ready(self, command: list[str]) -> subprocess.Popen[bytes]:
        process = self.lab.wan.start(command, stdout=subprocess.PIPE, cwd=ROOT)
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        return process

    def connect(self, within_s: float = 15.0) -> ControlClient:
        end = time.monotonic() + within_s
        while True:
            client = None
            try:
                client = ControlClient(str(self.folder / "run" / "control.sock"))
                client.call("status")
                return client
            except Unreachable:
                if client is not None:
                    client.close()
                assert time.monotonic() < end, self.said()
                time.sleep(0.02)

    def said(self) -> str:
        return (self.folder / "log").read_text()

    def call(self, op: str, **arguments: object) -> dict:
        return self.client.call(op, **arguments)

    def pass_time(self, seconds: int) -> None:
        self.shift_s += seconds
        fresh = self.folder / "time.new"
        fresh.write_text(str(self.shift_s))
        fresh.replace(self.folder / "time")

    def pass_to(self, moment: str) -> None:
        """On to when the next report is made ("next_at") or sent ("send_at")."""
        at = self.call("statistics.status")[moment]
        self.pass_time(max(at - self.wall(), 0) + 1)

    def wall(self) -> int:
        """Seconds, as the daemon's clock has them (see harness.MovedClock)."""
        return int(time.time()) - harness.WEEKS_BACK_S + self.shift_s

    def make_and_send(self) -> None:
        """On to the next report, and to when it goes."""
        made = len(self.states())
        self.pass_to("next_at")
        self.until(lambda: self.states()[made:] == ["sealed"])
        self.pass_to("send_at")

    def agree(self, port: int = REPORTS) -> Operator:
        """Name an operator whose receiver listens there, and opt in."""
        operator = Operator(f"https://{WAN4}:{port}/", (self.folder / "ca.pem").read_text())
        self.call("statistics.operator_set", operator=operator.row)
        now = self.call("statistics.status")
        self.call("statistics.opt_in", agree=now["notice"], terms=now["terms"])
        return operator

    def states(self) -> list[str]:
        return [row["state"] for row in self.call("statistics.list", limit=200)["items"]]

    def until(self, wanted: object, within_s: float = 10.0) -> None:
        """Until `wanted()` holds."""
        end = time.monotonic() + within_s
        while not wanted():  # type: ignore[operator]
            assert time.monotonic() < end, (self.states(), self.call("statistics.status"), self.said())
            time.sleep(0.02)

    def ask(self, names: list[str], space: Space | None = None) -> None:
        """Alice's tablet, or whoever is in that space, asks for names."""
        from tests.promises.running import query

        asker = (space or self.lab.alice).socket(socket.AF_INET, socket.SOCK_DGRAM, 5.0)
        asker.connect((ROUTER4, DNS_PORT))
        for number, name in enumerate(names):
            asker.send(query(name, number))
            asker.recv(2048)

    def enrol_adult(self) -> int:
        """Tom and his laptop, Bob's place in the lab; what he looks up is stored, by his own word."""
        person = self.call("person.add", name="Tom", group="adult")["id"]
        device = self.call("device.add", label="Laptop", address=BOB4, person_id=person)["id"]
        self.call("web.put", key="pins", value={str(device): {"pin": stored(PIN)}})
        self.call("on", device_id=device, feature="history", agree=1)
        self.call("me.agree", address=BOB4, feature="history", agree=1, proof=self.word())
        return int(device)

    def word(self) -> str:
        """For Tom's PIN."""
        return str(self.call("me.prove", address=BOB4, pin=PIN)["proof"])

    def join(self) -> None:
        """Tom takes part in the weekly file."""
        asked = self.call("me", address=BOB4)["week_file_ask"]
        given = {"terms": asked["terms"], "agree": asked["notice"], "proof": self.word()}
        assert self.call("me.week_file_join", address=BOB4, **given)["week_file_ask"]["joined"]

    def enrol(self) -> int:
        person = self.call("person.add", name="Ada", group="adult")["id"]
        device = self.call("device.add", label="Tablet", address=ALICE4, person_id=person)["id"]
        self.call("on", device_id=device, feature="protection", agree=1)
        return device

    def stop(self) -> None:
        self.end()
        for process in self.processes:
            process.terminate()
            process.wait(5)
            if process.stdout:
                process.stdout.close()
        self.log.close()


def frames(capture: Capture) -> Iterator[tuple[float, bytes]]:
    """(when, frame) of what the router's WAN port sent; ends the capture."""
    list(capture.packets())
    data, at = capture.path.read_bytes(), 24
    while at + 16 <= len(data):
        seconds, micros, size = struct.unpack_from("<III", data, at)
        yield seconds + micros / 1e6, data[at + 16 : at + 16 + size]
        at += 16 + size


def segment(frame: bytes) -> tuple[int, int, bytes]:
    """(source port, destination port, payload) of a TCP segment over IPv4."""
    start = 14 + (frame[14] & 15) * 4
    total = struct.unpack_from(">H", frame, 16)[0]
    source, target = struct.unpack_from(">HH", frame, start)
    return source, target, frame[start + (frame[start + 12] >> 4) * 4 : 14 + total]
