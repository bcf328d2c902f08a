"""Nobody's guesses, sign-ins or bodies take what is somebody else's: places, waits and memory by kind and device."""

import os
import socket
import time

import pytest

from agent.jobs.web import sessions, throttle
from tests.jobs.conftest import job, peer
from tests.jobs.web_peer import PASSWORD, Client, read_reply, signed_in, wait_until
from tests.promises.web import ADULT, CHILD, Attacked

__all__ = ["job", "peer"]
NOW = 1_800_000_000
LARGE = 2 * 1024 * 1024


def row(kind: str, device_id: int | None, at: int) -> dict[str, object]:
    return {"kind": kind, "device_id": device_id, "browser": "", "address": "", "at": at, "seen": at}


def test_a_childs_sign_ins_end_nobody_elses_session() -> None:
    rows: sessions.Sessions = {}
    rows = sessions.added(rows, "0" * 64, row("household", None, NOW), NOW)
    rows = sessions.added(rows, "1" * 64, row("device", 2, NOW), NOW)
    for n in range(100):
        rows = sessions.added(rows, f"{n + 10:064x}", row("device", 1, NOW + 1 + n), NOW + 1 + n)
    assert sessions.find(rows, "0" * 64, NOW + 200) and sessions.find(rows, "1" * 64, NOW + 200)
    assert len(rows) == 2 + sessions.DEVICE_MAX


def test_guessed_pins_lock_out_no_password_and_no_other_device() -> None:
    table: throttle.Table = {}
    for n in range(200):
        table = throttle.failed(table, throttle.pin_of(1, f"10.0.0.{n % 8}"), NOW)
    assert throttle.wait_s(table, throttle.pin_of(1, "10.0.0.99"), NOW, False) > 0
    assert throttle.wait_s(table, throttle.pin_of(2, "10.0.0.1"), NOW, False) == 0
    assert throttle.wait_s(table, "10.0.0.1", NOW, False) == 0
    assert throttle.wait_s(table, throttle.pin_of(11, "10.0.0.1"), NOW, False) == 0


def test_files_of_a_confirmed_household_take_the_memory_of_one(peer, job) -> None:  # type: ignore[no-untyped-def]
    """However many come at once; the next one is taken when that one is over."""
    client = signed_in(job.port, peer)
    assert client.ask("POST", "/api/v1/session/confirm", {"password": PASSWORD}).status == 200
    before = job.rss_kb()
    links = [half(client) for _ in range(12)]
    for sock in links:
        fill(sock)
    assert client.ask("GET", "/api/v1/session").status == 200
    most = max(grown(job, before) for _ in range(20))
    assert most < 12_000
    for sock in links:
        sock.close()
    wait_until(lambda: restored(client) not in (503, 413))


def grown(job, before: int) -> int:  # type: ignore[no-untyped-def]
    time.sleep(0.1)
    kb: int = job.rss_kb() - before
    return kb


def fill(sock: socket.socket) -> None:
    """All but the last byte, as far as it is taken."""
    sock.setblocking(False)
    left = memoryview(bytes(LARGE - 1))
    end = time.monotonic() + 2
    while left and time.monotonic() < end:
        try:
            left = left[sock.send(left[:65536]) :]
        except BlockingIOError:
            time.sleep(0.01)
        except ConnectionError:
            return


def restored(client: Client) -> int:
    with half(client) as sock:
        sock.sendall(b'{"passphrase": "x"}\n' + os.urandom(LARGE - 20))
        return read_reply(sock).status


@pytest.fixture
def attacked(tmp_path):  # type: ignore[no-untyped-def]
    made = Attacked(tmp_path)
    yield made
    made.stop()


def test_the_device_of_the_first_set_up_is_trusted(attacked: Attacked) -> None:
    for n in range(8):
        guesser = Client(attacked.daemon.web, source=f"127.0.1.{n + 1}")
        for _ in range(5):
            assert guesser.ask("POST", "/api/v1/session", {"password": "a wrong guess"}).status in (401, 429)
    stranger = Client(attacked.daemon.web, source="127.0.2.1")
    assert stranger.ask("POST", "/api/v1/session", {"password": PASSWORD}).status == 429
    parent = Client(attacked.daemon.web)
    assert parent.ask("POST", "/api/v1/session", {"password": PASSWORD}).status == 201


def test_many_sign_ins_of_a_child_leave_the_parent_signed_in(attacked: Attacked) -> None:
    child = attacked.person(CHILD)
    for _ in range(25):
        again = Client(attacked.daemon.web, source=CHILD)
        again.ask("GET", "/api/v1/me")
        assert again.ask("POST", "/api/v1/me/session", {"pin": "4711"}).status == 201
    assert attacked.parent.ask("GET", "/api/v1/devices").status == 200
    assert child.ask("GET", "/api/v1/session").json["signed_in"] is False


def half(client: Client, method: str = "POST", path: str = "/api/v1/restore") -> socket.socket:
    sock = client.connect()
    headers = {"Content-Length": str(LARGE), "Content-Type": "application/octet-stream"}
    sock.sendall(client.request(method, path, None, headers))
    return sock


def test_only_who_may_restore_sends_a_backup(attacked: Attacked) -> None:
    """A child with a PIN, a stranger, and other addresses: 413 before the body. A parent is asked for the password."""
    child, stranger = attacked.person(CHILD), Client(attacked.daemon.web, source=ADULT)
    attempts = [(child, "/api/v1/restore"), (stranger, "/api/v1/restore"), (attacked.parent, "/api/v1/backup")]
    for client, path in attempts:
        with half(client, path=path) as sock:
            assert read_reply(sock).status == 413, path
    with half(attacked.parent) as sock:
        sock.sendall(bytes(LARGE))
        reply = read_reply(sock)
        assert reply.status == 403 and reply.json["type"].endswith("confirm")
    assert attacked.parent.ask("POST", "/api/v1/session/confirm", {"password": PASSWORD}).status == 200
    with half(attacked.parent) as sock:
        sock.sendall(b'{"passphrase": "x"}\n' + os.urandom(LARGE - 20))
        assert read_reply(sock).status not in (403, 413)


def test_half_bodies_take_no_memory(peer, job) -> None:  # type: ignore[no-untyped-def]
    client = signed_in(job.port, peer)
    before = job.rss_kb()
    links = []
    for _ in range(40):
        sock = half(client)
        sock.setblocking(False)
        links.append(sock)
        left = memoryview(bytes(LARGE - 1))
        try:
            while left:
                left = left[sock.send(left[:65536]) :]
        except (BlockingIOError, ConnectionError):
            pass
    assert client.ask("GET", "/api/v1/session").status == 200
    assert job.rss_kb() - before < 12_000
    for sock in links:
        sock.close()
