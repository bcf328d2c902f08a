"""The scenario in QEMU, from the install to the removal."""

import resource
import shutil
from pathlib import Path

import pytest

from tests.qemu import openwrt, scenario
from tests.qemu.story import Story
from tools.openwrt import bytecode, combined, rootfs, trial

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


def tell(steps: tuple[scenario.Step, ...], running: trial.Trial, prepared: scenario.Step | None = None) -> float:
    """Run the steps; returns the CPU time that it took. A failing step prints the console."""
    began = cpu_s()
    story = Story(running.router, running.world)
    try:
        for step in (*((prepared,) if prepared else ()), *steps):
            step(story)
    except BaseException:
        print(running.router.log[-20_000:])
        print(running.router.run("logread")[1])
        raise
    finally:
        running.end()
    return cpu_s() - began


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.skipif(missing() != "", reason=missing())
def test_basic_scenario(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = trial.prepare(tmp_path, trial.BASIC)
    spent = tell(scenario.BASIC, trial.start(made, tmp_path / "console.log"))
    with capsys.disabled():
        print(f"basic scenario: {spent:.0f} s of CPU time, wanted {BASIC_S}")


@pytest.mark.skipif(missing() != "", reason=missing())
def test_full_scenario(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = trial.prepare(tmp_path, trial.FULL)
    spent = tell(scenario.FULL, trial.start(made, tmp_path / "console.log"))
    with capsys.disabled():
        print(f"full scenario: {spent:.0f} s of CPU time, wanted {FULL_S}")


@pytest.mark.skipif(missing() != "", reason=missing())
@pytest.mark.skipif(combined.missing() != "", reason=combined.missing())
def test_a_disk_that_boots_by_itself_is_driven_as_openwrts_would_be(tmp_path: Path) -> None:
    """Boot loader, console and surroundings as with a real image: what --openwrt does, with a router of ours."""
    made = trial.prepare(tmp_path, trial.BASIC)
    given = trial.imitation(made, tmp_path)
    system = trial.system_disk(given, tmp_path)
    running = trial.start_pair(made, system, given.name, online=False, log=tmp_path / "console.log")
    tell(scenario.BASIC, running, lambda story: openwrt.adopt(story, [], online=False))
