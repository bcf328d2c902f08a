"""Databases with bytes that a dying flash or RAM changed: whatever they are, the daemon starts and is told."""

import contextlib
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.model import NotFound
from agent.daemon.store.connection import StorageError
from tests.promises.household import Home, observe

SEEDS = 25
FILES = ("run/history.db", "state/state.db")


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("lived")
    home = Home(str(folder))
    home.start()
    home.ask("person.add", name="Mia", group="child")
    home.ask("device.add", label="tablet", address="127.0.0.2", person_id=1)
    for feature in ("history", "protection"):
        home.ask("on", device_id=1, feature=feature, agree=1)
    for number in range(30):
        observe(home.household, "127.0.0.2", b"site%d.example" % number)
    home.household.flush()
    home.crash()
    yield folder


def spoil(path: Path, chance: random.Random) -> None:
    """A few bytes anywhere, most of them in the first page, where the tables are described; or the end is gone."""
    data = bytearray(path.read_bytes())
    if chance.randrange(6) == 0:
        del data[chance.randrange(len(data)) :]
    for _ in range(chance.choice((1, 5, 20, 100)) if data else 0):
        data[chance.randrange(min(len(data), chance.choice((4096, len(data)))))] = chance.randrange(256)
    path.write_bytes(data)


@pytest.mark.parametrize("file", FILES)
def test_a_damaged_database_ends_no_start(lived: Path, tmp_path: Path, file: str) -> None:
    for seed in range(SEEDS):
        folder = tmp_path / str(seed)
        shutil.copytree(lived, folder)
        spoil(folder / file, random.Random(f"{file} {seed}"))
        home = Home(str(folder))
        try:
            home.start()
            for op in ("status", "device.list", "audit", "activity"):
                with contextlib.suppress(StorageError):  # "is damaged", as an answer
                    home.ask(op)
        except Exception as error:
            raise AssertionError(f"{file} by seed {seed}") from error
        finally:
            home.crash()
        shutil.rmtree(folder)


def test_nobody_is_told_what_a_damaged_file_holds(lived: Path, tmp_path: Path) -> None:
    """Python quotes a text that it can't read; what to do is said in its place."""
    folder = tmp_path / "home"
    shutil.copytree(lived, folder)
    path = folder / FILES[1]
    assert b"tablet" in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(b"tablet", b"t\xd6blet"))
    home = Home(str(folder))
    said = []
    try:
        home.start()
        for op, arguments in (("status", {}), ("device.list", {}), ("history", {"device_id": 1}), ("audit", {})):
            try:
                said.append(str(home.ask(op, **arguments)))
            except (StorageError, NotFound) as error:
                said.append(str(error))
    finally:
        home.crash()
    assert any("is damaged: move it away or restore a backup" in one for one in said)
    assert not any("decode" in one or "blet" in one for one in said)


@pytest.mark.parametrize("file,what", [(FILES[1], "state.db"), (FILES[0], "history.db")])
def test_what_stands_in_for_a_damaged_file_proves_nothing(lived: Path, tmp_path: Path, file: str, what: str) -> None:
    folder = tmp_path / "home"
    shutil.copytree(lived, folder)
    (folder / file).write_bytes(b"no database" * 1000)
    home = Home(str(folder))
    try:
        home.start()
        for op in ("audit", "activity") if file == FILES[1] else ("audit",):
            with pytest.raises(StorageError, match=what + " is damaged: move it away or restore a backup"):
                home.ask(op)
    finally:
        home.crash()


def test_off_is_acknowledged_over_a_file_that_is_damaged_meanwhile(lived: Path, tmp_path: Path) -> None:
    """It is off and that is durable; only how much is stored can't be told."""
    folder = tmp_path / "home"
    shutil.copytree(lived, folder)
    home = Home(str(folder))
    try:
        home.start()
        (folder / FILES[0]).write_bytes(b"no database" * 9000)
        reply = home.ask("off", device_id=1, feature="history")
        assert reply["device"]["features"]["history"]["on"] is False and "remaining" not in reply
        assert reply["device"]["kept"] is None and len(home.ask("device.list")["items"]) == 1
        assert "off" in [row["action"] for row in home.ask("activity")["items"]]
        with pytest.raises(StorageError, match="^It is off, but .* deleted"):
            home.ask("off", device_id=1, feature="history", erase=True)
    finally:
        home.crash()


@pytest.mark.parametrize("file,word", [(FILES[0], b"visits"), (FILES[1], b"ledger")])
def test_a_table_whose_description_is_no_text(lived: Path, tmp_path: Path, file: str, word: bytes) -> None:
    """SQLite quotes it in its message, and Python can't read that."""
    folder = tmp_path / "home"
    shutil.copytree(lived, folder)
    data = (folder / file).read_bytes()
    (folder / file).write_bytes(data.replace(b"CREATE TABLE " + word, b"CREATE T\xd6BLE " + word, 1))
    home = Home(str(folder))
    try:
        home.start()
        assert "is damaged" in str(home.household.records.db.broken or home.household.state.db.broken)
    finally:
        home.crash()
