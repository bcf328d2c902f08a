"""Protection outlives a reboot: from a copy on flash before any line is up, or fetched as soon as there is one."""

import os
import time
from collections.abc import Iterator

import pytest

from agent.cli.main import main
from tests.jobs.bad_server import Asked, Authority
from tests.world.lists import House, house, until


@pytest.fixture
def home(authority: Authority) -> Iterator[House]:
    with house(authority) as made:
        yield made


def away(asked: Asked) -> None:
    asked.link.shutdown(2)


def no_server(home: House) -> None:
    home.server.pages = {path: away for path in home.server.pages}
    home.server.log.clear()


def with_lists(home: House, **settings: object) -> None:
    """Fetched, and copied to flash unless the settings say otherwise."""
    home.start(**settings)
    assert home.updated()["message"] == ""
    if settings.get("keep_lists") != "never":
        until(lambda: home.kept()["state"] == "current")


def test_a_first_start_fetches_at_once(home: House) -> None:
    home.start()
    until(lambda: home.blocks("one7.example") and home.blocks("two7.example"))
    until(lambda: home.kept()["state"] == "current")
    kept = home.folder / "state" / "rules.bin"
    assert kept.read_bytes() == (home.folder / "run" / "rules.bin").read_bytes()


@pytest.mark.parametrize("hours", [12, 168])
def test_the_copy_is_in_force_before_the_line_is_up(home: House, hours: int) -> None:
    with_lists(home, lists_hours=hours)
    home.power_cut()
    no_server(home)
    home.start(lists_hours=hours)
    assert home.blocks("one7.example") and home.blocks("two7.example")
    status = home.client.call("status")["lists"]
    assert status["state"] == "ready" and home.kept() == {"state": "current", "in_use": True, "trouble": ""}
    # What is in force is what was in use: nothing hurries.
    time.sleep(3)
    assert home.server.log == []


@pytest.mark.parametrize("hours", [12, 168])
def test_without_a_copy_lists_are_fetched_within_a_minute(home: House, hours: int) -> None:
    with_lists(home, lists_hours=hours, keep_lists="never")
    home.power_cut()
    assert not (home.folder / "state" / "rules.bin").exists()
    started = time.monotonic()
    home.start(lists_hours=hours, keep_lists="never")
    until(lambda: home.blocks("one7.example"))
    assert time.monotonic() - started < 60


def test_a_damaged_copy_is_not_used_and_said(home: House) -> None:
    with_lists(home)
    home.power_cut()
    kept = home.folder / "state" / "rules.bin"
    whole = kept.read_bytes()
    for at in (10, len(whole) // 2 + 100_000, len(whole) - 3):
        kept.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        no_server(home)
        home.start()
        assert not home.blocks("one7.example")
        assert "damaged" in home.kept()["trouble"] and home.kept()["state"] == "none"
        assert not kept.exists()
        home.power_cut()
    home.serve("one", 3000)
    kept.write_bytes(whole[:100_000])
    home.start()
    assert "damaged" in home.kept()["trouble"]
    until(lambda: home.blocks("one7.example"))


def test_a_copy_that_is_older_than_what_was_in_use_is_used_and_renewed(home: House) -> None:
    with_lists(home)
    before = (home.folder / "state" / "rules.bin").read_bytes()
    home.serve("one", 3100)
    assert home.updated()["message"] == ""
    assert home.blocks("one3099.example")
    # Once a day: flash still has the one before.
    until(lambda: home.kept()["state"] == "older")
    assert (home.folder / "state" / "rules.bin").read_bytes() == before
    home.power_cut()
    home.start(lists_hours=168)
    assert home.blocks("one2999.example") and not home.blocks("one3099.example")
    until(lambda: home.blocks("one3099.example"))
    # A day later it is written.
    day_ago = time.time() - 86_400 - 60
    os.utime(home.folder / "state" / "rules.bin", (day_ago, day_ago))
    until(lambda: home.kept()["state"] == "current")


def test_a_copy_lasts_while_a_server_is_gone(home: House) -> None:
    """After a reboot no text is there: a set of the other list alone would protect less than the copy."""
    with_lists(home)
    home.power_cut()
    home.server.pages["/one"] = away
    home.serve("two", 3100)
    home.start()
    said = home.updated()
    assert home.blocks("one7.example") and home.blocks("two7.example")
    assert "one" in said["message"]


def test_a_setting_says_whether_there_is_a_copy(home: House) -> None:
    with_lists(home)
    home.client.call("settings.set", key="keep_lists", value="never")
    assert not (home.folder / "state" / "rules.bin").exists() and home.kept()["state"] == "none"
    home.client.call("settings.set", key="keep_lists", value="always")
    until(lambda: home.kept()["state"] == "current")
    home.stop()
    home.start(keep_lists="never")
    # What the household set goes before the file; without it the file's word counts.
    assert home.kept()["state"] == "current"


@pytest.mark.parametrize("copy", ["auto", "never"])
def test_after_a_rollback_and_a_reboot(home: House, copy: str) -> None:
    with_lists(home, keep_lists=copy)
    home.serve("one", 3100)
    home.updated()
    assert home.blocks("one3099.example")
    assert home.client.call("lists.rollback")["pinned"]
    assert not home.blocks("one3099.example")
    if copy == "auto":
        until(lambda: home.kept()["state"] == "current")
    home.power_cut()
    home.server.log.clear()
    home.start(keep_lists=copy)
    if copy == "auto":
        # The set that was gone back to is in force, and stays.
        assert home.blocks("one2999.example") and not home.blocks("one3099.example")
        assert home.client.call("lists")["pinned"]
        home.hang_up()
        time.sleep(3)
        assert home.server.log == []
    else:
        until(lambda: home.blocks("one3099.example"))
        assert not home.client.call("lists")["pinned"]


def test_status_names_the_rollback(
    home: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_lists(home)
    monkeypatch.setenv("PRIVACY_AGENT_SOCKET", str(home.folder / "run" / "control.sock"))
    home.serve("one", 3100)
    home.updated()
    home.client.call("lists.rollback")
    capsys.readouterr()
    assert main(["lists"]) == 0
    told = capsys.readouterr().out
    assert "went back" in told and "privacy-agent lists update" in told
    home.updated()
    main(["lists"])
    assert "went back" not in capsys.readouterr().out
