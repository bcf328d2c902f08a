"""A step may take as long as it makes progress; one that stands still is ended with all it started."""

import subprocess
import sys
from pathlib import Path

from tests.tools.test_ci import gone

PROGRAM = Path(__file__).resolve().parents[2] / "tools" / "progress.py"


def run(seconds: float, text: str) -> tuple[int, str]:
    command = [sys.executable, str(PROGRAM), str(seconds / 60), "sh", "-c", text]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


def test_slow_progress_is_progress() -> None:
    code, said = run(2, "for i in 1 2 3 4 5 6; do sleep 0.5; echo $i; done; exit 7")
    assert (code, said) == (7, "1\n2\n3\n4\n5\n6\n")


def test_what_stands_still_is_ended_with_all_it_started(tmp_path: Path) -> None:
    code, said = run(1, f"echo begun; sleep 96 & echo $! >{tmp_path}/pid; wait")
    assert code == 124 and said.startswith("begun\n") and "no word for" in said
    assert gone(tmp_path / "pid")
