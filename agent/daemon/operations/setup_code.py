"""The one-time code of the web page's first run."""

import os

from agent.daemon.household import Household
from agent.daemon.operations.arguments import OperationRejected, Request, text

CODE_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike
CODE_LENGTH = 10  # 49 bits; five wrong guesses end it
CODE_S = 3600
CODE_TRIES = 5


class SetupCode:
    """In memory only. `tries` counts wrong ones."""

    def __init__(self, code: str, until_age: int) -> None:
        self.code = code
        self.until_age = until_age
        self.tries = 0


def setup_code(household: Household, request: Request) -> dict[str, object]:
    """A new one-time code for the web UI's first run; the one before is void."""
    code = "".join(CODE_LETTERS[byte % len(CODE_LETTERS)] for byte in os.urandom(CODE_LENGTH))
    household.setup = SetupCode(code, household.clock.age() + CODE_S)
    tls = household.web_value("tls")
    fingerprint = tls.get("fingerprint") if isinstance(tls, dict) else None
    return {"code": code, "expires_at": household.clock.wall() + CODE_S, "fingerprint": fingerprint}


def setup_check(household: Household, request: Request) -> dict[str, object]:
    """Use the code up; wrong ones count."""
    setup = household.setup
    given = text(request, "code").lower()
    if not isinstance(setup, SetupCode) or household.clock.age() > setup.until_age or setup.tries >= CODE_TRIES:
        raise OperationRejected("conflict", "no valid setup code: make a new one with privacy-agent setup-code")
    # Hashed before comparing, so that the time taken tells nothing about the code.
    if household.sha256(given.encode()) != household.sha256(setup.code.encode()):
        setup.tries += 1
        raise OperationRejected("forbidden", "that is not the setup code")
    household.setup = None
    return {"ok": True}


TABLE = {
    "setup.code": setup_code,
    "setup.check": setup_check,
}
