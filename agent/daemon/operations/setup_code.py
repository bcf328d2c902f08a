"""The one-time code of the web page's first run."""

import os

from agent.control.messages import Reply, Request
from agent.daemon.household import Household
from agent.daemon.in_hand import OneTimeCode
from agent.daemon.operations.arguments import OperationRejected, text
from agent.daemon.operations.web_values import web_value
from agent.platform.hashing import sha256

CODE_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike
CODE_LENGTH = 10  # 49 bits; five wrong guesses end it
CODE_S = 3600
CODE_TRIES = 5


def setup_code(household: Household, request: Request) -> Reply:
    """A new one-time code for the web UI's first run; the one before is void."""
    code = "".join(CODE_LETTERS[byte % len(CODE_LETTERS)] for byte in os.urandom(CODE_LENGTH))
    household.in_hand.setup_code = OneTimeCode(code, household.clock.age() + CODE_S)
    tls = web_value(household, "tls")
    fingerprint = tls.get("fingerprint") if isinstance(tls, dict) else None
    return {"code": code, "expires_at": household.clock.wall() + CODE_S, "fingerprint": fingerprint}


def setup_check(household: Household, request: Request) -> Reply:
    """Use the code up; wrong ones count."""
    setup = household.in_hand.setup_code
    given = text(request, "code").lower()
    if setup is None or household.clock.age() > setup.until_age or setup.tries >= CODE_TRIES:
        raise OperationRejected("conflict", "no valid setup code: make a new one with privacy-agent setup-code")
    # Hashed before comparing, so that the time taken tells nothing about the code.
    if sha256(given.encode()) != sha256(setup.code.encode()):
        setup.tries += 1
        raise OperationRejected("forbidden", "that is not the setup code")
    household.in_hand.setup_code = None
    household.people.proofs.set_up()
    return {"ok": True}


TABLE = {
    "setup.code": setup_code,
    "setup.check": setup_check,
}
