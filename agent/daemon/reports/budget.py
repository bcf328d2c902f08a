"""The privacy budget of a lifetime: what reports cost, what was spent, and what a restored state.db has to pay for.

In doubt all of it is spent, or no report is made.
"""

import os

from agent.core.digits import whole
from agent.core.noise import EPSILON_MAX, charge
from agent.core.settings import Settings
from agent.daemon.clock import Clock
from agent.daemon.reports.agreement import FEATURE
from agent.daemon.reports.spent_file import SpentFile
from agent.daemon.store.connection import SqlConnection
from agent.daemon.store.database import keep, unkeep
from agent.daemon.store.state import State

WEEK_S = 7 * 86400
STORED = "report spent"
# Of a state.db that was put back. Not charged yet: the last row's time; then (that time, the household's age when it
# was charged, weeks charged): by the age, time that passes since is told from a clock that is set right later.
UNSETTLED = "report unsettled"
SETTLED = "report settled"
OWN = (STORED, UNSETTLED, SETTLED, "report last")  # this router's, whatever backup is brought back


class Budget:
    """All in thousandths of epsilon."""

    def __init__(self, settings: Settings, state: State, clock: Clock) -> None:
        self._settings = settings
        self._state = state
        self._clock = clock
        self._file = SpentFile(os.path.join(settings.text("state_dir"), "spent"))

    @property
    def epsilon(self) -> int:
        return self._settings.number("report_epsilon_milli")

    @property
    def lifetime(self) -> int:
        return self._settings.number("report_budget_milli")

    def spent(self) -> int | None:
        """None when it can't be known, which counts as all."""
        stored = whole(self._state.meta(STORED, "0"))
        return None if stored is None else self._file.read(stored, self._made())

    def after_one_more(self) -> int | None:
        """What is spent after another report; None when it is not to be had."""
        spent = self.spent()
        return None if spent is None else charge(spent, self.epsilon, self.lifetime)

    def _made(self) -> int:
        """How many reports the ledger tells of."""
        return self._state.ledger.count(FEATURE, "report")

    def store(self, sql: SqlConnection, spent: int) -> None:
        """In state.db, within the transaction that writes the ledger's row. `note` follows."""
        keep(sql, {STORED: str(spent)})

    def note(self, spent: int) -> None:
        """In the file beside state.db; from then on a file that is missing means that it can't be known. OSError."""
        with self._state.db.waiting():
            self._file.save(spent)

    def note_restored(self, restored: bool) -> None:
        """A state.db that was put back may not know of reports made since: each week since is charged, once a clock is
        set. Called before anything notes the ledger's head, so that it isn't lost in a crash. A system upgrade keeps
        state.db and not the file beside it: then state.db's number is what is charged on."""
        if restored and not self._state.meta(UNSETTLED, ""):
            last = self._state.ledger.head.at if self._state.ledger.head else 0
            self._state.put_meta(UNSETTLED, str(last))

    def charge_unknown_weeks(self) -> bool:
        """Charge what a restored state may have forgotten; False while that can't be known: no report until then.

        A clock that is before the ledger's last row does not tell how long ago it was. One that was behind for less,
        as a router's is that wakes up at the time of its newest file, is found when it jumps: the rest is charged then.
        StorageError, OSError.
        """
        pending = self._state.meta(UNSETTLED, "")
        # One that was put back earlier first: its clock may still have been behind when this one came.
        self._settle(self._state.meta(SETTLED, ""), pending)
        return not pending or self._settle(f"{pending} {self._clock.age()} 0", "")

    def _settle(self, kept: str, pending: str) -> bool:
        """Charge what `kept` (see SETTLED) leaves to be charged; `pending` is still to come after it."""
        if not kept:
            return True
        since, age, charged = (int(word) for word in kept.split())
        passed_s = self._clock.wall() - (self._clock.age() - age) - since
        if not self._clock.is_set or passed_s < 0:
            return False
        weeks = passed_s // WEEK_S + 1
        if weeks > charged:
            self._charge_restored(weeks - charged)
            with self._state.db.transaction() as sql:
                keep(sql, {UNSETTLED: pending, SETTLED: f"{since} {age} {weeks}"})
                unkeep(sql, [] if pending else [UNSETTLED])
        return True

    def _charge_restored(self, weeks: int) -> None:
        """What epsilon applied in those weeks nobody can know: the largest that may be set is charged."""
        known = self._known_before() if self._state.meta(UNSETTLED, "") else self.spent()
        if known is not None:
            self.note(known + weeks * EPSILON_MAX)

    def _known_before(self) -> int | None:
        stored = int(self._state.meta(STORED, "0"))
        return stored if stored and self._file.missing else self.spent()
