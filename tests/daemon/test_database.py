"""Databases: versions and migration, damage, the reserve; the texts of removals; the anchor."""

import os
import sqlite3
from pathlib import Path

import pytest

from agent.core.consent import LedgerRow
from agent.daemon.store.database import Database, StorageError
from agent.daemon.store.rollback_check import RollbackCheck
from agent.daemon.store.snapshots import parse_ids, show_ids

FIRST = "CREATE TABLE a(x);"
SECOND = "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x + 1;"


def test_an_older_version_is_brought_up(tmp_path: Path) -> None:
    path = str(tmp_path / "x.db")
    old = Database(path, [FIRST], "FULL", reserved=False)
    old.sql.execute("INSERT INTO a VALUES (1)")
    old.close()
    new = Database(path, [FIRST, SECOND], "FULL", reserved=False)
    assert new.sql.execute("SELECT x, y FROM a").fetchall() == [(1, 2)]
    new.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "x.db")
    Database(path, [FIRST], "FULL", reserved=False).close()
    with pytest.raises(StorageError):
        Database(path, [FIRST, "CREATE TABLE b(x); NONSENSE;"], "FULL", reserved=False)
    again = Database(path, [FIRST], "FULL", reserved=False)
    assert [row[0] for row in again.sql.execute("SELECT name FROM sqlite_master")] == ["a"]
    again.close()


def test_a_newer_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = str(tmp_path / "x.db")
    Database(path, [FIRST, SECOND], "FULL", reserved=False).close()
    with pytest.raises(StorageError, match="upgrade"):
        Database(path, [FIRST], "FULL", reserved=False)


@pytest.mark.parametrize("content", [b"not a database at all" * 100, os.urandom(8192)])
def test_damage_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(content)
    with pytest.raises(StorageError, match="damaged"):
        Database(str(path), [FIRST], "FULL", reserved=False)


def test_no_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        Database(str(tmp_path / "nowhere" / "x.db"), [FIRST], "FULL", reserved=False)


def test_the_file_is_private_and_has_a_reserve(tmp_path: Path) -> None:
    path = str(tmp_path / "x.db")
    made = Database(path, [FIRST], "FULL", reserved=True)
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert os.path.exists(path + ".reserve") and made.spend()
    assert not os.path.exists(path + ".reserve") and not made.spend()
    made.refill()
    assert os.path.exists(path + ".reserve")
    made.close()


def test_a_block_that_raises_is_rolled_back(tmp_path: Path) -> None:
    made = Database(str(tmp_path / "x.db"), [FIRST], "OFF", reserved=False)
    with pytest.raises(ZeroDivisionError), made.transaction() as sql:
        sql.execute("INSERT INTO a VALUES (1)")
        raise ZeroDivisionError
    assert made.sql.execute("SELECT COUNT(*) FROM a").fetchone() == (0,)
    with pytest.raises(StorageError), made.transaction() as sql:
        sql.execute("INSERT INTO nothing VALUES (1)")
    assert not made.sql.in_transaction
    made.close()


@pytest.mark.parametrize("ids", [[1], [1, 2, 3], [5, 1, 2, 9, 10], list(range(100, 500)) + [7]])
def test_ids_as_text(ids: list[int]) -> None:
    assert sorted(i for low, high in parse_ids(show_ids(ids)) for i in range(low, high + 1)) == sorted(ids)


def test_ids_are_short() -> None:
    assert show_ids([4, 3, 5, 9]) == "3-5,9"


def row(seq: int, mark: bytes = b"a") -> LedgerRow:
    return LedgerRow(seq, 0, "", "", "", "", 0, mark * 32)


def test_the_anchor_knows_its_own(tmp_path: Path) -> None:
    anchor = RollbackCheck(str(tmp_path / "flash"), str(tmp_path / "ram"))
    ledger = {1: b"a" * 32, 2: b"b" * 32}
    assert not anchor.restored({})
    assert anchor.restored(ledger), "a ledger without a note was brought here"
    anchor.save(row(2, b"b"))
    assert not anchor.restored(ledger)
    assert not anchor.restored({**ledger, 3: b"c" * 32}), "a crash before the note is no restore"
    assert anchor.restored({1: b"a" * 32}), "an older ledger is"
    assert anchor.restored({1: b"a" * 32, 2: b"x" * 32}), "another ledger is"


def test_a_power_cut_takes_the_note_in_ram_only(tmp_path: Path) -> None:
    anchor = RollbackCheck(str(tmp_path / "flash"), str(tmp_path / "ram"))
    anchor.save(row(1))
    os.unlink(tmp_path / "ram")
    assert not anchor.restored({1: b"a" * 32})


def test_a_copied_or_damaged_note_is_none(tmp_path: Path) -> None:
    anchor = RollbackCheck(str(tmp_path / "flash"), str(tmp_path / "ram"))
    anchor.save(row(1))
    text = (tmp_path / "flash").read_bytes()
    (tmp_path / "other").write_bytes(text)
    os.replace(tmp_path / "other", tmp_path / "flash")
    assert anchor.restored({1: b"a" * 32})
    for damaged in (b"", b"nonsense", text[:40], text.replace(b"1", b"x")):
        (tmp_path / "flash").write_bytes(damaged)
        assert anchor.restored({1: b"a" * 32})


def test_sqlite_is_what_the_daemon_needs() -> None:
    assert sqlite3.sqlite_version_info >= (3, 24)
