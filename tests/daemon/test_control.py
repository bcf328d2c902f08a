"""The control socket of a real daemon: framing, limits, who may ask what, long operations, events."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.client import ControlClient, ControlError
from agent.daemon.control import ControlServer
from agent.daemon.loop import Loop
from tests.promises.household import Home
from tests.promises.running import TABLET, Running, query


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = Running(tmp_path_factory.mktemp("control"))
    made.client().close()
    yield made
    assert made.stop() == 0


@pytest.fixture
def client(running: Running) -> Iterator[ControlClient]:
    made = running.client()
    yield made
    made.close()


class Raw:
    """The socket itself, for lines that no client would send."""

    def __init__(self, running: Running) -> None:
        self.link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.link.settimeout(5)
        self.link.connect(str(running.run_dir / "control.sock"))
        self.lines = self.link.makefile("rb")

    def send(self, data: bytes) -> None:
        self.link.sendall(data)

    def read(self) -> dict:
        return json.loads(self.lines.readline())

    def close(self) -> None:
        self.lines.close()
        self.link.close()


@pytest.fixture
def raw(running: Running) -> Iterator[Raw]:
    made = Raw(running)
    yield made
    made.close()


def test_the_socket_is_the_owners_alone(running: Running) -> None:
    assert os.stat(running.run_dir / "control.sock").st_mode & 0o777 == 0o600


BAD = (
    b"nonsense\n",
    b"[1]\n",
    b'"op"\n',
    b'{"op": 7}\n',
    b'{"op": "no.such"}\n',
    b"{}\n",
    b"\xff\xfe\n",
    b"[" * 5000 + b"\n",
)


@pytest.mark.parametrize("line", BAD)
def test_bad_lines_get_an_error_and_the_connection_lives(raw: Raw, line: bytes) -> None:
    raw.send(line)
    assert raw.read()["error"]["code"] == "bad_request"
    raw.send(b'{"op": "status"}\n')
    assert raw.read()["ok"]["booted"]


def test_byte_by_byte_and_two_at_once(raw: Raw) -> None:
    for byte in b'{"op": "status", "tag": 3}\n':
        raw.send(bytes([byte]))
    assert raw.read()["tag"] == 3
    raw.send(b'{"op": "status", "tag": 4}\n{"op": "notice", "tag": 5}\n')
    assert [raw.read()["tag"], raw.read()["tag"]] == [4, 5]


def test_a_request_without_end_is_cut_off(raw: Raw) -> None:
    raw.send(b'{"op": "' + b"x" * 70000)
    assert raw.read()["error"]["code"] == "bad_request"
    assert raw.lines.readline() == b""


def test_what_is_the_web_jobs_is_not_the_command_lines(client: ControlClient) -> None:
    for op in ("web.get", "web.put", "setup.check"):
        with pytest.raises(ControlError) as refusal:
            client.call(op, key="password", value=1)
        assert refusal.value.code == "forbidden"


def test_arguments_are_checked(client: ControlClient) -> None:
    wrong = (
        ("device.add", {"label": ""}),
        ("device.add", {"label": "x", "mac": "01:00:5e:00:00:01"}),
        ("device.add", {"label": "x", "mac": "nonsense"}),
        ("device.add", {"label": "x\ny", "mac": "3c:22:fb:00:00:0a"}),
        ("device.add", {"label": "x" * 65, "address": "127.0.0.9"}),
        ("device.add", {"label": "x", "address": "300.1.1.1"}),
        ("device.add", {"label": "x", "mac": "3c:22:fb:00:00:0a", "shared": "yes"}),
        ("on", {"device_id": True, "feature": "history"}),
        ("on", {"device_id": 1 << 70, "feature": "history"}),
        ("on", {"device_id": 999, "feature": "history"}),
        ("history", {"all": True, "limit": 100000}),
        ("history", {"all": True, "after": "; DROP TABLE visits"}),
        ("history", {"all": True, "after": "²"}),
        ("history", {"all": True, "after": "٣"}),
        ("person.add", {"name": "Mia", "group": "child", "birth_month": "2012-0²"}),
        ("person.add", {"name": "Mia", "group": "child", "birth_month": "201²-05"}),
        ("allow", {"name": "no spaces please"}),
        ("block", {"name": "a..b"}),
        ("settings.set", {"key": "state_dir", "value": "/tmp"}),
        ("settings.set", {"key": "history_days", "value": 31}),
        ("settings.set", {"key": "histroy_days", "value": 3}),
    )
    for op, arguments in wrong:
        with pytest.raises(ControlError) as refusal:
            client.call(op, **arguments)
        assert refusal.value.code in ("bad_request", "not_found"), (op, arguments, str(refusal.value))


def test_values_come_apart_from_their_sentence(client: ControlClient) -> None:
    """Another language need not look for them in the English."""
    with pytest.raises(ControlError) as caught:
        client.call("device.remove", device_id=99)
    assert str(caught.value) == "no device 99" and caught.value.detail["sentence"] == ["no device {}", "99"]


def test_on_asks_for_agreement_and_tells_what_to(client: ControlClient) -> None:
    device = client.call("device.add", label="asked", address="127.0.0.21")
    with pytest.raises(ControlError) as refusal:
        client.call("on", device_id=device["id"], feature="history")
    assert refusal.value.code == "agree_first"
    client.call("device.remove", id=device["id"])


def test_events_come_to_every_subscriber(running: Running, client: ControlClient) -> None:
    watchers = [Raw(running), Raw(running)]
    for watcher in watchers:
        watcher.send(b'{"op": "subscribe"}\n')
        assert watcher.read() == {"ok": {}}
    device = client.call("device.add", label="seen", address="127.0.0.22")
    client.call("on", device_id=device["id"], feature="history", agree=1)
    for watcher in watchers:
        event = watcher.read()
        while event["event"] != "feature":
            event = watcher.read()
        assert event["on"] and event["device_id"] == device["id"] and event["since"]
        watcher.close()
    client.call("device.remove", id=device["id"])


def test_a_subscriber_that_does_not_read_is_cut_off(home: Home) -> None:
    """In this process, so that the megabyte that is too much comes at once."""
    loop = Loop()
    control = ControlServer(loop, home.household, os.path.join(home.run_dir, "control.sock"))
    ours, theirs = socket.socketpair()
    closed = []
    control.adopt(ours, lambda: closed.append(True))
    theirs.sendall(b'{"op": "subscribe"}\n')
    loop.after(0.2, loop.stop)
    loop.run()
    for _ in range(40):
        control.publish({"event": "x" * 60_000})
    assert closed == [True] and control.peers == set()
    theirs.close()
    control.close()


def test_many_connections_are_bounded(running: Running) -> None:
    links = []
    for _ in range(60):
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.settimeout(5)
        try:
            link.connect(str(running.run_dir / "control.sock"))
        except OSError:
            link.close()
            continue
        links.append(link)
    for link in links:
        link.close()
    client = running.client()
    assert client.call("status")["booted"]
    client.close()


def test_a_long_audit_does_not_hold_the_answers_back(running: Running, client: ControlClient) -> None:
    """Queries are answered while the audit, an export and an erase run."""
    device = client.call("device.add", label="busy", address=TABLET)
    client.call("on", device_id=device["id"], feature="history", agree=1)
    asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asker.bind((TABLET, 0))
    asker.settimeout(5)
    asker.connect(("127.0.0.1", running.port))
    for number in range(1500):
        asker.send(query(f"a{number}.s{number}.example", number))
        asker.recv(2048)
    done = threading.Event()
    answered = []

    def ask() -> None:
        while not done.is_set():
            asker.send(query("a1.s1.example", 7))
            asker.recv(2048)
            answered.append(1)

    thread = threading.Thread(target=ask)
    thread.start()
    assert client.call("audit")["ok"]
    rows = list(client.items("export", device_id=device["id"]))
    client.call("delete", device_id=device["id"])
    done.set()
    thread.join(5)
    asker.close()
    assert sum(row["kind"] == "visit" for row in rows) >= 1500 and answered
    client.call("device.remove", id=device["id"])


def test_the_log_names_nobody_and_no_site(running: Running) -> None:
    """P4: what other tests of this file did left no name, label or address in the log."""
    log = Path(running.folder / "log").read_text()
    assert "ready" in log
    for word in ("example", "127.0.0.", "busy", "seen", "asked", "3c:22"):
        assert word not in log
