"""The number beside state.db: what is written, how, and what counts when the two do not agree."""

import os
from pathlib import Path

import pytest

from agent.daemon.reports.budget import UNSETTLED
from agent.daemon.reports.spent_file import SpentFile
from tests.promises.household import Home


def test_it_is_durable_private_and_of_one_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bytes] = []
    sync = os.fsync

    def fsync(fd: int) -> None:
        synced.append((tmp_path / "spent").read_bytes())
        sync(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    file = SpentFile(str(tmp_path / "spent"))
    assert file.missing is True
    opened = len(os.listdir("/proc/self/fd"))
    for value in (7, 123456):
        file.save(value)
        assert (tmp_path / "spent").read_bytes() == b"privacy-agent spent 1 %d" % value + b" " * (
            63 - len(b"privacy-agent spent 1 %d" % value)
        ) + b"\n", "of 64 bytes, the last a line's end"
        assert (tmp_path / "spent").stat().st_mode & 0o777 == 0o600
    assert synced[-1] == (tmp_path / "spent").read_bytes() and len(synced) == 2
    assert len(os.listdir("/proc/self/fd")) == opened
    assert file.missing is False


def test_which_number_counts(tmp_path: Path) -> None:
    file = SpentFile(str(tmp_path / "spent"))
    assert file.read(0, 0) == 0
    assert file.read(500, 0) is None and file.read(0, 1) is None
    file.save(700)
    assert file.read(500, 1) == 700 and file.read(900, 1) == 900 and file.read(0, 1) == 700
    file.save(0)
    assert file.read(0, 0) == 0 and file.read(0, 1) is None and file.read(5, 1) == 5
    for damaged in (
        b"",
        b"privacy-agent spent 2 7",
        b"privacy-agent spent 1",
        b"privacy-agent spent 1 x",
        b"a b c 7 8",
        b"\xff\xfe",
    ):
        (tmp_path / "spent").write_bytes(damaged)
        assert file.read(5, 1) is None
    (tmp_path / "spent").unlink()
    (tmp_path / "spent").mkdir()
    assert file.read(0, 0) is None, "what can't be read is not nothing"


def test_the_settings_are_what_is_charged_by(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    household = home.start(report_epsilon_milli=400, report_budget_milli=9000)
    budget = household.reports.budget
    assert (budget.epsilon, budget.lifetime, budget.spent()) == (400, 9000, 0)
    assert budget.after_one_more() == 400
    budget.note(8700)
    assert budget.spent() == 8700 and budget.after_one_more() is None
    budget.note_restored(False)
    assert household.state.meta(UNSETTLED, "") == ""
    budget.note_restored(True)
    last = household.state.ledger.head
    assert household.state.meta(UNSETTLED, "") == str(last.at if last else 0)
    home.crash()
