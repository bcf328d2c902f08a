"""Switching in the process itself: the order of its steps, what it turns down, and storage that takes nothing more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.consent import OFF, ON, SUSPENDED, WAITING
from agent.core.model import BadInput
from agent.daemon.store.database import StorageError
from tests.promises.household import Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(str(tmp_path))
    made.start()
    made.ask("person.add", name="Mia", group="child")
    made.ask("person.add", name="Dad", group="adult")
    made.ask("device.add", label="tablet", address="127.0.0.2", person_id=1)
    made.ask("device.add", label="phone", address="127.0.0.3", person_id=2)
    yield made
    made.crash()


def pair(home: Home, number: int = 1, feature: str = "history"):
    return (home.household.state.device(number), feature)


def state_of(home: Home, number: int = 1, feature: str = "history") -> str:
    device = home.household.state.device(number)
    return home.household.state.ledger.register.state(device.enrolment, feature)


def rows(home: Home) -> list[tuple[str, str, str]]:
    sql = home.household.state.db.sql
    return [(a, b, c) for a, b, c in sql.execute("SELECT feature, action, actor FROM ledger ORDER BY seq").fetchall()]


def takes_nothing(home: Home, which: str, on: bool = True) -> None:
    database = home.household.state.db if which == "state" else home.household.records.db
    database.sql.execute(f"PRAGMA query_only = {int(on)}")


def steps_of(home: Home, action: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    taken: list[str] = []
    monkeypatch.setattr(home, "step", taken.append)
    if action == "on":
        home.household.toggles.on([pair(home)], "on", "cli")
    else:
        home.household.toggles.off([pair(home)], "off", "cli")
    return [step for step in taken if step.startswith(action + ".")]


def test_the_steps_are_these_in_this_order(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    on = steps_of(home, "on", monkeypatch)
    assert on == ["on.ledger", "on.epoch", "on.gate", "on.kernel", "on.acknowledge"]
    off = steps_of(home, "off", monkeypatch)
    assert off == ["off.gate", "off.records", "off.kernel", "off.ledger", "off.acknowledge"]


def test_on_takes_what_waits_first_and_tells_the_kernel_last(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    toggles = home.household.toggles
    monkeypatch.setattr(toggles, "_drain", lambda: done.append("drain"))
    monkeypatch.setattr(toggles, "_apply", lambda: done.append("kernel"))
    monkeypatch.setattr(toggles, "_step", lambda name: done.append(name))
    toggles.on([pair(home)], "on", "cli")
    assert done == ["drain", "on.ledger", "on.epoch", "on.gate", "on.kernel", "kernel", "on.acknowledge"]
    done.clear()
    toggles.off([pair(home)], "off", "cli")
    assert done[:2] == ["drain", "off.gate"] and done[-4:] == ["off.kernel", "kernel", "off.ledger", "off.acknowledge"]


def test_on_is_both_the_ledger_and_the_gate(home: Home) -> None:
    toggles = home.household.toggles
    toggles.on([pair(home)], "on", "cli")
    assert toggles.is_on(*pair(home)) and toggles.pairs_on("history") == [pair(home)]
    assert not toggles.is_on(*pair(home, 1, "protection"))
    home.household.gate.close(*pair(home))
    assert not toggles.is_on(*pair(home)), "the ledger alone records nothing"
    home.household.gate.open(*pair(home, 2), 99)
    assert not toggles.is_on(*pair(home, 2)), "nor does the gate alone"


def test_what_is_turned_down_leaves_no_row(home: Home) -> None:
    toggles = home.household.toggles
    before = rows(home)
    with pytest.raises(BadInput, match="nobody agreed to this for tablet"):
        toggles.on([pair(home)], "on", "cli", agreed=False)
    with pytest.raises(BadInput, match="cannot agree: it is off"):
        toggles.on([pair(home)], "agree", "cli")
    with pytest.raises(BadInput, match="cannot resume: it is off"):
        toggles.on([pair(home)], "resume", "cli", agreed=True)
    assert rows(home) == before and state_of(home) == OFF
    toggles.on([pair(home, 2)], "on", "cli")
    assert state_of(home, 2) == WAITING, "an adult is asked"
    with pytest.raises(BadInput, match="cannot ask: it is waiting"):
        toggles.on([pair(home, 2)], "on", "cli")


def test_before_the_start_is_committed_nothing_goes_on(home: Home) -> None:
    toggles = home.household.toggles
    toggles.booted = False
    with pytest.raises(StorageError, match="the start could not be committed"):
        toggles.on([pair(home)], "on", "cli")
    assert state_of(home) == OFF and not toggles.pairs_on("history")


def test_an_on_that_the_ledger_can_not_take(home: Home) -> None:
    toggles = home.household.toggles
    takes_nothing(home, "state")
    with pytest.raises(StorageError):
        toggles.on([pair(home)], "on", "cli")
    assert not toggles.is_on(*pair(home)) and not home.household.gate.features(pair(home)[0].slot)
    takes_nothing(home, "state", False)
    toggles.save_again()
    toggles.on([pair(home)], "on", "cli")
    assert toggles.is_on(*pair(home))


def test_an_on_that_the_history_can_not_take_is_taken_back(home: Home) -> None:
    toggles = home.household.toggles
    takes_nothing(home, "records")
    with pytest.raises(StorageError):
        toggles.on([pair(home)], "on", "cli")
    assert state_of(home) == OFF and not home.household.gate.features(pair(home)[0].slot)
    assert rows(home)[-2:] == [("history", "on", "cli"), ("history", "off", "storage")]
    assert not toggles.unsaved.rows
    takes_nothing(home, "records", False)
    toggles.on([pair(home)], "on", "cli")
    assert toggles.is_on(*pair(home))


@pytest.mark.parametrize("action,after", [("off", OFF), ("suspend", SUSPENDED)])
def test_an_off_that_can_not_be_saved_is_off_and_saved_later(home: Home, action: str, after: str) -> None:
    toggles = home.household.toggles
    toggles.on([pair(home)], "on", "cli")
    takes_nothing(home, "state")
    with pytest.raises(StorageError, match="It is off now, but this could not be saved"):
        toggles.off([pair(home)], action, "web")
    assert not toggles.is_on(*pair(home)) and state_of(home) == ON
    assert list(toggles.unsaved.rows.values()) == [(action, "web")]
    takes_nothing(home, "state", False)
    assert toggles.save_again() is True
    assert state_of(home) == after and rows(home)[-1] == ("history", action, "web")
    assert toggles.save_again() is False and not toggles.unsaved.rows


def test_an_on_saves_first_what_was_not_saved(home: Home) -> None:
    toggles = home.household.toggles
    toggles.on([pair(home)], "on", "cli")
    takes_nothing(home, "state")
    with pytest.raises(StorageError):
        toggles.off([pair(home)], "off", "web")
    takes_nothing(home, "state", False)
    toggles.on([pair(home)], "on", "cli")
    assert [row[1:] for row in rows(home)[-3:]] == [("on", "cli"), ("off", "web"), ("on", "cli")]


def test_a_review_that_can_not_be_saved_leaves_nothing_recorded(home: Home) -> None:
    toggles = home.household.toggles
    toggles.on([pair(home)], "on", "cli")
    mia = home.household.state.person(1)
    home.household.state.db.sql.execute("UPDATE persons SET grp = 'adult' WHERE id = 1")
    assert mia is not None
    takes_nothing(home, "state")
    with pytest.raises(StorageError):
        toggles.review("cli")
    assert not home.household.gate.features(pair(home)[0].slot)
    takes_nothing(home, "state", False)
    toggles.save_again()
    assert state_of(home) == SUSPENDED


def test_a_start_opens_what_the_ledger_says_and_nothing_else(home: Home) -> None:
    home.household.toggles.on([pair(home)], "on", "cli")
    home.start()
    toggles = home.household.toggles
    assert toggles.booted and toggles.pairs_on("history") == [pair(home)] and toggles.pairs_on("protection") == []
    assert [row[1] for row in rows(home)].count("suspend") == 0, "a start in order suspends nothing"
