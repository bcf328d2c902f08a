"""Once the clock is set: what this boot stamped before gets the times that it would have had.

A router without a battery starts in 1970, or with the time of its last write. Records and rules are set right where
they are. A row of the ledger is hashed and stays; the time to show for it is noted beside it.
"""

import contextlib
import time
from collections.abc import Callable

from agent.core import jsontext
from agent.core.consent import LedgerRow
from agent.daemon.clock import STEP_S, Clock, Correction
from agent.daemon.store.database import StorageError
from agent.daemon.store.history_db import HistoryDb
from agent.daemon.store.state import State

NOTED = "ledger set right"  # a key of meta: [[first seq, last seq, seconds], …]
UNSURE = "ledger unsure"  # a key of meta: the boot whose clock is not set, and the last row before it
NOTED_MAX = 100  # boots; older ones' rows are shown as they were written


class SetRight:
    """`check` is called often, and does something once a boot at most. `part()` is called before a time of another
    clock is given: no record grows over that."""

    def __init__(self, state: State, records: HistoryDb, clock: Clock, part: Callable[[], None]) -> None:
        self._state = state
        self._records = records
        self._clock = clock
        clock.on_step(part)
        self._started = time.monotonic()
        self._started_at = 0
        self._noted: list[list[int]] = jsontext.loads(state.meta(NOTED, "[]"))
        self._since = self._first()

    def _first(self) -> int:
        """The last row of the ledger before this boot, as far as it matters."""
        boot, _, seq = self._state.meta(UNSURE, "").rpartition(" ")
        if boot == self._clock.boot and boot:
            return int(seq)
        head = self._state.ledger.head
        since = head.seq if head else 0
        self._clock.age()
        if self._clock.trusted:
            return since
        with contextlib.suppress(StorageError):  # only a restart before the clock is set would want it
            self._state.put_meta(UNSURE, f"{self._clock.boot} {since}")
        return since

    def check(self) -> bool:
        """Whether something was set right. StorageError: it is tried again."""
        self._clock.age()
        found = self._clock.correction
        if found is None:
            return False
        self._ledger(found)
        for frame in (*found.frames, found.frame):
            self._state.set_rules_right(found.frame - frame, found.jump, found.began, found.upto, frame)
            self._records.set_right(frame, found.frame, found.began, found.upto)
        if found.jump:
            self._records.older(found.began, found.upto, found.jump)
        self._clock.correction = None
        return True

    def _ledger(self, found: Correction) -> None:
        made = [row for row in self._state.ledger.rows(self._since) if self._by(row) == 0]
        for frame in found.frames:
            low, high = frame + found.began - STEP_S, frame + found.upto + STEP_S
            rows = [row.seq for row in made if low <= row.at <= high]
            if rows:
                self._noted.append([rows[0], rows[-1], found.frame - frame])
        self._noted = self._noted[-NOTED_MAX:]
        self._state.put_meta(NOTED, jsontext.dumps(self._noted))

    def _by(self, row: LedgerRow) -> int:
        return sum(by for first, last, by in self._noted if first <= row.seq <= last)

    @property
    def started_at(self) -> int:
        """Unix seconds, as today's clock has it. Both clocks count whole seconds here: one more or less is no news."""
        at = self._clock.wall() - int(time.monotonic() - self._started)
        if abs(at - self._started_at) > 1:
            self._started_at = at
        return self._started_at

    def at(self, row: LedgerRow) -> int:
        """The time to show for a row of the ledger."""
        return row.at + self._by(row)
