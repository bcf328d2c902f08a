"""Where observations become rows: permits asked for at the moment of recording, batches written every second.

Nothing here keeps a permit. An attempt waiting to be written is kept with its epoch and goes through the database's own
check like everything else.
"""

from collections.abc import Callable

from agent.core.consent import Gate
from agent.core.history import Visits
from agent.core.model import HISTORY, PROTECTION, Attempt, Observation, Verdict
from agent.daemon.faults import raised
from agent.daemon.store.database import StorageError
from agent.daemon.store.history_db import HistoryDb

ATTEMPTS_MAX = (
    500  # waiting for the next batch; a device that is refused more often in a second is a loop, not a person
)
REPEAT_S = 60  # the same refusal within this time is one attempt with more hits


class Recorder:
    """`now()` gives (wall seconds, age), at most a turn of the loop old.

    `unrecorded` counts what was passed on without being recorded because there was no room or the storage refused.
    """

    def __init__(
        self,
        gate: Gate,
        visits: Visits,
        records: HistoryDb,
        now: Callable[[], tuple[int, int]],
    ) -> None:
        self._gate = gate
        self._visits = visits
        self._records = records
        self._now = now
        self._attempts: dict[tuple[int, int, str], Attempt] = {}
        self.unrecorded = 0
        self.grown: set[int] = set()  # devices with visits written since somebody looked, for open pages
        self.trouble = ""
        self.met: Callable[[Exception], None] = raised  # see faults.py

    def allowed(self, slot: int, generation: int, host: bytes, source: str, hits: int) -> None:
        """A name or connection that was let through: a visit's, where history is on."""
        permit = self._gate.issue(slot, generation, HISTORY)
        if permit is None:
            return
        at, age = self._now()
        try:
            self._visits.observe(permit, Observation(host, source, hits, at, age))
        except Exception as error:  # noqa: BLE001 - the barrier: what it can't make sense of is not recorded
            self.met(error)

    def refused(self, slot: int, generation: int, target: str, source: str, hits: int, verdict: Verdict) -> None:
        """A name or URL that was refused: an attempt, where protection is on."""
        permit = self._gate.issue(slot, generation, PROTECTION)
        if permit is None or verdict.rule is None:
            return
        at, age = self._now()
        key = (permit.device_id, permit.epoch, target)
        waiting = self._attempts.get(key)
        if waiting is not None:
            waiting.hits += hits
            waiting.at, waiting.age = at, age
        elif len(self._attempts) < ATTEMPTS_MAX:
            made = Attempt(permit.device_id, permit.epoch, target, source, at, age, hits, verdict.rule)
            self._attempts[key] = made
        else:
            self.unrecorded += hits

    def flush(self) -> bool:
        """Write what waits in one batch; on a storage failure it is dropped and said. False when nothing waited."""
        visits, attempts = self._visits.dirty(), list(self._attempts.values())
        self._visits.written()
        self._attempts.clear()
        if not visits and not attempts:
            return False
        try:
            self._records.write(visits, attempts)
            self.grown.update(visit.device_id for visit in visits)
            self.trouble = ""
        except StorageError as error:
            self._dropped(len(visits) + len(attempts), error)
        return True

    def end(self, epochs: list[int]) -> None:
        """Store what was observed in these epochs before now, and close them for good; on failure it is dropped."""
        visits = self._visits.end(epochs)
        attempts = [attempt for attempt in self._attempts.values() if attempt.epoch in epochs]
        self._attempts = {key: a for key, a in self._attempts.items() if a.epoch not in epochs}
        try:
            self._records.close(epochs, visits, attempts)
        except StorageError as error:
            self._dropped(len(visits) + len(attempts), error)
            self._records.close_later(epochs)
        except Exception as error:  # noqa: BLE001 - the barrier: no row is worth an `off`
            self._records.close_later(epochs)
            self.met(error)

    def forget(self, visit_ids: set[int]) -> None:
        """Rows with these ids were removed: they must not grow on."""
        self._visits.forget(visit_ids)

    def _dropped(self, rows: int, error: StorageError) -> None:
        self.unrecorded += rows
        self.trouble = str(error)
