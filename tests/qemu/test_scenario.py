"""The scenario in QEMU, from the install to the removal."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.qemu import scenario
from tests.qemu.story import Story
from tools.openwrt import bytecode, rootfs, trial

WALL_S = 300  # a run that hangs ends here; 90 s is what an idle machine of two cores is held to, and it is printed


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
def test_basic_scenario(tmp_path: Path, record_testsuite_property: Callable[[str, object], None]) -> None:
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
    record_testsuite_property("qemu_basic_seconds", round(spent))
    assert spent < WALL_S, f"{spent:.0f} s"
