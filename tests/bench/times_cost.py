"""What times cost a daemon: `python -m tests.bench.times_cost [memory] [flash]` (root), one JSON line a part.

memory   PSS of the daemon with 20 people and 40 devices added and protection on for each, then with 28 windows, four
         categories, five services and safe search for each person, then with the internet off for all: megabytes
flash    bytes written to the file system of state_dir on a day of two children with bedtimes and a break, against one
         without: as an ext4 of its own tells, with the clock set by hand
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from agent.core.timezone import DAY_S
from tests.bench.switch import pss_mb
from tests.daemon.limited import NIGHT, Times, at
from tests.lab.lab import Lab
from tests.lab.resident import Resident
from tests.promises.flash import Flash
from tests.promises.household import Home

PEOPLE, DEVICES = 20, 2
SETTLED_S = 6.0
DAYS = "mon,tue,wed,thu,fri,sat,sun".split(",")
WEEK = [
    {"kind": kind, "days": day, "begin": begin, "end": end}
    for day in DAYS
    for kind, begin, end in (
        ("bedtime", "20:30", "07:00"),
        ("break", "12:00", "12:45"),
        ("break", "18:00", "18:45"),
        ("homework", "15:00", "16:00"),
    )
]
CONTENT = {
    "categories": ["adult", "gambling", "dating", "vpn"],
    "services": [
        {"id": id, "mode": "block", "windows": []} for id in ("tiktok", "discord", "roblox", "twitch", "steam")
    ],
    "search": "on",
    "youtube": "moderate",
}


def memory() -> dict[str, object]:
    root = Path(__file__).resolve().parents[2]
    services = root.parent / "shared" / "data" / "parental" / "services-v2fly.json.xz"
    with Lab() as lab, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "data"
        subprocess.run(["cp", "-r", str(root / "blocklists"), str(data)], check=True)
        build = [
            sys.executable,
            str(root / "tools" / "build-services"),
            str(services),
            "-o",
            str(data / "services.json"),
        ]
        subprocess.run(build, check=True, capture_output=True)
        resident = Resident(lab, folder, data_dir=str(data), lists_auto=False)
        people = [resident.call("person.add", name=f"P{n}", group="child", actor="cli")["id"] for n in range(PEOPLE)]
        for number in range(PEOPLE * DEVICES):
            device = resident.add(f"D{number}", f"3c:22:fb:00:01:{number:02x}")
            resident.call("device.edit", device_id=device, person_id=people[number // DEVICES], actor="cli")
            resident.on(device, "protection")
        time.sleep(SETTLED_S)
        found = {"protected_mb": pss_mb(resident.daemon)}
        for person in people:
            resident.call("limits.set", person_id=person, windows=WEEK, actor="cli")
        time.sleep(SETTLED_S)
        found["times_mb"] = pss_mb(resident.daemon)
        for person in people:
            resident.call("content.set", person_id=person, actor="cli", **CONTENT)
        time.sleep(SETTLED_S)
        found["content_mb"] = pss_mb(resident.daemon)
        resident.call("hold.add", children=True, seconds=3600, actor="cli")
        time.sleep(SETTLED_S)
        found["held_mb"] = pss_mb(resident.daemon)
        resident.stop()
    return {**found, "more_mb": round(found["held_mb"] - found["protected_mb"], 2)}


def flash() -> dict[str, object]:
    return {"quiet_day_bytes": day([]), "with_bedtimes_bytes": day([*NIGHT, {**NIGHT[0], "kind": "break", **DINNER}])}


DINNER = {"begin": "18:00", "end": "18:45"}


def day(windows: list[dict[str, str]]) -> int:
    """Written from one noon to the next, after what setting it up wrote."""
    with tempfile.TemporaryDirectory() as name:
        flash = Flash(Path(name) / "image", Path(name) / "mounted")
        try:
            home = Home(str(Path(name) / "home"))
            home.state_dir = str(flash.folder / "state")
            times = Times(home, at(12))
            household = home.household
            assert household
            for person in (1, 2):
                times.ask("limits.set", person_id=person, windows=windows)
            times.tick()
            before = written(flash)
            for second in range(0, DAY_S, 10):
                times.go(10)
                if second % 60 == 0:
                    household.screen_time.minute()
                    household.flush()
            after = written(flash)
            home.crash()
        finally:
            flash.remove()
    return after - before


def written(flash: Flash) -> int:
    subprocess.run(["sync", "-f", str(flash.folder)], check=True)
    device = next(
        line.split()[0] for line in Path("/proc/mounts").read_text().splitlines() if str(flash.folder) in line
    )
    return int(Path("/sys/block", Path(device).name, "stat").read_text().split()[6]) * 512


PARTS = {"memory": memory, "flash": flash}


def main() -> None:
    for name in sys.argv[1:] or list(PARTS):
        print(json.dumps({name: PARTS[name]()}), flush=True)


if __name__ == "__main__":
    main()
