"""Internet off, by the daemon as it is installed: what its device still reaches, what it is told, and what frees it."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.fixtures import close_sockets
from tests.lab.lab import (
    ALICE_MAC,
    BOB_MAC,
    FIREWALL,
    GUEST_ROUTER4,
    RESOLVER4,
    RESOLVER6,
    ROUTER4,
    WAN4,
    WAN6,
    Lab,
    await_true,
    listens,
)
from tests.lab.resident import Resident
from tests.lab.spaces import Space
from tests.lab.web import Caller, Site, call, get, hello

BLOCKLISTS = Path(__file__).resolve().parents[2] / "blocklists"
PORT = 5302
HELPLINE, GATEWAY = "samaritans.org", "epdg.epc.mnc001.mcc262.pub.3gppnetwork.org"
CHECK = get("connectivitycheck.gstatic.com", "/generate_204")
SERVERS = {"v4": RESOLVER4, "v6": RESOLVER6}


@pytest.fixture(scope="module")
def upstream(lab: Lab) -> None:
    """All names lead to one server; the gateway for calls to another."""
    command = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--no-resolv"]
    command += ["--no-hosts", "--local-ttl=600", "--log-facility=-", f"--port={PORT}", "--listen-address=127.0.0.1"]
    command += ["--bind-interfaces", f"--address=/#/{RESOLVER4}", f"--address=/#/{RESOLVER6}"]
    command += [f"--address=/3gppnetwork.org/{WAN4}", f"--address=/3gppnetwork.org/{WAN6}"]
    lab.router.start(command, stderr=subprocess.DEVNULL)
    await_true(lambda: listens(lab.router, PORT), "an upstream")


class Off(Resident):
    """With a tablet of Mia's, a child."""

    def __init__(self, lab: Lab, folder: Path, **settings: object) -> None:
        super().__init__(
            lab, folder, data_dir=str(BLOCKLISTS), lists_auto=False, upstream=[f"127.0.0.1:{PORT}"], **settings
        )
        self.person = self.call("person.add", name="Mia", group="child", actor="cli")["id"]
        self.tablet = self.add("Tablet", ALICE_MAC)
        self.call("device.edit", device_id=self.tablet, person_id=self.person, actor="cli")

    def hold(self, **end: object) -> None:
        self.call("hold.add", person_id=self.person, actor="cli", **(end or {"seconds": 3600}))

    def free(self) -> None:
        self.call("hold.end", person_id=self.person, actor="cli")


@pytest.fixture
def off(lab: Lab, site: Site, upstream: None, tmp_path: Path) -> Iterator[Off]:
    made = Off(lab, tmp_path)
    yield made
    close_sockets(lab)
    assert made.stop() == 0, made.said()


def told(lab: Lab, name: str, kind: str = "A") -> tuple[str, int]:
    """An address of the name, and for how many seconds it may be remembered."""
    words = ["dig", "+noall", "+answer", "+tries=1", "+time=3", f"@{ROUTER4}", name, kind]
    line = lab.alice.run(words).strip().split("\n")[-1].split()
    return line[4], int(line[1])


def reached(lab: Lab, server: str = RESOLVER4) -> bool:
    return call(lab.alice, server, hello("www.example.com")) == "ok"


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
def test_a_helpline_by_its_name_and_nothing_else_there(lab: Lab, off: Off, server: str) -> None:
    off.hold()
    assert call(lab.alice, server, hello(HELPLINE)) == "ConnectionRefusedError"
    found, ttl = told(lab, HELPLINE, "AAAA" if ":" in server else "A")
    assert found == server and ttl <= 60
    assert call(lab.alice, server, hello("www." + HELPLINE)) == "ok"
    assert call(lab.alice, server, get(HELPLINE), 80) == "ok"
    # Half of the web may be at the same address.
    assert call(lab.alice, server, hello("www.example.com")) == "ConnectionResetError"
    assert call(lab.alice, server, get("www.example.com"), 80) == "ConnectionResetError"
    # Of what nobody can read a few segments pass, in case the hello came late.
    strange = Caller(lab.alice, server).ask(*[b"\x00something else"] * 20, pause_s=0.02)
    assert strange in ("ConnectionResetError", "BrokenPipeError")
    assert call(lab.alice, server, hello(HELPLINE), 8443) == "ConnectionRefusedError"
    off.free()
    assert reached(lab, server)
    # Who asked for what while it was held is in no row.
    assert off.rows("SELECT count(*) FROM visits") == off.rows("SELECT count(*) FROM attempts") == [(0,)]


def test_calls_over_wifi(lab: Lab, off: Off) -> None:
    off.hold()
    assert told(lab, GATEWAY)[0] == WAN4
    calls = {port: echo(lab, WAN4, port) for port in (500, 4500, 51820)}
    assert calls == {500: True, 4500: True, 51820: False}
    off.call("settings.set", key="calls_through", value=False, actor="cli")
    assert not echo(lab, WAN4, 4500)


def test_what_is_reached_is_asked_for_without_end(lab: Lab, off: Off) -> None:
    """What a phone asks all night uses up what a held device may ask: calls and the owner's own names go on."""
    off.call("content.set", person_id=off.person, always=["school.example"], actor="cli")
    off.hold()

    def answered(*names: str) -> int:
        words = ["dig", "+noall", "+answer", "+tries=1", "+time=3", f"@{ROUTER4}", *names]
        return len(lab.alice.run(words).strip().splitlines())

    assert answered(*[f"x{number}.tunnel.example" for number in range(150)]) < 150
    assert answered(*[f"{number}.{GATEWAY}" for number in range(9)]) == 9
    assert answered(*[f"{number}.school.example" for number in range(9)]) == 9


def echo(lab: Lab, address: str, port: int) -> bool:
    server = lab.wan.socket(socket.AF_INET, socket.SOCK_DGRAM, 1)
    server.bind((address, port))
    client = lab.alice.socket(socket.AF_INET, socket.SOCK_DGRAM, 0.5)
    client.connect((address, port))
    try:
        client.send(b"hello")
        data, peer = server.recvfrom(100)
        server.sendto(data, peer)
        return client.recv(100) == b"hello"
    except OSError:
        return False
    finally:
        server.close()
        client.close()


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
def test_a_connection_check_finds_the_page_and_asks(lab: Lab, off: Off, server: str) -> None:
    off.hold()
    said = exchange(lab, server, CHECK)
    assert said.startswith(b"HTTP/1.1 511 ") and b"Internet is off for Mia until " in said
    token = said.partition(b'name="ask" value="')[2].partition(b'"')[0]
    body = b"ask=" + token + b"&kind=time"
    head = b"POST /privacy-agent/ask HTTP/1.1\r\nHost: connectivitycheck.gstatic.com\r\n"
    said = exchange(lab, server, head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert b"Request sent" in said
    rows = off.call("request.list", state="open")["items"]
    assert isinstance(rows, list) and [(row["kind"], row["device_id"]) for row in rows] == [("time", off.tablet)]
    off.call("settings.set", key="hold_page", value=False, actor="cli")
    assert call(lab.alice, server, CHECK, 80) == "ConnectionRefusedError"
    off.call("settings.set", key="hold_page", value=True, actor="cli")
    assert exchange(lab, server, CHECK).startswith(b"HTTP/1.1 511 ")
    off.free()
    assert call(lab.alice, server, CHECK, 80) == "ok"


def exchange(lab: Lab, server: str, request: bytes, who: Space | None = None) -> bytes:
    sock = (who or lab.alice).socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_STREAM, 5)
    sock.connect((server, 80))
    sock.sendall(request)
    parts = []
    while part := sock.recv(4096):
        parts.append(part)
    sock.close()
    return b"".join(parts)


def test_dns_is_answered_truthfully(lab: Lab, off: Off) -> None:
    off.hold()
    assert told(lab, "www.example.com") == (RESOLVER4, 600)
    off.free()
    assert told(lab, "www.example.com")[0] == RESOLVER4


def test_a_dead_daemon_frees_and_comes_back_with_it(lab: Lab, off: Off) -> None:
    off.hold()
    assert not reached(lab)
    at = off.kill()
    while call(lab.alice, RESOLVER4, hello("www.example.com")) != "ok":
        assert time.monotonic() < at + 5
    freed_s = time.monotonic() - at
    assert freed_s < 1.0, freed_s  # 0.1 s where the machine has nothing else to do
    await_true(lambda: not reached(lab), "the hold again", 20)
    off.client.close()
    off.client = off.connect()
    assert off.status()["kernel"]["held"] == 1  # type: ignore[index]
    off.free()
    assert reached(lab)


def test_a_hung_daemon_frees(lab: Lab, off: Off) -> None:
    off.hold()
    at = off.kill(signal.SIGSTOP)
    await_true(lambda: reached(lab), "a free device", 10)
    freed_s = time.monotonic() - at
    assert freed_s < 4, freed_s
    await_true(lambda: not reached(lab), "the hold again", 20)
    off.client.close()
    off.client = off.connect()


def test_a_stopped_daemon_leaves_nothing(lab: Lab, off: Off) -> None:
    off.hold()
    off.call("hold.list")
    assert "chain gate" in lab.router.run(["nft", "list", "ruleset"])
    off.process.terminate()
    off.process.wait(15)
    assert "privacy_agent" not in lab.router.run(["nft", "list", "ruleset"])
    assert reached(lab)


def test_where_the_firewall_lets_nothing_in_plain_requests_are_reset(lab: Lab, off: Off) -> None:
    rule = "insert rule inet fw4 input iifname br-lan tcp dport 5393 reject with tcp reset"
    lab.router.run(["nft", *rule.split()])
    off.hold()
    assert call(lab.alice, RESOLVER4, CHECK, 80) == "ConnectionRefusedError"
    listed = lab.router.run(["nft", "list", "set", "inet", "privacy_agent", "paged"])
    assert '"br-lan"' not in listed
    lab.router.run(["nft", "flush", "ruleset"])
    lab.router.run(["nft", "-f", str(FIREWALL)])
    await_true(lambda: call(lab.alice, RESOLVER4, CHECK, 80) != "ConnectionRefusedError", "the page again")


def test_a_network_that_nobody_named_is_named(lab: Lab, off: Off) -> None:
    ip = lab.router.ip
    ip.link("add", ifname="br-iot", kind="bridge")
    lab.router.up("br-iot")
    lab.router.address("br-iot", "192.168.70.1/24")
    ip.neigh(
        "add", dst="192.168.70.5", lladdr="02:00:00:00:00:05", ifindex=lab.router.index("br-iot"), state="permanent"
    )
    lab.router.run("nft insert rule inet fw4 forward iifname br-lan oifname br-iot accept".split())
    try:
        off.hold()
        assert call(lab.alice, RESOLVER4, hello("www.example.com")) == "ConnectionRefusedError"
        assert off.kernel["holding"] == ""
        assert call(lab.alice, "192.168.70.5", b"hello printer", 631) == "ConnectionRefusedError"
        sentence = "If 192.168.70.1/24 behind br-iot is yours, add br-iot to local_interfaces."
        assert off.kernel["holding"] == sentence and sentence in str(off.status()["missing"])
    finally:
        ip.link("del", index=lab.router.index("br-iot"))


def test_a_firewall_that_is_loaded_anew_changes_nothing(lab: Lab, off: Off) -> None:
    off.hold()
    assert not reached(lab)
    lab.router.run(["nft", "flush", "ruleset"])
    try:
        assert "chain gate" in lab.router.run(["nft", "list", "ruleset"])
        assert not reached(lab)
    finally:
        lab.router.run(["nft", "-f", str(FIREWALL)])
    assert not reached(lab)
    off.free()
    assert reached(lab)


def test_another_address_is_the_same_device(lab: Lab, off: Off) -> None:
    lab.addresses6(lab.alice)
    off.hold()
    lab.alice.address("eth0", "192.168.50.77/24")
    lab.alice.address("eth0", "2001:db8:50::77/64")
    for server, source in ((RESOLVER4, "192.168.50.77"), (RESOLVER6, "2001:db8:50::77")):
        sock = lab.alice.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_STREAM, 2)
        sock.bind((source, 0))
        with pytest.raises(ConnectionRefusedError):
            sock.connect((server, 443))


def test_what_it_asks_for_meanwhile_is_nowhere(lab: Lab, off: Off) -> None:
    """P1: times and internet off record nothing."""
    off.hold()
    assert told(lab, "unmistakable-word.example")[0] == RESOLVER4
    assert told(lab, HELPLINE)[0] == RESOLVER4
    assert call(lab.alice, RESOLVER4, hello("unmistakable-word.example")) == "ConnectionResetError"
    assert call(lab.alice, RESOLVER4, hello(HELPLINE)) == "ok"
    off.free()
    time.sleep(1.5)  # a batch a second
    raw = b"".join(path.read_bytes() for path in off.folder.rglob("*") if path.is_file())
    assert b"unmistakable" not in raw and b"samaritans" not in raw
    assert off.audit()["ok"]


def test_who_takes_another_mac_is_nobody_that_the_house_knows(lab: Lab, off: Off) -> None:
    """`new_devices`: held. A child's way round by a new MAC leads to a page, until somebody knows the device."""
    await_true(lambda: call(lab.bob, RESOLVER4, hello("www.example.com")) == "ok", "the WAN")
    off.call("settings.set", key="new_devices", value="held", actor="cli")
    new = "da:a1:19:00:00:77"
    try:
        become(lab.bob, new)
        await_true(lambda: call(lab.bob, RESOLVER4, CHECK, 80) == "ok", "the router's new neighbour")
        refused = "ConnectionRefusedError"
        await_true(lambda: call(lab.bob, RESOLVER4, hello("www.example.com")) == refused, "the hold", 20)
        page = exchange(lab, RESOLVER4, CHECK, lab.bob)
        assert b"Nobody here knows this device yet." in page and b"<form" not in page and b"still work" not in page
        assert call(lab.bob, RESOLVER4, hello(HELPLINE)) == refused, "as SECURITY.md says"
        assert call(lab.bob, RESOLVER6, hello("www.example.com")) == refused
        assert off.status()["new_devices"] == {"mode": "held", "waiting": 1, "held": 1}
        assert reached(lab), "whoever was here before"
        off.call("device.known", mac=new, actor="cli")
        assert call(lab.bob, RESOLVER4, hello("www.example.com")) == "ok"
    finally:
        become(lab.bob, BOB_MAC)


def become(space: Space, mac: str) -> None:
    """Its link goes, and comes with another MAC, as where a device makes up a new one for the network."""
    index = space.index("eth0")
    space.ip.link("set", index=index, state="down")
    space.ip.link("set", index=index, address=mac)
    space.up("eth0")
    space.default_route(ROUTER4)


def test_what_a_firewall_lets_in_from_outside_is_told(lab: Lab, off: Off) -> None:
    """By IPv6 nothing but the firewall keeps a server's datagrams out."""
    address, port, over = lab.addresses6(lab.alice)[0], 9444, threading.Event()
    server = lab.wan.socket(socket.AF_INET6, socket.SOCK_DGRAM)

    def send() -> None:
        while not over.wait(0.1):
            server.sendto(b"more", (address, port))

    sending = threading.Thread(target=send)
    sending.start()
    try:
        lab.router.run("nft insert rule inet fw4 forward iifname wan0 meta nfproto ipv6 accept".split())
        off.hold()
        await_true(lambda: "comes in by IPv6" in str(off.kernel["holding"]), "what comes in")
        assert off.kernel["holding"] in off.status()["missing"]  # type: ignore[operator]
    finally:
        over.set()
        sending.join()
        server.close()
        lab.router.run(["nft", "flush", "ruleset"])
        lab.router.run(["nft", "-f", str(FIREWALL)])


def test_the_house_s_other_network_is_no_way_round(lab: Lab, off: Off) -> None:
    """The same device in the guests' Wi-Fi: its MAC is held there, too."""
    port, client = lab.router.index("p-alice"), lab.alice.ip

    def move(bridge: str, gateway: str) -> None:
        lab.router.ip.link("set", index=port, master=lab.router.index(bridge))
        client.route("replace", dst="default", gateway=gateway)

    lab.alice.address("eth0", "192.168.60.77/24")
    try:
        move("br-guest", GUEST_ROUTER4)
        await_true(lambda: reached(lab), "the WAN from the other network")
        off.hold()
        assert not reached(lab)
        move("br-lan", ROUTER4)
        assert not reached(lab)
        off.free()
        await_true(lambda: reached(lab), "the WAN again")
    finally:
        move("br-lan", ROUTER4)
        client.addr("del", index=lab.alice.index("eth0"), address="192.168.60.77", prefixlen=24)
