"""What somebody who looks after the network wants to be told of as it happens, in words without names.

`request`: somebody asked for something. `hold`: the internet could not be turned off. `clock`: bedtimes wait for the
clock. `moved`: a device of a child or teen seems to be here with another address. `arrival`: a device was never here.
"""

from __future__ import annotations

import time

from agent.core.model import ADULT, Device
from agent.daemon.household import Household

CLOCK_S = 600.0  # after a start the clock is given time


class Happenings:
    def __init__(self, household: Household) -> None:
        self._household = household
        self._started = time.monotonic()
        self._last = household.state.requests.last_open()
        self._lasting: set[str] = set()

    def look(self) -> list[str]:
        """What has happened since the last look."""
        last = self._household.state.requests.last_open()
        found = ["request"] if last > self._last else []
        self._last = max(self._last, last)
        lasting = self._now()
        found += sorted(lasting - self._lasting)
        self._lasting = lasting
        return found

    def _now(self) -> set[str]:
        household = self._household
        keeper = household.keeper
        found = {"hold"} if keeper.refusal else set()
        patient = time.monotonic() - self._started < CLOCK_S
        if household.state.limits.windows and not household.clock.trusted and not patient:
            found.add("clock")
        if household.arrivals.waiting:
            found.add("arrival")
        if any(household.edges.unseen(device).get("moved") for device in self._young()):
            found.add("moved")
        return found

    def _young(self) -> list[Device]:
        household = self._household
        return [one for one in household.state.devices() if household.subjects.group_of(one) not in (ADULT, None)]
