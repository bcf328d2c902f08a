"""P8, unknown is private, in the kernel: spoofed, forged and late packets, and a kernel that refuses."""

import json
import signal
import socket
import time

import pytest
from dnslib import DNSRecord

from agent.core import marks
from agent.daemon.kernel.nfsocket import open_socket
from agent.daemon.kernel.switch import Switch
from tests.lab.household import Asker, ask
from tests.lab.lab import ALICE4, ALICE_MAC, BOB4, FIREWALL, RESOLVER4, ROUTER4, ROUTER_ULA, ZONE, Lab, await_true
from tests.lab.resident import Resident

AGENT_PORT = 5391


def names(resident: Resident) -> set[str]:
    resident.call("audit")  # what waits is written before it answers
    return {str(site) for (site,) in resident.rows("SELECT site FROM visits")}


def recorded(resident: Resident, name: str) -> bool:
    await_flush(resident)
    return name in names(resident)


def await_flush(resident: Resident) -> None:
    """What was observed is in the file after a batch at the latest."""
    resident.call("history", limit=1, device_id=1)


def test_a_spoofed_source_address_is_not_the_device(lab: Lab, resident: Resident) -> None:
    """The neighbour takes the device's IPv4 address; the mark goes by the Ethernet address."""
    device = resident.add("Tablet", ALICE_MAC)
    resident.on(device)
    assert ask(lab.alice, ROUTER4, name=f"mine.{ZONE}") == "agent"
    move(lab, BOB4, ALICE4)
    try:
        assert ask(lab.bob, ROUTER4, name=f"spoofed.{ZONE}") in ("router", "TimeoutError")
        assert ask(lab.bob, ROUTER4, tcp=True, name=f"spoofed-tcp.{ZONE}") in ("router", "TimeoutError", "OSError")
    finally:
        move(lab, ALICE4, BOB4)
        lab.router.run(["ip", "neigh", "flush", "dev", "br-lan"])
    assert recorded(resident, f"mine.{ZONE}")
    assert not {f"spoofed.{ZONE}", f"spoofed-tcp.{ZONE}"} & names(resident)


def move(lab: Lab, old: str, new: str) -> None:
    """The neighbour changes its IPv4 address."""
    index = lab.bob.index("eth0")
    lab.bob.ip.addr("del", index=index, address=old, prefixlen=24)
    lab.bob.ip.addr("add", index=index, address=new, prefixlen=24)
    lab.bob.ip.route("replace", dst="default", gateway=ROUTER4)


def test_forged_direct_packets_are_nobodys(lab: Lab, resident: Resident) -> None:
    """Even from the device itself: what did not come by the switch has no mark."""
    device = resident.add("Tablet", ALICE_MAC)
    for armed in (False, True):
        if armed:
            resident.on(device)
        for number, server in enumerate((ROUTER4, ROUTER_ULA)):
            for tcp in (False, True):
                name = f"forged{armed}{number}{tcp}.{ZONE}".lower()
                ask(lab.alice, server, tcp, name=name, port=AGENT_PORT, timeout_ms=300)
    assert ask(lab.alice, ROUTER4, name=f"mine.{ZONE}") == "agent"
    assert recorded(resident, f"mine.{ZONE}")
    assert names(resident) == {f"mine.{ZONE}"}


STRANGE = {
    "another slot": lambda mark: marks.pack(marks.unpack(mark)[0] + 1, marks.unpack(mark)[1]),  # type: ignore[index]
    "the generation before": lambda mark: marks.pack(marks.unpack(mark)[0], marks.unpack(mark)[1] - 1),  # type: ignore[index]
    "another signature": lambda mark: mark ^ 0x80000000,
    "no mark": lambda mark: 0,
    "every bit": lambda mark: 0xFFFFFFFF,
}


@pytest.mark.parametrize("kind", STRANGE)
def test_a_mark_that_is_not_the_device_of_now_is_nobodys(lab: Lab, resident: Resident, kind: str) -> None:
    """Other software changes the mark behind the switch: the query is answered plainly, and nothing is recorded."""
    resident.on(resident.add("Tablet", ALICE_MAC))
    assert ask(lab.alice, ROUTER4, name=f"mine.{ZONE}") == "agent"
    strange = STRANGE[kind](mark_of(lab))
    hook = "type filter hook input priority 201;"
    rule = f"udp dport {AGENT_PORT} meta mark set 0x{strange:08x}"
    lab.router.run(["nft", "-f", "-"], input=f"table inet other {{\nchain c {{\n{hook}\n{rule}\n}}\n}}\n")
    try:
        for server in (ROUTER4, RESOLVER4):
            ask(lab.alice, server, name=f"strange.{ZONE}", timeout_ms=500)
    finally:
        lab.router.run(["nft", "delete", "table", "inet", "other"])
    assert ask(lab.alice, ROUTER4, name=f"again.{ZONE}") == "agent"
    assert recorded(resident, f"mine.{ZONE}")
    assert names(resident) == {f"mine.{ZONE}", f"again.{ZONE}"}


def mark_of(lab: Lab) -> int:
    """The only device's mark, as the kernel holds it."""
    listed = json.loads(lab.router.run(["nft", "-j", "list", "map", "inet", "privacy_agent", "steered"]))
    (found,) = [item["map"] for item in listed["nftables"] if "map" in item]
    ((_, mark),) = found["elem"]
    return int(mark)


def test_a_packet_that_waited_over_off_and_on_is_of_its_own_epoch(lab: Lab, resident: Resident) -> None:
    device = resident.add("Tablet", ALICE_MAC)
    resident.on(device)
    first = epoch(resident, device)
    asker = Asker(lab.alice, ROUTER4).connect()
    resident.kill(signal.SIGSTOP)
    for number in range(20):
        asker.sock.send(query(f"waited{number}.{ZONE}"))
    send(resident, op="off", device_id=device, feature="history", actor="cli")
    send(resident, op="on", device_id=device, feature="history", agree=1, actor="cli")
    time.sleep(0.3)
    resident.kill(signal.SIGCONT)
    await_true(lambda: epoch(resident, device) > first, "second epoch")
    await_flush(resident)
    epochs = resident.rows(f"SELECT DISTINCT epoch FROM visits WHERE site LIKE 'waited%.{ZONE}'")
    assert epochs in ([], [(first,)])
    assert resident.audit()["ok"]


def query(name: str) -> bytes:
    return bytes(DNSRecord.question(name).pack())


def send(resident: Resident, **order: object) -> None:
    """An order on a connection of its own; nobody waits for the answer."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(resident.folder / "run" / "control.sock"))
        sock.sendall(json.dumps(order).encode() + b"\n")
        sock.shutdown(socket.SHUT_WR)


def epoch(resident: Resident, device: int) -> int:
    rows = resident.client.items("device.list")
    return next(row["features"]["history"]["epoch"] or 0 for row in rows if row["id"] == device)  # type: ignore[index]


def test_a_kernel_that_refuses_is_told_and_nothing_pretends_to_be_on(lab: Lab, resident: Resident) -> None:
    """Another process owns a table of this name."""
    other = lab.router.inside(open_socket)
    Switch(other, [], AGENT_PORT).apply({bytes(6): marks.pack(1, 1)})
    device = resident.add("Tablet", ALICE_MAC)
    try:
        resident.on(device)
        kernel = resident.kernel
        assert kernel["state"] == "refused"
        assert kernel["uncovered"] == [device]
        assert "only once" in str(kernel["message"])
        assert ask(lab.alice, ROUTER4, name=f"passed.{ZONE}") == "router"
        assert ask(lab.alice, RESOLVER4, tcp=True, name=f"passed-tcp.{ZONE}") == "wan"
        for tcp in (False, True):
            ask(lab.alice, ROUTER4, tcp, name=f"direct.{ZONE}", port=AGENT_PORT, timeout_ms=300)
        assert names(resident) == set()
    finally:
        assert other is not None
        other.close()
    await_true(lambda: resident.kernel["state"] == "armed", "the next try")
    assert resident.kernel["uncovered"] == []
    assert ask(lab.alice, ROUTER4) == "agent"


def test_rules_of_ours_that_nobody_owns_are_replaced(lab: Lab, resident: Resident) -> None:
    """Somebody saved and restored all rules: they would steer to an agent that is no more."""
    lab.router.run(["nft", "add", "table", "inet", "privacy_agent"])
    resident.on(resident.add("Tablet", ALICE_MAC))
    assert resident.kernel["state"] == "armed"
    assert ask(lab.alice, ROUTER4) == "agent"


def test_a_restart_of_the_firewall_changes_nothing(lab: Lab, resident: Resident) -> None:
    """A flush of all rules skips what has an owner, and nobody else may delete it."""
    resident.on(resident.add("Tablet", ALICE_MAC))
    with pytest.raises(RuntimeError, match="not permitted"):
        lab.router.run(["nft", "delete", "table", "inet", "privacy_agent"])
    lab.router.run(["nft", "flush", "ruleset"])
    try:
        assert ask(lab.alice, ROUTER4) == "agent"
    finally:
        lab.router.run(["nft", "-f", str(FIREWALL)])
    assert resident.kernel["state"] == "armed"
