"""Whether lists are new enough to protect."""

from agent.control.messages import Row
from agent.daemon.clock import Clock
from agent.daemon.lists.feed_state import FeedState, is_starter, protecting
from agent.daemon.lists.loaded import LoadedLists

STALE_S = 14 * 86400  # phishing names live for days: a list of two weeks ago hardly protects


class Freshness:
    def __init__(self, lists: LoadedLists, feeds: FeedState, clock: Clock) -> None:
        self._lists = lists
        self._feeds = feeds
        self._clock = clock

    def of(self, row: Row) -> str:
        """Of one list in use: "ready", or "stale" when its text was confirmed too long ago to protect from what is new.

        A list that the feeds job looks after counts from its last good check, another one from its file's date.
        """
        if not self._clock.is_set:
            return "ready"
        outcome = self._feeds.outcomes.get(str(row["id"]), {})
        # What was checked last may be newer than what a copy on flash brought back.
        same = outcome.get("version") in (row["version"], None) or not row["version"]
        checked = outcome.get("checked") if same and not outcome.get("failures") else None
        seen = [at for at in (row.get("fetched"), checked) if isinstance(at, int)]
        at = max(seen) if seen else self._lists.loaded_at
        return "stale" if self._clock.wall() - at > STALE_S else "ready"

    def of_all(self) -> str:
        """ "none": nothing but test names, or nothing; "stale": no list is current; "ready"."""
        ruleset = self._lists.ruleset
        if ruleset is None or not protecting(ruleset):
            return "none"
        rows = [row for row in ruleset.lists if row["count"] and not is_starter(row["id"])]
        return "ready" if "ready" in [self.of(row) for row in rows] else "stale"
