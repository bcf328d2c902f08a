"""The activity log, and the check of everything recorded against it."""

from collections.abc import Generator

from agent.control.messages import Reply, Request, Row
from agent.daemon.household import Household
from agent.daemon.operations.arguments import optional_text, page, paged
from agent.daemon.store.audit import audit as audit_steps
from agent.platform.hashing import sha256


def activity(household: Household, request: Request) -> Reply:
    household.state.db.require_file()
    limit, after = page(request)
    ids = {device.enrolment: device.id for device in household.state.devices()}
    items: list[Row] = [
        {
            "seq": row.seq,
            "at": household.set_right.at(row),
            "actor": row.actor,
            "device_id": ids.get(row.enrolment),
            "enrolment": row.enrolment,
            "feature": row.feature,
            "action": row.action,
            "notice": row.notice,
            "hash": row.hash.hex(),
            "detail": row.detail,
        }
        for row in household.state.ledger.rows(after, limit)
    ]
    return paged(items, limit, after + len(items))


def audit(household: Household, request: Request) -> Generator[float | None, None, object]:
    """Check every row against the ledger, and the ledger against itself (and a head noted earlier)."""
    household.state.db.require_file()
    household.records.db.require_file()
    household.flush()
    head = optional_text(request, "head", 80)
    return (yield from audit_steps(household.state, household.records, head, sha256))


TABLE = {"activity": activity, "audit": audit}
