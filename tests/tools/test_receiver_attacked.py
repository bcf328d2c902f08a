"""The receiver as a process, over TLS, against senders that mean harm: it goes on, and keeps nothing of theirs."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core import summary
from agent.core.envelope import BODY_BYTES
from tests.jobs.bad_server import Authority
from tests.ports import free_port
from tests.tools import collecting
from tools.collector import keys
from tools.collector.receiver import (
    ADDRESSES_MAX,
    KEPT_MAX,
    PER_ADDRESS,
    PERIODS_AHEAD,
    PERIODS_BACK,
    Rates,
    Receiver,
    Store,
    network,
)

ROOT = Path(__file__).resolve().parent.parent.parent
PERIOD = summary.period_of(int(time.time()))
FACTS = summary.Facts({"phishing": 2}, 1, 0, "ready", "0.1.0")
# The process, with a window of which the end comes within the test, and little patience.
PROGRAM = """
import sys
sys.path.insert(0, {root!r})
from tools.collector import receiver
receiver.WINDOW_S, receiver.IDLE_S, receiver.PER_ADDRESS = 1.0, 1.5, {most}
receiver.Rates.__init__.__defaults__ = ({most},)
sys.exit(receiver.main())
"""


class Running:
    def __init__(self, folder: Path, most: int) -> None:
        authority = Authority(folder)
        authority.context("good")
        self.store = folder / "received"
        self.context = ssl.create_default_context(cafile=str(authority.file))
        self.port = free_port()
        words = ["--certificate", str(folder / "good.pem"), "--key", str(folder / "good.key"), "--port", str(self.port)]
        command = [sys.executable, "-c", PROGRAM.format(root=str(ROOT), most=most), str(self.store), *words]
        self.log = (folder / "log").open("w+b")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT)
        end = time.monotonic() + 15
        while not self.said():
            assert time.monotonic() < end and self.process.poll() is None
            time.sleep(0.02)

    def said(self) -> str:
        return Path(self.log.name).read_text()

    def link(self, secured: bool = True) -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", self.port), 10)
        return self.context.wrap_socket(plain, server_hostname="localhost") if secured else plain

    def post(self, body: bytes) -> int:
        link = http.client.HTTPSConnection("localhost", self.port, context=self.context, timeout=10)
        link.request("POST", "/", body)
        try:
            return link.getresponse().status
        finally:
            link.close()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(10)
        self.log.close()


@pytest.fixture
def running(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Running]:
    made = Running(tmp_path, getattr(request, "param", 10_000))
    yield made
    made.stop()


def line() -> bytes:
    return collecting.report(keys.add([], PERIOD, 4)[1], PERIOD, FACTS)


def hostile(body: bytes) -> list[bytes]:
    """Whole requests, each wrong in another way."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: "
    size = b"%d" % BODY_BYTES
    return [
        head + "²⁰⁴⁸".encode() + b"\r\n\r\n",
        head + b"\xb2\r\n\r\n",
        head + b"9" * 3000 + b"\r\n\r\n",
        head + size + b"\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        head + size + b"\r\n\r\n" + b"[" * BODY_BYTES,
        head + size + b"\r\n\r\n" + b'{"format":' * 204 + b"        ",
        head + size + b"\r\n\r\n" + b"\x00" * BODY_BYTES,
        head + size + b"\r\n\r\n" + re.sub(rb'"id":"(..)', b'"id":"..', body),
        head + size + b"\r\n\r\n" + re.sub(rb'"id":"..', b'"id":"  ', body),
        head + size + b"\r\n\r\n" + body.replace(b'"period":', b'"period":"../../x","period":')[:BODY_BYTES],
        head + size + b"\r\n\r\n" + re.sub(rb'"period":\d+', b'"period":%d' % (PERIOD + 100), body),
        b"\r\n\r\n",
        b"GET /../../etc/passwd HTTP/1.1\r\n\r\n",
        os.urandom(5000),
    ]


def test_it_answers_or_hangs_up_and_goes_on(running: Running, tmp_path: Path) -> None:
    good = line()
    for request in hostile(good):
        with running.link() as link, contextlib.suppress(OSError):
            link.sendall(request)
            answer = link.recv(100)
            assert not answer or re.match(rb"HTTP/1\.1 (400|404|405|413) ", answer), (request[:80], answer)
    with running.link(secured=False) as plain, contextlib.suppress(OSError):
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        plain.recv(100)
    with running.link(secured=False) as plain:
        plain.sendall(os.urandom(600))
    assert running.post(good) == 201
    assert [path.name for path in running.store.iterdir()] == [f"{PERIOD}.jsonl"]
    assert (running.store / f"{PERIOD}.jsonl").stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.iterdir() if path.suffix == ".jsonl"} == set()


def test_senders_that_never_finish_keep_nobody_out_for_long(running: Running) -> None:
    slow = [running.link() for _ in range(60)] + [running.link(secured=False) for _ in range(60)]
    for link in slow:
        with contextlib.suppress(OSError):
            link.sendall(b"P")
    assert running.post(line()) == 201
    end = time.monotonic() + 6
    while time.monotonic() < end:
        for link in slow:
            with contextlib.suppress(OSError):
                link.sendall(b"O")
        time.sleep(0.2)
        if "cut off: 60" in running.said():
            break
    assert "cut off: 60" in running.said(), "drip by drip a connection was kept open"
    for link in slow:
        link.close()
    assert running.post(line()) == 201


@pytest.mark.parametrize("running", [5], indirect=True)
def test_a_flood_is_answered_with_429_and_ends(running: Running) -> None:
    statuses = [running.post(line()) for _ in range(12)]
    assert 429 in statuses and statuses.count(201) >= 5
    time.sleep(1.1)
    assert running.post(line()) == 201


def test_its_log_names_nobody(running: Running) -> None:
    test_it_answers_or_hangs_up_and_goes_on(running, running.store.parent)
    time.sleep(1.3)
    said = running.said()
    assert "201: 1" in said
    assert "127.0.0.1" not in said and "localhost" not in said and "Traceback" not in said
    assert all(re.fullmatch(r"ready|nothing|((cut off|\d{3}): \d+(, )?)+", one) for one in said.splitlines()), said


def test_no_ticket_by_which_a_household_would_be_known_again(running: Running) -> None:
    with running.link() as link:
        link.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert link.recv(100)
        assert not link.session.has_ticket and not link.session_reused


def test_of_ipv6_the_network_counts() -> None:
    rates = Rates(3)
    assert [rates.allows(f"2001:db8::{n}", 1.0) for n in range(4)] == [True, True, True, False]
    assert rates.allows("2001:db8:0:1::1", 1.0)
    assert network("::ffff:192.0.2.1") == network("192.0.2.1")
    assert network("fe80::1%eth0") == network("fe80::2")


def test_addresses_without_end_fill_no_memory() -> None:
    rates = Rates(PER_ADDRESS)
    allowed = [rates.allows(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", 1.0) for n in range(ADDRESSES_MAX + 10)]
    assert allowed.count(False) == 10
    assert rates.allows("10.0.0.0", 2.0), "who was there before is served on"


def test_all_periods_together_hold_no_more_than_they_may(tmp_path: Path) -> None:
    public = keys.add([], PERIOD, 4)[1]
    taken = range(PERIOD - PERIODS_BACK, PERIOD + PERIODS_AHEAD + 1)
    lines = [collecting.report(public, period, FACTS) for period in taken for _ in range(2)]
    receiver = Receiver(Store(tmp_path, 17))
    assert [receiver.take(one) for one in lines] == [201] * 17 + [503] * (len(lines) - 17)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 17 * BODY_BYTES
    assert receiver.take(lines[0]) == 409, "what is there is known all the same"
    assert Receiver(Store(tmp_path, 17)).take(lines[-1]) == 503, "also after a restart"
    (tmp_path / f"{taken[0]}.jsonl").unlink()
    assert receiver.take(lines[-1]) == 201, "what was counted and taken away makes room"


def test_the_manual_says_what_is_kept_at_most() -> None:
    text = (ROOT / "tools" / "collector" / "README.md").read_text()
    assert f"{KEPT_MAX:,} reports" in text and f"{KEPT_MAX * BODY_BYTES / 1e9:.0f} GB" in text
