"""A device that is on and is not where its address says: said, and its new address offered."""

from tests.lab.household import ask
from tests.lab.lab import ALICE4, ALICE_MAC, ROUTER4, Lab, await_true
from tests.lab.resident import Resident

NEW_MAC = "3c:22:fb:00:00:66"


def row(resident: Resident) -> dict:
    (found,) = resident.client.items("device.list")
    return found


def test_the_name_that_moved_to_another_mac_is_offered(lab: Lab, resident: Resident) -> None:
    lab.lease(lab.alice, "mias-tablet")
    await_true(lambda: lab.leases.exists() and "mias-tablet" in lab.leases.read_text(), "lease")
    device = resident.add("Mia's tablet", ALICE_MAC)
    resident.on(device)
    ask(lab.alice, ROUTER4)
    await_true(lambda: row(resident)["covered"], "sight")
    lab.alice.run(["ip", "link", "set", "eth0", "down"])
    lab.alice.run(["ip", "link", "set", "eth0", "address", NEW_MAC])
    lab.alice.run(["ip", "link", "set", "eth0", "up"])
    try:
        lab.lease(lab.alice, "mias-tablet")
        await_true(lambda: row(resident)["unseen"], "that it is not seen")
        found = row(resident)
        assert not found["covered"] and found["unseen"]["moved"]["mac"] == NEW_MAC
        assert found["unseen"]["moved"]["hostname"] == "mias-tablet"
        status = resident.status()
        assert [one["label"] for one in status["kernel"]["unseen"]] == ["Mia's tablet"] and status[
            "health_code"
        ] == "moved"
        before = len(list(resident.client.items("activity")))
        resident.client.call("device.edit", device_id=device, mac=NEW_MAC)
        assert row(resident)["covered"] and row(resident)["unseen"] is None
        assert len(list(resident.client.items("activity"))) == before + 1
    finally:
        lab.alice.run(["ip", "link", "set", "eth0", "down"])
        lab.alice.run(["ip", "link", "set", "eth0", "address", ALICE_MAC])
        lab.alice.run(["ip", "link", "set", "eth0", "up"])


def test_a_repeaters_mac_at_its_address_is_said(lab: Lab, resident: Resident) -> None:
    lab.leases.write_text(f"1 3c:22:fb:00:00:99 {ALICE4} tablet *\n")
    resident.on(resident.add("Tablet", "3c:22:fb:00:00:99"))
    ask(lab.alice, ROUTER4)
    await_true(lambda: row(resident)["unseen"], "the other MAC")
    found = row(resident)
    assert not found["covered"] and found["unseen"]["through"] == ALICE_MAC
