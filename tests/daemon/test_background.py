"""Background folded under the visit that pulled it in: stored, read, corrected, erased and brought back with it."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.model import BadInput
from agent.daemon.operations import backup
from agent.daemon.store import backup_tables
from agent.daemon.store.history_db import HistoryDb
from agent.daemon.store.history_schema import MIGRATIONS
from tests.promises.household import Home, observe

NEWS, ADS, CDN, APP = b"www.news.example", b"t.ads.test", b"x.cdn.test", b"api.app.test"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A tablet that opened a page, which pulled in two sites; a minute later an app called home."""
    made = Home(str(tmp_path))
    made.start()
    made.ask("device.add", label="tablet", address="127.0.0.2")
    made.ask("on", device_id=1, feature="history", agree=1)
    moment = Moment(made, monkeypatch)
    moment.contact(0, NEWS, ADS, CDN)
    moment.contact(60, APP)
    moment.contact(61, ADS)
    made.moment = moment  # type: ignore[attr-defined]
    yield made
    made.crash()


class Moment:
    """Contacts at a time of the household's life."""

    def __init__(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        self._home = home
        self._start = home.household.clock.now()
        self._monkeypatch = monkeypatch

    def contact(self, after_s: int, *hosts: bytes) -> None:
        now = tuple(value + after_s for value in self._start)
        self._monkeypatch.setattr(self._home.household.recorder, "_now", lambda: now)
        for host in hosts:
            observe(self._home.household, "127.0.0.2", host)
        self._home.household.flush()


def sites(home: Home, **asked: object) -> list[str]:
    return sorted(row["site"] for row in home.ask("history", device_id=1, **asked)["items"])


def row(home: Home, site: str) -> dict:
    return next(row for row in home.ask("history", device_id=1)["items"] if row["site"] == site)


def test_background_is_folded_or_apart(home: Home) -> None:
    news = row(home, "news.example")
    assert (news["background"], news["cause"], news["folded"], news["corrected"]) == (False, None, 2, False)
    assert row(home, "ads.test")["cause"] == row(home, "cdn.test")["cause"] == news["id"]
    assert sites(home, show="visits") == ["news.example"]
    assert sites(home, show="apart") == ["app.test"]
    assert sites(home, cause=news["id"]) == ["ads.test", "cdn.test"]
    assert sites(home) == sites(home, show="all") == ["ads.test", "app.test", "cdn.test", "news.example"]
    assert sites(home, show="visits", search="ads") == []
    with pytest.raises(BadInput):
        sites(home, show="some")


def test_counts_are_of_visits_and_the_export_has_everything(home: Home) -> None:
    (today,) = home.ask("today", since=0)["items"]
    assert (today["visits"], today["sites"]) == (1, 1)
    assert sum(day["visits"] for day in home.ask("history.days", device_id=1)["items"]) == 1
    visits = [item["row"] for item in home.ask("export", device_id=1)["items"] if item["kind"] == "visit"]
    assert sorted((visit["site"], visit["background"]) for visit in visits) == [
        ("ads.test", True),
        ("app.test", True),
        ("cdn.test", True),
        ("news.example", False),
    ]
    assert home.ask("audit")["ok"]


def test_removing_a_visit_removes_what_it_pulled_in(home: Home) -> None:
    news = row(home, "news.example")
    assert home.ask("visit.delete", id=news["id"], preview=True)["visits"] == 3
    assert home.ask("visit.delete", id=news["id"])["visits"] == 3
    assert sites(home) == ["app.test"]
    home.moment.contact(70, ADS)  # type: ignore[attr-defined]
    assert row(home, "ads.test")["cause"] is None


def test_erasing_a_time_erases_what_its_visits_pulled_in(home: Home) -> None:
    """Also where that was contacted again later."""
    start = row(home, "news.example")["first"]
    assert home.ask("delete", device_id=1, feature="history", **{"from": start, "to": start + 1})["visits"] == 3
    assert sites(home) == ["app.test"]


def test_what_the_household_says_stays_said(home: Home) -> None:
    ads = row(home, "ads.test")
    assert home.ask("visit.background", id=ads["id"], background=False) == {"id": ads["id"], "background": False}
    assert sites(home, show="visits") == ["ads.test", "news.example"]
    home.moment.contact(90, ADS)  # type: ignore[attr-defined]
    said = row(home, "ads.test")
    assert (said["background"], said["cause"], said["corrected"]) == (False, None, True)
    assert row(home, "news.example")["folded"] == 1
    home.ask("visit.background", id=row(home, "news.example")["id"], background=True)
    assert sites(home, show="apart") == ["app.test", "cdn.test", "news.example"]
    assert [row["action"] for row in home.ask("activity")["items"]][-2:] == ["correct", "correct"]
    with pytest.raises(BadInput):
        home.ask("visit.background", id=999, background=True)


def test_correcting_is_possible_after_off_and_nothing_else(home: Home) -> None:
    home.ask("off", device_id=1, feature="history")
    ads = row(home, "ads.test")
    home.ask("visit.background", id=ads["id"], background=False)
    assert row(home, "ads.test")["background"] is False and home.ask("audit")["ok"]
    with pytest.raises(sqlite3.IntegrityError, match="outside consent"):
        home.household.records.db.sql.execute("UPDATE visits SET batch=batch, background=1")
    with pytest.raises(sqlite3.IntegrityError, match="outside consent"):
        home.household.records.db.sql.execute(
            "INSERT INTO visits(device, epoch, batch, site, first, last, age, hits, hosts, source, background, cause)"
            " SELECT device, epoch, batch, site, first, last, age, hits, hosts, source, 1, id FROM visits LIMIT 1"
        )


def test_a_backup_keeps_what_was_told_apart_and_older_ones_have_visits_only(home: Home) -> None:
    items = home.ask("backup", history=True)["items"]
    newer = [item for item in items if item["kind"] == "visit"]
    news = row(home, "news.example")["id"]
    assert [item["row"][12:] for item in newer] == [[0, None, 0], [1, news, 0], [1, news, 0], [1, None, 0]]
    known = backup_tables.columns_in(home.household.state, home.household.records)
    kind, older = backup._checked({"kind": "visit", "row": newer[0]["row"][:12]}, known)
    assert kind == "visit" and older[12:] == [0, None, 0]
    with pytest.raises(BadInput):
        backup._checked({"kind": "visit", "row": newer[0]["row"][:10]}, known)


def test_a_history_of_the_version_before_is_brought_up(tmp_path: Path) -> None:
    path = str(tmp_path / "history.db")
    old = sqlite3.connect(path)
    old.executescript(MIGRATIONS[0] + "PRAGMA user_version=1;")
    old.execute("INSERT INTO epochs(epoch, device, feature, opened) VALUES (1, 1, 'history', 1)")
    values = (1, 1, 1, "a.example", 5, 6, 7, 8, "a.example", "dns")
    old.execute(
        "INSERT INTO visits(device, epoch, batch, site, first, last, age, hits, hosts, source)"
        " VALUES (?,?,?,?,?,?,?,?,?,?)",
        values,
    )
    old.commit()
    old.close()
    records = HistoryDb(path)
    try:
        found = records.db.sql.execute("SELECT site, background, cause, corrected FROM visits").fetchall()
        assert found == [("a.example", 0, None, 0)]
        records.db.sql.execute("UPDATE epochs SET closed=2")
        with pytest.raises(sqlite3.IntegrityError, match="outside consent"):
            records.db.sql.execute("UPDATE visits SET hits=9")
    finally:
        records.db.close()
