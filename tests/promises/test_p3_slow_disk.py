"""A slow disk is no hung daemon: whatever waits for it is done and acknowledged, by the same process."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.promises.running import TABLET, Running
from tests.promises.slow_disk import SlowDisk, compiler

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler")
CALLS = (
    ("on", {"device_id": 1, "feature": "protection", "agree": 1}),
    ("block", {"name": "video.example", "scope": "household"}),
    ("on", {"device_id": 1, "feature": "history", "agree": 1}),
    ("off", {"device_id": 1, "feature": "history"}),
    ("person.add", {"name": "Mia", "group": "child"}),
    ("device.edit", {"id": 1, "person_id": 1}),
    ("delete", {"all": True}),
    ("pause", {}),
    ("device.remove", {"id": 1}),
)


@pytest.fixture
def disk(tmp_path: Path) -> SlowDisk:
    return SlowDisk(tmp_path, str(compiler()))


@pytest.fixture
def running(disk: SlowDisk, tmp_path: Path) -> Iterator[Running]:
    with_it = tuple(f"{name}={value}" for name, value in disk.environment.items())
    found = Running(tmp_path, ("env", *with_it), keep_history=True)
    yield found
    disk.takes(0)
    found.stop()


def call(running: Running, op: str, arguments: dict[str, object]) -> float:
    """How long it took."""
    client = running.client()
    began = time.monotonic()
    try:
        client.call(op, **arguments)
    finally:
        client.close()
    return time.monotonic() - began


def test_everything_is_done_by_the_same_daemon(running: Running, disk: SlowDisk) -> None:
    call(running, "device.add", {"label": "Tablet", "address": TABLET})
    pid = running.daemon_pid()
    disk.takes(0.5)
    for op, arguments in CALLS:
        took = call(running, op, arguments)
        assert running.daemon_pid() == pid, f"{op}: killed by the guard after {took:.1f} s"


def test_off_is_acknowledged_when_it_is_durable(running: Running, disk: SlowDisk) -> None:
    call(running, "device.add", {"label": "Tablet", "address": TABLET})
    call(running, "on", {"device_id": 1, "feature": "history", "agree": 1})
    pid = running.daemon_pid()
    disk.takes(2.0)
    assert call(running, "off", {"device_id": 1, "feature": "history"}) > 2.0
    assert running.daemon_pid() == pid
    running.kill_daemon()
    disk.takes(0)
    client = running.client()
    (row,) = client.call("device.list")["items"]
    client.close()
    assert not row["features"]["history"]["on"]
