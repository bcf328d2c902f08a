"""privacy-agent report …, against a real daemon."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.reporting import Operator
from tests.promises.running import ROOT, Running


class Shell:
    """The command line of one household."""

    def __init__(self, running: Running) -> None:
        self.socket = str(running.run_dir / "control.sock")

    def __call__(self, *words: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "agent", "--socket", self.socket, "statistics", *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def report(tmp_path: Path) -> Iterator[Shell]:
    running = Running(tmp_path)
    running.client().close()
    yield Shell(running)
    assert running.stop() == 0


def test_the_whole_story(report: Shell, tmp_path: Path) -> None:
    assert "No operator" in report("preview")
    assert "no operator" in report("opt-in", "--agree", "1", "--terms", "x", code=5)
    file = tmp_path / "operator.json"
    file.write_text(json.dumps(Operator().row))
    assert "Repeat with --yes" in report("operator", str(file), code=6)
    assert "Example Institute" in report("operator", str(file), "--yes")
    told = report("opt-in", code=6)
    for words in ("IP address", '"answers":{"', "one of these answers", "Sharing stays off"):
        assert words in told
    shown = json.loads(report("preview", "--json"))
    assert report("opt-in", "--agree", "1", "--terms", "0" * 16, code=6)
    assert "Sharing is on" in report("opt-in", "--agree", str(shown["notice"]), "--terms", shown["terms"])
    assert "Reports are on." in report("preview")
    assert "No report was made" in report("list")
    assert report("show", "1", code=4)
    assert "can't be recalled" in report("opt-out")
    assert "Reports are off." in report("preview")
    assert "No operator" in report("operator", "--none", "--yes")
    file.write_text("{")
    assert report("operator", str(file), "--yes", code=2)
