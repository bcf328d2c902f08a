"""P1 and P3 on storage that fails: off is off at once, the daemon lives, DNS works, and what is not durable is said."""

import contextlib
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.client import ControlClient, ControlError, Unreachable
from tests.namespaces import missing
from tests.promises.flash import Flash, flash
from tests.promises.running import TABLET, Running, query

__all__ = ["flash"]
PATIENCE_S = 60.0


class Router:
    """A running household with a tablet whose history is on."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.settings = settings
        self.running = Running(folder, **settings)
        self.client = self.running.client()
        self.client.call("device.add", label="tablet", address=TABLET)
        self.client.call("on", device_id=1, feature="history", agree=1)
        self.pid = self.running.daemon_pid()

    def answered(self, name: str) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.bind((TABLET, 0))
            asker.connect(("127.0.0.1", self.running.port))
            asker.settimeout(5)
            asker.send(query(name, 1))
            return len(asker.recv(2048)) > 12

    def is_on(self, client: ControlClient | None = None) -> bool:
        row: Any = (client or self.client).call("device.list")["items"]
        return bool(row[0]["features"]["history"]["on"])

    def off(self) -> ControlError | None:
        try:
            self.client.call("off", device_id=1, feature="history")
        except ControlError as refusal:
            return refusal
        return None

    def stop(self) -> None:
        self.client.close()
        assert self.running.stop() == 0

    def start(self) -> None:
        self.running = Running(self.running.folder, **self.settings)
        self.client = self.running.client()

    def status(self) -> Any:
        return self.client.call("status")

    def sites(self) -> set[str]:
        return {str(row["site"]) for row in self.client.items("history", all=True)}


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def router(tmp_path: Path, flash: Flash) -> Iterator[Router]:
    made = Router(tmp_path)
    yield made
    made.stop()


def test_off_on_flash_that_turned_read_only(router: Router, flash: Flash) -> None:
    flash.remount("abort")
    refusal = router.off()
    assert refusal is not None and refusal.code == "storage"
    assert "off now" in str(refusal) and "read-only" in str(refusal) and "turn it off once more" in str(refusal)
    assert not router.is_on()
    assert router.answered("after.example") and router.running.daemon_pid() == router.pid
    assert "not saved" in router.status()["storage"]["message"]
    assert "after.example" not in router.sites()


def test_a_start_on_read_only_flash_has_nothing_on(router: Router, flash: Flash) -> None:
    flash.remount("abort")
    router.off()
    router.stop()
    router.start()
    status = router.status()
    assert not status["booted"] and "read-only" in status["health"] and "read-only" in status["storage"]["message"]
    assert not router.is_on() and router.answered("after.example") and router.sites() == set()
    for op, arguments in (
        ("on", {"device_id": 1, "feature": "protection", "agree": 1}),
        ("device.add", {"label": "b", "address": "127.0.0.3"}),
    ):
        with pytest.raises(ControlError) as refusal:
            router.client.call(op, **arguments)
        assert refusal.value.code == "storage"
    assert router.off() is not None


def test_an_off_that_was_not_saved_is_known_to_the_next_daemon(router: Router, flash: Flash) -> None:
    flash.remount("abort")
    router.off()
    router.stop()
    flash.repair()
    router.start()
    assert router.status()["booted"] and not router.is_on()
    router.client.call("on", device_id=1, feature="history", agree=1)
    assert router.is_on()


def test_flash_that_becomes_writable_ends_it(router: Router, flash: Flash) -> None:
    router.stop()
    flash.remount("ro")
    router.start()
    assert not router.is_on() and router.answered("before.example")
    router.client.close()
    flash.remount("rw")

    def works() -> bool:
        router.client.close()
        try:
            router.client = router.running.client()
            return router.is_on() and router.status()["booted"]
        except Unreachable:  # it is just starting again
            return False

    until(works)


def small(folder: Path, size: str) -> None:
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all the room there is, to the last byte."""
    ballast = folder / "ballast"
    with open(ballast, "ab", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    return ballast


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Callable[[str, str], Path]]:
    """Makes folders of the household lie on file systems of their own, of so many bytes."""
    if reason := missing("mount"):
        pytest.skip(reason)
    made = []

    def make(name: str, size: str) -> Path:
        small(tmp_path / name, size)
        made.append(tmp_path / name)
        return made[-1]

    yield make
    for folder in made:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_off_on_full_flash_is_saved_when_there_is_room(tmp_path: Path, tiny: Callable[[str, str], Path]) -> None:
    state = tiny("state", "1m")
    router = Router(tmp_path)
    try:
        (state / "state.db.reserve").unlink()
        ballast = fill(state)
        refusal = router.off()
        assert refusal is not None and "off now" in str(refusal) and "no space left" in str(refusal)
        assert not router.is_on() and router.answered("after.example")
        ballast.unlink()
        until(lambda: bool(router.status()["storage"]["state"] == "ok"))
        router.running.kill_daemon()
        (router.running.run_dir / "unsaved").unlink(missing_ok=True)
        router.client.close()
        router.client = router.running.client()
        assert not router.is_on() and router.sites() == set()
    finally:
        router.stop()


def test_a_history_that_does_not_fit_into_memory(tmp_path: Path, tiny: Callable[[str, str], Path]) -> None:
    router = Router(tmp_path, keep_history=True)
    router.answered("before.example")
    router.stop()
    kept = tmp_path / "state" / "history.db"
    assert kept.exists()
    with open(kept, "ab") as file:
        file.write(bytes(2 << 20))
    for left in (tmp_path / "run").iterdir():
        left.unlink()
    run = tiny("run", "1m")
    router.start()
    try:
        status = router.status()
        assert status["booted"] and "not brought back" in status["storage"]["message"], status
        assert router.is_on() and router.answered("after.example")
        assert not [name for name in run.iterdir() if name.name.endswith(".new")]
    finally:
        router.stop()


@pytest.mark.parametrize("damage", ["text", "cut", "newer", "ledger"])
def test_a_state_that_can_not_be_used_is_said_and_dns_works(tmp_path: Path, damage: str) -> None:
    router = Router(tmp_path)
    router.stop()
    path = tmp_path / "state" / "state.db"
    if damage == "text":
        path.write_bytes(b"not a database at all" * 100)
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    else:
        with contextlib.closing(sqlite3.connect(path)) as sql:
            sql.execute("PRAGMA user_version=99" if damage == "newer" else "DROP TRIGGER ledger_grows_only")
            if damage == "ledger":
                sql.execute("UPDATE ledger SET action='resume'")
            sql.commit()
    before = path.read_bytes()
    router.start()
    try:
        status = router.status()
        wanted = "upgrade" if damage == "newer" else "damaged"
        assert not status["booted"] and wanted in status["health"], status
        assert router.answered("any.example") and router.sites() == set()
        with pytest.raises(ControlError) as refusal:
            router.client.call("device.add", label="phone", address="127.0.0.3")
        assert refusal.value.code == "storage"
    finally:
        router.stop()
    assert path.read_bytes() == before, "what somebody may want to repair is left alone"
