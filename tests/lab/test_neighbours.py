"""Who is on the LAN, in the lab's router: real neighbours, real leases, a repeater."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon.kernel.neighbours import Neighbours
from tests.lab.household import ask
from tests.lab.lab import ALICE4, ALICE_MAC, BOB4, BOB_MAC, ROUTER4, ROUTER_LINK_LOCAL, ROUTER_ULA, Lab, await_true


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


@pytest.fixture
def neighbours(lab: Lab) -> Iterator[Neighbours]:
    # if_indextoname asks in the caller's namespace, so the test's thread goes there as the daemon would be there.
    made = lab.router.inside(lambda: Neighbours(["br-lan", "br-guest"], str(lab.leases)))
    yield made
    made.close()
    for space in lab.spaces.values():
        space.close_sockets()


def read(lab: Lab, neighbours: Neighbours) -> None:
    lab.router.inside(neighbours.read)


def test_what_is_there_already_and_what_comes(lab: Lab) -> None:
    ask(lab.alice, ROUTER4)
    neighbours = lab.router.inside(lambda: Neighbours(["br-lan"], "/nowhere"))
    assert neighbours.mac_of(ALICE4) == mac(ALICE_MAC)
    assert neighbours.mac_of(BOB4) is None
    ask(lab.bob, ROUTER4)
    read(lab, neighbours)
    assert neighbours.mac_of(BOB4) == mac(BOB_MAC)
    assert neighbours.mac_of("::ffff:" + BOB4) == mac(BOB_MAC)
    rows = {row["mac"]: row for _, row in neighbours.seen()}
    assert rows[BOB_MAC]["private_mac"] and not rows[ALICE_MAC]["private_mac"]
    assert rows[ALICE_MAC]["address"] == ALICE4
    neighbours.close()


def test_groups_and_the_router_itself_are_no_devices(lab: Lab, neighbours: Neighbours) -> None:
    own = lab.router.run(["ip", "-o", "link", "show", "br-lan"]).split("link/ether ")[1].split()[0]
    lab.router.run(["sh", "-c", "busybox ping -c1 -W1 -I br-lan 224.0.0.1 || true"])
    lab.router.run(["ip", "neigh", "replace", "192.168.50.77", "lladdr", own, "dev", "br-lan", "nud", "permanent"])
    lab.router.run(
        ["ip", "neigh", "replace", "fe80::77", "lladdr", "3c:22:fb:00:00:77", "dev", "br-lan", "nud", "stale"]
    )
    ask(lab.alice, ROUTER4)
    read(lab, neighbours)
    found = [row["mac"] for _, row in neighbours.seen()]
    assert ALICE_MAC in found and own not in found and "3c:22:fb:00:00:77" not in found
    assert not [text for text in found if text.startswith(("01:00:5e", "33:33", "ff:ff"))]


def test_every_slaac_address_is_the_devices(lab: Lab, neighbours: Neighbours) -> None:
    addresses = lab.addresses6(lab.alice)
    for address in addresses:
        lab.alice.run(["busybox", "ping", "-c1", "-W1", "-I", address, ROUTER_ULA])
    ask(lab.alice, ROUTER_LINK_LOCAL)
    read(lab, neighbours)
    assert {neighbours.mac_of(address) for address in addresses} == {mac(ALICE_MAC)}
    shown = neighbours.addresses_of(mac(ALICE_MAC))
    assert shown[0] == ALICE4
    assert shown[-1].startswith("fe80::")
    assert neighbours.mac_of(shown[-1] + "%br-lan") == mac(ALICE_MAC)


def test_the_wan_is_nobodys_neighbour(lab: Lab, neighbours: Neighbours) -> None:
    lab.router.run(["busybox", "ping", "-c1", "-W1", "198.51.100.1"])
    read(lab, neighbours)
    assert neighbours.mac_of("198.51.100.1") is None


def test_one_who_goes_is_forgotten(lab: Lab, neighbours: Neighbours) -> None:
    ask(lab.bob, ROUTER4)
    read(lab, neighbours)
    assert neighbours.address_of(mac(BOB_MAC)) == BOB4
    lab.router.ip.neigh("del", dst=BOB4, ifindex=lab.router.index("br-lan"))
    read(lab, neighbours)
    assert neighbours.mac_of(BOB4) is None


def test_a_lease_gives_a_name(lab: Lab, neighbours: Neighbours) -> None:
    lab.lease(lab.alice, "mias-tablet")
    await_true(lambda: lab.leases.exists() and "mias-tablet" in lab.leases.read_text(), "lease")
    assert neighbours.name_of(mac(ALICE_MAC)) == "mias-tablet"
    rows = {row["mac"]: row for _, row in neighbours.seen()}
    assert rows[ALICE_MAC]["hostname"] == "mias-tablet"
    lab.leases.unlink()
    assert neighbours.name_of(mac(ALICE_MAC)) == ""


def test_a_repeater_is_noticed(lab: Lab, neighbours: Neighbours) -> None:
    """It answers for what is behind it with its own MAC: more addresses at once than one device has."""
    read(lab, neighbours)
    assert not neighbours.stands_for_many(mac(ALICE_MAC))
    for last in (31, 32):
        lab.alice.address("eth0", f"192.168.50.{last}/24")
        lab.alice.run(["busybox", "ping", "-c1", "-W1", "-I", f"192.168.50.{last}", ROUTER4])
        lab.router.run(["busybox", "ping", "-c1", "-W1", f"192.168.50.{last}"])
    lab.router.run(["busybox", "ping", "-c1", "-W1", ALICE4])
    read(lab, neighbours)
    assert neighbours.stands_for_many(mac(ALICE_MAC))


def test_an_address_leased_to_another_means_a_repeater(lab: Lab, tmp_path: Path) -> None:
    lab.router.run(["busybox", "ping", "-c1", "-W1", BOB4])
    leases = tmp_path / "leases"
    leases.write_text(f"1 3c:22:fb:00:00:99 {BOB4} tablet *\n")
    neighbours = lab.router.inside(lambda: Neighbours(["br-lan"], str(leases)))
    assert neighbours.stands_for_many(mac(BOB_MAC))
    neighbours.close()


def test_lost_reports_are_asked_for_again(lab: Lab, neighbours: Neighbours) -> None:
    """Thousands of changes with nobody reading: the socket overflows, and the next read still ends with the truth."""
    for step in range(12):
        lines = [
            f"neigh replace 192.168.50.{last} lladdr 02:00:00:00:{step:02x}:{last:02x} dev br-lan"
            for last in range(100, 250)
        ]
        lab.router.run(["ip", "-batch", "-"], input="\n".join(lines))
    read(lab, neighbours)
    for last in range(100, 250):
        assert neighbours.mac_of(f"192.168.50.{last}") == bytes([2, 0, 0, 0, 11, last])
    lab.router.run(["ip", "neigh", "flush", "dev", "br-lan", "nud", "all"])


def test_without_netlink_or_leases_nobody_is_known() -> None:
    neighbours = Neighbours([], "/nowhere")
    assert neighbours.seen() == []
    assert neighbours.mac_of("not an address") is None
    assert neighbours.address_of(b"123456") is None
    neighbours.close()
    assert neighbours.fileno() == -1
    neighbours.read()
