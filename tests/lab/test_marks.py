"""The bits of marks are settings: the installed daemon and its guard keep to other ones just as well."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.marks import Layout
from tests.lab.fixtures import close_sockets
from tests.lab.household import Asker, ask
from tests.lab.lab import ALICE4, ALICE_MAC, RESOLVER4, ROUTER4, Lab, await_true
from tests.lab.resident import Resident, children

LAYOUT = Layout(0x00003C00, 16, 0)


@pytest.fixture
def elsewhere(lab: Lab, tmp_path: Path) -> Iterator[Resident]:
    """A daemon whose marks are where mwan3's, pbr's and nobody's are by default."""
    resident = Resident(lab, tmp_path, mark_signature="0x3C00", mark_slot_bit=16, mark_generation_bit=0)
    yield resident
    close_sockets(lab)
    assert resident.stop() == 0


def marks_of(lab: Lab, address: str) -> set[int]:
    listed = lab.router.run(["conntrack", "-L", "-s", address, "-p", "udp"]).split()
    return {int(word[5:]) for word in listed if word.startswith("mark=")} - {0}


def test_steered_and_flushed_by_other_bits(lab: Lab, elsewhere: Resident) -> None:
    device = elsewhere.add("Tablet", ALICE_MAC)
    elsewhere.on(device)
    held = Asker(lab.alice, RESOLVER4)
    assert held.ask() == "agent"
    assert {ask(lab.alice, server, tcp) for server in (ROUTER4, RESOLVER4) for tcp in (False, True)} == {"agent"}
    (mark,) = marks_of(lab, ALICE4)
    assert mark & ~LAYOUT.mask == 0 and LAYOUT.unpack(mark) is not None
    elsewhere.off(device)
    assert held.ask() == "wan"


def test_the_guard_ends_flows_by_other_bits(lab: Lab, elsewhere: Resident) -> None:
    elsewhere.on(elsewhere.add("Tablet", ALICE_MAC))
    held = Asker(lab.alice, RESOLVER4)
    assert held.ask() == "agent"
    # Changed meanwhile: the guard's flows are those of its own bits, so its daemons keep to them.
    text = elsewhere.settings.read_text()
    elsewhere.settings.write_text(
        text.replace("0x3C00", "0xC000C000").replace('"mark_slot_bit": 16', '"mark_slot_bit": 0')
    )
    before = elsewhere.daemon
    elsewhere.kill()
    await_true(lambda: children(elsewhere.guard) not in ([], [before]), "restart")
    elsewhere.client.close()
    elsewhere.client = elsewhere.connect()
    await_true(lambda: elsewhere.kernel["state"] == "armed", "arming")
    assert held.ask() == "agent"
    (mark,) = marks_of(lab, ALICE4)
    assert LAYOUT.unpack(mark) is not None


def test_bits_that_others_have_by_default_are_told(lab: Lab, elsewhere: Resident) -> None:
    assert "also mwan3's by default" in elsewhere.said()
    assert "also pbr's by default" in elsewhere.said()
