"""The privacy budget over random lives of a household: weeks, withdrawals, crashes at each step, clock jumps."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.core.model import BadInput
from tests.daemon.reporting import WEEK_S, opt_in
from tests.daemon.test_reports import Life
from tests.promises.household import Crash, Home

STEPS = ("make.charge", "make.note", "make.count", "make.keep", "make.done", "optin.note", "optin.ledger")
STEPS += ("optin.acknowledge", "optout.gate", "optout.job", "optout.purge", "optout.settle", "optout.acknowledge")
EPSILON, LIFETIME = 500, 2600

ACTIONS = st.one_of(
    st.tuples(st.just("pass"), st.integers(0, 3 * WEEK_S)),
    st.tuples(st.just("jump"), st.integers(-(10**8), 10**8)),
    st.tuples(st.just("in"), st.just(0)),
    st.tuples(st.just("out"), st.just(0)),
    st.tuples(st.just("restart"), st.just(0)),
    st.tuples(st.just("crash"), st.integers(0, len(STEPS) - 1)),
)


class Watched:
    """A life, and how many reports were really counted in it, which no database of its own can hide."""

    def __init__(self, folder: str) -> None:
        self.counted = 0
        self.ages: list[int] = []
        self.spent = 0
        self.life = Life(Home(folder), report_epsilon_milli=EPSILON, report_budget_milli=LIFETIME)
        self.wire()

    def wire(self) -> None:
        household, count = self.life.home.household, self.life.reports.counts.facts

        def counted(since_age: int, running: bool) -> object:
            self.counted += 1
            self.ages.append(household.clock.age())
            return count(since_age, running)

        self.life.reports.counts.facts = counted

    def restart(self) -> None:
        self.life.home.crash_at = None
        self.life.started()
        self.wire()

    def play(self, action: str, value: int) -> None:
        if action == "pass":
            self.life.weeks.on(value)
            self.life.reports.tick()
        elif action == "jump":
            self.life.weeks.jump_s = value
            self.life.reports.tick()
        elif action == "in":
            opt_in(self.life.home)
        elif action == "out":
            self.life.home.ask("statistics.opt_out")
        elif action == "restart":
            self.restart()
        else:
            self.life.home.crash_at = STEPS[value]

    def survive(self, action: str, value: int) -> None:
        """Plays it; after a crash the household starts again."""
        try:
            self.play(action, value)
        except Crash:
            self.restart()
        except BadInput:
            assert action == "in"

    def step(self, action: str, value: int) -> None:
        self.survive(action, value)
        now = self.life.spent()
        assert now is not None
        assert self.spent <= now <= LIFETIME, "spent budget came back, or was overdrawn"
        assert self.counted * EPSILON <= now, "a report was counted that was not paid for"
        self.spent = now


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(ACTIONS, max_size=40))
def test_no_life_overdraws_or_regains(actions: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        watched = Watched(folder)
        try:
            watched.step("in", 0)
            for action, value in actions:
                watched.step(action, value)
            gaps = [b - a for a, b in zip(watched.ages, watched.ages[1:])]
            assert all(gap >= WEEK_S for gap in gaps), "two reports within a week"
            assert watched.life.home.ask("audit")["ok"]
        finally:
            watched.life.home.crash()


class Restored(Watched):
    """A life in which files are put back, by themselves or together, while the clock may be behind."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.copies: list[dict[Path, bytes]] = []

    def play(self, action: str, value: int) -> None:
        state = Path(self.life.home.state_dir)
        if action == "copy":
            self.copies.append(
                {path: path.read_bytes() for path in (state / "state.db", state / "spent") if path.exists()}
            )
        elif action == "back" and self.copies:
            copy = self.copies[value // 3 % len(self.copies)]
            self.life.home.crash()
            for path, data in list(copy.items())[: 1 + (value % 3 > 0)]:
                path.unlink(missing_ok=True)
                path.write_bytes(data)
            if value % 3 == 2:
                (state / "spent").unlink(missing_ok=True)  # as over a system upgrade
            self.restart()
        else:
            super().play(action, value)

    def step(self, action: str, value: int) -> None:
        self.survive(action, value)


CLOCK_BEHIND = st.tuples(st.just("jump"), st.integers(-30 * WEEK_S, 0))
RESTORES = st.one_of(
    st.tuples(st.just("pass"), st.integers(0, 3 * WEEK_S)),
    st.tuples(st.sampled_from(["in", "out", "restart", "copy"]), st.just(0)),
    st.tuples(st.just("back"), st.integers(0, 29)),
    st.tuples(st.just("crash"), st.integers(0, len(STEPS) - 1)),
    CLOCK_BEHIND,
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(RESTORES, max_size=40))
def test_whatever_is_put_back_is_paid_for_once_the_clock_is_right(actions: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        restored = Restored(folder)
        try:
            for action, value in [("copy", 0), ("in", 0), *actions, ("jump", 0), ("in", 0), ("pass", 0)]:
                restored.step(action, value)
            spent = restored.life.spent()
            assert spent is None or spent >= restored.counted * EPSILON
        finally:
            restored.life.home.crash()


def test_a_whole_life_uses_it_up(tmp_path) -> None:
    watched = Watched(str(tmp_path))
    watched.step("in", 0)
    for _ in range(12):
        watched.step("pass", 9 * 86400)
        watched.step("restart", 0)
    assert (watched.counted, watched.spent) == (5, 2500)
    watched.life.home.crash()


@pytest.mark.parametrize("step", STEPS[:5])
def test_dying_at_one_step_for_ever_ends_with_the_budget(tmp_path, step: str) -> None:
    """A router that crashes each time at the same place spends its budget and stops; it never goes beyond."""
    watched = Watched(str(tmp_path))
    watched.step("in", 0)
    for _ in range(10):
        watched.step("crash", STEPS.index(step))
        watched.step("pass", 9 * 86400)
    assert watched.spent <= LIFETIME
    watched.life.home.crash()
