"""What status says was seen; without the list of helplines nothing is recorded."""

from pathlib import Path

from tests.promises.household import Home, observe

TABLET = "127.0.0.2"


def test_an_empty_household_is_not_said_to_be_well(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    home.start()
    home.edges.upstream = {"state": "unknown", "servers": ["192.0.2.1"]}
    status = home.ask("status")
    assert status["health_code"] != "ok" and "well" not in status["health"]
    told = " ".join(status["missing"])
    for word in ("device", "block list", "upstream"):
        assert word in told
    home.ask("device.add", label="tablet", address=TABLET)
    assert "Nothing is on for any device." in home.ask("status")["missing"]
    home.crash()


def test_without_helplines_nothing_is_recorded_and_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    home = Home(str(tmp_path))
    household = home.start(data_dir=str(tmp_path / "data"))
    home.ask("device.add", label="tablet", address=TABLET)
    home.ask("on", device_id=1, feature="history", agree=1)
    observe(household, TABLET, b"www.news.example")
    assert home.ask("history", device_id=1)["items"] == []
    assert any("helplines" in sentence for sentence in home.ask("status")["missing"])
    home.crash()


def test_history_without_protection_says_what_it_misses(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    home.start()
    home.ask("device.add", label="tablet", address=TABLET)
    home.ask("on", device_id=1, feature="history", agree=1)
    assert home.ask("status")["recording"]["encrypted_passes"] == [1]
    home.ask("on", device_id=1, feature="protection", agree=1)
    assert home.ask("status")["recording"]["encrypted_passes"] == []
    home.crash()
