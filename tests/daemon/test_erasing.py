"""Erasing, part by part: what it ends, tells and leaves, each in its turn."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon import erasing
from agent.daemon.household import Household
from agent.daemon.store.connection import StorageError
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
    """A copy on flash that takes `takes` looks to be written; `outcomes` are those of the copies in their order:
    "written", "failed", or "ended" by somebody else; written where none is left."""

    exists, locked, trouble = True, False, ""

    def __init__(self, takes: int = 0, outcomes: tuple[str, ...] = ()) -> None:
        self.takes, self.held, self.written, self.left = takes, 0, 0, 0
        self.outcomes = list(outcomes)
        self.under_way = False  # one of somebody else's
        self.done: list[str] = []

    def start(self) -> bool:
        self.done.append("start")
        if self.under_way:
            return False
        self.under_way, self.left = True, self.takes
        return True

    def finished(self) -> bool:
        if self.left:
            self.left -= 1
            return False
        if self.under_way:
            self.under_way = False
            outcome = self.outcomes.pop(0) if self.outcomes else "written"
            self.written += outcome == "written"
            self.trouble = "no room" if outcome == "failed" else ""
        return True

    def abandon(self) -> None:
        self.done.append("abandon")
        self.left, self.under_way = 0, False

    def drop(self) -> None:
        self.done.append("drop")
        self.exists = False


def rewritten(household: Household, monkeypatch: pytest.MonkeyPatch, copies: Copies) -> list[float | None]:
    monkeypatch.setattr(household, "snapshots", copies)
    monkeypatch.setattr(household, "flush", lambda: copies.done.append("flush"))
    return [wait for wait in erasing.rewrite_snapshot(household) if wait]


def test_a_copy_that_was_begun_before_is_ended_first(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may hold what is erased, and would count as the new one."""
    copies = Copies(takes=3)
    copies.under_way = True
    assert rewritten(household, monkeypatch, copies) == [erasing.CHILD_S] * 3
    assert copies.done == ["flush", "abandon", "flush", "start"]


def test_another_erasing_is_waited_for_so_long_and_no_longer(
    household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = Copies()
    copies.held = 1
    monkeypatch.setattr(erasing, "LOOKS_MAX", 3)
    assert rewritten(household, monkeypatch, copies) == [erasing.CHILD_S] * 3
    assert copies.done == ["flush", "abandon", "flush", "start"]


@pytest.mark.parametrize("takes", [0, 2])
def test_a_copy_that_can_not_be_written_goes(household: Household, monkeypatch: pytest.MonkeyPatch, takes: int) -> None:
    """What is erased must not stay."""
    copies = Copies(takes, outcomes=("failed",))
    rewritten(household, monkeypatch, copies)
    assert copies.done == ["flush", "abandon", "flush", "start", "drop"]


@pytest.mark.parametrize("outcome,then", [("written", []), ("ended", ["flush", "start"])])
@pytest.mark.parametrize("takes", [0, 2])
def test_one_that_another_began_meanwhile_does_as_well(
    household: Household, monkeypatch: pytest.MonkeyPatch, outcome: str, then: list[str], takes: int
) -> None:
    """Begun after this one's rows were gone. Ended by yet another erasing it is no failure: the next one comes."""
    copies = Copies(takes, (outcome,))
    ended = copies.abandon

    def abandon() -> None:
        ended()
        copies.under_way, copies.left = True, takes

    monkeypatch.setattr(copies, "abandon", abandon)
    rewritten(household, monkeypatch, copies)
    if takes or outcome == "written":
        assert copies.done == ["flush", "abandon", "flush", "start", *then]


def test_a_start_that_can_not_tidy_up_says_so_and_does_it_at_the_next(
    household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    household.stale_snapshot = True
    monkeypatch.setattr(erasing, "scrub", refusing)
    list(erasing.tidy(household))
    assert household.stale_snapshot and household.recorder.trouble == "no room"
    monkeypatch.undo()
    list(erasing.tidy(household))
    assert not household.stale_snapshot


def refusing(db: object) -> Iterator[None]:
    raise StorageError("no room")
    yield


def test_a_copy_holds_what_waited_and_nothing_that_went(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = Copies()
    monkeypatch.setattr(household, "snapshots", copies)
    monkeypatch.setattr(household, "flush", lambda: copies.done.append("flush"))
    monkeypatch.setattr(erasing, "scrub", lambda db: copies.done.append(db.path.rpartition("/")[2]) or iter(()))
    list(erasing.snapshot(household))
    assert copies.done == ["flush", "history.db", "start"]
    monkeypatch.setattr(erasing, "scrub", refusing)
    list(erasing.snapshot(household))
    assert copies.done[3:] == ["flush"] and household.recorder.trouble == "no room"
