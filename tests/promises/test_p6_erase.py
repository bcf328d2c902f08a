"""P6, erase is erase: the raw bytes of every file hold nothing of what was erased, and nothing brings it back."""

import os
import shutil
from collections.abc import Iterator

import pytest

from agent.daemon.store.erasing import erase as erase_rows
from agent.daemon.store.erasing import rewrite_snapshot
from tests.promises.household import Home

SITES = (b"tell-tale-one.example", b"tell-tale-two.example")
MAC = "3c:22:fb:12:34:56"
LABEL = "Unmistakable Tablet"


def files(home: Home) -> Iterator[str]:
    for folder, _, names in os.walk(home.folder):
        for name in names:
            yield os.path.join(folder, name)


def holding(home: Home, needle: bytes) -> list[str]:
    found = []
    for path in files(home):
        with open(path, "rb") as file:
            if needle.lower() in file.read().lower():
                found.append(os.path.relpath(path, home.folder))
    return found


def snapshot(home: Home) -> None:
    household = home.household
    household.recorder.flush()
    assert household.snapshots.start()
    while not household.snapshots.finished():
        pass


@pytest.fixture
def lived(home: Home) -> Home:
    home.start(keep_history=True)
    home.ask("device.add", label=LABEL, mac=MAC)
    home.ask("device.add", label="other", address="127.0.0.3")
    client(home, 1, "history")
    client(home, 2, "history")
    record(home, 1, SITES[0])
    record(home, 1, SITES[1])
    record(home, 2, b"stays.example")
    snapshot(home)
    return home


def client(home: Home, device_id: int, feature: str) -> None:
    home.ask("on", device_id=device_id, feature=feature, agree=1)


def record(home: Home, device_id: int, host: bytes) -> None:
    device = home.household.state.device(device_id)
    gate = home.household.gate
    home.household.recorder.allowed(device.slot, gate.generation(device.slot), host, "dns", 1)


def test_the_search_itself_finds_what_is_there(lived: Home) -> None:
    assert holding(lived, SITES[0]) == ["run/history.db", "state/history.db"] or len(holding(lived, SITES[0])) == 2
    assert holding(lived, LABEL.encode()) and holding(lived, bytes.fromhex(MAC.replace(":", "")))


def test_erase_of_a_device(lived: Home) -> None:
    assert lived.ask("erase", device_id=1) == {"visits": 2, "attempts": 0}
    for site in SITES:
        assert holding(lived, site) == []
    assert len(holding(lived, b"stays.example")) == 2
    assert lived.ask("audit")["ok"]


def test_erase_of_what_is_not_yet_written(lived: Home) -> None:
    record(lived, 1, b"just-now.example")
    lived.ask("erase", device_id=1)
    record(lived, 2, b"after.example")
    lived.household.recorder.flush()
    assert holding(lived, b"just-now.example") == []


def test_off_with_erase(lived: Home) -> None:
    record(lived, 1, b"just-now.example")
    reply = lived.ask("off", device_id=1, feature="history", erase=True)
    assert reply["erased"] == 3 and reply["remaining"] == 0
    for site in (*SITES, b"just-now.example"):
        assert holding(lived, site) == []


def test_off_without_erase_says_what_remains_and_until_when(lived: Home) -> None:
    reply = lived.ask("off", device_id=1, feature="history")
    week = lived.household.clock.wall() + 7 * 86400
    assert reply["remaining"] == 2 and abs(reply["until"] - week) < 60


def test_forgetting_a_device_takes_mac_and_label(lived: Home) -> None:
    assert lived.ask("device.forget", id=1)["erased"] == {"visits": 2, "attempts": 0}
    for needle in (*SITES, LABEL.encode(), MAC.encode(), bytes.fromhex(MAC.replace(":", ""))):
        assert holding(lived, needle) == [], needle
    assert lived.ask("audit")["ok"]


def test_a_correction_leaves_nothing_of_the_old_name(lived: Home) -> None:
    lived.ask("device.change", id=1, label="plain name")
    assert holding(lived, LABEL.encode()) == []


def test_removing_one_visit(lived: Home) -> None:
    rows = lived.ask("history", device_id=1)["items"]
    doomed = next(row for row in rows if row["site"] == SITES[1].decode())
    lived.ask("visit.remove", id=doomed["id"])
    assert holding(lived, SITES[1]) == [] and holding(lived, SITES[0])
    record(lived, 1, SITES[1])
    lived.household.recorder.flush()
    assert [row["hits"] for row in lived.ask("history", device_id=1)["items"] if row["site"] == SITES[1].decode()] == [
        1
    ]


def test_removing_a_visit_takes_what_it_pulled_in(lived: Home) -> None:
    rows = lived.ask("history", device_id=1, show="visits")["items"]
    doomed = next(row for row in rows if row["folded"])
    pulled_in = [row["site"] for row in lived.ask("history", device_id=1, cause=doomed["id"])["items"]]
    assert pulled_in and all(holding(lived, site.encode()) for site in pulled_in)
    lived.ask("visit.remove", id=doomed["id"])
    for site in [doomed["site"], *pulled_in]:
        assert holding(lived, site.encode()) == []


def test_no_restored_snapshot_brings_it_back(lived: Home, tmp_path) -> None:
    kept = os.path.join(lived.state_dir, "history.db")
    shutil.copy(kept, str(tmp_path / "old-snapshot"))
    lived.ask("erase", device_id=1)
    lived.power_cut()
    shutil.move(str(tmp_path / "old-snapshot"), kept)
    lived.start(keep_history=True)
    assert [row["site"] for row in lived.ask("history", all=True)["items"]] == ["stays.example"]
    assert lived.household.stale_snapshot  # the loop replaces the copy on flash at its first chance
    for _ in rewrite_snapshot(lived.household):
        pass
    assert holding(lived, SITES[0]) == []


def test_a_removal_never_names_a_later_row(lived: Home, tmp_path) -> None:
    kept = os.path.join(lived.state_dir, "history.db")
    shutil.copy(kept, str(tmp_path / "old-snapshot"))
    record(lived, 1, b"later-one.example")
    lived.household.recorder.flush()
    lived.ask("erase", device_id=1)
    lived.power_cut()
    shutil.move(str(tmp_path / "old-snapshot"), kept)
    lived.start(keep_history=True)
    record(lived, 1, b"fresh.example")
    snapshot(lived)
    lived.power_cut()
    lived.start(keep_history=True)
    assert sorted(row["site"] for row in lived.ask("history", all=True)["items"]) == ["fresh.example", "stays.example"]


def test_a_crash_between_the_removal_and_the_rows(lived: Home) -> None:
    """The power goes after the removal was committed and before the copy on flash was replaced."""
    household = lived.household
    ids = household.records.ids("visits", 1)
    steps = erase_rows(household, "visits", household.state.device(1), ids)
    next(steps)
    lived.power_cut()
    lived.start(keep_history=True)
    assert [row["site"] for row in lived.ask("history", all=True)["items"]] == ["stays.example"]


def test_without_keep_history_nothing_is_on_flash(lived: Home) -> None:
    lived.crash()
    lived.start(keep_history=False)
    assert not os.path.exists(os.path.join(lived.state_dir, "history.db"))


def test_a_setting_that_ends_keeping_takes_the_copy(lived: Home) -> None:
    lived.ask("settings.set", key="keep_history", value=False)
    assert not os.path.exists(os.path.join(lived.state_dir, "history.db"))


def test_the_ledger_knows_no_name(lived: Home) -> None:
    rows = lived.household.state.db.sql.execute("SELECT * FROM ledger").fetchall()
    text = repr(rows)
    assert LABEL not in text and MAC not in text and "tell-tale" not in text
