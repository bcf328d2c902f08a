"""What a state.db that was put back is charged: by a clock that is set by hand, from the last row on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.noise import EPSILON_MAX
from agent.daemon.household import Household
from agent.daemon.reports.agreement import FEATURE
from agent.daemon.reports.budget import SETTLED, STORED, UNSETTLED, WEEK_S, Budget
from tests.promises.household import Home

LAST = 1_790_000_000  # of the ledger's last row


class At:
    """The time, and the household's age."""

    def __init__(self) -> None:
        self.now, self.old, self.is_set = LAST, 1000, True

    def wall(self) -> int:
        return self.now

    def age(self) -> int:
        return self.old

    def go(self, seconds: int) -> None:
        self.now, self.old = self.now + seconds, self.old + seconds


class Charged:
    """A budget, its clock, and the two numbers."""

    def __init__(self, household: Household, folder: str) -> None:
        self.state, self.clock, self.file = household.state, At(), Path(folder, "spent")
        self.budget = Budget(household.settings, self.state, self.clock)  # type: ignore[arg-type]

    def report(self, at: int = LAST) -> None:
        self.state.ledger.append([("", FEATURE, "report", 0)], "cli", at)

    def store(self, spent: int) -> None:
        with self.state.db.transaction() as sql:
            self.budget.store(sql, spent)

    @property
    def kept(self) -> tuple[str, str]:
        return self.state.meta(UNSETTLED, ""), self.state.meta(SETTLED, "")


@pytest.fixture
def charged(tmp_path: Path) -> Iterator[Charged]:
    home = Home(str(tmp_path))
    made = Charged(home.start(report_epsilon_milli=500, report_budget_milli=100_000), home.state_dir)
    yield made
    home.crash()


def test_a_report_that_the_ledger_tells_of_was_paid_for(charged: Charged) -> None:
    assert charged.budget.spent() == 0
    charged.report()
    assert charged.budget.spent() is None, "and nobody knows with how much"
    assert charged.budget.after_one_more() is None
    charged.store(500)
    assert charged.budget.spent() is None, "its file is gone"
    charged.budget.note(700)
    assert charged.budget.spent() == 700 and charged.budget.after_one_more() == 1200


def test_it_is_noted_once_from_which_row_on(charged: Charged) -> None:
    charged.budget.note_restored(False)
    assert charged.kept == ("", "")
    charged.budget.note_restored(True)
    assert charged.kept == ("0", ""), "there is no row"
    charged.report()
    charged.budget.note_restored(True)
    assert charged.kept == ("0", ""), "until that is charged"
    assert charged.budget.charge_unknown_weeks()
    charged.budget.note_restored(True)
    assert charged.kept[0] == str(LAST)


def test_nothing_to_charge(charged: Charged) -> None:
    charged.clock.is_set = False
    assert charged.budget.charge_unknown_weeks() is True
    assert charged.budget.spent() == 0 and not charged.file.exists()


@pytest.mark.parametrize(
    "passed,weeks", [(0, 1), (1, 1), (WEEK_S - 1, 1), (WEEK_S, 2), (WEEK_S + 1, 2), (10 * WEEK_S, 11)]
)
def test_each_week_that_began_is_charged_the_most(charged: Charged, passed: int, weeks: int) -> None:
    charged.report()
    charged.store(700)
    charged.budget.note(600)
    charged.budget.note_restored(True)
    charged.clock.now += passed
    assert charged.budget.charge_unknown_weeks() is True
    assert charged.budget.spent() == 700 + weeks * EPSILON_MAX
    assert charged.kept == ("", f"{LAST} 1000 {weeks}")
    rows = charged.state.db.sql.execute("SELECT count(*) FROM meta WHERE key = ?", (UNSETTLED,)).fetchone()
    assert rows == (0,)
    written = charged.file.stat().st_mtime_ns
    assert charged.budget.charge_unknown_weeks() is True
    assert charged.file.stat().st_mtime_ns == written, "nothing to charge is nothing to write"
    charged.clock.go(30 * WEEK_S)  # what passes while it runs is no secret
    assert charged.budget.charge_unknown_weeks() is True
    assert charged.budget.spent() == 700 + weeks * EPSILON_MAX


@pytest.mark.parametrize("unset,behind_s", [(True, 0), (False, 1)])
def test_a_clock_that_can_not_tell_makes_it_wait(charged: Charged, unset: bool, behind_s: int) -> None:
    charged.report()
    charged.budget.note(500)
    charged.budget.note_restored(True)
    charged.clock.is_set, charged.clock.now = not unset, LAST - behind_s
    assert charged.budget.charge_unknown_weeks() is False
    assert charged.budget.spent() == 500 and charged.kept == (str(LAST), "")
    charged.clock.is_set, charged.clock.now = True, LAST
    assert charged.budget.charge_unknown_weeks() is True and charged.budget.spent() == 500 + EPSILON_MAX


def test_a_clock_that_was_behind_pays_the_rest_when_it_jumps(charged: Charged) -> None:
    charged.report()
    charged.budget.note(500)
    charged.budget.note_restored(True)
    charged.budget.charge_unknown_weeks()
    charged.clock.go(2 * WEEK_S)
    charged.clock.now += 3 * WEEK_S
    assert charged.budget.charge_unknown_weeks() is True
    assert charged.budget.spent() == 500 + 4 * EPSILON_MAX
    assert charged.kept == ("", f"{LAST} 1000 4")
    charged.clock.now -= 9 * WEEK_S
    assert charged.budget.charge_unknown_weeks() is True, "set back it asks for nothing"
    assert charged.budget.spent() == 500 + 4 * EPSILON_MAX


def test_one_that_was_put_back_earlier_is_paid_first(charged: Charged) -> None:
    charged.report()
    charged.budget.note(500)
    charged.budget.note_restored(True)
    charged.budget.charge_unknown_weeks()
    charged.clock.go(WEEK_S)
    charged.report(charged.clock.now)
    charged.budget.note_restored(True)
    charged.clock.now += 2 * WEEK_S
    assert charged.budget.charge_unknown_weeks() is True
    assert charged.budget.spent() == 500 + EPSILON_MAX + 2 * EPSILON_MAX + 3 * EPSILON_MAX
    assert charged.kept == ("", f"{LAST + WEEK_S} {1000 + WEEK_S} 3")


def test_a_crash_between_the_two_forgets_neither(charged: Charged, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that is still to come stays noted until it is charged itself."""
    charged.report()
    charged.budget.note(500)
    charged.budget.note_restored(True)
    charged.budget.charge_unknown_weeks()
    charged.report(LAST + 5 * WEEK_S)
    charged.budget.note_restored(True)
    charged.clock.now += 4 * WEEK_S  # behind the second one's last row
    assert charged.budget.charge_unknown_weeks() is False
    assert charged.kept == (str(LAST + 5 * WEEK_S), f"{LAST} 1000 5")
    assert charged.budget.spent() == 500 + 5 * EPSILON_MAX


def test_the_larger_of_the_two_is_charged_on(charged: Charged) -> None:
    charged.report()
    charged.store(700)
    charged.budget.note(900)
    charged.budget.note_restored(True)
    assert charged.budget.charge_unknown_weeks() is True
    assert charged.budget.spent() == 900 + EPSILON_MAX


def test_where_only_state_db_knows_it_is_charged_on_that(charged: Charged) -> None:
    """As over a system upgrade, which keeps state.db and not the file beside it."""
    charged.report()
    charged.store(900)
    charged.budget.note_restored(True)
    assert charged.budget.charge_unknown_weeks() is True
    assert charged.budget.spent() == 900 + EPSILON_MAX


@pytest.mark.parametrize("made,spent", [(False, EPSILON_MAX), (True, None)])
def test_where_neither_knows(charged: Charged, made: bool, spent: int | None) -> None:
    """Nothing was spent where no report was made; else nobody knows how much, and that stays so."""
    if made:
        charged.report()
    charged.budget.note_restored(True)
    assert charged.budget.charge_unknown_weeks() is True
    if not made:
        spent = EPSILON_MAX * (LAST // WEEK_S + 1)
    assert charged.budget.spent() == spent
    assert charged.file.exists() is not made


def test_a_number_that_is_none_counts_as_all(charged: Charged) -> None:
    charged.budget.note(500)
    charged.state.put_meta(STORED, "²")
    assert charged.budget.spent() is None and charged.budget.after_one_more() is None


def test_later_the_file_alone_is_asked(charged: Charged) -> None:
    """Once charged, a file that goes is one of which nobody knows what it held."""
    charged.report()
    charged.store(900)
    charged.budget.note_restored(True)
    charged.budget.charge_unknown_weeks()
    charged.file.unlink()
    charged.clock.now += 3 * WEEK_S
    assert charged.budget.charge_unknown_weeks() is True
    assert charged.budget.spent() is None and not charged.file.exists()


def test_the_wait_for_the_disk_is_told(charged: Charged) -> None:
    told: list[str] = []

    class Waiting:
        def __enter__(self) -> None:
            told.append("waits")

        def __exit__(self, *_: object) -> None:
            told.append("goes on")

    charged.state.db.waiting = Waiting
    charged.budget.note(7)
    assert told == ["waits", "goes on"]
