"""Puts the household together from its settings: databases restored and opened, gate, recorder, policy. No sockets."""

import contextlib
import json
import os
from collections.abc import Callable

from agent.core.check_hosts import CHECKS, read_needed
from agent.core.consent import Gate
from agent.core.history import Visits, oldest_kept
from agent.core.lookalike import Lookalike, read_known
from agent.core.model import HISTORY, PROTECTION, BadInput
from agent.core.names import PublicSuffixes, parse, suffixes
from agent.core.settings import TABLE, Settings, check, known, mark_layout
from agent.daemon.clients import Clients
from agent.daemon.clock import Clock, confirmation
from agent.daemon.household import Household
from agent.daemon.lists.loaded import LoadedLists
from agent.daemon.store import retention
from agent.daemon.store.database import StorageError
from agent.daemon.store.history_schema import TABLES
from agent.daemon.store.opening import open_records, open_state
from agent.daemon.store.recorder import Recorder
from agent.daemon.store.rollback_check import RollbackCheck
from agent.daemon.store.snapshots import Snapshots
from agent.daemon.store.state import State
from agent.daemon.store.unsaved import Unsaved
from agent.daemon.toggles import Toggles
from agent.platform.hashing import sha256
from agent.platform.rulefile import open_ruleset

SITES_CACHED = 512
ROWS_MAX = {HISTORY: "history_rows", PROTECTION: "attempts_rows"}  # the settings that bound what is kept


def build(
    settings: Settings,
    step: Callable[[str], None] = lambda name: None,
    mac_of: Callable[[str], bytes | None] = lambda address: None,
    turn: Callable[[], float] | None = None,
) -> Household:
    """A household that has read everything and records nothing yet: `begin` opens the gate.

    Storage that can't be used is no reason to be without DNS: see store/opening.py. OSError for the run directory.
    `turn()` is the time at which the loop's turn began, for reading the clocks once a turn.
    """
    try:
        return _built(settings, step, mac_of, turn, "")
    except StorageError as error:
        # It could be opened, but not all of it can be read.
        return _built(settings, step, mac_of, turn, str(error))


def _built(
    settings: Settings,
    step: Callable[[str], None],
    mac_of: Callable[[str], bytes | None],
    turn: Callable[[], float] | None,
    instead: str,
) -> Household:
    state_dir, run_dir = settings.text("state_dir"), settings.text("run_dir")
    os.makedirs(run_dir, mode=0o700, exist_ok=True)
    _discard_leftovers(state_dir, run_dir)
    state = open_state(state_dir, sha256, instead)
    household_settings(settings, state)
    clock = Clock(state.meta("clock", ""), confirmation(run_dir))
    live = os.path.join(run_dir, "history.db")
    snapshots = Snapshots(live, os.path.join(state_dir, "history.db"), settings.flag("keep_history"))
    anchor = RollbackCheck(os.path.join(state_dir, "anchor"), os.path.join(run_dir, "anchor"))
    records, stale = open_records(state, snapshots, anchor, instead)
    gate = Gate()
    notes = helplines(os.path.join(data_dir(settings), "helplines.txt"))
    lists = LoadedLists(frozenset(notes))
    lists.notes = notes
    lists.needed = needed(os.path.join(data_dir(settings), "needed-hosts.txt"))
    lists.lookalike = lambda: lookalike(settings, lists)
    visits = Visits(site_of(settings.text("suffixes_file"), lists))
    recorder = Recorder(gate, visits, records, clock.now if turn is None else _once_a_turn(turn, clock.now))
    recorder.withheld = not notes  # whose hosts they are is not known
    clients = Clients(mark_layout(settings) if settings.text("identity") == "mark" else None, mac_of)
    household = Household(settings, state, records, gate, recorder, clients, snapshots, clock, lists, anchor)
    household.step = step
    household.feeds.categories = household.categories_used
    unsaved = Unsaved(os.path.join(run_dir, "unsaved"))
    household.toggles = Toggles(
        state, records, gate, recorder, anchor, household.subjects, household.refresh, clock.wall, unsaved, step
    )
    household.stale_snapshot = stale
    return household


def _discard_leftovers(*folders: str) -> None:
    """What a restore that was interrupted left: it holds people's names and may hold their history."""
    for folder in folders:
        with contextlib.suppress(OSError):  # not there yet, or nothing can be written: then nothing is on either
            for name in os.listdir(folder):
                if ".restored" in name:
                    os.unlink(os.path.join(folder, name))


def household_settings(settings: Settings, state: State) -> None:
    """What the household changed goes before the file; a value that a newer table refuses is passed over."""
    for row in TABLE:
        kept = state.meta("setting " + row.name, "")
        if row.household and kept:
            with contextlib.suppress(BadInput, ValueError):
                settings.values[row.name] = check(row.name, json.loads(kept))


def site_of(suffixes_file: str, lists: LoadedLists) -> Callable[[bytes], bytes | None]:
    """The registrable domain of a host, or None for a helpline's, which is never recorded.

    Without the suffix file it is the last two labels, which `lists.trouble` says.
    """
    find = _registrable(suffixes_file, lists)
    known: dict[bytes, bytes | None] = {}

    def site(host: bytes) -> bytes | None:
        found = known.get(host, b"")
        if found == b"":
            if len(known) >= SITES_CACHED:
                known.clear()
            never = any(suffix in lists.helplines for suffix in suffixes(host))
            found = known[host] = None if never else find(host)
        return found

    return site


def _registrable(path: str, lists: LoadedLists) -> Callable[[bytes], bytes]:
    try:
        if lists.suffixes is None:
            with open(path, "rb") as file:
                lists.suffixes = PublicSuffixes(file.read())
        return lists.suffixes.registrable
    except (OSError, BadInput):
        lists.trouble = "the public suffix file is missing: sites are told apart by their last two labels only"
        return _last_two


def needed(path: str) -> frozenset[bytes]:
    """The hosts that devices need; without the table those by which they find out about the network."""
    try:
        with open(path, encoding="ascii") as file:
            return CHECKS | frozenset(read_needed(file.read().splitlines()))
    except (OSError, UnicodeError):
        return CHECKS


def lookalike(settings: Settings, lists: LoadedLists) -> Lookalike:
    """What guesses at look-alikes; without the table of well-known names it suspects nothing."""
    try:
        with open(os.path.join(settings.text("data_dir"), "popular.txt"), encoding="ascii") as file:
            known = read_known(file.read().splitlines())
    except (OSError, UnicodeError):
        known = []
    return Lookalike(known, _registrable(settings.text("suffixes_file"), lists))


def data_dir(settings: Settings) -> str:
    """What is installed; in a checkout of the source, where nothing is, its own folder."""
    folder = settings.text("data_dir")
    source = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "blocklists")
    return source if folder == known("data_dir").default and not os.path.exists(folder) else folder


def helplines(path: str) -> dict[bytes, str]:
    """The names of the shipped list that are never recorded and never blocked, each with what it is for; none when it
    is missing. A line that cannot be read is passed over: the others must not go unprotected for it."""
    found: dict[bytes, str] = {}
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeError):
        return found
    for line in lines:
        name, _, note = line.partition("#")
        if name.strip():
            with contextlib.suppress(BadInput):
                found[parse(name.strip())] = note.strip()
    return found


def _once_a_turn(turn: Callable[[], float], now: Callable[[], tuple[int, int]]) -> Callable[[], tuple[int, int]]:
    read_at, value = -1.0, (0, 0)

    def cached() -> tuple[int, int]:
        nonlocal read_at, value
        if turn() != read_at:
            read_at, value = turn(), now()
        return value

    return cached


def _last_two(host: bytes) -> bytes:
    return b".".join(host.split(b".")[-2:])


def load_lists(household: Household) -> None:
    """Take the compiled rule set into use; a missing or damaged one leaves the one in use and says so."""
    path = household.settings.text("ruleset_file")
    before = household.lists.ruleset
    try:
        found = open_ruleset(path)
        if before is None:
            found.verify()  # from flash, after whatever ended the last run; a set that replaces one was just verified
        household.lists.ruleset = found
        household.lists.loaded_at = int(os.stat(path).st_mtime)
        household.lists.trouble = ""
    except FileNotFoundError:
        household.lists.trouble = "no list is loaded yet: privacy-agent lists update"
    except (OSError, BadInput) as error:
        household.lists.trouble = f"the compiled list can't be used: {error}"
    household.feeds.note_loaded(household.lists.ruleset)
    household.new_policy()
    if before is not None and before is not household.lists.ruleset:
        before.close()


def expire(household: Household) -> bool:
    """One small step of retention; True while there may be more to do."""
    step = 200
    age = household.clock.age()
    gone = 0
    for table, feature in TABLES.items():
        days = household.days(feature)
        oldest = oldest_kept(age, days)
        gone += retention.expire_early(household.records, table, age, days, step)
        gone += retention.expire(household.records, table, oldest, household.settings.number(ROWS_MAX[feature]), step)
    return gone >= step
