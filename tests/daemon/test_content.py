"""What a person or device may not reach: kept with them, told again, gone with them, in a backup."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.model import BadInput
from agent.daemon.operations.arguments import OperationRejected
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


def test_the_categories_are_told_with_who_fills_them(home: Home) -> None:
    rows = {row["id"]: row for row in home.ask("categories")["items"]}
    assert len(rows) == 15 and rows["gambling"]["proposed"] == ["child", "teen"] and rows["games"]["proposed"] == []
