"""P5: there is one door into "on". However a child's or nobody's device comes to an adult while something is suspended,
what comes back asks the adult; nothing of them is recorded before they agreed."""

import os
import shutil
import sqlite3
from collections.abc import Callable

import pytest

from agent.core.consent import GENESIS, LedgerRow, sealed
from agent.core.features import FEATURES
from agent.daemon.operations.arguments import OperationRejected
from agent.platform.hashing import sha256
from tests.promises.household import Home, observe

TABLET, LAPTOP = "127.0.0.2", "127.0.0.3"


@pytest.fixture
def family(home: Home) -> Home:
    """Mia (child, 1) and Dad (adult, 2); Mia's tablet (1) and nobody's laptop (2), both with history on."""
    home.start()
    home.ask("person.add", name="Mia", group="child")
    home.ask("person.add", name="Dad", group="adult")
    home.ask("device.add", label="tablet", address=TABLET, person_id=1)
    home.ask("device.add", label="laptop", address=LAPTOP)
    for device in (1, 2):
        home.ask("on", device_id=device, feature="history", agree=1)
    return home


def paused(home: Home) -> None:
    home.ask("pause")


def restored(home: Home) -> None:
    """An older state.db, of a time when history was on, is put back by hand."""
    path = home.household.state.db.path
    shutil.copy(path, path + ".old")
    home.ask("block", name="later.example")
    home.ask("pause")
    home.crash()
    with open(path + ".old", "rb") as old, open(path, "wb") as file:
        file.write(old.read())
    os.unlink(path + ".old")
    home.start()


def brought_back(home: Home) -> None:
    """A backup of the household's own, by the page."""
    rows, after = [], {}
    while True:
        page = home.ask("backup", **after)
        rows += page["items"]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    home.ask("restore", part="first", rows=rows)
    home.ask("restore", part="last", rows=[])
    replaced, anchor = home.household.in_hand.replaced, home.household.anchor
    home.crash()
    anchor.clear()
    for new, old in replaced:
        os.replace(new, old)
    home.start()


def upgraded(home: Home) -> None:
    home.crash()
    FEATURES["history"].version = 2
    home.start()


WAYS_OFF = {"paused": paused, "restored": restored, "brought back": brought_back, "upgraded": upgraded}
WAYS_TO_AN_ADULT: dict[str, tuple[int, Callable[[Home], object]]] = {
    "grown up": (1, lambda home: home.ask("person.edit", id=1, group="adult")),
    "handed over": (1, lambda home: home.ask("device.edit", id=1, person_id=2)),
    "given a person": (2, lambda home: home.ask("device.edit", id=2, person_id=2)),
}


@pytest.fixture(autouse=True)
def versions(monkeypatch: pytest.MonkeyPatch) -> None:
    for feature in FEATURES.values():
        monkeypatch.setattr(feature, "version", 1)
    monkeypatch.setattr("agent.daemon.toggles.NOTICE_VERSION", 2)
    monkeypatch.setattr("agent.daemon.operations.switches.NOTICE_VERSION", 2)


def record(home: Home, device: int, host: bytes) -> list[str]:
    observe(home.household, {1: TABLET, 2: LAPTOP}[device], host)
    home.household.flush()
    return [row["site"] for row in home.ask("history", all=True)["items"]]


@pytest.mark.parametrize("off", WAYS_OFF)
@pytest.mark.parametrize("way", WAYS_TO_AN_ADULT)
@pytest.mark.parametrize("back", [{}, {"agree": 1}, {"agree": 2}])
def test_what_comes_back_asks_the_adult(family: Home, off: str, way: str, back: dict) -> None:
    device, come = WAYS_TO_AN_ADULT[way]
    WAYS_OFF[off](family)
    come(family)
    for _ in range(2):
        try:
            family.ask("resume", device_id=device, **back)
        except OperationRejected:
            continue
    assert record(family, device, b"www.adult.example") == []
    register = family.household.state.ledger.register
    enrolment = family.household.state.device(device).enrolment
    assert register.state(enrolment, "history") == "waiting"
    assert family.ask("activity", limit=200)["items"][-1]["action"] == "ask"
    # Their own word, and it records.
    family.ask("me.agree", address={1: TABLET, 2: LAPTOP}[device], feature="history", agree=FEATURES["history"].version)
    assert record(family, device, b"www.adult.example") == ["adult.example"]


def test_an_adult_who_agreed_comes_back_by_their_agreement(family: Home) -> None:
    family.ask("device.edit", id=2, person_id=2)
    family.ask("me.agree", address=LAPTOP, feature="history", agree=1)
    family.ask("pause")
    family.ask("resume")
    assert record(family, 2, b"www.adult.example") == ["adult.example"]


def test_the_household_does_not_agree_for_an_adult_by_any_door(family: Home) -> None:
    family.ask("device.edit", id=2, person_id=2)
    for op, more in (("on", {"agree": 1}), ("resume", {"agree": 1}), ("on", {"agree": 1, "actor": "me:2"})):
        try:
            family.ask(op, device_id=2, feature="history", **more)
        except OperationRejected:
            continue
    assert record(family, 2, b"www.adult.example") == []


def test_nobody_agrees_for_a_child_at_its_own_page(family: Home) -> None:
    family.ask("off", device_id=1, feature="history")
    with pytest.raises(OperationRejected, match="only an adult"):
        family.ask("me.agree", address=TABLET, feature="history", agree=1)
    assert record(family, 1, b"www.child.example") == []


def test_a_ledger_of_before_is_read_and_asks_anew(family: Home) -> None:
    """A state.db of the version before: its rows tell neither subject nor terms."""
    path = family.household.state.db.path
    family.crash()
    sql = sqlite3.connect(path)
    sql.execute("DROP TRIGGER ledger_grows_only")
    previous = GENESIS
    columns = "seq, at, actor, enrolment, feature, action, notice"
    for row in sql.execute(f"SELECT {columns} FROM ledger ORDER BY seq").fetchall():
        previous = sealed(LedgerRow(*row, b""), previous, sha256).hash
        sql.execute("UPDATE ledger SET detail='', hash=? WHERE seq=?", (previous, row[0]))
    sql.execute("CREATE TRIGGER ledger_grows_only BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT,"
                " 'the ledger is append-only'); END")  # fmt: skip
    sql.execute("ALTER TABLE ledger DROP COLUMN detail")
    tables = ["delayed_changes", "windows", "holidays", "holds", "exceptions", "content"]
    for table in [*tables, "allowances", "bonuses", "banks"]:
        sql.execute("DROP TABLE " + table)
    later = ["rules.made", "devices.never_off", "reports.kind", "requests.person", "requests.shared", "requests.ends"]
    for table, _, column in [name.partition(".") for name in later]:
        sql.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    sql.execute("PRAGMA user_version=2")
    sql.commit()
    sql.close()
    for name in os.listdir(family.state_dir):
        if name == "anchor":
            os.unlink(os.path.join(family.state_dir, name))
    for name in os.listdir(family.run_dir):
        os.unlink(os.path.join(family.run_dir, name))
    family.start()
    assert record(family, 1, b"www.child.example") == []
    family.ask("resume", device_id=1, agree=1)
    assert record(family, 1, b"www.child.example") == ["child.example"]
    assert family.ask("audit")["ok"]
