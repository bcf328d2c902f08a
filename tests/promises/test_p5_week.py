"""P5, P6 and P8 of the family's week: nothing of whom no epoch was open for, of an adult without their own agreement,
of somebody else's time at a device, or of what was erased."""

from __future__ import annotations

from typing import Any

import pytest

from tests.promises.household import (
    BEN,
    LAPTOP,
    MIA,
    PHONE,
    TABLET,
    TOM,
    Home,
    blocked,
    family_of_three,
    visit,
)

SECRET = "secret-site.example"


@pytest.fixture
def family(home: Home) -> Home:
    return family_of_three(home)


def week(home: Home, **whom: object) -> dict[str, dict[str, Any]]:
    return {str(one.get("name") or one["label"]): one for one in home.ask("week", **whom)["items"]}


def bare(one: dict[str, Any]) -> bool:
    return (one["history"], one["minutes"], one["blocked"]) == (None, None, None)


def test_without_an_epoch_there_is_nothing(family: Home) -> None:
    for address in (TABLET, PHONE, LAPTOP):
        visit(family, address, SECRET)
    told = week(family)
    assert [site["site"] for site in told["Mia"]["history"]["sites"]] == [SECRET]
    assert bare(told["Ben"]) and SECRET not in str(told["Ben"])
    assert "Tom" not in told and bare(week(family, person_id=TOM)["Tom"])


def test_an_adult_who_was_asked_and_has_not_agreed(family: Home) -> None:
    family.ask("on", device_id=3, feature="history", agree=1)
    visit(family, LAPTOP, SECRET)
    assert family.household
    assert [key for key in family.household.state.ledger.register.in_state("waiting") if key[1] == "history"]
    assert "Tom" not in week(family) and bare(week(family, person_id=TOM)["Tom"])
    assert bare(week(family, device_id=3)["laptop"])


def test_an_adult_who_agreed_is_told_of_when_named(family: Home) -> None:
    family.ask("on", device_id=3, feature="history", agree=1)
    family.ask("me.agree", address=LAPTOP, feature="history", agree=1)
    visit(family, LAPTOP, SECRET)
    assert "Tom" not in week(family), "the family's week is of children and teens"
    assert SECRET in str(week(family, person_id=TOM)["Tom"]["history"])


def test_an_adults_blocks_are_their_own(family: Home) -> None:
    family.ask("block", name="bad.example")
    for device, address in ((1, TABLET), (3, LAPTOP)):
        family.ask("on", device_id=device, feature="protection", agree=1)
        blocked(family, address)
    assert week(family)["Mia"]["blocked"][-1] == 1
    assert week(family, person_id=TOM)["Tom"]["blocked"] is None
    assert week(family, device_id=3)["laptop"]["blocked"] is None
    own = week(family, device_id=3, actor="me:3", address=LAPTOP)["laptop"]
    assert own["blocked"][-1] == 1


@pytest.mark.parametrize("change", [{"person_id": BEN}, {"person_id": TOM}, {"person_id": None}, {"shared": True}])
def test_the_week_stays_whose_it_is(family: Home, change: dict[str, object]) -> None:
    visit(family, TABLET, SECRET)
    family.ask("device.edit", id=1, **change)
    assert SECRET in str(week(family)["Mia"]["history"]), "it was made of her"
    for name, one in week(family).items():
        assert name == "Mia" or SECRET not in str(one)
    assert SECRET not in str(week(family, person_id=TOM))
    assert SECRET not in str(week(family, device_id=1, actor="me:1", address=TABLET))


@pytest.mark.parametrize(
    "erase",
    [("delete", {"person_id": MIA}), ("off", {"device_id": 1, "feature": "history", "erase": True})],
)
def test_erased_is_not_told(family: Home, erase: tuple[str, dict[str, object]]) -> None:
    visit(family, TABLET, SECRET)
    family.ask(erase[0], **erase[1])
    told = week(family)["Mia"]
    assert SECRET not in str(told)
    assert told["history"] is None or (told["history"]["visits"], told["history"]["sites"]) == (0, [])


def test_off_keeps_what_was_and_tells_nothing_after_it(family: Home) -> None:
    visit(family, TABLET, SECRET)
    family.ask("off", device_id=1, feature="history")
    visit(family, TABLET, "after-off.example")
    told = week(family)["Mia"]["history"]
    assert not told["on"] and [site["site"] for site in told["sites"]] == [SECRET]
    family.ask("person.remove", id=MIA)
    assert SECRET not in str(week(family)) + str(week(family, device_id=1, actor="me:1", address=TABLET))


def test_a_helper_of_the_week_holds_no_turn(family: Home) -> None:
    """It is made in steps: somebody else's operation begins in between."""
    from agent.daemon.operations import TABLE

    assert family.household
    steps: Any = TABLE["week"](family.household, {})
    assert next(steps) is None
