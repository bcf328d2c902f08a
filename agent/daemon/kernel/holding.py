"""Holds devices: from the moment that `want` returns, nothing of theirs goes out, and what was open ends."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator

from agent.core.model import Sentence, said_by
from agent.daemon.kernel.flow_ending import FlowEnding
from agent.daemon.kernel.netfilter import NetfilterError
from agent.daemon.kernel.switch import Switch

ENTERED = (
    "Something still comes in by IPv6 to a device whose internet is off, for the router's firewall lets it in: set its"
    " zone of the internet to forward REJECT."
)
LOOK_CHECKS = 15  # of the timer's checks, from one look at what still comes in to the next: each reads all of conntrack
Task = Callable[[Generator[float | None, None, None]], None]


class Holding:
    """`held` are those of whom nothing goes out now, `trouble` is a sentence for the household or "".

    Nothing is put into the kernel before `begin`, see SwitchSync: what is wanted before is so from then on.
    `first(held)` is called before the first device is held, and after the last one was.
    """

    def __init__(
        self, switch: Switch, ending: FlowEnding, task: Task, first: Callable[[bool], None] = lambda held: None
    ) -> None:
        self._first = first
        self._switch = switch
        self._ending = ending
        self._task = task
        self._wanted: frozenset[bytes] = frozenset()
        self._begun = False
        self._made = 0
        self._checks = 0  # since flows that told of something were looked at
        self._refusal: str | Sentence = ""

    @property
    def held(self) -> frozenset[bytes]:
        return self._switch.held if self._begun else frozenset()

    @property
    def trouble(self) -> str | Sentence:
        return self._refusal or self._ending.trouble or (ENTERED if self.held and self._ending.entered else "")

    def want(self, macs: set[bytes] | frozenset[bytes]) -> None:
        """These devices, and no others. NetfilterError: the kernel refused, and who was held before is held still."""
        self._wanted = frozenset(macs)
        if self._begun:
            self._bring_about()

    def begin(self) -> None:
        self._begun = True
        self.check()

    def check(self) -> None:
        """Whether it is so still; if not, it is made so. Called by a timer."""
        try:
            if self._begun:
                self._bring_about()
                self._look_again()
        except NetfilterError:
            return  # `trouble` says so, and the timer comes again

    def _look_again(self) -> None:
        """What is told stays told only while it is so: the firewall may have been set right."""
        told = self.held and (self._ending.entered or self._ending.trouble)
        self._checks = self._checks + 1 if told else 0
        if self._checks >= LOOK_CHECKS:
            self._checks = 0
            self._ending.look_again(self.held, self._task)

    def end_flows(self, macs: frozenset[bytes], judged: bool = False) -> None:
        """What these devices have open ends, whether they are held or not: after a change of what they may. `judged`:
        web connections are judged by name, and those that may not go on end by that."""
        if judged:
            self._ending.begin_unjudged(macs, self._task)
        elif macs:
            self._ending.begin(macs, self._task)

    def _bring_about(self) -> None:
        before = self._switch.held
        if self._wanted and not before:
            self._first(True)
        try:
            self._switch.hold(self._wanted)
        except NetfilterError as refusal:
            self._refusal = Sentence("The internet can't be turned off: {}.", said_by(refusal))
            raise
        self._refusal = ""
        # Where the table was lost, everybody was free for a while.
        came = self._wanted if self._switch.made != self._made else self._wanted - before
        self._made = self._switch.made
        self.end_flows(came)
        if before - self._wanted:
            with contextlib.suppress(NetfilterError):  # they end by themselves: the page closes its connections
                self._switch.flush_page()
        if before and not self._wanted:
            self._first(False)
