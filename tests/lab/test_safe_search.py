"""Safe search on a router with a real resolver: what a child's device is answered, and what it reaches."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dnslib
import pytest

from tests.lab.lab import ALICE_MAC, RESOLVER4, RESOLVER4_B, RESOLVER6, ROUTER4, WAN4, Lab, await_true
from tests.lab.resident import Resident
from tests.lab.traffic import fate
from tests.lab.web import Caller, Site, call, hello

PORT = 5310
RESET = "ConnectionResetError"
DATA = b"GET / HTTP/1.1 data of an open connection\r\n"
HOST, TARGET = "www.google.com", "forcesafesearch.google.com"
SHORT_HEADER = b"\x4a" + bytes(1300)  # a later packet of QUIC


@pytest.fixture
def resident(lab: Lab, tmp_path: Path) -> Iterator[Resident]:
    """With a real dnsmasq as its upstream, to which the safe form is at another address than all else."""
    words = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", f"--port={PORT}"]
    words += [
        "--listen-address=127.0.0.1",
        "--bind-interfaces",
        f"--server={WAN4}",
        f"--local=/{TARGET}/",
        f"--address=/{TARGET}/{RESOLVER4_B}",
    ]
    server = lab.router.start(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    made = Resident(lab, tmp_path, upstream=[f"127.0.0.1:{PORT}"])
    yield made
    assert made.stop() == 0, made.said()
    server.terminate()
    server.wait(10)


@pytest.fixture
def child(lab: Lab, site: Site, resident: Resident) -> int:
    """Mia's tablet is Alice's device."""
    person = resident.call("person.add", name="Mia", group="child")["id"]
    device = resident.call("device.add", label="Tablet", mac=ALICE_MAC, person_id=person)["id"]
    assert isinstance(device, int) and isinstance(person, int)
    return person


def switch(resident: Resident, person: int, **modes: str) -> None:
    resident.call("content.set", person_id=person, **modes)


def asked(lab: Lab, name: str, qtype: str = "A") -> list[str]:
    """The data of the answer's records."""
    query = dnslib.DNSRecord.question(name, qtype)
    with lab.alice.socket(socket.AF_INET, socket.SOCK_DGRAM, 5.0) as sock:
        sock.sendto(query.pack(), (ROUTER4, 53))
        reply = dnslib.DNSRecord.parse(sock.recv(4096))
    return [str(record.rdata).rstrip(".") for record in reply.rr]


def test_what_a_child_s_device_is_answered(lab: Lab, resident: Resident, child: int) -> None:
    switch(resident, child, search="on")
    await_true(lambda: asked(lab, HOST) == [TARGET, RESOLVER4_B], "the modes are in force")
    assert asked(lab, HOST, "AAAA") == [TARGET], "the safe form has none"
    assert asked(lab, HOST, "HTTPS") == asked(lab, HOST, "ANY") == []
    assert asked(lab, "www.youtube.com") == [RESOLVER4]
    resident.call("content.set", person_id=child, search="off")
    assert asked(lab, HOST) == [RESOLVER4]
    assert (
        resident.audit()["ok"]
        and resident.rows("SELECT * FROM visits") == resident.rows("SELECT * FROM attempts") == []
    )


def test_only_the_safe_form_is_reached(lab: Lab, resident: Resident, child: int) -> None:
    switch(resident, child, search="on")
    await_true(lambda: call(lab.alice, RESOLVER4, hello(HOST)) == RESET, "the modes are in force")
    assert call(lab.alice, RESOLVER6, hello(HOST)) == RESET
    assert call(lab.alice, RESOLVER4_B, hello(HOST)) == RESET, "it was told to nobody yet"
    assert asked(lab, HOST) == [TARGET, RESOLVER4_B]
    assert call(lab.alice, RESOLVER4_B, hello(HOST)) == "ok"
    assert call(lab.alice, RESOLVER4, hello(HOST)) == RESET
    assert call(lab.alice, RESOLVER4, hello("fine.example")) == "ok"
    assert call(lab.bob, RESOLVER4, hello(HOST)) == "ok"
    assert resident.rows("SELECT * FROM attempts") == []


def test_what_was_open_ends_with_a_switch(lab: Lab, resident: Resident, child: int) -> None:
    """A connection to another name at the host's address, which a browser uses for both, and one of QUIC."""
    switch(resident, child, youtube="moderate")
    await_true(lambda: asked(lab, "www.youtube.com")[0] == "restrictmoderate.youtube.com", "the modes are in force")
    assert asked(lab, HOST) == [RESOLVER4]
    assert asked(lab, TARGET) == [RESOLVER4_B]
    shared, other = Caller(lab.alice, RESOLVER4), Caller(lab.alice, "203.0.113.11")
    for caller, name in ((shared, "fonts.example"), (other, "other.example")):
        assert caller.ask(hello(name)) == "ok" and caller.ask(DATA) == "ok"
    free = Caller(lab.bob, RESOLVER4)
    assert free.ask(hello("fonts.example")) == "ok"
    quic = lab.alice.socket(socket.AF_INET, socket.SOCK_DGRAM, 0.3)
    quic.connect((RESOLVER4, 443))
    assert fate(quic, SHORT_HEADER) == "TimeoutError"
    resident.call("content.set", person_id=child, search="on")
    assert shared.ask(DATA) != "ok"
    assert fate(quic, SHORT_HEADER) == "ConnectionRefusedError"
    assert free.ask(DATA) == "ok"
    for one in (shared, other, free):
        one.close()
    quic.close()
