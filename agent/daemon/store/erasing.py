"""Erasing for good, in small steps: removal durable, rows deleted, the copy on flash replaced, then acknowledged."""

from collections.abc import Generator, Iterator

from agent.core.model import Device
from agent.daemon.household import Household
from agent.daemon.store.snapshots import show_ids

STEP = 400  # rows deleted and overwritten in a few milliseconds
CHILD_S = 0.02  # between two looks at the child that writes to flash

Steps = Generator[float | None, None, None]


def erase(household: Household, table: str, device: Device, ids: list[int]) -> Steps:
    """Erase a device's rows. A crash in between is made good at the next start, from the removals."""
    if not ids:
        return
    household.snapshots.abandon()
    for span in _batches(ids, STEP):
        # Before the rows: whatever comes back from a snapshot is checked against the removals.
        household.state.add_removal(table, device.id, show_ids(span), household.clock.age())
        household.records.delete(table, span)
        if table == "visits":
            household.recorder.forget(set(span))
        yield None


def rewrite_snapshot(household: Household) -> Steps:
    """Replace the copy on flash, if there is one, by one of what is there now; done when it stands."""
    if not household.snapshots.exists:
        return
    while not household.snapshots.finished():
        yield CHILD_S
    household.flush()
    household.snapshots.start()
    while not household.snapshots.finished():
        yield CHILD_S
    if household.snapshots.trouble:
        # What is erased must not stay, even if what is kept is then only in RAM until the next snapshot.
        household.snapshots.drop()


def finish(household: Household, devices: list[Device], who: str) -> Steps:
    """After rows of these devices were erased: the copy on flash, a row of the ledger each, a word to who watches."""
    yield from rewrite_snapshot(household)
    rows = [(device.enrolment, "", "erase", 0) for device in devices]
    household.state.ledger.append(rows, who, household.clock.wall())
    household.noted()
    for device in devices:
        household.publish({"event": "history", "device_id": device.id})


def _batches(ids: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
