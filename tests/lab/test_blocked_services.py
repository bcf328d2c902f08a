"""A service is blocked while its app is open: what is open to it ends, what else the device has in the web goes on."""

import json
import socket
from pathlib import Path

from tests.lab.lab import ALICE_MAC, BOB_MAC, RESOLVER4, RESOLVER6, Lab, await_true
from tests.lab.resident import Resident
from tests.lab.web import Caller, Site, hello

DATA = b"GET / HTTP/1.1 data of an open connection\r\n"
CUT = ("ConnectionResetError", "BrokenPipeError", "closed")
PORT = 40123  # of the app's calls


def flows(lab: Lab, port: int) -> int:
    listed = lab.router.inside(Path("/proc/thread-self/net/nf_conntrack").read_text)
    return len([line for line in listed.splitlines() if f"dport={port} " in line])


def test_what_is_open_ends(lab: Lab, site: Site, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    service = {"id": "tok", "title": "Tok", "group": "social", "names": ["tok.example"]}
    (tmp_path / "data" / "services.json").write_text(json.dumps({"format": 1, "services": [service]}))
    resident = Resident(lab, tmp_path, data_dir=str(tmp_path / "data"), lists_auto=False)
    try:
        person = resident.call("person.add", name="Mia", group="child")["id"]
        resident.call("device.add", label="Tablet", mac=ALICE_MAC, person_id=person)
        resident.call("device.add", label="Laptop", mac=BOB_MAC)
        resident.call("content.set", person_id=person, search="on")
        await_true(lambda: resident.kernel["connections_by"] is not None, "connections are judged")
        open_to = {}
        for server in (RESOLVER4, RESOLVER6):
            for name in ("tok.example", "fine.example"):
                open_to[server, name] = Caller(lab.alice, server)
                assert open_to[server, name].ask(hello(name)) == open_to[server, name].ask(DATA) == "ok"
        with (
            lab.alice.socket(socket.AF_INET, socket.SOCK_DGRAM) as alice,
            lab.bob.socket(socket.AF_INET, socket.SOCK_DGRAM) as bob,
        ):
            alice.sendto(b"a call", (RESOLVER4, PORT))
            bob.sendto(b"a call", (RESOLVER4, PORT))
            await_true(lambda: flows(lab, PORT) == 2, "both have a flow")
            resident.call("content.set", person_id=person, services=[{"id": "tok", "mode": "block"}])
            await_true(lambda: flows(lab, PORT) == 1, "the tablet's has ended")
        for (_, name), caller in open_to.items():
            asked = [caller.ask(DATA) for _ in range(3)]
            assert asked == ["ok"] * 3 if name == "fine.example" else asked[-1] in CUT, (name, asked)
    finally:
        assert resident.stop() == 0, resident.said()
