"""P6: a name that another takes the place of leaves nothing in state.db, nor in the unused middle of its pages."""

import os
from pathlib import Path

from agent.daemon.daemon import put_in_place
from tests.promises.household import Home


def name(number: int) -> str:
    return f"tell-tale-{number:05d}"


def left(home: Home, needle: bytes) -> list[str]:
    found = []
    for folder, _, files in os.walk(home.folder):
        found += [file for file in files if needle in (Path(folder) / file).read_bytes()]
    return found


def test_what_takes_a_names_place_leaves_nothing_of_it(home: Home) -> None:
    """A label, a person's name, a rule that turns around, a setting, a value of the web page."""
    home.start(identity="mark")
    home.ask("person.add", name="Tell-Tale Ada", group="child")
    home.ask("device.add", label="Tell-Tale Tablet", mac="3c:22:fb:12:34:56")
    for number in range(15):
        home.ask("block", name=f"filler-{number}.example", device_id=1)
        home.ask("web.put", key=f"filler{number}", value="filler" * number)
    for number in range(12):
        home.ask("device.edit", id=1, label=f"{name(number)} tablet")
        home.ask("person.edit", id=1, name=f"{name(number)} ada")
        home.ask("web.put", key="secret", value=f"{name(number)} web " * (number * 3 % 50 + 1))
    home.ask("device.edit", id=1, label="plain")
    home.ask("person.edit", id=1, name="plain")
    home.ask("web.put", key="secret", value="plain")
    assert left(home, b"tell-tale") == [] and left(home, b"Tell-Tale") == []
    home.ask("person.remove", id=1)
    home.ask("web.put", key="secret", value=None)
    assert home.household.state.db.sql.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_ages_of_a_backup_are_not_another_routers(home: Home, tmp_path: Path) -> None:
    """Written by a router that ran for 400 days: on a new one the history is kept for its seven days, no more."""
    old = home.start()
    home.ask("device.add", label="Tablet", address="127.0.0.2")
    home.ask("on", device_id=1, feature="history", agree=1)
    old.clock._age.age += 400 * 86400
    device = old.state.device(1)
    old.recorder.allowed(device.slot, old.gate.generation(device.slot), b"site.example", "dns", 1)
    old.flush()
    rows = home.ask("backup", history=True, limit=200)["items"]
    new = Home(str(tmp_path / "new"))
    new.start()
    try:
        new.ask("restore", part="first", rows=rows)
        new.ask("restore", part="last", rows=[])
        put_in_place(new.household)
        new.crash()
        new.start()
        until = new.ask("off", device_id=1, feature="history")["until"]
        assert abs(until - new.household.clock.wall() - 7 * 86400) < 120
    finally:
        new.crash()
