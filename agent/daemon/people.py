"""Changing people and whose a device is, with what follows from it for what is on. The rules are in core/people.py."""

from collections.abc import Callable

from agent.control.messages import Row
from agent.core import jsontext
from agent.core.model import ADULT, Device, Person
from agent.daemon.clock import Clock
from agent.daemon.proofs import Proofs
from agent.daemon.store.delayed_changes import ADDRESS, DEVICE, PERSON, DelayedChange, DelayedChanges
from agent.daemon.store.state import State
from agent.daemon.subjects import Subjects

PINS, SESSIONS = "pins", "sessions"  # the web job's values: {device id: {…}}, {token's hash: {"device_id": …}}


class People:
    """`reviewed(actor)` brings what is on into line, `cover(device, actor)` puts a device under its person's rules;
    `publish` as in Household."""

    def __init__(
        self,
        state: State,
        subjects: Subjects,
        delayed: DelayedChanges,
        clock: Clock,
        reviewed: Callable[[str], None],
        publish: Callable[[Row], None],
        cover: Callable[[Device, str], None],
    ) -> None:
        self._state = state
        self._subjects = subjects
        self.delayed = delayed
        self._clock = clock
        self.reviewed = reviewed
        self.publish = publish
        self._cover = cover
        self.proofs = Proofs()

    def devices_of(self, person_id: int) -> list[Device]:
        return [device for device in self._state.devices() if device.person_id == person_id]

    # people

    def change_person(self, person: Person, values: Row, actor: str) -> None:
        """Change columns of a person. An adult who is made younger stays one for a day, or until they agree."""
        group = self._subjects.group(person)
        told = ["person:" + str(person.id), *(key for key in ("name", "birth_month") if key in values)]
        if "grp" in values:
            change = f"group:{group}>{values['grp']}"
            told.append(change)
            self._delay_person(person, group, str(values["grp"]), change)
        enrolments = [device.enrolment for device in self.devices_of(person.id)]
        action = "group" if "grp" in values else "correct"
        note = (enrolments or ([""] if "grp" in values else []), action, actor, self._clock.wall(), " ".join(told))
        self._state.change("persons", person.id, values, note)
        self.reviewed(actor)

    def _delay_person(self, person: Person, before: str, after: str, change: str) -> None:
        waiting = self.delayed.of_person(person.id)
        if before == ADULT and after != ADULT:
            # Before the change: a crash in between leaves somebody an adult for a day, who was one.
            self.delayed.lay(PERSON, str(person.id), change)
        elif waiting:
            self.delayed.lift(waiting)

    def birthdays(self) -> None:
        """Who has turned 18 is an adult from here on: history ends until they agree. Needs a clock that is set."""
        if not self._clock.is_set:
            return
        year, month = self._clock.month()
        for person in self._state.persons():
            if person.group != ADULT and person.of_age(year, month):
                self.change_person(person, {"grp": ADULT}, "birthday")

    def forget_person(self, person: Person, actor: str) -> None:
        """The person's name goes; their devices stay, as nobody's, and an adult's count as one's for a day."""
        devices = self.devices_of(person.id)
        change = f"person:{person.id}>none"
        for device in devices:
            self._taken(device, change, actor)
        entries = [(device.enrolment, "", "correct", 0, change) for device in devices]
        self._state.forget_person(person.id, self._state.ledger.chain(entries, actor, self._clock.wall()))
        self.reviewed(actor)

    # devices

    def change_device(self, device: Device, values: Row, actor: str) -> None:
        """Change columns of a device. When it comes to somebody else, or to more people, the PIN and the sessions of
        before end; an adult's device counts as one for a day."""
        told = _moved(device, values)
        if told:
            self._taken(device, " ".join(told), actor)
        told += ["label"] if "label" in values else []
        told += ["address"] if "mac" in values else []
        if "never_off" in values and bool(values["never_off"]) != device.never_off:
            told.append("never_off:no>yes" if values["never_off"] else "never_off:yes>no")
        note = ([device.enrolment], "correct", actor, self._clock.wall(), " ".join(told))
        self._state.change("devices", device.id, values, note)
        self.reviewed(actor)

    def _taken(self, device: Device, change: str, actor: str) -> None:
        adults = self._is_adults(device)
        if adults:
            self.delayed.lay(DEVICE, device.enrolment, change, self.has_pin(device))
        self._end_pin(device, actor, keep_for_confirming=adults or bool(self.delayed.of(device)))

    def _is_adults(self, device: Device) -> bool:
        return device.person_id is not None and self._subjects.group(self._state.person(device.person_id)) == ADULT

    def removed(self, device: Device, actor: str) -> None:
        """The device is about to be removed; whoever adds it again at once finds an adult's."""
        if self._subjects.group_of(device) == ADULT:
            change = f"person:{device.person_id or 'none'}>none"
            had_pin = self.has_pin(device) or any(one.proof for one in self.delayed.of(device))
            self.delayed.lay(ADDRESS, self.delayed.address_key(device), change, had_pin)
        self._end_pin(device, actor, keep_for_confirming=False)

    def added(self, device: Device, actor: str) -> None:
        """The ledger tells of a device that comes back, as somebody else's, on the day on which it was an adult's."""
        entries = [(device.enrolment, "", "correct", 0, one.change) for one in self.delayed.of(device)]
        if entries:
            self._state.ledger.append(entries, actor, self._clock.wall())

    # what waits for its day

    def confirm(self, device: Device, actor: str) -> None:
        """The person behind the device agrees to what was decided: it takes effect now."""
        waiting = self.delayed.of(device)
        entries = [(device.enrolment, "", "confirm", 0, one.change) for one in waiting]
        self._state.ledger.append(entries, actor, self._clock.wall())
        self._lift(waiting, actor)

    def due(self) -> None:
        """What was decided a day ago takes effect."""
        over = self.delayed.over()
        if over:
            self._lift(over, "delay")

    def _lift(self, changes: list[DelayedChange], actor: str) -> None:
        self.delayed.lift(changes)
        lifted = {(one.kind, one.key) for one in changes}
        enrolments = {one.key for one in changes if one.kind == DEVICE}
        for device in self._state.devices():
            row = self._pins().get(str(device.id), {})
            if device.enrolment in enrolments and "left" in row:
                self._put_pin(device, {key: value for key, value in row.items() if key != "left"})
                self.publish({"event": "web"})
        self.reviewed(actor)
        for device in self._state.devices():
            if lifted & self.delayed.keys_of(device):
                self._cover(device, actor)

    # the PIN and the sessions of a device's own page, which the web job keeps here

    def has_pin(self, device: Device) -> bool:
        return "pin" in self._pins().get(str(device.id), {})

    def secret_of(self, device: Device) -> str | None:
        """The hash of the PIN that speaks for the device: an adult's whom it was taken from, or its own."""
        row = self._pins().get(str(device.id), {})
        secret = row.get("left", row.get("pin"))
        return None if secret is None else str(secret)

    def _pins(self) -> dict[str, Row]:
        return rows_in(self._state.web(PINS))

    def _end_pin(self, device: Device, actor: str, keep_for_confirming: bool) -> None:
        """`keep_for_confirming` leaves the hash for that alone: it opens nothing any more."""
        row = self._pins().get(str(device.id))
        if row is None:
            return
        left = row.get("left", row.get("pin"))
        self._put_pin(device, {"left": left} if keep_for_confirming and left else {})
        sessions = rows_in(self._state.web(SESSIONS))
        staying = {key: one for key, one in sessions.items() if one.get("device_id") != device.id}
        if staying != sessions:
            self._state.put_web(SESSIONS, jsontext.dumps(staying))
        if "pin" in row:
            entry = (device.enrolment, "", "pin", 0, "pin:set>none")
            self._state.ledger.append([entry], actor, self._clock.wall())
        self.publish({"event": "web"})

    def _put_pin(self, device: Device, row: Row) -> None:
        pins = {key: one for key, one in self._pins().items() if key != str(device.id)}
        if row:
            pins[str(device.id)] = row
        self._state.put_web(PINS, jsontext.dumps(pins))

    def pins_put(self, before: object, after: object) -> None:
        """The web job stored the PINs: the ledger tells of each that was set or replaced."""
        rows = []
        for device in self._state.devices():
            old, new = [_of(given, device.id) for given in (before, after)]
            if new.get("pin") and new.get("pin") != old.get("pin"):
                # There is one way to a new PIN beside one's own: by a code that the household made.
                rows.append((device.enrolment, "", "pin", 0, "pin:set>replaced" if old.get("pin") else "pin:none>set"))
        if rows:
            self._state.ledger.append(rows, "web", self._clock.wall())


def _moved(device: Device, values: Row) -> list[str]:
    """From whom to whom a change brings a device."""
    told = []
    if "shared" in values and bool(values["shared"]) != device.shared:
        told.append("shared:no>yes" if values["shared"] else "shared:yes>no")
    if "person" in values and values["person"] != device.person_id:
        told.append(f"person:{device.person_id or 'none'}>{values['person'] or 'none'}")
    return told


def _of(pins: object, device_id: int) -> Row:
    row = pins.get(str(device_id)) if isinstance(pins, dict) else None
    return row if isinstance(row, dict) else {}


def rows_in(text: str | None) -> dict[str, Row]:
    return rows_of(jsontext.loads(text) if text else {})


def rows_of(value: object) -> dict[str, Row]:
    return {key: row for key, row in value.items() if isinstance(row, dict)} if isinstance(value, dict) else {}
