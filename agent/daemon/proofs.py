"""That a PIN or the household's password was entered: checked here, not by the job that asks, and told by a word.

The web job could be taken over, and what an adult agrees to is theirs to say. The hash costs memory and time, so a
child works it out; one at a time.
"""

import os
import time
from collections.abc import Generator

from agent.daemon.forked import let_go, lower_priority

HOLDS_S = 900.0
SETUP_S = 120.0  # for the new password after a setup code; its hash takes seconds
WORDS_MAX = 32  # the oldest goes
LOOK_S = 0.05
LOOKS_MAX = 600  # half a minute; the slowest router takes a second or two


class Proofs:
    """Words → (who asks, the secret's hash, until when). They are gone with the process: it is entered again.

    Who asks is an actor: "me:" and a device's number for a PIN, "web:" and a session's label for the password.
    """

    def __init__(self) -> None:
        self.busy = False
        self._words: dict[str, tuple[str, str, float]] = {}
        self._setup_until = 0.0

    def hold(self, who: str, secret: str, word: object) -> bool:
        """Whether that word was given to them for this secret, which is the one of now."""
        given = self._words.get(word) if isinstance(word, str) else None
        return given is not None and given[:2] == (who, secret) and time.monotonic() < given[2]

    def set_up(self) -> None:
        """A setup code was right: a new password may be stored once."""
        self._setup_until = time.monotonic() + SETUP_S

    def use_setup(self) -> bool:
        allowed, self._setup_until = time.monotonic() < self._setup_until, 0.0
        return allowed

    def check(self, who: str, secret: str, given: str) -> Generator[float | None, None, str | None]:
        """The word, or None where it is not the secret. In steps: the loop goes on meanwhile."""
        self.busy = True
        try:
            right = yield from _matches(secret, given)
        finally:
            self.busy = False
        if not right:
            return None
        word = os.urandom(16).hex()
        self._words[word] = (who, secret, time.monotonic() + HOLDS_S)
        while len(self._words) > WORDS_MAX:
            del self._words[next(iter(self._words))]
        return word


def _matches(secret: str, given: str) -> Generator[float | None, None, bool]:
    child = os.fork()
    if child == 0:
        _check_and_exit(secret, given)
    status = None
    try:
        for _ in range(LOOKS_MAX):
            yield LOOK_S
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                return status == 0
            status = None
        return False
    finally:
        if status is None:
            os.kill(child, 9)
            os.waitpid(child, 0)


def _check_and_exit(secret: str, given: str) -> None:
    """In the child, which ends with 0 where they match."""
    code = 1
    try:
        let_go()
        lower_priority()
        from agent.platform import sodium  # here: the daemon itself loads no ctypes

        code = 0 if sodium.load().check_password(secret, given.encode()) else 1
    finally:
        os._exit(code)
