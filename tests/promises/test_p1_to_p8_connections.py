"""P1, P2, P3 and P8 on the path of connections: toggles under load, a neighbour, a dead agent, unreadable bytes."""

import os
import random
import signal
import socket
import threading
import time

import pytest

from tests.lab.lab import ALICE_MAC, BOB4, RESOLVER4, RESOLVER6, Lab, await_true
from tests.lab.resident import Resident
from tests.lab.web import Caller, Site, call, get, hello

KILLED_S, HUNG_S = 0.1, 2.0
SEED = 20261123


@pytest.fixture
def device(lab: Lab, site: Site, resident: Resident) -> int:
    number = resident.add("Tablet", ALICE_MAC)
    resident.call("block", name="bad.example")
    return number


class Traffic(threading.Thread):
    """Connects again and again, each time with a name of its own; notes when, and what became of it."""

    def __init__(self, lab: Lab, number: int) -> None:
        super().__init__()
        self.lab, self.number = lab, number
        self.random = random.Random(SEED + number)
        self.over = threading.Event()
        self.made: list[tuple[str, float, float, str]] = []

    def run(self) -> None:
        while not self.over.is_set():
            name = f"n{self.number}x{len(self.made)}.example"
            began = time.monotonic()
            became = self.one(name)
            self.made.append((name, began, time.monotonic(), became))
            time.sleep(self.random.uniform(0.0, 0.02))

    def one(self, name: str) -> str:
        server = self.random.choice((RESOLVER4, RESOLVER6))
        kind = self.random.randrange(4)
        try:
            if kind == 0:
                caller = Caller(self.lab.alice, server, 80)
                return caller.ask(get(name))
            caller = Caller(self.lab.alice, server)
            data = hello(name, 1600 if kind == 1 else 0)
            cut = self.random.randrange(1, len(data)) if kind == 3 else len(data)
            return caller.ask(data[:cut], data[cut:], pause_s=self.random.choice((0.0, 0.03)))
        except OSError as error:
            return type(error).__name__


@pytest.mark.parametrize("feature", ["history", "protection and history"])
def test_p1_nothing_is_recorded_after_an_off_is_acknowledged(
    lab: Lab, resident: Resident, device: int, feature: str
) -> None:
    features = feature.split(" and ")
    traffic = [Traffic(lab, number) for number in range(4)]
    chance = random.Random(SEED)
    offs = []
    for one in traffic:
        one.start()
    for _ in range(40):
        for name in features:
            resident.on(device, name)
        time.sleep(chance.uniform(0.0, 0.15))
        for name in features:
            resident.off(device, name)
        acknowledged = time.monotonic()
        if chance.random() < 0.7:
            time.sleep(chance.uniform(0.02, 0.25))
        offs.append((acknowledged, time.monotonic()))
    for one in traffic:
        one.over.set()
    for one in traffic:
        one.join()
    time.sleep(1.3)
    stored = {row[0] for row in resident.rows("SELECT site FROM visits")}
    while_off = {
        name
        for one in traffic
        for name, began, ended, _ in one.made
        if any(since <= began and ended <= until for since, until in offs)
    }
    assert while_off & stored == set()
    assert len(while_off) > 20 and len(stored) > 20, (len(while_off), len(stored))
    assert [became for one in traffic for _, _, _, became in one.made if became != "ok"] == []
    assert resident.audit()["ok"]


def test_p1_a_hello_begun_before_an_on_is_nobodys(lab: Lab, resident: Resident, device: int) -> None:
    """Its first half belongs to another time; what the second half alone says is nothing."""
    resident.on(device)
    resident.on(device, "protection")
    data = hello("www.torn.example", 1600)
    torn = Caller(lab.alice, RESOLVER4).send(data[:700])
    time.sleep(0.1)
    for name in ("history", "protection"):
        resident.off(device, name)
    for name in ("history", "protection"):
        resident.on(device, name)
    assert torn.ask(data[700:]) == "ok"
    judged = Caller(lab.alice, RESOLVER4)
    assert judged.ask(hello("www.old.example")) == "ok"
    await_true(lambda: resident.rows("SELECT site FROM visits"), "a visit")
    assert resident.rows("SELECT site FROM visits") == [("old.example",)]


def test_p2_a_neighbours_connections_are_not_touched(lab: Lab, resident: Resident, device: int) -> None:
    resident.on(device)
    resident.on(device, "protection")
    packets = resident.status()["dns"]["packets"]  # type: ignore[index]
    for _ in range(20):
        assert call(lab.bob, RESOLVER4, hello("www.bad.example")) == "ok"
        assert call(lab.bob, RESOLVER4, get("www.bad.example"), 80) == "ok"
        assert call(lab.bob, RESOLVER4, hello("www.bad.example"), 853) == "ok"
    assert resident.status()["dns"]["packets"] == packets  # type: ignore[index]
    entries = [line for line in lab.router.run(["conntrack", "-L", "-s", BOB4]).splitlines() if "tcp" in line]
    assert len(entries) >= 20
    assert all("mark=0 " in line for line in entries)


def test_p2_other_softwares_marks_stay(lab: Lab, resident: Resident, device: int) -> None:
    """mwan3 and the like mark packets and connections with bits of their own: they come out as they went in."""
    resident.on(device)
    resident.on(device, "protection")
    lab.router.run(
        [
            "nft",
            "add table inet other; add chain inet other pre { type filter hook forward priority -10; };"
            "add rule inet other pre iifname br-lan tcp dport 443 meta mark set 0x00ff3f00 ct mark set 0x00aa1500;"
            "add chain inet other post { type filter hook postrouting priority 300; };"
            "add counter inet other kept; add counter inet other lost;"
            "add rule inet other post tcp dport 443 oifname wan0 meta mark == 0x00ff3f00 counter name kept;"
            "add rule inet other post tcp dport 443 oifname wan0 meta mark != 0x00ff3f00 counter name lost",
        ]
    )
    try:
        for _ in range(10):
            assert call(lab.alice, RESOLVER4, hello("www.fine.example", 1600)) == "ok"
        counters = lab.router.run(["nft", "list", "counters", "table", "inet", "other"])
        assert "packets 0" in counters.split("lost")[1] and "packets 0" not in counters.split("lost")[0], counters
    finally:
        lab.router.run(["nft", "delete table inet other"])


class Open:
    """Connections in every stage."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        data = hello("www.fine.example", 1600)
        self.fresh = Caller(lab.alice, RESOLVER4)
        self.begun = Caller(lab.alice, RESOLVER4).send(data[:700])
        self.rest = data[700:]
        self.judged = Caller(lab.alice, RESOLVER4)
        assert self.judged.ask(data) == "ok"
        self.plain = Caller(lab.alice, RESOLVER6, 80)
        assert self.plain.ask(get("fine.example")) == "ok"

    def all_go_on(self, since: float, within_s: float) -> None:
        assert self.judged.ask(hello("www.fine.example")) == "ok"
        assert self.plain.ask(get("fine.example")) == "ok"
        assert self.begun.ask(self.rest) == "ok"
        assert self.fresh.ask(hello("www.fine.example")) == "ok"
        assert time.monotonic() - since < within_s, time.monotonic() - since


def test_p3_killed(lab: Lab, resident: Resident, device: int) -> None:
    resident.on(device, "protection")
    # Two early crashes: the third start waits for a second, in which the router is a plain one.
    for _ in range(2):
        before = resident.daemon
        resident.kill()
        await_true(lambda before=before: restarted(resident, before), "restart")  # type: ignore[misc]
        reconnect(resident)
    await_true(lambda: call(lab.alice, RESOLVER4, hello("www.bad.example")) != "ok", "an armed switch")
    opened = Open(lab)
    since = resident.kill()
    time.sleep(0.02)  # the kernel takes the table down in 3 ms; sent earlier, a hello may have to be sent again
    opened.all_go_on(since, KILLED_S)
    reconnect(resident)


def test_p3_hung_with_packets_in_the_queue(lab: Lab, resident: Resident, device: int) -> None:
    """A connection whose hello waits in the queue of a stopped daemon goes on when the guard has acted."""
    resident.on(device, "protection")
    opened = Open(lab)
    since = resident.kill(signal.SIGSTOP)
    # The table goes after 1.5 s, and what waited with it; the client sends its hello again 1.7 s after the first time.
    waiting = Caller(lab.alice, RESOLVER4, timeout_s=5.0)
    assert waiting.ask(hello("www.fine.example")) == "ok"
    opened.all_go_on(since, HUNG_S)
    assert call(lab.bob, RESOLVER4, hello("www.bad.example")) == "ok"
    reconnect(resident)


def reconnect(resident: Resident) -> None:
    resident.client.close()
    resident.client = resident.connect()


def restarted(resident: Resident, before: int) -> bool:
    try:
        return resident.daemon != before
    except (IndexError, OSError):
        return False


def test_p8_what_nobody_can_read_passes_and_is_not_recorded(lab: Lab, resident: Resident, device: int) -> None:
    resident.on(device)
    resident.on(device, "protection")
    chance = random.Random(SEED)
    whole = hello("www.fine.example", 300)
    for port in (443, 80):
        for _ in range(30):
            data = bytearray(whole)
            for _ in range(chance.choice((1, 3, 20))):
                data[chance.randrange(6, len(data))] = chance.randrange(256)
            caller = Caller(lab.alice, RESOLVER4, port)
            for at in range(0, len(data), 200):
                caller.send(bytes([0x17]) + bytes(data[at + 1 : at + 200]))
            caller.sock.shutdown(socket.SHUT_WR)
            assert caller.outcome() in ("ok", "closed")
    time.sleep(1.3)
    assert resident.rows("SELECT site FROM visits") == []
    assert os.path.exists(f"/proc/{resident.daemon}")
    assert resident.status()["health"]
