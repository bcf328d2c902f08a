"""The report job against receivers that misbehave, and what each reply means for a report."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.core import envelope
from agent.core.summary import WEEK_S
from agent.jobs import report as job
from agent.jobs.upload import DONE, LATER, NEVER, UploadLimits, outcome_of, post
from tests.daemon.reporting import Operator, Straight, Weeks, configured, opt_in, seal_all
from tests.jobs.bad_server import Authority
from tests.promises.household import Home

ROOT = Path(__file__).resolve().parent.parent.parent
BODY = b"x" * envelope.BODY_BYTES
SHORT = UploadLimits(0.5, 1.5)

Act = Callable[[socket.socket], None]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


class Server:
    """A receiver on localhost that does one thing to each connection and keeps what it was sent."""

    def __init__(self, context: ssl.SSLContext | None, act: Act) -> None:
        self.got: list[bytes] = []
        self._context, self._act = context, act
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self) -> str:
        return f"https://localhost:{self.port}/in"

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._listener.accept()
                threading.Thread(target=self._one, args=(link,), daemon=True).start()

    def _one(self, link: socket.socket) -> None:
        link.settimeout(5)
        with contextlib.suppress(OSError), link:
            if self._context is None:
                self._act(link)
                return
            with self._context.wrap_socket(link, server_side=True) as secured:
                self._act(secured)

    def read(self, link: socket.socket) -> None:
        data = b""
        while len(data.partition(b"\r\n\r\n")[2]) < len(BODY) and (piece := link.recv(4096)):
            data += piece
        self.got.append(data)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def serve(authority: Authority) -> Iterator[Callable[..., Server]]:
    made: list[Server] = []
    good = authority.context("good")

    def make(act: Act | bytes, context: ssl.SSLContext | None = good) -> Server:
        def answer(link: socket.socket) -> None:
            server.read(link)
            if isinstance(act, bytes):
                link.sendall(act)
            else:
                act(link)

        server = Server(context, answer)
        made.append(server)
        return server

    yield make
    for server in made:
        server.close()


def sent(server: Server, authority: Authority, limits: UploadLimits = SHORT) -> tuple[str, str]:
    outcome = post(server.address, BODY, authority.file.read_text(), limits)
    return outcome.kind, outcome.message


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"HTTP/1.1 201 Created", DONE),
        (b"HTTP/1.0 200", DONE),
        (b"HTTP/1.1 409 Conflict", DONE),
        (b"HTTP/1.1 400 Bad Request", NEVER),
        (b"HTTP/1.1 404 Not Found", NEVER),
        (b"HTTP/1.1 413 Content Too Large", NEVER),
        (b"HTTP/1.1 408 Request Timeout", LATER),
        (b"HTTP/1.1 429 Too Many Requests", LATER),
        (b"HTTP/1.1 500 Oops", LATER),
        (b"HTTP/1.1 503 Busy", LATER),
        (b"HTTP/1.1 302 Found\r\nLocation: https://else.example/", LATER),
        (b"HTTP/1.1 100 Continue", LATER),
        (b"HTTP/1.1 2000 X", LATER),
        (b"HTTP/2 200", LATER),
        (b"SSH-2.0-x", LATER),
        (b"", LATER),
        (b"\xff\xfe\x00", LATER),
    ],
)
def test_what_a_reply_means(reply: bytes, kind: str) -> None:
    assert outcome_of(reply + b"\r\n\r\n").kind == kind


def test_a_report_arrives_as_it_is(serve: Callable[..., Server], authority: Authority) -> None:
    server = serve(b"HTTP/1.1 201 Created\r\n\r\n")
    assert sent(server, authority) == (DONE, "")
    head, _, body = server.got[0].partition(b"\r\n\r\n")
    assert body == BODY
    assert head.split(b"\r\n") == [
        b"POST /in HTTP/1.1",
        b"Host: localhost:%d" % server.port,
        b"User-Agent: privacy-agent",
        b"Content-Type: application/octet-stream",
        b"Content-Length: %d" % envelope.BODY_BYTES,
        b"Connection: close",
    ]


def drip(link: socket.socket) -> None:
    while True:
        link.sendall(b"H")
        time.sleep(0.05)


def flood(link: socket.socket) -> None:
    while True:
        link.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000)


def reset(link: socket.socket) -> None:
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def interim(link: socket.socket) -> None:
    while True:
        link.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 50)


CREATED = b"HTTP/1.1 201 Created\r\n\r\n"
# What a receiver does after it got the report → what becomes of it.
MISBEHAVIOUR: list[tuple[Act | bytes, str]] = [
    (lambda link: time.sleep(4), LATER),
    (lambda link: None, LATER),
    (reset, LATER),
    (drip, LATER),
    (interim, LATER),
    (flood, DONE),  # much of a reply is not read, but its first line counts
    (b"nonsense", LATER),
    (b"\x00" * 20_000, LATER),
    (b"HTTP/1.1 307 X\r\nLocation: https://else.example/\r\n\r\n", LATER),
    (b"HTTP/1.1 201", DONE),  # cut off within its first lines: it has the report
    (b"HTTP/1.1 20", LATER),
    (b"HTTP/1.1 100 Continue\r\n\r\n" + CREATED, DONE),
    (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + CREATED, DONE),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 410 Gone\r\n\r\n", NEVER),
    (b"HTTP/1.1 100 Continue\r\n\r\n", LATER),
    (CREATED + b"HTTP/1.1 400 Bad Request\r\n\r\n", DONE),
]


@pytest.mark.parametrize(("act", "kind"), MISBEHAVIOUR)
def test_a_receiver_that_misbehaves_costs_a_try_and_no_more(
    serve: Callable[..., Server], authority: Authority, act: Act | bytes, kind: str
) -> None:
    began = time.monotonic()
    assert sent(serve(act), authority)[0] == kind
    assert time.monotonic() - began < 3


def test_a_receiver_that_hangs_up_or_talks_nonsense_before_tls(authority: Authority) -> None:
    for act in (lambda link: None, reset, lambda link: link.sendall(os.urandom(500)), lambda link: time.sleep(4)):
        server = Server(None, act)
        assert sent(server, authority)[0] == LATER
        server.close()


def test_nothing_is_sent_to_whom_the_certificate_does_not_name(
    serve: Callable[..., Server], authority: Authority
) -> None:
    for context in (
        authority.context("other"),
        authority.context("expired", "-1"),
        authority.context("own", signed=False),
    ):
        server = serve(b"HTTP/1.1 201 Created\r\n\r\n", context)
        kind, message = sent(server, authority)
        assert kind == LATER and "certificate" in message
        assert server.got == []
    plain = serve(b"HTTP/1.1 201 Created\r\n\r\n", None)
    assert sent(plain, authority)[0] == LATER
    assert b"xxxx" not in b"".join(plain.got)


def test_a_pinned_root_replaces_the_systems(serve: Callable[..., Server], tmp_path: Path, authority: Authority) -> None:
    (tmp_path / "else").mkdir()
    server = serve(b"HTTP/1.1 201 Created\r\n\r\n")
    assert post(server.address, BODY, "", SHORT).kind == LATER
    assert post(server.address, BODY, Authority(tmp_path / "else").file.read_text(), SHORT).kind == LATER
    assert sent(server, authority)[0] == DONE
    assert post(server.address, BODY, "-----BEGIN CERTIFICATE-----\nx", SHORT).kind == LATER


@pytest.mark.parametrize(
    ("extensions", "remedy"),
    [
        ("", "keyUsage=critical,keyCertSign"),
        ("basicConstraints=CA:TRUE|keyUsage=critical,keyCertSign", "basicConstraints=critical,CA:TRUE"),
    ],
)
def test_a_root_that_newer_pythons_refuse_is_refused_by_all_with_what_to_do(
    serve: Callable[..., Server], tmp_path: Path, extensions: str, remedy: str
) -> None:
    made = Authority(tmp_path, extensions.split("|") if extensions else [])
    server = serve(b"HTTP/1.1 201 Created\r\n\r\n", made.context("good"))
    kind, message = sent(server, made)
    assert kind == LATER and remedy in message and "ask the operator" in message, message
    assert server.got == []


def test_a_certificate_that_does_not_say_who_signed_it(serve: Callable[..., Server], authority: Authority) -> None:
    server = serve(b"HTTP/1.1 201 Created\r\n\r\n", authority.context("anonymous", issuer=False))
    kind, message = sent(server, authority)
    assert kind == LATER and "authorityKeyIdentifier=keyid" in message and server.got == []


def test_a_root_that_does_not_say_what_its_key_is_for_is_refused_when_it_is_named(home: Home, tmp_path: Path) -> None:
    from agent.core.model import BadInput

    pem = Authority(tmp_path, []).file.read_text()
    for authority in (pem, pem.replace("\n", "\r\n"), "text before\n" + pem):
        with pytest.raises(BadInput, match="keyUsage=critical,keyCertSign,cRLSign"):
            home.ask("statistics.operator_set", operator=Operator("https://localhost/", authority).row)
    with pytest.raises(BadInput, match="PEM"):
        home.ask(
            "statistics.operator_set", operator=Operator("https://localhost/", "-----BEGIN CERTIFICATE-----\nx").row
        )


def test_addresses_that_lead_nowhere(authority: Authority) -> None:
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    assert post(f"https://localhost:{port}/", BODY, "", SHORT).kind == LATER
    assert post("http://localhost/", BODY, "", SHORT).kind == NEVER
    assert post("https://[::1/", BODY, "", SHORT).kind == NEVER
    assert post("https://" + "a" * 70 + ".invalid/", BODY, "", SHORT).kind == LATER


def test_pauses_grow_and_have_an_end() -> None:
    lows = [job.pause_s(failures, 0) for failures in range(8)]
    assert lows[:5] == [3600, 7200, 14400, 28800, 57600]
    assert lows[5:] == [86400] * 3
    assert job.pause_s(100, 65535) < 1.5 * 86400


# with the household's side


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(str(tmp_path))
    made.start()
    yield made
    made.crash()


def test_the_job_seals_then_sends_in_its_time(home: Home, serve: Callable[..., Server], authority: Authority) -> None:
    server = serve(b"HTTP/1.1 201 Created\r\n\r\n")
    operator = Operator(server.address, authority.file.read_text())
    configured(home, operator)
    weeks = Weeks(home.household)
    opt_in(home)
    client = Straight(home)
    for number in range(3):
        weeks.on(WEEK_S + 86400)
        home.household.reports.tick()
        job.run(client)
        assert len(server.got) == number, "it is sent at a time of its own"
        weeks.to_send()
        job.run(client)
        body = server.got[-1].partition(b"\r\n\r\n")[2]
        assert operator.open(body).period
    assert {len(one) for one in server.got} == {len(server.got[0])}


def test_weeks_offline_lose_nothing_that_the_queue_holds(home: Home, authority: Authority) -> None:
    operator = Operator("https://localhost:1/", authority.file.read_text())
    configured(home, operator)
    weeks = Weeks(home.household)
    opt_in(home)
    for _ in range(6):
        weeks.on(WEEK_S + 86400)
        home.household.reports.tick()
        job.run(Straight(home))
        for _ in range(5):
            weeks.to_send()
            job.run(Straight(home))
    rows = home.ask("statistics.list")["items"]
    assert [row["state"] for row in rows] == ["sealed"] * 6
    assert max(row["failures"] for row in rows) >= 5
    assert "connection failed" in rows[0]["message"]


def test_a_withdrawn_report_is_not_sent_by_a_job_that_began_before(home: Home) -> None:
    configured(home, Operator())
    weeks = Weeks(home.household)
    opt_in(home)
    weeks.on(WEEK_S + 86400)
    home.household.reports.tick()
    seal_all(home)
    weeks.to_send()

    class Late(Straight):
        def call(self, op: str, **arguments: object) -> dict:
            if op == "report.body":
                home.ask("statistics.opt_out")
            return super().call(op, **arguments)

    from agent.core.model import BadInput

    with pytest.raises(BadInput):
        job.run(Late(home))


def test_a_job_dies_with_its_parent() -> None:
    child = "from agent.platform.pdeathsig import die_with_parent as tie; import time; tie(); print('here', flush=True)"
    child += "; time.sleep(30)"
    parent = f"import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', {child!r}])"
    parent += "; print(p.pid, flush=True); time.sleep(30)"
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    assert process.stdout.readline() == "here\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    end = time.monotonic() + 5
    while alive(pid):
        assert time.monotonic() < end
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (OSError, ValueError):
        return False
