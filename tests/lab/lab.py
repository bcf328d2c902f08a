"""A household in network namespaces: a router with two LAN clients and a guest, and a WAN behind masquerade.

          alice, bob ── br-lan  ┐
                                ├ router ── wan0 ── wan (198.51.100.1; public resolvers 203.0.113.10 and .11)
               guest ── br-guest┘

dnsmasq is the router's resolver and the WAN's. Names and pids are this run's own; `close()` leaves nothing behind, and
what a killed run left is removed by the next one.
"""

from __future__ import annotations

import functools
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from pyroute2 import netns

from tests import namespaces
from tests.lab.spaces import Space

FIREWALL = Path(__file__).resolve().parent / "firewall.nft"
PREFIX = "pa-lab-"

ALICE_MAC = "3c:22:fb:00:00:0a"
BOB_MAC = "da:a1:19:00:00:0b"  # locally administered, as phones do it
GUEST_MAC = "3c:22:fb:00:00:0c"
ROUTER_MAC = "02:00:00:00:01:01"
ROUTER4, ROUTER6, ROUTER_ULA = "192.168.50.1", "2001:db8:50::1", "fd50::1"
ROUTER_LINK_LOCAL = "fe80::50"
GUEST_ROUTER4, GUEST_ROUTER6 = "192.168.60.1", "fd60::1"
ALICE4, BOB4, GUEST4 = "192.168.50.10", "192.168.50.11", "192.168.60.12"
RESOLVER4, RESOLVER4_B, RESOLVER6 = "203.0.113.10", "203.0.113.11", "2001:db8:f::10"
WAN4, WAN6 = "198.51.100.1", "2001:db8::1"

# The resolver that the agent asks: one of its own in the router, so that its answers can be told from the router's.
UPSTREAM = "127.0.0.1:5300"

# A zone that everybody answers in his own way, and a name in it.
ZONE, WHO = "who", "any.who"
WHO_ROUTER, WHO_WAN, WHO_AGENT = "192.0.2.1", "192.0.2.2", "192.0.2.3"


@functools.cache
def missing() -> str:
    """Why there can be no lab here, or ""."""
    if reason := namespaces.missing("net", "mount"):
        return reason
    for tool in ("dnsmasq", "nft"):
        if shutil.which(tool) is None:
            return f"the lab needs {tool}"
    table = ["unshare", "--net", "nft", "add", "table", "inet", "probe"]
    made = subprocess.run(table, capture_output=True, text=True, check=False)
    return "" if made.returncode == 0 else f"not here: nf_tables ({made.stderr.strip()})"


class Lab:
    """Everything stands when the constructor returns; SLAAC is awaited by `addresses6`."""

    def __init__(self) -> None:
        sweep()
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self.leases = self.folder / "leases"
        self.spaces: dict[str, Space] = {}
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    @staticmethod
    def lease(space: Space, hostname: str) -> None:
        """Ask the router for an address, as a device of that name does when it comes."""
        words = "busybox udhcpc -i eth0 -n -q -f -s /bin/true -t 3 -x".split()
        space.run([*words, "hostname:" + hostname])

    def _build(self) -> None:
        self.router = self._space("router")
        self.wan = self._space("wan")
        self.alice = self._space("alice")
        self.bob = self._space("bob")
        self.guest = self._space("guest")
        self._wire_router()
        for client, bridge, mac in (
            (self.alice, "br-lan", ALICE_MAC),
            (self.bob, "br-lan", BOB_MAC),
            (self.guest, "br-guest", GUEST_MAC),
        ):
            self._wire_client(client, bridge, mac)
        self._address()
        self.router.run(["nft", "-f", str(FIREWALL)])
        self._start_resolvers()
        self._await_resolvers()

    def _space(self, role: str) -> Space:
        made = Space(f"{PREFIX}{os.getpid()}-{role}")
        self.spaces[role] = made
        for path, value in (("accept_dad", 0), ("router_solicitation_delay", 0)):
            made.sysctl(f"ipv6/conf/default/{path}", value)
        return made

    def _wire_router(self) -> None:
        ip = self.router.ip
        for bridge, mac in (("br-lan", ROUTER_MAC), ("br-guest", "02:00:00:00:01:02")):
            ip.link("add", ifname=bridge, kind="bridge", address=mac)
            self.router.sysctl(f"ipv6/conf/{bridge}/accept_dad", 0)
            self.router.up(bridge)
        ip.link("add", ifname="wan0", kind="veth", peer={"ifname": "eth0", "net_ns_fd": self.wan.name})
        for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            self.router.sysctl(path, 1)

    def _wire_client(self, client: Space, bridge: str, mac: str) -> None:
        port = "p-" + client.name.rpartition("-")[2]
        self.router.ip.link("add", ifname=port, kind="veth", peer={"ifname": "eth0", "net_ns_fd": client.name})
        self.router.ip.link("set", index=self.router.index(port), master=self.router.index(bridge), state="up")
        client.ip.link("set", index=client.index("eth0"), address=mac)
        client.sysctl("ipv6/conf/eth0/use_tempaddr", 2)
        client.up("eth0")

    def _address(self) -> None:
        router, wan = self.router, self.wan
        for interface, address in (
            ("br-lan", ROUTER4 + "/24"),
            ("br-lan", ROUTER6 + "/64"),
            ("br-lan", ROUTER_ULA + "/64"),
            ("br-lan", ROUTER_LINK_LOCAL + "/64"),
            ("br-guest", GUEST_ROUTER4 + "/24"),
            ("br-guest", GUEST_ROUTER6 + "/64"),
            ("wan0", "198.51.100.2/24"),
            ("wan0", "2001:db8::2/64"),
        ):
            router.address(interface, address)
        router.up("wan0")
        for interface, address in (
            ("eth0", WAN4 + "/24"),
            ("eth0", WAN6 + "/64"),
            ("lo", RESOLVER4 + "/32"),
            ("lo", RESOLVER4_B + "/32"),
            ("lo", RESOLVER6 + "/128"),
        ):
            wan.address(interface, address)
        wan.up("eth0")
        for gateway in (WAN4, WAN6):
            router.default_route(gateway)
        for network in ("2001:db8:50::/64", "fd50::/64", "fd60::/64"):
            wan.ip.route("add", dst=network, gateway="2001:db8::2", family=socket.AF_INET6)
        for client, address, gateway in (
            (self.alice, ALICE4, ROUTER4),
            (self.bob, BOB4, ROUTER4),
            (self.guest, GUEST4, GUEST_ROUTER4),
        ):
            client.address("eth0", address + "/24")
            client.default_route(gateway)

    def _start_resolvers(self) -> None:
        common = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root"]
        common += ["--no-resolv", "--no-hosts", "--local-ttl=60", "--log-facility=-"]
        self.wan.start(
            [*common, f"--address=/{ZONE}/{WHO_WAN}", f"--address=/#/{RESOLVER4}", f"--address=/#/{RESOLVER6}"]
            + [f"--listen-address={WAN4},{RESOLVER4},{RESOLVER4_B},{RESOLVER6}", "--bind-interfaces"],
            stderr=subprocess.DEVNULL,
        )
        self.router.start(
            [*common, f"--address=/{ZONE}/{WHO_AGENT}", f"--server={WAN4}", "--port=5300"]
            + ["--listen-address=127.0.0.1", "--bind-interfaces"],
            stderr=subprocess.DEVNULL,
        )
        self.router.start(
            [*common, f"--address=/{ZONE}/{WHO_ROUTER}", f"--server={WAN4}", "--cache-size=1000"]
            + [
                "--interface=br-lan,br-guest",
                "--except-interface=lo",
                "--bind-dynamic",
                f"--dhcp-leasefile={self.leases}",
            ]
            + ["--dhcp-range=192.168.50.100,192.168.50.200,12h", "--dhcp-range=192.168.60.100,192.168.60.200,12h"]
            + [f"--dhcp-range={net}::,ra-only,64" for net in ("2001:db8:50", "fd50", "fd60")]
            + ["--enable-ra"],
            stderr=subprocess.DEVNULL,
        )

    def _await_resolvers(self) -> None:
        for space in (self.router, self.wan):
            await_true(lambda space=space: listens(space, 53), "a resolver that listens")
        await_true(lambda: listens(self.router, 5300), "the agent's upstream")

    def addresses6(self, client: Space) -> list[str]:
        """The client's global addresses by SLAAC: the stable ones and the temporary (privacy) ones."""
        found: list[str] = []

        def complete() -> bool:
            found[:] = [
                str(dict(message["attrs"])["IFA_ADDRESS"])
                for message in client.ip.get_addr(family=socket.AF_INET6, index=client.index("eth0"))
                if message["scope"] == 0
            ]
            return len(found) >= 4 or (client is self.guest and len(found) >= 2)

        await_true(complete, "SLAAC addresses")
        return found

    def link_local(self, client: Space) -> int:
        """The scope id of the client's link, for addresses like fe80::50."""
        return client.index("eth0")

    def close(self) -> None:
        for space in self.spaces.values():
            space.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def listens(space: Space, port: int) -> bool:
    """Whether somebody has this UDP port open there."""

    def look() -> bool:
        tables = [Path(f"/proc/thread-self/net/{table}").read_text() for table in ("udp", "udp6")]
        return any(f":{port:04X} " in table for table in tables)

    return space.inside(look)


def await_true(condition: object, what: str, within_s: float = 10.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} within {within_s:.0f} s")
        time.sleep(0.02)


def sweep() -> None:
    """Removes namespaces of runs that were killed; their processes died with them."""
    for name in netns.listnetns():
        if name.startswith(PREFIX) and not Path("/proc", name[len(PREFIX) :].split("-")[0]).exists():
            netns.remove(name)
