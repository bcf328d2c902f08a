"""fw4's own rulesets, loaded as OpenWrt renders them: the walk of the input chains says what real packets meet.

What they met on OpenWrt was measured (`fw4-expected.json`); packets are sent here once more.
"""

import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core import expressions as nft
from agent.daemon.kernel.firewall import Firewall
from agent.daemon.kernel.netfilter import Netfilter
from agent.daemon.kernel.nfsocket import open_socket
from tests.lab.lab import PREFIX, missing
from tests.lab.spaces import Space

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "openwrt"
RULESETS = sorted(path.name for path in DATA.glob("fw4-*.nft"))
# zone: (interface, the router's addresses, the client's, their MACs' last byte)
ZONES = {
    "lan": ("br-lan", ("192.168.1.1", "fd12:3456:789a::1"), ("192.168.1.7", "fd12:3456:789a::7"), 1),
    "wan": ("eth1", ("192.0.2.10", "2001:db8:1::10"), ("192.0.2.77", "2001:db8:1::77"), 2),
    "guest": ("br-guest", ("192.168.9.1", "fd12:3456:789b::1"), ("192.168.9.7", "fd12:3456:789b::7"), 3),
}
WAYS = {
    (family_name, protocol_name): (family, protocol)
    for family_name, family in (("ipv4", nft.INET4), ("ipv6", nft.INET6))
    for protocol_name, protocol in (("udp", nft.UDP), ("tcp", nft.TCP))
}
PLACES = [(zone, *names) for zone in ZONES for names in WAYS]

pytestmark = pytest.mark.skipif(
    missing() != "" or not RULESETS, reason=missing() or "not here: ../shared/data/openwrt with fw4's rulesets"
)


@pytest.fixture(scope="module")
def spaces() -> Iterator[tuple[Space, Space]]:
    """A router and one client with a leg in each zone; neighbours are set by hand, as fw4 rejects IPv6's discovery."""
    router, client = Space(f"{PREFIX}{os.getpid()}-fw4"), Space(f"{PREFIX}{os.getpid()}-fw4-client")
    for interface, ours, theirs, number in ZONES.values():
        router.ip.link("add", ifname=interface, kind="veth", peer={"ifname": interface, "net_ns_fd": client.name})
        for space, addresses, peers, mac, peer_mac in (
            (router, ours, theirs, f"02:00:00:00:01:{number:02}", f"02:00:00:00:02:{number:02}"),
            (client, theirs, ours, f"02:00:00:00:02:{number:02}", f"02:00:00:00:01:{number:02}"),
        ):
            index = space.index(interface)
            space.ip.link("set", index=index, address=mac)
            space.up(interface)
            for address, peer in zip(addresses, peers):
                space.address(interface, address + ("/64" if ":" in address else "/24"))
                space.ip.neigh("replace", dst=peer, lladdr=peer_mac, ifindex=index, state="permanent")
    router.run(["sysctl", "-qw", "net.ipv4.icmp_ratelimit=0"])
    answer(router)
    yield router, client
    client.close()
    router.close()


def answer(router: Space) -> None:
    """Whatever is sent to port 53 comes back."""
    for family, kind in ((f, k) for f in (socket.AF_INET, socket.AF_INET6) for k in (2, 1)):
        listener = router.socket(family, kind, 600)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(("", 53))
        if kind == socket.SOCK_STREAM:
            listener.listen(16)
        else:
            threading.Thread(target=echo, args=(listener,), daemon=True).start()


def echo(listener: socket.socket) -> None:
    while True:
        try:
            listener.sendto(*listener.recvfrom(64))
        except OSError:
            return


def met(client: Space, zone: str, family_name: str, protocol_name: str) -> str:
    family, kind = WAYS[family_name, protocol_name]
    address = ZONES[zone][1][family == nft.INET6]
    tried = client.socket(
        socket.AF_INET6 if family == nft.INET6 else socket.AF_INET,
        socket.SOCK_STREAM if kind == nft.TCP else socket.SOCK_DGRAM,
        timeout_s=5,
    )
    try:
        tried.connect((address, 53))
        if kind == nft.UDP:
            tried.send(b"?")
            tried.recv(64)
    except OSError:
        return "reject"
    return "accept"


def judged(router: Space) -> dict[tuple[str, str, str], str]:
    netlink = router.inside(open_socket)
    assert netlink is not None
    firewall = Firewall(Netfilter(netlink), [ZONES[zone][0] for zone in ZONES])
    router.inside(firewall.look)
    netlink.close()
    closed = {place: (ZONES[place[0]][0], *WAYS[place[1], place[2]]) in firewall.closed for place in PLACES}
    return {place: "reject" if shut else "accept" for place, shut in closed.items()}


@pytest.mark.parametrize("ruleset", RULESETS)
def test_the_walk_says_what_packets_meet(spaces: tuple[Space, Space], ruleset: str) -> None:
    router, client = spaces
    router.run(["nft", "flush", "ruleset"])
    try:
        router.run(["nft", "-f", str(DATA / ruleset)])
    except RuntimeError as error:
        if "offload" in ruleset:
            pytest.skip(f"not here: flow tables ({error})")
        raise
    known = json.loads((DATA / "fw4-expected.json").read_text())
    measured = known.get(ruleset) or known["fw4-default.nft"]  # an offload only changes what is forwarded
    said = judged(router)
    assert said == {place: measured[place[0]][place[1]][place[2]]["53"] for place in PLACES}
    assert said == {place: met(client, *place) for place in PLACES}
    client.close_sockets()


BASE = """table inet t {{
    {0}
    chain no {{ meta l4proto udp reject; meta l4proto tcp reject
    }}
    chain input {{
        type filter hook input priority 0; policy accept
        {1}
        {2}
    }}
}}
"""
# Sets, rules, what becomes of all else, and the zones whose queries by UDP over IPv4 get in.
BESIDE = {
    "a source and another port": ("", "ip saddr . udp dport { 192.168.1.7 . 67 } accept", "goto no", ()),
    "a source and this port": ("", "ip saddr . udp dport { 192.168.1.0/24 . 53 } accept", "goto no", ZONES),
    "a set of its own": (
        "set s { type ipv4_addr . inet_proto . inet_service; flags interval; elements = { 0.0.0.0/0 . tcp . 1-1000 } }",
        "ip saddr . meta l4proto . th dport @s accept",
        "goto no",
        (),
    ),
    "interface and port": (
        "",
        "iifname . meta l4proto . th dport { br-guest . udp . 53 } accept",
        "goto no",
        ("guest",),
    ),
    "interface and port kept out": ("", "iifname . udp dport { br-lan . 53, eth1 . 53 } goto no", "accept", ("guest",)),
    "a range of ports": ("", "iifname . udp dport { br-lan . 50-60, br-guest . 54-60 } accept", "goto no", ("lan",)),
    "a map": (
        "",
        "iifname . udp dport vmap { br-lan . 53 : goto no, eth1 . 53 : accept, br-guest . 67 : accept }",
        "goto no",
        ("wan",),
    ),
    "a map of sources": (
        "",
        "ip saddr . udp dport vmap { 192.168.1.7 . 67 : accept, 1.2.3.4 . 68 : accept }",
        "goto no",
        (),
    ),
    "a map with all else": ("", "ip saddr . udp dport vmap { 1.2.3.4 . 99 : accept, * : goto no }", "accept", ()),
    "a map to values": ("", "meta mark set iifname . udp dport map { br-lan . 53 : 1 } accept", "goto no", ("lan",)),
    "two ports at once": ("", "udp sport 99 udp dport 99 accept", "goto no", ()),
    "ports from on": ("", "udp dport 1024-65535 accept", "goto no", ()),
    "ports from on in a set": ("", "udp dport { 1024-65535 } accept", "goto no", ()),
    "ports up to": ("", "udp dport { 0-52 } accept", "goto no", ()),
    "all ports": ("", "udp dport { 0-65535 } accept", "goto no", ZONES),
    "all ports kept out": ("", "udp dport { 0-65535 } goto no", "accept", ()),
    "all ports beside": ("", "iifname . udp dport { br-lan . 0-65535 } accept", "goto no", ("lan",)),
    "intervals that touch": (
        "",
        "udp dport vmap { 1-52 : goto no, 53-60 : accept, 61-99 : goto no }",
        "goto no",
        ZONES,
    ),
    "not in it": ("", "iifname . udp dport != { br-lan . 53, eth1 . 53 } goto no", "accept", ("lan", "wan")),
    "the header's protocol": ("", "ip protocol . th dport { tcp . 53 } accept", "goto no", ()),
    "a name with a star": ("", 'iifname "br-*" udp dport 53 accept', "goto no", ("lan", "guest")),
    "names with stars": (
        'set s { type ifname . inet_service; flags interval; elements = { "br-g*" . 53 } }',
        "iifname . udp dport @s accept",
        "goto no",
        ("guest",),
    ),
    "a state beside": ("", "ct state . iifname { established . br-lan, new . br-guest } accept", "goto no", ("guest",)),
    "an index beside": ("", "iif . udp dport { br-lan . 53 } accept", "goto no", ("lan",)),
}


@pytest.mark.parametrize("name", BESIDE)
def test_values_side_by_side(spaces: tuple[Space, Space], name: str) -> None:
    router, client = spaces
    *texts, zones = BESIDE[name]
    router.run(["nft", "flush", "ruleset"])
    router.run(["nft", BASE.format(*texts)])
    said = judged(router)
    for zone in ZONES:
        place = (zone, "ipv4", "udp")
        wanted = "accept" if zone in zones else "reject"
        # Where the source is asked, some of the zone may get in: nothing is closed for sure, whoever sends here.
        asks_source = "this port" in name
        assert met(client, *place) == ("reject" if asks_source and zone != "lan" else wanted), zone
        assert said[place] == wanted, zone
    client.close_sockets()
