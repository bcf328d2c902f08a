"""Backup and restore: everything comes back but switched off; what was erased meanwhile does not."""

from pathlib import Path

import pytest

from agent.core.model import BadInput
from agent.daemon.daemon import put_in_place
from agent.daemon.operations import backup_values
from agent.daemon.operations.arguments import OperationRejected
from agent.daemon.operations.web_values import web_value
from agent.daemon.reports.budget import OWN
from agent.daemon.store import backup_tables
from tests.daemon.reporting import WEEK_S, Weeks, configured, opt_in
from tests.daemon.test_reports import Life, copied, put_back
from tests.promises.household import Home, observe

A = "127.0.0.2"


def saved(home: Home, history: bool) -> list[dict]:
    rows, after = [], None
    while True:
        page = home.ask("backup", history=history, limit=3, **({"after": after} if after else {}))
        rows += page["items"]
        after = page["next"]
        if after is None:
            return rows


def bring_back(home: Home, rows: list[dict]) -> None:
    """As the web job does, then the restart as the daemon does."""
    home.ask("restore", part="first", rows=rows[:5])
    for start in range(5, len(rows), 5):
        home.ask("restore", part="more", rows=rows[start : start + 5])
    home.ask("restore", part="last", rows=[])
    household = home.household
    home.crash()
    put_in_place(household)
    home.start()


@pytest.fixture
def lived(home: Home) -> Home:
    home.ask("person.add", name="Mia", group="child", birth_month="2015-02")
    home.ask("device.add", label="tablet", address=A, person_id=1)
    home.ask("on", device_id=1, feature="history", agree=1)
    for number in range(6):
        observe(home.household, A, b"h.s%d.example" % number)
    home.ask("block", name="bad.example")
    home.ask("content.set", person_id=1, categories=["adult"], always=["school.example"])
    home.ask("settings.set", key="history_days", value=3)
    return home


@pytest.mark.parametrize("history", [False, True])
def test_all_comes_back_switched_off(lived: Home, tmp_path: Path, history: bool) -> None:
    rows = saved(lived, history)
    other = Home(str(tmp_path / "other"))
    other.start()
    bring_back(other, rows)
    (device,) = other.ask("device.list")["items"]
    assert device["label"] == "tablet" and device["person"]["birth_month"] == "2015-02"
    assert device["features"]["history"] == {"on": False, "since": None, "epoch": None, "suspended": "restore"}
    assert other.household.gate.devices() == []
    assert [rule["name"] for rule in other.ask("rule.list")["items"]] == ["bad.example"]
    assert other.ask("content.get", person_id=1) == lived.ask("content.get", person_id=1)
    assert other.ask("content.get", person_id=1)["categories"] == ["adult"]
    assert other.household.settings.number("history_days") == 3
    assert len(other.ask("history", all=True)["items"]) == (6 if history else 0)
    assert other.ask("audit")["ok"]
    other.ask("resume")
    assert other.ask("device.list")["items"][0]["features"]["history"]["on"]
    assert other.ask("audit")["ok"]
    other.crash()


def test_what_was_erased_since_does_not_come_back(lived: Home) -> None:
    rows = saved(lived, True)
    doomed = next(row for row in lived.ask("history", all=True)["items"] if row["site"] == "s2.example")
    lived.ask("visit.delete", id=doomed["id"])
    bring_back(lived, rows)
    sites = {row["site"] for row in lived.ask("history", all=True)["items"]}
    assert len(sites) == 5 and "s2.example" not in sites
    assert lived.ask("audit")["ok"]


def test_a_device_that_was_forgotten_since_does_not_come_back(lived: Home) -> None:
    """Its name and address neither; nor its rules and history; also not by bringing the same backup back twice."""
    lived.ask("device.add", label="stays", address="127.0.0.3")
    lived.ask("block", name="worse.example", device_id=1)
    rows = saved(lived, True)
    lived.ask("device.remove", id=1)
    for _ in range(2):
        bring_back(lived, rows)
        assert [row["label"] for row in lived.ask("device.list")["items"]] == ["stays"]
        assert [rule["name"] for rule in lived.ask("rule.list")["items"]] == ["bad.example"]
        assert lived.ask("history", all=True)["items"] == []
        raw = b"".join(path.read_bytes() for path in Path(lived.folder).rglob("*") if path.is_file())
        for needle in (b"tablet", A.encode(), b"s2.example", b"worse.example"):
            assert needle not in raw, needle
        assert lived.ask("audit")["ok"]


@pytest.mark.parametrize("key", ["clock", *OWN, "report operator", "forgotten", "setting"])
def test_a_backup_sets_nothing_but_settings(lived: Home, key: str) -> None:
    rows = [*saved(lived, False), {"kind": "setting", "row": [key, "0"]}]
    with pytest.raises(BadInput, match="no setting"):
        lived.ask("restore", part="first", rows=rows[-1:])
    assert lived.ask("audit")["ok"]


def agreed_again(life: Life, rows: list[dict]) -> None:
    """The backup is brought back, and reports are agreed to anew, at the time that it was."""
    added = life.weeks.add_s
    bring_back(life.home, rows)
    life.weeks = Weeks(life.home.household)
    life.weeks.on(added)
    configured(life.home, life.operator)
    opt_in(life.home)
    life.reports.tick()


def test_a_backup_gives_no_privacy_budget_back(lived: Home) -> None:
    """Reports were made, then a backup from before is brought back: at least what was spent stays spent."""
    life = Life(lived, report_budget_milli=50_000)
    rows = saved(lived, False)
    opt_in(lived)
    for _ in range(4):
        life.week()
    assert life.spent() == 2000
    agreed_again(life, rows)
    assert life.spent() >= 2000


def test_no_backup_hides_that_an_older_state_was_put_back(lived: Home, tmp_path: Path) -> None:
    """An old copy of the whole state, then, before the clock is set, a young backup: all weeks between are charged."""
    life = Life(lived, report_budget_milli=50_000)
    opt_in(lived)
    life.week()
    before = copied(life, tmp_path)
    for _ in range(8):
        life.week()
    rows, real = saved(lived, False), life.spent()
    put_back(life, before)
    life.weeks.jump_s = -20 * WEEK_S
    opt_in(lived)
    agreed_again(life, rows)
    assert life.spent() >= real


def test_the_web_pages_password_stays_the_routers_own(lived: Home) -> None:
    lived.household.state.put_web("password", '"secret"')
    rows = saved(lived, True)
    assert "secret" not in repr(rows)
    bring_back(lived, rows)
    assert web_value(lived.household, "password") == "secret"


def damaged(rows: list[dict]) -> list[list[dict]]:
    def but(kind: str, column: int, value: object) -> list[dict]:
        row = next(row for row in rows if row["kind"] == kind)
        changed = {**row, "row": [value if at == column else old for at, old in enumerate(row["row"])]}
        return [changed if old is row else old for old in rows]

    return [
        but("ledger", 2, "forger"),
        but("ledger", 7, {"hex": "zz"}),
        but("device", 5, 99),
        but("device", 2, None),
        but("rule", 0, [1]),
        [row for row in rows if row["kind"] != "person"],
        [*rows, {"kind": "removals", "row": [1, 2, 3, 4, 5]}],
        [*rows, {"kind": "device", "row": [1]}],
        [*rows, "nonsense"],
    ]


def test_a_damaged_backup_changes_nothing(lived: Home) -> None:
    for wrong in damaged(saved(lived, False)):
        with pytest.raises(BadInput):
            lived.ask("restore", part="first", rows=wrong)
            lived.ask("restore", part="last", rows=[])
        assert lived.household.in_hand.replaced == []
        assert lived.ask("device.list")["items"][0]["features"]["history"]["on"]


def test_each_column_of_a_backup_is_one_of_the_tables_and_is_checked(lived: Home) -> None:
    known = backup_tables.columns_in(lived.household.state, lived.household.records)
    assert set(known) == set(backup_tables.ALL)
    for kind, columns in known.items():
        assert columns[0].key, kind
        for column in columns:
            with pytest.raises(BadInput):
                backup_values._checked(kind, column)([])
        assert set(backup_values.CHECKS.get(kind, {})) <= {column.name for column in columns}, kind


def test_parts_come_in_order(lived: Home) -> None:
    with pytest.raises(OperationRejected):
        lived.ask("restore", part="last", rows=[])
