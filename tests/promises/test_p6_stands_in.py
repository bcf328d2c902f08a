"""P6 while an empty history stands for one that can't be used now: what is not deleted is not said to be."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon.store.database import StorageError
from tests.promises.household import Home, observe

SITE = b"tell-tale.example"


def lived(home: Home) -> None:
    home.start()
    home.ask("device.add", label="tablet", address="127.0.0.2")
    home.ask("on", device_id=1, feature="history", agree=1)
    assert home.household is not None
    observe(home.household, "127.0.0.2", SITE)
    home.household.flush()


@pytest.fixture
def standing_in(home: Home) -> Iterator[Home]:
    """The daemon starts while another program holds the history; then that lets go."""
    lived(home)
    home.crash()
    with sqlite3.connect(Path(home.run_dir) / "history.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        household = home.start()
        assert household.records.db.stands_in, "nothing stands in, so nothing is tested"
        other.execute("ROLLBACK")
    other.close()
    yield home


@pytest.mark.parametrize("whom", [{"device_id": 1}, {"all": True}])
@pytest.mark.parametrize("preview", [False, True])
def test_a_deletion_is_not_acknowledged(standing_in: Home, whom: dict, preview: bool) -> None:
    with pytest.raises(StorageError) as refusal:
        standing_in.ask("delete", preview=preview, **whom)
    assert "nothing was deleted" in str(refusal.value)
    standing_in.crash()
    standing_in.start()
    assert standing_in.ask("delete", **whom)["visits"] == 1
    assert SITE not in (Path(standing_in.run_dir) / "history.db").read_bytes()


def test_off_with_erase_is_off_and_says_that_nothing_was_deleted(standing_in: Home) -> None:
    with pytest.raises(StorageError) as refusal:
        standing_in.ask("off", device_id=1, feature="history", erase=True)
    assert "It is off" in str(refusal.value) and "nothing was deleted" in str(refusal.value)
    standing_in.crash()
    standing_in.start()
    row = standing_in.ask("device.list")["items"][0]
    assert not row["features"]["history"]["on"]


def test_no_device_is_removed_meanwhile(standing_in: Home) -> None:
    with pytest.raises(StorageError):
        standing_in.ask("device.remove", id=1)
