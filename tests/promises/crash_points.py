"""A life of a household, and what its folders would hold if power failed after each call that changes one.

Run with crashing.c preloaded. After each write, truncation, sync, creation, rename and unlink four sets of folders are
noted, and what was acknowledged until then:

- `killed`: flash and RAM as they are;
- `cut`: flash as it is, RAM empty;
- `synced`: of each file on flash what was synced last, RAM empty; names as they are;
- `strict`: as `synced`, and of each folder on flash the names of its last sync.
"""

import contextlib
import ctypes
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from agent.core.features import FEATURES, NOTICE_VERSION
from tests.promises.household import Home, observe

ADDRESSES = ("127.0.0.2", "127.0.0.3")
KINDS = ("killed", "cut", "synced", "strict")
SYNCED, MADE = 1, 2  # as in crashing.c
AFTER = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_int)


class Points:
    """Contents are stored once each, by their digest's number, so that a thousand points take little room."""

    def __init__(self, home: Home, folder: Path) -> None:
        self.home = home
        self.folder = folder
        self.synced = folder / "synced"  # content by inode; a forked helper writes there as well
        self.names = folder / "names"  # of each folder, by inode: {name: inode}
        self.at = folder / "points"
        self.acknowledged: dict[str, Any] = {"on": [], "off": [], "erased": [], "gone": [], "kept": []}
        for made in (self.synced, self.names, self.at):
            made.mkdir(parents=True)

    def after(self, what: int, fd: int) -> None:
        if what == SYNCED:
            self._note_sync(fd)
        if what == MADE:  # a new file may have the inode of one that is gone
            (self.synced / str(os.fstat(fd).st_ino)).unlink(missing_ok=True)
        name = f"{len(os.listdir(self.at)):05d}-{os.getpid()}"
        point = self.at / name
        point.mkdir()
        state, run = Path(self.home.state_dir), Path(self.home.run_dir)
        shutil.copytree(state, point / "state")
        if run.exists():
            shutil.copytree(run, point / "run", ignore=shutil.ignore_patterns("*.sock"))
        for kind in ("synced", "strict"):
            names = {entry.name: entry.stat().st_ino for entry in os.scandir(state) if entry.is_file()}
            if kind == "strict":
                noted = self.names / str(state.stat().st_ino)
                names = json.loads(noted.read_text()) if noted.exists() else {}
            (point / kind).mkdir()
            for file, inode in names.items():
                content = self.synced / str(inode)
                if content.exists():
                    shutil.copy(content, point / kind / file)
                else:
                    (point / kind / file).touch()
        (point / "acknowledged.json").write_text(json.dumps(self.acknowledged))

    def _note_sync(self, fd: int) -> None:
        path, inode = os.readlink(f"/proc/self/fd/{fd}"), os.fstat(fd).st_ino
        if os.path.isdir(path):
            listing = {entry.name: entry.stat().st_ino for entry in os.scandir(path) if entry.is_file()}
            (self.names / str(inode)).write_text(json.dumps(listing))
        elif os.path.exists(path):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(path, self.synced / str(inode))


class Life:
    """What is done to the household, and what it acknowledged."""

    def __init__(self, home: Home, points: Points) -> None:
        self.home = home
        self.told = points.acknowledged
        self.count = 0

    def switch(self, op: str, device: int, feature: str) -> None:
        key = [device, feature]
        self.told["on"] = [one for one in self.told["on"] if one != key]
        self.told["off"] = [one for one in self.told["off"] if one != key]
        self.home.ask(
            op, device_id=device, feature=feature, **({"agree": FEATURES[feature].version} if op == "on" else {})
        )
        self.told[op].append(key)

    def visit(self, number: int, host: str) -> None:
        assert self.home.household is not None
        observe(self.home.household, ADDRESSES[number - 1], host.encode())
        self.home.household.flush()

    def keep(self) -> None:
        """The copy on flash, made by a forked helper."""
        assert self.home.household is not None and self.home.household.snapshots.start()
        while not self.home.household.snapshots.finished():
            pass

    def erase(self, host: str, op: str, **arguments: object) -> None:
        """A name that is not to be found once this is acknowledged."""
        self.home.ask(op, **arguments)
        self.told["erased"].append(host)

    def play(self) -> None:
        ask = self.home.ask
        ask("person.add", name="Mia", group="child")
        for number, address in enumerate(ADDRESSES):
            ask("device.add", label=f"device{number}", address=address, person_id=1)
        self.switch("on", 1, "history")
        self.switch("on", 2, "protection")
        for host in ("first.example", "second.example", "third.example"):
            self.visit(1, host)
        self.keep()
        self.switch("off", 1, "history")
        self.visit(1, "unseen.example")
        self.switch("on", 1, "history")
        ask("block", name="blocked.example", scope="household")
        self.erase("blocked.example", "rule.remove", id=1)
        self.visit(1, "fourth.example")
        visits: Any = ask("history", all=True)["items"]
        found = next(row["id"] for row in visits if "second.example" in row["site"])
        self.erase("second.example", "visit.delete", id=found)
        ask("person.edit", id=1, name="Mia", group="teen")
        self.erase("first.example", "delete", device_id=1)
        self.told["erased"] += ["third.example", "fourth.example"]
        self.visit(1, "fifth.example")
        self.keep()
        self.told["on"] = []
        ask("pause")
        ask("resume", all=True, agree=NOTICE_VERSION)
        self.switch("on", 2, "history")
        self.visit(2, "sixth.example")
        self.told["on"] = [one for one in self.told["on"] if one[0] != 1]
        ask("device.remove", id=1)
        self.told["erased"].append("fifth.example")
        self.told["gone"].append("device0")
        self.switch("off", 2, "history")
        self.home.household.flush()


def main(folder: str) -> None:
    preloaded = ctypes.CDLL(None)
    home = Home(os.path.join(folder, "home"))
    points = Points(home, Path(folder))
    os.makedirs(home.state_dir)
    callback = AFTER(points.after)
    preloaded.tell(callback)
    home.start(keep_history=True)
    Life(home, points).play()
    preloaded.tell(AFTER())
    home.crash()


if __name__ == "__main__":
    main(sys.argv[1])
