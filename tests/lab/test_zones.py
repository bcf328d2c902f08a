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
    RESOLVER6,
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


def open_ways(lab: Lab) -> set[tuple[str, ...]]:
    """As nft names them: ("br-lan", "ipv4", "udp")."""
    listed = json.loads(lab.router.run(["nft", "-j", "list", "set", "inet", "privacy_agent", "open"]))
    return {tuple(one["concat"]) for item in listed["nftables"] if "set" in item for one in item["set"].get("elem", [])}


def open_interfaces(lab: Lab) -> set[str]:
    """Those from which a query may come in every way."""
    return {name for name, *_ in open_ways(lab) if sum(way[0] == name for way in open_ways(lab)) == 4}


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


def test_a_zone_that_lets_in_a_part_is_covered_in_that_part(
    lab: Lab, resident: Resident, nft: Callable[[str], str]
) -> None:
    """The rest answers as without the agent: redirected to a router that refuses it, it would be lost."""
    lab.addresses6(lab.guest)
    nft("flush chain inet fw4 input_guest; add rule inet fw4 input_guest meta l4proto ipv6-icmp accept")
    nft("add rule inet fw4 input_guest meta nfproto ipv4 udp dport 53 accept")
    visitor = resident.add("Visitor", GUEST_MAC)
    resident.on(visitor, "protection")
    assert {way for way in open_ways(lab) if way[0] == "br-guest"} == {("br-guest", "ipv4", "udp")}
    assert ask(lab.guest, RESOLVER4) == ask(lab.guest, GUEST_ROUTER4) == "agent"
    assert ask(lab.guest, RESOLVER4, tcp=True) == ask(lab.guest, RESOLVER6) == "wan"
    assert ask(lab.guest, RESOLVER6, tcp=True) == "wan"
    told = (
        "from br-guest by IPv4 over TCP, IPv6 over UDP, IPv6 over TCP: what devices there ask that way is not covered"
    )
    assert told in str(resident.kernel["message"])
    assert resident.kernel["uncovered"] == []


ALL = {("ipv4", "udp"), ("ipv4", "tcp"), ("ipv6", "udp"), ("ipv6", "tcp")}
# Firewalls by other hands: what the query meets there, and as what DNS gets in from br-guest for all we know.
FIREWALLS: dict[str, set[tuple[str, str]]] = {
    "iifname vmap { lo : accept, br-guest : jump guests }; drop": set(),
    "iifname vmap { lo : accept, br-guest : accept }; drop": ALL,
    "ct state established,related accept; iif lo accept; iifname br-guest drop": set(),
    "iifname br-guest ip saddr 192.168.60.0/24 accept; drop": {("ipv4", "udp"), ("ipv4", "tcp")},
    "iifname br-g* udp dport { 67, 123 } accept; drop": set(),
    "iifname br-g* udp dport { 50-60, 123 } accept; drop": {("ipv4", "udp"), ("ipv6", "udp")},
    "iifname br-guest udp dport != 53 accept; drop": set(),
    "iifname br-guest limit rate 5/second accept; drop": ALL,
    "meta l4proto tcp accept; meta nfproto ipv6 accept; iifname br-guest counter log reject": ALL - {("ipv4", "udp")},
    "iifname != br-lan goto guests; accept": set(),
    "ct status dnat accept; iifname br-guest drop": ALL,
    "iifname br-guest meta mark 1 drop; iifname br-guest accept": ALL,
    "iifname br-guest meta l4proto . th dport { udp . 53, tcp . 53 } accept; iifname br-guest drop": ALL,
    "iifname br-guest meta l4proto { tcp, udp } th dport 53 ip6 saddr fe80::/10 reject; accept": ALL,
}


@pytest.mark.parametrize("rules", FIREWALLS)
def test_firewalls_by_other_hands(lab: Lab, resident: Resident, nft: Callable[[str], str], rules: str) -> None:
    lines = "\n".join(rules.split("; "))
    hook = "type filter hook input priority 0; policy accept;"
    nft(f"table inet other {{\nchain guests {{\nudp dport 67 accept\ndrop\n}}\nchain input {{\n{hook}\n{lines}\n}}\n}}")
    resident.on(resident.add("Tablet", ALICE_MAC))
    assert {way[1:] for way in open_ways(lab) if way[0] == "br-guest"} == FIREWALLS[rules]
    assert "br-lan" in open_interfaces(lab) or rules.endswith("drop")


def test_chains_of_one_family(lab: Lab, resident: Resident, nft: Callable[[str], str]) -> None:
    for family, condition in (("ip6", ""), ("ip", "meta l4proto tcp")):
        chain = f"chain input {{\ntype filter hook input priority 0;\niifname br-guest {condition} drop\n}}"
        nft(f"table {family} other {{\n{chain}\n}}")
    resident.on(resident.add("Tablet", ALICE_MAC))
    assert {way[1:] for way in open_ways(lab) if way[0] == "br-guest"} == {("ipv4", "udp")}
