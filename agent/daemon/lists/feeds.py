"""What the daemon knows of the feeds: which are chosen, what became of each, when an update is due. No sockets."""

import json
import os
from collections.abc import Callable

from agent.core.feeds import Feed, chosen, first_wait_s, pause_s, read_feeds, spread_s
from agent.core.model import BadInput
from agent.core.ruleset import Ruleset
from agent.core.settings import Settings
from agent.daemon.clock import Clock
from agent.daemon.lists import sets
from agent.daemon.store.state import State
from agent.platform.rulefile import open_ruleset

KEPT = "feeds"  # the key in state.db
KEPT_MAX = 32 * 1024
MESSAGE_MAX = 300
REASONS_MAX, REASON_MAX = 12, 80  # of all feeds together well within KEPT_MAX

Row = dict[str, object]


class Progress:
    """How far an update is; `step` is fetch, compile, check or swap."""

    def __init__(self) -> None:
        self.running = False
        self.list_id: str | None = None
        self.name = ""
        self.step = "fetch"
        self.done = 0
        self.total = 0

    def row(self) -> Row:
        return dict(vars(self))


class Feeds:
    """`start()` starts the job (wired by the daemon; False: it can't); everything else is state, kept in state.db."""

    def __init__(self, settings: Settings, state: State, clock: Clock) -> None:
        self._settings = settings
        self._state = state
        self._clock = clock
        self.table: list[Feed] = []
        self.trouble = ""
        self.start: Callable[[], bool] = lambda: False
        self.progress = Progress()
        self.forced = False
        self.fetching = True
        self.offered = False
        self.number = 0  # of the update that is under way or ended last
        self.complete = True
        self.choices: dict[str, bool] = {}
        self.outcomes: dict[str, Row] = {}
        self.decisions: dict[str, Row] = {}
        self.pinned = False  # rolled back: only the household's own update goes on from here
        self.failures = 0
        self.next_at = 0
        self.finished_at: int | None = None
        self.message = ""
        self._recall()
        self.read_table()

    def read_table(self) -> None:
        """The table of feeds; without it nothing is fetched, and that is said."""
        path = self._settings.text("feeds_file")
        try:
            with open(path, encoding="utf-8") as file:
                self.table = read_feeds(file.read())
            self.trouble = ""
        except (OSError, UnicodeError, BadInput) as error:
            self.table, self.trouble = [], f"no feeds are known: {path}: {getattr(error, 'strerror', None) or error}"

    # kept

    def _recall(self) -> None:
        try:
            kept = json.loads(self._state.meta(KEPT, "{}"))
        except ValueError:
            return
        self.choices = {str(id): on is True for id, on in _dict(kept.get("choices")).items()}
        self.outcomes = {str(id): _dict(row) for id, row in _dict(kept.get("outcomes")).items()}
        self.decisions = {str(id): _dict(row) for id, row in _dict(kept.get("decisions")).items()}
        self.pinned = kept.get("pinned") is True
        self.next_at, self.failures = _int(kept.get("next_at")), _int(kept.get("failures"))
        self.number, self.complete = _int(kept.get("number")), kept.get("complete", True) is True
        self.finished_at = _int(kept.get("finished_at")) or None
        self.message = str(kept.get("message", ""))

    def keep(self) -> None:
        names = (
            "choices",
            "outcomes",
            "decisions",
            "pinned",
            "next_at",
            "failures",
            "number",
            "complete",
            "finished_at",
            "message",
        )
        text = json.dumps({name: getattr(self, name) for name in names})
        if len(text) <= KEPT_MAX:
            self._state.put_meta(KEPT, text)

    # deciding

    def chosen(self) -> list[Feed]:
        return chosen(self.table, self.choices)

    def feed(self, id: str) -> Feed:
        """BadInput when there is none of that id."""
        for found in self.table:
            if found.id == id:
                return found
        raise BadInput("no feed " + id + "; there are " + ", ".join([feed.id for feed in self.table]))

    def schedule(self, protecting: bool, chance: float) -> None:
        """Set when the next update is due, if it is not: at once when nothing protects yet, else after the interval."""
        now = self._clock.wall()
        interval = self._settings.number("lists_hours") * 3600
        if not protecting:
            self.next_at = min(self.next_at or now + first_wait_s(chance), now + spread_s(interval, chance))
        elif not 0 < self.next_at - now <= 2 * interval:
            self.next_at = now + spread_s(interval, chance)

    def due(self, used: bool) -> bool:
        """Whether an update is to start by itself; `used`: protection is on somewhere, so lists are needed (P4)."""
        if self.progress.running or self.pinned or not used or not self._settings.flag("lists_auto"):
            return False
        return self._clock.is_set and bool(self.chosen()) and 0 < self.next_at <= self._clock.wall()

    def begin(self, forced: bool, fetching: bool = True) -> bool:
        """Start the job, unless it runs; False when it does or can't be started."""
        if self.progress.running:
            return False
        # One that was cut off goes on under its number: what it has fetched is not fetched again.
        if self.complete or forced:
            self.number += 1
        self.complete = False
        self.forced, self.fetching, self.offered = forced, fetching, False
        self.keep()
        self.progress = Progress()
        self.progress.running = self.start()
        return self.progress.running

    def plan(self, ruleset: Ruleset | None) -> Row:
        """What the job is to do."""
        in_use = [] if ruleset is None else ruleset.lists
        keys = ("id", "name", "address", "syntax", "category", "rules")
        return {
            "feeds": [{key: getattr(feed, key) for key in keys} for feed in self.chosen()],
            "fetch": self.fetching,
            "forced": self.forced,
            "number": self.number,
            "in_use": [{"id": row["id"], "version": row["version"]} for row in in_use],
            "decisions": [{"id": id, **row} for id, row in sorted(self.decisions.items())],
            "suffixes_file": self._settings.text("suffixes_file"),
            "popular_file": os.path.join(self._settings.text("data_dir"), "popular.txt"),
            "shared_file": os.path.join(self._settings.text("data_dir"), "shared-hosts.txt"),
        }

    def take_outcome(self, rows: list[Row], message: str, offered: bool) -> None:
        """The job's own word on what it did; what is kept of it is bounded."""
        known = {feed.id for feed in self.table}
        for row in rows:
            if row.get("id") in known:
                self.outcomes[str(row["id"])] = _outcome(row)
        self.decisions.clear()
        self.message, self.offered = message[:MESSAGE_MAX], offered
        self.complete = True

    def ended(self, well: bool, chance: float) -> None:
        """The job has gone. When it is tried again depends on what became of it."""
        self.progress.running = False
        now = self._clock.wall()
        self.finished_at = now
        failed = [row for row in self.outcomes.values() if row.get("failures")]
        if well and not self.message:
            self.failures = 0
            self.next_at = now + spread_s(self._settings.number("lists_hours") * 3600, chance)
        else:
            self.failures += 1
            self.next_at = now + pause_s(self.failures, chance)
            self.message = self.message or "the update was cut off; it goes on by itself"
        again = [_int(row.get("next_at")) for row in failed]
        self.next_at = min([self.next_at, *[max(at, now + 60) for at in again if at]])
        self.keep()

    # the sets on disk

    @property
    def file(self) -> str:
        return self._settings.text("ruleset_file")

    def previous(self) -> Row | None:
        """What a rollback would bring back."""
        try:
            found = open_ruleset(sets.previous(self.file))
        except (OSError, BadInput):
            return None
        row: Row = {"lists": len(found.lists), "rules": found.count}
        found.close()
        return row


def protecting(ruleset: Ruleset | None) -> bool:
    """Whether a set holds anything but the starter lists, which name nobody."""
    return ruleset is not None and any(row["count"] and not is_starter(row["id"]) for row in ruleset.lists)


def is_starter(id: object) -> bool:
    return str(id).startswith("starter-")


def _outcome(row: Row) -> Row:
    held = _dict(row.get("held"))
    return {
        "version": _text(row.get("version"), 40) or None,
        "fetched": _int(row.get("fetched")) or None,
        "checked": _int(row.get("checked")) or None,
        "failures": _int(row.get("failures")),
        "next_at": _int(row.get("next_at")),
        "message": _text(row.get("message"), MESSAGE_MAX),
        "skipped": _counts(row.get("skipped")),
        "held": {
            "version": _text(held.get("version"), 40),
            "rules": _int(held.get("rules")),
            "reason": _text(held.get("reason"), MESSAGE_MAX),
        }
        if held
        else None,
    }


def _dict(value: object) -> Row:
    return value if isinstance(value, dict) else {}


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _counts(value: object) -> dict[str, int]:
    """Lines by the reason for which they were not used, the most frequent ones."""
    rows = sorted(_dict(value).items(), key=lambda row: -_int(row[1]))[:REASONS_MAX]
    return {reason[:REASON_MAX]: _int(count) for reason, count in rows}


def _text(value: object, limit: int) -> str:
    return value[:limit] if isinstance(value, str) else ""
