"""The installed daemon in a household: switched on and off, what it tells, and who it leaves alone."""

import pytest

from agent.client import ControlError
from tests.lab.household import Asker, ask
from tests.lab.lab import (
    ALICE_MAC,
    GUEST_MAC,
    GUEST_ROUTER4,
    RESOLVER4,
    RESOLVER6,
    ROUTER4,
    ROUTER_LINK_LOCAL,
    ROUTER_ULA,
    Lab,
    await_true,
)
from tests.lab.resident import Resident

PLAIN = {ROUTER4: "router", ROUTER_ULA: "router", ROUTER_LINK_LOCAL: "router", RESOLVER4: "wan", RESOLVER6: "wan"}


def answers(lab: Lab, tcp: bool) -> dict[str, str]:
    return {server: ask(lab.alice, server, tcp) for server in PLAIN}


def test_on_and_off(lab: Lab, resident: Resident) -> None:
    lab.addresses6(lab.alice)
    device = resident.add("Tablet", ALICE_MAC)
    for tcp in (False, True):
        assert answers(lab, tcp) == PLAIN, "enrolled is not on"
        resident.on(device)
        assert answers(lab, tcp) == dict.fromkeys(PLAIN, "agent")
        assert ask(lab.bob, ROUTER4, tcp) == "router"
        resident.off(device)
        assert answers(lab, tcp) == PLAIN
    assert resident.audit()["ok"]


def test_a_held_open_socket_follows_the_toggles(lab: Lab, resident: Resident) -> None:
    device = resident.add("Tablet", ALICE_MAC)
    own, hard = Asker(lab.alice, ROUTER4), None
    for _ in range(3):
        assert own.ask() == "router"
        resident.on(device)
        hard = Asker(lab.alice, RESOLVER4)
        assert (own.ask(), hard.ask()) == ("agent", "agent")
        resident.off(device)
        assert (own.ask(), hard.ask()) == ("router", "wan")


def test_connections_from_before_on_are_taken_over(lab: Lab, resident: Resident) -> None:
    """A client may hold one open for hours; it is told to begin anew."""
    lab.addresses6(lab.alice)
    device = resident.add("Tablet", ALICE_MAC)
    held = [Asker(lab.alice, server, tcp=True) for server in PLAIN]
    assert [asker.ask() for asker in held] == list(PLAIN.values())
    neighbours = Asker(lab.bob, RESOLVER4, tcp=True)
    assert neighbours.ask() == "wan"
    resident.on(device)
    assert {asker.ask() for asker in held} == {"ConnectionResetError"}
    await_true(lambda: established(lab) == 0, "end of the connections at the resolver, too")
    assert set(answers(lab, tcp=True).values()) == {"agent"}
    assert neighbours.ask() == "wan"


def established(lab: Lab) -> int:
    """Connections that the router's own resolver holds."""
    return len(lab.router.run(["ss", "-Htn", "state", "established", "sport = :53"]).splitlines())


def test_a_guest(lab: Lab, resident: Resident) -> None:
    device = resident.add("Visitor", GUEST_MAC)
    assert ask(lab.guest, GUEST_ROUTER4) == "router"
    with pytest.raises(ControlError, match="guest network"):
        resident.on(device, "history")
    resident.on(device, "protection")
    assert ask(lab.guest, GUEST_ROUTER4) == "agent"
    assert ask(lab.guest, RESOLVER4, tcp=True) == "agent"


def test_status_tells_what_the_kernel_holds(lab: Lab, resident: Resident) -> None:
    assert resident.kernel["state"] == "idle"
    device = resident.add("Tablet", ALICE_MAC)
    resident.on(device)
    assert resident.kernel["state"] == "armed"
    resident.off(device)
    assert resident.kernel["state"] == "idle"


def test_devices_in_sight_can_be_found_without_being_recorded(lab: Lab, resident: Resident) -> None:
    ask(lab.alice, ROUTER4)
    ask(lab.bob, ROUTER4)
    resident.add("Tablet", ALICE_MAC)
    seen = {row["mac"]: row for row in resident.client.items("device.new")}
    assert "da:a1:19:00:00:0b" in seen and seen["da:a1:19:00:00:0b"]["private_mac"]
    assert ALICE_MAC not in seen
    for file in ("state/state.db", "run/history.db"):
        assert bytes.fromhex("daa11900000b") not in (resident.folder / file).read_bytes()


def test_a_stop_leaves_nothing(lab: Lab, resident: Resident) -> None:
    resident.on(resident.add("Tablet", ALICE_MAC))
    assert ask(lab.alice, ROUTER4) == "agent"
    assert resident.stop() == 0
    assert "privacy_agent" not in lab.router.run(["nft", "list", "tables"])
    assert ask(lab.alice, ROUTER4) == "router"
