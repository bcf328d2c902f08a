"""The scenario in QEMU, from the install to the removal."""

import shutil
import time
from pathlib import Path

import pytest

from tests.qemu import scenario
from tests.qemu.story import Story
from tools.openwrt import bytecode, rootfs, trial

WALL_S = 90  # CI's budget for the basic scenario


def missing() -> str:
    """Why it can't run here, or nothing."""
    for program in ("qemu-system-x86_64", "make", "mke2fs"):
        if shutil.which(program, path="/usr/bin:/usr/sbin:/bin:/sbin:/usr/local/bin") is None:
            return f"{program} is not installed"
    try:
        rootfs.kernel()
        bytecode.interpreter("3.11")
    except (rootfs.Missing, bytecode.WrongPython) as error:
        return str(error)
    return ""


@pytest.mark.skipif(missing() != "", reason=missing())
def test_basic_scenario(tmp_path: Path) -> None:
    made = trial.prepare(tmp_path)
    began = time.monotonic()
    router = trial.start(made, tmp_path / "console.log")
    try:
        for step in scenario.BASIC:
            step(Story(router))
    except BaseException:
        print(router.log)
        raise
    finally:
        router.power_off()
    spent = time.monotonic() - began
    assert spent < WALL_S, f"{spent:.0f} s"
