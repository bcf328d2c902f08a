"""The job as a process: its limits, its event stream, its going and coming back, its size."""

import contextlib
import json
import os
import select
import socket
import struct
import time
from pathlib import Path

import pytest

from agent.jobs.web import sse
from tests.jobs.web_peer import Client, Job, read_reply, refusal, signed_in, wait_until


def test_keep_alive_and_pipelining(job):
    client = Client(job.port)
    with client.connect() as sock:
        one = client.request("GET", "/api/v1/session", None, {})
        sock.sendall(one + one)
        first = read_reply(sock)
        assert first.status == read_reply(sock, data=first.rest).status == 200
        sock.sendall(client.request("GET", "/api/v1/session", None, {"Connection": "close"}))
        assert read_reply(sock).header("connection") == "close"
        assert sock.recv(1) == b""


def test_hundreds_of_requests_at_once(job):
    client = Client(job.port)
    with client.connect() as sock:
        one = b"GET /icon.svg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        sock.sendall(one * 900)
        data = b""
        while data.count(b"HTTP/1.1 200 OK") < 900:
            data += sock.recv(65536)


def cpu_s(job) -> float:
    fields = Path(f"/proc/{job.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_clients_that_hang_up_cost_nothing(peer, job):
    """Gone with a reset in the middle of a handler: the loop does not spin until it ends."""
    client = signed_in(job.port, peer)
    peer.answers["status"] = lambda call: None
    for _ in range(3):
        sock = client.connect()
        sock.sendall(client.request("GET", "/api/v1/status", None, {}))
        wait_until(lambda: peer.named("status"))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    before = cpu_s(job)
    time.sleep(1.5)
    assert cpu_s(job) - before < 0.2


def test_a_full_disk_lets_people_in_to_switch_off(peer, job):
    client = signed_in(job.port, peer)
    peer.answers["web.put"] = refusal("storage", "disk full")
    peer.answers["off"] = {"remaining": 0}
    other = Client(job.port)
    assert other.ask("POST", "/api/v1/session", {"password": "our seven blue lamps"}).status == 201
    assert other.ask("PUT", "/api/v1/devices/1/features/history", {"on": False}).status == 200
    # What must last does not pretend to.
    assert (
        client.ask(
            "PUT", "/api/v1/password", {"password": "our seven blue lamps", "new_password": "five green hats"}
        ).status
        == 507
    )  # noqa: E501


def test_byte_by_byte(job):
    client = Client(job.port)
    with client.connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in client.request("POST", "/api/v1/session", {"password": "x"}, {}):
            sock.send(bytes([byte]))
        assert read_reply(sock).status == 409


def test_head_and_methods(job):
    client = Client(job.port)
    head = client.ask("HEAD", "/style.css")
    assert head.status == 200 and int(head.header("content-length")) > 1000 and head.body == b""
    wrong = client.ask("POST", "/api/v1/openapi.json", {})
    assert wrong.status == 405 and wrong.header("allow") == "GET"
    assert client.ask("OPTIONS", "/api/v1/session").status == 405
    assert client.ask("GET", "/nothing").status == 404


def test_files_are_fetched_once(job):
    client = Client(job.port)
    tag = client.ask("GET", "/style.css").header("etag")
    again = client.ask("GET", "/style.css", If_None_Match=tag)
    assert again.status == 304 and again.body == b""


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n", 414),
        (b"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        (b"\x00\x01\x02\x03", 400),
    ],
)
def test_limits(job, data, status):
    with socket.create_connection(("127.0.0.1", job.port)) as sock:
        sock.sendall(data)
        assert read_reply(sock).status == status
        assert sock.recv(1) == b""


def test_deeply_nested_json_is_no_crash(peer, job):
    client = signed_in(job.port, peer)
    with client.connect() as sock:
        body = b"[" * 8000 + b"]" * 8000
        headers = {"Content-Length": str(len(body)), "Content-Type": "application/json"}
        sock.sendall(client.request("POST", "/api/v1/session/confirm", None, headers) + body)
        assert read_reply(sock).status == 400


def test_slow_loris(job):
    """Heads that never end are ended; meanwhile everybody else is served."""
    slow = [socket.create_connection(("127.0.0.1", job.port)) for _ in range(50)]
    for sock in slow:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
    started = time.monotonic()
    assert Client(job.port).ask("GET", "/api/v1/session").status == 200
    assert time.monotonic() - started < 5
    end = time.monotonic() + 13
    while time.monotonic() < end:
        for sock in slow:
            with contextlib.suppress(OSError):
                sock.send(b"a")
        time.sleep(1)
    for sock in slow:
        sock.settimeout(2)
        with contextlib.suppress(ConnectionError):
            data = sock.recv(4096)
            assert data == b"" or b"408" in data
        sock.close()


def test_500_idle_connections(job):
    """More than there is room for: the idle ones of the greedy address make room, others are served."""
    assert Client(job.port).ask("GET", "/api/v1/session").status == 200
    before = job.rss_kb()
    idle = [socket.create_connection(("127.0.0.1", job.port)) for _ in range(500)]
    started = time.monotonic()
    for _ in range(5):
        assert Client(job.port, source="127.0.0.5").ask("GET", "/api/v1/session").status == 200
    assert time.monotonic() - started < 5
    assert job.rss_kb() - before < 4096
    assert len(os.listdir(f"/proc/{job.process.pid}/fd")) < 230
    for sock in idle:
        sock.close()


def test_a_person_is_not_pushed_out_by_a_greedy_address(peer, job):
    client = signed_in(job.port, peer, source="127.0.0.5")
    stream = client.connect()
    stream.sendall(client.request("GET", "/api/v1/events", None, {}))
    wait_until(lambda: b"hello" in stream.recv(4096, socket.MSG_PEEK))
    greedy = [socket.create_connection(("127.0.0.1", job.port)) for _ in range(400)]
    assert client.ask("GET", "/api/v1/session").status == 200
    peer.event(event="feature", device_id=3, feature="history", on=True)
    wait_until(lambda: b"event: feature" in stream.recv(4096, socket.MSG_PEEK))
    for sock in (stream, *greedy):
        sock.close()


def read_events(sock: socket.socket, count: int) -> list[str]:
    data = b""
    while data.count(b"event: ") < count:
        data += sock.recv(4096)
    return [part for part in data.decode().split("\n\n") if part.startswith("event: ")]


def test_events_reach_every_browser(peer, job):
    clients = [signed_in(job.port, peer)]
    second = Client(job.port)
    second.cookies = dict(clients[0].cookies)
    clients.append(second)
    socks = []
    for client in clients:
        sock = client.connect()
        sock.sendall(client.request("GET", "/api/v1/events", None, {}))
        wait_until(lambda sock=sock: b"hello" in sock.recv(4096, socket.MSG_PEEK))
        socks.append(sock)
    started = time.monotonic()
    peer.event(event="feature", device_id=3, feature="history", on=False, since=None)
    peer.event(event="unknown", secret="x")
    peer.event(event="ledger", seq=9)
    for sock in socks:
        events = read_events(sock, 2)
        assert events[0] == 'event: feature\ndata: {"device_id":3,"feature":"history","on":false,"since":null}'
        assert events[1].startswith("event: ledger")
        sock.close()
    assert time.monotonic() - started < 5


def test_a_persons_stream_carries_their_device_only(peer, job):
    peer.answers["me"] = {"device": {"id": 3}, "kept": {}}
    client = Client(job.port)
    with client.connect() as sock:
        sock.sendall(client.request("GET", "/api/v1/me/events", None, {}))
        wait_until(lambda: b"hello" in sock.recv(4096, socket.MSG_PEEK))
        peer.event(event="feature", device_id=4, feature="history", on=True)
        peer.event(event="feature", device_id=3, feature="protection", on=True)
        assert '"device_id":3' in read_events(sock, 1)[0]


def begun(client: Client, address: str) -> str:
    """What an event stream says at first, its head left out."""
    with client.connect() as sock:
        sock.settimeout(0.3)
        sock.sendall(client.request("GET", address, None, {}))
        data = b""
        try:
            while part := sock.recv(4096):
                data += part
        except TimeoutError:
            pass
        return data.decode().partition("\r\n\r\n")[2]


def test_a_stream_says_whether_something_was_missed(peer, job):
    """A page asks, then opens its stream: what happened in between it is told, and only that."""
    quiet, missed = "retry: 2000\n: hello\n\n", "retry: 2000\n: hello\n\nevent: status\ndata: {}\n\n"
    peer.answers["me"] = {"device": {"id": 3}, "kept": {}}
    client = signed_in(job.port, peer)
    asked = client.ask("GET", "/api/v1/session").header("asked-at")
    assert begun(client, "/api/v1/events?asked=" + asked) == quiet
    peer.event(event="history", device_id=3)
    peer.event(event="feature", device_id=4)
    assert begun(client, "/api/v1/events?asked=" + asked) == missed
    # Without the PIN a device hears of neither: not that it was used, and nothing of another's.
    assert begun(Client(job.port), "/api/v1/me/events?asked=" + asked) == quiet
    later = client.ask("GET", "/api/v1/session").header("asked-at")
    assert begun(client, "/api/v1/events?asked=" + later) == quiet
    for unknown in ("0", "00000000-5", asked.partition("-")[0] + "-x"):  # of a process that has gone
        assert begun(client, "/api/v1/events?asked=" + unknown) == missed


def test_what_was_too_long_ago_is_missed():
    recent = sse.LastMinute(100.0)
    asked = recent.moment(200.0)
    recent.add(201.0, {"event": "lists"})
    assert not recent.missed(recent.moment(202.0), bool) and recent.missed(asked, bool)
    recent.add(200.5 + sse.MISSED_S + 1, {"event": "lists"})
    assert recent.missed(asked, lambda _: False), "it may have been one that was wanted"
    for turn in range(sse.MISSED_MAX * 2):
        recent.add(300.0 + turn / 1000, {"event": "lists"})
    assert recent.missed(recent.moment(300.0), lambda _: False)
    assert not recent.missed(recent.moment(301.0), bool)


def test_events_need_a_session(job):
    assert Client(job.port).ask("GET", "/api/v1/events").status == 401


def test_idle_exit_and_nobody_notices(peer):
    """An event stream alone does not keep it; a connection made in the gap waits for the next job."""
    job = Job(peer, idle_s=2)
    client = signed_in(job.port, peer)
    stream = client.connect()
    stream.sendall(client.request("GET", "/api/v1/events", None, {}))
    assert job.process.wait(30) == 0
    data = b""
    while chunk := stream.recv(4096):
        data += chunk
    assert data.endswith(b"event: sleep\ndata: {}\n\n")
    stream.close()
    waiting = client.connect()
    waiting.sendall(client.request("GET", "/api/v1/sessions", None, {}))
    assert job.process.stderr.read() == ""
    job.process.stderr.close()
    job.start(peer, 300, {})
    assert read_reply(waiting).status == 200
    waiting.close()
    assert job.stop() == ""


def test_use_keeps_it_awake(peer):
    job = Job(peer, idle_s=4)
    client = Client(job.port)
    for _ in range(7):
        time.sleep(0.8)
        assert client.ask("GET", "/api/v1/session").status == 200
    assert job.process.poll() is None
    assert job.stop() == ""


def test_it_ends_with_the_daemon(peer, job):
    Client(job.port).ask("GET", "/api/v1/session")
    peer.ours.shutdown(socket.SHUT_RDWR)
    assert job.process.wait(5) == 0
    assert "control socket was closed" in job.process.stderr.read()
    job.process.stderr.close()
    job.stop = lambda: ""
    job.listener.close()


def test_a_client_that_goes_away_ends_its_handler(peer, job):
    client = signed_in(job.port, peer)
    peer.answers["status"] = lambda call: None
    sock = client.connect()
    sock.sendall(client.request("GET", "/api/v1/status", None, {}))
    wait_until(lambda: peer.named("status"))
    sock.close()
    assert client.ask("GET", "/api/v1/session").status == 200


def test_a_slow_answer_holds_nobody_back(peer, job):
    """An audit under way, a toggle beside it."""
    client = signed_in(job.port, peer)
    peer.answers["audit"] = lambda call: None
    peer.answers["off"] = {"remaining": 0}
    with client.connect() as sock:
        sock.sendall(client.request("POST", "/api/v1/audit", {}, {}))
        wait_until(lambda: peer.named("audit"))
        started = time.monotonic()
        assert client.ask("PUT", "/api/v1/devices/1/features/history", {"on": False}).status == 200
        assert time.monotonic() - started < 5
        peer._send({"ok": {"ok": True}, "tag": peer.named("audit")[0]["tag"]})
        assert read_reply(sock).json == {"ok": True}


def test_password_work_does_not_stop_the_loop(peer, job):
    client = signed_in(job.port, peer)
    with client.connect() as sock:
        sock.sendall(client.request("POST", "/api/v1/session/confirm", {"password": "x" * 20}, {}))
        answered = 0
        while not select.select([sock], [], [], 0)[0]:
            assert client.ask("GET", "/api/v1/session").status == 200
            answered += 1
        assert read_reply(sock).status == 401
        # Where the work held the loop, the first of them would be answered after it, and there would be no second.
        assert answered >= 2, "while the password was looked at"


def test_an_export_streams_in_pages(peer, job):
    client = signed_in(job.port, peer)
    client.ask("POST", "/api/v1/session/confirm", {"password": "our seven blue lamps"})

    def page(call):
        start = int(call.get("after", 0))
        items = [{"kind": "visit", "row": {"id": n, "site": "a" * 200}} for n in range(start, start + 100)]
        return {"items": items, "next": str(start + 100) if start < 20000 else None}

    peer.answers["export"] = page
    before = job.rss_kb()
    reply = client.ask("GET", "/api/v1/export?all=true")
    rows = json.loads(reply.body)["rows"]
    assert [row["row"]["id"] for row in rows] == list(range(20100))
    assert job.rss_kb() - before < 3000
    table = client.ask("GET", "/api/v1/export?all=true&format=csv&table=visit").body.decode().split("\r\n")
    assert table[0] == "id,site" and len(table) == 20102
    assert client.ask("GET", "/api/v1/export?all=true&format=csv&table=nothing").body == b""


def test_an_export_waits_for_its_reader(peer, job):
    """A client that does not read holds one page, not the whole history."""
    client = signed_in(job.port, peer)
    client.ask("POST", "/api/v1/session/confirm", {"password": "our seven blue lamps"})
    big = [{"kind": "visit", "row": {"text": "x" * 500}}] * 100
    peer.answers["export"] = lambda call: {"items": big, "next": str(int(call.get("after", 0)) + 1)}
    with client.connect() as sock:
        sock.sendall(client.request("GET", "/api/v1/export?all=true", None, {}))
        time.sleep(1.5)
        asked = len(peer.named("export"))
        time.sleep(0.5)
        assert len(peer.named("export")) == asked < 200


def test_size(peer, job):
    client = signed_in(job.port, peer)
    for path in ("/", "/style.css", "/app.js", "/text/de.json", "/api/v1/sessions"):
        assert client.ask("GET", path).status == 200
    assert job.rss_kb() < 30 * 1024
    secure = Client(job.port, tls=True)
    for _ in range(20):
        assert secure.ask("GET", "/api/v1/session").status == 200
    assert job.rss_kb() < 30 * 1024
