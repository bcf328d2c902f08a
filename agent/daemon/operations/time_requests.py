"""Somebody asks for more time, from the page that stops them or from /me, and the household answers."""

from __future__ import annotations

from agent.control.messages import Reply, Request
from agent.core.model import BadInput, Device, NotFound, Sentence
from agent.core.names import suffixes
from agent.core.schedule import ALLOWANCE, OFF
from agent.core.windows import HOMEWORK
from agent.daemon.household import Household
from agent.daemon.operations.allowance import bonus
from agent.daemon.operations.arguments import OperationRejected, actor, number, optional_text
from agent.daemon.operations.limits import FREE_MAX_S, give, in_force, known_by_mac
from agent.daemon.operations.me import REQUEST_TEXT_MAX, TIME_KINDS, TIME_S, request_add, request_row
from agent.daemon.store.allowances import DAY_MINUTES
from agent.daemon.store.database import StorageError
from agent.daemon.store.owners import owner_of

TONIGHT = "tonight"


def request_answer(household: Household, request: Request) -> Reply:
    """With `grant` (seconds, or "tonight") what was asked for is given in the same transaction."""
    id, given = number(request, "id"), request.get("grant")
    answer = optional_text(request, "answer", REQUEST_TEXT_MAX) or ("yes" if given is not None else "")
    if not answer:
        raise BadInput("answer is missing or not a text")
    wall, state = household.clock.wall(), household.state
    row = state.requests.row(id)
    if row is None:
        raise NotFound(Sentence("no request {}", id))
    if given is None:
        state.requests.answer(id, answer, wall)
    else:
        if row.kind not in TIME_KINDS:
            raise BadInput("only a request for time can be granted")
        if row.state == "ended":
            raise OperationRejected("conflict", "what this request asked for is over")
        if row.state != "open":  # two who look after the network, at once
            raise OperationRejected("conflict", "this request was answered already")
        known_by_mac(household)
        device = state.device(row.device)
        if not row.made_by(household.subjects.of(device)):
            raise OperationRejected("conflict", "the device is somebody else's now: who asked does not have it")
        grant(household, device, given, actor(request), (id, answer))
    household.edges.publish({"event": "request", "device_id": row.device})
    return request_row(household, state.requests.row(id) or row)


def grant(household: Household, device: Device, given: object, who: str, answer: tuple[int, str] | None) -> None:
    """What somebody asked for at this device: seconds, or "tonight"."""
    owner = owner_of(device)
    now = household.keeper.decision(device)
    wall = household.clock.wall()
    seconds = given if isinstance(given, int) and not isinstance(given, bool) else None
    if (seconds or given == TONIGHT) and _minutes_end_first(household, device):
        bonus(household, owner, DAY_MINUTES if seconds is None else max(1, seconds // 60), who, answer=answer)
    elif given == TONIGHT and not (now.held and now.why == OFF):
        give(household, owner, "off", None, who, answer)
    elif given == TONIGHT:
        give(household, owner, "free", min(FREE_MAX_S, (now.until or wall + FREE_MAX_S) - wall), who, answer)
    elif seconds is not None:
        give(household, owner, "free" if now.held and now.why == OFF else "later", seconds, who, answer)
    else:
        raise BadInput("grant must be seconds or tonight")
    in_force(household, [owner])


def _minutes_end_first(household: Household, device: Device) -> bool:
    """Whether what ends the device's time is, or will be, that the minutes of today are used up."""
    now, left = household.keeper.decision(device), household.screen_time.left(owner_of(device))
    if now.held or left is None:
        return now.why == ALLOWANCE
    coming = household.keeper.next_for(device)
    return coming is None or not coming.held or coming.at > household.clock.wall() + left * 60


def ask_for_time(household: Household, device_id: int, kind: str) -> bool:
    """Whether it came before the household: a quarter of an hour, or tonight."""
    try:
        request_add(household, {"device_id": device_id, "kind": kind, "seconds": TIME_S[0]})
    except (BadInput, StorageError):
        return False
    return True


def left_open(household: Household, device: Device, why: str, host: bytes) -> bool:
    """Whether the device reaches the host, which is no helpline, while it is held for that reason: its owner's names,
    and during homework those for homework."""
    content = household.content.of(device)
    also = [name.encode() for name in [*content.always, *(content.homework if why == HOMEWORK else [])]]
    return bool(also) and any(suffix in also for suffix in suffixes(host))


TABLE = {
    "request.reply": request_answer,
}
