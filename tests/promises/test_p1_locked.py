"""Another program holds a lock on the files: off is off at once, the loop goes on, acknowledged when it is durable."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.promises.test_p1_storage import Router, until

FILES = {"state": "state/state.db", "history": "run/history.db"}


@pytest.fixture
def router(tmp_path: Path) -> Iterator[Router]:
    made = Router(tmp_path)
    yield made
    made.stop()


@contextlib.contextmanager
def held(path: Path, how: str) -> Iterator[None]:
    """A pager in sqlite3: a SELECT that is not read to its end; or a transaction of its own."""
    sql = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    if how == "read":
        cursor = sql.execute("SELECT * FROM sqlite_master")
        cursor.fetchone()
    else:
        sql.execute("BEGIN IMMEDIATE" if how == "reserved" else "BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        sql.close()


@pytest.mark.parametrize("how", ["read", "reserved", "exclusive"])
@pytest.mark.parametrize("name", FILES)
def test_off_while_it_is_held(router: Router, tmp_path: Path, name: str, how: str) -> None:
    with held(tmp_path / FILES[name], how):
        refused: list[object] = []
        asking = threading.Thread(target=lambda: refused.append(router.off()))
        asking.start()
        answered = 0
        while asking.is_alive():
            began = time.monotonic()
            assert router.answered(f"n{answered}.example")
            assert time.monotonic() - began < 1.4, "the loop waits for the lock"
            answered += 1
        asking.join()
        assert answered > 0 and router.running.daemon_pid() == router.pid
        if name == "state":
            assert "It is off now" in str(refused[0]) and "in use by another program" in str(refused[0])
    other = router.running.client()
    until(lambda: not router.is_on(other))
    until(lambda: other.call("status")["storage"]["state"] == "ok" or name == "history")  # type: ignore[index]
    other.close()
    assert router.running.daemon_pid() == router.pid
    router.stop()
    router.start()
    assert not router.is_on()


def test_held_for_a_moment_it_is_acknowledged(router: Router, tmp_path: Path) -> None:
    lock = held(tmp_path / FILES["state"], "read")
    lock.__enter__()
    threading.Timer(0.7, lambda: lock.__exit__(None, None, None)).start()
    assert router.off() is None
    assert not router.is_on()
