"""Whom a device's records are about, now, and to which terms somebody would agree now: what the rules of core/people.py
are applied to."""

from agent.core.features import FEATURES
from agent.core.model import ADULT, HISTORY, PROTECTION, USAGE, Device, Person
from agent.core.people import FLASH, RAM, Subject, Terms, reader
from agent.core.settings import Settings
from agent.daemon.store.delayed_changes import DelayedChanges
from agent.daemon.store.state import State

DAYS = {HISTORY: "history_days", PROTECTION: "attempts_days", USAGE: "usage_days"}  # feature → setting


class Subjects:
    def __init__(self, state: State, settings: Settings, delayed: DelayedChanges) -> None:
        self._state = state
        self._settings = settings
        self._delayed = delayed

    def group(self, person: Person) -> str:
        """Somebody who is made younger stays an adult for a day."""
        return ADULT if self._delayed.of_person(person.id) else person.group

    def group_of(self, device: Device) -> str | None:
        """The age group of the device's person, also of a shared device: sharing must not go round an agreement."""
        if self._delayed.of(device):
            return ADULT
        return None if device.person_id is None else self._state.person(device.person_id).group

    def person_of(self, device: Device) -> Person | None:
        """Whose the device is alone."""
        if device.person_id is None or device.shared:
            return None
        return self._state.person(device.person_id)

    def of(self, device: Device) -> Subject:
        return Subject(device.person_id or 0, self.group_of(device) or "", device.shared)

    def terms(self, feature: str, subject: Subject) -> Terms:
        kept = FLASH if self._settings.flag("keep_history") else RAM
        return Terms(self.days(feature), kept, reader(feature, subject))

    def days(self, feature: str) -> int:
        """For how long the household stores what the feature records."""
        if feature not in DAYS:
            return 0
        return min(self._settings.number(DAYS[feature]), FEATURES[feature].days_max)
