"""The scenario in QEMU, from the install to the removal."""

import resource
import shutil
from pathlib import Path

import pytest

from tests.qemu import scenario
from tests.qemu.story import Story
from tools.openwrt import bytecode, rootfs, trial

# What an idle machine of two cores is held to; told with the run, because a busy machine is no failure.
BASIC_S = 90
FULL_S = 300


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


def tell(steps: tuple[scenario.Step, ...], folder: Path, feeds: tuple[str, ...]) -> float:
    """Run the steps; returns the CPU time that it took. A failing step prints the console."""
    made = trial.prepare(folder, feeds)
    router = trial.start(made, folder / "console.log")
    began = cpu_s()
    try:
        for step in steps:
            step(Story(router))
    except BaseException:
        print(router.log[-20_000:])
        print(router.run("cat /tmp/log/messages")[1])
        raise
    finally:
        router.power_off()
    return cpu_s() - began


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.skipif(missing() != "", reason=missing())
def test_basic_scenario(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spent = tell(scenario.BASIC, tmp_path, trial.FEEDS[:1])
    with capsys.disabled():
        print(f"basic scenario: {spent:.0f} s of CPU time, wanted {BASIC_S}")


@pytest.mark.skipif(missing() != "", reason=missing())
def test_full_scenario(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spent = tell(scenario.FULL, tmp_path, trial.FEEDS)
    with capsys.disabled():
        print(f"full scenario: {spent:.0f} s of CPU time, wanted {FULL_S}")
