"""A busy household for long: `tools/bench soak [--minutes 60] [--rate 1000]` (root). Ends with a table.

The lab's daemon and guard, `state_dir` on a disk, the rest in RAM. Two devices ask all the time: 70 % of a thousand
names, 15 % of five thousand that are listed, 15 % for the first time. Meanwhile the devices and a person are switched
on and off, internet goes off and on, and now and then a history is deleted. Every ten seconds it is looked at what the
daemon holds. The slope is that of the last two thirds, for caches fill in the first.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from agent.client import ControlError  # noqa: E402
from agent.jobs.compile import Source, compile_lists  # noqa: E402
from tests.bench.dns.names import FRESH, HOT, HOT_LISTED, Maker  # noqa: E402
from tests.lab.lab import ALICE_MAC, BOB_MAC, RESOLVER4, ROUTER4, Lab, await_true, listens, missing  # noqa: E402
from tests.lab.resident import AGREED, Resident  # noqa: E402

LOOK_S, UPSTREAM_PORT, ROWS = 10.0, 5302, 12


class Look(NamedTuple):
    """What was held at an instant; of guard and daemon together where it is a sum."""

    minute: float
    daemon_kb: int  # anonymous memory: what code and mapped files take does not grow
    guard_kb: int
    descriptors: int
    run_kb: int
    flash_kb: int  # written since the start, by the daemon and by jobs that ended
    ledger: int
    cpu_s: float


def names(rate: float, seconds: float) -> Iterator[str]:
    maker = Maker()
    hot, listed = maker.unique(maker.fresh, HOT), maker.unique(maker.listed, HOT_LISTED)
    often, refused = maker.zipf(hot), maker.zipf(listed)
    for number in range(int(rate * seconds)):
        draw = maker.random.random()
        fresh = f"n{number % FRESH}.site{number % 50_000}.example"
        yield next(often) if draw < 0.7 else next(refused) if draw < 0.85 else fresh


class Toggles(threading.Thread):
    """Somebody who changes something twice a second."""

    def __init__(self, resident: Resident, ids: dict[str, int]) -> None:
        super().__init__(daemon=True)
        self.resident, self.ids = resident, ids
        self.over = threading.Event()
        self.chance = random.Random(1)
        self.done = {"switched": 0, "internet off": 0, "deleted": 0, "not taken": 0}
        self.longest_s = 0.0

    def run(self) -> None:
        client = self.resident.connect()
        whom = [{"device_id": self.ids["alice"]}, {"device_id": self.ids["bob"]}, {"person_id": self.ids["mia"]}]
        while not self.over.wait(0.5):
            draw, who = self.chance.random(), self.chance.choice(whom)
            feature = {"feature": self.chance.choice(("history", "protection")), "actor": "cli"}
            begun = time.monotonic()
            try:
                if draw < 0.9:
                    client.call("off", **who, **feature)
                    client.call("on", **who, **feature, agree=AGREED)
                    what = "switched"
                elif draw < 0.96:
                    client.call("hold.add", **who, seconds=60, actor="cli")
                    client.call("hold.end", **who, actor="cli")
                    what = "internet off"
                else:
                    client.call("delete", **who, actor="cli")
                    what = "deleted"
            except ControlError:
                what = "not taken"
            self.done[what] += 1
            self.longest_s = max(self.longest_s, time.monotonic() - begun)
        client.close()


def look(resident: Resident, began: float) -> Look:
    daemon, guard = resident.daemon, resident.guard
    run = sum(path.stat().st_size for path in (resident.folder / "run").rglob("*") if path.is_file())
    spent = Path(f"/proc/{daemon}/stat").read_text().rpartition(")")[2].split()
    return Look(
        (time.monotonic() - began) / 60,
        number(f"/proc/{daemon}/status", "RssAnon:"),
        number(f"/proc/{guard}/status", "RssAnon:"),
        sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in (daemon, guard)),
        run // 1024,
        number(f"/proc/{daemon}/io", "\nwrite_bytes:") // 1024,
        (resident.folder / "state" / "state.db").stat().st_size // 1024,
        (int(spent[11]) + int(spent[12])) / 100,
    )


def number(path: str, key: str) -> int:
    found = re.search(key + r"\s*(\d+)", Path(path).read_text())
    assert found, (path, key)
    return int(found[1])


def slope(looks: list[Look]) -> tuple[float, float]:
    """MB an hour of the daemon's memory, and how far chance alone may have bent that (twice the standard error)."""
    xs, ys = [one.minute / 60 for one in looks], [one.daemon_kb / 1024 for one in looks]
    line = statistics.linear_regression(xs, ys)
    rest = sum((y - line.intercept - line.slope * x) ** 2 for x, y in zip(xs, ys, strict=True)) / max(1, len(xs) - 2)
    middle = statistics.fmean(xs)
    return line.slope, 2 * (rest / sum((x - middle) ** 2 for x in xs)) ** 0.5


def table(looks: list[Look]) -> str:
    lines = ["| minute | daemon, guard: memory of their own | descriptors | `run_dir` | `state.db` | flash | CPU |"]
    lines.append("|---|---|---|---|---|---|---|")
    step = max(1, len(looks) // ROWS)
    for one in [*looks[:-1:step], looks[-1]]:
        lines.append(
            f"| {one.minute:.1f} | {one.daemon_kb / 1024:.2f}, {one.guard_kb / 1024:.2f} MB | {one.descriptors} |"
            f" {one.run_kb} kB | {one.ledger} kB | {one.flash_kb} kB | {one.cpu_s:.0f} s |"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=1000, help="queries a second, of both devices together")
    given = parser.parse_args()
    if reason := missing():
        print(f"{reason}: try sudo tools/bench soak", file=sys.stderr)
        return 3
    with (
        Lab() as lab,
        tempfile.TemporaryDirectory(prefix="soak-", dir="/var/tmp") as disk,
        tempfile.TemporaryDirectory(prefix="soak-", dir="/dev/shm") as memory,
    ):
        soak(lab, Path(disk), Path(memory), given.minutes * 60, given.rate)
    return 0


def soak(lab: Lab, disk: Path, memory: Path, seconds: float, rate: int) -> None:
    for folder in (disk, memory):
        folder.chmod(0o755)
    (disk / "run").symlink_to(memory)
    upstream = "dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --user=root --no-resolv --no-hosts"
    upstream += f" --local-ttl=60 --port={UPSTREAM_PORT} --listen-address=127.0.0.1 --bind-interfaces"
    lab.router.start([*upstream.split(), f"--address=/#/{RESOLVER4}"])
    await_true(lambda: listens(lab.router, UPSTREAM_PORT), "the upstream")
    maker = Maker()
    maker.unique(maker.fresh, HOT)
    (disk / "listed").write_text("\n".join(maker.unique(maker.listed, 100_000)))
    compile_lists([Source(str(disk / "listed"), "bench", category="malware")], str(memory / "rules.bin"))
    resident = Resident(lab, disk, upstream=[f"127.0.0.1:{UPSTREAM_PORT}"], lists_auto=False)
    ids = {"mia": int(str(resident.call("person.add", name="Mia", group="child")["id"]))}
    ids |= {"alice": resident.add("alice", ALICE_MAC), "bob": resident.add("bob", BOB_MAC)}
    resident.call("device.edit", id=ids["bob"], person_id=ids["mia"])
    for device in (ids["alice"], ids["bob"]):
        for feature in ("history", "protection"):
            resident.on(device, feature)
    daemon, began = resident.daemon, time.monotonic()
    loads = [asking(lab, space, disk, rate / 2, seconds) for space in ("alice", "bob")]
    toggles = Toggles(resident, ids)
    toggles.start()
    looks: list[Look] = []
    while any(load.poll() is None for load in loads):
        looks.append(look(resident, began))
        time.sleep(LOOK_S)
    toggles.over.set()
    toggles.join(60)
    looks.append(look(resident, began))
    assert resident.daemon == daemon, f"the daemon was started again:\n{resident.said()}"
    tell(resident, looks, toggles, [str(load.stdout and load.stdout.read().decode()) for load in loads])
    resident.stop()


def asking(lab: Lab, space: str, disk: Path, rate: float, seconds: float) -> subprocess.Popen[bytes]:
    file = disk / ("names-" + space)
    with file.open("w") as out:
        out.writelines(name + " A\n" for name in names(rate, seconds))
    command = f"dnsperf -s {ROUTER4} -d {file} -Q {rate:.0f} -n 1 -T 1 -c 4 -q 200".split()
    return lab.spaces[space].start(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def tell(resident: Resident, looks: list[Look], toggles: Toggles, loads: list[str]) -> None:
    print(table(looks))
    last = [one for one in looks if one.minute > looks[-1].minute / 3]
    grown, chance = slope(last)
    kept = [one.descriptors for one in last]
    print(f"\nslope of the daemon's memory: {grown:+.2f} MB/h (by chance ±{chance:.2f}) over {len(last)} looks")
    print(f"descriptors: {min(kept)} to {max(kept)}, {kept[-1]} at the end")
    hours = looks[-1].minute / 60
    print(f"flash: {looks[-1].flash_kb} kB, {looks[-1].flash_kb / hours / 1024:.1f} MB/h; changes: {toggles.done}")
    print(f"longest change: {toggles.longest_s * 1000:.0f} ms; audit: {resident.audit().get('ok')}")
    print(f"status: {json.dumps(resident.status().get('faults'))}")
    for said in loads:
        figures = re.findall(
            r"(Queries (?:sent|completed|lost)|Queries per second|Average Latency \(s\)):\s*(.+)", said
        )
        print("; ".join(f"{what.lower()} {value}" for what, value in figures))


if __name__ == "__main__":
    sys.exit(main())
