"""That a PIN or the household's password was entered: checked here, not by the job that asks, and told by a word.

The web job could be taken over, and what an adult agrees to is theirs to say. The hash costs memory and time, so a
child works it out; one at a time.
"""

import os
import time
from collections.abc import Generator

from agent.daemon.forked import in_child

HOLDS_S = 900.0
SETUP_S = 120.0  # for the new password after a setup code; its hash takes seconds
WORDS_MAX = 32  # the oldest goes
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
    def work() -> bool:
        from agent.platform import sodium  # here: the daemon itself loads no ctypes

        return sodium.load().check_password(secret, given.encode())

    return in_child(work, LOOKS_MAX)
