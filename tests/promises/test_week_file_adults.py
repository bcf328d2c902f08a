"""Nothing of an adult is in the household's weekly file but by their own word, given with their PIN at their own
device; it is about an address and a key, is taken back at once, and ends with whatever it was about."""

from __future__ import annotations

import binascii
import json
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agent.control.operations import WEB
from agent.core import age, bech32
from agent.core.model import BadInput
from agent.daemon.operations import TABLE
from agent.daemon.operations.arguments import OperationRejected
from agent.daemon.store.database import StorageError
from agent.jobs import report as job
from tests.daemon.reporting import TOOLS, WEEK_S, Weeks
from tests.promises.control_server import PIN, Server, code, stored
from tests.promises.household import BEN, LAPTOP, MIA, PHONE, TOM, Home, blocked, family_of_three, visit

SECRET = bytes(range(32))
SITE = "toms-site.example"


def recipient(secret: bytes = SECRET) -> str:
    return bech32.encode(age.RECIPIENT, TOOLS.public_of(secret))


TARGET = {"address": "https://nas.example/weeks/?key=telltale", "recipient": recipient()}


@pytest.fixture
def family(home: Home) -> Home:
    family_of_three(home)
    home.ask("web.put", key="pins", value={"3": {"pin": stored(PIN)}})
    home.ask("on", device_id=3, feature="history", agree=1)
    home.ask("me.agree", address=LAPTOP, feature="history", agree=1, proof=word(home))
    visit(home, LAPTOP, SITE)
    Weeks(home.household).on(86400)
    turn_on(home)
    return home


def word(home: Home, address: str = LAPTOP, pin: str = PIN) -> str:
    assert home.household
    steps: Any = TABLE["me.prove"](home.household, {"address": address, "pin": pin})
    while True:
        try:
            time.sleep(next(steps) or 0)
        except StopIteration as done:
            return str(done.value["proof"])


def turn_on(home: Home, **target: object) -> None:
    notice = home.ask("week_file.status")["notice"]
    home.ask("week_file.turn_on", target={**TARGET, **target}, agree=notice)


def join(home: Home, address: str = LAPTOP, **given: object) -> dict[str, Any]:
    asked = home.ask("me", address=address)["week_file_ask"]
    proof = given.pop("proof", None) or word(home)
    arguments = {"terms": asked["terms"], "agree": asked["notice"], "proof": proof, **given}
    return home.ask("me.week_file_join", address=address, **arguments)


def told_of(home: Home) -> list[str]:
    text = home.ask("week_file.preview")["text"]
    names = [one["name"] for one in json.loads(text)["items"]]
    assert (SITE in text) == ("Tom" in names)
    return names


def notes(home: Home) -> list[str]:
    assert home.household
    return [row.action for row in home.household.state.ledger.rows() if row.action in ("join", "leave")]


def notes_of(sql: sqlite3.Connection) -> list[str]:
    rows = sql.execute("SELECT action FROM ledger WHERE action IN ('join', 'leave')")
    return [row[0] for row in rows]


def test_asked_at_their_device_with_what_it_is_about(family: Home) -> None:
    assert sorted(told_of(family)) == ["Ben", "Mia"] and family.ask("week_file.status")["adults"] == []
    shown = family.ask("me", address=LAPTOP)
    assert shown["week_file"] is None
    asked = shown["week_file_ask"]
    assert (asked["joined"], asked["address"], asked["recipient"]) == (False, "https://nas.example/weeks/", recipient())
    assert "telltale" not in json.dumps(shown)
    preview = family.ask("me.week_file", address=LAPTOP)
    assert [one["name"] for one in json.loads(preview["text"])["items"]] == ["Tom"] and SITE in preview["text"]
    assert family.ask("me", address=PHONE)["week_file_ask"] is None, "a teen is not asked"
    assert join(family)["week_file_ask"]["joined"]
    assert sorted(told_of(family)) == ["Ben", "Mia", "Tom"] and notes(family) == ["join"]
    assert family.ask("week_file.status")["adults"] == [{"person_id": TOM, "name": "Tom"}]
    assert family.ask("me", address=LAPTOP)["week_file"] == "nas.example"
    assert [one["action"] for one in family.ask("me", address=LAPTOP)["changes"]][0] == "join"
    assert join(family)["week_file_ask"]["joined"] and notes(family) == ["join"], "twice is once"
    assert family.ask("audit")["ok"]


@pytest.mark.parametrize(
    "given",
    [{"terms": "0" * 16}, {"terms": None}, {"terms": ["x"]}, {"agree": None}, {"agree": 1}, {"proof": "0" * 32}],
)
def test_without_their_word_it_is_not_done(family: Home, given: dict[str, Any]) -> None:
    with pytest.raises((OperationRejected, BadInput)):
        join(family, **given)
    assert notes(family) == [] and "Tom" not in told_of(family)


def test_nobody_joins_without_a_pin_nor_for_somebody_else(family: Home) -> None:
    asked = family.ask("me", address=LAPTOP)["week_file_ask"]
    family.ask("web.put", key="pins", value={"2": {"pin": stored("1234")}})
    for address in (LAPTOP, PHONE):
        with pytest.raises(OperationRejected):
            mine = word(family, PHONE, "1234")
            family.ask("me.week_file_join", address=address, terms=asked["terms"], agree=asked["notice"], proof=mine)
    assert notes(family) == []


def test_the_web_job_alone_asks_and_cannot_prove(family: Home, server: Server) -> None:
    asked = family.ask("me", address=LAPTOP)["week_file_ask"]
    what = {"op": "me.week_file_join", "address": LAPTOP, "terms": asked["terms"], "agree": asked["notice"]}
    assert code(server.ask(WEB, **what, actor="me:3")) == "forbidden"
    assert code(server.ask(WEB, **what, actor="web:1", proof="0" * 32)) == "forbidden"
    for op in ("me.week_file", "me.week_file_join", "me.week_file_leave"):
        for role in ("cli", "feeds", "report"):
            assert code(server.ask(role, **{**what, "op": op})) != "ok", (op, role)
    assert notes(family) == []


def test_taken_back_at_once_and_nothing_of_them_leaves(family: Home) -> None:
    join(family)
    assert family.household and family.household.week_file.tick()
    work = family.ask("report.file_work")
    text = family.ask("report.file_text", id=work["seal"][0]["id"])["text"]
    assert SITE in text
    made = job.sealed_file(TOOLS, age.recipient(work["recipient"]), text)
    family.ask("report.file_sealed", id=1, body=binascii.b2a_base64(made, newline=False).decode())
    assert family.ask("me.week_file_leave", address=LAPTOP)["week_file_ask"]["joined"] is False
    assert [row["state"] for row in family.ask("week_file.list")["items"]] == ["withdrawn"]
    with pytest.raises(Exception, match="no report"):
        family.ask("report.file_body", id=1)
    assert "Tom" not in told_of(family) and notes(family) == ["join", "leave"]
    with pytest.raises(OperationRejected):
        family.ask("me.week_file_leave", address=LAPTOP)
    assert family.household.week_file.tick(), "the others' is made anew"
    assert SITE not in family.ask("report.file_text", id=2)["text"]


def sealed(family: Home) -> None:
    assert family.household and family.household.week_file.tick()
    work = family.ask("report.file_work")
    made = job.sealed_file(TOOLS, age.recipient(work["recipient"]), family.ask("report.file_text", id=1)["text"])
    family.ask("report.file_sealed", id=1, body=binascii.b2a_base64(made, newline=False).decode())


@pytest.mark.parametrize("taken_back", ["left", "deleted", "off"])
def test_nothing_leaves_while_storage_refuses_what_was_taken_back(
    family: Home, taken_back: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shut at once, told that it could not be saved, and saved by itself when storage is back."""
    join(family)
    sealed(family)
    assert family.household and family.ask("report.file_body", id=1)["body"]
    file, sql = family.household.week_file, family.household.state.db.sql
    ask: tuple[str, dict[str, object]] = {
        "left": ("me.week_file_leave", {"address": LAPTOP}),
        "deleted": ("delete", {"device_id": 1}),
        "off": ("week_file.turn_off", {}),
    }[taken_back]
    if taken_back == "deleted":
        # The rows are gone, and then nothing more can be written.
        monkeypatch.setattr(family.household, "flush", lambda: sql.execute("PRAGMA query_only=ON"))
    else:
        sql.execute("PRAGMA query_only=ON")
    with pytest.raises(StorageError) as refused:
        family.ask(ask[0], **ask[1])
    assert ("off now" in str(refused.value)) == (taken_back != "deleted")
    for _ in range(2):
        assert not file.running and not file.tick() and "no weekly file is made" in str(file.trouble())
        assert family.ask("report.file_work")["send"] is None
        with pytest.raises(Exception, match="no report"):
            family.ask("report.file_body", id=1)
    monkeypatch.undo()
    sql.execute("PRAGMA query_only=OFF")
    file.tick()
    assert family.ask("week_file.list")["items"][0]["state"] == "withdrawn"
    assert file.running == (taken_back != "off") and ("Tom" in told_of(family)) == (taken_back == "deleted")
    assert notes(family) == (["join", "leave"] if taken_back == "left" else ["join"])
    assert not file.trouble() and family.ask("audit")["ok"]


def test_they_leave_as_soon_as_the_file_is_free_again(family: Home) -> None:
    """While somebody else holds it, nothing goes, and leaving waits for it."""
    join(family)
    assert family.household
    with closing(sqlite3.connect(family.household.state.db.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        steps: Any = TABLE["me.week_file_leave"](family.household, {"address": LAPTOP})
        assert next(steps) and not family.household.week_file.running
        assert next(steps) and notes_of(other) == ["join"]
        other.execute("ROLLBACK")
    assert list(steps) == [] and notes(family) == ["join", "leave"] and family.household.week_file.running


def test_a_file_that_waits_goes_only_while_all_in_it_take_part(family: Home) -> None:
    """Whatever ends it: looked at again right before it is handed out."""
    join(family)
    assert family.household
    family.household.week_file.tick()
    work = family.ask("report.file_work")
    made = job.sealed_file(TOOLS, age.recipient(work["recipient"]), family.ask("report.file_text", id=1)["text"])
    family.ask("report.file_sealed", id=1, body=binascii.b2a_base64(made, newline=False).decode())
    assert family.ask("report.file_body", id=1)["body"]
    family.ask("device.edit", id=3, person_id=BEN)
    with pytest.raises(Exception, match="adult"):
        family.ask("report.file_body", id=1)
    assert [row["state"] for row in family.ask("week_file.list")["items"]] == ["withdrawn"]


OTHER = recipient(bytes(32 * [7]))


@pytest.mark.parametrize(
    "change",
    [
        ("week_file.turn_on", {"address": "https://other.example/"}),
        ("week_file.turn_on", {"address": "https://nas.example/elsewhere/"}),
        ("week_file.turn_on", {"recipient": OTHER}),
        ("week_file.turn_on", {}),
        ("device.edit", {"id": 3, "person_id": MIA}),
        ("device.edit", {"id": 3, "person_id": None}),
        ("device.edit", {"id": 3, "shared": True}),
        ("person.edit", {"id": TOM, "group": "teen"}),
        ("person.remove", {"id": TOM}),
        ("device.remove", {"id": 3}),
    ],
)
def test_a_change_of_what_it_was_about_ends_it(family: Home, change: tuple[str, dict[str, object]]) -> None:
    op, values = change
    join(family)
    if op == "week_file.turn_on":
        turn_on(family, **values)
    else:
        family.ask(op, **values)
    assert "Tom" not in told_of(family)
    # And back again does not bring it back.
    if op == "device.edit":
        family.ask(op, id=3, person_id=TOM, shared=False)
    elif op == "person.edit":
        family.ask(op, id=TOM, group="adult")
    elif values and op == "week_file.turn_on":
        turn_on(family)
    assert "Tom" not in told_of(family)
    assert family.household and not family.household.week_file.trouble()


def test_off_ends_it_and_a_new_on_asks_anew(family: Home) -> None:
    join(family)
    family.ask("week_file.turn_off")
    assert family.ask("me", address=LAPTOP)["week_file_ask"] is None
    turn_on(family)
    assert "Tom" not in told_of(family) and not family.ask("me", address=LAPTOP)["week_file_ask"]["joined"]
    join(family)
    assert "Tom" in told_of(family)


def test_what_is_the_adults_own_is_not_in_it(family: Home) -> None:
    """The household's file has what the household may read: what was blocked for them is theirs."""
    family.ask("block", name="bad.example")
    family.ask("on", device_id=3, feature="protection", agree=1)
    blocked(family, LAPTOP)
    join(family)
    tom = json.loads(family.ask("me.week_file", address=LAPTOP)["text"])["items"][0]
    assert tom["blocked"] is None


def test_a_start_and_a_restored_state(family: Home) -> None:
    join(family)
    copy = Path(family.state_dir, "state.db").read_bytes()
    Weeks(family.start()).on(86400)
    assert "Tom" in told_of(family), "it stays through a restart"
    family.ask("me.week_file_leave", address=LAPTOP)
    family.crash()
    Path(family.state_dir, "state.db").write_bytes(copy)
    Weeks(family.start()).on(86400)
    assert family.ask("week_file.status")["state"] != "on"
    turn_on(family)
    assert "Tom" not in told_of(family), "an old state.db brings no agreement back"


def test_real_age_opens_it(family: Home, tmp_path: Path) -> None:
    if shutil.which("age") is None or shutil.which("age-keygen") is None:
        pytest.skip("not here: age (apt-get install age)")
    key = tmp_path / "key"
    subprocess.run(["age-keygen", "-o", key], check=True, capture_output=True)
    public = subprocess.run(["age-keygen", "-y", key], check=True, capture_output=True, text=True).stdout.strip()
    turn_on(family, recipient=public)
    assert family.household
    weeks = Weeks(family.household)
    found = []
    for joined in (False, True, False):
        if joined:
            join(family)
        elif found:
            family.ask("me.week_file_leave", address=LAPTOP)
        assert family.household.week_file.tick()
        work = family.ask("report.file_work")
        text = family.ask("report.file_text", id=work["seal"][-1]["id"])["text"]
        made = job.sealed_file(TOOLS, age.recipient(work["recipient"]), text)
        opened = subprocess.run(["age", "-d", "-i", key], input=made, check=True, capture_output=True).stdout
        items = json.loads(opened)["items"]
        found.append(["Tom" in [one["name"] for one in items], "Tom" in opened.decode()])
        weeks.on(0 if joined else WEEK_S + 86400)
    assert found == [[False, False], [True, True], [False, False]]
