"""The household's own weekly file: on and off, sealed to its key, what waits, and what a deletion takes along."""

import binascii
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.core import age, bech32, week_file
from agent.core.model import BadInput
from agent.daemon.household import Household
from agent.daemon.operations.arguments import OperationRejected
from agent.daemon.store.database import StorageError
from agent.jobs import report as job
from tests.daemon.reporting import TOOLS, WEEK_S, Straight, Weeks
from tests.promises.household import Crash, Home

DAY_S = 86400
SECRET = os.urandom(32)
RECIPIENT = bech32.encode(age.RECIPIENT, TOOLS.public_of(SECRET))
TARGET = {"address": "https://nas.example/remote.php/dav/files/ada/", "recipient": RECIPIENT}


class Life:
    """A household whose weeks pass by hand."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.started()

    def started(self) -> None:
        added = self.weeks.add_s if hasattr(self, "weeks") else 0
        self.home.crash()
        self.home.start()
        self.weeks = Weeks(self.home.household)
        self.weeks.on(added)

    @property
    def file(self):
        return self.home.household.week_file

    def week(self) -> None:
        self.weeks.on(WEEK_S + DAY_S)
        self.file.tick()

    def states(self) -> list[str]:
        return [row["state"] for row in self.home.ask("week_file.list", limit=200)["items"]]

    def ledger(self) -> list[str]:
        return [row.action for row in self.home.household.state.ledger.rows() if row.feature == "week_file"]

    def on(self, **target: object) -> dict[str, Any]:
        notice = self.home.ask("week_file.status")["notice"]
        return self.home.ask("week_file.turn_on", target={**TARGET, **target}, agree=notice, actor="web:1")

    def seal(self) -> None:
        """The sealing half of the job."""
        work = self.home.ask("report.file_work")
        for row in work["seal"]:
            text = self.home.ask("report.file_text", id=row["id"])["text"]
            made = job.sealed_file(TOOLS, age.recipient(work["recipient"]), text)
            self.home.ask("report.file_sealed", id=row["id"], body=binascii.b2a_base64(made, newline=False).decode())

    def opened(self, row_id: int) -> dict[str, Any]:
        body = binascii.a2b_base64(self.home.ask("report.file_body", id=row_id)["body"])
        return dict(json.loads(age.decrypt(TOOLS, SECRET, body)))


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = Life(Home(str(tmp_path)))
    yield made
    made.home.crash()


def test_off_until_somebody_read_it_and_named_a_place_and_a_key(life: Life) -> None:
    status = life.home.ask("week_file.status")
    assert (status["state"], status["running"], status["target"], status["next_at"]) == ("off", False, None, None)
    life.week()
    assert life.states() == [] and not life.file.tick()
    with pytest.raises(OperationRejected, match="read what is in the weekly file"):
        life.home.ask("week_file.turn_on", target=TARGET)
    told = life.on(user="ada", password="app-password")
    assert (told["state"], told["running"]) == ("on", True)
    assert told["target"] == {
        "address": TARGET["address"], "user": "ada", "recipient": RECIPIENT, "authority": False,
    }  # fmt: skip
    assert "app-password" not in json.dumps(life.home.ask("week_file.status"))
    assert life.ledger() == ["on"]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"address": "http://nas.example/"}, "https"),
        ({"address": "https:///x"}, "https"),
        ({"address": "https://ada:pw@nas.example/"}, "no user"),
        ({"address": "https://nas.example/a b"}, "character"),
        ({"address": "https://nas.example/\r\nX: y"}, "one line"),
        ({"address": "https://nas.example/ä"}, "character"),
        ({"user": "ada"}, "go together"),
        ({"user": "a:b", "password": "x"}, "colon"),
        ({"recipient": ""}, "age1"),
        ({"recipient": RECIPIENT[:-1] + ("q" if RECIPIENT[-1] != "q" else "p")}, "letter"),
        ({"recipient": bech32.encode(age.IDENTITY, SECRET).upper()}, "age1"),
        ({"authority": "x"}, "PEM"),
        ({"else": 1}, "there are"),
    ],
)
def test_a_target_that_is_none(life: Life, target: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        life.on(**target)
    assert life.home.ask("week_file.status")["state"] == "off"


def test_a_host_of_other_letters_is_kept_as_it_is_asked_for(life: Life) -> None:
    assert life.on(address="https://bücher.example/in?x=1")["target"]["address"] == "https://xn--bcher-kva.example/in"


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("https://nas.example/dav/", "https://nas.example/dav/week-x.age"),
        ("https://nas.example", "https://nas.example/week-x.age"),
        ("https://s3.example/b/key?X-Sig=1", "https://s3.example/b/key?X-Sig=1"),
        ("https://s3.example/b/?sig=1", "https://s3.example/b/week-x.age?sig=1"),
    ],
)
def test_into_a_folder_or_over_one_file(address: str, place: str) -> None:
    assert week_file.place(address, "week-x.age") == place


def test_the_first_goes_at_once_and_then_one_a_week(life: Life) -> None:
    life.on()
    assert life.file.tick()
    life.seal()
    assert life.home.ask("report.file_work")["send"] == {"id": 1, "failures": 0}
    life.home.ask("report.file_outcome", id=1, outcome="done")
    assert life.states() == ["sent"] and not life.file.tick()
    for _ in range(2):
        life.week()
    life.seal()
    assert life.states() == ["sent", "sealed", "sealed"]
    assert life.ledger() == ["on", "report", "share", "report", "report"]
    # The others wait for a time that is drawn.
    ages = [life.file.outbox.row(n)["send_age"] - life.file.outbox.row(n)["made"] for n in (1, 2, 3)]
    assert len(set(ages)) == 3
    assert life.home.ask("audit")["ok"]


def test_only_children_and_teens_are_in_it_and_it_has_few_sizes(life: Life) -> None:
    for name, group in (("Ada", "adult"), ("Mia", "child"), ("Ben", "teen")):
        life.home.ask("person.add", name=name, group=group)
    shown = life.home.ask("week_file.preview")
    life.on()
    life.file.tick()
    life.seal()
    body = binascii.a2b_base64(life.home.ask("report.file_body", id=1)["body"])
    plain = age.decrypt(TOOLS, SECRET, body)
    assert len(plain) == shown["bytes"] == week_file.SIZES[0]
    told, before = json.loads(plain), json.loads(shown["text"])
    assert {one["name"] for one in told["items"]} == {"Mia", "Ben"}
    assert b"Ada" not in plain
    assert {**told, "made": 0} == {**before, "made": 0}, "what was shown is what is sent"


def test_a_week_too_long_is_cut_and_says_so() -> None:
    item = {"name": "Mia", "changes": [{"at": n, "what": "x" * 80} for n in range(200)], "requests": []}
    week = {"items": [item] * 5}
    text = week_file.render(week)
    found = json.loads(text)
    assert len(text) > 8_000 and len(week_file.padded(text)) == week_file.SIZES[1]
    assert found["cut"] == 20 and len(found["items"][0]["changes"]) == 20 and len(item["changes"]) == 200
    assert json.loads(week_file.padded(text)) == found
    assert json.loads(week_file.render({"items": [{"name": "x" * 50_000}]}))["items"] == []


def test_outcomes(life: Life) -> None:
    life.on()
    life.file.tick()
    life.seal()
    life.home.ask("report.file_outcome", id=1, outcome="later", message="the receiver answers 503", pause_s=3600)
    assert life.home.ask("report.file_work")["send"] is None
    assert life.home.ask("week_file.status")["trouble"] == "the receiver answers 503"
    life.weeks.on(3601)
    assert life.home.ask("report.file_work")["send"] == {"id": 1, "failures": 1}
    life.home.ask("report.file_outcome", id=1, outcome="never", message="the receiver answers 401")
    assert life.states() == ["dropped"] and life.ledger()[-1] == "drop"
    assert life.home.ask("week_file.status")["trouble"] == "the receiver answers 401"


def test_a_month_without_a_network_is_what_waits(life: Life) -> None:
    life.on()
    for _ in range(6):
        life.week()
        life.seal()
    assert life.states() == ["dropped"] * 2 + ["sealed"] * 4
    assert [life.opened(n)["format"] for n in range(3, 7)] == [week_file.FORMAT] * 4


def test_off_leaves_nothing(life: Life, tmp_path: Path) -> None:
    life.on(user="ada", password="app-password-7731")
    life.week()
    life.seal()
    body = life.home.ask("report.file_body", id=1)["body"]
    told = life.home.ask("week_file.turn_off", actor="web:1")
    assert (told["state"], told["running"], told["target"], told["waiting"], told["next_at"]) == (
        "off", False, None, 0, None,
    )  # fmt: skip
    life.week()
    assert life.states() == ["withdrawn"] and life.ledger() == ["on", "report", "off"]
    for op in ("report.file_body", "report.file_text"):
        with pytest.raises(BadInput):
            life.home.ask(op, id=1)
    with pytest.raises(BadInput):
        life.home.ask("report.file_sealed", id=1, body=body)
    raw = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for gone in (body[300:400], "app-password-7731", "nas.example", RECIPIENT):
        assert gone.encode() not in raw, gone
    assert life.home.ask("week_file.turn_off")["state"] == "off"


def test_another_address_ends_the_one_before(life: Life) -> None:
    life.on()
    life.week()
    life.seal()
    life.on(address="https://else.example/")
    assert life.states() == ["withdrawn"] and life.ledger() == ["on", "report", "off", "on"]
    life.file.tick()
    life.seal()
    assert life.home.ask("report.file_body", id=2)["address"].startswith("https://else.example/week-")


@pytest.mark.parametrize("step", ["optout.gate", "optout.job", "optout.purge", "optout.settle", "optout.acknowledge"])
def test_a_crash_while_turning_it_off_leaves_on_or_off_and_never_a_file_that_goes(life: Life, step: str) -> None:
    life.on()
    life.week()
    life.seal()
    life.home.crash_at = step
    with pytest.raises(Crash):
        life.home.ask("week_file.turn_off")
    life.started()
    status = life.home.ask("week_file.status")
    if step in ("optout.settle", "optout.acknowledge"):
        assert (status["state"], status["target"], life.states()) == ("off", None, ["withdrawn"])
    else:
        assert status["running"] and life.states() == ["sealed"]
    assert life.home.ask("audit")["ok"]


def test_a_crash_while_turning_it_on_leaves_it_off(life: Life) -> None:
    life.home.crash_at = "weekfile.ledger"
    with pytest.raises(Crash):
        life.on()
    life.started()
    assert life.home.ask("week_file.status")["state"] == "off" and life.file.target() is None


def test_what_was_deleted_is_not_sent(life: Life, tmp_path: Path) -> None:
    """What waits may hold it: it goes, and another one is made of what is there."""
    life.home.watch()
    life.on()
    life.week()
    life.seal()
    body = life.home.ask("report.file_body", id=1)["body"]
    life.home.ask("delete", device_id=1, actor="web:1")
    assert life.states() == ["withdrawn"]
    raw = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert body[300:400].encode() not in raw
    life.file.tick()
    life.seal()
    assert life.states() == ["withdrawn", "sealed"] and life.ledger()[-1] == "report"


def test_who_became_an_adult_meanwhile_is_in_no_file_that_goes(life: Life) -> None:
    for name, group in (("Mia", "child"), ("Ben", "teen")):
        life.home.ask("person.add", name=name, group=group)
    life.on()
    life.file.tick()
    life.seal()
    assert {one["name"] for one in life.opened(1)["items"]} == {"Mia", "Ben"}
    life.home.ask("person.edit", id=2, group="adult", actor="web:1")
    with pytest.raises(BadInput, match="adult now"):
        life.home.ask("report.file_body", id=1)
    assert life.states() == ["withdrawn"]
    life.file.tick()
    life.seal()
    assert life.states() == ["withdrawn", "sealed"]
    assert {one["name"] for one in life.opened(2)["items"]} == {"Mia"}


def test_a_state_that_was_put_back_sends_nothing(life: Life, tmp_path: Path) -> None:
    life.on()
    life.week()
    life.seal()
    state = tmp_path / "state" / "state.db"
    life.home.household.state.db.sql.commit()
    before = state.read_bytes()
    life.home.ask("week_file.turn_off")
    life.home.crash()
    state.unlink()
    state.write_bytes(before)
    life.started()
    status = life.home.ask("week_file.status")
    assert (status["state"], status["why"], status["target"]) == ("suspended", "restore", None)
    assert life.states() == ["withdrawn"]
    assert life.on()["state"] == "on"


def test_it_is_named_where_people_look(life: Life) -> None:
    for number, (name, group) in enumerate((("Ada", "adult"), ("Mia", "child")), 2):
        person = life.home.ask("person.add", name=name, group=group)["id"]
        life.home.ask("device.add", label=name, address=f"127.0.0.{number}", person_id=person)

    def named() -> tuple[list[str], object, object]:
        items = life.home.ask("recipients")["items"]
        adult, child = [life.home.ask("me", address=f"127.0.0.{n}")["week_file"] for n in (2, 3)]
        return [one["name"] for one in items if one["kind"] == "week_file"], adult, child

    assert named() == ([], None, None)
    life.on(address="https://nas.example:8443/secret-folder/?token=1")
    assert named() == (["nas.example:8443"], None, "nas.example:8443")
    life.home.ask("week_file.turn_off")
    assert named() == ([], None, None)


def test_the_clock_decides_nothing_before_it_is_set(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    life.on()
    monkeypatch.setattr(type(life.home.household.clock), "is_set", property(lambda self: False))
    assert not life.file.tick() and life.states() == []
    assert "clock" in life.home.ask("week_file.status")["trouble"]


def test_the_job_sees_what_is_on_only(life: Life) -> None:
    client = Straight(life.home)
    job.files(client)
    life.on()
    life.file.tick()
    life.home.ask("week_file.turn_off")
    job.files(client)
    assert life.states() == ["withdrawn"]


@pytest.mark.parametrize("state", ["suspended", "on"])
def test_an_off_that_storage_refused_ends_no_later_on(life: Life, state: str) -> None:
    life.on()
    if state == "suspended":
        life.file.sending.purge("suspend", "terms")
    sql = life.home.household.state.db.sql
    sql.execute("PRAGMA query_only=ON")
    with pytest.raises(StorageError):
        life.home.ask("week_file.turn_off")
    sql.execute("PRAGMA query_only=OFF")
    life.on()
    assert life.file.tick() and life.file.running and life.ledger()[-3:] == ["off", "on", "report"]


def test_a_deletion_opens_nothing_that_is_ending(life: Life) -> None:
    life.on()
    life.week()
    life.seal()
    life.home.household.edges.end_report = lambda: True  # the job is still there
    steps = life.file.sending.opt_out("web:1")
    next(steps)
    life.file.withdraw()
    assert life.states() == ["withdrawn"] and not life.file.running
    steps.close()


def test_a_deletion_opens_nothing_before_the_start_is_committed(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    life.on()
    life.week()
    life.seal()
    begin = Household.begin

    def refused(household: Household) -> None:
        household.state.db.sql.execute("PRAGMA query_only=ON")
        begin(household)
        household.state.db.sql.execute("PRAGMA query_only=OFF")

    monkeypatch.setattr(Household, "begin", refused)
    life.started()
    monkeypatch.undo()
    assert life.home.household.trouble
    life.file.withdraw()
    assert life.states() == ["withdrawn"] and not life.file.running
    life.home.household.begin()
    assert life.file.running
