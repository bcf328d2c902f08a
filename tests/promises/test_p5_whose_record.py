"""P5: a record belongs to the person it was made of, whoever has the device today, and is read by what stood then."""

import json

import pytest

from agent.core.model import BadInput
from agent.daemon.operations.arguments import OperationRejected
from tests.promises.household import (
    BEN,
    LAPTOP,
    MIA,
    TABLET,
    TOM,
    Home,
    blocked,
    family_of_three,
    visit,
)


@pytest.fixture
def family(home: Home) -> Home:
    family_of_three(home)
    home.ask("block", name="bad.example")
    for device in (1, 3):
        home.ask("on", device_id=device, feature="protection", agree=1)
    return home


def sites(home: Home, op: str = "history", **of: object) -> list[str]:
    rows = home.ask(op, **of)["items"]
    if op == "export":
        rows = [row["row"] for row in rows if row["kind"] in ("visit", "attempt")]
    return [row.get("site") or row["target"] for row in rows]


CHANGES = {
    "another child's": ("device.edit", {"id": 1, "person_id": BEN}),
    "an adult's": ("device.edit", {"id": 1, "person_id": TOM}),
    "nobody's": ("device.edit", {"id": 1, "person_id": None}),
    "shared": ("device.edit", {"id": 1, "shared": True}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_visits_stay_whose_they_are(family: Home, change: str) -> None:
    visit(family, TABLET, "mias-secret.example")
    op, arguments = CHANGES[change]
    family.ask(op, **arguments)
    assert sites(family, person_id=MIA) == ["mias-secret.example"]
    assert sites(family, "export", person_id=MIA) == ["mias-secret.example"]
    assert sum(day["visits"] for day in family.ask("history.days", person_id=MIA)["items"]) == 1
    assert family.ask("today")["items"][2]["visits"] == 0, "the overview counts whoever has it now"
    if arguments.get("person_id"):
        new = arguments["person_id"]
        assert sites(family, person_id=new) == [] == sites(family, "export", person_id=new)
        assert sites(family, person_id=new, search="secret") == []
        assert family.ask("history.days", person_id=new)["items"] == []
    # Whoever has it now sees nothing of it at the device's own page, and can't erase it.
    assert family.ask("me", address=TABLET)["kept"]["visits"] == 0
    assert sites(family, device_id=1, actor="me:1") == [] == sites(family, "export", device_id=1, actor="me:1")
    assert family.ask("delete", device_id=1, actor="me:1")["visits"] == 0
    # The epoch ended: what is done from here on is not Mia's.
    visit(family, TABLET, "later.example")
    assert sites(family, all=True) == ["mias-secret.example"]
    assert family.ask("delete", person_id=MIA)["visits"] == 1


def test_history_goes_on_only_when_it_is_agreed_to_anew(family: Home) -> None:
    family.ask("device.edit", id=1, person_id=BEN)
    row = family.ask("device.list")["items"][2]["features"]["history"]
    assert (row["on"], row["suspended"]) == (False, "person")
    with pytest.raises(OperationRejected, match="agree to version 1"):
        family.ask("resume")
    family.ask("on", device_id=1, feature="history", agree=1)
    visit(family, TABLET, "bens.example")
    assert sites(family, person_id=BEN) == ["bens.example"] and sites(family, person_id=MIA) == []


def test_who_only_grows_from_child_to_teen_goes_on(family: Home) -> None:
    family.ask("person.edit", id=MIA, group="teen")
    visit(family, TABLET, "mias.example")
    assert sites(family, person_id=MIA) == ["mias.example"]
    assert family.ask("audit")["ok"]


AN_ADULT_NO_MORE = {
    "made a teen": ("person.edit", {"id": TOM, "group": "teen"}),
    "made a child": ("person.edit", {"id": TOM, "group": "child"}),
    "nobody's": ("device.edit", {"id": 3, "person_id": None}),
    "a child's": ("device.edit", {"id": 3, "person_id": MIA}),
    "shared": ("device.edit", {"id": 3, "shared": True}),
    "forgotten": ("person.remove", {"id": TOM}),
}


@pytest.mark.parametrize("change", AN_ADULT_NO_MORE)
@pytest.mark.parametrize("days", [0, 2])
def test_attempts_of_an_adults_time_stay_theirs(
    family: Home, monkeypatch: pytest.MonkeyPatch, change: str, days: int
) -> None:
    blocked(family, LAPTOP)
    op, arguments = AN_ADULT_NO_MORE[change]
    family.ask(op, **arguments)
    age = family.household.clock.age()
    monkeypatch.setattr(family.household.clock, "age", lambda: age + days * 86400)
    family.household.people.due()
    for of in ({"device_id": 3}, {"all": True}, {}):
        assert sites(family, "blocked", **of) == [], of
    assert sites(family, "export", device_id=3) == [] == sites(family, "export", all=True)
    with pytest.raises(OperationRejected, match="adult"):
        family.ask("explain", attempt_id=1)
    assert not [row for row in family.ask("backup", history=True)["items"] if row["kind"] == "attempt"]
    # The count is given, and it is said that there is something.
    assert family.ask("blocked", device_id=3)["hidden"] == 1
    assert [
        row["row"]["attempts"] for row in family.ask("export", device_id=3)["items"] if row["kind"] == "hidden"
    ] == [1]
    assert family.ask("blocked.counts")["items"][0]["count"] == 1
    theirs = sites(family, "blocked", device_id=3, actor="me:3")
    assert theirs == (["bad.example"] if op == "person.edit" else []), "Tom's for Tom, nobody else's"
    assert family.ask("audit")["ok"]


def test_attempts_of_a_childs_time_stay_readable_when_they_are_grown_up(family: Home) -> None:
    blocked(family, TABLET)
    family.ask("person.edit", id=MIA, group="adult")
    blocked(family, TABLET)
    assert len(sites(family, "blocked", person_id=MIA)) == 1
    assert family.ask("blocked", person_id=MIA)["hidden"] == 1
    assert len(sites(family, "blocked", device_id=1, actor="me:1")) == 2


def signed_in(home: Home, device: int) -> None:
    """What the web job keeps once somebody chose a PIN at a device and entered it."""
    home.ask("web.put", key="pins", value={str(device): {"pin": "$argon2id$of-" + str(device)}})
    row = {"kind": "device", "device_id": device, "browser": "", "address": "", "at": 1, "seen": 1}
    parents = {**row, "kind": "household", "device_id": None}
    home.ask("web.put", key="sessions", value={"a" * 64: row, "b" * 64: parents})


@pytest.mark.parametrize("change", [*CHANGES.values(), ("person.remove", {"id": MIA}), ("device.remove", {"id": 1})])
def test_pin_and_sessions_end_with_the_person(family: Home, change: tuple) -> None:
    signed_in(family, 1)
    family.ask(change[0], **change[1])
    assert "pin" not in (family.ask("web.get", key="pins")["value"]).get("1", {})
    assert list(family.ask("web.get", key="sessions")["value"]) == ["b" * 64], "the parents stay signed in"
    told = [row["detail"] for row in family.ask("activity", limit=200)["items"] if row["action"] == "pin"]
    assert told == ["pin:none>set", "pin:set>none"]


def test_a_removed_devices_pin_leaves_nothing(family: Home) -> None:
    for device, person in ((1, MIA), (3, TOM)):
        signed_in(family, device)
        family.ask("device.remove", id=device)
        assert family.ask("web.get", key="pins")["value"] == {}, person


def test_a_pin_that_is_set_or_replaced_is_a_ledger_row(family: Home) -> None:
    signed_in(family, 3)
    family.ask("web.put", key="pins", value={"3": {"pin": "$argon2id$another"}})
    family.ask("web.put", key="pins", value={"3": {"pin": "$argon2id$another", "code": "1", "until": 1, "tries": 0}})
    told = [row["detail"] for row in family.ask("activity", limit=200)["items"] if row["action"] == "pin"]
    assert told == ["pin:none>set", "pin:set>replaced"]
    assert "pin:set>replaced" in [row["detail"] for row in family.ask("me", address=LAPTOP)["changes"]]
    assert "another" not in json.dumps(family.ask("export", all=True))


def test_the_ledger_says_from_what_to_what(family: Home) -> None:
    family.ask("person.edit", id=MIA, group="teen")
    family.ask("person.add", name="Zoe", group="child")
    family.ask("person.edit", id=4, group="adult")
    family.ask("device.edit", id=1, person_id=BEN)
    family.ask("device.edit", id=1, shared=True)
    details = [row["detail"] for row in family.ask("activity", limit=200)["items"]]
    assert f"person:{MIA} group:child>teen" in details and "person:4 group:child>adult" in details
    assert f"person:{MIA}>{BEN}" in details and any("shared:no>yes" in detail for detail in details), details
    assert "Zoe" not in str(details) and "Mia" not in str(details), "no name is in the ledger"
    exported = [row["row"] for row in family.ask("export", device_id=1)["items"] if row["kind"] == "ledger"]
    assert any("group:child>teen" in row["detail"] for row in exported)


def test_a_detail_that_was_changed_is_found(family: Home) -> None:
    sql = family.household.state.db.sql
    sql.execute("DROP TRIGGER ledger_grows_only")
    sql.execute("UPDATE ledger SET detail=replace(detail, 'subject:1/', 'subject:2/') WHERE action='on'")
    assert not family.ask("audit")["ok"]


def test_somebody_unknown_is_said(family: Home) -> None:
    for op in ("history", "blocked", "export"):
        with pytest.raises(BadInput, match="no person"):
            family.ask(op, person_id=99)
