"""P5: what was agreed to has terms: the notice, for how many days, in RAM or on flash, who reads it. Raising one asks
anew, and what was recorded before stays under its own."""

import contextlib
import os

import pytest

from agent.core.features import FEATURES
from agent.core.model import BadInput
from agent.daemon import bootstrap
from agent.daemon.operations.arguments import OperationRejected
from tests.promises.household import Home, observe

DAY_S = 86400
TABLET, LAPTOP = "127.0.0.2", "127.0.0.3"


@pytest.fixture
def family(home: Home) -> Home:
    """Mia (child) with a tablet (1) and Tom (adult) with a laptop (2), who agreed to 7 days in RAM."""
    home.start()
    for name, group, label, address in (("Mia", "child", "tablet", TABLET), ("Tom", "adult", "laptop", LAPTOP)):
        person = home.ask("person.add", name=name, group=group)["id"]
        home.ask("device.add", label=label, address=address, person_id=person)
    home.ask("on", device_id=1, feature="history", agree=1)
    home.ask("on", device_id=2, feature="history", agree=1)
    home.ask("me.agree", address=LAPTOP, feature="history", agree=1)
    for address in (TABLET, LAPTOP):
        visit(home, address, "before.example")
    return home


def visit(home: Home, address: str, name: str) -> None:
    observe(home.household, address, name.encode())
    home.household.flush()


def sites(home: Home, device: int) -> set[str]:
    return {row["site"] for row in home.ask("history", device_id=device)["items"]}


def feature(home: Home, device: int, name: str = "history") -> dict:
    return next(row for row in home.ask("device.list")["items"] if row["id"] == device)["features"][name]


def expired(home: Home, monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    age = home.household.clock.age() + int(days * DAY_S)
    monkeypatch.setattr(home.household.clock, "age", lambda: age)
    while bootstrap.expire(home.household):
        pass


RAISED = {"days": ("history_days", 30, "days:7>30"), "flash": ("keep_history", True, "kept:ram>flash")}


@pytest.mark.parametrize("what", RAISED)
def test_an_adult_is_asked_anew_and_a_child_is_told(family: Home, what: str) -> None:
    key, value, told = RAISED[what]
    family.ask("settings.set", key=key, value=value, actor="web:1")
    assert feature(family, 2)["suspended"] == "terms" and feature(family, 1)["on"]
    visit(family, LAPTOP, "after.example")
    assert sites(family, 2) == {"before.example"}
    for address in (TABLET, LAPTOP):
        changes = family.ask("me", address=address)["changes"]
        assert any(told in change["detail"] and change["actor"] == "web:1" for change in changes), changes
    # The household can't resume it, nor switch it on; the adult can.
    for op, more in (("resume", {}), ("resume", {"agree": 1}), ("on", {"agree": 1})):
        try:
            family.ask(op, device_id=2, feature="history", **more)
        except OperationRejected:
            continue
        assert feature(family, 2)["suspended"] == "agreement"
    family.ask("me.agree", address=LAPTOP, feature="history", agree=1)
    visit(family, LAPTOP, "after.example")
    assert sites(family, 2) == {"before.example", "after.example"}
    assert family.ask("audit")["ok"]


def test_rows_of_before_keep_their_days(family: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    family.ask("settings.set", key="history_days", value=30)
    family.ask("me.agree", address=LAPTOP, feature="history", agree=1)
    for address in (TABLET, LAPTOP):
        visit(family, address, "after.example")
        until = family.ask("me", address=address)["kept"]["until"]
        assert abs(until - family.household.clock.wall() - 30 * DAY_S) < 60
    expired(family, monkeypatch, 7.1)
    assert sites(family, 1) == sites(family, 2) == {"after.example"}
    expired(family, monkeypatch, 31)
    assert sites(family, 1) == sites(family, 2) == set()


def test_days_that_were_lowered_hold_for_all_and_raised_again_for_what_comes(
    family: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    family.ask("settings.set", key="history_days", value=2)
    assert feature(family, 2)["on"], "less than what was agreed to asks nobody"
    visit(family, LAPTOP, "between.example")
    family.ask("settings.set", key="history_days", value=7)
    assert feature(family, 2)["on"], "as much as was agreed to asks nobody"
    visit(family, LAPTOP, "later.example")
    expired(family, monkeypatch, 2.1)
    assert sites(family, 2) == {"before.example", "later.example"}
    assert not any(change["action"] == "agree" for change in family.ask("me", address=LAPTOP)["changes"][:3])


def test_what_was_agreed_to_for_ram_does_not_come_to_flash(family: Home) -> None:
    family.ask("settings.set", key="keep_history", value=True)
    family.ask("me.agree", address=LAPTOP, feature="history", agree=1)
    for address in (TABLET, LAPTOP):
        visit(family, address, "after.example")
    assert family.household.snapshots.start()
    while not family.household.snapshots.finished():
        pass
    assert not family.household.snapshots.trouble
    with open(os.path.join(family.state_dir, "history.db"), "rb") as file:
        copy = file.read()
    assert b"before.example" not in copy and b"after.example" in copy
    assert sites(family, 1) == {"before.example", "after.example"}, "in RAM it stays"
    family.power_cut()
    family.start(keep_history=True)
    assert sites(family, 1) == sites(family, 2) == {"after.example"}
    assert family.ask("audit")["ok"]


@pytest.mark.parametrize("settings", [{"history_days": 30}, {"keep_history": True}])
@pytest.mark.parametrize("running", [True, False])
def test_the_settings_file_asks_as_the_page_does(family: Home, settings: dict, running: bool) -> None:
    if running:
        family.household.settings.values.update(settings)
        family.household.announcements.reviewed("settings")
    else:
        family.crash()
        family.start(**settings)
    assert feature(family, 2)["suspended"] == "terms" and feature(family, 1)["on"]
    visit(family, LAPTOP, "after.example")
    assert sites(family, 2) == {"before.example"}


def test_attempts_too(family: Home) -> None:
    family.ask("settings.set", key="attempts_days", value=7)
    for device in (1, 2):
        family.ask("on", device_id=device, feature="protection", agree=1)
    family.ask("settings.set", key="attempts_days", value=30)
    assert feature(family, 2, "protection")["suspended"] == "terms" and feature(family, 1, "protection")["on"]
    family.ask("on", device_id=2, feature="protection", agree=1)
    assert feature(family, 2, "protection")["suspended"] == "agreement"
    family.ask("me.agree", address=LAPTOP, feature="protection", agree=1)
    assert feature(family, 2, "protection")["on"]


def test_a_reader_more_is_a_term(family: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.daemon.subjects.reader", lambda name, subject: "operator")
    family.household.announcements.reviewed("cli")
    assert feature(family, 2)["suspended"] == "terms"


def test_the_notice_too(family: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade, and a device that is merely paused beside one that is outdated."""
    family.ask("on", device_id=1, feature="protection", agree=1)
    family.crash()
    monkeypatch.setattr(FEATURES["protection"], "version", 2)
    monkeypatch.setattr("agent.daemon.toggles.NOTICE_VERSION", 2)
    monkeypatch.setattr("agent.daemon.operations.switches.NOTICE_VERSION", 2)
    family.start()
    assert feature(family, 1, "protection")["suspended"] == "notice"
    family.ask("pause")
    reply = family.ask("resume")
    assert [(row["device_id"], row["feature"]) for row in reply["left"]] == [(1, "protection")]
    assert feature(family, 1)["on"] and feature(family, 2)["on"]
    assert not feature(family, 1, "protection")["on"]
    listed = family.ask("resume", preview=True)
    assert listed["items"][0]["needs"] == "agree" and listed["items"][0]["why"] == "notice"
    assert listed["features"][0]["version"] == 2 and listed["features"][0]["keeps"]
    with pytest.raises(OperationRejected, match="agree to version 2"):
        family.ask("on", device_id=1, feature="protection", agree=1)
    family.ask("on", device_id=1, feature="protection", agree=2)
    assert feature(family, 1, "protection")["on"]


def test_an_adult_agrees_anew_to_a_new_notice(family: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    family.crash()
    monkeypatch.setattr(FEATURES["history"], "version", 2)
    monkeypatch.setattr("agent.daemon.toggles.NOTICE_VERSION", 2)
    family.start()
    with contextlib.suppress(OperationRejected):
        family.ask("resume", device_id=2, agree=2)
    assert not feature(family, 2)["on"]
    family.ask("me.agree", address=LAPTOP, feature="history", agree=2)
    assert feature(family, 2)["on"]


def test_another_reader_is_asked_for(family: Home) -> None:
    """Who has the password is told by name before an adult agrees; one who was not named asks them anew."""
    read_by = lambda: family.ask("me", address=LAPTOP)["read_by"]  # noqa: E731
    assert read_by() == []
    for names in (["Anna", "Tom"], ["Tom"], ["Tom"]):  # named at all, and fewer
        family.ask("settings.set", key="readers", value=names)
        assert read_by() == names and feature(family, 2)["on"]
    family.ask("settings.set", key="readers", value=["Tom", "Grandma"], actor="web:1")
    assert feature(family, 2)["suspended"] == "terms" and feature(family, 1)["on"]
    visit(family, LAPTOP, "after.example")
    visit(family, TABLET, "after.example")
    assert sites(family, 2) == {"before.example"} and sites(family, 1) == {"before.example", "after.example"}
    for address in (TABLET, LAPTOP):
        changes = family.ask("me", address=address)["changes"]
        assert any("reader:household>household." in change["detail"] for change in changes), changes
        assert "Grandma" not in str(changes), "the activity log holds no name"
    family.ask("me.agree", address=LAPTOP, feature="history", agree=1)
    visit(family, LAPTOP, "after.example")
    assert sites(family, 2) == {"before.example", "after.example"}
    family.start()  # also after a restart it is what was agreed to
    assert feature(family, 2)["on"] and sites(family, 2) == {"before.example", "after.example"}
    family.ask("settings.set", key="readers", value=[])  # anybody with the password
    assert feature(family, 2)["suspended"] == "terms"
    assert family.ask("audit")["ok"]


@pytest.mark.parametrize("value", ["Anna", ["Anna", ""], ["a,b"], ["x" * 41], ["Anna"] * 9, ["\u202eannA"], [7], None])
def test_names_of_readers_are_names(family: Home, value: object) -> None:
    with pytest.raises(BadInput):
        family.ask("settings.set", key="readers", value=value)
