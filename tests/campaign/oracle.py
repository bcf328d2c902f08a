"""Knows every name that was sent, and what was promised then; looks at what is kept, and says what is wrong."""

import re
import threading
import time
from pathlib import Path
from typing import Any

NAME = re.compile(rb"q(\d)x(\d+)y")


def name(client: int, number: int) -> str:
    """A name that nobody asks for twice: it ends in a letter, so that a part of it is not another's."""
    return f"q{client}x{number}y.who"


class Device:
    """A client of the household. `off` and `on` (of history) hold from the acknowledgement to the next wish."""

    protected = False  # then the agent answers it while history is off

    def __init__(self, number: int, label: str, mac: str, id: int | None) -> None:
        self.number, self.label, self.mac, self.id = number, label, mac, id
        self.off, self.on = True, False
        self.sent = 0
        self.quiet: set[int] = set()
        self.answered: dict[int, float] = {}  # by the agent, while on for sure: when
        self.erased: set[int] = set()
        self.forgiven: set[int] = set()  # answered while a deletion ran: kept or not, both are right
        self.by: dict[str, int] = {"agent": 0, "router": 0, "wan": 0, "nobody": 0}
        self.gaps: list[tuple[float, float]] = []
        self.toggles = self.deletions = 0
        # While its link is down a client's own kernel keeps what it sends, until the neighbour is found again.
        self.cut_until = 0.0
        self.wrong: list[str] = []
        self.story: list[tuple[float, str]] = []  # what was asked for it, and how that ended

    def quiet_now(self) -> bool:
        """Whether what is sent now reaches the router while off was acknowledged."""
        return self.off and time.monotonic() > self.cut_until

    def heard(self, number: int, who: str, on: bool) -> None:
        """A name was answered by `who`; `on` as it was when it was sent."""
        self.by[who] += 1
        if who == "agent" and number in self.quiet and not self.protected:
            self.wrong.append(f"P2: {self.label}'s {name(self.number, number)} was sent while off, and met the agent")
        if who == "agent" and on and self.on:
            self.answered[number] = time.monotonic()

    def longest_gap(self, since: float, until: float) -> float:
        """Of those that began then, in seconds: from the first question without an answer to the next answer."""
        return max((end - start for start, end in list(self.gaps) if since <= start <= until), default=0.0)


class Oracle:
    """`copies`: whether the household wants its history to outlive a restart, so that some of it is on flash."""

    def __init__(self, devices: list[Device], folder: Path, copies: bool = False) -> None:
        self.devices, self.folder, self.copies = devices, folder, copies
        self.seen: list[set[int]] = [set() for _ in devices]  # ever found in a file of the daemon's
        self.lock = threading.Lock()

    def kept(self, part: str) -> dict[str, set[tuple[int, int]]]:
        """Names in the bytes of each file: no reader of the database, which would disturb what is looked at."""
        found = {}
        for path in sorted((self.folder / part).rglob("*")):
            try:
                data = path.read_bytes() if path.is_file() else b""
            except OSError:  # gone meanwhile
                continue
            found[f"{part}/{path.name}"] = {(int(one), int(number)) for one, number in NAME.findall(data)}
        return found

    def look(self) -> list[str]:
        """P1, P2, P6 in the files and on the wire."""
        wrong = []
        for device in self.devices:
            with self.lock:
                wrong += device.wrong
                device.wrong = []
        quiet = [set(device.quiet) for device in self.devices]
        erased = [set(device.erased) for device in self.devices]
        flash = self.kept("state")
        for file, names in flash.items():
            if names and not (self.copies and file.startswith("state/history.db")):
                wrong.append(f"P1: {len(names)} names are on flash, in {file}: {sample(names)}")
        for file, names in (*flash.items(), *self.kept("run").items()):
            off = {(one, number) for one, number in names if number in quiet[one]}
            back = {(one, number) for one, number in names if number in erased[one]}
            if off:
                wrong.append(f"P1: {len(off)} names sent while off are in {file}: {sample(off)}")
            if back:
                wrong.append(f"P6: {len(back)} erased names are in {file}: {sample(back)}")
            for one, number in names:
                self.seen[one].add(number)
        return wrong

    def judge(self, client: Any) -> list[str]:
        """P1 and P5 as the daemon tells them."""
        wrong = []
        proof = client.call("audit")
        if not proof["ok"]:
            wrong.append(f"P5: audit finds {str(proof['findings'])[:400]}")
        before = {device.id: device.off for device in self.devices}
        rows = {row["id"]: row for row in client.call("device.list")["items"]}
        for device in self.devices:
            if device.id in rows and before[device.id] and device.off and rows[device.id]["features"]["history"]["on"]:
                wrong.append(f"P1: off was acknowledged for {device.label}, and it is on")
        return wrong

    def lost(self) -> list[tuple[float, int]]:
        """(when, device) of each name that was answered while on, not erased, and never seen in a file."""
        return [
            (when, device.number)
            for device in self.devices
            for number, when in device.answered.items()
            if number not in self.seen[device.number] | device.erased | device.forgiven
        ]


def sample(names: set[tuple[int, int]]) -> str:
    return ", ".join(name(*pair) for pair in sorted(names)[:3])
