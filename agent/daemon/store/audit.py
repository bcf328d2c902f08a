"""The proof: every stored row lies inside consent, and the ledger was not tampered with. By numbers, without clocks."""

from collections.abc import Callable, Generator, Sequence

from agent.control.messages import Reply
from agent.core.consent import GENESIS, ConsentState, digest
from agent.core.model import BadInput, Sentence, said_by, told
from agent.daemon.store.database import Database
from agent.daemon.store.history_db import HistoryDb
from agent.daemon.store.history_schema import MIGRATIONS as HISTORY_SCHEMA
from agent.daemon.store.history_schema import TABLES
from agent.daemon.store.outbox import STATISTICS, WEEK_FILE
from agent.daemon.store.retention import deleted_for_room
from agent.daemon.store.sql import sqlite3
from agent.daemon.store.state import State
from agent.daemon.store.state_schema import MIGRATIONS as STATE_SCHEMA

LEDGER_STEP = 200
FINDINGS_MAX = 20
# Each row against its epoch in history.db: an existing one, of its device and feature, and not written after its close.
OUTSIDE = (
    "SELECT {0}.id FROM {0} LEFT JOIN epochs e ON e.epoch={0}.epoch AND e.device={0}.device AND e.feature='{1}'"
    " WHERE {0}.id > ? AND {0}.id <= ? AND (e.epoch IS NULL OR {0}.batch < e.opened"
    " OR (e.closed IS NOT NULL AND {0}.batch > e.closed))"
)
# The end of the next page of rows, whatever ids somebody gave them.
PAGE = "SELECT MAX(id), COUNT(*) FROM (SELECT id FROM {0} WHERE id > ? ORDER BY id LIMIT ?)"
ROWS_STEP = 4000  # some 2 ms a step
BELOW_ALL = -1e19  # SQLite's least id is -2^63
TRIGGERS = "SELECT name, sql FROM sqlite_master WHERE type='trigger'"
# The ledger's word → the reports that it tells of; and its word for each kind of them.
REPORTS = (("report", "made", "1"), ("share", "sent", "state='sent'"))
KINDS = (("report", STATISTICS), ("week_file", WEEK_FILE))


def audit(
    state: State, records: HistoryDb, head: str | None, sha256: Callable[[bytes], bytes]
) -> Generator[float | None, None, Reply]:
    """Returns {ok, rows_checked, ledger_rows, head, findings, deleted_for_room}. `head` is a hash noted earlier, in
    hexadecimal."""
    findings: list[str | Sentence] = []
    register = ConsentState()
    noted = head.strip().lower() if head else None
    rows, last, met = yield from _ledger(state, register, noted, findings, sha256)
    kept = state.ledger.head
    if last != (kept.hash if kept else GENESIS):
        findings.append(
            "the activity log in the file is not the one that this process wrote: entries were removed or added"
        )
    if noted and not met:
        findings.append(
            "the checksum saved earlier is not in this activity log: entries before it were changed or removed"
        )
    findings += _epochs(state, records, register)
    findings += [*_refusals(state.db, STATE_SCHEMA), *_refusals(records.db, HISTORY_SCHEMA)]
    findings += _reports(state)
    checked = 0
    for table, feature in TABLES.items():
        checked += yield from _rows(records, table, feature, findings)
    return {
        "ok": not findings,
        "rows_checked": checked,
        "ledger_rows": rows,
        "head": last.hex(),
        "findings": [str(one) for one in findings[:FINDINGS_MAX]],
        "sentences": [told(one) for one in findings[:FINDINGS_MAX]],
        "deleted_for_room": deleted_for_room(records),
    }


def _ledger(
    state: State,
    register: ConsentState,
    noted: str | None,
    findings: list[str | Sentence],
    sha256: Callable[[bytes], bytes],
) -> Generator[float | None, None, tuple[int, bytes, bool]]:
    previous, seq, met = GENESIS, 0, noted == GENESIS.hex()
    while True:
        page = list(state.ledger.rows(seq, LEDGER_STEP))
        if not page:
            return seq, previous, met
        for row in page:
            if row.seq != seq + 1 or row.hash != digest(row, previous, sha256):
                findings.append(
                    Sentence(
                        "entry {} of the activity log does not follow from entry {}: "
                        "it was changed, or entries are missing",
                        row.seq,
                        seq,
                    )
                )
            try:
                register.add(row)
            except BadInput as error:
                findings.append(Sentence("entry {} of the activity log: {}", row.seq, said_by(error)))
            met = met or row.hash.hex() == noted
            previous, seq = row.hash, row.seq
        yield None


def _epochs(state: State, records: HistoryDb, register: ConsentState) -> Sequence[Sentence]:
    """The epochs that history.db goes by must be the ledger's: same device, same feature, open only if open there."""
    device_of = {device.enrolment: device.id for device in state.devices()}
    findings = []
    for row in records.epochs():
        epoch = register.epochs.get(row.epoch)
        if epoch is None or device_of.get(epoch.enrolment) != row.device or epoch.feature != row.feature:
            findings.append(Sentence("period {} of the history is not in the activity log", row.epoch))
        elif row.closed is None and epoch.closed is not None and row.epoch not in records.unclosed:
            findings.append(Sentence("period {} is closed in the activity log and open in the history", row.epoch))
    return findings


def _refusals(database: Database, migrations: Sequence[str]) -> Sequence[Sentence]:
    """The triggers by which a database refuses rows by itself must be those that it was made with, and no others."""
    pattern = sqlite3.connect(":memory:")
    for step in migrations:
        pattern.executescript(step)
    wanted, found = [dict(one.execute(TRIGGERS).fetchall()) for one in (pattern, database.sql)]
    pattern.close()
    names = sorted(name for name in {**wanted, **found} if wanted.get(name) != found.get(name))
    return [Sentence("the trigger {} is missing, was changed or is not ours", name) for name in names]


def _reports(state: State) -> Sequence[Sentence]:
    """No report is listed that the ledger does not tell of. Fewer may be: old ones go, and a backup has none."""
    findings = []
    for feature, kind in KINDS:
        for action, what, which in REPORTS:
            known = state.ledger.count(feature, action)
            query = f"SELECT COUNT(*) FROM reports WHERE {which} AND kind=?"
            listed = int(state.db.sql.execute(query, (kind,)).fetchone()[0])
            if listed > known:
                said = Sentence("{} reports are listed as {}, and the activity log tells of {}", listed, what, known)
                findings.append(said)
    return findings


def _rows(
    records: HistoryDb, table: str, feature: str, findings: list[str | Sentence]
) -> Generator[float | None, None, int]:
    checked, low = 0, BELOW_ALL
    while True:
        high, count = records.db.sql.execute(PAGE.format(table), (low, ROWS_STEP)).fetchone()
        if not count:
            return checked
        outside = records.db.sql.execute(OUTSIDE.format(table, feature), (low, high)).fetchall()
        findings += [Sentence("{} row {} lies outside consent", table, row[0]) for row in outside]
        checked, low = checked + count, high
        yield None
