"""Devices, people and their rights: agreement, age groups, pausing, sharing, objections, /me."""

import json

import pytest

from agent.core import settings
from agent.core.features import FEATURES
from agent.core.feed_schedule import read_feeds
from agent.core.model import BadInput
from agent.core.settings import guest_interfaces
from agent.daemon.operations.arguments import OperationRejected
from agent.daemon.operations.switches import end_for_guests
from tests.promises.household import Home, observe

A, B = "127.0.0.2", "127.0.0.3"


def state(home: Home, device: int, feature: str = "history") -> dict:
    rows = home.ask("device.list")["items"]
    return next(row for row in rows if row["id"] == device)["features"][feature]


@pytest.fixture
def family(home: Home) -> Home:
    """Mia (child) with a tablet, Anna (adult) with a laptop, a shared television."""
    home.ask("person.add", name="Mia", group="child")
    home.ask("person.add", name="Anna", group="adult")
    home.ask("device.add", label="tablet", address=A, person_id=1)
    home.ask("device.add", label="laptop", address=B, person_id=2)
    home.ask("device.add", label="television", address="127.0.0.4", shared=True)
    return home


def test_everything_is_off_by_default(family: Home) -> None:
    for row in family.ask("device.list")["items"]:
        assert not any(feature["on"] for feature in row["features"].values())


def test_an_adults_history_waits_for_the_adult(family: Home) -> None:
    family.ask("on", device_id=2, feature="history", agree=1)
    assert state(family, 2) == {"on": False, "since": None, "epoch": None, "suspended": "agreement"}
    observe(family.household, B, b"a.example")
    assert family.household.gate.devices() == []
    with pytest.raises(OperationRejected, match="already"):
        family.ask("on", device_id=2, feature="history", agree=1)
    with pytest.raises(OperationRejected, match="agree to version"):
        family.ask("me.agree", address=B, feature="history")
    family.ask("me.agree", address=B, feature="history", agree=1)
    assert state(family, 2)["on"]
    row = family.ask("activity")["items"][-1]
    assert row["action"] == "agree" and row["actor"] == "me:2"


def test_nobody_else_can_agree_for_the_adult(family: Home) -> None:
    family.ask("on", device_id=2, feature="history", agree=1)
    with pytest.raises((BadInput, OperationRejected)):
        family.ask("me.agree", address=A, feature="history", agree=1)
    with pytest.raises(OperationRejected, match="does not manage"):
        family.ask("me.agree", address="127.0.0.77", feature="history", agree=1)
    assert not state(family, 2)["on"]


def test_an_adults_off_takes_effect_at_once_a_childs_does_not(family: Home) -> None:
    family.ask("on", device_id=2, feature="history", agree=1)
    family.ask("me.agree", address=B, feature="history", agree=1)
    family.ask("me.off", address=B, feature="history")
    assert not state(family, 2)["on"]
    family.ask("on", device_id=1, feature="history", agree=1)
    with pytest.raises(OperationRejected, match="object"):
        family.ask("me.off", address=A, feature="history")
    assert state(family, 1)["on"]


def test_sharing_does_not_go_round_the_agreement(family: Home) -> None:
    family.ask("device.edit", id=2, shared=True)
    family.ask("on", device_id=2, feature="history", agree=1)
    assert state(family, 2)["suspended"] == "agreement"


@pytest.mark.parametrize(
    "change", [("person.edit", {"id": 1, "group": "adult"}), ("device.edit", {"id": 1, "person_id": 2})]
)
def test_a_device_that_comes_to_an_adult_waits_for_them(family: Home, change: tuple) -> None:
    family.ask("on", device_id=1, feature="history", agree=1)
    family.ask(change[0], **change[1])
    assert state(family, 1) == {"on": False, "since": None, "epoch": None, "suspended": "agreement"}


def test_a_change_of_age_group_is_a_ledger_row_seen_at_me(family: Home) -> None:
    family.ask("person.edit", id=1, group="teen")
    assert "group" in [change["action"] for change in family.ask("me", address=A)["changes"]]


def test_a_shared_device_names_no_person(family: Home) -> None:
    family.ask("device.edit", id=1, shared=True)
    rows = family.ask("device.list")["items"]
    assert next(row for row in rows if row["id"] == 1)["person"] is None


def test_a_persons_switch_takes_all_their_devices_in_one_transaction(family: Home) -> None:
    family.ask("device.add", label="phone", address="127.0.0.5", person_id=1)
    before = family.household.state.ledger.head.seq
    family.ask("on", person_id=1, feature="protection", agree=1)
    assert state(family, 1, "protection")["on"] and state(family, 4, "protection")["on"]
    assert family.household.state.ledger.head.seq == before + 2
    family.ask("off", person_id=1, feature="protection")
    assert not state(family, 1, "protection")["on"] and not state(family, 4, "protection")["on"]


def test_pause_and_resume(family: Home) -> None:
    family.ask("on", device_id=1, feature="history", agree=1)
    family.ask("on", device_id=3, feature="history", agree=1)
    family.ask("on", device_id=1, feature="protection", agree=1)
    family.ask("pause")
    assert state(family, 1)["suspended"] == "pause" and state(family, 1, "protection")["on"]
    observe(family.household, A, b"a.example")
    family.crash()
    family.start()
    assert not state(family, 1)["on"], "a pause survives a restart"
    family.ask("off", device_id=3, feature="history")
    listed = family.ask("resume", preview=True)["items"]
    assert [item["device_id"] for item in listed] == [1]
    family.ask("resume")
    assert state(family, 1)["on"] and not state(family, 3)["on"]
    assert family.ask("history", all=True)["items"] == []


def test_an_adults_attempts_are_the_adults_own(family: Home) -> None:
    family.ask("on", device_id=2, feature="protection", agree=1)
    family.ask("block", name="bad.example")
    household = family.household
    client = household.clients.identify(None, B)
    verdict = household.policy.decide(client.view, b"bad.example")
    household.recorder.refused(client.slot, client.generation, "bad.example", "dns", 3, verdict)
    assert family.ask("blocked")["items"] == []
    assert family.ask("blocked.counts")["items"][0]["count"] == 3
    assert family.ask("blocked", device_id=2, actor="me:2")["items"][0]["target"] == "bad.example"
    assert family.ask("blocked", device_id=2, actor="me:1")["items"] == []
    with pytest.raises(OperationRejected, match="adult"):
        family.ask("explain", attempt_id=1)
    for op, arguments in (("export", {"device_id": 2}), ("backup", {"history": True})):
        assert not any(row["kind"] == "attempt" for row in family.ask(op, **arguments)["items"]), op
    mine = family.ask("export", device_id=2, actor="me:2")["items"]
    assert [row["row"]["target"] for row in mine if row["kind"] == "attempt"] == ["bad.example"]


def test_me_always_shows_that_recording_is_on(family: Home) -> None:
    family.ask("on", device_id=1, feature="history", agree=1)
    observe(family.household, A, b"a.example")
    family.household.recorder.flush()
    mine = family.ask("me", address=A)
    assert mine["device"]["features"]["history"]["on"] and mine["days"]["history"] == 7
    assert mine["kept"]["visits"] == 1 and mine["kept"]["until"] > mine["kept"]["oldest_at"]


def test_an_objection_reaches_the_household_and_is_answered(family: Home) -> None:
    asked = family.ask("request.add", address=A, kind="objection", text="I do not want this")
    assert family.ask("request.list", state="open")["items"] == [asked]
    answered = family.ask("request.reply", id=asked["id"], answer="Let us talk")
    assert answered["state"] == "answered" and family.ask("me", address=A)["requests"] == [answered]
    assert "object" in [change["action"] for change in family.ask("me", address=A)["changes"]]


def test_forgetting_a_device_forgets_its_requests(family: Home) -> None:
    family.ask("request.add", address=A, kind="exception", text="secret words")
    family.ask("device.remove", id=1)
    assert family.ask("request.list")["items"] == []


def test_names_are_unique_and_forgetting_a_person_keeps_the_devices(family: Home) -> None:
    for op, arguments in (
        ("device.add", {"label": "tablet", "address": "127.0.0.9"}),
        ("device.add", {"label": "other", "address": A}),
        ("person.add", {"name": "Mia", "group": "teen"}),
        ("device.edit", {"id": 1, "label": "laptop"}),
    ):
        with pytest.raises(BadInput):
            family.ask(op, **arguments)
    family.ask("person.remove", id=1)
    rows = family.ask("device.list")["items"]
    assert next(row for row in rows if row["id"] == 1)["person"] is None


def test_slots_rest_before_they_are_used_again(home: Home) -> None:
    first = home.household.state.device(home.ask("device.add", label="a", address=A)["id"]).slot
    home.ask("device.remove", id=1)
    assert home.household.state.device(home.ask("device.add", label="b", address=B)["id"]).slot != first


def test_export_holds_everything_in_small_pages(family: Home) -> None:
    family.ask("on", device_id=1, feature="history", agree=1)
    for number in range(7):
        observe(family.household, A, b"h.s%d.example" % number)
    family.household.recorder.flush()
    family.ask("block", name="bad.example", device_id=1)
    rows, after = [], None
    while True:
        page = family.ask("export", device_id=1, limit=3, **({"after": after} if after else {}))
        rows += page["items"]
        after = page["next"]
        if after is None:
            break
    kinds = [row["kind"] for row in rows]
    assert kinds[0] == "head" and kinds.count("visit") == 7 and kinds.count("rule") == 1 and kinds.count("device") == 1
    assert [row["row"]["action"] for row in rows if row["kind"] == "ledger"] == ["enrol", "on"]
    assert rows[0]["row"]["hash"] == family.ask("audit")["head"]


def test_an_upgrade_that_does_more_suspends_until_agreed_again(family: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    family.ask("on", device_id=1, feature="history", agree=1)
    family.ask("on", device_id=1, feature="protection", agree=1)
    family.crash()
    monkeypatch.setattr(FEATURES["history"], "version", 2)
    monkeypatch.setattr("agent.daemon.toggles.NOTICE_VERSION", 2)
    family.start()
    assert state(family, 1)["suspended"] == "notice" and state(family, 1, "protection")["on"]
    observe(family.household, A, b"a.example")
    assert family.ask("history", device_id=1)["items"] == []
    with pytest.raises(OperationRejected, match="agree to version 2"):
        family.ask("resume")
    with pytest.raises(OperationRejected, match="agree to version 2"):
        family.ask("resume", agree=1)
    family.ask("resume", agree=2)
    assert state(family, 1)["on"]
    family.crash()
    family.start()
    assert state(family, 1)["on"]


def test_the_notice_is_shown_until_it_was_read(family: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert family.ask("notice")["read_at"] is None and not family.ask("notice")["material"]
    with pytest.raises(OperationRejected):
        family.ask("notice.read", version=99)
    family.ask("notice.read", version=2)
    assert not family.ask("notice")["material"] and family.ask("notice")["read_at"]
    assert family.ask("activity")["items"][-1]["action"] == "read"
    monkeypatch.setattr("agent.daemon.operations.switches.NOTICE_VERSION", 3)
    assert family.ask("notice")["read_at"] is None and family.ask("notice")["material"]


def test_no_history_in_a_guest_network(family: Home) -> None:
    """Not begun, not agreed to, not resumed there; and it ends for a device that moves there. Protection may be on."""
    mac = bytes.fromhex("3c22fb00000a")
    family.household.settings = settings.read("{}", {"interfaces": ["br-lan", "br-guest"]})
    family.ask("device.add", label="phone", mac="3c:22:fb:00:00:0a", person_id=1)
    where = family.edges.where
    where[mac] = frozenset(["br-guest"])
    with pytest.raises(OperationRejected, match="guest network"):
        family.ask("on", device_id=4, feature="history", agree=1)
    family.ask("on", device_id=4, feature="protection", agree=1)
    where[mac] = frozenset(["br-lan"])
    family.ask("on", device_id=4, feature="history", agree=1)
    end_for_guests(family.household)
    assert state(family, 4)["on"]
    where[mac] = frozenset(["br-guest"])
    end_for_guests(family.household)
    assert not state(family, 4)["on"] and state(family, 4, "protection")["on"]
    assert family.ask("activity")["items"][-1]["actor"] == "guest"
    where[mac] = frozenset(["br-lan"])
    end_for_guests(family.household)
    assert not state(family, 4)["on"]
    family.ask("on", device_id=4, feature="history", agree=1)
    family.ask("pause")
    where[mac] = frozenset(["br-guest"])
    with pytest.raises(OperationRejected, match="guest network"):
        family.ask("resume")


def test_a_guest_network_is_named_or_known_by_its_name() -> None:
    given = {"interfaces": ["br-lan", "br-visitors", "wlan-Guest0"], "guest_interfaces": ["br-visitors"]}
    assert guest_interfaces(settings.read("{}", given)) == {"br-visitors", "wlan-Guest0"}
    assert guest_interfaces(settings.read("{}", {})) == frozenset()


def test_history_ends_at_eighteen(family: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    family.ask("person.edit", id=1, birth_month="2012-05")
    family.ask("on", device_id=1, feature="history", agree=1)
    monkeypatch.setattr(family.household.clock, "month", lambda: (2030, 4))
    family.household.people.birthdays()
    assert state(family, 1)["on"]
    monkeypatch.setattr(family.household.clock, "month", lambda: (2030, 5))
    family.household.people.birthdays()
    assert state(family, 1)["suspended"] == "agreement"
    assert family.ask("person.list")["items"][1]["group"] == "adult"
    assert family.ask("me", address=A)["changes"][0]["actor"] == "birthday"


@pytest.mark.parametrize("wrong", ["2012", "2012-13", "12-05", "2012-5", "May 2012"])
def test_a_birth_month_is_a_year_and_a_month(family: Home, wrong: str) -> None:
    with pytest.raises(BadInput):
        family.ask("person.edit", id=1, birth_month=wrong)


def test_recipients_are_named(family: Home) -> None:
    family.edges.upstream = {"state": "up", "servers": ["192.0.2.53:53"]}
    rows = {"id": "one", "name": "One", "address": "https://lists.example/one.txt", "default": True}
    other = {"id": "two", "name": "Two", "address": "https://lists.example/two.txt"}
    family.household.feeds._shipped = read_feeds(json.dumps({"format": 1, "feeds": [rows, other]}))
    kinds = {row["kind"]: row["name"] for row in family.ask("recipients")["items"]}
    assert kinds["upstream"] == "192.0.2.53:53"
    # Those that are fetched, by the server that sees the router; no list that came with the program.
    assert [row["name"] for row in family.ask("recipients")["items"] if row["kind"] == "feed"] == [
        "One (lists.example)"
    ]


def test_protection_without_lists_is_said_at_the_switch(family: Home) -> None:
    assert state(family, 1, "protection")["lists"] == "none" and "lists" not in state(family, 1)


def test_names_differ_by_more_than_case(home: Home) -> None:
    """Of `Tom` and `tom` nobody tells which is meant; a device and a person may share a name."""
    home.start()
    tom = home.ask("person.add", name="Tom", group="child")["id"]
    ann = home.ask("person.add", name="Änn", group="child")["id"]
    home.ask("device.add", label="tom", address="127.0.0.2")
    for op, values in (
        ("person.add", {"name": "tom", "group": "teen"}),
        ("person.add", {"name": "ÄNN", "group": "teen"}),
        ("person.edit", {"id": ann, "name": "TOM"}),
        ("device.add", {"label": "TOM", "address": "127.0.0.3"}),
    ):
        with pytest.raises(BadInput):
            home.ask(op, **values)
    assert home.ask("person.edit", id=tom, name="TOM")["name"] == "TOM"
    assert home.ask("device.edit", id=1, label="Tom")["label"] == "Tom"
