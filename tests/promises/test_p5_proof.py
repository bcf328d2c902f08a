"""P5, it can be proved: tampering with rows, with the ledger or with the clock is found, or changes nothing."""

import sqlite3

import pytest

from agent.core.consent import GENESIS
from tests.promises.household import Home, observe

HISTORY_SQL = (
    ("DELETE FROM epochs WHERE feature = 'history'", "outside consent"),
    ("UPDATE epochs SET device = device + 1", "not in the activity log"),
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
    kept = state.db.sql.execute("SELECT sql FROM sqlite_master WHERE type='trigger'").fetchall()
    unlocked(state.db.sql)
    state.db.sql.execute("DELETE FROM ledger")
    for (text,) in kept:
        state.db.sql.execute(text)
    state.ledger.head = None
    state.ledger.register.__init__()
    state.ledger.append(rows, "forger", 12345)
    assert lived.ask("audit")["ok"]
    assert not lived.ask("audit", head=noted)["ok"]


HOLES = (
    ("DELETE FROM ledger WHERE seq = (SELECT MAX(seq) FROM ledger)", "not the one that this process wrote"),
    ("DELETE FROM ledger", "not the one that this process wrote"),
    (
        "INSERT INTO reports(report, period, made, epsilon, notice, state, send_age) VALUES ('x',1,1,1,1,'sent',1)",
        "listed as sent",
    ),
)


@pytest.mark.parametrize(("attack", "finding"), HOLES)
def test_what_a_chain_alone_does_not_show(lived: Home, attack: str, finding: str) -> None:
    """Rows cut off at the end leave a good chain, and a report that nobody was told of is in no chain."""
    sql = lived.household.state.db.sql
    kept = sql.execute("SELECT name, sql FROM sqlite_master WHERE type='trigger'").fetchall()
    unlocked(sql)
    sql.execute(attack)
    for _, text in kept:
        sql.execute(text)
    proof = lived.ask("audit")
    assert not proof["ok"] and any(finding in line for line in proof["findings"]), proof["findings"]


def test_a_ledger_that_somebody_else_continued_is_found(lived: Home) -> None:
    """A second process that knows the code writes a perfect row; this one knows that it is not its own."""
    state = lived.household.state
    enrolment = state.devices()[0].enrolment
    forged = state.ledger.chain([(enrolment, "history", "on", 1)], "cli", 12345)
    other = sqlite3.connect(state.db.path)
    with other:
        state.ledger.insert(other, forged)
    other.close()
    assert any("not the one that this process wrote" in line for line in lived.ask("audit")["findings"])


@pytest.mark.parametrize("row_id", [-(2**63), -5, 0, 2**62, 2**63 - 1])
def test_a_row_is_found_whatever_its_id(lived: Home, row_id: int) -> None:
    """Ids that no counter gives: below the first, and so far above that counting up to them would never end."""
    sql = lived.household.records.db.sql
    kept = sql.execute("SELECT sql FROM sqlite_master WHERE name='visits_in_consent'").fetchone()[0]
    sql.execute("DROP TRIGGER visits_in_consent")
    sql.execute(
        "INSERT INTO visits(id, device, epoch, batch, site, first, last, age, hits, hosts, source)"
        " VALUES (?,1,99,1,'planted.example',1,1,1,1,'','dns')",
        (row_id,),
    )
    sql.execute(kept)
    proof = lived.ask("audit")
    assert proof["rows_checked"] == 3
    assert any(f"visits row {row_id} lies outside consent" in line for line in proof["findings"])


@pytest.mark.parametrize("database", ["state", "records"])
def test_databases_that_refuse_no_more_are_found(lived: Home, database: str) -> None:
    """Each trigger removed, replaced by one that does nothing, and one added that hides what is recorded."""
    sql = getattr(lived.household, database).db.sql
    for name, text in sql.execute("SELECT name, sql FROM sqlite_master WHERE type='trigger'").fetchall():
        sql.execute("DROP TRIGGER " + name)
        assert any(name in line for line in lived.ask("audit")["findings"])
        sql.execute(f"CREATE TRIGGER {name} AFTER INSERT ON meta BEGIN SELECT 1; END")
        assert any(name in line for line in lived.ask("audit")["findings"])
        sql.execute("DROP TRIGGER " + name)
        sql.execute(text)
    assert lived.ask("audit")["ok"]
    sql.execute("CREATE TRIGGER quiet AFTER INSERT ON meta BEGIN DELETE FROM meta; END")
    assert any("quiet" in line for line in lived.ask("audit")["findings"])


OFFLINE = (
    "DELETE FROM ledger WHERE seq = (SELECT MAX(seq) FROM ledger)",
    "DELETE FROM ledger WHERE seq > 1",
    "UPDATE ledger SET action = 'read' WHERE seq = (SELECT MAX(seq) FROM ledger)",
)


@pytest.mark.parametrize("attack", OFFLINE)
def test_a_ledger_changed_while_nobody_looked_switches_everything_off(lived: Home, attack: str) -> None:
    """With the process stopped the file is rewritten: the head that was noted here is not in it."""
    lived.ask("on", device_id=1, feature="history", agree=1)
    noted = lived.ask("audit")["head"]
    path = lived.household.state.db.path
    lived.crash()
    other = sqlite3.connect(path)
    with other:
        unlocked(other)
        other.execute(attack)
    other.close()
    lived.start()
    assert lived.household.gate.devices() == []
    assert not lived.ask("audit", head=noted)["ok"]


def test_a_clock_that_jumps_changes_no_proof(lived: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and ledger with times of ten years ago and ten years ahead, in any order: numbers count, not clocks."""
    clock = lived.household.clock
    for jump in (-(10**8), 3 * 10**8, 0, -(10**9)):
        monkeypatch.setattr(clock, "wall", lambda jump=jump: 1_800_000_000 + jump)
        lived.ask("on", device_id=1, feature="history", agree=1)
        observe(lived.household, "127.0.0.2", b"during.example")
        lived.ask("off", device_id=1, feature="history")
        observe(lived.household, "127.0.0.2", b"after.example")
        lived.household.recorder.flush()
    proof = lived.ask("audit")
    assert proof["ok"] and proof["ledger_rows"] == 3 + 8
    sites = {row["site"] for row in lived.ask("history", device_id=1)["items"]}
    assert "after.example" not in sites


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
