"""One unexpected exception is one thing's: the daemon goes on, counts it, and says where without what it was about."""

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core import digits
from agent.daemon import loop as loops
from agent.daemon import peers
from agent.daemon.control import ControlServer
from agent.daemon.faults import STRICT, Faults
from agent.daemon.loop import Loop
from agent.daemon.operations import TABLE
from tests.promises.household import Home


class Bug(Exception):
    """What nobody expected."""


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    monkeypatch.delenv(STRICT)
    return Faults()


@pytest.fixture
def loop(faults: Faults) -> Loop:
    return Loop(faults=faults)


def fail(*_: object) -> None:
    raise Bug("example.com")


def turn_until(loop: Loop, met: object, limit_s: float = 10.0) -> None:
    """Turns until `met()`."""
    end = loop.clock() + limit_s
    while not met() and loop.clock() < end:  # type: ignore[operator]
        loop.after(0.01, loop.stop)
        loop.run()
    assert met()  # type: ignore[operator]


def test_a_timer_that_fails_comes_again_and_others_are_not_late(loop: Loop) -> None:
    ticks: list[str] = []

    def tick() -> None:
        ticks.append("bad")
        raise Bug

    loop.every(0.001, tick)
    loop.every(0.001, lambda: ticks.append("good"))
    turn_until(loop, lambda: ticks.count("bad") > 3 and ticks.count("good") > 3)
    assert loop.faults.total == ticks.count("bad")


def test_a_task_that_fails_is_over_and_the_others_go_on(loop: Loop) -> None:
    ended: list[str] = []

    def steps(name: str, bad: bool):  # type: ignore[no-untyped-def]
        try:
            yield
            if bad:
                raise Bug
            yield
        finally:
            ended.append(name)

    loop.task(steps("bad", True))
    loop.task(steps("good", False))
    turn_until(loop, lambda: len(ended) == 2)
    assert loop.faults.total == 1


def test_a_descriptor_whose_reader_fails_does_not_spin_and_is_read_again(loop: Loop) -> None:
    ours, theirs = socket.socketpair()
    got: list[bytes] = []
    calls = [0]

    def read() -> None:
        calls[0] += 1
        if calls[0] < 4:
            raise Bug
        got.append(ours.recv(10))

    loop.add(ours, read)
    theirs.send(b"x")
    started = loop.clock()
    turn_until(loop, lambda: bool(got))
    assert got == [b"x"] and calls[0] == 4 and loop.clock() - started >= 2 * loops.REST_S
    # Hung up and failing, it wakes nobody; removed and its number used again, it is another's.
    calls[0] = -1000
    theirs.close()
    turn_until(loop, lambda: calls[0] > -1000)
    loop.remove(ours)
    ours.close()
    again, other = socket.socketpair()
    loop.add(again, lambda: got.append(again.recv(10)))
    other.send(b"y")
    turn_until(loop, lambda: got[-1] == b"y")
    again.close()
    other.close()


def test_it_is_logged_by_type_and_place_and_ever_more_rarely(
    faults: Faults, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(1000):
        try:
            digits.is_digits(b"example.com")  # type: ignore[arg-type]
        except TypeError as error:
            faults.met(error)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10 and faults.total == 1000
    assert "TypeError at agent/core/digits.py:" in lines[0] and "example" not in "".join(lines)
    assert faults.state() == {"total": 1000, "last": faults.last} and "example" not in faults.last


def test_tests_and_want_of_memory_end_the_process(faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MemoryError):
        faults.met(MemoryError())
    with pytest.raises(OSError):
        Faults("", (OSError,)).met(OSError())
    monkeypatch.setenv(STRICT, "1")
    with pytest.raises(Bug):
        Faults().met(Bug())


@pytest.fixture
def asked(loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Our end of a connection to a control socket whose operation `history` fails, and `audit` after a step."""

    def late(*_: object):  # type: ignore[no-untyped-def]
        yield None
        raise Bug("example.com")

    monkeypatch.setitem(TABLE, "history", fail)
    monkeypatch.setitem(TABLE, "audit", late)
    home = Home(str(tmp_path))
    household = home.start()
    home.edges.faults = loop.faults.state
    control = ControlServer(loop, household, os.path.join(home.run_dir, "control.sock"))
    ours, theirs = socket.socketpair()
    control.adopt(theirs, lambda: None)
    ours.setblocking(False)
    yield ours
    ours.close()
    control.close()
    home.crash()


def replies(loop: Loop, asked: socket.socket, count: int) -> list[dict]:
    got = b""

    def whole() -> bool:
        nonlocal got
        with contextlib.suppress(BlockingIOError):
            got += asked.recv(1 << 20)
        return got.count(b"\n") >= count

    turn_until(loop, whole)
    return [json.loads(line) for line in got.splitlines()]


def test_an_operation_that_fails_is_answered_and_the_next_one_too(loop: Loop, asked: socket.socket) -> None:
    asked.send(b'{"op":"history","tag":1}\n{"op":"audit","tag":2}\n{"op":"history"}\n{"op":"audit"}\n{"op":"status"}\n')
    answers = replies(loop, asked, 5)
    assert [answer.get("error", {}).get("code") for answer in answers].count("internal") == 4
    assert "example" not in json.dumps(answers[:4])
    status = next(answer["ok"] for answer in answers if "ok" in answer)
    assert status["faults"]["total"] == 4 and status["faults"]["last"].startswith("Bug at agent/daemon/control.py:")


def test_what_fails_is_told_in_the_clients_words(loop: Loop, asked: socket.socket) -> None:
    asked.send(b'{"op":"history"}\n')
    (answer,) = replies(loop, asked, 1)
    assert "log" in answer["error"]["message"]


def test_order_is_kept_on_a_connection(loop: Loop, asked: socket.socket) -> None:
    """An `off` and an `on` in one go end with what came last, tagged or not."""
    add = {"op": "device.add", "label": "Tablet", "address": "192.168.1.7"}
    asked.send(json.dumps(add).encode() + b"\n")
    (added,) = replies(loop, asked, 1)
    device = {"device_id": added["ok"]["id"], "feature": "protection"}
    for tags in ({}, {"tag": 1}):
        for ops in (("on", "off"), ("on", "off", "on", "off", "on")):
            lines = [json.dumps({"op": op, **device, "agree": 1, **tags}) + "\n" for op in ops]
            asked.send("".join(lines).encode())
            answers = replies(loop, asked, len(ops))
            assert all("ok" in answer for answer in answers), answers
            asked.send(b'{"op":"device.list"}\n')
            (listed,) = replies(loop, asked, 1)
            assert listed["ok"]["items"][0]["features"]["protection"]["on"] is (ops[-1] == "on")
            if ops[-1] == "on":
                asked.send(json.dumps({"op": "off", **device}).encode() + b"\n")
                replies(loop, asked, 1)


def test_four_thousand_lines_in_one_read_do_not_hold_the_loop(loop: Loop, asked: socket.socket) -> None:
    """Beats go on in between: without, the guard would take the daemon for hung."""
    turns: list[float] = []

    def beat() -> None:
        turns.append(time.monotonic())
        loop.after(0, beat)

    loop.after(0, beat)
    line = b'{"op":"status"}\n'
    waiting = line * 4096
    answered = 0
    end = time.monotonic() + 60
    while answered < 4096 and time.monotonic() < end:
        with contextlib.suppress(BlockingIOError):
            waiting = waiting[asked.send(waiting) :] if waiting else b""
        loop.after(0.001, loop.stop)
        loop.run()
        with contextlib.suppress(BlockingIOError):
            answered += asked.recv(1 << 20).count(b"\n")
    assert answered == 4096
    gaps = sorted(after - before for before, after in zip(turns, turns[1:], strict=False))
    # Half of them, for the machine may be busy with something else.
    assert len(turns) > 4 and gaps[len(gaps) // 2] < 10 * peers.TURN_S, gaps[-5:]
