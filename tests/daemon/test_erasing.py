"""Erasing, part by part: what it ends, tells and leaves, each in its turn."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon import erasing
from agent.daemon.household import Household
from tests.promises.household import Home


@pytest.fixture
def household(tmp_path: Path) -> Iterator[Household]:
    home = Home(str(tmp_path))
    made = home.start()
    home.ask("device.add", label="tablet", address="127.0.0.2")
    yield made
    home.crash()


def erased(household: Household, monkeypatch: pytest.MonkeyPatch, table: str, ids: list[int]) -> list[str]:
    done: list[str] = []
    device = household.state.device(1)
    monkeypatch.setattr(household.snapshots, "abandon", lambda: done.append("abandon"))
    monkeypatch.setattr(household.screen_time, "erased", lambda of: done.append(f"minutes of {of.label}"))
    monkeypatch.setattr(household.recorder, "drop", lambda of, some: done.append(f"{of} {len(some)}"))
    for _ in erasing.erase(household, table, device, ids):
        assert household.snapshots.held == 1, "no copy begins while rows go"
        assert household.state.removals.unfinished, "durable before the first row"
    assert household.snapshots.held == 0
    return done


def test_rows_go_in_steps_and_a_copy_under_way_ends(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    many = list(range(1, erasing.STEP + 2))
    assert erased(household, monkeypatch, "visits", many) == ["abandon", f"visits {erasing.STEP}", "visits 1"]


def test_minutes_that_go_are_forgotten_where_they_are_counted(
    household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert erased(household, monkeypatch, "usage", [1]) == ["abandon", "minutes of tablet", "usage 1"]


def test_nothing_to_erase_touches_nothing(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(erasing.erase(household, "visits", household.state.device(1), [])) == []
    assert not household.state.removals.unfinished


@pytest.mark.parametrize("locked", [False, True])
def test_what_follows_in_its_order(household: Household, monkeypatch: pytest.MonkeyPatch, locked: bool) -> None:
    done: list[str] = []
    list(erasing.erase(household, "visits", household.state.device(1), [1]))
    monkeypatch.setattr(household, "flush", lambda: done.append("flush"))
    monkeypatch.setattr(household.week_file, "withdraw", lambda: done.append("withdraw"))
    monkeypatch.setattr(household.snapshots, "drop", lambda: done.append("drop"))
    monkeypatch.setattr(type(household.snapshots), "locked", property(lambda _: locked))
    monkeypatch.setattr(erasing, "scrub", lambda db: done.append(db.path.rpartition("/")[2]) or iter(()))
    list(erasing.rewrite_snapshot(household))
    assert done == ["flush", *(["drop"] if locked else []), "withdraw", "history.db", "state.db"]
    assert not household.state.removals.unfinished


def test_one_that_is_under_way_marks_all(household: Household) -> None:
    list(erasing.erase(household, "visits", household.state.device(1), [1]))
    household.snapshots.held = 1
    list(erasing.rewrite_snapshot(household))
    assert household.state.removals.unfinished
    household.snapshots.held = 0
    list(erasing.rewrite_snapshot(household))
    assert not household.state.removals.unfinished


def test_it_is_told(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[object] = []
    monkeypatch.setattr(household.edges, "publish", said.append)
    noted: list[bool] = []
    monkeypatch.setattr(household.announcements, "noted", lambda: noted.append(True))
    device = household.state.device(1)
    list(erasing.finish(household, [device], "web"))
    assert {"event": "history", "device_id": 1} in said and noted == [True]
    row = household.state.ledger.head
    assert (row.action, row.feature, row.enrolment, row.actor, row.notice) == ("erase", "", device.enrolment, "web", 0)


class Copies:
    """A copy on flash that takes `takes` looks to be written."""

    exists, locked, trouble = True, False, ""

    def __init__(self, takes: int = 0) -> None:
        self.takes, self.held, self.written, self.left = takes, 0, 0, 0
        self.done: list[str] = []

    def start(self) -> bool:
        self.done.append("start")
        self.left = self.takes
        return True

    def finished(self) -> bool:
        if self.left:
            self.left -= 1
            return False
        self.written += "start" in self.done
        return True

    def abandon(self) -> None:
        self.done.append("abandon")
        self.left = 0

    def drop(self) -> None:
        self.done.append("drop")


def test_a_copy_that_was_begun_before_is_ended_first(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may hold what is erased, and would count as the new one."""
    copies = Copies(takes=3)
    monkeypatch.setattr(household, "snapshots", copies)
    assert list(erasing.rewrite_snapshot(household))[-3:] == [erasing.CHILD_S] * 3
    assert copies.done == ["abandon", "start"]


def test_another_erasing_is_waited_for_so_long_and_no_longer(
    household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = Copies()
    copies.held = 1
    monkeypatch.setattr(household, "snapshots", copies)
    monkeypatch.setattr(erasing, "LOOKS_MAX", 3)
    assert [wait for wait in erasing.rewrite_snapshot(household) if wait] == [erasing.CHILD_S] * 3
    assert copies.done == ["abandon", "start"]
