"""Counts what devices send to the internet: packets and bytes of each, and nothing else of them."""

from __future__ import annotations

from agent.daemon.kernel.netfilter import NetfilterError
from agent.daemon.kernel.switch import Switch


class Counting:
    """Nothing is put into the kernel before `begin`, see SwitchSync: what is wanted before is so from then on."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self._wanted: frozenset[bytes] = frozenset()
        self._begun = False

    def want(self, macs: frozenset[bytes]) -> None:
        """These devices, and no others. NetfilterError: the kernel refused; it is tried again."""
        self._wanted = macs
        if self._begun:
            self._switch.count(macs)

    def begin(self) -> None:
        self._begun = True
        self.check()

    def check(self) -> None:
        """Whether it is so still; if not, it is made so. Called by a timer."""
        try:
            if self._begun:
                self._switch.count(self._wanted)
        except NetfilterError:
            return  # the timer comes again

    def counts(self) -> dict[bytes, tuple[int, int]]:
        """MAC → packets and bytes since it is counted. NetfilterError."""
        found = self._switch.counts() if self._begun else {}
        return {mac: both for mac, both in found.items() if mac in self._wanted}
