"""Deleting what was recorded: one visit, or the records of a device, a person or everybody."""

from collections.abc import Generator

from agent.control.messages import Request
from agent.core.features import FEATURES
from agent.core.model import Device, Sentence
from agent.daemon.erasing import erase, finish
from agent.daemon.household import Household
from agent.daemon.operations import scope
from agent.daemon.operations.arguments import actor, choice, flag, number
from agent.daemon.operations.named import device_of_visit
from agent.daemon.store import recorded
from agent.daemon.store.database import StorageError
from agent.daemon.store.history_schema import TABLES


def visit_delete(household: Household, request: Request) -> Generator[float | None, None, object]:
    """Remove one visit for good, and what it pulled in."""
    device = device_of_visit(household, number(request, "id"))
    household.flush()
    ids = _with_folded(household, device, [number(request, "id")])
    if not flag(request, "preview"):
        yield from erase(household, "visits", device, ids)
        yield from finish(household, [device], actor(request))
    return {"visits": len(ids), "attempts": 0}


def _with_folded(household: Household, device: Device, ids: list[int]) -> list[int]:
    return sorted({*ids, *household.records.folded(device.id, ids)})


def delete(household: Household, request: Request) -> Generator[float | None, None, object]:
    """Delete the records of a device, a person or everybody, of one feature or both, of a window of time or all. At its
    own page a person deletes what was made of them."""
    own = actor(request).startswith("me:")
    feature = choice(request, "feature", tuple(TABLES.values())) if request.get("feature") else ""
    chosen = [FEATURES[feature].records] if feature else list(TABLES)
    devices = {device.id: device for device in household.state.devices()}
    counts, touched = dict.fromkeys(TABLES, 0), set()
    if household.records.db.stands_in:
        # What is in the file would be back as soon as it can be used again.
        raise StorageError(Sentence("nothing was deleted: {}", household.records.db.broken))
    household.flush()
    for table in chosen:
        asked = (scope.readable if own else scope.asked)(household, request, table)
        for device_id, ids in recorded.ids(household.records, asked).items():
            device = devices[device_id]
            ids = _with_folded(household, device, ids) if table == "visits" else ids
            counts[table] += len(ids)
            touched.add(device_id)
            if not flag(request, "preview"):
                yield from erase(household, table, device, ids)
    if not flag(request, "preview"):
        told = [devices[device_id] for device_id in sorted(touched)] or scope.devices_named(household, request)
        yield from finish(household, told, actor(request))
    return counts


TABLE = {"visit.delete": visit_delete, "delete": delete}
