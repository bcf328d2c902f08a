"""Helplines of a watched and protected device: reached whatever lists and household refuse, and in no row at all."""

import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.jobs.compile import Source, compile_lists
from tests.lab.fixtures import close_sockets
from tests.lab.lab import ALICE_MAC, RESOLVER4, RESOLVER6, ROUTER4, Lab, await_true, listens
from tests.lab.resident import Resident
from tests.lab.web import Site, call, get, hello

BLOCKLISTS = Path(__file__).resolve().parents[2] / "blocklists"
PORT = 5301
ALIAS = "front.cdn.example"
HELP = ("samaritans.org", "www.988lifeline.org", "chat.telefonseelsorge.de", "www.thetrevorproject.org")
WORDS = ("samaritans", "988lifeline", "telefonseelsorge", "thetrevorproject")


@pytest.fixture(scope="module")
def upstream(lab: Lab) -> None:
    """All names lead to one address; the last helpline through an alias that is listed, too."""
    command = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--no-resolv"]
    command += ["--no-hosts", "--local-ttl=60", "--log-facility=-", f"--port={PORT}", "--listen-address=127.0.0.1"]
    command += ["--bind-interfaces", f"--address=/#/{RESOLVER4}", f"--address=/#/{RESOLVER6}"]
    command += [f"--host-record={ALIAS},{RESOLVER4},{RESOLVER6}", f"--cname={HELP[-1]},{ALIAS}"]
    lab.router.start(command, stderr=subprocess.DEVNULL)
    await_true(lambda: listens(lab.router, PORT), "an upstream with an alias")


@pytest.fixture
def resident(lab: Lab, upstream: None, tmp_path: Path) -> Iterator[Resident]:
    """With lists that refuse the helplines by name, by alias, and by their addresses."""
    (tmp_path / "names").write_text("\n".join((*HELP, ALIAS, "listed.example")) + "\n")
    (tmp_path / "important").write_text("".join(f"||{name}^$important\n" for name in HELP))
    (tmp_path / "addresses").write_text(f"{RESOLVER4}\n{RESOLVER6}\n")
    (tmp_path / "run").mkdir()
    sources = [Source(str(tmp_path / name), name, category="malware") for name in ("names", "important", "addresses")]
    compile_lists(sources, str(tmp_path / "run" / "rules.bin"))
    for source in sources:
        Path(source.path).unlink()
    made = Resident(lab, tmp_path, data_dir=str(BLOCKLISTS), lists_auto=False, upstream=[f"127.0.0.1:{PORT}"])
    yield made
    close_sockets(lab)
    assert made.stop() == 0, made.said()


def address(lab: Lab, name: str, *options: str) -> str:
    """What a client is told over a name; the last line, behind the aliases."""
    told = lab.alice.run(["dig", "+short", "+tries=1", "+time=3", f"@{ROUTER4}", name, *options])
    return told.strip().split("\n")[-1]


def test_zero_rows_and_no_refusal(lab: Lab, site: Site, resident: Resident) -> None:
    device = resident.add("Tablet", ALICE_MAC)
    for feature in ("history", "protection"):
        resident.on(device, feature)
    # The household blocks what is above one of them, for everybody and for this device.
    resident.call("block", name="org", sure=True)
    resident.call("block", name="de", sure=True, scope="device", device_id=device)
    resident.call("allow", name="fine.example")
    for name in HELP:
        for kind, expected in (("A", RESOLVER4), ("AAAA", RESOLVER6)):
            assert address(lab, name, kind) == expected, name
            assert address(lab, name, kind, "+tcp") == expected, name
        for server in (RESOLVER4, RESOLVER6):
            assert call(lab.alice, server, hello(name)) == "ok", name
            assert call(lab.alice, server, get(name, "/chat?secret"), 80) == "ok", name
    # The same rules refuse others: by name, by alias and by address; and the household's block stands.
    assert address(lab, "listed.example") == address(lab, "other.org") == "0.0.0.0"
    assert address(lab, "by-address.example") == "0.0.0.0"
    assert call(lab.alice, RESOLVER4, hello("other.org")) == "ConnectionResetError"
    assert call(lab.alice, RESOLVER4, hello("fine.example")) == "ok"
    time.sleep(1.5)
    assert resident.rows("SELECT site FROM visits") == [("fine.example",)]
    refused = {str(row[0]) for row in resident.rows("SELECT target FROM attempts")}
    assert refused == {"listed.example", "other.org", "by-address.example"}
    assert resident.audit()["ok"]
    nothing_holds(resident)


def nothing_holds(resident: Resident) -> None:
    """No table of any database, no file, no log and no reply has a word of a helpline."""
    told = "".join(str(resident.call(op)) for op in ("blocked", "status", "activity", "today"))
    told += str(resident.call("history", device_id=1)) + str(resident.call("export", device_id=1, limit=200))
    for path in resident.folder.rglob("*.db"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            told += "\n".join(database.iterdump())
        database.close()
    raw = b"".join(path.read_bytes() for path in resident.folder.rglob("*") if path.is_file())
    for word in WORDS:
        assert word not in told and word.encode() not in raw, word
