"""The daemon as it is installed, guard and all, in the lab's router."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

from agent.client import TIMEOUT_S, ControlClient, Unreachable
from tests import harness
from tests.lab.lab import UPSTREAM, Lab

ROOT = Path(__file__).resolve().parent.parent.parent
AGREED = 1


class Resident:
    """`privacy-agent run` with its state in a folder, asked by its control socket. With options of
    `handed` it runs by the harness."""

    def __init__(
        self, lab: Lab, folder: Path, prefix: tuple[str, ...] = (), handed: tuple[str, ...] = (), **settings: object
    ) -> None:
        self.lab = lab
        self.folder = folder
        self.settings = folder / "settings.json"
        values = {
            "state_dir": str(folder / "state"),
            "run_dir": str(folder / "run"),
            "interfaces": ["br-lan", "br-guest"],
            "leases_file": str(lab.leases),
            "upstream": [UPSTREAM],
            "web_listen": [],
            **settings,
        }
        self.settings.write_text(json.dumps(values))
        self.log = (folder / "log").open("wb")
        given = harness.handed(self.settings, *handed) if handed else harness.product(self.settings)
        command = [*prefix, *given]
        self.process = lab.router.start(command, cwd=ROOT, stdout=self.log, stderr=self.log)
        self.client = self.connect()

    def connect(self, within_s: float = 15.0) -> ControlClient:
        """A connection that answers; the listener of a daemon about to be killed only takes one in."""
        end = time.monotonic() + within_s
        while True:
            client = None
            try:
                client = ControlClient(str(self.folder / "run" / "control.sock"))
                client._link.settimeout(0.5)
                client.call("features")
                client._link.settimeout(TIMEOUT_S)
                return client
            except Unreachable:
                if client is not None:
                    client.close()
                if self.process.poll() is not None or time.monotonic() > end:
                    raise AssertionError(f"the daemon does not answer:\n{self.said()}") from None
                time.sleep(0.01)

    def said(self) -> str:
        return (self.folder / "log").read_text()

    def call(self, op: str, **arguments: object) -> dict[str, object]:
        return self.client.call(op, **arguments)

    def add(self, label: str, mac: str) -> int:
        number = self.call("device.add", label=label, mac=mac, actor="cli")["id"]
        assert isinstance(number, int)
        return number

    def on(self, device: int, feature: str = "history") -> None:
        self.call("on", device_id=device, feature=feature, agree=AGREED, actor="cli")

    def off(self, device: int, feature: str = "history") -> None:
        self.call("off", device_id=device, feature=feature, actor="cli")

    def status(self) -> dict[str, object]:
        return self.call("status")

    @property
    def kernel(self) -> dict[str, object]:
        found = self.status()["kernel"]
        assert isinstance(found, dict)
        return found

    def audit(self) -> dict[str, object]:
        return self.call("audit")

    def rows(self, query: str, file: str = "run/history.db") -> list[tuple[object, ...]]:
        """What a query finds in the daemon's own file; nobody else reads it in the product."""
        with sqlite3.connect(f"file:{self.folder / file}?mode=ro", uri=True) as database:
            found = database.execute(query).fetchall()
        database.close()
        return found

    @property
    def guard(self) -> int:
        return self.process.pid

    @property
    def daemon(self) -> int:
        """The pid of the guard's child."""
        return children(self.guard)[0]

    def kill(self, number: int = signal.SIGKILL) -> float:
        """Sends the daemon a signal; when."""
        os.kill(self.daemon, number)
        return time.monotonic()

    def stop(self) -> int:
        self.client.close()
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the daemon does not stop:\n{self.said()}") from None
        finally:
            self.log.close()


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


__all__ = ["Resident", "children"]
