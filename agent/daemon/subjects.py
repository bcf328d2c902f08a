"""Whom a device's records are about, now, and to which terms somebody would agree now: what the rules of core/people.py
are applied to."""

from agent.core import jsontext
from agent.core.features import FEATURES
from agent.core.model import ADULT, HISTORY, PROTECTION, USAGE, Device, Person
from agent.core.people import FLASH, HOUSEHOLD, RAM, Subject, Terms, reader, widened
from agent.core.settings import Settings
from agent.core.shapes import Parsed
from agent.daemon.store.delayed_changes import DelayedChanges
from agent.daemon.store.state import State

READERS = "readers"  # among what state.db notes: who was named last
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
        who = reader(feature, subject)
        since = self._readers()["since"] if who == HOUSEHOLD else 0
        return Terms(self.days(feature), kept, f"{who}.{since}" if since else who)

    @property
    def readers(self) -> list[str]:
        """The names of those who have the household's password, as it tells them; none: it does not."""
        return self._settings.texts("readers")

    def note_readers(self, now: int) -> None:
        """Remember who is named, and since when there is somebody who was not: that is another reader."""
        known = self._readers()
        if known["names"] != self.readers:
            more = widened(known["names"], self.readers)
            since = max(now, known["since"] + 1) if more else known["since"]
            self._state.put_meta(READERS, jsontext.dumps({"names": self.readers, "since": since}))

    def _readers(self) -> Parsed:
        return jsontext.loads(self._state.meta(READERS, '{"names":[],"since":0}'))

    def days(self, feature: str) -> int:
        """For how long the household stores what the feature records."""
        if feature not in DAYS:
            return 0
        return min(self._settings.number(DAYS[feature]), FEATURES[feature].days_max)
