"""P6, erase is erase: the raw bytes of every file hold nothing of what was erased, and nothing brings it back."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon.erasing import erase as erase_rows
from agent.daemon.erasing import rewrite_snapshot
from agent.daemon.operations import TABLE
from tests.ports import free_port
from tests.promises.household import Home
from tests.promises.running import ROOT

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
    home.start(keep_history=True, identity="mark")
    home.ask("device.add", label=LABEL, mac=MAC)
    home.ask("device.add", label="other", mac="3c:22:fb:00:00:0b")
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
    assert lived.ask("delete", device_id=1) == {"visits": 2, "attempts": 0, "usage": 0}
    for site in SITES:
        assert holding(lived, site) == []
    assert len(holding(lived, b"stays.example")) == 2
    assert lived.ask("audit")["ok"]


def test_erase_of_what_is_not_yet_written(lived: Home) -> None:
    record(lived, 1, b"just-now.example")
    lived.ask("delete", device_id=1)
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
    assert lived.ask("device.remove", id=1)["erased"] == {"visits": 2, "attempts": 0, "usage": 0}
    for needle in (*SITES, LABEL.encode(), MAC.encode(), bytes.fromhex(MAC.replace(":", ""))):
        assert holding(lived, needle) == [], needle
    assert lived.ask("audit")["ok"]


def test_a_correction_leaves_nothing_of_the_old_name(lived: Home) -> None:
    lived.ask("device.edit", id=1, label="plain name")
    assert holding(lived, LABEL.encode()) == []


def test_removing_one_visit(lived: Home) -> None:
    rows = lived.ask("history", device_id=1)["items"]
    doomed = next(row for row in rows if row["site"] == SITES[1].decode())
    lived.ask("visit.delete", id=doomed["id"])
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
    lived.ask("visit.delete", id=doomed["id"])
    for site in [doomed["site"], *pulled_in]:
        assert holding(lived, site.encode()) == []


def test_no_restored_snapshot_brings_it_back(lived: Home, tmp_path) -> None:
    kept = os.path.join(lived.state_dir, "history.db")
    shutil.copy(kept, str(tmp_path / "old-snapshot"))
    lived.ask("delete", device_id=1)
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
    lived.ask("delete", device_id=1)
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


def test_a_snapshot_under_way_does_not_outlive_an_erase(lived: Home) -> None:
    """The child that writes to flash has what is erased in its copy: it is ended, and nothing of it stays."""
    lived.household.recorder.flush()
    assert lived.household.snapshots.start()
    lived.ask("delete", device_id=1)
    for site in SITES:
        assert holding(lived, site) == []
    assert {os.path.basename(path) for path in files(lived)} <= KNOWN, "something is left over"


KNOWN = {"state.db", "state.db.reserve", "state.db-journal", "anchor", "history.db", "history.db-journal"}
KNOWN |= {"history.db.reserve", "forgotten"}


@pytest.mark.parametrize("power", [False, True])
@pytest.mark.parametrize("steps", range(6))
def test_a_crash_at_any_turn_of_forgetting_is_finished_at_the_next_start(lived: Home, steps: int, power: bool) -> None:
    """Killed, or with the RAM gone, after so many turns of the loop: what was not acknowledged is asked again."""
    turns = TABLE["device.remove"](lived.household, {"id": 1})
    for _ in range(steps):
        if next(turns, "over") == "over":
            break
    lived.household.snapshots.abandon()
    (lived.power_cut if power else lived.crash)()
    lived.start(keep_history=True)
    if [row for row in lived.ask("device.list")["items"] if row["label"] == LABEL]:
        lived.ask("device.remove", id=1)
    for _ in rewrite_snapshot(lived.household):
        pass
    for needle in (*SITES, LABEL.encode(), bytes.fromhex(MAC.replace(":", ""))):
        assert holding(lived, needle) == [], needle
    assert lived.ask("audit")["ok"]


def test_names_of_people_rules_and_what_they_asked_for_go_with_them(lived: Home) -> None:
    person = lived.ask("person.add", name="Unmistakable Ada", group="child")["id"]
    lived.ask("device.edit", id=1, person_id=person)
    lived.ask("block", name="tell-tale-rule.example", device_id=1)
    lived.ask("request.add", device_id=1, kind="unblock", text="tell-tale-words", target="tell-tale-target.example")
    rule = lived.ask("block", name="tell-tale-all.example")["id"]
    needles = (b"Unmistakable Ada", b"tell-tale-rule", b"tell-tale-words", b"tell-tale-target", b"tell-tale-all")
    assert all(holding(lived, needle) for needle in needles)
    lived.ask("device.remove", id=1)
    lived.ask("person.remove", id=person)
    lived.ask("rule.remove", id=rule)
    assert [needle for needle in needles if holding(lived, needle)] == []


def put_back(home: Home, copy: bytes) -> None:
    """An old copy of state.db by hand, as `cp` does it."""
    home.crash()
    path = Path(home.state_dir) / "state.db"
    path.unlink()
    path.write_bytes(copy)
    home.start(keep_history=True, identity="mark")


def forgotten_with_a_copy(home: Home) -> bytes:
    """A device and its person are forgotten; the state.db of before."""
    person = home.ask("person.add", name="Unmistakable Ada", group="child")["id"]
    home.ask("person.add", name="Ben", group="child")
    home.ask("device.edit", id=1, person_id=person)
    copy = (Path(home.state_dir) / "state.db").read_bytes()
    for _ in TABLE["device.remove"](home.household, {"id": 1}):
        pass
    home.ask("person.remove", id=person)
    return copy


GONE = (b"Unmistakable Ada", LABEL.encode(), bytes.fromhex(MAC.replace(":", "")), *SITES)


def test_an_old_copy_of_state_db_brings_nobody_back_who_was_forgotten(lived: Home) -> None:
    copy = forgotten_with_a_copy(lived)
    assert GONE[0] in copy and GONE[1] in copy
    for _ in range(2):
        put_back(lived, copy)
        for _ in rewrite_snapshot(lived.household):
            pass
        assert [needle for needle in GONE if holding(lived, needle)] == []
        assert [row["label"] for row in lived.ask("device.list")["items"]] == ["other"]
        assert [row["name"] for row in lived.ask("person.list")["items"]] == ["Ben"]
        assert lived.household.gate.devices() == []
        last = [(row["action"], row["actor"]) for row in lived.ask("activity", limit=200)["items"]][-4:]
        assert ("forget", "restore") in last, "the household can read that it was done"
        assert lived.ask("audit")["ok"]
        copy = (Path(lived.state_dir) / "state.db").read_bytes()
        lived.ask("resume", all=True)


@pytest.mark.parametrize("how", ["erase", "off", "off again"])
@pytest.mark.parametrize("power", [False, True])
def test_old_copies_of_both_databases_bring_nothing_back_that_was_erased(lived: Home, power: bool, how: str) -> None:
    folder = Path(lived.state_dir)
    if how == "off again":
        lived.ask("off", device_id=1, feature="history")
        snapshot(lived)
    copies = {folder / name: (folder / name).read_bytes() for name in ("state.db", "history.db")}
    if how == "erase":
        lived.ask("delete", device_id=1)
    else:
        lived.ask("off", device_id=1, feature="history", erase=True)
    assert [row["action"] for row in lived.ask("activity", limit=200)["items"]][-1] == "erase"
    (lived.power_cut if power else lived.crash)()
    for path, data in copies.items():
        path.unlink()
        path.write_bytes(data)
    lived.start(keep_history=True)
    assert [needle for needle in SITES if holding(lived, needle)] == []
    kept = [row["site"] for row in lived.ask("history", all=True)["items"]]
    assert kept == ([] if power else ["stays.example"]), "what was in memory is known to be what was left"
    assert lived.ask("audit")["ok"]


def test_a_new_person_is_never_taken_for_one_who_was_forgotten(lived: Home) -> None:
    """Numbers go on where they were, also after a copy from before anybody had them."""
    before = (Path(lived.state_dir) / "state.db").read_bytes()
    forgotten_with_a_copy(lived)
    put_back(lived, before)
    lived.ask("person.add", name="Cara", group="adult")
    lived.crash()
    lived.start(keep_history=True)
    assert [row["name"] for row in lived.ask("person.list")["items"]] == ["Cara"]


def test_another_households_people_have_numbers_of_their_own(lived: Home, tmp_path: Path) -> None:
    forgotten_with_a_copy(lived)
    other = Home(str(tmp_path / "other"))
    other.start(keep_history=True)
    other.ask("device.add", label="theirs", address="127.0.0.9")
    other.ask("person.add", name="Dora", group="adult")
    copy = (Path(other.state_dir) / "state.db").read_bytes()
    other.crash()
    put_back(lived, copy)
    assert [row["name"] for row in lived.ask("person.list")["items"]] == ["Dora"]
    assert [row["label"] for row in lived.ask("device.list")["items"]] == ["theirs"]


@pytest.mark.parametrize("what", ["device", "person"])
def test_forgetting_that_a_crash_cut_off_after_it_was_noted_is_finished(lived: Home, what: str) -> None:
    person = lived.ask("person.add", name="Unmistakable Ada", group="child")["id"]
    if what == "device":
        lived.household.forgotten.note_device(lived.household.state.device(1).enrolment)
    else:
        lived.household.forgotten.note_person(person)
    lived.crash()
    lived.start(keep_history=True)
    for _ in rewrite_snapshot(lived.household):
        pass
    needles = GONE[1:] if what == "device" else GONE[:1]
    assert [needle for needle in needles if holding(lived, needle)] == []
    assert [device.label for device in lived.household.gate.devices()] == (
        ["other"] if what == "device" else [LABEL, "other"]
    )
    assert lived.ask("audit")["ok"]


def test_what_could_not_be_noted_is_noted_at_the_next_start(lived: Home) -> None:
    """Where the note can't be written, forgetting goes on all the same."""
    (Path(lived.state_dir) / "forgotten.part").mkdir()
    copy = forgotten_with_a_copy(lived)
    assert not (Path(lived.state_dir) / "forgotten").exists()
    (Path(lived.state_dir) / "forgotten.part").rmdir()
    lived.crash()
    lived.start(keep_history=True)
    put_back(lived, copy)
    assert [needle for needle in GONE[1:] if holding(lived, needle)] == []


@pytest.mark.parametrize(
    "damage", [b"\xff\xfe\n", b"person x-y\nperson\n", b"device \xc2\xb2\n", b"\0" * 99, b"person -3"]
)
def test_a_damaged_note_names_nobody_and_stops_nothing(lived: Home, damage: bytes) -> None:
    first = next(lived.household.state.ledger.rows(0, 1)).hash.hex()[:16]
    lived.crash()
    note = Path(lived.state_dir) / "forgotten"
    note.write_bytes(damage + b"\nperson " + first.encode() + b"-\xc2\xb2\nperson " + first.encode() + b"-x\n")
    lived.start(keep_history=True)
    copy = forgotten_with_a_copy(lived)
    put_back(lived, copy)
    assert [needle for needle in GONE[:2] if holding(lived, needle)] == []
    assert [row["label"] for row in lived.ask("device.list")["items"]] == ["other"]


def test_sqlite_writes_nothing_elsewhere(lived: Home, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sorting and joining everything, for a page, an export and the audit, leaves no temporary file behind or open."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("SQLITE_TMPDIR", "TMPDIR"):
        monkeypatch.setenv(name, str(elsewhere))
    for number in range(3000):
        record(lived, 1, b"n%d.tell-tale.example" % number)
    for op in ("history", "export"):
        assert lived.ask(op, device_id=1)["items"]
    lived.ask("audit")
    opened = [os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if name.isdigit()
              and os.path.exists(f"/proc/self/fd/{name}")]  # fmt: skip
    assert [path for path in opened if "etilqs" in path or str(elsewhere) in path] == []
    assert list(elsewhere.iterdir()) == []
    lived.ask("delete", device_id=1)
    assert holding(lived, b"tell-tale") == []


DUMPED = """
import os, resource, sys
from agent.platform import coredump
resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
if sys.argv[1] == "as the daemon does":
    coredump.forbid()
if os.fork() == 0:
    child = "import os; history = ('tell-tale' + '-site.example ') * 1000; os.abort()"
    os.execv(sys.executable, [sys.executable, "-c", child])
os.wait()
"""


@pytest.mark.parametrize("how", ["as others do", "as the daemon does"])
def test_no_core_dump_holds_what_is_in_memory(tmp_path, how: str) -> None:
    with open("/proc/sys/kernel/core_pattern") as file:
        if not file.read().strip().startswith("core"):
            pytest.skip("not here: core dumps in files of their own")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", DUMPED, how], cwd=tmp_path, env=environment, check=True, timeout=60)
    found = [path for path in tmp_path.iterdir() if b"tell-tale-site.example" in path.read_bytes()]
    assert bool(found) == (how == "as others do"), "with nothing done about it the attack has to work"


def test_neither_the_guard_nor_the_daemon_dumps_a_core(tmp_path) -> None:
    values = {"identity": "address", "state_dir": f"{tmp_path}/state", "run_dir": f"{tmp_path}/run", "web_listen": []}
    values.update(dns_listen=[f"127.0.0.1:{free_port()}"], upstream=["127.0.0.1:9"])
    (tmp_path / "settings.json").write_text(json.dumps(values))
    command = [sys.executable, "-m", "agent", "--settings", str(tmp_path / "settings.json"), "run"]
    with (tmp_path / "log").open("wb") as log:
        guard = subprocess.Popen(command, cwd=ROOT, stderr=log)
    end = time.monotonic() + 20
    while b"ready" not in (tmp_path / "log").read_bytes():
        assert time.monotonic() < end and guard.poll() is None, (tmp_path / "log").read_text()
        time.sleep(0.02)
    with open(f"/proc/{guard.pid}/task/{guard.pid}/children") as file:
        daemon = file.read().split()[0]
    for pid in (guard.pid, daemon):
        with open(f"/proc/{pid}/coredump_filter") as file:
            assert int(file.read(), 16) == 0
        with open(f"/proc/{pid}/limits") as file:
            assert "Max core file size        0                    0" in file.read()
    guard.terminate()
    assert guard.wait(15) == 0
