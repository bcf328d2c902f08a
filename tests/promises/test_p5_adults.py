"""P5: an adult is not watched without being asked by being made younger, or by losing their device: that takes a day,
and shows, unless they confirm it themselves."""

import json
import os

import pytest

from agent.daemon.operations.arguments import OperationRejected
from tests.promises.household import Home, observe

LAPTOP, TABLET = "127.0.0.2", "127.0.0.3"
DAY_S = 86400
TOM, MIA = 1, 2


@pytest.fixture
def family(home: Home) -> Home:
    """Tom (adult) with a laptop (1), Mia (child) with a tablet (2)."""
    home.start()
    for name, group, label, address in (("Tom", "adult", "laptop", LAPTOP), ("Mia", "child", "tablet", TABLET)):
        person = home.ask("person.add", name=name, group=group)["id"]
        home.ask("device.add", label=label, address=address, person_id=person)
    return home


def added_again(home: Home, **more: object) -> None:
    home.ask("device.remove", id=1)
    home.ask("device.add", label="a laptop", address=LAPTOP, **more)


def brought_back(home: Home) -> None:
    """A backup in which Tom is a child, made by who knows its passphrase."""
    rows = home.ask("backup")["items"]
    for item in rows:
        if item["kind"] == "person" and item["row"][0] == TOM:
            item["row"][2] = "child"
    home.ask("restore", part="first", rows=rows)
    home.ask("restore", part="last", rows=[])
    replaced, anchor = home.household.in_hand.replaced, home.household.anchor
    home.crash()
    anchor.clear()
    for new, old in replaced:
        os.replace(new, old)
    home.start()


WAYS = {
    "made a child": lambda home: home.ask("person.edit", id=TOM, group="child"),
    "made a teen, then a child": lambda home: [
        home.ask("person.edit", id=TOM, group="teen"), home.ask("person.edit", id=TOM, group="child")],
    "given to a child": lambda home: home.ask("device.edit", id=1, person_id=MIA),
    "nobody's": lambda home: home.ask("device.edit", id=1, person_id=None),
    "shared, then nobody's": lambda home: [
        home.ask("device.edit", id=1, shared=True), home.ask("device.edit", id=1, person_id=None, shared=False)],
    "person forgotten": lambda home: home.ask("person.remove", id=TOM),
    "forgotten, added without a person": added_again,
    "forgotten, added as a child's": lambda home: added_again(home, person_id=MIA),
    "forgotten twice": lambda home: [added_again(home), home.ask("device.remove", id=3), home.ask(
        "device.add", label="x", address=LAPTOP)],
    "a backup": brought_back,
}  # fmt: skip


def device(home: Home) -> dict:
    return next(row for row in home.ask("device.list")["items"] if row["address"] == LAPTOP)


def recorded(home: Home) -> bool:
    observe(home.household, LAPTOP, b"www.secret.example")
    home.household.flush()
    return bool(home.ask("history", all=True)["items"])


def tried(home: Home) -> None:
    """All that the household can do to have it on."""
    for op, more in (("on", {"agree": 1}), ("resume", {"agree": 1}), ("on", {"agree": 1})):
        try:
            home.ask(op, device_id=device(home)["id"], feature="history", **more)
        except OperationRejected:
            continue


def later(home: Home, monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    age = home.household.clock.age() + seconds
    monkeypatch.setattr(home.household.clock, "age", lambda: age)
    home.household.people.due()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("agreed", [True, False])
def test_a_day_passes_before_the_household_decides(
    family: Home, monkeypatch: pytest.MonkeyPatch, way: str, agreed: bool
) -> None:
    if agreed:
        family.ask("on", device_id=1, feature="history", agree=1)
        family.ask("me.agree", address=LAPTOP, feature="history", agree=1)
        family.ask("off", device_id=1, feature="history")
    WAYS[way](family)
    tried(family)
    assert not recorded(family)
    # It is seen where the person looks, and in the ledger.
    held = family.ask("me", address=LAPTOP)["device"]["held"]
    assert held and held[0]["at"] - family.household.clock.wall() > DAY_S - 60
    details = " ".join(row["detail"] for row in family.ask("activity", limit=200)["items"])
    assert way == "a backup" or "adult>" in details or f"person:{TOM}>" in details
    # A restart, and whatever else is tried, changes nothing.
    family.crash()
    family.start()
    tried(family)
    assert not recorded(family)
    later(family, monkeypatch, DAY_S - 60)
    tried(family)
    assert not recorded(family)
    later(family, monkeypatch, 120)
    assert not recorded(family), "nothing begins by itself"
    tried(family)
    assert recorded(family)
    assert family.ask("audit")["ok"]


@pytest.mark.parametrize("way", WAYS)
def test_the_person_may_confirm_at_once(family: Home, way: str) -> None:
    WAYS[way](family)
    if way == "a backup":
        with pytest.raises(OperationRejected, match="after a day"):
            family.ask("me.confirm", address=LAPTOP)
        return
    with pytest.raises(OperationRejected):
        family.ask("me.confirm", address=TABLET)
    family.ask("me.confirm", address=LAPTOP)
    tried(family)
    assert recorded(family)
    assert "confirm" in [row["action"] for row in family.ask("activity", limit=200)["items"]]


def test_what_an_adult_agreed_to_goes_on_until_then_and_no_longer(
    family: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    family.ask("on", device_id=1, feature="history", agree=1)
    family.ask("me.agree", address=LAPTOP, feature="history", agree=1)
    family.ask("person.edit", id=TOM, group="teen")
    assert family.ask("person.list")["items"][1]["group"] == "adult"
    assert family.ask("person.list")["items"][1]["becomes"]["group"] == "teen"
    assert device(family)["features"]["history"]["on"]
    later(family, monkeypatch, DAY_S + 1)
    assert family.ask("person.list")["items"][1]["group"] == "teen"
    assert not recorded(family)


def test_it_can_be_taken_back(family: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    family.ask("person.edit", id=TOM, group="child")
    family.ask("person.edit", id=TOM, group="adult")
    later(family, monkeypatch, 2 * DAY_S)
    tried(family)
    assert not recorded(family) and device(family)["features"]["history"]["suspended"] == "agreement"


def test_an_adult_by_mistake_waits_no_longer_than_that(family: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mia was entered as an adult, and history was asked for: the question ends when she is a child."""
    family.ask("person.edit", id=MIA, group="adult")
    family.ask("on", device_id=2, feature="history", agree=1)
    family.ask("person.edit", id=MIA, group="child")
    with pytest.raises(OperationRejected, match="for a day after the change, unless they confirm it"):
        family.ask("on", device_id=2, feature="history", agree=1)
    family.ask("me.confirm", address=TABLET)
    family.ask("on", device_id=2, feature="history", agree=1)
    assert family.ask("device.list")["items"][1]["features"]["history"]["on"]


def test_a_child_is_made_younger_or_given_away_at_once(family: Home) -> None:
    family.ask("person.edit", id=MIA, group="teen")
    family.ask("person.edit", id=MIA, group="child")
    family.ask("device.edit", id=2, person_id=None)
    family.ask("on", device_id=2, feature="history", agree=1)
    assert not family.ask("me", address=TABLET)["device"]["held"]
    assert family.ask("device.list")["items"][1]["features"]["history"]["on"]


def test_with_a_pin_nobody_confirms_or_agrees_by_the_address_alone(family: Home) -> None:
    """The device went away with its PIN: whoever imitates it can't say that its person agreed."""
    family.ask("web.put", key="pins", value={"1": {"pin": "$argon2id$x"}})
    family.ask("device.remove", id=1)
    family.ask("device.add", label="again", address=LAPTOP)
    with pytest.raises(OperationRejected, match="after a day"):
        family.ask("me.confirm", address=LAPTOP)
    with pytest.raises(OperationRejected, match="confirmed here first"):
        family.ask("me.agree", address=LAPTOP, feature="history", agree=1)


def test_given_to_another_adult_it_is_not_theirs_to_agree_at_once(family: Home) -> None:
    """Tom's laptop for an adult who was made up a moment ago: who agrees there may be anybody."""
    family.ask("person.add", name="Anna", group="adult")
    family.ask("device.edit", id=1, person_id=3)
    tried(family)
    with pytest.raises(OperationRejected, match="confirmed here first"):
        family.ask("me.agree", address=LAPTOP, feature="history", agree=1)
    assert not recorded(family)


def test_no_address_is_kept_of_a_forgotten_device(family: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    family.ask("device.remove", id=1)
    rows = family.household.state.db.sql.execute("SELECT * FROM delayed_changes").fetchall()
    assert rows and LAPTOP not in json.dumps(rows)
    later(family, monkeypatch, DAY_S + 1)
    assert family.household.state.db.sql.execute("SELECT * FROM delayed_changes").fetchall() == []


def test_at_eighteen_what_was_decided_before_is_over(family: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    family.ask("person.edit", id=TOM, group="child", birth_month="2000-01")
    monkeypatch.setattr(family.household.clock, "month", lambda: (2030, 1))
    family.household.people.birthdays()
    later(family, monkeypatch, 2 * DAY_S)
    tried(family)
    assert not recorded(family)
