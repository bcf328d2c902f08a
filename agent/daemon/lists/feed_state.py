"""What the daemon knows of the feeds: which are chosen, what became of each, when an update is due. No sockets."""

import contextlib
import os
from collections.abc import Callable

from agent.control.messages import Row
from agent.core import jsontext
from agent.core.content import CATEGORY_IDS
from agent.core.feed_schedule import Feed, chosen, first_wait_s, pause_s, read_feeds, rules_max, spread_s
from agent.core.model import BadInput, NotFound, Sentence, heard, said_by, told
from agent.core.ruleset import Ruleset
from agent.core.settings import Settings
from agent.daemon.clock import Clock
from agent.daemon.lists import rule_sets
from agent.daemon.lists.outcomes import MESSAGE_MAX, as_dict, as_int, outcome
from agent.daemon.lists.own import OwnLists, is_own
from agent.daemon.store.state import State
from agent.platform.installed import data_dir
from agent.platform.rulefile import open_ruleset

KEPT = "feeds"  # the key in state.db
KEPT_MAX = 32 * 1024
LASTING = ("choices", "decisions", "used")
PASSING = ("outcomes", "next_at", "failures", "number", "complete", "finished_at", "message")
SOON_S = 30
START_AGAIN_S = 60  # where the job can't be started: mostly memory is short
AGAIN_MIN_S = 5
Versions = dict[str, str]  # of a compiled set: list → version


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


class FeedState:
    """`start()` starts the job (False: it can't), `categories()` are those that somebody uses; all else is state, kept
    in state.db."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        clock: Clock,
        memory_bytes: int | None = None,
        start: Callable[[], bool] = lambda: False,
        categories: Callable[[], set[str]] = set,
    ) -> None:
        self._settings = settings
        self._memory_bytes = memory_bytes
        self._state = state
        self._clock = clock
        self.own = OwnLists(state)
        self._shipped: list[Feed] = []
        self.trouble: str | Sentence = ""
        self.no_job: str | Sentence = ""  # why no list can be fetched at all
        self._start = start
        self._categories = categories
        self.progress = Progress()
        self.forced = False
        self.fetching = True
        self.offered = False
        self.number = 0  # of the update that is under way or ended last
        self.complete = True
        self.choices: dict[str, bool] = {}
        self.outcomes: dict[str, Row] = {}
        self.decisions: dict[str, Row] = {}
        self.pin: Versions | None = None  # the set that was gone back to: while it is loaded, no update by itself
        self.loaded: Versions = {}  # what is in use now; empty: nothing, or nothing but starter lists
        self.used: Versions = {}  # what was in use last, also before a reboot
        self.hurried = False  # the update to come asks each server, whatever pause it is in
        self.again = False  # another one is wanted after the one under way
        self._noted = os.path.join(settings.text("run_dir"), "feeds.json")
        self.failures = 0
        self.next_at = 0
        self.finished_at: int | None = None
        self.message: str | Sentence = ""
        self._recall()
        self.read_table()

    def read_table(self) -> None:
        """The table of feeds; without it nothing is fetched, and that is said."""
        path = self._settings.text("feeds_file")
        try:
            with open(path, encoding="utf-8") as file:
                self._shipped = read_feeds(file.read())
            self.trouble = ""
        except (OSError, UnicodeError, BadInput) as error:
            why = getattr(error, "strerror", None) or said_by(error)
            self._shipped, self.trouble = [], Sentence("no feeds are known: {}: {}", path, why)

    # kept

    def _recall(self) -> None:
        lasting = _object(self._state.meta(KEPT, "{}"))
        self.choices = {str(id): on is True for id, on in as_dict(lasting.get("choices")).items()}
        self.decisions = {str(id): as_dict(row) for id, row in as_dict(lasting.get("decisions")).items()}
        pin = lasting.get("pinned")
        self.pin = _versions(pin) if isinstance(pin, dict) else None
        self.used = _versions(as_dict(lasting.get("used")))
        try:
            with open(self._noted, encoding="ascii") as file:
                passing = _object(file.read())
        except (OSError, UnicodeError):
            passing = lasting  # the first start since a boot
        self.outcomes = {str(id): as_dict(row) for id, row in as_dict(passing.get("outcomes")).items()}
        self.next_at, self.failures = as_int(passing.get("next_at")), as_int(passing.get("failures"))
        self.number, self.complete = as_int(passing.get("number")), passing.get("complete", True) is True
        self.finished_at = as_int(passing.get("finished_at")) or None
        self.message = heard(passing.get("message"), MESSAGE_MAX)

    def keep(self) -> None:
        """On flash: what the household chose, and how things stand after an update that went well."""
        self.save_outcome()
        values = {"pinned": self.pin, **self._values(LASTING), **self._values(PASSING)}
        text = jsontext.dumps(values)
        if len(text) > KEPT_MAX:
            text = jsontext.dumps({**values, "outcomes": {}})  # they come anew
        self._state.put_meta(KEPT, text)

    def save_outcome(self) -> None:
        """In memory, for a daemon that is started again: a line that is down for a night must not wear out flash."""
        text = jsontext.dumps(self._values(PASSING))
        with contextlib.suppress(OSError):
            with open(self._noted + ".new", "w", encoding="ascii") as file:
                file.write(text)
            os.rename(self._noted + ".new", self._noted)

    def _values(self, names: tuple[str, ...]) -> Row:
        return {name: told(self.message) if name == "message" else getattr(self, name) for name in names}

    # deciding

    def chosen(self) -> list[Feed]:
        return chosen(self.table, self.choices, rules_max(self._memory_bytes), frozenset(self._categories()))

    def left_out(self) -> list[Feed]:
        """The defaults that this router has too little memory for; whoever chooses one has it fetched all the same."""
        there = self.chosen()
        room = [feed for feed in self.table if feed.default and feed.category not in CATEGORY_IDS]
        return [feed for feed in room if feed.id not in self.choices and feed not in there]

    @property
    def table(self) -> list[Feed]:
        """What can be fetched: the shipped table, and the household's own."""
        return self._shipped + self.own.feeds

    def forget(self, id: str) -> None:
        """A list of the household's own goes, and what is known of it."""
        self.own.remove(id)
        for known in (self.choices, self.outcomes, self.decisions):
            known.pop(id, None)

    def soon(self) -> None:
        """What is fetched has changed: an update is due soon, but not at once, for there may be more to change."""
        self.next_at = min(self.next_at or self._clock.wall(), self._clock.wall() + SOON_S)
        self.keep()

    def feed(self, id: str) -> Feed:
        """BadInput when there is none of that id."""
        for found in self.table:
            if found.id == id:
                return found
        raise NotFound(Sentence("no feed {}; there are {}", id, ", ".join([feed.id for feed in self.table])))

    @property
    def pinned(self) -> bool:
        """Rolled back: only the household's own update goes on from here, for as long as that set is in use."""
        return bool(self.loaded) and self.pin == self.loaded

    def note_loaded(self, ruleset: Ruleset | None) -> None:
        """A set came into use."""
        self.loaded = versions(ruleset)

    def note_used(self) -> None:
        """What is in use came from an update, or from who may say so: after a reboot it is what is to be had again."""
        if self.loaded and self.used != self.loaded:
            self.used = self.loaded
            self.keep()

    def schedule(self, protecting: bool, chance: float) -> None:
        """Set when the next update is due, at a start or when the clock was set: at once when nothing protects, or
        something older than before; else as it was planned."""
        now = self._clock.wall()
        interval = self._settings.number("lists_hours") * 3600
        if not protecting or self._older():
            self.next_at = now + first_wait_s(chance)
        elif not 0 < self.next_at - now <= 2 * interval:
            self.next_at = now + spread_s(interval, chance)

    def _older(self) -> bool:
        """Whether another set was in use before the reboot than the copy that was kept of one."""
        return bool(self.used) and self.used != self.loaded

    def hurry(self) -> None:
        """The line came, or the clock: what is missing is fetched now. What is as it should be stays as planned."""
        failing = any(self.outcomes.get(feed.id, {}).get("failures") for feed in self.chosen())
        if self.loaded and not self.failures and not failing and not self._older():
            return
        if self.progress.running:
            self.again = True
        else:
            self.hurried, self.next_at = True, self._clock.wall()

    def due(self, used: bool) -> bool:
        """Whether an update is to start by itself; `used`: they block for some device, so lists are needed (P4)."""
        if self.progress.running or self.pinned or not used or not self._settings.flag("lists_auto"):
            return False
        wanted = bool(self.chosen()) or self._unwanted()
        return self._clock.is_set and wanted and 0 < self.next_at <= self._clock.wall()

    def _unwanted(self) -> bool:
        """Whether lists are in use though none is chosen any more; what somebody compiled by hand is theirs."""
        fetched = {feed.id for feed in self.table}
        return not self.chosen() and any(id in fetched or is_own(id) for id in self.loaded)

    def begin(self, forced: bool, fetching: bool = True) -> bool:
        """Start the job, unless it runs; False when it does or can't be started."""
        if self.progress.running:
            return False
        # One that was cut off goes on under its number: what it has fetched is not fetched again.
        if self.complete or forced:
            self.number += 1
        self.complete = False
        self.forced, self.fetching, self.offered, self.message = forced, fetching, False, ""
        self.save_outcome()
        self.progress = Progress()
        self.progress.running = self._start()
        if not self.progress.running:
            self.next_at = self._clock.wall() + START_AGAIN_S
        return self.progress.running

    def plan(self, ruleset: Ruleset | None) -> Row:
        """What the job is to do."""
        in_use = [] if ruleset is None else ruleset.lists
        keys = ("id", "name", "address", "syntax", "category", "rules")
        return {
            "feeds": [{key: getattr(feed, key) for key in keys} for feed in self.chosen()],
            "fetch": self.fetching,
            "forced": self.forced or self.hurried,
            "protecting": bool(self.loaded),
            "number": self.number,
            "in_use": [{"id": row["id"], "version": row["version"], "fetched": row["fetched"]} for row in in_use],
            "decisions": [{"id": id, **row} for id, row in sorted(self.decisions.items())],
            "suffixes_file": self._settings.text("suffixes_file"),
            "popular_file": os.path.join(data_dir(self._settings), "popular.txt"),
            "starter_dir": os.path.join(data_dir(self._settings), "starter"),
            "shared_file": os.path.join(data_dir(self._settings), "shared-hosts.txt"),
        }

    def take_outcome(self, rows: list[Row], message: str | Sentence, offered: bool) -> None:
        """The job's own word on what it did; what is kept of it is bounded."""
        known = {feed.id for feed in self.table}
        for row in rows:
            if row.get("id") in known:
                self.outcomes[str(row["id"])] = outcome(row)
        self.decisions.clear()
        self.message, self.offered = message, offered
        self.complete = True

    def ended(self, well: bool, chance: float) -> None:
        """The job has gone. When it is tried again depends on what became of it."""
        self.progress.running = self.hurried = False
        now = self._clock.wall()
        self.finished_at = now
        good = well and not self.message
        if good:
            self.failures, self.used = 0, self.loaded or self.used
            self.next_at = now + spread_s(self._settings.number("lists_hours") * 3600, chance)
        else:
            self.failures += 1
            self.next_at = now + pause_s(self.failures, chance, bool(self.loaded))
            self.message = self.message or "the update was cut off; it goes on by itself"
        failed = [self.outcomes.get(feed.id, {}) for feed in self.chosen()]
        again = [as_int(row.get("next_at")) for row in failed if row.get("failures")]
        self.next_at = min([self.next_at, *[max(at, now + AGAIN_MIN_S) for at in again if at]])
        if self.again:
            self.again = False
            self.hurry()
        if good:
            self.keep()
        else:
            self.save_outcome()

    def rescheduled(self) -> None:
        """Hours between updates are others from here on: the next one is no later than they say."""
        self.next_at = min(self.next_at, self._clock.wall() + self._settings.number("lists_hours") * 3600)
        self.save_outcome()

    # the sets on disk

    @property
    def file(self) -> str:
        return self._settings.text("ruleset_file")

    def previous(self) -> Row | None:
        """What a rollback would bring back."""
        try:
            found = open_ruleset(rule_sets.previous(self.file))
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


def versions(ruleset: Ruleset | None) -> Versions:
    """What tells one set from another; {} for none, and for starter lists."""
    if ruleset is None or not protecting(ruleset):
        return {}
    return _versions({row["id"]: row["version"] for row in ruleset.lists})


def _versions(row: Row) -> Versions:
    return {str(id): str(version) for id, version in row.items()}


def _object(text: str) -> Row:
    try:
        return as_dict(jsontext.loads(text))
    except (ValueError, RuntimeError):  # the latter: nested too deeply
        return {}
