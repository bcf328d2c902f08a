"""The copy on flash sealed to a passphrase: a router taken away tells nothing of it, and what is deleted stays so."""

import contextlib
import json
import os
import re
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from agent.client import Unreachable
from agent.core.model import BadInput
from agent.daemon.daemon import put_together
from agent.daemon.operations import TABLE
from agent.daemon.operations.arguments import OperationRejected
from tests.promises.household import Home
from tests.promises.running import TABLET, Running, query
from tests.promises.test_p6_erase import SITES, client, holding, record, snapshot

PASSPHRASE = "correct horse battery"
LATER = b"after-the-reboot.example"


@pytest.fixture
def lived(home: Home) -> Home:
    home.start(keep_history=True, identity="mark")
    home.ask("device.add", label="Tablet", mac="3c:22:fb:12:34:56")
    client(home, 1, "history")
    record(home, 1, SITES[0])
    snapshot(home)
    return home


def patient(home: Home, op: str, **arguments: object) -> dict[str, Any]:
    """As the loop does it: what waits for a child is asked again after a while."""
    steps = TABLE[op](home.household, arguments)
    try:
        while True:
            time.sleep(next(steps) or 0)
    except StopIteration as done:
        return dict(done.value)


def on_flash(home: Home, needle: bytes) -> list[str]:
    return [path for path in holding(home, needle) if path.startswith("state")]


def started(home: Home) -> None:
    home.start(keep_history=True, identity="mark")


def reboot(home: Home) -> None:
    home.power_cut()
    started(home)


def unlock(home: Home) -> None:
    """With the restart that follows."""
    patient(home, "history_copy.unlock", passphrase=PASSPHRASE)
    household = home.household
    household.flush()
    household.records.db.close()
    put_together(household)
    home.crash()
    started(home)


def sites(home: Home) -> set[str]:
    home.household.flush()
    return {row["site"] for row in home.ask("history", device_id=1, show="all")["items"]}


def test_off_by_default_and_a_short_passphrase_is_none(lived: Home) -> None:
    assert lived.ask("history_copy.status") == {"wanted": True, "exists": True, "sealed": False, "locked": False}
    assert on_flash(lived, SITES[0]) == ["state/history.db"]
    with pytest.raises(BadInput, match="at least 10"):
        patient(lived, "history_copy.seal", passphrase="short")
    with pytest.raises(OperationRejected, match="no locked"):
        patient(lived, "history_copy.unlock", passphrase=PASSPHRASE)


def test_sealed_at_once_and_opened_after_a_reboot_with_what_came_since(lived: Home) -> None:
    told = patient(lived, "history_copy.seal", passphrase=PASSPHRASE)
    assert told == {"wanted": True, "exists": True, "sealed": True, "locked": False}
    assert on_flash(lived, SITES[0]) == []
    assert sorted(name for name in os.listdir(lived.state_dir) if "history" in name) == ["history.db.age"]
    record(lived, 1, SITES[1])
    snapshot(lived)
    reboot(lived)
    assert lived.ask("history_copy.status")["locked"] and sites(lived) == set()
    assert holding(lived, SITES[0]) == []
    record(lived, 1, LATER)
    assert sites(lived) == {LATER.decode()}
    # The daemon alone may start again: locked still, and nothing is written over it.
    assert not lived.household.snapshots.start()
    lived.crash()
    started(lived)
    assert lived.ask("history_copy.status")["locked"]
    with pytest.raises(OperationRejected, match="not right"):
        patient(lived, "history_copy.unlock", passphrase=PASSPHRASE + "!")
    unlock(lived)
    assert sites(lived) == {SITES[0].decode(), SITES[1].decode(), LATER.decode()}
    assert not lived.ask("history_copy.status")["locked"] and lived.ask("audit")["ok"]
    snapshot(lived)
    assert on_flash(lived, LATER) == []
    reboot(lived)
    unlock(lived)
    assert len(sites(lived)) == 3


def test_what_is_deleted_while_it_is_locked_takes_it_along(lived: Home) -> None:
    patient(lived, "history_copy.seal", passphrase=PASSPHRASE)
    reboot(lived)
    record(lived, 1, LATER)
    lived.household.flush()
    lived.ask("delete", device_id=1)
    assert lived.ask("history_copy.status") == {"wanted": True, "exists": False, "sealed": True, "locked": False}
    with pytest.raises(OperationRejected):
        patient(lived, "history_copy.unlock", passphrase=PASSPHRASE)


def test_what_is_deleted_while_it_is_open_is_in_no_copy(lived: Home) -> None:
    lived.ask("device.add", label="Other", mac="3c:22:fb:12:34:57")
    client(lived, 2, "history")
    record(lived, 2, b"stays.example")
    patient(lived, "history_copy.seal", passphrase=PASSPHRASE)
    (visit,) = lived.ask("history", device_id=1)["items"]
    lived.ask("visit.delete", id=visit["id"])
    reboot(lived)
    unlock(lived)
    assert sites(lived) == set()
    assert [row["site"] for row in lived.ask("history", device_id=2)["items"]] == ["stays.example"]


def test_what_was_turned_off_before_it_was_unlocked_stays_inside_consent(lived: Home) -> None:
    patient(lived, "history_copy.seal", passphrase=PASSPHRASE)
    reboot(lived)
    lived.ask("off", device_id=1, feature="history")
    unlock(lived)
    record(lived, 1, LATER)
    assert sites(lived) == {SITES[0].decode()}
    assert lived.ask("audit")["ok"]


def test_minutes_of_a_day_before_and_after_are_one_row(lived: Home) -> None:
    def used(minutes: int) -> None:
        household = lived.household
        epoch = household.state.ledger.register.epoch(household.state.device(1).enrolment, "usage")
        with household.records.db.transaction() as sql:
            row = (1, epoch, household.records.batch, 5, minutes, minutes, 1, household.clock.age())
            sql.execute(f"INSERT INTO usage(device, epoch, batch, day, minutes, alone, at, age) VALUES {row}")

    lived.ask("on", device_id=1, feature="usage", agree=2)
    used(50)
    patient(lived, "history_copy.seal", passphrase=PASSPHRASE)
    reboot(lived)
    used(20)
    unlock(lived)
    rows = lived.household.records.db.sql.execute("SELECT day, minutes, alone FROM usage").fetchall()
    assert rows == [(5, 70, 70)] and lived.ask("audit")["ok"]


def test_plain_again(lived: Home) -> None:
    patient(lived, "history_copy.seal", passphrase=PASSPHRASE)
    assert not patient(lived, "history_copy.unseal")["sealed"]
    assert on_flash(lived, SITES[0]) == ["state/history.db"]
    assert os.listdir(lived.state_dir).count("history.db.age") == 0
    reboot(lived)
    assert sites(lived) == {SITES[0].decode()}


def test_a_locked_one_can_be_given_up(lived: Home) -> None:
    patient(lived, "history_copy.seal", passphrase=PASSPHRASE)
    reboot(lived)
    for op in ("history_copy.seal", "history_copy.unseal"):
        with pytest.raises(OperationRejected, match="first"):
            patient(lived, op, passphrase=PASSPHRASE)
    assert not lived.ask("history_copy.drop")["locked"]
    record(lived, 1, LATER)
    snapshot(lived)
    assert on_flash(lived, LATER) == []
    assert not re.search("history.db$", " ".join(os.listdir(lived.state_dir)))


@pytest.mark.parametrize("both", [False, True])
def test_a_crash_while_it_is_sealed_leaves_one_that_can_be_read(lived: Home, both: bool) -> None:
    """Before the sealed one stands, and before the plain one is gone."""
    plain = Path(lived.state_dir, "history.db").read_bytes()
    patient(lived, "history_copy.seal", passphrase=PASSPHRASE)
    if not both:
        Path(lived.state_dir, "history.db.age").unlink()
    Path(lived.state_dir, "history.db").write_bytes(plain)
    reboot(lived)
    assert lived.ask("history_copy.status")["locked"] == both
    if both:
        assert on_flash(lived, SITES[0]) == []
        unlock(lived)
    assert sites(lived) == {SITES[0].decode()}


def test_no_history_on_flash_is_no_sealed_one_either(lived: Home) -> None:
    patient(lived, "history_copy.seal", passphrase=PASSPHRASE)
    lived.ask("settings.set", key="keep_history", value=False)
    assert [name for name in os.listdir(lived.state_dir) if "history" in name] == []


def test_nothing_that_opens_it_is_stored(lived: Home) -> None:
    patient(lived, "history_copy.seal", passphrase=PASSPHRASE)
    assert holding(lived, PASSPHRASE.encode()) == []
    assert set(json.loads(lived.household.state.meta("history copy key", ""))) == {"salt", "public"}
    assert "history.key" not in os.listdir(lived.run_dir)


def look_up(running: Running, name: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(5)
        asker.bind((TABLET, 0))
        asker.connect(("127.0.0.1", running.port))
        asker.send(query(name, 1))
        asker.recv(2048)


def test_a_daemon_goes_on_with_both_after_it_was_unlocked(tmp_path: Path) -> None:
    running = Running(tmp_path, keep_history=True)
    client = running.client()
    client.call("device.add", label="tablet", address=TABLET)
    client.call("on", device_id=1, feature="history", agree=1)
    look_up(running, "before.example")
    client.call("history_copy.seal", passphrase=PASSPHRASE)
    client.close()
    assert running.stop() == 0
    for path in running.run_dir.iterdir():
        path.unlink()
    running = Running(tmp_path, keep_history=True)
    client = running.client()
    assert client.call("history_copy.status")["locked"]
    look_up(running, "after.example")
    client.call("history_copy.unlock", passphrase=PASSPHRASE)
    client.close()
    end, seen = time.monotonic() + 30, (set(), True)
    while seen != ({"before.example", "after.example"}, False):
        assert time.monotonic() < end, seen
        time.sleep(0.1)
        with contextlib.suppress(Unreachable):  # it starts again
            client = running.client()
            sites = {str(row["site"]) for row in client.items("history", device_id=1, show="all")}
            seen = (sites, client.call("history_copy.status")["locked"])
        client.close()
    assert running.stop() == 0
