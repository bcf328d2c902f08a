"""The household's own rules by scope and time, and the text about a wrong refusal."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.model import BadInput
from agent.daemon.operations.arguments import OperationRejected
from agent.jobs.compile import Source, compile_lists
from tests.platform.exchange import suffixes_file
from tests.promises.household import Home

LISTED = "login.bank.example"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Mia with two devices, Ben with one; a list refuses one name."""
    made = Home(str(tmp_path))
    feeds = [{"id": "one", "name": "One", "address": "https://l.example/", "home": "https://l.example/home"}]
    (tmp_path / "feeds.json").write_text(json.dumps({"format": 1, "feeds": feeds}))
    (tmp_path / "list").write_text(LISTED + "\n")
    made.start(feeds_file=str(tmp_path / "feeds.json"))
    source = Source(str(tmp_path / "list"), "one", "One", "2026-11-23.0011aabb", "phishing")
    compile_lists([source], made.household.settings.text("ruleset_file"))
    made.household.load_lists()
    for name in ("Mia", "Ben"):
        made.ask("person.add", name=name, group="child")
    for number, person in ((2, 1), (3, 1), (4, 2)):
        made.ask("device.add", label=f"device {number}", address=f"127.0.0.{number}", person_id=person)
        made.ask("on", device_id=number - 1, feature="protection", agree=1)
    yield made
    made.crash()


def refused(home: Home, name: str = LISTED) -> list[bool]:
    """For each of the three devices."""
    found = []
    for number in (2, 3, 4):
        client = home.household.clients.identify(None, f"127.0.0.{number}")
        found.append(home.household.policy.decide(client.view, name.encode()).blocked)
    return found


def test_an_explanation_says_since_when(home: Home) -> None:
    told = home.ask("explain", name=LISTED)
    assert told["rule"]["list_version"] == "2026-11-23.0011aabb" and told["since"] == home.household.lists.loaded_at
    rule = home.ask("block", name="plain.example", device_id=1)
    assert home.ask("explain", name="www.plain.example", device_id=1)["since"] == rule["created_at"]
    assert home.ask("explain", name="www.plain.example", device_id=2)["since"] is None
    compile_lists(
        [Source(str(Path(home.folder) / "list"), "one", "One", "v", "phishing", fetched=1_700_000_000)],
        home.household.settings.text("ruleset_file"),
    )
    home.household.load_lists()
    assert home.ask("explain", name=LISTED)["since"] == 1_700_000_000


def test_a_missing_suffix_file_stays_told_and_stops_no_reload(home: Home, tmp_path: Path) -> None:
    said = "the public suffix file is missing"
    reply = home.ask("lists.reload")
    assert said in reply["trouble"] and said in home.ask("status")["lists"]["trouble"]
    Path(home.household.settings.text("ruleset_file")).unlink()
    with pytest.raises(OperationRejected, match="no list is loaded"):
        home.ask("lists.reload")
    told = home.ask("lists")["trouble"]
    assert said in told and "no list is loaded" in told
    (tmp_path / "suffixes.bin").write_bytes(suffixes_file())
    home.start(suffixes_file=str(tmp_path / "suffixes.bin"))
    assert said not in home.ask("lists")["trouble"]


def test_a_rule_is_for_a_device_a_person_or_everybody(home: Home) -> None:
    assert refused(home) == [True, True, True]
    rule = home.ask("allow", name=LISTED, device_id=1)
    assert (rule["scope"], rule["device_id"], rule["person_id"], rule["expires_at"]) == ("device", 1, None, None)
    assert refused(home) == [False, True, True]
    home.ask("rule.remove", id=rule["id"])
    home.ask("allow", name=LISTED, person_id=1)
    assert refused(home) == [False, False, True]
    home.ask("allow", name=LISTED)
    assert refused(home) == [False, False, False]
    # What is said for one goes before what is said for all.
    home.ask("block", name=LISTED, device_id=3)
    assert refused(home) == [False, False, True]
    home.ask("block", name="plain.example", scope="person", person_id=2)
    assert refused(home, "www.plain.example") == [False, False, True]


def test_a_rule_ends_when_its_time_is_over(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    now = home.household.clock.wall()
    rule = home.ask("allow", name=LISTED, seconds=60)
    home.ask("block", name="plain.example", device_id=1, seconds=120)
    assert rule["expires_at"] - now in (60, 61)
    assert refused(home) == [False] * 3 and refused(home, "plain.example") == [True, False, False]
    age = home.household.clock.age()
    for later, listed, plain in ((61, True, True), (122, True, False)):
        monkeypatch.setattr(home.household.clock, "age", lambda later=later: age + later)
        assert home.household.policies.rule_over()
        home.household.new_policy()
        assert refused(home)[0] == listed and refused(home, "plain.example")[0] == plain
    # Said again, the time begins again; without one it is for good.
    home.ask("allow", name=LISTED, seconds=60)
    assert home.ask("allow", name=LISTED)["expires_at"] is None
    assert len([row for row in home.ask("rule.list")["items"] if row["name"] == LISTED]) == 1


def test_rules_go_with_whom_they_are_for(home: Home) -> None:
    home.ask("allow", name=LISTED, device_id=1)
    home.ask("allow", name=LISTED, person_id=1)
    home.ask("device.remove", id=1)
    home.ask("person.remove", id=1)
    assert home.ask("rule.list")["items"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": "not a name"},
        {"name": LISTED, "scope": "street"},
        {"name": LISTED, "scope": "device"},
        {"name": LISTED, "device_id": 99},
        {"name": LISTED, "person_id": 99},
        {"name": LISTED, "seconds": 0},
        {"name": LISTED, "seconds": 10**9},
        {"name": LISTED, "seconds": "long"},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(home: Home, arguments: dict) -> None:
    with pytest.raises(BadInput):
        home.ask("allow", **arguments)


def test_a_wrong_refusal_becomes_a_text_that_names_nobody(home: Home) -> None:
    told = home.ask("block.report", name="www." + LISTED)
    assert told["to"] == "https://l.example/home"
    assert told["text"] == (
        "Wrong block\n\nName or address: www.login.bank.example\nRule: login.bank.example\n"
        "List: One (one), version 2026-11-23.0011aabb\nCategory: phishing\nList's home: https://l.example/home\n"
    )
    client = home.household.clients.identify(None, "127.0.0.2")
    verdict = home.household.policy.decide(client.view, LISTED.encode())
    home.household.recorder.refused(client.slot, client.generation, LISTED, "dns", 1, verdict)
    told = home.ask("block.report", attempt_id=1, with_day=True, with_version=True, note="This is our bank.")
    assert "Blocked on: 20" in told["text"] and "privacy-agent" in told["text"]
    assert told["text"].endswith("\n\nThis is our bank.\n")
    for secret in ("device 2", "127.0.0.2", "Mia"):
        assert secret not in told["text"]


def test_what_no_list_refused_is_nobodys_fault(home: Home) -> None:
    home.ask("block", name="plain.example")
    for name in ("plain.example", "other.example"):
        with pytest.raises(OperationRejected, match="no list blocked that"):
            home.ask("block.report", name=name)
