"""Everything held of some devices, in pages: for people who want to see it, keep it or take it elsewhere."""

from collections.abc import Callable, Iterator

from agent.control.messages import Reply, Request, Row
from agent.core.consent import GENESIS
from agent.core.model import Device
from agent.core.windows import date_text
from agent.daemon.household import Household
from agent.daemon.operations import scope
from agent.daemon.operations.arguments import page
from agent.daemon.operations.blocked import attempt_row
from agent.daemon.operations.devices import device_row
from agent.daemon.operations.rules import rule_row
from agent.daemon.operations.visits import visit_row
from agent.daemon.store import recorded
from agent.daemon.store.recorded import AttemptRow, VisitRow
from agent.daemon.store.usage_rows import UsageRow

Rows = Iterator[tuple[int, str, object]]  # (id, kind, row), by id
SECTION_BITS = 40  # a cursor is section << 40 | id


def export(household: Household, request: Request) -> Reply:
    """Pages of {kind, row}; the first row is the ledger's head. The attempts of an adult's time go to that adult only:
    a row of kind "hidden" says how many were left out."""
    limit, after = page(request)
    sections = _sections(household, request)
    items: list[Row] = []
    section, last = after >> SECTION_BITS, after & ((1 << SECTION_BITS) - 1)
    while section < len(sections):
        for row_id, kind, row in sections[section](last, limit - len(items)):
            items.append({"kind": kind, "row": row})
            last = row_id
        if len(items) >= limit:
            return {"items": items, "next": str(section << SECTION_BITS | last)}
        section, last = section + 1, 0
    return {"items": items, "next": None}


def _sections(household: Household, request: Request) -> list[Callable[[int, int], Rows]]:
    devices = scope.devices_named(household, request)
    return [
        lambda after, limit: _head(household, after),
        lambda after, limit: _devices(household, devices, after, limit),
        lambda after, limit: _ledger(household, devices, after, limit),
        lambda after, limit: _visits(household, request, after, limit),
        lambda after, limit: _attempts(household, request, after, limit),
        lambda after, limit: _usage(household, request, after, limit),
        lambda after, limit: _hidden(household, request, after),
        lambda after, limit: _rules(household, devices, after, limit),
    ]


def _head(household: Household, after: int) -> Rows:
    last = household.state.ledger.head
    if after == 0:
        yield 1, "head", {"seq": last.seq if last else 0, "hash": (last.hash if last else GENESIS).hex()}


def _devices(household: Household, devices: list[Device], after: int, limit: int) -> Rows:
    later = sorted([device for device in devices if device.id > after], key=lambda device: device.id)
    for device in later[:limit]:
        yield device.id, "device", device_row(household, device)


def _ledger(household: Household, devices: list[Device], after: int, limit: int) -> Rows:
    for row in household.state.ledger.rows_of([device.enrolment for device in devices], after, limit):
        fields = {key: getattr(row, key) for key in row.__slots__}
        yield row.seq, "ledger", {**fields, "hash": row.hash.hex()}


def _visits(household: Household, request: Request, after: int, limit: int) -> Rows:
    rows = scope.readable(household, request, "visits").after(after)
    for row in recorded.page(household.records, VisitRow, rows, limit):
        yield row.id, "visit", visit_row(row)


def _attempts(household: Household, request: Request, after: int, limit: int) -> Rows:
    rows = scope.readable(household, request, "attempts").after(after)
    for row in recorded.page(household.records, AttemptRow, rows, limit):
        yield row.id, "attempt", attempt_row(row)


def _usage(household: Household, request: Request, after: int, limit: int) -> Rows:
    rows = scope.readable(household, request, "usage").after(after)
    for row in recorded.page(household.records, UsageRow, rows, limit):
        yield row.id, "usage", {**row.told(), "day": date_text(row.day)}


def _hidden(household: Household, request: Request, after: int) -> Rows:
    if after != 0:
        return
    found = recorded.count(household.records, scope.hidden(household, request, "attempts"))
    if found:
        yield 1, "hidden", {"attempts": found, "why": "kept for the adult's own eyes, at their device"}


def _rules(household: Household, devices: list[Device], after: int, limit: int) -> Rows:
    ids = {device.id for device in devices}
    mine = [rule for rule in household.state.rules() if rule.scope != "device" or rule.owner in ids]
    for rule in [rule for rule in mine if rule.id > after][:limit]:
        yield rule.id, "rule", rule_row(household, rule)


TABLE = {"export": export}
