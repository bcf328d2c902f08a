"""What a held device is told of names that it reaches: let through before it is told, remembered for a minute."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon.clients import DeviceView
from agent.daemon.dns.sessions import HELD_BURST
from tests.daemon.household_dns import PLAIN, PROTECTED, Resolving
from tests.daemon.resolving import addresses

HELPLINE = "www.helpline.example"
OWN = b"school.example"  # of those that its owner opened


class Spared:
    """Device 1 is held; device 2 is not."""

    def __init__(self, folder: Path) -> None:
        self.house = Resolving(folder, addresses("192.0.2.1", "2001:db8::1", ttl=3600))
        self.house.clients[PROTECTED] = DeviceView(1, 1, None, 1, held=True)
        self.house.clients[PLAIN] = DeviceView(2, 1, None, 2)
        self.admitted: list[tuple[int, bytes, list[bytes]]] = []
        self.house.dns.spare_by(self.admit, self.reaches)

    def admit(self, device_id: int, name: bytes, found: list[bytes]) -> bool:
        self.admitted.append((device_id, name, found))
        return name == HELPLINE.encode()

    def reaches(self, device_id: int, name: bytes) -> bool:
        return device_id == 1 and name.endswith(OWN)

    def ttl(self, source: str, name: str) -> int:
        reply = self.house.device(source).ask(name)
        return int(reply.rr[0].ttl)


@pytest.fixture
def spared(tmp_path: Path) -> Iterator[Spared]:
    made = Spared(tmp_path)
    yield made
    made.house.close()


def test_let_through_each_time_before_it_is_told(spared: Spared) -> None:
    for _ in range(3):
        assert spared.ttl(PROTECTED, HELPLINE) <= 60
    assert spared.admitted == [(1, HELPLINE.encode(), [bytes([192, 0, 2, 1])])] * 3


def test_other_names_are_answered_as_ever(spared: Spared) -> None:
    assert spared.ttl(PROTECTED, "www.other.example") > 60
    assert spared.ttl(PROTECTED, "www.other.example") > 60


def test_who_is_not_held_is_none_of_it(spared: Spared) -> None:
    assert spared.ttl(PLAIN, HELPLINE) > 60
    assert spared.ttl(PROTECTED, HELPLINE) <= 60
    assert spared.ttl(PLAIN, HELPLINE) > 60
    assert {device for device, _, _ in spared.admitted} == {1}


def test_no_tunnel_of_questions_leads_out(spared: Spared) -> None:
    """SlowDNS and its like: each question is of a new name, and the answer carries what nobody else asked for."""

    def answered(source: str, count: int) -> int:
        device = spared.house.device(source)
        return sum(
            device.ask(f"{source[-1]}x{number}.tunnel.example", "TXT").header.rcode == 0 for number in range(count)
        )

    spared.ttl(PROTECTED, "www.other.example")
    assert HELD_BURST / 2 < answered(PROTECTED, int(HELD_BURST) + 100) < HELD_BURST + 60
    assert answered(PLAIN, 20) == 20
    # What is known is answered, and a helpline is asked for.
    assert spared.ttl(PROTECTED, "www.other.example") > 60


def test_what_it_reaches_all_the_same_costs_it_no_question(spared: Spared) -> None:
    """Names that its owner opened, gateways for calls, and names of this network."""
    device = spared.house.device(PROTECTED)

    def answered(name: str) -> bool:
        return bool(device.ask(name).header.rcode == 0)

    while answered(f"x{len(spared.house.server.seen)}.tunnel.example"):
        assert len(spared.house.server.seen) < 2 * HELD_BURST
    for name in ("www.school.example", "school.example", "printer.lan", "nas", "1.0.168.192.in-addr.arpa"):
        assert answered(name), name
    assert not answered("preschool.tunnel.example")
    assert not spared.house.device(PROTECTED).ask("school.example.tunnel.example").rr
