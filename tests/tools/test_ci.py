"""Continuous integration's phases: limits hold, nothing is left behind, what is printed is bounded."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from pathlib import Path
from tools import ci
ci.LOGS, ci.GRACE_S, ci.TELL_EVERY_S = Path(sys.argv[1]), 1, 1
ci.PHASES = tuple(ci.Phase(name, float(minutes), ["sh", "-c", text]) for name, minutes, text in {phases!r})
sys.exit(ci.main())
"""


def run(folder: Path, *phases: tuple[str, float, str], ended_after_s: float = 0) -> tuple[int, str]:
    command = [sys.executable, "-c", PROGRAM.format(phases=phases), str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        if ended_after_s:
            time.sleep(ended_after_s)
            process.terminate()
        said, _ = process.communicate(timeout=60)
        return process.returncode, said


def gone(file: Path) -> bool:
    end = time.monotonic() + 5
    while os.path.exists(f"/proc/{int(file.read_text())}") and time.monotonic() < end:
        time.sleep(0.05)
    return not os.path.exists(f"/proc/{int(file.read_text())}")


def test_all_is_well(tmp_path: Path) -> None:
    code, said = run(tmp_path, ("one", 1, "echo hello; umask"), ("two", 1, "cat"))
    assert code == 0, said
    assert "hello\n0022\n" in said and "ci: all is well" in said
    assert (tmp_path / "one.log").read_text() == "hello\n0022\n"


def test_a_failure_is_told_and_the_rest_runs(tmp_path: Path) -> None:
    code, said = run(tmp_path, ("one", 1, "exit 7"), ("two", 1, "echo on"))
    assert code == 1 and "one failed (exit 7)" in said and "\non\n" in said


def test_without_its_tools_nothing_else_runs(tmp_path: Path) -> None:
    code, said = run(tmp_path, ("prepare", 1, "exit 1"), ("two", 1, "echo on"))
    assert code == 1 and "\non\n" not in said


def test_a_phase_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    text = f"trap '' TERM; setsid sleep 99 & echo $! >{tmp_path}/pid; while :; do sleep 0.1; done"
    code, said = run(tmp_path, ("slow", 0.03, text))
    assert code == 1 and "slow took longer than 0.03 minutes" in said
    assert "slow goes on" in said and gone(tmp_path / "pid")


def test_what_a_phase_left_is_told_and_killed(tmp_path: Path) -> None:
    code, said = run(tmp_path, ("one", 1, f"setsid sleep 98 & echo $! >{tmp_path}/pid; sleep 0.5"))
    assert code == 0 and "left this process behind, it was killed: sleep 98" in said
    assert gone(tmp_path / "pid")


def test_an_end_from_outside_takes_all_along(tmp_path: Path) -> None:
    code, said = run(tmp_path, ("one", 1, f"setsid sleep 97 & echo $! >{tmp_path}/pid; wait"), ended_after_s=1.5)
    assert code == 128 + 15 and gone(tmp_path / "pid"), said


def test_output_is_bounded_and_its_end_is_shown(tmp_path: Path) -> None:
    code, said = run(tmp_path, ("loud", 1, "seq 2000000; echo the end"))
    assert code == 0 and len(said) < 400_000 and "… shortened" in said and "the end\n" in said
    assert (tmp_path / "loud.log").stat().st_size > 10_000_000
