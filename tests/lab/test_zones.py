"""Zones that let no DNS in: nobody there is covered, `status` says so, and nobody loses DNS over it."""

import json
from collections.abc import Callable, Iterator

import pytest

from tests.lab.household import ask
from tests.lab.lab import (
    ALICE_MAC,
    FIREWALL,
    GUEST_MAC,
    GUEST_ROUTER4,
    RESOLVER4,
    ROUTER4,
    Lab,
    await_true,
)
from tests.lab.resident import Resident


@pytest.fixture
def nft(lab: Lab) -> Iterator[Callable[[str], str]]:
    """Loads rules, and restores the firewall in the end."""
    yield lambda rules: lab.router.run(["nft", "-f", "-"], input=rules)
    lab.router.run(["nft", "flush", "ruleset"])
    lab.router.run(["nft", "-f", str(FIREWALL)])


def open_interfaces(lab: Lab) -> set[str]:
    listed = json.loads(lab.router.run(["nft", "-j", "list", "set", "inet", "privacy_agent", "open"]))
    return {name for item in listed["nftables"] if "set" in item for name in item["set"].get("elem", [])}


def test_a_zone_with_nothing_but_dns_is_open(lab: Lab, resident: Resident) -> None:
    resident.on(resident.add("Visitor", GUEST_MAC), "protection")
    assert open_interfaces(lab) == {"br-lan", "br-guest"}
    assert resident.kernel["uncovered"] == []
    assert "lets no DNS in" not in str(resident.kernel["message"])


def test_a_zone_that_is_closed_is_told_and_left_alone(lab: Lab, resident: Resident, nft: Callable[[str], str]) -> None:
    """Hard-coded resolvers answer as without the agent; redirected to a router that lets no DNS in, they would not."""
    nft("flush chain inet fw4 input_guest")
    visitor, tablet = resident.add("Visitor", GUEST_MAC), resident.add("Tablet", ALICE_MAC)
    resident.on(visitor, "protection")
    resident.on(tablet)
    assert ask(lab.guest, RESOLVER4) == "wan"
    assert ask(lab.guest, RESOLVER4, tcp=True) == "wan"
    assert ask(lab.alice, RESOLVER4) == ask(lab.alice, ROUTER4) == "agent"
    assert "lets no DNS in from br-guest" in str(resident.kernel["message"])
    assert resident.kernel["uncovered"] == [visitor]


def test_a_firewall_that_changes_is_followed(lab: Lab, resident: Resident, nft: Callable[[str], str]) -> None:
    visitor = resident.add("Visitor", GUEST_MAC)
    resident.on(visitor, "protection")
    assert ask(lab.guest, RESOLVER4) == "agent"
    nft("flush chain inet fw4 input_guest")
    await_true(lambda: open_interfaces(lab) == {"br-lan"}, "closing")
    assert ask(lab.guest, RESOLVER4) == "wan"
    assert resident.kernel["uncovered"] == [visitor]
    nft("add rule inet fw4 input_guest udp dport 53 accept; add rule inet fw4 input_guest tcp dport 53 accept")
    await_true(lambda: open_interfaces(lab) == {"br-lan", "br-guest"}, "opening")
    assert (ask(lab.guest, RESOLVER4), ask(lab.guest, GUEST_ROUTER4)) == ("agent", "agent")
    assert resident.kernel["uncovered"] == []


# Firewalls by other hands: what the query meets there, and whether DNS gets in from br-guest for all we know.
FIREWALLS = {
    "iifname vmap { lo : accept, br-guest : jump guests }; drop": False,
    "iifname vmap { lo : accept, br-guest : accept }; drop": True,
    "ct state established,related accept; iif lo accept; iifname br-guest drop": False,
    "iifname br-guest ip saddr 192.168.60.0/24 accept; drop": True,
    "iifname br-g* udp dport { 67, 123 } accept; drop": False,
    "iifname br-g* udp dport { 50-60, 123 } accept; drop": True,
    "iifname br-guest udp dport != 53 accept; drop": False,
    "iifname br-guest limit rate 5/second accept; drop": True,
    "meta l4proto tcp accept; meta nfproto ipv6 accept; iifname br-guest counter log reject": False,
    "iifname != br-lan goto guests; accept": False,
    "ct status dnat accept; iifname br-guest drop": True,
    "iifname br-guest meta mark 1 drop; iifname br-guest accept": True,
}


@pytest.mark.parametrize("rules", FIREWALLS)
def test_firewalls_by_other_hands(lab: Lab, resident: Resident, nft: Callable[[str], str], rules: str) -> None:
    lines = "\n".join(rules.split("; "))
    hook = "type filter hook input priority 0; policy accept;"
    nft(f"table inet other {{\nchain guests {{\nudp dport 67 accept\ndrop\n}}\nchain input {{\n{hook}\n{lines}\n}}\n}}")
    resident.on(resident.add("Tablet", ALICE_MAC))
    assert ("br-guest" in open_interfaces(lab)) == FIREWALLS[rules]
    assert "br-lan" in open_interfaces(lab) or rules.endswith("drop")
