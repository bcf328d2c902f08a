"""What a person or device may not reach: kept with them, told again, gone with them, in a backup."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.model import BadInput
from agent.daemon.operations.arguments import OperationRejected
from agent.jobs.compile import Source, compile_lists
from tests.promises.household import Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(str(tmp_path))
    (tmp_path / "data").mkdir()
    services = [{"id": "tiktok", "title": "TikTok", "group": "social", "names": ["tiktok.example"]}]
    (tmp_path / "data" / "services.json").write_text(json.dumps({"format": 1, "services": services}))
    made.start(data_dir=str(tmp_path / "data"))
    made.ask("person.add", name="Mia", group="child")
    made.ask("device.add", label="Mia's tablet", address="127.0.0.2", person_id=1)
    made.ask("device.add", label="television", address="127.0.0.3", shared=True)
    yield made
    made.crash()


def test_set_and_told(home: Home) -> None:
    assert home.ask("content.get", person_id=1)["categories"] == []
    told = home.ask("content.set", person_id=1, categories=["adult"], search="on", always=["moodle.example"])
    assert home.ask("content.get", person_id=1) == told and told["search"] == "on"
    assert home.ask("content.get", device_id=2)["categories"] == []
    home.ask("content.set", device_id=2, services=[{"id": "tiktok", "mode": "block", "windows": []}])
    assert home.ask("content.get", device_id=2)["services"][0]["id"] == "tiktok"
    assert home.ask("content.get", person_id=1) == told
    assert home.ask("services")["items"] == [{"id": "tiktok", "title": "TikTok", "group": "social", "names": 1}]
    with pytest.raises(BadInput, match="no service myspace; there are tiktok"):
        home.ask("content.set", device_id=2, services=[{"id": "myspace", "mode": "block"}])
    home.crash()
    home.start()
    assert home.ask("content.get", person_id=1) == told
    assert home.ask("services")["items"] == [] and "no services are known" in home.ask("services")["trouble"]


def test_two_who_change_it_at_once(home: Home) -> None:
    seen = home.ask("content.get", person_id=1)["version"]
    home.ask("content.set", person_id=1, version=seen, categories=["games"])
    with pytest.raises(OperationRejected, match="somebody else") as refused:
        home.ask("content.set", person_id=1, version=seen, categories=["adult"])
    assert refused.value.code == "conflict" and refused.value.detail["categories"] == ["games"]
    assert home.ask("content.get", person_id=1)["categories"] == ["games"]


def test_gone_with_whom_it_is_about(home: Home) -> None:
    home.ask("content.set", person_id=1, always=["secret-school.example"])
    home.ask("content.set", device_id=2, always=["secret-series.example"])
    home.ask("device.remove", id=2)
    home.ask("device.remove", id=1)
    home.ask("person.remove", id=1)
    for of in Path(home.folder).rglob("*"):
        assert not of.is_file() or b"secret-se" not in of.read_bytes(), of


def test_for_the_whole_household_lists_only(home: Home) -> None:
    own = home.ask("lists.add", url="https://lists.example/own.txt")["id"]
    assert home.ask("content.set", lists={own: "off"})["lists"] == {own: "off"}
    with pytest.raises(BadInput, match="only lists"):
        home.ask("content.set", categories=["adult"])
    with pytest.raises(BadInput, match="no feed"):
        home.ask("content.set", person_id=1, lists={"nothing": "off"})


def test_an_app_s_hours_are_explained_for_a_time_to_come(home: Home) -> None:
    hours = {"days": "sat", "begin": "10:00", "end": "12:00"}
    home.ask("content.set", person_id=1, services=[{"id": "tiktok", "mode": "only", "windows": [hours]}])
    for when, verdict in (
        ("sat 9:59", "block"),
        ("sat 10:00", "allow"),
        ("sat 12:00", "block"),
        ("sun 11:00", "block"),
    ):
        assert home.ask("explain", name="www.tiktok.example", person_id=1, at=when)["verdict"] == verdict, when


def test_the_categories_are_told_with_who_fills_them(home: Home) -> None:
    rows = {row["id"]: row for row in home.ask("categories")["items"]}
    assert len(rows) == 15 and rows["gambling"]["proposed"] == ["child", "teen"] and rows["games"]["proposed"] == []


def test_it_explains_itself(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    services = [{"id": "tiktok", "title": "TikTok", "group": "social", "names": ["tiktok.example"]}]
    (tmp_path / "data" / "services.json").write_text(json.dumps({"format": 1, "services": services}))
    (tmp_path / "names").write_text("casino.example\n")
    source = Source(str(tmp_path / "names"), "ut1", "UT1 gambling", "2026-11-29", "gambling", "domains")
    compile_lists([source], str(tmp_path / "rules.bin"))
    home = Home(str(tmp_path))
    household = home.start(data_dir=str(tmp_path / "data"), ruleset_file=str(tmp_path / "rules.bin"))
    household.load_lists()
    home.ask("person.add", name="Mia", group="child")
    home.ask("person.add", name="Ben", group="teen")
    home.ask("content.set", person_id=1, categories=["gambling", "social"])
    told = home.ask("explain", name="www.casino.example", person_id=1)
    assert told["verdict"] == "block" and told["rule"]["category"] == "gambling" and not told["applies"]
    assert "the category gambling is blocked and its list 'UT1 gambling', version 2026-11-29, has casino" in told["how"]
    assert told["how"].startswith("Limits are off for this device")
    assert "it belongs to TikTok" in home.ask("explain", name="tiktok.example", person_id=1)["how"]
    assert home.ask("explain", name="www.casino.example", person_id=2)["verdict"] == "allow"
    assert home.ask("explain", name="www.casino.example")["verdict"] == "allow"
    home.ask("device.add", label="tablet", address="127.0.0.2", person_id=1)
    # A child's rules apply to a device that comes to it.
    assert home.ask("explain", name="casino.example", device_id=1)["applies"]
    assert household.categories_used() == {"gambling", "social"}
    client = household.clients.identify(None, "127.0.0.2")
    assert client is not None and household.policy.decide(client.view, b"casino.example").blocked  # type: ignore
    home.ask("off", device_id=1, feature="limits")
    assert household.categories_used() == set() and household.clients.identify(None, "127.0.0.2") is None
    home.crash()
