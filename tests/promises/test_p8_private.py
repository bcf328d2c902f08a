"""P8, unknown is private: a doubt of any kind means that the traffic passes and nothing is recorded."""

import os
import subprocess

import pytest

from agent.core.model import Rule, Verdict
from agent.daemon.clients import DeviceView
from agent.daemon.store.database import RESERVE_BYTES, StorageError
from tests.namespaces import missing
from tests.promises.household import Home, observe


def rows(home: Home, table: str = "visits") -> int:
    home.household.recorder.flush()
    return home.household.records.db.sql.execute("SELECT COUNT(*) FROM " + table).fetchone()[0]


@pytest.fixture
def lived(home: Home) -> Home:
    home.start()
    home.ask("device.add", label="tablet", address="127.0.0.2")
    home.ask("device.add", label="phone", address="127.0.0.3")
    home.ask("on", device_id=1, feature="history", agree=1)
    return home


def test_an_unknown_device(lived: Home) -> None:
    observe(lived.household, "127.0.0.9", b"a.example")
    assert lived.household.clients.identify(None, "127.0.0.9") is None
    assert rows(lived) == 0


def test_a_device_with_nothing_on(lived: Home) -> None:
    observe(lived.household, "127.0.0.3", b"a.example")
    assert rows(lived) == 0


def test_history_alone_records_no_attempt_and_protection_alone_no_visit(lived: Home) -> None:
    client = lived.household.clients.identify(None, "127.0.0.2")
    verdict = Verdict("block", Rule("bad.example"))
    lived.household.recorder.refused(client.slot, client.generation, "bad.example", "dns", 1, verdict)
    assert rows(lived, "attempts") == 0
    lived.ask("on", device_id=2, feature="protection", agree=1)
    observe(lived.household, "127.0.0.3", b"fine.example")
    assert rows(lived) == 0


def test_an_old_generation(lived: Home) -> None:
    before = lived.household.clients.identify(None, "127.0.0.2")
    lived.ask("off", device_id=1, feature="history")
    lived.ask("on", device_id=1, feature="history", agree=1)
    lived.household.recorder.allowed(before.slot, before.generation, b"a.example", "dns", 1)
    assert rows(lived) == 0


def test_forged_and_foreign_marks(home: Home) -> None:
    home.start(identity="mark")
    home.ask("device.add", label="tablet", mac="3c:22:fb:00:00:0a")
    home.ask("on", device_id=1, feature="history", agree=1)
    layout = home.household.clients._layout
    device = home.household.state.device(1)
    generation = home.household.gate.generation(device.slot)
    right = layout.pack(device.slot, generation)
    assert isinstance(home.household.clients.identify(right, "192.0.2.1"), DeviceView)
    wrong = (
        0,
        1,
        0x3F00,
        0xFF0000,
        0xFFFFFFFF,
        layout.pack(device.slot + 1, generation),
        layout.pack(device.slot, generation + 1),
    )
    for mark in wrong:
        assert home.household.clients.identify(mark, "192.0.2.1") is None, hex(mark)


def test_nothing_is_on_when_the_start_can_not_be_committed(lived: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    lived.crash()
    from agent.daemon.store.state import State

    def refuse(self: State, boot: str, at: int) -> None:
        raise StorageError("no space left")

    monkeypatch.setattr(State, "boot", refuse)
    lived.start()
    observe(lived.household, "127.0.0.2", b"a.example")
    assert rows(lived) == 0
    status = lived.ask("status")
    assert not status["booted"] and "Nothing is recorded" in status["health"]
    with pytest.raises(StorageError):
        lived.ask("on", device_id=2, feature="history", agree=1)


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 2 MB."""
    if reason := missing("mount"):
        pytest.skip(reason)
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=True)
    yield str(folder)
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: str) -> None:
    """Take all the room there is, to the last byte."""
    with open(os.path.join(folder, "ballast"), "ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue


@pytest.fixture
def full(small_disk: str):
    """A household with history on, and no byte free on flash or in RAM."""
    home = Home(small_disk)
    home.start()
    home.ask("device.add", label="tablet", address="127.0.0.2")
    home.ask("on", device_id=1, feature="history", agree=1)
    observe(home.household, "127.0.0.2", b"before.example")
    home.household.recorder.flush()
    fill(small_disk)
    yield home
    home.crash()


def test_off_succeeds_on_a_full_disk_and_is_final(full: Home) -> None:
    observe(full.household, "127.0.0.2", b"during.example")
    full.ask("off", device_id=1, feature="history")
    observe(full.household, "127.0.0.2", b"after.example")
    full.household.recorder.flush()
    assert full.ask("audit")["ok"]
    full.crash()
    full.start()
    assert not full.ask("device.list")["items"][0]["features"]["history"]["on"]
    hosts = [host for row in full.ask("history", all=True)["items"] for host in row["hosts"]]
    assert "after.example" not in hosts


def test_a_full_disk_records_nothing_and_says_so(full: Home) -> None:
    full.household.records.db.spend()
    full.household.state.db.spend()
    fill(full.folder)
    for number in range(3000):
        observe(full.household, "127.0.0.2", b"n%d.example" % number)
    full.household.recorder.flush()
    assert full.household.recorder.unrecorded > 0
    assert "no space" in full.ask("status")["storage"]["message"]
    os.unlink(os.path.join(full.folder, "ballast"))
    observe(full.household, "127.0.0.2", b"again.example")
    full.household.recorder.flush()
    assert full.ask("status")["storage"]["state"] == "ok"
    assert full.ask("audit")["ok"]


def test_on_is_refused_on_a_full_disk_and_stays_off(full: Home) -> None:
    full.ask("off", device_id=1, feature="history")
    full.household.records.db.spend()
    full.household.state.db.spend()
    fill(full.folder)
    with pytest.raises(StorageError):
        full.ask("on", device_id=1, feature="history", agree=1)
    observe(full.household, "127.0.0.2", b"a.example")
    assert full.household.gate.devices() == []


def test_the_reserve_comes_back_when_there_is_room(full: Home) -> None:
    full.ask("off", device_id=1, feature="history")
    os.unlink(os.path.join(full.folder, "ballast"))
    full.household.state.db.refill()
    assert os.path.exists(full.household.state.db.path + ".reserve")
    assert os.path.getsize(full.household.state.db.path + ".reserve") == RESERVE_BYTES
