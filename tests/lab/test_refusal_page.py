"""The page that a refused plain request gets, and its button: with what the package lets the agent do, and no more."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.lab import ALICE_MAC, BOB_MAC, RESOLVER4, RESOLVER6, ROUTER4, Lab
from tests.lab.resident import ROOT, Resident
from tests.lab.spaces import Space
from tests.lab.web import PAGE, Caller, Site, get

SERVERS = (RESOLVER4, RESOLVER6)
CAPABILITIES = ROOT / "packaging" / "openwrt" / "privacy-agent" / "files" / "capabilities.json"
WEB_PORT, WEB_NAME = 5392, "openwrt.lan"
WEB = {"web_listen": [f"0.0.0.0:{WEB_PORT}"], "web_hosts": [WEB_NAME]}


@pytest.fixture(scope="module")
def site(lab: Lab) -> Iterator[Site]:
    lab.addresses6(lab.alice)
    made = Site(lab, (80,))
    yield made
    made.close()


@pytest.fixture
def packaged(lab: Lab, site: Site, tmp_path: Path) -> Iterator[Resident]:
    """The agent under the package's capabilities, in a household that refuses bad.example to Alice's device."""
    held = [name.removeprefix("CAP_").lower() for name in json.loads(CAPABILITIES.read_text())["bounding"]]
    bounds = "-all," + ",".join("+" + name for name in held)
    resident = Resident(lab, tmp_path, ("setpriv", "--bounding-set", bounds, "--no-new-privs"), **WEB)
    device = resident.add("Tablet", ALICE_MAC)
    resident.call("block", name="bad.example")
    resident.on(device, "protection")
    yield resident
    lab.alice.close_sockets()
    resident.stop()


def shown(space: Space, server: str, request: bytes, caller: Caller | None = None) -> str:
    """All that comes until the end, which for a refused page is at once."""
    caller = (caller or Caller(space, server, 80)).send(request)
    began, told = time.monotonic(), b""
    while piece := caller.sock.recv(4096):
        told += piece
    assert time.monotonic() - began < 1.0
    assert len(told.partition(b"\r\n\r\n")[2]) == int(told.split(b"Content-Length: ")[1].split(b"\r\n")[0])
    return told.decode()


def press(space: Space, page: str, *options: str) -> tuple[int, str]:
    """What a browser does with the form, without script and from another site's page."""
    action, word = re.findall(r'action="([^"]+)"><input type="hidden" name="ask" value="([^"]+)"', page)[0]
    assert action == f"http://{WEB_NAME}:{WEB_PORT}/me/ask"
    command = ["curl", "-s", "-m", "20", "--resolve", f"{WEB_NAME}:{WEB_PORT}:{ROUTER4}", action, "-d", f"ask={word}"]
    told = space.run([*command, "-H", "Origin: http://bad.example", *options, "-w", "\n%{http_code}"])
    document, _, status = told.rpartition("\n")
    return int(status), document


@pytest.mark.parametrize("server", SERVERS)
def test_it_is_shown_with_the_packages_capabilities(lab: Lab, packaged: Resident, server: str) -> None:
    told = shown(lab.alice, server, get("www.bad.example", "/<x>?secret"))
    assert told.startswith("HTTP/1.1 403 ") and "a rule of this network blocks bad.example" in told
    assert "http://www.bad.example/" in told and "<x>" not in told and "secret" not in told
    held = Path(f"/proc/{packaged.daemon}/status").read_text()
    assert int(re.findall(r"CapEff:\s*(\w+)", held)[0], 16) & 1 << 13 == 0, "CAP_NET_RAW is not held"


@pytest.mark.parametrize("server", SERVERS)
def test_it_follows_other_answers_of_the_same_connection(lab: Lab, packaged: Resident, server: str) -> None:
    caller = Caller(lab.alice, server, 80)
    for _ in range(2):
        caller.send(get("fine.example"))
        assert caller.sock.recv(4096) == PAGE
    assert shown(lab.alice, server, get("www.bad.example"), caller).startswith("HTTP/1.1 403 ")


def test_a_client_without_timestamps(lab: Lab, packaged: Resident) -> None:
    lab.alice.sysctl("ipv4/tcp_timestamps", 0)
    try:
        assert shown(lab.alice, RESOLVER4, get("www.bad.example")).startswith("HTTP/1.1 403 ")
    finally:
        lab.alice.sysctl("ipv4/tcp_timestamps", 1)


@pytest.mark.parametrize("server", SERVERS)
def test_the_server_is_told_nothing(lab: Lab, packaged: Resident, site: Site, server: str) -> None:
    """Neither the request nor the client's end of the connection gets past the router; and the client's is over."""
    table = "add table inet seen; add chain inet seen in { type filter hook input priority 0; };"
    lab.wan.run(["nft", table + "add rule inet seen in tcp dport 80 meta length > 80 counter;"])
    lab.wan.run(["nft", "add rule inet seen in tcp dport 80 tcp flags & fin != 0 counter"])
    try:
        shown(lab.alice, server, get("www.bad.example"))
        lab.alice.close_sockets()
        time.sleep(0.3)
        counted = re.findall(r"packets (\d+)", lab.wan.run(["nft", "list", "table", "inet", "seen"]))
        assert counted == ["0", "0"]
        assert "LAST-ACK" not in lab.alice.run(["ss", "-tan"])
    finally:
        lab.wan.run(["nft", "delete table inet seen"])


def test_its_button_puts_the_request_before_the_household(lab: Lab, packaged: Resident) -> None:
    told = shown(lab.alice, RESOLVER4, get("www.bad.example", "/page"))
    status, document = press(lab.alice, told)
    assert status == 200 and "Request sent" in document and "<code>www.bad.example</code>" in document
    (row,) = packaged.call("request.list", state="open")["items"]  # type: ignore[misc]
    assert (row["kind"], row["target"], row["state"]) == ("unblock", "www.bad.example", "open")
    assert press(lab.alice, told)[0] == 404, "a word is good for once"
    again = shown(lab.alice, RESOLVER4, get("www.bad.example", "/other"))
    assert press(lab.alice, again)[0] == 200
    assert len(packaged.call("request.list", state="open")["items"]) == 1  # type: ignore[arg-type]
    packaged.call("allow", name=row["target"], scope="device", device_id=row["device_id"], seconds=3600)
    caller = Caller(lab.alice, RESOLVER4, 80).send(get("www.bad.example", "/page"))
    assert caller.sock.recv(4096) == PAGE


def test_a_button_is_one_devices(lab: Lab, packaged: Resident) -> None:
    packaged.add("Phone", BOB_MAC)
    told = shown(lab.alice, RESOLVER4, get("www.bad.example"))
    assert press(lab.bob, told)[0] == 404
    guessed = re.sub(r'value="\w+"', 'value="00000000000000000000000000000000"', told)
    assert press(lab.alice, guessed)[0] == 404
    assert packaged.call("request.list")["items"] == []
    assert press(lab.alice, told)[0] == 200, "somebody else's try does not use it up"


def test_in_german(lab: Lab, packaged: Resident) -> None:
    request = get("www.bad.example")[:-2] + b"Accept-Language: de-DE,en;q=0.5\r\n\r\n"
    told = shown(lab.alice, RESOLVER4, request)
    assert "Diese Seite ist blockiert" in told
    assert "Anfrage gesendet" in press(lab.alice, told, "-H", "Accept-Language: de")[1]
