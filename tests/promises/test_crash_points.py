"""Power fails after any call that changes a file: what was acknowledged holds at the next start.

What is off stays off, what is on is on, nothing that was deleted is found in any byte, nobody removed is back, and
the audit holds. CRASH_POINTS=all looks at every point, otherwise at a sample.
"""

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.daemon.store.rollback_check import SIZE_BYTES, RollbackCheck
from tests.promises.crash_points import KINDS
from tests.promises.household import Home

SAMPLE = 40
SOURCE = Path(__file__).with_name("crashing.c")


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One life, a folder for each point of it."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("not here: a C compiler")
    folder = tmp_path_factory.mktemp("life")
    made = folder / "crashing.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-w", "-o", str(made), str(SOURCE), "-ldl"], check=True)
    life = subprocess.run(
        [sys.executable, "-m", "tests.promises.crash_points", str(folder)],
        env={**os.environ, "LD_PRELOAD": str(made), "PRIVACY_AGENT_STRICT": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert life.returncode == 0, life.stderr
    return sorted((folder / "points").iterdir())


class Found:
    """The folders of one point after a power cut, put in place; `wrong` is what does not hold."""

    def __init__(self, point: Path, kind: str, folder: Path) -> None:
        self.told: dict[str, Any] = json.loads((point / "acknowledged.json").read_text())
        self.home = Home(str(folder))
        self.wrong: list[str] = []
        shutil.copytree(point / (kind if kind in ("synced", "strict") else "state"), self.home.state_dir)
        if kind == "killed" and (point / "run").exists():
            shutil.copytree(point / "run", self.home.run_dir)
        for lies in (self.home.state_dir, self.home.run_dir):
            _accept(Path(lies) / "anchor")

    def judged(self) -> list[str]:
        self.erased("before the start")
        self.home.start(keep_history=True)
        self.started()
        self.home.crash()
        self.erased("after the start")
        return self.wrong

    def started(self) -> None:
        household = self.home.household
        assert household is not None
        if household.trouble:
            self.wrong.append(f"trouble: {household.trouble}")
        devices = {device.id: device for device in household.state.devices()}
        for device_id, feature in self.told["off"]:
            if device_id in devices and household.toggles.is_on(devices[device_id], feature):
                self.wrong.append(f"{feature} of {device_id} is on")
        for device_id, feature in self.told["on"]:
            if device_id in devices and not household.toggles.is_on(devices[device_id], feature):
                self.wrong.append(f"{feature} of {device_id} is not on")
        for label in self.told["gone"]:
            if label in [device.label for device in devices.values()]:
                self.wrong.append(label + " is back")
        audit = self.home.ask("audit")
        if not audit["ok"]:
            self.wrong.append("audit: " + "; ".join(audit["findings"]))

    def erased(self, when: str) -> None:
        for lies in (self.home.state_dir, self.home.run_dir):
            for file in sorted(Path(lies).rglob("*")) if os.path.exists(lies) else []:
                content = file.read_bytes() if file.is_file() else b""
                for name in self.told["erased"]:
                    if name.encode() in content:
                        self.wrong.append(f"{name} in {file.name} {when}")


def _accept(note: Path) -> None:
    """A copied note counts as the one that was here; what is torn stays torn."""
    if not note.exists() or note.stat().st_size != SIZE_BYTES:
        return
    fields = note.read_text().split()
    if len(fields) == 8:
        head: Any = SimpleNamespace(seq=int(fields[6]), hash=bytes.fromhex(fields[7]))
        RollbackCheck(str(note), str(note)).save(head)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_acknowledged_holds(points: list[Path], tmp_path: Path, kind: str) -> None:
    chosen = points if os.environ.get("CRASH_POINTS") == "all" else random.sample(points, min(SAMPLE, len(points)))
    wrong: dict[str, list[str]] = {}
    for point in sorted(chosen):
        found = Found(point, kind, tmp_path / "home").judged()
        if found:
            wrong[point.name] = found
        shutil.rmtree(tmp_path / "home")
    print(f"{kind}: {len(chosen)} of {len(points)} points")
    kinds = Counter(line for lines in wrong.values() for line in lines)
    assert not wrong, f"{len(wrong)} of {len(chosen)} points: {kinds.most_common(8)}; {list(wrong)[:12]}"
