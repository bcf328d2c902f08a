"""Who was forgotten, noted apart from state.db, so that an older copy of it brings no name back.

A file beside state.db that backups leave out, with a line for each and no name in it. It is written before the row
goes: after a crash in between, and when an older state.db was put back by hand, the start forgets again what it names.
"""

import contextlib
import os
from collections.abc import Callable

from agent.core import consent, jsontext
from agent.core.digits import whole
from agent.core.features import FEATURES
from agent.core.model import Device
from agent.daemon.store.state import State

META = "forgotten"  # in state.db, from before a backup brought its own ledger: enrolments, as JSON
DEVICE, PERSON = "device", "person"

Line = tuple[str, str]


class Forgotten:
    """`path` lies on flash."""

    def __init__(self, path: str, state: State) -> None:
        self._path = path
        self._state = state

    def devices(self) -> set[str]:
        """Enrolments of devices that were forgotten here."""
        told = {row.enrolment for row in self._state.ledger.rows() if row.action == "forget"}
        noted = {key for kind, key in self._read() if kind == DEVICE}
        return told | noted | set(jsontext.loads(self._state.meta(META, "[]")))

    def note_device(self, enrolment: str) -> None:
        self._add({(DEVICE, enrolment)})

    def note_person(self, person_id: int) -> None:
        """Before anybody was enrolned there is nothing by which this household could be known again: not noted."""
        household = self._household()
        if household:
            self._add({(PERSON, household + str(person_id))})

    def again(self, at: int, before: Callable[[Device, str], None] = lambda device, actor: None) -> int:
        """Forget again whoever came back, `before` each device with who causes it; how many did. Before anything is
        opened. StorageError."""
        enrolments, prefix = self.devices(), self._household()
        self._add({(DEVICE, enrolment) for enrolment in enrolments})
        people = {int(key[len(prefix) :]) for _, key in self._read() if prefix and key.startswith(prefix)}
        found = [device for device in self._state.devices() if device.enrolment in enrolments]
        for device in found:
            on = [name for name in FEATURES if self._may_end(device.enrolment, name)]
            self._state.ledger.append([(device.enrolment, name, "off", 0) for name in on], "restore", at)
            before(device, "restore")
            self._state.forget_device(device, "restore", at)
        back = [person.id for person in self._state.persons() if prefix and person.id in people]
        for person_id in back:
            self._state.forget_person(person_id)
        if prefix and people:
            self._state.reserve_persons(max(people))
        return len(found) + len(back)

    def _may_end(self, enrolment: str, feature: str) -> bool:
        return (self._state.ledger.register.state(enrolment, feature), "off") in consent.TRANSITIONS

    def _household(self) -> str:
        """What a person's number is put behind: another household's backup, brought here, has the same numbers."""
        first = next(self._state.ledger.rows(0, 1), None)
        return first.hash.hex()[:16] + "-" if first else ""

    def _read(self) -> set[Line]:
        """What can be read of it: a damaged line names nobody."""
        try:
            with open(self._path, encoding="ascii", errors="replace") as file:
                lines = [line.split() for line in file]
        except OSError:
            return set()
        return {(words[0], words[1]) for words in lines if len(words) == 2 and _whole(*words)}

    def _add(self, lines: set[Line]) -> None:
        """Whole or not at all. Where it can't be written the forgetting itself goes on, and a start tries again."""
        before = self._read()
        if lines <= before:
            return
        part = self._path + ".part"
        text = "".join(" ".join(line) + "\n" for line in sorted(before | lines))
        with contextlib.suppress(OSError), self._state.db.waiting():
            fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with open(fd, "w", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(fd)
            os.replace(part, self._path)
            folder = os.open(os.path.dirname(self._path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)  # the new name, before the row goes
            finally:
                os.close(folder)


def _whole(kind: str, key: str) -> bool:
    if kind == PERSON:
        household, _, number = key.partition("-")
        return bool(household) and whole(number, 9) is not None
    return kind == DEVICE and all(digit in "0123456789abcdef" for digit in key)
