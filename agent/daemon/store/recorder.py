"""Where observations become rows: permits asked for at the moment of recording, batches written every second.

Nothing here keeps a permit. An attempt waiting to be written is kept with its epoch and goes through the database's own
check like everything else.
"""

from collections.abc import Callable

from agent.core.attempts import Attempts
from agent.core.consent import Gate
from agent.core.day_minutes import DayMinutes
from agent.core.history import Visits
from agent.core.model import HISTORY, PROTECTION, USAGE, DeviceDay, Observation, Sentence, Verdict, said_by
from agent.core.policy import recorded
from agent.daemon.store.database import StorageError
from agent.daemon.store.history_db import HistoryDb

ALL = 1 << 30  # rows


class Recorder:
    """`now()` gives (wall seconds, age), at most a turn of the loop old. For `met` see faults.py.

    `unrecorded` counts what was passed on without being recorded because there was no room or the storage refused.
    """

    def __init__(
        self,
        gate: Gate,
        visits: Visits,
        records: HistoryDb,
        now: Callable[[], tuple[int, int]],
        met: Callable[[Exception], None],
    ) -> None:
        self._gate = gate
        self._visits = visits
        self._records = records
        self._now = now
        self._attempts = Attempts()
        self.days = DayMinutes()
        self._lost = 0
        self.grown: set[int] = set()  # devices with visits written since somebody looked, for open pages
        self.trouble: str | Sentence = ""
        self.withheld = False  # nothing at all is recorded: the list of helplines is missing
        self._met = met

    def allowed(self, slot: int, generation: int, host: bytes, source: str, hits: int) -> None:
        """A name or connection that was let through: a visit's, where history is on."""
        permit = self._gate.issue(slot, generation, HISTORY)
        if permit is None or self.withheld:
            return
        at, age = self._now()
        try:
            self._visits.observe(permit, Observation(host, source, hits, at, age))
        except Exception as error:  # noqa: BLE001 - the barrier: what it can't make sense of is not recorded
            self._met(error)

    def refused(self, slot: int, generation: int, target: str, source: str, hits: int, verdict: Verdict) -> None:
        """A name or URL that was refused: an attempt, where protection is on and it did the refusing."""
        permit = self._gate.issue(slot, generation, PROTECTION)
        if permit is None or verdict.rule is None or self.withheld or not recorded(verdict):
            return
        at, age = self._now()
        self._attempts.observe(permit, verdict.rule, target, source, hits, at, age)

    def busy(self, slot: int, generation: int, minute: int, day: DeviceDay) -> None:
        """A minute in which the device was used, of the day that `day` says: counted, where minutes are."""
        permit = self._gate.issue(slot, generation, USAGE)
        if permit is None or self.withheld:
            return
        running = self.days.day_of(permit.epoch)
        if running is None or (running.day, running.group) != (day.day, day.group):
            day.epoch = permit.epoch
            day.id, day.minutes, day.alone = self._records.day_before(permit.epoch, day.day)
            day.began = (day.minutes, day.alone)
            self.days.begin(permit, day)
        self.days.observe(permit, minute)

    def flush(self, most: int = ALL) -> bool:
        """Write what waits, at most so many visits and attempts, in one batch; on a storage failure it is dropped and
        said. False when nothing waited."""
        visits, attempts, days = self._visits.dirty()[:most], self._attempts.dirty()[:most], self.days.dirty()[:most]
        self._visits.written(visits)
        self._attempts.written(attempts)
        self.days.written(days)
        if not visits and not attempts and not days:
            return False
        try:
            self._records.write(visits, attempts, days)
            self.grown.update(visit.device_id for visit in visits)
            self.trouble = ""
        except StorageError as error:
            self._dropped(len(visits) + len(attempts), error)
        return True

    def close(self, epochs: list[int]) -> None:
        """Store what was observed in these epochs before now, and close them for good; on failure it is dropped."""
        visits = self._visits.close(epochs)
        attempts = self._attempts.close(epochs)
        days = self.days.close(epochs)
        try:
            self._records.close(epochs, visits, attempts, days)
        except StorageError as error:
            self._dropped(len(visits) + len(attempts), error)
            self._records.close_later(epochs)
        except Exception as error:  # noqa: BLE001 - the barrier: no row is worth an `off`
            self._records.close_later(epochs)
            self._met(error)

    def part(self) -> None:
        """The clock was set: nothing grows over that."""
        self._visits.part()
        self._attempts.lost()
        self.days.part()

    def drop(self, table: str, ids: set[int]) -> None:
        """A table's rows with these ids were removed: they must not grow on."""
        drops = {"visits": self._visits.drop, "attempts": self._attempts.drop, "usage": self.days.drop}
        drops[table](ids)

    @property
    def unrecorded(self) -> int:
        return self._lost + self._visits.dropped + self._attempts.dropped

    @property
    def dropped(self) -> int:
        return self._visits.dropped

    def _dropped(self, rows: int, error: StorageError) -> None:
        self._attempts.lost()
        self._lost += rows
        self.trouble = said_by(error)
