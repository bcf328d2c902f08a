"""More time on the spot: Privacy Agent shows a code, and typed at a device it stands for one answer there.

It lives for two minutes, in memory only, and three wrong guesses by anybody end it.
"""

import os

from agent.control.messages import Reply, Request
from agent.core.model import BadInput
from agent.daemon.household import Household
from agent.daemon.in_hand import OneTimeCode
from agent.daemon.operations.arguments import OperationRejected, text
from agent.daemon.operations.internet import of_me
from agent.daemon.operations.limits import known_by_mac
from agent.daemon.operations.me import TIME_KINDS, TIME_S, own_device
from agent.daemon.operations.time_requests import TONIGHT, grant
from agent.platform.hashing import sha256

CODE_DIGITS = 8
CODE_S = 120
CODE_TRIES = 3
ACTOR = "code"


def code_make(household: Household, request: Request) -> Reply:
    """The one before is void."""
    code = str(int.from_bytes(os.urandom(8), "big") % 10**CODE_DIGITS).zfill(CODE_DIGITS)
    household.in_hand.time_code = OneTimeCode(code, household.clock.age() + CODE_S)
    return {"code": code, "expires_at": household.clock.wall() + CODE_S}


def code_use(household: Household, request: Request) -> Reply:
    """What the device asked for, or what is chosen with the code, is given at once; what is open of it is answered."""
    device, given = own_device(household, request), request.get("grant")
    if given != TONIGHT and (given not in TIME_S or isinstance(given, bool)):
        raise BadInput("grant must be seconds or tonight")
    known_by_mac(household)
    _use(household, text(request, "code"))
    asked = [row for row in household.state.requests.rows(device.id, "open", 0, 200) if row.kind in TIME_KINDS]
    grant(household, device, given, ACTOR, (asked[0].id, ACTOR) if asked else None)
    household.edges.publish({"event": "request", "device_id": device.id})
    return of_me(household, device)


def _use(household: Household, given: str) -> None:
    """Uses the code up; wrong ones count."""
    kept = household.in_hand.time_code
    if kept is None or household.clock.age() >= kept.until_age or kept.tries >= CODE_TRIES:
        raise OperationRejected("conflict", "that code is over: have a new one shown")
    # Hashed before comparing, so that the time taken tells nothing about the code.
    if sha256("".join(given.split()).encode()) != sha256(kept.code.encode()):
        kept.tries += 1
        raise OperationRejected("forbidden", "that is not the code")
    household.in_hand.time_code = None


TABLE = {
    "time.code": code_make,
    "me.code": code_use,
}
