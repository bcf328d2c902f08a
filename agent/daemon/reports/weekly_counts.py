"""Counts what a report says: of whom, and since when."""

from collections.abc import Callable

from agent import __version__
from agent.core import jsontext
from agent.core.model import HISTORY, PROTECTION
from agent.core.shapes import WeekFacts
from agent.daemon.clock import Clock
from agent.daemon.lists.freshness import Freshness
from agent.daemon.reports.agreement import COUNTING
from agent.daemon.store import recorded
from agent.daemon.store.history_db import HistoryDb
from agent.daemon.store.selection import Selection
from agent.daemon.store.state import State
from agent.daemon.subjects import Subjects
from agent.daemon.toggles import Toggles

WEEK_S = 7 * 86400


class WeeklyCounts:
    """`flush` writes what was observed until now. `running`: reports are on."""

    def __init__(
        self,
        state: State,
        records: HistoryDb,
        clock: Clock,
        subjects: Subjects,
        toggles: Toggles,
        freshness: Freshness,
        flush: Callable[[], None],
    ) -> None:
        self._state = state
        self._records = records
        self._clock = clock
        self._subjects = subjects
        self._toggles = toggles
        self._freshness = freshness
        self._flush = flush

    def since_each(self, running: bool) -> dict[str, int]:
        """Device → the household's age since which it counts, as an adult's or a shared one, without a break.

        Looked at with each tick while reports are on, so that nothing counts of the time when it was a child's.
        """
        from agent.core.summary import counts_for_summary  # once a week

        kept: dict[str, int] = jsontext.loads(self._state.meta(COUNTING, "{}"))
        age, group_of = self._clock.age(), self._subjects.group_of
        counted = [one for one in self._state.devices() if counts_for_summary(group_of(one), one.shared)]
        found = {str(device.id): kept.get(str(device.id), age) for device in counted}
        if running and found != kept:
            self._state.put_meta(COUNTING, jsontext.dumps(found))
        return found

    def facts(self, since_age: int, running: bool) -> WeekFacts:
        """Of the last week, and of nothing before `since_age`: adults' and shared devices, and what lists
        refused (not the household's own rules)."""
        from agent.core.summary import Facts

        self._flush()
        since = self.since_each(running)
        devices = [device for device in self._state.devices() if str(device.id) in since]
        oldest = max(self._clock.age() - WEEK_S, since_age)
        refused: dict[str, int] = {}
        for device in devices:
            # Before opting in nobody watched since when a device counts; nothing of that time is ever sent.
            start = max(oldest, since[str(device.id)]) if running else oldest
            rows = Selection("attempts").of_device(device.id).by_lists().younger(start)
            for category, found in recorded.by_category(self._records, rows):
                refused[category] = refused.get(category, 0) + found
        on = [sum(self._toggles.is_on(device, name) for device in devices) for name in (PROTECTION, HISTORY)]
        return Facts(refused, on[0], on[1], self._freshness.of_all(), __version__)
