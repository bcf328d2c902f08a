"""State put back over the files in use, with the inodes that it had, between two boots: noticed, and nothing is on."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.promises.household import Home

WAYS = {
    "cp -a": "cp -a {backup}/. {state}/",
    "cat": "cd {backup}; for f in *; do cat $f > {state}/$f; done",
    "dd": "cd {backup}; for f in *; do dd if=$f of={state}/$f conv=notrunc status=none; done",
    "cp -a and touch": "cp -a {backup}/. {state}/; touch -r {backup}/anchor {state}/anchor",
    "anchor and database only": "cat {backup}/anchor > {state}/anchor; cat {backup}/state.db > {state}/state.db",
}


def on(home: Home) -> bool:
    return bool(home.ask("device.list")["items"][0]["features"]["history"]["on"])


@pytest.mark.parametrize("way", WAYS)
def test_it_is_noticed(home: Home, way: str, tmp_path: Path) -> None:
    home.start()
    home.ask("device.add", label="tablet", address="127.0.0.2")
    home.ask("on", device_id=1, feature="history", agree=1)
    home.power_cut()
    inodes = [(name, (tmp_path / "state" / name).stat().st_ino) for name in ("anchor", "state.db")]
    shutil.copytree(home.state_dir, tmp_path / "backup")
    home.start()
    assert on(home), "a boot is no restore"
    home.ask("off", device_id=1, feature="history")
    home.power_cut()
    subprocess.run(["sh", "-c", WAYS[way].format(backup=tmp_path / "backup", state=home.state_dir)], check=True)
    assert [(name, (tmp_path / "state" / name).stat().st_ino) for name, _ in inodes] == inodes
    home.start()
    assert not on(home)
    assert home.ask("device.list")["items"][0]["features"]["history"]["suspended"]


def test_many_boots_are_no_restore(home: Home) -> None:
    home.start()
    home.ask("device.add", label="tablet", address="127.0.0.2")
    home.ask("on", device_id=1, feature="history", agree=1)
    for _ in range(20):
        home.power_cut()
        home.start()
        assert on(home)
