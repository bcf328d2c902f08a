"""What the household's clients do all the time: ask, by every way, and be switched on and off."""

import random
import select
import socket
import struct
import threading
import time

from agent.client import ControlError, Unreachable
from tests.campaign.house import House
from tests.campaign.oracle import Device, name
from tests.lab.household import ANSWERS
from tests.lab.lab import RESOLVER4, RESOLVER6, ROUTER4
from tests.lab.spaces import Space, enter
from tests.promises.running import query

PACE_S = 0.02
SOCKET_QUERIES = 40  # then a fresh one: both held flows and new ones are seen
TCP_EACH = 12
STUCK_S = 90.0
ADDRESS = {socket.inet_aton(address): who for address, who in ANSWERS.items()}


def who(reply: bytes) -> str:
    """Who gave this answer; "nobody" where it says that there is none."""
    return "nobody" if len(reply) < 28 or reply[3] & 15 or reply[6:8] == b"\0\0" else ADDRESS.get(reply[-4:], "nobody")


class Client(threading.Thread):
    """A device that asks for a new name every 20 ms: own resolver and hard-coded ones, v4 and v6, UDP and some TCP."""

    def __init__(self, device: Device, space: Space, servers: tuple[str, ...], rng: random.Random) -> None:
        super().__init__(daemon=True)
        self.device, self.space, self.servers, self.rng = device, space, servers, rng
        self.over = threading.Event()
        self.links: dict[int, socket.socket] = {}
        self.pending: dict[int, tuple[int, bool]] = {}  # id on the wire: number, and whether it was on
        self.waiting = 0.0  # since when something asked is unanswered

    def run(self) -> None:
        enter(self.space.name)
        while not self.over.is_set():
            self.ask()
            self.hear(time.monotonic() + PACE_S)
        for link in self.links.values():
            link.close()

    def ask(self) -> None:
        device = self.device
        device.sent += 1
        number, server = device.sent, self.rng.choice(self.servers)
        if number % TCP_EACH == 0:
            threading.Thread(target=self.ask_stream, args=(number, server), daemon=True).start()
            return
        off, on, toggles = device.quiet_now(), device.on, device.toggles
        self.pending[number & 0xFFFF] = (number, on)
        if off:
            device.quiet.add(number)  # taken out again below: an answer may come before the next line
        try:
            self.link(server).sendto(query(name(device.number, number), number), (server, 53))
            self.waiting = self.waiting or time.monotonic()
        except OSError:
            pass
        if off and not (device.quiet_now() and device.toggles == toggles):
            device.quiet.discard(number)

    def link(self, server: str) -> socket.socket:
        family = socket.AF_INET6 if ":" in server else socket.AF_INET
        if family in self.links and self.rng.randrange(SOCKET_QUERIES) == 0:
            self.links.pop(family).close()
        if family not in self.links:
            self.links[family] = socket.socket(family, socket.SOCK_DGRAM)
            self.links[family].setblocking(False)
        return self.links[family]

    def hear(self, end: float) -> None:
        while (left := end - time.monotonic()) > 0:
            for link in select.select(list(self.links.values()), [], [], left)[0]:
                try:
                    reply = link.recv(4096)
                except OSError:
                    continue
                number, on = self.pending.pop(struct.unpack(">H", reply[:2])[0], (0, False))
                if number:
                    self.device.heard(number, who(reply), on)
                if number and who(reply) != "nobody" and self.waiting:
                    self.device.gaps.append((self.waiting, time.monotonic()))
                    self.waiting = 0.0

    def ask_stream(self, number: int, server: str) -> None:
        enter(self.space.name)
        device = self.device
        off, on, toggles = device.quiet_now(), device.on, device.toggles
        if off:
            device.quiet.add(number)
        wire = query(name(device.number, number), number)
        try:
            with socket.create_connection((server, 53), timeout=2) as link:
                link.sendall(struct.pack(">H", len(wire)) + wire)
                reply = link.recv(4096)[2:]
        except OSError:
            reply = b""
        if off and not (device.quiet_now() and device.toggles == toggles):
            device.quiet.discard(number)
        if reply:
            device.heard(number, who(reply), on)


SERVERS = (ROUTER4, RESOLVER4, RESOLVER6)


class Toggler(threading.Thread):
    """Somebody who switches a device on and off, and deletes its history; asks again until it is acknowledged."""

    def __init__(self, house: House, device: Device, rng: random.Random) -> None:
        super().__init__(daemon=True)
        self.house, self.device, self.rng = house, device, rng
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            self.on()
            self.over.wait(self.rng.uniform(0.0, 0.5))
            if self.rng.randrange(8) == 0:
                self.delete()
            self.off()
            self.over.wait(self.rng.uniform(0.0, 0.3))

    def on(self) -> None:
        self.device.off = False
        self.device.on = self.asked("on", feature="history", agree=1)
        self.device.toggles += 1

    def off(self) -> None:
        """Until it is acknowledged: one that storage could not take is off, but not yet for good."""
        self.device.on = False
        end = time.monotonic() + STUCK_S
        while not self.asked("off", feature="history"):
            if self.over.is_set():
                return
            if time.monotonic() > end:
                self.device.wrong.append(f"P1: off of {self.device.label} is not acknowledged for {STUCK_S:.0f} s")
                return
            time.sleep(0.05)
        self.device.off = True
        self.device.toggles += 1

    def delete(self) -> None:
        before = set(self.device.answered)
        if self.asked("delete"):
            self.device.erased |= before
            self.device.deletions += 1
        self.device.forgiven |= set(self.device.answered)

    def asked(self, op: str, **arguments: object) -> bool:
        try:
            client = self.house.client()
        except (Unreachable, OSError):
            return False
        try:
            client.call(op, device_id=self.device.id, **arguments)
            self.device.story.append((time.monotonic(), op))
            return True
        except (ControlError, Unreachable, OSError) as trouble:
            self.device.story.append((time.monotonic(), f"{op}: {trouble}"))
            return False
        finally:
            client.close()
