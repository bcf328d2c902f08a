"""Web connections of devices that are on: refused, recorded, and left alone, in every form that clients give them."""

import json
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.known_resolvers import ADDRESSES
from tests.lab.household import Asker
from tests.lab.lab import ALICE_MAC, GUEST_MAC, RESOLVER4, RESOLVER6, ROUTER4, ROUTER_MAC, Lab, await_true
from tests.lab.resident import ROOT, Resident
from tests.lab.web import Caller, Site, call, certificate, get, hello

SERVERS = (RESOLVER4, RESOLVER6)
RESET = "ConnectionResetError"


@pytest.fixture
def device(lab: Lab, site: Site, resident: Resident) -> int:
    """Alice's, with both features on, in a household that refuses bad.example."""
    number = resident.add("Tablet", ALICE_MAC)
    resident.call("block", name="bad.example")
    resident.on(number)
    resident.on(number, "protection")
    return number


def page(lab: Lab, server: str, host: str, path: str) -> str:
    """All that a client gets until the server closes, which for a refused page is at once."""
    caller = Caller(lab.alice, server, 80).send(get(host, path))
    began, told = time.monotonic(), b""
    while piece := caller.sock.recv(4096):
        told += piece
    assert time.monotonic() - began < 1.0
    caller.close()
    assert len(told.partition(b"\r\n\r\n")[2]) == int(told.split(b"Content-Length: ")[1].split(b"\r\n")[0])
    return told.decode()


def visits(resident: Resident) -> dict[str, str]:
    resident.call("status")
    resident.call("audit")
    seen: dict[str, str] = {}
    for _ in range(4):  # written every second, later on a busy machine: until it stays the same
        before = seen
        time.sleep(1.2)
        seen = dict(resident.rows("SELECT site, source FROM visits"))
        if seen and seen == before:
            break
    return seen


def attempts(resident: Resident) -> list[tuple[object, ...]]:
    found = resident.call("blocked", limit=100, actor="cli")["items"]
    assert isinstance(found, list)
    return sorted((row["target"], row["source"], row["rule"]["text"]) for row in found)


def counters(resident: Resident) -> dict[str, int]:
    found = resident.status()["dns"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_is_refused_by_its_name_and_others_are_not(
    lab: Lab, resident: Resident, device: int, server: str
) -> None:
    assert call(lab.alice, server, hello("www.fine.example")) == "ok"
    assert call(lab.alice, server, hello("www.bad.example")) == RESET
    assert call(lab.alice, server, get("www.fine.example"), 80) == "ok"
    told = page(lab, server, "bad.example", "/a&b?secret")
    assert told.startswith("HTTP/1.1 403 ") and "a rule of this network" in told
    assert "http://bad.example/a&amp;b<" in told and "secret" not in told
    assert call(lab.bob, RESOLVER4, hello("www.bad.example")) == "ok"
    assert visits(resident) == {"fine.example": "http"}
    # One record for each rule and minute, of the first.
    assert ("www.bad.example", "tls", "bad.example") in attempts(resident)
    assert resident.rows("SELECT SUM(hits) FROM attempts") == [(2,)]
    assert resident.audit()["ok"]


def test_history_alone_refuses_nothing(lab: Lab, site: Site, resident: Resident) -> None:
    resident.call("block", name="bad.example")
    resident.on(resident.add("Tablet", ALICE_MAC))
    assert call(lab.alice, RESOLVER4, hello("www.bad.example")) == "ok"
    assert call(lab.alice, RESOLVER4, hello("long.example", 1600)) == "ok"
    assert call(lab.alice, RESOLVER4, get("plain.example"), 80) == "ok"
    assert visits(resident) == {"bad.example": "tls", "long.example": "tls", "plain.example": "http"}
    assert attempts(resident) == []


def test_what_a_page_pulls_in_is_folded_under_it(lab: Lab, site: Site, resident: Resident) -> None:
    device = resident.add("Tablet", ALICE_MAC)
    resident.on(device)
    for name in ("www.news.example", "t.ads.example", "cdn.content.example", "www.news.example"):
        assert call(lab.alice, RESOLVER4, hello(name)) == "ok"
    assert set(visits(resident)) == {"news.example", "ads.example", "content.example"}
    (page,) = resident.call("history", device_id=device, show="visits")["items"]  # type: ignore[misc]
    assert (page["site"], page["folded"], page["source"]) == ("news.example", 2, "tls")
    assert resident.call("visit.delete", id=page["id"], actor="cli") == {"visits": 3, "attempts": 0}
    assert visits(resident) == {} and resident.audit()["ok"]


def test_protection_alone_records_no_visit(lab: Lab, site: Site, resident: Resident) -> None:
    resident.call("block", name="bad.example")
    resident.on(resident.add("Tablet", ALICE_MAC), "protection")
    assert call(lab.alice, RESOLVER4, hello("www.fine.example")) == "ok"
    assert call(lab.alice, RESOLVER4, hello("www.bad.example")) == RESET
    assert visits(resident) == {}
    assert len(attempts(resident)) == 1


@pytest.mark.parametrize("server", SERVERS)
def test_a_hello_in_pieces(lab: Lab, resident: Resident, device: int, server: str) -> None:
    long, short = hello("a.bad.example", 1600), hello("b.bad.example", 0, 40)
    assert len(long) > 1500
    assert Caller(lab.alice, server).ask(long) == RESET
    assert Caller(lab.alice, server).ask(short[:60], short[60:], pause_s=0.05) == RESET
    assert (
        Caller(lab.alice, server).ask(*[short[at : at + 30] for at in range(0, len(short), 30)], pause_s=0.02) == RESET
    )
    fine = hello("www.fine.example", 1600)
    assert Caller(lab.alice, server).ask(fine[:1400], fine[1400:], pause_s=0.05) == "ok"
    assert attempts(resident)[0] == ("a.bad.example", "tls", "bad.example")
    assert resident.rows("SELECT SUM(hits) FROM attempts") == [(3,)]


def test_a_hello_after_a_long_silence(lab: Lab, resident: Resident, device: int) -> None:
    """Conntrack has forgotten nothing, and neither has the rule."""
    late = [Caller(lab.alice, RESOLVER4, timeout_s=5.0) for _ in range(2)]
    time.sleep(31)
    assert late[0].ask(hello("late.bad.example")) == RESET
    assert late[1].ask(hello("late.example")) == "ok"
    assert visits(resident) == {"late.example": "tls"}


@pytest.mark.parametrize("server", SERVERS)
def test_a_refused_connection_stays_refused(lab: Lab, resident: Resident, device: int, server: str) -> None:
    """A client that ignores the reset, as malware may, gets no further: each of its packets is reset, none goes on."""
    rules = (
        "add table inet deaf; add counter inet deaf resets;"
        "add chain inet deaf in { type filter hook input priority 0; };"
        'add rule inet deaf in tcp sport 443 tcp flags rst counter name "resets" drop'
    )
    lab.alice.run(["nft", rules])
    try:
        caller = Caller(lab.alice, server, timeout_s=0.5)
        assert caller.ask(hello("www.bad.example")) == "TimeoutError"
        before = resets(lab)
        assert before >= 1
        assert caller.ask(hello("www.fine.example")) == "TimeoutError"
        assert resets(lab) > before, "stragglers are reset, too"
    finally:
        lab.alice.run(["nft", "delete table inet deaf"])
    assert visits(resident) == {}


def resets(lab: Lab) -> int:
    return int(lab.alice.run(["nft", "list", "counter", "inet", "deaf", "resets"]).split("packets ")[1].split()[0])


def test_only_the_first_packets_come_up(lab: Lab, resident: Resident, device: int) -> None:
    caller = Caller(lab.alice, RESOLVER4)
    assert caller.ask(hello("www.fine.example")) == "ok"
    before = counters(resident)["packets"]
    for _ in range(50):
        caller.send(b"\x17\x03\x03" + bytes(2000))
    assert counters(resident)["packets"] == before
    assert counters(resident)["connections"] == 1 and before <= 2
    assert resident.kernel["connections_by"] in ("nft queue", "xt_NFQUEUE")


def test_later_requests_of_a_plain_connection_are_judged(lab: Lab, resident: Resident, device: int) -> None:
    caller = Caller(lab.alice, RESOLVER4, 80)
    assert caller.ask(get("a.example")) == "ok"
    assert caller.ask(get("a.example", "/more")) == "ok"
    caller.send(get("www.bad.example", "/last"))
    assert caller.sock.recv(4096).startswith(b"HTTP/1.1 403 ")


def test_a_body_is_let_go_after_a_few_packets(lab: Lab, resident: Resident, device: int) -> None:
    caller = Caller(lab.alice, RESOLVER4, 80)
    caller.send(b"POST / HTTP/1.1\r\nHost: up.example\r\nContent-Length: 999999\r\n\r\n")
    for _ in range(100):
        caller.send(b"\x00" * 1400, pause_s=0.002)
    assert counters(resident)["packets"] < 10


def test_a_burst_of_hellos_waits_until_all_are_judged(lab: Lab, resident: Resident, device: int) -> None:
    before = counters(resident)["connections"]
    words = [RESOLVER4, "1000", "0", "1000000", "eth0", ROUTER_MAC]
    lab.alice.run([sys.executable, "-m", "tests.bench.flood", *words], cwd=ROOT)
    end = time.monotonic() + 10
    while counters(resident)["connections"] < before + 1000 and time.monotonic() < end:
        time.sleep(0.05)
    assert counters(resident)["connections"] == before + 1000


@pytest.mark.parametrize("server", SERVERS)
def test_ways_around(lab: Lab, resident: Resident, device: int, server: str) -> None:
    refused = "ConnectionRefusedError"
    assert call(lab.alice, server, b"x", 853) == refused
    for port in (443, 80, 853):
        assert datagram(lab, lab.alice, server, port) == refused
    assert datagram(lab, lab.bob, RESOLVER4, 443) == "TimeoutError", "nobody answers there, and nobody refuses"
    assert call(lab.bob, RESOLVER4, hello("x.example"), 853) == "ok"
    assert counters(resident)["quic"] >= 1


def test_ways_around_are_settings(lab: Lab, resident: Resident, device: int) -> None:
    for name in ("refuse_quic", "refuse_encrypted_dns"):
        resident.call("settings.set", key=name, value=False, actor="cli")
    time.sleep(2.5)
    assert datagram(lab, lab.alice, RESOLVER4, 443) == "TimeoutError"
    assert call(lab.alice, RESOLVER4, hello("x.example"), 853) == "ok"
    assert call(lab.alice, RESOLVER4, hello("www.bad.example")) == RESET


def test_a_judged_connection_to_a_resolver_ends_when_the_household_refuses_them(
    lab: Lab, resident: Resident, device: int
) -> None:
    resolver = next(address for address in ADDRESSES if ":" not in address)
    resident.call("settings.set", key="refuse_encrypted_dns", value=False, actor="cli")
    time.sleep(2.5)
    lab.wan.run(["ip", "address", "add", f"{resolver}/32", "dev", "lo"])
    try:
        callers = [Caller(lab.alice, server) for server in (resolver, RESOLVER4)]
        assert [caller.ask(hello("www.fine.example")) for caller in callers] == ["ok", "ok"]
        resident.call("settings.set", key="refuse_encrypted_dns", value=True, actor="cli")
        time.sleep(2.5)
        assert [caller.ask(hello("www.fine.example")) for caller in callers] == [RESET, "ok"]
    finally:
        lab.wan.run(["ip", "address", "del", f"{resolver}/32", "dev", "lo"])


def datagram(lab: Lab, space, server: str, port: int) -> str:
    sock = space.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM, 0.5)
    sock.connect((server, port))
    try:
        sock.send(b"\xc3\x00\x00\x00\x01\x08" + bytes(1250))
        time.sleep(0.05)
        sock.recv(100)
        return "answered"
    except OSError as error:
        return type(error).__name__


def test_devices_ask_the_network_and_are_told(lab: Lab, resident: Resident, device: int) -> None:
    told = {
        name: lab.alice.run(["dig", "+tries=1", "+time=2", f"@{ROUTER4}", name, kind])
        for name, kind in (("use-application-dns.net", "A"), ("mask.icloud.com", "A"), ("_dns.resolver.arpa", "SVCB"))
    }
    assert "NXDOMAIN" in told["use-application-dns.net"] and "NXDOMAIN" in told["mask.icloud.com"]
    assert "NOERROR" in told["_dns.resolver.arpa"] and "ANSWER: 0" in told["_dns.resolver.arpa"]
    assert attempts(resident) == []


def test_a_guest(lab: Lab, site: Site, resident: Resident) -> None:
    resident.call("block", name="bad.example")
    resident.on(resident.add("Visitor", GUEST_MAC), "protection")
    assert call(lab.guest, RESOLVER4, hello("www.bad.example")) == RESET
    assert call(lab.guest, RESOLVER4, hello("www.fine.example")) == "ok"


def test_flow_offload_is_said(lab: Lab, resident: Resident, device: int) -> None:
    assert resident.kernel["connections"] == "Web connections are judged."
    table = "add table inet off; add flowtable inet off ft { hook ingress priority 0; devices = { br-lan, wan0 }; }"
    try:
        lab.router.run(["nft", table])
    except RuntimeError:
        pytest.skip("not here: flow tables in this kernel")
    try:
        time.sleep(2.5)
        assert str(resident.kernel["connections"]).startswith("DNS only: flow offloading")
    finally:
        lab.router.run(["nft", "delete table inet off"])
    time.sleep(2.5)
    assert resident.kernel["connections"] == "Web connections are judged."


def test_real_clients(lab: Lab, resident: Resident, device: int, tmp_path: Path, lab_tls: None) -> None:
    def curl(url: str, *options: str) -> str:
        host = url.split("/")[2].split(":")[0]
        port = "8444" if ":8444" in url else "443"
        try:
            return lab.alice.run(
                ["curl", "-sk", "-m", "5", "--resolve", f"{host}:{port}:{RESOLVER4}", url, "-o", "/dev/null", *options]
                + ["-w", "%{http_code}"]
            )
        except RuntimeError as error:
            return str(error).split(": ")[1].split("\n")[0]

    def s_client(*options: str) -> str:
        command = ["timeout", "5", "openssl", "s_client", "-connect", f"{RESOLVER4}:443", *options]
        return lab.alice.run(["sh", "-c", '"$@" </dev/null 2>&1 || true', "sh", *command])

    assert curl("https://www.fine.example/") == "200"
    told = s_client("-servername", "a.fine.example")
    assert "CONNECTED" in told and "TLSv1.3" in told
    assert "TLSv1.3" in s_client("-noservername"), "a hello that names nobody is let through"
    # The server, which serves one after the other, is not told of a refusal: so these come last.
    assert curl("https://www.bad.example/") == "35"
    assert curl("https://www.bad.example/", "--tls-max", "1.2") == "35"
    told = s_client("-servername", "a.bad.example")
    assert "errno=104" in told or "reset" in told


@pytest.fixture
def lab_tls(lab: Lab, site: Site, tmp_path: Path) -> Iterator[None]:
    """A real TLS server at the address and port of the site that answers anything."""
    key, cert = certificate(tmp_path)
    server = lab.wan.start(["openssl", "s_server", "-accept", "8444", "-www", "-quiet", "-key", key, "-cert", cert])
    rule = f"ip daddr {RESOLVER4} tcp dport 443 redirect to :8444"
    lab.wan.run(
        [
            "nft",
            "add table ip tls; add chain ip tls pre { type nat hook prerouting priority -100; };"
            f"add rule ip tls pre {rule}",
        ]
    )
    time.sleep(0.5)
    yield
    lab.wan.run(["nft", "delete table ip tls"])
    server.terminate()
    server.wait(5)


def test_an_answer_of_dns_and_the_connection_are_one_visit(lab: Lab, resident: Resident, device: int) -> None:
    assert Asker(lab.alice, ROUTER4).ask("www.who") == "agent"
    assert call(lab.alice, RESOLVER4, hello("www.who")) == "ok"
    one = [("www.who", 1, "tls")]
    await_true(lambda: resident.rows("SELECT site, hits, source FROM visits") == one, "one visit of both")


def test_a_lookalike_that_is_only_seen_in_a_connection_is_told(lab: Lab, resident: Resident, device: int) -> None:
    """A device that asks another resolver, or knows the address: the name of its connection is looked at as well."""
    resident.call("settings.set", key="lookalike", value="warn", actor="cli")
    with socket.socket(socket.AF_UNIX) as told:
        told.connect(str(resident.folder / "run" / "control.sock"))
        told.settimeout(10.0)
        told.sendall(b'{"op": "subscribe"}\n')
        heard = b""
        caller = Caller(lab.alice, RESOLVER4)
        assert caller.ask(hello("www.paypa1.example")) == "ok"
        while b'"lookalike"' not in heard:
            heard += told.recv(65536)
        event = next(json.loads(line) for line in heard.splitlines() if b'"lookalike"' in line)
        assert (event["device_id"], event["name"], event["like"]) == (device, "www.paypa1.example", "paypal.com")
