"""Reading minutes of use: what of each day there is, of a device or of a person. Days count local days since 1970.

A person's minutes are those of their own devices, two at once counted once; they are of whom the device was then.
"""

from agent.daemon.store.database import TableRow
from agent.daemon.store.history_db import HistoryDb
from agent.daemon.store.selection import Selection

DAYS_MAX = 62


class UsageRow(TableRow):
    """A device's minutes on one day in one epoch; `alone` those in which no other of its person's was counted."""

    __slots__ = ("id", "device", "epoch", "day", "minutes", "alone")
    COLUMNS = "id, device, epoch, day, minutes, alone"
    id: int
    device: int
    day: int
    minutes: int
    alone: int


def of_device(records: HistoryDb, device: int) -> dict[int, int]:
    """Day → minutes."""
    return by_day(records, Selection("usage").of_device(device), "minutes")


def of_person(records: HistoryDb, person: int) -> dict[int, int]:
    """Day → minutes on the person's own devices, whoever has them today."""
    return by_day(records, Selection("usage").of_person(person), "alone")


def by_day(records: HistoryDb, rows: Selection, what: str) -> dict[int, int]:
    """Day → the sum of that column, the newest days first."""
    query = f"SELECT day, SUM({what}) FROM usage WHERE {rows.where} GROUP BY day ORDER BY day DESC LIMIT ?"
    return dict(records.db.sql.execute(query, (*rows.values, DAYS_MAX)).fetchall())
