"""Two reports of one household can't be told from two households' reports: not by a field, a size, a header, what TLS
shows or when they come, and by what they say no better than epsilon allows."""

import contextlib
import math
import random
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core import envelope, summary
from agent.core.summary import Facts
from agent.daemon.pace import Pace
from agent.daemon.runtime.report_job import ReportJob
from tests.daemon.reporting import WEEK_S, Operator, Weeks, configured, opt_in, seal_all
from tests.jobs.bad_server import Authority
from tests.promises.household import Home
from tests.promises.test_p4_reports import indistinguishable

EPSILON = 500
TICK_S = Pace.report_tick_s
ROOT = Path(__file__).resolve().parent.parent.parent


def reports(folder: Path, operator: Operator, count: int) -> list[bytes]:
    """A household's sealed reports; the wall clock is put back between two, so that they are of one period."""
    home = Home(str(folder))
    home.start()
    configured(home, operator)
    weeks = Weeks(home.household)
    opt_in(home)
    for _ in range(count):
        weeks.on(9 * 86400)
        weeks.jump_s = -weeks.add_s
        home.household.reports.tick()
        seal_all(home)
    bodies = [str(home.household.reports.outbox.row(n + 1)["body"]).encode() for n in range(count)]
    home.crash()
    return bodies


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Operator, list[bytes], list[bytes]]:
    operator = Operator()
    return operator, *[reports(tmp_path_factory.mktemp("home"), operator, 4) for _ in range(2)]


def test_outside_the_seal(both: tuple[Operator, list[bytes], list[bytes]]) -> None:
    _, one, other = both
    indistinguishable([*one, *other])
    assert len({envelope.parse(line).period for line in [*one, *other]}) == 1


def test_inside_the_seal(both: tuple[Operator, list[bytes], list[bytes]]) -> None:
    """Also the operator, who opens them, finds nothing that one household's reports share and another's lack."""
    operator, one, other = both
    opened = [[operator.open(line) for line in lines] for lines in (one, other)]
    plain = [summary.render(bytes.fromhex(r.id), r.period, r.answer) for r in opened[0] + opened[1]]
    assert len({len(summary.pad(text)) for text in plain}) == 1
    ids = [r.id for household in opened for r in household]
    assert len(set(ids)) == len(ids)
    assert {tuple(vars_of(r)) for household in opened for r in household} == {("id", "period", "answer")}


def vars_of(report: summary.DecodedReport) -> tuple[str, ...]:
    return report.__slots__


def test_what_they_say_links_no_better_than_epsilon_allows() -> None:
    """The best guesser knows both households' truth. Its chance is at most e^epsilon / (1 + e^epsilon) = 62 %."""
    chance = random.Random(11)
    one = Facts({"phishing": 9, "malware": 9, "fraud": 9, "x": 9}, 9, 9, "ready", "0.1.0")
    other = Facts({}, 0, 0, "none", "2.0")
    truth, rounds, right = [summary.answers(one), summary.answers(other)], 1500, 0
    for _ in range(rounds):
        secret = chance.randrange(2)
        said = summary.noised(truth[secret], EPSILON, chance.randbytes)
        place = next(at for at, row in enumerate(summary.TABLE) if row.name == said.field)
        # Of a count the nearer one is likelier, of a range the one that is said.
        losses = [abs(said.number - answers[place]) for answers in truth]
        if summary.TABLE[place].kind == summary.RANGE:
            losses = [float(loss != 0) for loss in losses]
        right += (losses[1] < losses[0]) == bool(secret)
    limit = math.exp(EPSILON / 1000) / (1 + math.exp(EPSILON / 1000))
    assert right / rounds < limit + 4 * math.sqrt(0.25 / rounds), right / rounds


# on the wire


class Line:
    """Receives connections on localhost, one after the other; keeps what was said, before TLS and within."""

    def __init__(self, context: ssl.SSLContext, reply: bytes) -> None:
        self.hellos: list[bytes] = []
        self.requests: list[bytes] = []
        self.resumed: list[bool] = []
        self._context, self._reply = context, reply
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"https://localhost:{self._listener.getsockname()[1]}/in"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._one(self._listener.accept()[0])

    def _one(self, plain: socket.socket) -> None:
        plain.settimeout(5)
        with contextlib.suppress(OSError), plain:
            self.hellos.append(plain.recv(4096, socket.MSG_PEEK))
            with self._context.wrap_socket(plain, server_side=True) as link:
                self.resumed.append(bool(link.session_reused))
                request = b""
                while len(request.partition(b"\r\n\r\n")[2]) < envelope.BODY_BYTES and (piece := link.recv(4096)):
                    request += piece
                self.requests.append(request)
                link.sendall(self._reply)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


# A receiver that tries all it can to know a sender again.
CLINGY = (
    b'HTTP/1.1 201 Created\r\nSet-Cookie: household=7; Max-Age=99999999\r\nETag: "household-7"\r\n'
    b'Alt-Svc: h3=":443"\r\nStrict-Transport-Security: max-age=99999999\r\nLocation: /in/7\r\n'
    b"Connection: keep-alive\r\nContent-Length: 1\r\n\r\n7"
)
JOB = (
    "import sys; from agent.jobs.upload import post; body = sys.argv[3].encode() * 2048\n"
    "for _ in range(int(sys.argv[4])): assert post(sys.argv[1], body, open(sys.argv[2]).read()).kind == 'done'"
)


@pytest.fixture
def clingy(tmp_path: Path) -> Iterator[tuple[Line, Path]]:
    made = Authority(tmp_path)
    context = made.context("good")  # with tickets, as servers have them by default
    line = Line(context, CLINGY)
    yield line, made.file
    line.close()


def masked(hello: bytes) -> bytes:
    """A ClientHello without what is random in each: random, session id, key shares (RFC 8446, section 4.1.2)."""
    hello = hello[: 5 + int.from_bytes(hello[3:5], "big")]
    kept = hello[:11] + bytes(32) + hello[43:44] + bytes(hello[43])
    at = len(kept) + 2 + int.from_bytes(hello[len(kept) : len(kept) + 2], "big")
    at += 1 + hello[at] + 2
    kept += hello[len(kept) : at]
    while at < len(hello):
        end = at + 4 + int.from_bytes(hello[at + 2 : at + 4], "big")
        body = hello[at + 4 : end]
        kept += hello[at : at + 4] + (bytes(len(body)) if hello[at : at + 2] == b"\x00\x33" else body)
        at = end
    return kept


def test_on_the_wire_a_household_looks_like_any_other(clingy: tuple[Line, Path]) -> None:
    """Three households, one of which sends twice, each time in a process of its own, and once in one and the same."""
    line, authority = clingy
    for body, times in (("a", 1), ("a", 2), ("b", 1), ("c", 1)):
        command = [sys.executable, "-c", JOB, line.address, str(authority), body, str(times)]
        subprocess.run(command, check=True, cwd=ROOT, timeout=30)
    assert len(line.requests) == 5
    assert len({request.partition(b"\r\n\r\n")[0] for request in line.requests}) == 1
    assert len({masked(hello) for hello in line.hellos}) == 1
    assert line.resumed == [False] * 5
    randoms = [hello[11:43] + hello[44:76] for hello in line.hellos]
    assert len(set(randoms)) == 5
    assert b"household" not in b"".join(line.requests)


# in time


def unlikely(seen: int, draws: int, probability: float) -> bool:
    """Less than once in 10^7 by chance (Chernoff's bound)."""
    terms = ((seen / draws, probability), (1 - seen / draws, 1 - probability))
    return 2 * math.exp(-draws * sum(p * math.log(p / q) for p, q in terms if p > 0)) < 1e-7


def test_when_a_report_comes_does_not_tell_from_whom(tmp_path: Path) -> None:
    """The times of day of one household's reports are spread evenly, and one tells nothing of the next."""
    home = Home(str(tmp_path))
    home.start(report_epsilon_milli=10, report_budget_milli=100_000)
    configured(home, Operator())
    weeks, reports = Weeks(home.household), home.household.reports
    opt_in(home)
    made, sent = [], []
    for _ in range(250):
        weeks.on(reports.next_age() - home.household.clock.age())
        reports.tick()
        row = reports.outbox.rows(0, 1000)[-1]
        made.append(home.household.clock.age())
        sent.append(int(row["send_age"]))
        with home.household.state.db.transaction() as sql:
            reports.outbox.end(sql, row["id"], "sent", "", 0)
    home.crash()
    gaps = [b - a for a, b in zip(made, made[1:])]
    assert min(gaps) >= WEEK_S and max(gaps) <= WEEK_S + 86400 + 60
    for times in (sent, made):
        for part in range(4):
            assert not unlikely(sum(at % 86400 // 21600 == part for at in times), len(times), 1 / 4)
        near = sum(min((b - a) % 86400, (a - b) % 86400) < 7200 for a, b in zip(times, times[1:]))
        assert not unlikely(near, len(times) - 1, 1 / 6), "its time of day makes a household known again"
    soon = sum(b - a < 7200 for a, b in zip(made, sent))
    assert not unlikely(soon, len(sent), 1 / 12)


class Clock:
    """Stands in for the loop: notes when it is to call, and calls."""

    def __init__(self) -> None:
        self.now = 0.0
        self.wakes: list[float] = []
        self._next: list[tuple[float, object]] = []

    def after(self, seconds: float, call: object) -> None:
        self._next.append((self.now + seconds, call))

    def run(self, times: int) -> None:
        for _ in range(times):
            self.now, call = self._next.pop(0)
            self.wakes.append(self.now)
            call()  # type: ignore[operator]


def test_the_second_at_which_it_comes_does_not_tell_when_the_daemon_was_started(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    household, clock = home.start(), Clock()
    ReportJob(clock, household.settings, household, None, [], TICK_S).begin()  # type: ignore[arg-type]
    clock.run(600)
    home.crash()
    steps = [b - a for a, b in zip(clock.wakes, clock.wakes[1:])]
    assert min(steps) >= TICK_S / 2 and max(steps) <= 1.5 * TICK_S
    phases = [wake % TICK_S for wake in clock.wakes]
    for part in range(4):
        assert not unlikely(sum(phase // (TICK_S / 4) == part for phase in phases), len(phases), 1 / 4)
