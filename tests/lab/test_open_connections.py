"""Connections that are open when the household decides otherwise: what may not go on is reset, all else goes on."""

import time

import pytest

from tests.lab.lab import ALICE_MAC, RESOLVER4, RESOLVER6, Lab
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
