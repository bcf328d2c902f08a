"""privacy-agent week-file … and history-copy …, against a real daemon."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core import age, bech32
from tests.daemon.reporting import TOOLS
from tests.promises.running import ROOT, Running

KEY = bech32.encode(age.RECIPIENT, TOOLS.public_of(os.urandom(32)))
PLACE = "https://localhost:1/week/"


class Shell:
    """The command line of one household."""

    def __init__(self, running: Running) -> None:
        self.socket = str(running.run_dir / "control.sock")

    def __call__(self, *words: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "agent", "--socket", self.socket, *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    running = Running(tmp_path_factory.mktemp("commands"), keep_history=True)
    running.client().close()
    yield Shell(running)
    assert running.stop() == 0


def test_a_weekly_file_from_on_to_off(shell: Shell, tmp_path: Path) -> None:
    assert "off. Nothing is sent" in shell("week-file")
    assert "stays off. In a script, agree with --agree" in shell("week-file", "on", PLACE, KEY, code=6)
    notice = str(json.loads(shell("week-file", "preview", "--json"))["notice"])
    (tmp_path / "pw").write_text("secret\n")
    words = ("--user", "ada", "--password-file", str(tmp_path / "pw"), "--agree", notice)
    assert "letter of the key is wrong" in shell("week-file", "on", PLACE, KEY[:-2] + "qq", *words, code=5)
    assert shell("week-file", "on", PLACE, KEY, *words, "--certificate", str(tmp_path / "none"), code=2)
    assert "the first one goes now" in shell("week-file", "on", PLACE, KEY, *words)
    told = shell("week-file")
    assert f"{PLACE} as ada" in told and KEY in told and "secret" not in told
    assert "What would be in it now, padded to 4096 bytes" in shell("week-file", "preview")
    assert shell("week-file", "list")
    assert "until you delete them there" in shell("week-file", "off")
    assert json.loads(shell("week-file", "--json"))["target"] is None


def test_a_copy_that_is_sealed_and_is_not(shell: Shell, tmp_path: Path) -> None:
    assert "not sealed" in shell("history-copy")
    assert "--passphrase-file" in shell("history-copy", "seal", code=2)
    (tmp_path / "words").write_text("correct horse battery\n")
    file = ("--passphrase-file", str(tmp_path / "words"))
    assert "needs the passphrase" in shell("history-copy", "seal", *file)
    assert json.loads(shell("history-copy", "--json"))["sealed"]
    assert "no locked history" in shell("history-copy", "unlock", *file, code=5)
    assert "Repeat with --yes" in shell("history-copy", "drop", code=6)
    assert shell("history-copy", "drop", "--yes", code=5)
    assert "not sealed any more" in shell("history-copy", "unseal")
