"""The barrier: what nobody expected ends the handling of one thing, a request or a packet, and not the process.

It is counted and logged by type and place, never with its message, which may hold what a device asked for. It is no
licence to be sloppy: the tests set PRIVACY_AGENT_STRICT, and there it ends the process as every mistake of ours should.
"""

import os

from agent.control.messages import Row
from agent.daemon.log import say

STRICT = "PRIVACY_AGENT_STRICT"
PLACES_MAX = 64  # there are not more bugs than that; more places count together
_AGENT = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_ABOVE = len(os.path.dirname(_AGENT[:-1])) + 1


class Faults:
    """What was skipped so far. `ends` are exceptions that mean the end of this process rather than of one thing."""

    def __init__(self, who: str = "", ends: tuple[type[Exception], ...] = ()) -> None:
        self.total = 0
        self.last = ""
        self._who = who
        # Without memory nobody knows what is half done; started again, there is some.
        self._ends: tuple[type[Exception], ...] = (MemoryError, *ends)
        self._strict = os.environ.get(STRICT) == "1"
        self._places: dict[str, int] = {}

    def met(self, error: Exception) -> None:
        """To be called where `error` was caught, for what it interrupted is not gone on with. It may raise it again."""
        if self._strict or isinstance(error, self._ends):
            raise error
        self.total += 1
        self.last = place = f"{type(error).__name__} at {_place(error)}"
        if place not in self._places and len(self._places) >= PLACES_MAX:
            place = "elsewhere"
        count = self._places[place] = self._places.get(place, 0) + 1
        # The first one, and then ever more rarely: who can cause it again and again must not fill the log.
        if count & (count - 1) == 0:
            say(f"{self._who}something unexpected was skipped: {self.last} ({count} times)")

    def state(self) -> Row:
        return {"total": self.total, "last": self.last}


def raised(error: Exception) -> None:
    """What stands in for `met` where nobody keeps faults: the mistake goes on to whoever called."""
    raise error


def _place(error: Exception) -> str:
    """The last line of ours that it came through."""
    found = "?"
    trace = error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if path.startswith(_AGENT):
            found = f"{path[_ABOVE:]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found
