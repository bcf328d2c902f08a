"""tools/try does what it promises: the first command of the README, on a household made for it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 120


def test_the_main_job_is_done_by_itself() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "trial.py"), "--offline", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
