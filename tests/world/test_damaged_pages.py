"""Databases with bytes that a dying flash or RAM changed: whatever they are, the daemon starts and is told."""

import contextlib
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

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
        assert "is damaged" in str(home.household.records.db.broken + home.household.state.db.broken)
    finally:
        home.crash()
