"""Puts the household together from its settings: databases restored and opened, gate, recorder, policy. No sockets."""

import contextlib
import os
from collections.abc import Callable
from functools import partial

from agent.core import jsontext
from agent.core.consent import Gate
from agent.core.history import Visits, oldest_kept
from agent.core.model import HISTORY, PROTECTION, BadInput, Sentence, said_by
from agent.core.names import suffixes
from agent.core.settings import TABLE, Settings, check, mark_layout
from agent.daemon.clients import Clients
from agent.daemon.clock import confirmation
from agent.daemon.edges import Edges
from agent.daemon.household import Household
from agent.daemon.lists.loaded import LoadedLists
from agent.daemon.store import retention
from agent.daemon.store.copy_sealing import stored as copy_key
from agent.daemon.store.database import StorageError
from agent.daemon.store.history_schema import TABLES
from agent.daemon.store.joining import note_tops, reserve_ids
from agent.daemon.store.opening import open_records, open_state
from agent.daemon.store.recorder import Recorder
from agent.daemon.store.rollback_check import RollbackCheck
from agent.daemon.store.snapshots import Snapshots
from agent.daemon.store.state import State
from agent.platform.hashing import sha256
from agent.platform.installed import data_dir

SITES_CACHED = 512
ROWS_MAX = {HISTORY: "history_rows", PROTECTION: "attempts_rows"}  # the settings that bound what is kept
DAYS_MAX = 20_000  # rows of minutes: of 255 devices for a month, each switched off and on now and then


def build(settings: Settings, edges: Edges) -> Household:
    """A household that has read everything and records nothing yet: `begin` opens the gate.

    Storage that can't be used is no reason to be without DNS: see store/opening.py. OSError for the run directory.
    """
    try:
        return _built(settings, edges, "")
    except StorageError as error:
        # It could be opened, but not all of it can be read.
        return _built(settings, edges, said_by(error))


def _built(settings: Settings, edges: Edges, instead: str | Sentence) -> Household:
    state_dir, run_dir = settings.text("state_dir"), settings.text("run_dir")
    os.makedirs(run_dir, mode=0o700, exist_ok=True)
    _discard_leftovers(state_dir, run_dir)
    state = open_state(state_dir, sha256, instead)
    household_settings(settings, state)
    clock = edges.clock(state.meta("clock", ""), confirmation(run_dir))
    state.requests.age = clock.age
    live = os.path.join(run_dir, "history.db")
    snapshots = Snapshots(live, os.path.join(state_dir, "history.db"), settings.flag("keep_history"), copy_key(state))
    anchor = RollbackCheck(os.path.join(state_dir, "anchor"), os.path.join(run_dir, "anchor"))
    records, stale = open_records(state, snapshots, anchor, instead)
    for place in (state.db, records.db, anchor, snapshots):
        place.waiting = edges.at_disk
    if snapshots.locked:
        reserve_ids(state, records)
    gate = Gate()
    lists = LoadedLists(data_dir(settings), settings.text("suffixes_file"))
    recorder = Recorder(gate, Visits(site_of(lists)), records, _once_a_turn(edges.turn, clock.now), edges.met)
    recorder.withheld = not lists.notes  # whose hosts they are is not known
    clients = Clients(mark_layout(settings) if settings.text("identity") == "mark" else None, edges.mac_of)
    household = Household(settings, state, records, gate, recorder, clients, snapshots, clock, lists, anchor, edges)
    household.stale_snapshot = stale
    snapshots.note = partial(note_tops, state, records, clock)
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
                settings.values[row.name] = check(row.name, jsontext.loads(kept))


def site_of(lists: LoadedLists) -> Callable[[bytes], bytes | None]:
    """The registrable domain of a host, or None for a helpline's, which is never recorded."""
    known: dict[bytes, bytes | None] = {}

    def site(host: bytes) -> bytes | None:
        found = known.get(host, b"")
        if found == b"":
            if len(known) >= SITES_CACHED:
                known.clear()
            ends = suffixes(host)
            never = not lists.helplines.isdisjoint(ends)
            found = known[host] = None if never else lists.registrable(host, ends)
        return found

    return site


def _once_a_turn(turn: Callable[[], float | None], now: Callable[[], tuple[int, int]]) -> Callable[[], tuple[int, int]]:
    read_at, value = -1.0, (0, 0)

    def cached() -> tuple[int, int]:
        nonlocal read_at, value
        began = turn()
        if began is None:
            return now()
        if began != read_at:
            read_at, value = began, now()
        return value

    return cached


def expire(household: Household) -> bool:
    """One small step of retention; True while there may be more to do."""
    step = 200
    age = household.clock.age()
    gone = 0
    for table, feature in TABLES.items():
        days = household.subjects.days(feature)
        oldest = oldest_kept(age, days)
        gone += retention.expire_early(household.records, table, age, days, step)
        rows_max = household.settings.number(ROWS_MAX[feature]) if feature in ROWS_MAX else DAYS_MAX
        gone += retention.expire(household.records, table, oldest, rows_max, step)
    return gone >= step
