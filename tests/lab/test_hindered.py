"""What may stand in the switch's way, flow tables and missing rights, is told; nothing pretends to be on."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon.kernel.queue import Queue
from tests.lab.fixtures import close_sockets
from tests.lab.household import Asker, ask
from tests.lab.lab import ALICE_MAC, RESOLVER4, RESOLVER4_B, RESOLVER6, ROUTER4, Lab, await_true
from tests.lab.resident import ROOT, Resident

NUMBER = 5391  # the queue's, by default
# As fw4 makes it with `flow_offloading`: from their second packet on, flows go by all chains.
OFFLOAD = """
table inet quick {
	flowtable ft { hook ingress priority 0; devices = { br-lan, wan0 }; }
	chain forward { type filter hook forward priority -1; meta l4proto { tcp, udp } flow add @ft; }
}
"""


@pytest.fixture
def offload(lab: Lab) -> Iterator[None]:
    try:
        lab.router.run(["nft", "-f", "-"], input=OFFLOAD)
    except RuntimeError as error:
        if "No such file" not in str(error):
            raise
        pytest.skip("not here: flow tables in this kernel")
    yield
    lab.router.run(["nft", "delete", "table", "inet", "quick"])


def offloaded(lab: Lab) -> bool:
    families = [lab.router.run(["conntrack", "-L", "-f", family]) for family in ("ipv4", "ipv6")]
    return all("[OFFLOAD]" in listed for listed in families)


def test_dns_is_covered_behind_a_flow_table(lab: Lab, offload: None, resident: Resident) -> None:
    """Also what had been taken over by it before: the flow's end in conntrack ends it there."""
    lab.addresses6(lab.alice)
    device = resident.add("Tablet", ALICE_MAC)
    held = [Asker(lab.alice, server) for server in (RESOLVER4, RESOLVER6)]
    for _ in range(4):
        assert {asker.ask() for asker in held} == {"wan"}
    assert offloaded(lab), "nothing was taken over, so nothing is tested"
    resident.on(device)
    assert {asker.ask() for asker in held} == {"agent"}
    assert {ask(lab.alice, server, tcp=True) for server in (RESOLVER4, RESOLVER6)} == {"agent"}
    assert str(resident.kernel["connections"]).startswith("DNS only: flow offloading")
    assert resident.kernel["uncovered"] == []
    resident.off(device)
    assert {asker.ask() for asker in held} == {"wan"}


def test_doctor_says_dns_only_behind_a_flow_table(lab: Lab, offload: None, resident: Resident) -> None:
    command = [sys.executable, "-m", "agent.jobs.doctor", str(resident.settings), "{}"]
    told = lab.router.start(command, cwd=ROOT, stdout=subprocess.PIPE).communicate(timeout=60)[0].decode()
    assert "Flow offload is on" in told


def test_a_queue_that_somebody_else_reads_is_taken_when_it_is_free(lab: Lab, tmp_path: Path) -> None:
    """So is one whose kernel module comes later: tests/qemu has that."""
    other = lab.router.inside(lambda: Queue(NUMBER, 64, lambda packet: None, lambda packet: None))
    resident = Resident(lab, tmp_path)
    try:
        device = resident.add("Tablet", ALICE_MAC)
        resident.on(device, "protection")
        assert "somebody else reads it" in str(resident.kernel["connections"])
        assert str(resident.kernel["connections"]).startswith("DNS only: ")
        assert ask(lab.alice, ROUTER4) == "agent"
        other.close()
        await_true(lambda: resident.kernel["connections"] == "Web connections are judged.", "taking the queue", 15)
        assert resident.kernel["connections_by"] is not None
    finally:
        other.close()
        close_sockets(lab)
        assert resident.stop() == 0


def test_a_rule_that_takes_dns_first_is_not_fought(lab: Lab, resident: Resident) -> None:
    """doctor tells of it; the device's connections go where that rule says, and none is cut."""
    hook = "type nat hook prerouting priority -110;"
    rule = f"meta nfproto ipv4 meta l4proto {{ tcp, udp }} th dport 53 dnat ip to {RESOLVER4_B}"
    lab.router.run(["nft", "-f", "-"], input=f"table inet force {{\nchain c {{\n{hook}\n{rule}\n}}\n}}\n")
    try:
        resident.on(resident.add("Tablet", ALICE_MAC))
        held = Asker(lab.alice, RESOLVER4, tcp=True)
        assert [held.ask() for _ in range(3)] == ["wan"] * 3
        assert ask(lab.alice, RESOLVER4) == "wan"
    finally:
        lab.router.run(["nft", "delete", "table", "inet", "force"])


@pytest.fixture
def powerless(lab: Lab, tmp_path: Path) -> Iterator[Resident]:
    """A daemon that may not touch the network's rules."""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is needed to take rights away")
    resident = Resident(lab, tmp_path, ("setpriv", "--inh-caps=-net_admin", "--bounding-set=-net_admin"))
    yield resident
    close_sockets(lab)
    assert resident.stop() == 0


def test_without_the_right_nothing_pretends_to_be_on(lab: Lab, powerless: Resident) -> None:
    device = powerless.add("Tablet", ALICE_MAC)
    powerless.on(device)
    kernel = powerless.kernel
    assert kernel["state"] == "refused"
    assert "does not permit it" in str(kernel["message"])
    assert kernel["uncovered"] == [device]
    assert "not protected" in str(powerless.status())
    assert (ask(lab.alice, ROUTER4), ask(lab.alice, RESOLVER4)) == ("router", "wan")
    for tcp in (False, True):
        ask(lab.alice, ROUTER4, tcp, name="direct.who", port=5391, timeout_ms=300)
    assert powerless.rows("SELECT site FROM visits") == []
