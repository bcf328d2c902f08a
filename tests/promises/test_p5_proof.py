"""P5, it can be proved: tampering with rows, with the ledger or with the clock is found, or changes nothing."""

import pytest

from agent.core.consent import GENESIS
from tests.promises.household import Home, observe

HISTORY_SQL = (
    ("DELETE FROM epochs WHERE feature = 'history'", "outside consent"),
    ("UPDATE epochs SET device = device + 1", "not the ledger's"),
    ("UPDATE epochs SET closed = NULL", "open in the history"),
    ("UPDATE epochs SET opened = opened + 1000", "outside consent"),
)
LEDGER_SQL = (
    "UPDATE ledger SET at = at + 60 WHERE seq = 2",
    "UPDATE ledger SET actor = 'someone' WHERE seq = 2",
    "UPDATE ledger SET action = 'suspend' WHERE seq = 3",
    "UPDATE ledger SET hash = zeroblob(32) WHERE seq = 1",
    "UPDATE ledger SET notice = 9 WHERE seq = 2",
    "DELETE FROM ledger WHERE seq = 2",
)


@pytest.fixture
def lived(home: Home) -> Home:
    """A household with one closed epoch and two visits."""
    home.start()
    home.ask("device.add", label="tablet", address="127.0.0.2")
    home.ask("on", device_id=1, feature="history", agree=1)
    observe(home.household, "127.0.0.2", b"en.wikipedia.org")
    observe(home.household, "127.0.0.2", b"www.example.org")
    home.ask("off", device_id=1, feature="history")
    return home


def unlocked(sql) -> None:
    for trigger in ("ledger_grows_only", "ledger_keeps_all"):
        sql.execute("DROP TRIGGER IF EXISTS " + trigger)


def test_an_honest_household_passes(lived: Home) -> None:
    proof = lived.ask("audit")
    assert proof["ok"] and proof["rows_checked"] == 2 and proof["ledger_rows"] == 3


@pytest.mark.parametrize(("attack", "finding"), HISTORY_SQL)
def test_tampered_history_is_found(lived: Home, attack: str, finding: str) -> None:
    lived.household.records.db.sql.execute(attack)
    proof = lived.ask("audit")
    assert not proof["ok"]
    assert any(finding in line for line in proof["findings"]), proof["findings"]


@pytest.mark.parametrize("attack", LEDGER_SQL)
def test_a_tampered_ledger_is_found(lived: Home, attack: str) -> None:
    unlocked(lived.household.state.db.sql)
    lived.household.state.db.sql.execute(attack)
    assert not lived.ask("audit")["ok"]


@pytest.mark.parametrize("attack", LEDGER_SQL[:1] + LEDGER_SQL[-1:])
def test_the_database_itself_refuses(lived: Home, attack: str) -> None:
    with pytest.raises(Exception, match="append-only"):
        lived.household.state.db.sql.execute(attack)


def test_a_head_noted_earlier_is_an_ancestor(lived: Home) -> None:
    noted = lived.ask("audit")["head"]
    lived.ask("on", device_id=1, feature="history", agree=1)
    assert lived.ask("audit", head=noted)["ok"]
    assert lived.ask("audit", head=GENESIS.hex())["ok"]
    assert not lived.ask("audit", head="00" * 31 + "01")["ok"]


def test_a_ledger_rewritten_from_the_start_does_not_have_the_noted_head(lived: Home) -> None:
    """Somebody who can write the file can make a chain that is right in itself; a head noted elsewhere finds it."""
    noted = lived.ask("audit")["head"]
    state = lived.household.state
    rows = [(row.enrolment, row.feature, row.action, row.notice) for row in state.ledger.rows()]
    unlocked(state.db.sql)
    state.db.sql.execute("DELETE FROM ledger")
    state.ledger.head = None
    state.ledger.register.__init__()
    state.ledger.append(rows, "forger", 12345)
    assert lived.ask("audit")["ok"]
    assert not lived.ask("audit", head=noted)["ok"]


def test_every_stored_row_names_an_epoch_of_the_ledger(lived: Home) -> None:
    epochs = lived.household.state.ledger.register.epochs
    rows = lived.household.records.db.sql.execute("SELECT epoch FROM visits").fetchall()
    assert rows and all(row[0] in epochs for row in rows)


def test_a_restored_ledger_leaves_everything_off(lived: Home) -> None:
    """Someone copies an old state.db back, from when history was on."""
    lived.ask("on", device_id=1, feature="history", agree=1)
    path = lived.household.state.db.path
    with open(path, "rb") as file:
        old = file.read()
    lived.ask("off", device_id=1, feature="history")
    lived.crash()
    with open(path, "wb") as file:
        file.write(old)
    lived.start()
    row = lived.ask("device.list")["items"][0]["features"]["history"]
    assert not row["on"] and row["suspended"] == "restore"
    assert lived.household.gate.devices() == []
    assert lived.ask("resume", preview=True)["items"] == [{"device_id": 1, "label": "tablet", "feature": "history"}]
    lived.ask("resume")
    assert lived.ask("device.list")["items"][0]["features"]["history"]["on"]
    assert lived.ask("audit")["ok"]


def test_the_whole_folder_copied_elsewhere_is_a_restore_too(lived: Home, tmp_path) -> None:
    import shutil

    lived.ask("on", device_id=1, feature="history", agree=1)
    lived.crash()
    shutil.copytree(lived.state_dir, str(tmp_path / "copy"))
    copy = Home(str(tmp_path / "elsewhere"))
    shutil.copytree(str(tmp_path / "copy"), copy.state_dir)
    copy.start()
    assert copy.household.gate.devices() == []
    copy.crash()


def test_a_plain_restart_and_a_power_cut_are_no_restore(lived: Home) -> None:
    lived.ask("on", device_id=1, feature="history", agree=1)
    lived.crash()
    lived.start()
    assert lived.ask("device.list")["items"][0]["features"]["history"]["on"]
    lived.power_cut()
    lived.start()
    assert lived.ask("device.list")["items"][0]["features"]["history"]["on"]
