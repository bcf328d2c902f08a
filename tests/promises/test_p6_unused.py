"""P6: what SQLite leaves in the unused middle of pages is erased as well; an erasing that is cut off is finished."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.core.model import Visit
from agent.daemon.erasing import rewrite_snapshot, snapshot
from agent.daemon.store.database import Database
from agent.daemon.store.scrubbing import scrub
from tests.namespaces import missing
from tests.promises.household import Home
from tests.promises.running import ROOT

NAMES = 1000


def left(home: Home, needle: bytes) -> dict[str, set[bytes]]:
    """Names with the needle in the raw bytes of every file, by file."""
    found = {}
    for folder, _, names in os.walk(home.folder):
        for name in names:
            data = Path(folder, name).read_bytes()
            here = {data[at : at + 24] for at in places(data, needle)}
            if here:
                found[name] = here
    return found


def places(data: bytes, needle: bytes) -> list[int]:
    found, at = [], data.find(needle)
    while at >= 0:
        found.append(at)
        at = data.find(needle, at + 1)
    return found


def fill(home: Home, word: str, seed: int) -> None:
    """Visits of two devices that come and grow over twenty batches, so that rows move and pages split."""
    assert home.household is not None
    dice = random.Random(seed)
    records, age, at = home.household.records, home.household.clock.age(), home.household.clock.wall()
    epochs = {row.device: row.epoch for row in records.epochs() if row.feature == "history"}
    made: list[Visit] = []
    for batch in range(20):
        for number in range(NAMES * batch // 20, NAMES * (batch + 1) // 20):
            for device, name in ((1, word), (2, "other")):
                host = f"{name}{number:04}.example".encode()
                made.append(Visit(None, device, epochs[device], host, at, at, age, 1, [b"www." + host], "dns"))
        grown = dice.sample(made, min(len(made), 300))
        for visit in grown:
            visit.hits += 1
            visit.hosts.append(b"cdn%d." % visit.hits + visit.site)
        changed = {id(visit) for visit in grown}
        records.write([visit for visit in made if visit.id is None or id(visit) in changed], [])


def finish_copy(home: Home) -> None:
    assert home.household is not None
    for _ in snapshot(home.household):
        pass
    while not home.household.snapshots.finished():
        time.sleep(0.005)


@pytest.fixture
def lived(home: Home) -> Home:
    home.start(keep_history=True, history_rows=100000)
    home.ask("device.add", label="Tablet", address="127.0.0.2")
    home.ask("device.add", label="Other", address="127.0.0.3")
    for device_id in (1, 2):
        home.ask("on", device_id=device_id, feature="history", agree=1)
    return home


WAYS = {
    "erase": lambda home: home.ask("delete", device_id=1),
    "off": lambda home: home.ask("off", device_id=1, feature="history", erase=True),
    "forget": lambda home: home.ask("device.remove", device_id=1),
}


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("way", WAYS)
def test_no_name_is_left_anywhere(lived: Home, way: str, seed: int) -> None:
    fill(lived, f"tell{seed}x", seed)
    finish_copy(lived)
    assert left(lived, b"tell")
    WAYS[way](lived)
    assert left(lived, b"tell") == {}


def test_one_visit_is_removed_without_a_trace(lived: Home) -> None:
    fill(lived, "tell", 3)
    finish_copy(lived)
    for number in random.Random(1).sample(range(1, NAMES), 12):
        (row,) = [
            r for r in lived.ask("history", device_id=1, limit=200, search=f"tell{number:04}", show="all")["items"]
        ]
        lived.ask("visit.delete", id=row["id"])
        assert left(lived, b"tell%04d" % number) == {}


def test_rules_that_were_removed(lived: Home) -> None:
    dice = random.Random(2)
    rules = []
    for number in range(300):
        rules.append(lived.ask("block", name=f"tell{number}.example")["id"])
        lived.ask("block", name=f"stays{number}.example")
    dice.shuffle(rules)
    for rule in rules:
        lived.ask("rule.remove", id=rule)
    assert left(lived, b"tell") == {}


def test_while_the_first_copy_is_being_written(lived: Home) -> None:
    """No copy stands yet; the one under way must not appear after the acknowledgement."""
    fill(lived, "tell", 4)
    assert lived.household is not None
    assert lived.household.snapshots.start() and not lived.household.snapshots.exists
    lived.ask("delete", device_id=1)
    while not lived.household.snapshots.finished():
        time.sleep(0.005)
    assert left(lived, b"tell") == {}


def test_rows_stay_readable_and_the_file_sound(lived: Home) -> None:
    """Scrubbing between changes: SQLite reads pages anew, and finds nothing wrong."""
    assert lived.household is not None
    dice = random.Random(5)
    fill(lived, "stays", 5)
    for _ in range(10):
        fill_ids = lived.household.records.ids("visits", 1)
        lived.household.records.delete("visits", dice.sample(fill_ids, 20))
        steps = scrub(lived.household.records.db)
        for _ in steps:
            lived.household.records.set_status(
                lived.household.records.ids("visits", 1)[dice.randrange(500)], "disputed"
            )
    assert lived.household.records.db.sql.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert lived.household.records.count("visits", 1) == NAMES - 200


def test_an_empty_database_has_nothing_to_clear(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "x.db"), ("CREATE TABLE t(x);",), "OFF", reserved=False)
    for _ in scrub(database):
        pass
    assert database.sql.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    database.close()


# cut off

ERASING = """
import sys, time
sys.path.insert(0, {root!r})
from tests.promises.household import Home
home = Home({folder!r})
home.start(keep_history=True, history_rows=100000)
print("ready", flush=True)
sys.stdin.readline()
home.ask("delete", device_id=1)
print("erased", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("moment", range(12))
def test_killed_in_the_middle_it_is_finished_by_the_next_start(lived: Home, moment: int) -> None:
    fill(lived, "tell", moment)
    finish_copy(lived)
    lived.crash()
    code = ERASING.format(root=str(ROOT), folder=lived.folder)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == b"ready\n"
        process.stdin.write(b"go\n")
        process.stdin.flush()
        time.sleep(0.004 * moment)
        process.send_signal(signal.SIGKILL)
    household = lived.start(keep_history=True, history_rows=100000)
    if household.state.removals.rows():
        assert household.records.count("visits", 1) == 0
        assert household.stale_snapshot or left(lived, b"tell") == {}
        for _ in rewrite_snapshot(household):
            pass
        assert left(lived, b"tell") == {}
    else:
        assert household.records.count("visits", 1) == NAMES, "cut off before it began: all are there"


@pytest.mark.skipif(missing("mount") != "", reason=missing("mount") or "mounts can be made")
def test_without_room_it_is_erased_or_said(tmp_path: Path) -> None:
    """160 kB left in RAM: acknowledged only when nothing is left, and the daemon goes on."""
    code = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from tests.promises.household import Home
from agent.daemon.store.database import StorageError
from tests.promises import test_p6_unused as me
home = Home({str(tmp_path)!r})
home.start(keep_history=True, history_rows=100000)
for number in (1, 2):
    home.ask("device.add", label=f"Device {{number}}", address=f"127.0.0.{{number + 1}}")
    home.ask("on", device_id=number, feature="history", agree=1)
me.fill(home, "tell", 1)
me.finish_copy(home)
room = os.statvfs(home.run_dir)
with open(home.run_dir + "/full", "wb") as file:
    file.write(os.urandom(room.f_bavail * room.f_frsize - 160 * 1024))
try:
    home.ask("delete", device_id=1)
except StorageError as error:
    assert "no space left" in str(error)
    assert home.household.state.removals.unfinished, "the next start finishes it"
    os.unlink(home.run_dir + "/full")
    home.ask("delete", device_id=1)
else:
    os.unlink(home.run_dir + "/full")
assert me.left(home, b"tell") == {{}}, me.left(home, b"tell").keys()
assert home.household.records.count("visits", 1) == 0
me.finish_copy(home)
assert home.household.snapshots.exists and not home.household.snapshots.trouble
"""
    (tmp_path / "run").mkdir()
    mount = f'mount -t tmpfs -o size=8m none {tmp_path}/run && exec {sys.executable} -c "$CODE"'
    run = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mount],
        env={**os.environ, "CODE": code},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
