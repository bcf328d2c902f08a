"""Whom the household's times and content apply to: children's and shared devices at once, an adult's by their word."""

from agent.core import consent
from agent.core.model import ADULT, LIMITS, Device
from agent.daemon.device_content import DeviceContent
from agent.daemon.limits.keeper import Keeper
from agent.daemon.store.owners import Owner, owner_of
from agent.daemon.store.state import State
from agent.daemon.subjects import Subjects
from agent.daemon.toggles import Pairs, Toggles


class Coverage:
    def __init__(
        self, state: State, keeper: Keeper, subjects: Subjects, content: DeviceContent, toggles: Toggles
    ) -> None:
        self._state = state
        self._keeper = keeper
        self._subjects = subjects
        self._content = content
        self._toggles = toggles

    def consent_of(self, owner: Owner) -> str:
        """Of the owner's devices the one that is furthest."""
        register = self._state.ledger.register
        states = {register.state(device.enrolment, LIMITS) for device in self._keeper.devices_of(owner)}
        for state in (consent.ON, consent.WAITING, consent.SUSPENDED):
            if state in states:
                return state
        return consent.OFF

    def switch_on(self, devices: list[Device], who: str) -> Pairs:
        """The household's rules apply to children's and shared devices at once; an adult is asked. Whoever's rules wait
        for somebody to confirm them, as after a restore, is not switched on by another change."""
        register = self._state.ledger.register
        pairs = [
            (device, LIMITS)
            for device in devices
            if register.state(device.enrolment, LIMITS) == consent.OFF
            and self.consent_of(owner_of(device)) != consent.SUSPENDED
        ]
        if pairs:
            self._toggles.on(pairs, "on", who)
        return pairs

    def cover(self, device: Device, who: str) -> None:
        """A device that came to a child whose rules stand follows them at once."""
        owner = owner_of(device)
        ruled = owner in self._state.limits.owners() or self._content.wanted(device)
        if ruled and self._subjects.group_of(device) != ADULT:
            self.switch_on([device], who)
