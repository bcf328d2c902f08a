"""The guard with daemons that finish, crash, hang, are killed, or don't want to stop. No root, no netlink."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.namespaces import missing

ROOT = Path(__file__).resolve().parent.parent.parent
FAREWELL = [b"delete the table", b"end the flows"]
PID_NAMESPACE = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]


class Guarded:
    def __init__(self, *arguments: str, prefix: list[str]) -> None:
        self.witness, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.witness.setblocking(False)
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "tests.daemon.guarded", str(theirs.fileno()), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            pass_fds=(theirs.fileno(),),
            # A group of its own, so that nothing outlives the test, not even a daemon that is stopped.
            start_new_session=True,
        )
        theirs.close()

    def line(self, within_s: float = 10.0) -> str:
        assert self.process.stdout is not None and self.process.stderr is not None
        assert select.select([self.process.stdout], [], [], within_s)[0], f"nothing said within {within_s} s"
        data = b""
        while not data.endswith(b"\n"):
            read = os.read(self.process.stdout.fileno(), 1)
            assert read, f"ended after {data!r}: {self.process.stderr.read().decode()}"
            data += read
        return data.decode().strip()

    def born(self, within_s: float = 10.0) -> tuple[int, float]:
        """The pid of a daemon that starts now, and when it did."""
        pid, at = self.line(within_s).split()
        return int(pid), float(at)

    def sent(self) -> list[bytes]:
        found = []
        while True:
            try:
                found.append(self.witness.recv(4096))
            except BlockingIOError:
                return found

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()
        self.witness.close()


@pytest.fixture
def guarded() -> Iterator[Callable[..., Guarded]]:
    made: list[Guarded] = []

    def make(*arguments: str, prefix: list[str] | None = None) -> Guarded:
        made.append(Guarded(*arguments, prefix=prefix or []))
        return made[-1]

    yield make
    for each in made:
        each.close()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_daemon_that_finishes_is_not_started_again(guarded: Callable[..., Guarded]) -> None:
    guard = guarded("finish")
    guard.born()
    assert guard.process.wait(10) == 0
    assert set(guard.sent()) == set(FAREWELL)


def test_bad_settings_are_not_tried_again(guarded: Callable[..., Guarded]) -> None:
    assert guarded("misconfigured").process.wait(10) == 78


def test_the_first_restart_is_at_once_and_later_ones_are_not(guarded: Callable[..., Guarded]) -> None:
    guard = guarded("crash")
    births = [guard.born()[1] for _ in range(4)]
    waits = [later - earlier for earlier, later in zip(births, births[1:], strict=False)]
    assert waits[0] < 0.7
    assert 1.0 < waits[1] < 2.0
    assert 2.0 < waits[2] < 3.5


def test_a_killed_daemon_is_cleaned_up_after_at_once(guarded: Callable[..., Guarded]) -> None:
    guard = guarded("live")
    pid, _ = guard.born()
    assert guard.line() == "ready"
    assert guard.sent() == []
    os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()
    assert select.select([guard.witness], [], [], 1)[0]
    assert time.monotonic() - killed < 0.1
    second, _ = guard.born(1.0)
    assert guard.sent()[:2] == FAREWELL
    assert second != pid and gone(pid)


@pytest.mark.parametrize("how", ["loop", "stopped"])
def test_a_silent_daemon_is_replaced_within_two_seconds(guarded: Callable[..., Guarded], how: str) -> None:
    guard = guarded("hang" if how == "loop" else "live")
    pid, _ = guard.born()
    word = guard.line()
    silent = time.monotonic()
    if how == "stopped":
        os.kill(pid, signal.SIGSTOP)
    else:
        assert word.startswith("silent")
    assert select.select([guard.witness], [], [], 3)[0]
    assert 1.0 < time.monotonic() - silent < 2.0
    guard.born(1.0)
    assert gone(pid)


def test_who_waits_for_the_disk_is_no_hung_daemon(guarded: Callable[..., Guarded]) -> None:
    """The router is a plain one meanwhile."""
    guard = guarded("wait_for_disk")
    pid, _ = guard.born()
    assert guard.line() == "ready"
    began = float(guard.line().split()[1])
    assert select.select([guard.witness], [], [], 3)[0]
    assert time.monotonic() - began < 2.0
    assert guard.line() == "waited"
    assert guard.sent() == FAREWELL and not gone(pid)
    os.kill(pid, signal.SIGSTOP)  # from its next beat on it has no more time than any other
    assert guard.born(3.0)[0] != pid


def test_a_wait_for_the_disk_has_an_end(guarded: Callable[..., Guarded]) -> None:
    guard = guarded("wait_for_ever")
    pid, _ = guard.born()
    assert [guard.line().split()[0] for _ in range(2)] == ["ready", "waits"]
    assert guard.born(8.0)[0] != pid and gone(pid)


def test_without_the_guard_the_daemon_ends(guarded: Callable[..., Guarded]) -> None:
    guard = guarded("live")
    guard.born()
    assert guard.line() == "ready"
    guard.process.kill()
    assert guard.line(1.0) == "the guard is gone"


def test_a_stop_is_handed_on_and_final(guarded: Callable[..., Guarded]) -> None:
    guard = guarded("live")
    guard.born()
    assert guard.line() == "ready"
    guard.process.terminate()
    assert guard.process.wait(5) == 0
    assert set(guard.sent()) == set(FAREWELL)


def test_a_stop_before_the_daemon_is_ready_for_it(guarded: Callable[..., Guarded]) -> None:
    guard = guarded("dawdle")
    guard.born()
    guard.process.terminate()
    assert guard.process.wait(1) == 0


def test_a_stop_while_it_waits_to_start_again(guarded: Callable[..., Guarded]) -> None:
    guard = guarded("crash")
    for _ in range(2):
        guard.born()
    time.sleep(0.5)
    guard.process.terminate()
    assert guard.process.wait(0.4) == 0


def test_a_reload_is_handed_on(guarded: Callable[..., Guarded]) -> None:
    guard = guarded("live")
    guard.born()
    assert guard.line() == "ready"
    for _ in range(3):
        guard.process.send_signal(signal.SIGHUP)
        assert guard.line() == "reload"
    assert guard.process.poll() is None


def test_a_slow_stop_loses_the_rules_but_not_the_last_snapshot(guarded: Callable[..., Guarded]) -> None:
    guard = guarded("stop_slowly")
    guard.born()
    assert guard.line() == "ready"
    guard.process.terminate()
    time.sleep(1.8)
    assert guard.sent() == FAREWELL
    assert guard.line() == "saved"
    assert guard.process.wait(5) == 0


def test_a_daemon_that_does_not_stop_is_killed(guarded: Callable[..., Guarded]) -> None:
    guard = guarded("refuse_to_stop", "1")
    pid, _ = guard.born()
    assert guard.line() == "ready"
    guard.process.terminate()
    assert guard.process.wait(5) == 128 + signal.SIGKILL
    assert gone(pid)


@pytest.mark.skipif(missing("pid") != "", reason=missing("pid"))
class TestAsPidOne:
    def test_it_stops_and_hands_on(self, guarded: Callable[..., Guarded]) -> None:
        guard = guarded("live", prefix=PID_NAMESPACE)
        guard.born()
        assert guard.line() == "ready"
        os.kill(child_of(guard.process.pid), signal.SIGTERM)
        assert guard.process.wait(5) == 0

    def test_it_replaces_a_hung_daemon(self, guarded: Callable[..., Guarded]) -> None:
        guard = guarded("hang", prefix=PID_NAMESPACE)
        first, _ = guard.born()
        assert guard.line().startswith("silent")
        second, _ = guard.born(2.5)
        assert second != first

    def test_it_reaps_the_orphans_of_others(self, guarded: Callable[..., Guarded]) -> None:
        guard = guarded("orphan", prefix=PID_NAMESPACE)
        guard.born()
        assert guard.line() == "ready"
        one = child_of(guard.process.pid)
        assert len(children(one)) == 2, "the daemon and the orphan"
        time.sleep(0.5)
        assert len(children(one)) == 1
        os.kill(one, signal.SIGTERM)
        assert guard.process.wait(5) == 0


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def child_of(pid: int) -> int:
    return children(pid)[0]
