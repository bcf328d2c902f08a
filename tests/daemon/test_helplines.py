"""A helpline's names: never in a row of any table and never refused, whatever the lists say; by a real daemon."""

import json
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dnslib import CNAME, QTYPE, RR, A, DNSRecord

from agent.client import ControlClient
from agent.jobs.compile import Source, compile_lists
from tests.promises.running import Running, query

ROOT = Path(__file__).resolve().parents[2]
HELP = ("samaritans.org", "www.988lifeline.org", "chat.telefonseelsorge.de")
ALIAS = "helplines.cdn.example"  # where all names of this upstream lead


class Upstream(threading.Thread):
    """Answers every address look-up through an alias, with a listed address."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def run(self) -> None:
        while True:
            try:
                data, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            asked = DNSRecord.parse(data)
            reply = asked.reply()
            if asked.q.qtype == QTYPE.A:
                reply.add_answer(RR(asked.q.qname, QTYPE.CNAME, rdata=CNAME(ALIAS), ttl=60))
                reply.add_answer(RR(ALIAS, QTYPE.A, rdata=A("192.0.2.1"), ttl=60))
            self.socket.sendto(reply.pack(), peer)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "names").write_text("".join(name + "\n" for name in (*HELP, "org.example", ALIAS, "listed.example")))
    (tmp_path / "addresses").write_text("192.0.2.1\n192.0.2.2\n192.0.2.3\n")
    (tmp_path / "run").mkdir()
    sources = [Source(str(tmp_path / name), name, category="phishing") for name in ("names", "addresses")]
    compile_lists(sources, str(tmp_path / "run" / "rules.bin"))
    upstream = Upstream()
    upstream.start()
    made = Running(
        tmp_path, data_dir=str(ROOT / "blocklists"), lists_auto=False, upstream=[f"127.0.0.1:{upstream.port}"]
    )
    yield made
    made.stop()
    upstream.socket.close()


def ask(running: Running, name: str) -> DNSRecord:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind(("127.0.0.2", 0))
        link.settimeout(5)
        link.sendto(query(name, 7), ("127.0.0.1", running.port))
        return DNSRecord.parse(link.recv(4096))


@pytest.fixture
def client(running: Running) -> Iterator[ControlClient]:
    made = running.client()
    yield made
    made.close()


def addresses(reply: DNSRecord) -> list[str]:
    return [str(row.rdata) for row in reply.rr if row.rtype == QTYPE.A]


def test_zero_rows_and_no_refusal(running: Running, client: ControlClient) -> None:
    client.call("device.add", label="tablet", address="127.0.0.2")
    for feature in client.call("features")["items"]:
        if feature["name"] != "usage":  # counted where devices are known by their MAC
            client.call("on", device_id=1, feature=feature["name"], agree=feature["version"])
    for name in HELP:
        assert addresses(ask(running, name)) == ["192.0.2.1"], name
        told = client.call("explain", name=name)
        assert told["verdict"] == "allow" and "helpline" in told["how"]
    # The same lists do refuse others: by name, by alias and by address.
    for name in ("listed.example", "anything.example"):
        assert addresses(ask(running, name)) == ["0.0.0.0"]
    client.call("allow", name=ALIAS)
    assert addresses(ask(running, "by-address.example")) == ["0.0.0.0"]
    client.call("allow", name="plain.example")
    assert addresses(ask(running, "plain.example")) == ["192.0.2.1"]
    time.sleep(1.5)
    held = json.dumps([client.call("history", device_id=1), client.call("blocked", device_id=1)])
    assert "plain.example" in held and "listed.example" in held
    told = json.dumps(client.call("export", device_id=1, limit=200))
    with sqlite3.connect(running.run_dir / "history.db") as history:
        rows = "\n".join(history.iterdump())
    history.close()
    raw = b"".join(path.read_bytes() for path in running.folder.rglob("*") if path.is_file() and path.name != "names")
    for name in ("samaritans", "988lifeline", "telefonseelsorge"):
        assert name not in held and name not in told and name not in rows
        assert name.encode() not in raw
    assert "plain.example" in rows


def test_they_are_shown_with_what_they_are_and_cannot_be_blocked(client: ControlClient) -> None:
    rows = {row["name"]: row["note"] for row in client.call("helplines")["items"]}
    assert rows["samaritans.org"].startswith("crisis; United Kingdom") and len(rows) >= 100
    with pytest.raises(Exception, match="helpline"):
        client.call("block", name="samaritans.org")
