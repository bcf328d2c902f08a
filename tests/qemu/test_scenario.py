"""The scenario in QEMU, from the install to the removal: all of it, and its main line on a disk that boots by itself.

The two run beside each other: each has a processor of its own where there are two.
"""

import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.qemu import scenario
from tests.qemu.story import Story
from tools.openwrt import bytecode, combined, rootfs, trial

TOOL = Path(__file__).resolve().parents[2] / "tools" / "qemu-image"
# What an idle machine of two cores is held to; told with the run, because a busy machine is no failure.
FULL_S = 300
BESIDE_MAX_S = 1200


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
    return combined.missing()


pytestmark = [pytest.mark.skipif(missing() != "", reason=missing()), pytest.mark.timeout(2 * BESIDE_MAX_S)]


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """The main line on a disk with a boot loader, as tools/qemu-image runs it on an image of OpenWrt."""
    command = [sys.executable, str(TOOL), "run", "--imitate", "--folder", str(tmp_path_factory.mktemp("beside"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        yield process
        process.send_signal(signal.SIGINT)  # it takes its machines with it


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_full_scenario(beside: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    began = cpu_s()
    running = trial.start(trial.prepare(tmp_path, trial.FULL), tmp_path / "console.log")
    try:
        for step in scenario.FULL:
            step(Story(running.router, running.world))
    except BaseException:
        print(running.router.log[-20_000:])
        print(running.router.run("logread")[1])
        raise
    finally:
        running.end()
    with capsys.disabled():
        print(f"full scenario: {cpu_s() - began:.0f} s of CPU time, wanted {FULL_S}")


def test_a_disk_that_boots_by_itself_is_driven_as_openwrts_would_be(beside: subprocess.Popen[str]) -> None:
    """Boot loader, console and surroundings as with a real image: what --openwrt does, with a router of ours."""
    told, _ = beside.communicate(timeout=BESIDE_MAX_S)
    assert beside.returncode == 0, told
    assert [line.split(":")[0] for line in told.splitlines() if line.split(":")[0] == "remove"]
