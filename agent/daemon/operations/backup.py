"""A backup as rows, and bringing one back. Sealing it with a passphrase is the web job's and the command line's work.

A backup holds the household's settings, people, devices, rules and the ledger; history only when asked for. It is
brought back as a whole in place of what is here, and everything is off afterwards until somebody confirms: the daemon
starts again on a ledger that nobody noted here (see rollback_check.py).
"""

from collections.abc import Iterator

from agent.control.arguments import PAGE_MAX
from agent.control.messages import Reply, Request, Row
from agent.core import jsontext
from agent.core.consent import GENESIS, ConsentState, LedgerRow, digest
from agent.core.model import BadInput, Sentence
from agent.core.people import HOUSEHOLD
from agent.core.shapes import Dumped
from agent.daemon import arrivals
from agent.daemon.household import Household
from agent.daemon.operations import backup_values, brought
from agent.daemon.operations.arguments import OperationRejected, choice, flag, page
from agent.daemon.reports import budget
from agent.daemon.store import backup_tables, owners
from agent.daemon.store.backup_tables import HISTORY_TABLES, TABLES, Columns, Rows
from agent.daemon.store.copy_sealing import KEY
from agent.daemon.store.forgotten import META
from agent.daemon.store.snapshots import parse_ids
from agent.platform.hashing import sha256

DEVICE_AT = {"device": 0, "epoch": 1, "visit": 1, "attempt": 1, "usage": 1}  # the column with the device's id
AGE_AT = {"visit": 7, "attempt": 6, "usage": 8}  # the column with the age; the wall time is the one before it
SECTION_BITS = 40
ROWS_MAX = 400_000  # more is no household's, and would fill the memory


def backup(household: Household, request: Request) -> Reply:
    """Pages of {kind, row}: bytes are written as {"hex": …}."""
    limit, after = page(request)
    tables = {**TABLES, **(HISTORY_TABLES if flag(request, "history") else {})}
    household.flush()
    section, last = after >> SECTION_BITS, after & ((1 << SECTION_BITS) - 1)
    # An adult's attempts are their own, also in a file that the household can open.
    readable = household.records.readable(HOUSEHOLD)
    items: list[Row] = _settings(household) if after == 0 else []
    kinds = list(tables)
    while section < len(kinds):
        kind = kinds[section]
        room = max(0, limit - len(items))
        rows = backup_tables.page(household.state, household.records, kind, last, room)
        full = len(rows) >= room
        last = int(str(rows[-1][0])) if rows else last
        items += [_item(kind, row) for row in rows if kind != "attempt" or row[2] in readable]
        if full:
            return {"items": items, "next": str(section << SECTION_BITS | last)}
        section, last = section + 1, 0
    return {"items": items, "next": None}


def _settings(household: Household) -> list[Row]:
    return [{"kind": "setting", "row": row} for row in backup_tables.settings(household.state)]


def _item(kind: str, row: list[object]) -> Row:
    return {"kind": kind, "row": [_plain(value) for value in row]}


def _plain(value: object) -> object:
    return {"hex": value.hex()} if isinstance(value, bytes) else value


def restore(household: Household, request: Request) -> Reply:
    """Rows in parts ("first", "more", "last"); with the last, all is checked and put in place; the daemon restarts."""
    part = choice(request, "part", ("first", "more", "last"))
    rows = request.get("rows")
    if not isinstance(rows, list) or len(rows) > PAGE_MAX:
        raise BadInput(Sentence("rows must be a list of at most {}", PAGE_MAX))
    if part == "first":
        household.in_hand.restoring = []
    if household.in_hand.restoring is None:
        raise OperationRejected("conflict", "begin with part: first")
    known = backup_tables.columns_in(household.state, household.records)
    household.in_hand.restoring += [_checked(row, known) for row in rows]
    if len(household.in_hand.restoring) > ROWS_MAX:
        household.in_hand.restoring = None
        raise BadInput("that is no backup of Privacy Agent: too many rows")
    if part != "last":
        return {"held": len(household.in_hand.restoring)}
    held, household.in_hand.restoring = household.in_hand.restoring, None
    counts = _bring_back(household, held)
    household.edges.restart("a backup was brought back")
    return {"restored": counts}


def _checked(item: object, known: Columns) -> tuple[str, list[object]]:
    if not isinstance(item, dict) or not isinstance(item.get("row"), list):
        raise BadInput("each row must be {kind, row}")
    kind = item.get("kind")
    row = backup_tables.fitting(str(kind), item["row"], known)
    if kind == "setting" and not str(row[0]).startswith("setting "):
        raise BadInput("this is no setting: a backup can't say what else is noted here")
    stored = [_stored(value) for value in row]
    backup_values.check(str(kind), known[str(kind)], stored)
    return str(kind), stored


def _stored(value: object) -> object:
    if isinstance(value, dict):
        try:
            return bytes.fromhex(value["hex"])
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput("a value of the backup is damaged") from error
    if value is None or isinstance(value, str | int):
        return value
    raise BadInput("a value of the backup is damaged")


def _bring_back(household: Household, rows: Rows) -> dict[str, int]:
    _check_ledger([row for kind, row in rows if kind == "ledger"])
    backup_values.check_counts(rows)
    forgotten = sorted(household.forgotten.devices())
    rows = list(_without(rows, forgotten))
    path = household.state.db.path + ".restored"
    noted: list[object] = [META, jsontext.dumps(forgotten)]
    own = [*_kept(household, rows), ("meta", noted)]
    backup_tables.new_state(path, rows, own, household.state.db.waiting)
    live = household.snapshots.live + ".restored"
    history = list(_not_removed(household, [row for row in rows if row[0] in HISTORY_TABLES]))
    _age_anew(household, history)
    backup_tables.new_history(live, history, household.state.db.waiting)
    counts: dict[str, int] = {}
    for kind, _ in rows:
        counts[kind] = counts.get(kind, 0) + 1
    household.in_hand.replaced = [(path, household.state.db.path), (live, household.snapshots.live)]
    return counts


def _check_ledger(rows: list[Dumped]) -> None:
    register, previous = ConsentState(), GENESIS
    for number, row in enumerate([LedgerRow(*values) for values in rows], 1):
        if row.seq != number or row.hash != digest(row, previous, sha256):
            raise BadInput(Sentence("the backup's activity log is damaged at entry {}", number))
        register.add(row)
        previous = row.hash


def _without(rows: Rows, forgotten: list[str]) -> Iterator[tuple[str, list[object]]]:
    """A device that was forgotten stays so: neither its MAC and name come back, nor its rules and records."""
    gone = [row[0] for kind, row in rows if kind == "device" and row[1] in forgotten]
    for kind, row in rows:
        device = _device_of(kind, row)
        if device is None or device not in gone:
            yield kind, row


def _device_of(kind: str, row: list[object]) -> object:
    """The device that a row is about, None for one about nobody's."""
    if kind == "rule":
        return row[4] if row[3] == "device" else None
    if kind in ("window", "holiday", "content", "allowance", "bank"):
        return row[2] if row[1] == owners.DEVICE else None
    return row[DEVICE_AT[kind]] if kind in DEVICE_AT else None


def _kept(household: Household, rows: Rows) -> Rows:
    """This router's own: what was erased here stays erased, what was spent stays spent, the web page's password. And an
    adult's device stays one for a day, whosever it is in the backup; a device that nobody knows stays unknown."""
    own: Rows = [("removals", row.values()) for row in household.state.removals.rows()]
    own += brought.own_values(household, rows)
    metas = {key: household.state.meta(key, "") for key in (*budget.OWN, KEY)}
    metas[arrivals.STORED] = household.arrivals.stored()
    own += [("meta", [key, value]) for key, value in sorted(metas.items()) if value]
    return [*own, ("meta", ["clock", household.clock.save()])]


def _not_removed(household: Household, rows: Rows) -> Iterator[tuple[str, list[object]]]:
    removed = [(row.kind, row.device, parse_ids(row.ids)) for row in household.state.removals.rows()]
    for kind, row in rows:
        table = HISTORY_TABLES[kind]
        spans = [span for of, device, found in removed if of == table and device == row[1] for span in found]
        if not any(low <= int(str(row[0])) <= high for low, high in spans):
            yield kind, row


def _age_anew(household: Household, rows: Rows) -> None:
    """Ages are the household's that wrote the backup: here a row is as old as its wall time says, and never younger
    than new. One from a clock that was not set is over its time."""
    wall, age = household.clock.now()
    for kind, row in rows:
        if kind in AGE_AT:
            seen = row[AGE_AT[kind] - 1]
            row[AGE_AT[kind]] = age - max(0, wall - seen) if isinstance(seen, int) else 0


TABLE = {"backup": backup, "restore": restore}
