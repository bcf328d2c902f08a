"""Opens the household's files, whatever they are like.

Where one can't be used an empty one in memory stands for it: nothing is on then, `status` says why, and DNS works.
"""

import os
from collections.abc import Callable

from agent.core.model import BadInput, Sentence, said_by
from agent.daemon.store.database import StorageError, storing
from agent.daemon.store.history_db import HistoryDb
from agent.daemon.store.rollback_check import RollbackCheck
from agent.daemon.store.snapshots import Snapshots, reapply
from agent.daemon.store.sql import sqlite3
from agent.daemon.store.state import State


def open_state(folder: str, sha256: Callable[[bytes], bytes], instead: str | Sentence) -> State:
    """`instead` tells why the file is not to be used, "" to use it."""
    path = os.path.join(folder, "state.db")
    if instead:
        return State(path, sha256, instead)
    try:
        with storing(folder):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        return State(path, sha256)
    except StorageError as error:
        return State(path, sha256, said_by(error))
    except (BadInput, sqlite3.Error):
        return State(path, sha256, Sentence("{} is damaged: move it away or restore a backup", path))


def open_records(
    state: State, snapshots: Snapshots, anchor: RollbackCheck, instead: str | Sentence
) -> tuple[HistoryDb, bool]:
    """The history, and whether a copy that came back from flash still held something that was erased."""
    if instead or state.db.stands_in:
        # Without the devices and what was erased, nothing that was recorded may be seen.
        return HistoryDb(snapshots.live, instead or state.db.broken), False
    try:
        came_back = _bring_back(state, snapshots, anchor)
        records = HistoryDb(snapshots.live)
    except StorageError as error:
        return HistoryDb(snapshots.live, said_by(error)), False
    try:
        # A removal that a crash cut off is finished, whether the rows are here or came back.
        again = reapply(state, records) if came_back or state.removals.unfinished else 0
        return records, again > 0 or state.removals.unfinished
    except StorageError as error:
        # What was erased must not be seen again.
        records.db.close()
        return HistoryDb(snapshots.live, said_by(error)), False


def _bring_back(state: State, snapshots: Snapshots, anchor: RollbackCheck) -> bool:
    """Whether the copy on flash was put in place; one that can't be is said and done without."""
    try:
        if anchor.restored(state.ledger.hashes()):
            snapshots.drop()  # an older state.db does not know what was erased since from a copy of its time
        return snapshots.restore()
    except StorageError as error:
        snapshots.trouble = said_by(error)
        return False
