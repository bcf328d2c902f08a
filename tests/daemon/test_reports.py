"""Reports: opting in and out, the budget, the queue, and what is counted."""

import json
import sqlite3
from pathlib import Path

import pytest

from agent.core import summary
from agent.core.model import BadInput
from agent.daemon.operations.arguments import OperationRejected
from agent.daemon.store.database import StorageError
from tests.daemon.reporting import WEEK_S, Operator, Weeks, configured, opt_in, seal_all
from tests.promises.household import Crash, Home

DAY_S = 86400


class Life:
    """A household with an operator, opted in or not, whose weeks pass by hand."""

    def __init__(self, home: Home, **settings: object) -> None:
        self.home = home
        self.settings = settings
        self.operator = Operator()
        self.started()
        configured(home, self.operator)

    def started(self) -> None:
        added = self.weeks.add_s if hasattr(self, "weeks") else 0
        if self.home.household is not None:
            self.home.crash()
        self.home.start(**self.settings)
        self.weeks = Weeks(self.home.household)
        self.weeks.on(added)

    @property
    def reports(self):
        return self.home.household.reports

    def week(self) -> None:
        self.weeks.on(WEEK_S + DAY_S)
        self.reports.tick()

    def spent(self) -> int | None:
        return self.home.ask("statistics.status")["budget"]["spent"]

    def states(self) -> list[str]:
        return [row["state"] for row in self.home.ask("statistics.list", limit=200)["items"]]

    def ledger(self) -> list[str]:
        return [row.action for row in self.home.household.state.ledger.rows() if row.feature == "report"]


@pytest.fixture
def life(tmp_path: Path):
    made = Life(Home(str(tmp_path)))
    yield made
    made.home.crash()


def attempt(home: Home, device: int, category: str, number: int, list_id: str = "l") -> None:
    household = home.household
    epoch = household.state.ledger.register.epoch(household.state.device(device).enrolment, "protection")
    with household.records.db.transaction() as sql:
        for n in range(number):
            sql.execute(
                "INSERT INTO attempts(device, epoch, batch, target, at, age, hits, source, rule, scope, list,"
                " list_name, list_version, category) VALUES (?,?,?,?,?,?,1,'dns','r','list',?,'',?,?)",
                (device, epoch, 1, f"t{n}", 1, household.clock.age(), list_id, "", category),
            )


def device(home: Home, number: int, group: str | None, shared: bool = False) -> int:
    person = home.ask("person.add", name=f"p{number}", group=group)["id"] if group else None
    row = home.ask("device.add", label=f"d{number}", address=f"127.0.0.{number}", person_id=person, shared=shared)
    home.ask("on", device_id=row["id"], feature="protection", agree=1)
    return row["id"]


# opting in


def test_off_by_default_and_not_to_be_switched_on_without_an_operator(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    home.start()
    status = home.ask("statistics.status")
    assert (status["state"], status["running"], status["operator"], status["terms"]) == ("off", False, None, None)
    with pytest.raises(OperationRejected, match="no operator"):
        home.ask("statistics.opt_in", agree=1, terms="0" * 16)
    home.crash()


def test_an_operator_must_say_who_they_are(life: Life) -> None:
    good = life.operator.row
    for name in ("name", "contact", "country", "purpose", "retention", "address", "key"):
        with pytest.raises(BadInput, match=name):
            life.home.ask("statistics.operator_set", operator={**good, name: ""})
    for name, value in (
        ("address", "http://reports.example/"),
        ("address", "https://user@reports.example/"),
        ("country", "de"),
        ("key", "00"),
        ("key", "z" * 64),
        ("authority", "no certificate"),
        ("name", "two\nlines"),
        ("logo", "x"),
    ):
        with pytest.raises(BadInput):
            life.home.ask("statistics.operator_set", operator={**good, name: value})
    assert life.home.ask("statistics.operator")["operator"] == good


def test_what_is_agreed_to_must_be_what_was_shown(life: Life) -> None:
    terms = life.home.ask("statistics.status")["terms"]
    for wrong in ({}, {"agree": 1}, {"agree": 0, "terms": terms}, {"agree": 1, "terms": "0" * 16}):
        with pytest.raises(OperationRejected) as refused:
            life.home.ask("statistics.opt_in", **wrong)
        assert refused.value.code == "agree_first"
        assert refused.value.detail["report"]["operator"]["name"] == life.operator.row["name"]
        assert "IP address" in refused.value.detail["report"]["seen"]
    assert opt_in(life.home)["running"]
    with pytest.raises(OperationRejected, match="already"):
        opt_in(life.home)
    assert life.ledger() == ["on"]


@pytest.mark.parametrize(
    "change", [{"name": "Another"}, {"key": "11" * 32}, {"address": "https://else.example/"}, {"purpose": "more"}]
)
def test_any_change_of_the_operator_ends_it_and_asks_again(life: Life, change: dict) -> None:
    opt_in(life.home)
    life.week()
    seal_all(life.home)
    life.home.ask("statistics.operator_set", operator={**life.operator.row, **change})
    status = life.home.ask("statistics.status")
    assert (status["state"], status["running"], status["why"], status["waiting"]) == ("suspended", False, "cli", 0)
    life.week()
    assert life.states() == ["withdrawn"]
    assert opt_in(life.home)["running"]


def test_the_same_operator_again_changes_nothing(life: Life) -> None:
    opt_in(life.home)
    configured(life.home, life.operator)
    assert life.home.ask("statistics.status")["running"]


def test_another_epsilon_in_the_settings_asks_again(life: Life) -> None:
    opt_in(life.home)
    life.week()
    life.settings = {"report_epsilon_milli": 600}
    life.started()
    status = life.home.ask("statistics.status")
    assert (status["state"], status["why"], status["waiting"]) == ("suspended", "terms", 0)


def test_settings_read_again_ask_again(life: Life) -> None:
    opt_in(life.home)
    life.home.household.settings.values["report_epsilon_milli"] = 600
    life.week()
    assert life.home.ask("statistics.status")["state"] == "suspended"
    assert life.states() == []


# what is shown and counted


def test_a_preview_shows_the_exact_text_and_costs_nothing(life: Life) -> None:
    shown = life.home.ask("statistics.preview")
    text = json.loads(shown["text"])
    assert [row["name"] for row in shown["items"]] == [row.name for row in summary.TABLE]
    sent = {row["name"]: row["sent"] for row in shown["items"] if row["sent"] is not None}
    assert sent == {name: str(said) for name, said in text["answers"].items()} and len(sent) == 1
    assert life.spent() == 0
    assert life.states() == []
    assert shown["text"] != life.home.ask("statistics.preview")["text"]


def test_no_child_is_counted(life: Life) -> None:
    for number, (group, shared) in enumerate([("adult", False), (None, True), ("child", False), ("teen", False)], 2):
        attempt(life.home, device(life.home, number, group, shared), "phishing", number - 1)
    numbers = {row["name"]: row["number"] for row in life.home.ask("statistics.preview")["items"]}
    assert numbers["blocked"] == str(1 + 2)
    assert (numbers["blocked.phishing"], numbers["blocked.malware"]) == ("1+", "0")
    assert numbers["devices.protection"] == "1-2"


def test_the_households_own_rules_and_older_weeks_are_not_counted(life: Life) -> None:
    tablet = device(life.home, 2, "adult")
    attempt(life.home, tablet, "phishing", 2)
    attempt(life.home, tablet, "", 5, list_id="")
    assert {r["name"]: r["number"] for r in life.home.ask("statistics.preview")["items"]}["blocked"] == "2"
    life.weeks.on(8 * DAY_S)
    numbers = {row["name"]: row["number"] for row in life.home.ask("statistics.preview")["items"]}
    assert (numbers["blocked"], numbers["blocked.phishing"]) == ("0", "0")


def test_nothing_from_before_opting_in_is_counted(life: Life) -> None:
    attempt(life.home, device(life.home, 2, "adult"), "phishing", 2)
    life.weeks.on(60)
    opt_in(life.home)
    numbers = {row["name"]: row["number"] for row in life.home.ask("statistics.preview")["items"]}
    assert (numbers["blocked"], numbers["blocked.phishing"]) == ("0", "0")


@pytest.mark.parametrize("how", ["group", "person", "shared"])
def test_nothing_of_the_time_when_a_device_was_a_childs_is_counted(life: Life, how: str) -> None:
    """It is an adult's or shared now; what was refused while it was a child's stays out, also after a restart."""
    tablet = device(life.home, 2, "child")
    adult = life.home.ask("person.add", name="Ada", group="adult")["id"]
    opt_in(life.home)
    life.weeks.on(DAY_S)
    attempt(life.home, tablet, "phishing", 3)
    life.reports.tick()
    change = {
        "group": ("person.edit", {"id": 1, "group": "adult"}),
        "person": ("device.edit", {"id": tablet, "person_id": adult}),
        "shared": ("device.edit", {"id": tablet, "person_id": None, "shared": True}),
    }[how]
    life.weeks.on(60)
    life.home.ask(change[0], **change[1])
    life.reports.tick()
    life.started()
    life.weeks.on(60)

    def refused() -> int:
        return int({r["name"]: r["number"] for r in life.home.ask("statistics.preview")["items"]}["blocked"])

    assert refused() == 0
    if not protected(life, tablet):
        life.home.ask("on", device_id=tablet, feature="protection", agree=1)
    attempt(life.home, tablet, "phishing", 2)
    assert refused() == 2


def protected(life: Life, device_id: int) -> bool:
    rows = life.home.ask("device.list")["items"]
    return bool(next(row for row in rows if row["id"] == device_id)["features"]["protection"]["on"])


# making


def test_a_report_a_week_sealed_for_the_operator_only(life: Life) -> None:
    opt_in(life.home)
    life.reports.tick()
    assert life.states() == []
    for _ in range(3):
        life.week()
        life.reports.tick()
    assert life.states() == ["made"] * 3
    seal_all(life.home)
    rows = [life.reports.outbox.row(n) for n in (1, 2, 3)]
    for row in rows:
        opened = life.operator.open(row["body"].encode())
        assert summary.render(bytes.fromhex(opened.id), opened.period, opened.answer) == row["plain"]
        assert life.home.ask("statistics.show", id=row["id"])["text"] == row["plain"]
    assert len({row["report"] for row in rows}) == 3
    assert life.ledger() == ["on", "report", "report", "report"]
    assert life.spent() == 1500


def test_the_queue_is_bounded_and_the_oldest_goes_with_a_ledger_row(life: Life) -> None:
    opt_in(life.home)
    for _ in range(10):
        life.week()
        seal_all(life.home)
    assert life.states() == ["dropped"] * 2 + ["sealed"] * 8
    assert life.ledger().count("drop") == 2
    assert [life.reports.outbox.row(n)["body"] for n in (1, 2)] == [None, None]


def test_outcomes(life: Life) -> None:
    opt_in(life.home)
    for _ in range(3):
        life.week()
    seal_all(life.home)
    work = lambda: life.home.ask("report.work")["send"]  # noqa: E731
    outcomes = [("done", ""), ("never", "the receiver answers 400"), ("later", "silent")]
    gone = []
    for outcome, message in outcomes:
        while (due := work()) is None:
            life.weeks.to_send()
        gone.append(due["id"])
        life.home.ask("report.outcome", id=due["id"], outcome=outcome, message=message, pause_s=3600)
    assert sorted(gone) == [1, 2, 3]
    states = dict(enumerate(life.states(), 1))
    assert [states[row_id] for row_id in gone] == ["sent", "dropped", "sealed"]
    assert work() is None
    life.weeks.on(3601)
    assert work() == {"id": gone[2], "failures": 1}
    assert life.ledger()[-2:] == ["share", "drop"]
    for row_id in gone[:2]:
        with pytest.raises(BadInput):
            life.home.ask("report.body", id=row_id)


def test_reports_that_wait_never_go_together_nor_when_the_router_comes_back(life: Life) -> None:
    """After weeks without a network or power each goes at a time of its own: one address that sends several at once, or
    right after it was away, would tell that they are one household's."""
    opt_in(life.home)
    for _ in range(5):
        life.week()
    seal_all(life.home)
    life.weeks.on(3 * DAY_S)
    life.started()
    back = life.home.household.clock.age()
    assert life.home.ask("report.work")["send"] is None, "what was late went at once"
    sent = []
    while len(sent) < 5:
        life.weeks.to_send()
        due = life.home.ask("report.work")["send"]
        if due:
            sent.append(life.home.household.clock.age() - back)
            life.home.ask("report.outcome", id=due["id"], outcome="done")
    assert sent[-1] < 6 * DAY_S
    # The times are drawn from a day: that four gaps or the first wait are all below a minute has a chance of 10^-14.
    assert max(b - a for a, b in zip([0, *sent], sent)) > 60


# opting out


def test_opting_out_leaves_nothing(life: Life, tmp_path: Path) -> None:
    opt_in(life.home)
    life.week()
    seal_all(life.home)
    life.week()
    body = life.reports.outbox.row(1)["body"]
    texts = [life.reports.outbox.row(n)["plain"] for n in (1, 2)]
    status = life.home.ask("statistics.opt_out")
    assert (status["state"], status["running"], status["waiting"], status["next_at"]) == ("off", False, 0, None)
    life.week()
    assert life.states() == ["withdrawn"] * 2
    for op in (lambda: life.home.ask("report.body", id=1), lambda: life.home.ask("report.sealed", id=2, body=body)):
        with pytest.raises(BadInput):
            op()
    raw = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for gone in (body[300:400], *texts):
        assert gone.encode() not in raw, "an erased report is still in a file"
    assert life.home.ask("audit")["ok"]


def test_the_operator_is_named_among_those_who_receive_something(life: Life) -> None:
    def named() -> list[str]:
        return [row["name"] for row in life.home.ask("recipients")["items"] if row["kind"] == "operator"]

    assert named() == []
    opt_in(life.home)
    assert named() == ["Example Institute"]
    life.home.ask("statistics.opt_out")
    assert named() == []


def test_opting_out_twice_is_fine(life: Life) -> None:
    life.home.ask("statistics.opt_out")
    opt_in(life.home)
    life.home.ask("statistics.opt_out")
    assert life.home.ask("statistics.opt_out")["state"] == "off"
    assert life.ledger() == ["on", "off"]


# the budget


def test_the_budget_ends_it_for_good(life: Life) -> None:
    life.settings = {"report_epsilon_milli": 500, "report_budget_milli": 1700}
    life.started()
    opt_in(life.home)
    for _ in range(6):
        life.week()
        life.home.ask("statistics.opt_out")
        opt_in(life.home)
    assert (len(life.states()), life.spent()) == (3, 1500)
    assert life.home.ask("statistics.status")["exhausted"]


def test_opting_out_and_in_makes_no_report_sooner(life: Life) -> None:
    opt_in(life.home)
    life.week()
    for _ in range(20):
        life.home.ask("statistics.opt_out")
        opt_in(life.home)
        life.weeks.on(DAY_S // 4)
        life.reports.tick()
    assert len(life.states()) == 1


def test_a_clock_that_jumps_makes_no_report(life: Life) -> None:
    opt_in(life.home)
    for jump in (10**8, -(10**7), 5 * 10**8, 0):
        life.weeks.jump_s = jump
        life.reports.tick()
    assert life.states() == []


@pytest.mark.parametrize("step", ["make.charge", "make.note", "make.count", "make.keep", "make.done"])
def test_a_crash_while_making_never_gives_budget_back(life: Life, step: str) -> None:
    opt_in(life.home)
    life.week()
    assert life.spent() == 500
    life.home.crash_at = step
    with pytest.raises(Crash):
        life.week()
    life.started()
    after = life.spent()
    assert after == (500 if step == "make.charge" else 1000)
    made = [row for row in life.home.ask("statistics.list")["items"] if row["state"] == "made"]
    assert len(made) * 500 <= after
    assert life.home.ask("statistics.status")["running"]
    life.week()
    assert life.spent() == after + 500


def test_every_place_of_the_budget_counts_and_a_missing_one_closes(life: Life, tmp_path: Path) -> None:
    opt_in(life.home)
    for _ in range(2):
        life.week()
    note = tmp_path / "state" / "spent"
    kept = note.read_bytes()
    with life.home.household.state.db.transaction() as sql:
        sql.execute("UPDATE meta SET value='0' WHERE key='report spent'")
    assert life.spent() == 1000
    for damage in (b"", b"x" * 64, b"privacy-agent spent 1 -5".ljust(64), b"privacy-agent spent 2 0".ljust(64)):
        note.write_bytes(damage)
        assert life.spent() is None
    note.unlink()
    assert life.spent() is None
    life.week()
    assert len(life.states()) == 2
    life.home.ask("statistics.opt_out")
    with pytest.raises(OperationRejected, match="can't be known"):
        opt_in(life.home)
    note.write_bytes(kept)
    assert life.spent() == 1000


@pytest.mark.parametrize("with_note", [True, False])
def test_a_restored_state_charges_the_weeks_it_may_have_forgotten(life: Life, tmp_path: Path, with_note: bool) -> None:
    """Also where only state.db is kept, as over a system upgrade."""
    opt_in(life.home)
    life.week()
    state, note = tmp_path / "state" / "state.db", tmp_path / "state" / "spent"
    life.home.household.state.db.sql.commit()
    before = (state.read_bytes(), note.read_bytes())
    for _ in range(4):
        life.week()
    assert life.spent() == 2500
    life.home.crash()
    for path, data in zip((state, note), before, strict=True):
        path.unlink()
        path.write_bytes(data)
    if not with_note:
        note.unlink()
    life.started()
    status = life.home.ask("statistics.status")
    assert (status["state"], status["why"], status["waiting"]) == ("suspended", "restore", 0)
    opt_in(life.home)
    life.reports.tick()
    assert life.spent() >= 2500


def put_back(life: Life, copies: dict[Path, bytes]) -> None:
    """Files as they were, as a restore does it: with other inodes."""
    life.home.crash()
    for path, data in copies.items():
        path.unlink()
        path.write_bytes(data)
    life.started()


def copied(life: Life, tmp_path: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (tmp_path / "state" / "state.db", tmp_path / "state" / "spent")}


def test_a_restore_charges_the_largest_epsilon_there_may_have_been(life: Life, tmp_path: Path) -> None:
    """In the weeks that the copy knows nothing of, epsilon was 2; then the copy is put back and epsilon made small."""
    life.settings = {"report_epsilon_milli": 500, "report_budget_milli": 50_000}
    life.started()
    opt_in(life.home)
    life.week()
    before = copied(life, tmp_path)
    life.settings = {"report_epsilon_milli": 2000, "report_budget_milli": 50_000}
    life.started()
    opt_in(life.home)
    for _ in range(3):
        life.week()
    real = life.spent()
    assert real == 500 + 3 * 2000
    life.settings = {"report_epsilon_milli": 10, "report_budget_milli": 50_000}
    put_back(life, before)
    opt_in(life.home)
    life.reports.tick()
    assert life.spent() >= real


@pytest.mark.parametrize("back_s", [DAY_S * 60, 10**9])
def test_a_restore_with_a_clock_put_back_makes_no_report(life: Life, tmp_path: Path, back_s: int) -> None:
    """A clock before the ledger's last row does not tell how many weeks were forgotten."""
    opt_in(life.home)
    life.week()
    before = copied(life, tmp_path)
    for _ in range(3):
        life.week()
    put_back(life, before)
    life.weeks.jump_s = -back_s
    opt_in(life.home)
    for _ in range(3):
        life.week()
        life.weeks.jump_s -= 8 * DAY_S
    assert life.spent() == 500
    assert life.states().count("made") == 0
    assert "clock" in life.home.ask("statistics.status")["trouble"]
    life.weeks.jump_s = 0
    life.reports.tick()
    assert life.spent() >= 2000
    assert life.home.ask("statistics.status")["trouble"] == ""


@pytest.mark.parametrize("restarted", [False, True])
def test_a_restore_under_a_clock_that_is_behind_charges_the_rest_when_it_is_set_right(
    life: Life, tmp_path: Path, restarted: bool
) -> None:
    """Without a battery a router wakes up at the time of its newest file: after a restore that is the backup's."""
    opt_in(life.home)
    life.week()
    before = copied(life, tmp_path)
    for _ in range(8):
        life.week()
    real = life.spent()
    put_back(life, before)
    life.weeks.jump_s = -8 * (WEEK_S + DAY_S)
    opt_in(life.home)
    life.reports.tick()
    assert life.home.ask("statistics.status")["trouble"] == ""
    behind = life.spent()
    assert behind is not None and behind < real, "nothing tells yet that the clock is behind"
    if restarted:
        life.started()
        life.weeks.jump_s = -8 * (WEEK_S + DAY_S)
        life.reports.tick()
        assert life.spent() == behind, "charged once only"
    life.weeks.jump_s = 0
    life.reports.tick()
    right = life.spent()
    assert right >= real
    life.reports.tick()
    life.weeks.jump_s = -8 * (WEEK_S + DAY_S)
    life.reports.tick()
    assert life.spent() == right, "a clock that goes back again neither charges nor gives back"


def test_weeks_that_pass_after_a_restore_cost_no_more_than_their_reports(life: Life, tmp_path: Path) -> None:
    life.settings = {"report_epsilon_milli": 10}
    life.started()
    opt_in(life.home)
    before = copied(life, tmp_path)
    life.week()
    put_back(life, before)
    opt_in(life.home)
    life.reports.tick()
    charged = life.spent()
    for _ in range(10):
        life.week()
    assert life.spent() == charged + 10 * 10


def test_a_second_restore_while_the_clock_is_behind_forgets_nothing_of_the_first(life: Life, tmp_path: Path) -> None:
    """An old copy under a clock that is behind; then, as a page's backup does it, a young ledger with these marks."""
    opt_in(life.home)
    life.week()
    before = copied(life, tmp_path)
    for _ in range(8):
        life.week()
    real, young = life.spent(), life.home.household.clock.wall() - DAY_S
    put_back(life, before)
    life.weeks.jump_s = -8 * (WEEK_S + DAY_S)
    opt_in(life.home)
    life.reports.tick()
    assert life.spent() < real
    life.home.household.state.put_meta("report unsettled", str(young))
    life.reports.tick()
    assert life.home.ask("statistics.status")["trouble"] != ""
    life.weeks.jump_s = 0
    life.reports.tick()
    assert life.spent() >= real and life.home.ask("statistics.status")["trouble"] == ""
    charged = life.spent()
    life.reports.tick()
    assert life.spent() == charged


def test_the_same_copy_put_back_twice_is_charged_for(life: Life, tmp_path: Path) -> None:
    """With nothing on in it: the first start after it must leave a trace by which the second is known."""
    opt_in(life.home)
    life.week()
    life.home.ask("statistics.opt_out")
    before = copied(life, tmp_path)
    opt_in(life.home)
    for _ in range(8):
        life.week()
    real = life.spent()
    put_back(life, before)
    assert life.home.ask("activity", limit=200)["items"][-1]["action"] == "restore"
    put_back(life, before)
    opt_in(life.home)
    life.reports.tick()
    assert life.spent() >= real


def test_a_state_from_before_anything_is_no_new_life(life: Life, tmp_path: Path) -> None:
    """Nothing but state.db of the first minute is put back, and what was spent beside it is gone."""
    before = copied_state(life, tmp_path)
    opt_in(life.home)
    life.week()
    (tmp_path / "state" / "spent").unlink()
    put_back(life, before)
    opt_in(life.home)
    for _ in range(3):
        life.week()
    assert life.states() == [] and life.home.ask("statistics.status")["exhausted"]


def copied_state(life: Life, tmp_path: Path) -> dict[Path, bytes]:
    path = tmp_path / "state" / "state.db"
    return {path: path.read_bytes()}


def test_a_restore_that_is_cut_off_while_it_is_charged_costs_more_not_less(life: Life, tmp_path: Path) -> None:
    opt_in(life.home)
    life.week()
    before = copied(life, tmp_path)
    life.week()
    put_back(life, before)
    sql = life.home.household.state.db.sql
    sql.execute("CREATE TRIGGER cut BEFORE DELETE ON meta BEGIN SELECT RAISE(ABORT, 'cut off'); END")
    charged = life.spent()
    for _ in range(2):
        with pytest.raises(sqlite3.IntegrityError):
            life.reports.budget.charge_unknown_weeks()
        assert life.spent() > charged
        charged = life.spent()
    sql.execute("DROP TRIGGER cut")
    assert life.reports.budget.charge_unknown_weeks() and life.spent() > charged


def test_opting_out_waits_until_the_wire_is_silent(life: Life) -> None:
    opt_in(life.home)
    life.week()
    waits = [1.5, 0.5, 0.0]
    life.home.edges.end_report = iter([True, True, False]).__next__
    life.home.edges.report_silence_s = iter(waits).__next__
    steps = life.reports.opt_out("cli")
    assert [next(steps), next(steps)] == [0.02, 0.02]
    assert life.states() == ["made"], "purged while the job was alive"
    assert next(steps) == 1.5
    assert life.states() == ["withdrawn"], "waited before it was purged"
    assert list(steps) == [0.5]


def test_storage_that_refuses_makes_no_report_and_closes_the_gate_on_opting_out(life: Life) -> None:
    opt_in(life.home)
    sql = life.home.household.state.db.sql
    sql.execute("PRAGMA query_only=ON")
    life.week()
    assert "no report is made" in str(life.reports.trouble)
    assert (life.states(), life.spent()) == ([], 0)
    with pytest.raises(StorageError):
        life.home.ask("statistics.opt_out")
    assert not life.reports.running, "what could not be written down is closed all the same"
    sql.execute("PRAGMA query_only=OFF")
    life.reports.tick()
    assert life.states() == []
    assert life.home.ask("statistics.opt_out")["state"] == "off"


@pytest.mark.parametrize("state", ["suspended", "on"])
def test_an_opt_out_that_storage_refused_ends_no_later_opt_in(life: Life, state: str) -> None:
    opt_in(life.home)
    if state == "suspended":
        life.reports.sending.purge("suspend", "terms")
    sql = life.home.household.state.db.sql
    sql.execute("PRAGMA query_only=ON")
    with pytest.raises(StorageError):
        life.home.ask("statistics.opt_out")
    with pytest.raises(StorageError):
        opt_in(life.home)
    sql.execute("PRAGMA query_only=OFF")
    opt_in(life.home)
    life.reports.tick()
    assert life.reports.running and life.ledger()[-2:] == ["off", "on"]


def test_a_trouble_is_told_no_more_once_the_opt_out_is_saved(life: Life) -> None:
    opt_in(life.home)
    sql = life.home.household.state.db.sql
    sql.execute("PRAGMA query_only=ON")
    with pytest.raises(StorageError):
        life.home.ask("statistics.opt_out")
    life.reports.tick()
    assert "no report is made" in str(life.home.ask("statistics.status")["trouble"])
    sql.execute("PRAGMA query_only=OFF")
    life.reports.tick()
    status = life.home.ask("statistics.status")
    assert (status["state"], status["trouble"]) == ("off", "")


def test_what_can_t_be_counted_is_dropped_and_said_so(life: Life) -> None:
    """Paid for, and then history.db can't be read: no report waits for a text that never comes."""
    opt_in(life.home)

    def unreadable(since_age: int, running: bool) -> None:
        raise sqlite3.DatabaseError("disk image is malformed")

    counted, life.reports.counts.facts = life.reports.counts.facts, unreadable
    life.week()
    assert "malformed" in life.home.ask("statistics.status")["trouble"]
    life.reports.counts.facts = counted
    life.reports.tick()
    (row,) = life.home.ask("statistics.list")["items"]
    assert (row["state"], row["message"]) == ("dropped", "its making was cut off")
    assert (life.spent(), life.home.ask("statistics.status")["waiting"]) == (500, 0)
    life.week()
    assert life.states() == ["dropped", "made"]


def test_a_clock_that_is_not_set_makes_nothing(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    opt_in(life.home)
    monkeypatch.setattr(type(life.home.household.clock), "is_set", False)
    life.week()
    assert life.states() == []


@pytest.mark.parametrize("step", ["optout.gate", "optout.job", "optout.purge", "optout.settle", "optout.acknowledge"])
def test_a_crash_while_opting_out_leaves_off_or_on_as_before(life: Life, step: str) -> None:
    opt_in(life.home)
    life.week()
    seal_all(life.home)
    life.home.crash_at = step
    with pytest.raises(Crash):
        life.home.ask("statistics.opt_out")
    life.started()
    status = life.home.ask("statistics.status")
    purged = step in ("optout.settle", "optout.acknowledge")
    assert (status["running"], status["waiting"]) == ((False, 0) if purged else (True, 1))
    life.home.ask("statistics.opt_out")
    assert life.states() == ["withdrawn"]


@pytest.mark.parametrize("step", ["optin.note", "optin.ledger", "optin.acknowledge"])
def test_a_crash_while_opting_in_leaves_off_or_on(life: Life, step: str) -> None:
    life.home.crash_at = step
    with pytest.raises(Crash):
        opt_in(life.home)
    life.started()
    assert life.home.ask("statistics.status")["running"] == (step == "optin.acknowledge")
    assert life.home.ask("audit")["ok"]
