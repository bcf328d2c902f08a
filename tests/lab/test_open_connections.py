"""Connections that are open when the household decides otherwise: what may not go on is reset, all else goes on."""

import socket
import time

import pytest

from tests.lab.lab import ALICE_MAC, RESOLVER4, RESOLVER6, Lab, await_true
from tests.lab.resident import Resident
from tests.lab.web import Caller, Site, get, hello

SERVERS = (RESOLVER4, RESOLVER6)
CUT = ("ConnectionResetError", "BrokenPipeError", "closed")
DATA = b"GET / HTTP/1.1 data of an open connection\r\n"  # which the server answers


@pytest.fixture
def device(lab: Lab, site: Site, resident: Resident) -> int:
    number = resident.add("Tablet", ALICE_MAC)
    resident.on(number, "protection")
    return number


def opened(lab: Lab, server: str, name: str) -> Caller:
    caller = Caller(lab.alice, server)
    assert caller.ask(hello(name)) == "ok"
    assert caller.ask(DATA) == "ok"
    return caller


@pytest.mark.parametrize("server", SERVERS)
def test_a_new_block(lab: Lab, resident: Resident, device: int, server: str) -> None:
    video, cdn, fine = (opened(lab, server, name) for name in ("video.example", "a.video.example", "fine.example"))
    plain = Caller(lab.alice, server, 80)
    assert plain.ask(get("video.example")) == "ok"
    resident.call("block", name="video.example")
    assert video.ask(DATA) in CUT
    assert cdn.ask(DATA) in CUT
    assert plain.ask(b"more of it") in CUT
    assert [fine.ask(DATA) for _ in range(3)] == ["ok"] * 3


def test_a_block_of_another_device_and_history_alone(lab: Lab, site: Site, resident: Resident) -> None:
    number = resident.add("Tablet", ALICE_MAC)
    other = resident.add("Phone", "02:00:00:00:00:77")
    resident.on(number)
    caller = opened(lab, RESOLVER4, "video.example")
    resident.call("block", name="video.example")
    assert caller.ask(DATA) == "ok", "history blocks nothing"
    resident.call("rule.remove", id=1)
    resident.on(number, "protection")
    caller = opened(lab, RESOLVER4, "video.example")
    resident.call("block", name="video.example", scope="device", device_id=other)
    assert caller.ask(DATA) == "ok"
    resident.on(other, "protection")
    resident.off(number)
    assert caller.ask(DATA) == "ok", "protection was on all the time"


@pytest.mark.parametrize("begun", ["while on", "while off"])
def test_off_and_on(lab: Lab, resident: Resident, device: int, begun: str) -> None:
    before = opened(lab, RESOLVER4, "video.example")
    resident.off(device, "protection")
    resident.call("block", name="video.example")
    assert before.ask(DATA) == "ok", "off is off"
    caller = before if begun == "while on" else opened(lab, RESOLVER4, "video.example")
    resident.on(device, "protection")
    end = time.monotonic() + 30.0
    while caller.ask(DATA) == "ok":
        assert time.monotonic() < end
        time.sleep(0.2)
    assert opened(lab, RESOLVER4, "fine.example").ask(DATA) == "ok"


def test_what_says_its_name_after_an_on_goes_on(lab: Lab, resident: Resident, device: int) -> None:
    resident.off(device, "protection")
    caller = Caller(lab.alice, RESOLVER4)
    resident.on(device, "protection")
    assert caller.ask(hello("fine.example")) == "ok"
    time.sleep(5.0)  # two checks
    assert caller.ask(DATA) == "ok"


def until_cut(ask) -> None:
    end = time.monotonic() + 30.0
    while ask() == "ok":
        assert time.monotonic() < end
        time.sleep(0.2)


class Datagrams:
    """One flow to a server; "ok" unless the router refuses what is sent."""

    def __init__(self, lab: Lab, server: str, data: bytes) -> None:
        family = socket.AF_INET6 if ":" in server else socket.AF_INET
        self._sock = lab.alice.socket(family, socket.SOCK_DGRAM, 0.1)
        self._sock.connect((server, 443))
        self._data = data

    def ask(self) -> str:
        try:
            self._sock.send(self._data)
            self._sock.recv(100)
        except TimeoutError:
            return "ok"
        except OSError as error:
            return type(error).__name__
        return "answered"


@pytest.mark.parametrize("server", SERVERS)
def test_quic_from_before_an_on(lab: Lab, resident: Resident, device: int, server: str) -> None:
    """What began as QUIC before protection goes on in packets that nobody could judge; what is no QUIC goes on."""
    resident.off(device, "protection")
    spoken = Datagrams(lab, server, b"\x4a" + bytes(range(256)) * 4)
    others = [Datagrams(lab, server, data) for data in (b"\x04\0\0\0" + bytes(500), b"\x17\xfe\xfd" + bytes(500), b"")]
    asked = [spoken, *others]
    assert [one.ask() for one in asked] == ["ok"] * 4
    resident.on(device, "protection")
    until_cut(spoken.ask)
    assert [one.ask() for one in others] == ["ok"] * 3
    resident.off(device, "protection")
    assert spoken.ask() == "ok", "off is off"


def test_what_is_open_when_the_daemon_starts_anew(lab: Lab, resident: Resident, device: int) -> None:
    """Nobody knows where it leads: a block that comes later would not end it."""
    judged = opened(lab, RESOLVER4, "video.example")
    resident.kill()
    await_true(lambda: not table(lab), "the guard's removal of the table")
    unseen = opened(lab, RESOLVER4, "video.example")
    quic = Datagrams(lab, RESOLVER4, b"\x4a" + bytes(300))
    assert quic.ask() == "ok"
    resident.client.close()
    resident.client = resident.connect()
    await_true(lambda: table(lab), "the daemon's table")
    for ask in (lambda: unseen.ask(DATA), lambda: judged.ask(DATA), quic.ask):
        until_cut(ask)
    assert opened(lab, RESOLVER4, "fine.example").ask(DATA) == "ok"


def table(lab: Lab) -> bool:
    return "privacy_agent" in lab.router.run(["nft", "list", "tables"])
