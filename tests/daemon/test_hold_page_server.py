"""The page of whoever is held, over real sockets: who gets it, what its button does, what it can't be made to do."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from agent.daemon.hold_page_server import A_SECOND_MAX, OPEN_MAX, HoldPageServer, Stay
from agent.daemon.loop import Loop
from tests.ports import free_port

MIA = Stay(7, "bedtime", "Mia", "7:00")
CHECK = b"GET /generate_204 HTTP/1.1\r\nHost: connectivitycheck.gstatic.com\r\n\r\n"


class Page:
    def __init__(self) -> None:
        self.loop = Loop()
        self.port = free_port()
        self.stay: Stay | None = MIA
        self.asked: list[tuple[int, str]] = []
        self.server = HoldPageServer(self.loop, self.port, lambda: True, lambda address: self.stay, self.ask)
        self.server.open()
        self.thread = threading.Thread(target=self.loop.run, daemon=True)
        self.thread.start()

    def ask(self, device_id: int, kind: str) -> bool:
        self.asked.append((device_id, kind))
        return True

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 5)

    def get(self, request: bytes = CHECK) -> bytes:
        try:
            with self.connect() as sock:
                sock.sendall(request)
                return read(sock)
        except ConnectionResetError:
            return b"RESET"

    def press(self, kind: bytes, token: bytes | None = None) -> bytes:
        token = token or self.get().partition(b'name="ask" value="')[2].partition(b'"')[0]
        body = b"ask=" + token + b"&kind=" + kind
        head = b"POST /privacy-agent/ask HTTP/1.1\r\nHost: any.example\r\nContent-Length: %d\r\n\r\n" % len(body)
        return self.get(head + body)

    def close(self) -> None:
        self.loop.stop()
        self.thread.join(5)
        self.server.close()


def read(sock: socket.socket) -> bytes:
    parts = []
    try:
        while part := sock.recv(4096):
            parts.append(part)
    except ConnectionResetError:
        parts.append(b"RESET")
    return b"".join(parts)


@pytest.fixture
def page() -> Iterator[Page]:
    made = Page()
    yield made
    made.close()


def test_a_connection_check_gets_511(page: Page) -> None:
    said = page.get()
    assert said.startswith(b"HTTP/1.1 511 ") and b"Mia until 7:00" in said
    german = page.get(CHECK[:-2] + b"Accept-Language: de-DE,de;q=0.9\r\n\r\n")
    assert "Schlafenszeit für Mia bis 7:00" in german.decode()


def test_who_is_not_held_is_reset(page: Page) -> None:
    page.stay = None
    assert page.get() == b"RESET"


def test_the_button_asks_once(page: Page) -> None:
    token = page.get().partition(b'name="ask" value="')[2].partition(b'"')[0]
    assert b"Request sent" in page.press(b"time", token)
    assert b"No new request sent" in page.press(b"time", token)
    assert b"Request sent" in page.press(b"tonight")
    assert page.asked == [(7, "time"), (7, "tonight")]


def test_a_word_is_the_device_s_own(page: Page) -> None:
    token = page.get().partition(b'name="ask" value="')[2].partition(b'"')[0]
    page.stay = Stay(8, "off", "", "")
    assert b"No new request sent" in page.press(b"time", token)
    assert b"No new request sent" in page.press(b"time", b"0" * 32)
    assert page.asked == []


def test_a_head_request_and_byte_by_byte(page: Page) -> None:
    assert page.get(CHECK.replace(b"GET", b"HEAD")).endswith(b"\r\n\r\n")
    with page.connect() as sock:
        for byte in CHECK:
            sock.send(bytes([byte]))
        assert read(sock).startswith(b"HTTP/1.1 511 ")


@pytest.mark.parametrize(
    "request_bytes",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/1.1\r\n\r\n", b"G" * 20000],
    ids=["tls", "no host", "endless"],
)
def test_what_is_no_request_is_reset(page: Page, request_bytes: bytes) -> None:
    with page.connect() as sock:
        try:
            sock.sendall(request_bytes)
        except OSError:
            return
        assert b"511" not in read(sock)
    assert page.get().startswith(b"HTTP/1.1 511 ")


def test_no_more_than_so_many_a_second(page: Page) -> None:
    began = time.monotonic()
    answered = [page.get().startswith(b"HTTP/1.1 511") for _ in range(3 * A_SECOND_MAX)]
    seconds = int(time.monotonic() - began) + 2
    assert A_SECOND_MAX <= answered.count(True) <= seconds * A_SECOND_MAX
    end = time.monotonic() + 5
    while not page.get().startswith(b"HTTP/1.1 511"):
        assert time.monotonic() < end


def test_silent_guests_are_a_few(page: Page) -> None:
    silent = []
    for _ in range(OPEN_MAX + 20):
        with contextlib.suppress(ConnectionResetError):  # one too many a second, on a machine that stood still
            silent.append(page.connect())
        time.sleep(1.1 / A_SECOND_MAX)
    open_now = 0
    for sock in silent:
        sock.setblocking(False)
        try:
            sock.recv(1)
        except BlockingIOError:
            open_now += 1
        except OSError:
            pass
        sock.close()
    assert open_now <= OPEN_MAX


def test_closed_it_listens_no_more(page: Page) -> None:
    done = threading.Event()
    page.loop.after(0, lambda: (page.server.close(), done.set()))
    assert done.wait(5)
    with pytest.raises(ConnectionRefusedError):
        page.connect()
