"""Erasing for good, in small steps.

The removal as a whole is durable, then rows are deleted, what SQLite leaves of them is cleared, the copy on flash is
replaced, the removal is marked as done, and then it is acknowledged. Each start finishes what is not done.
"""

from collections.abc import Generator, Iterator

from agent.core.features import FEATURES
from agent.core.model import USAGE, Device, said_by
from agent.daemon.household import Household
from agent.daemon.store.database import StorageError
from agent.daemon.store.scrubbing import scrub
from agent.daemon.store.snapshots import show_ids

STEP = 400  # rows deleted and overwritten in a few milliseconds
CHILD_S = 0.02  # between two looks at the child that writes to flash
LOOKS_MAX = 500  # ten seconds, in which another erasing comes to its end; else the copy goes

Steps = Generator[float | None, None, None]


def erase(household: Household, table: str, device: Device, ids: list[int]) -> Steps:
    """Erase a device's rows, up to what `rewrite_snapshot` does. A crash in between is made good at the next start."""
    if not ids:
        return
    household.snapshots.abandon()
    household.snapshots.held += 1
    if table == FEATURES[USAGE].records:
        household.screen_time.erased(device)
    try:
        # All of it before the first row: whatever is left, or comes back from a copy, is checked against it.
        household.state.removals.add(table, device.id, show_ids(ids), household.clock.age())
        for span in _batches(ids, STEP):
            household.records.delete(table, span)
            household.recorder.drop(table, set(span))
            yield None
    finally:
        household.snapshots.held -= 1


def rewrite_snapshot(household: Household) -> Steps:
    """Clear what is left of erased rows, and replace the copy on flash by one of what is there now. StorageError."""
    household.flush()
    if household.snapshots.locked:
        household.snapshots.drop()  # nobody can take out of it what was deleted
    household.week_file.withdraw()
    yield from scrub(household.records.db)
    yield from scrub(household.state.db)
    yield from _replace_copy(household)
    if not household.snapshots.held:  # else the one that is under way marks all of them
        household.state.removals.done()


def _replace_copy(household: Household) -> Steps:
    """Until a copy stands that was begun after now. Another erasing may end one that is under way: then the next."""
    snapshots = household.snapshots
    snapshots.abandon()
    written = snapshots.written
    looks = 0
    while snapshots.exists and snapshots.written == written:
        if snapshots.held and looks < LOOKS_MAX:
            looks += 1
            yield CHILD_S
            continue
        household.flush()
        started = snapshots.start() or not snapshots.finished()
        while not snapshots.finished():
            yield CHILD_S
        if snapshots.written == written and (not started or snapshots.trouble):
            # What is erased must not stay, even if what is kept is then only in RAM until the next copy.
            snapshots.drop()


def finish(household: Household, devices: list[Device], who: str) -> Steps:
    """After rows of these devices were erased: the copy on flash, a row of the ledger each, a word to who watches."""
    yield from rewrite_snapshot(household)
    rows = [(device.enrolment, "", "erase", 0) for device in devices]
    household.state.ledger.append(rows, who, household.clock.wall())
    household.announcements.noted()
    for device in devices:
        household.edges.publish({"event": "history", "device_id": device.id})


def tidy(household: Household) -> Steps:
    """As `rewrite_snapshot`, at a start, where nobody waits for it: one that fails is told, and the next start's."""
    try:
        yield from rewrite_snapshot(household)
        household.stale_snapshot = False
    except StorageError as error:
        household.recorder.trouble = said_by(error)


def snapshot(household: Household) -> Steps:
    """Begin a copy of what is there now, without what is left of rows that went by their age."""
    household.flush()
    try:
        yield from scrub(household.records.db)
    except StorageError as error:
        household.recorder.trouble = said_by(error)
        return
    household.snapshots.start()


def _batches(ids: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
