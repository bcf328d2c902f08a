"""The gate: the only maker of permits, the toggles as a state machine, and the ledger's hash chain.

Consent is what the ledger says: the state of every feature of every enrolment is a fold over its rows. An epoch is the
time between a row that leads to ON and the next row that leads away from it; its number is the first row's sequence
number. No clock takes part in that.
"""

from agent.core import people
from agent.core.model import LIMITS, BadInput, Device, Permit, Sentence, Value
from agent.core.people import Agreement, Subject, Terms
from agent.core.shapes import Sha256

OFF = "off"
WAITING = "waiting"  # asked for; an adult's own agreement is outstanding
ON = "on"
SUSPENDED = "suspended"  # was on; paused, restored or upgraded; comes back only when somebody says so

# (state, action) -> next state. What is not here is refused.
TRANSITIONS = {
    (OFF, "on"): ON,
    (OFF, "ask"): WAITING,
    (WAITING, "agree"): ON,
    (WAITING, "off"): OFF,
    (ON, "off"): OFF,
    (ON, "suspend"): SUSPENDED,
    (SUSPENDED, "resume"): ON,
    (SUSPENDED, "off"): OFF,
}

# Rows that tell what happened without switching anything (feature may be empty).
NOTES = ("enrol", "forget", "erase", "group", "object", "read", "share", "report", "drop", "restore", "correct") + (
    "confirm",
    "pin",
    "limit",
    "hold",
    "release",
    "extend",
    "bonus",
    "gap",
    "arrivals",
    "join",
    "leave",
)

GENESIS = bytes(32)


class LedgerRow(Value):
    """One row of the consent ledger.

    `at` is wall time in seconds and only for people to read; `notice` the version agreed to (0 where none applies);
    `hash` is 32 bytes over all other fields and the previous row's hash; `detail` says what changed, about whom and to
    which terms (see people.told), "" in rows from before there was one.
    """

    __slots__ = ("seq", "at", "actor", "enrolment", "feature", "action", "notice", "hash", "detail")

    def __init__(
        self,
        seq: int,
        at: int,
        actor: str,
        enrolment: str,
        feature: str,
        action: str,
        notice: int,
        hash: bytes,
        detail: str = "",
    ) -> None:
        self.seq = seq
        self.at = at
        self.actor = actor
        self.enrolment = enrolment
        self.feature = feature
        self.action = action
        self.notice = notice
        self.hash = hash
        self.detail = detail


def digest(row: LedgerRow, previous: bytes, sha256: Sha256) -> bytes:
    """The hash that belongs into `row`: SHA-256 over the previous hash and the fields as netstrings."""
    fields = [str(row.seq), str(row.at), row.actor, row.enrolment, row.feature, row.action, str(row.notice)]
    if row.detail:  # rows from before there was a detail keep their hashes
        fields.append(row.detail)
    parts = [previous]
    for field in fields:
        data = field.encode()
        parts.append(str(len(data)).encode() + b":" + data + b",")
    return bytes(sha256(b"".join(parts)))


def sealed(row: LedgerRow, previous: bytes, sha256: Sha256) -> LedgerRow:
    """The same row with its hash filled in."""
    chained = digest(row, previous, sha256)
    return LedgerRow(
        row.seq, row.at, row.actor, row.enrolment, row.feature, row.action, row.notice, chained, row.detail
    )


class Epoch(Value):
    """One on…off of a feature: opened by ledger row `seq`, closed by row `closed` (None while open).

    `subject` is whom its records are about, `terms` how long and where they are stored and who reads them; None in
    ledgers from before they were told.
    """

    __slots__ = ("seq", "enrolment", "feature", "closed", "subject", "terms")

    def __init__(
        self,
        seq: int,
        enrolment: str,
        feature: str,
        closed: int | None,
        subject: Subject | None = None,
        terms: Terms | None = None,
    ) -> None:
        self.seq = seq
        self.enrolment = enrolment
        self.feature = feature
        self.closed = closed
        self.subject = subject
        self.terms = terms


class ConsentState:
    """What the ledger's rows add up to: states, since when, and epochs. Feed it the rows in order."""

    def __init__(self) -> None:
        self._toggles: dict[tuple[str, str], tuple[str, LedgerRow]] = {}
        self._agreements: dict[tuple[str, str], Agreement] = {}
        self.joined: dict[str, LedgerRow] = {}  # by enrolment: who takes part in something of the household's
        self.epochs: dict[int, Epoch] = {}
        # Equal parts of epochs once: each switch makes an epoch, and all of them stay.
        self._keys: dict[tuple[str, str], tuple[str, str]] = {}
        self._subjects: dict[Subject | None, Subject | None] = {}
        self._terms: dict[Terms | None, Terms | None] = {}

    def add(self, row: LedgerRow) -> None:
        """Take one row in; BadInput when its action does not fit the state (a forged or damaged ledger)."""
        if row.action == "restore":
            # Whoever agreed for themselves may have ended that since: they are asked anew.
            self._agreements = {key: one for key, one in self._agreements.items() if not one.own}
            self.joined.clear()
        if row.action in NOTES:
            self._note(row)
            return
        state = self.state(row.enrolment, row.feature)
        after = next_state(state, row.action)
        if state == ON:
            epoch = self.epoch(row.enrolment, row.feature)
            self.epochs[epoch].closed = row.seq
        key = (row.enrolment, row.feature)
        key = self._keys.setdefault(key, key)
        subject, terms = people.read_subject(row.detail), people.read_terms(row.detail)
        subject, terms = self._subjects.setdefault(subject, subject), self._terms.setdefault(terms, terms)
        if after == ON:
            self.epochs[row.seq] = Epoch(row.seq, key[0], key[1], None, subject, terms)
            if row.notice:
                self._agreements[key] = Agreement(subject, terms, row.notice, people.is_own(row.detail))
        elif after != SUSPENDED:
            self._agreements.pop(key, None)
        self._toggles[key] = (after, row)

    def _note(self, row: LedgerRow) -> None:
        """Who joined takes part until they leave, or the device or their age group is another's."""
        if row.action == "join":
            self.joined[row.enrolment] = row
        elif row.action in ("leave", "forget") or people.changes_whose(row.detail):
            self.joined.pop(row.enrolment, None)

    def agreement(self, enrolment: str, feature: str) -> Agreement | None:
        """What was agreed to last and has not been ended since; asking for it agrees to nothing."""
        return self._agreements.get((enrolment, feature))

    def state(self, enrolment: str, feature: str) -> str:
        return self._toggles.get((enrolment, feature), (OFF, None))[0]

    def since(self, enrolment: str, feature: str) -> LedgerRow | None:
        """The row that led to the present state; None when there never was one."""
        return self._toggles.get((enrolment, feature), (OFF, None))[1]

    def epoch(self, enrolment: str, feature: str) -> int:
        """The number of the open epoch; BadInput when the feature is not on."""
        state, row = self._toggles.get((enrolment, feature), (OFF, None))
        if state != ON or row is None:
            raise BadInput(Sentence("{} is not on", feature))
        return row.seq

    def in_state(self, state: str) -> list[tuple[str, str]]:
        """All (enrolment, feature) in that state, sorted."""
        return sorted([key for key, value in self._toggles.items() if value[0] == state])


def next_state(state: str, action: str) -> str:
    """The state after `action`, or BadInput when that is not possible from `state`."""
    if (state, action) not in TRANSITIONS:
        raise BadInput(Sentence("cannot {}: it is {}", action, state))
    return TRANSITIONS[(state, action)]


class Gate:
    """Who may be recorded, now. Everything that records asks here each time and passes the permit along.

    `generation` grows by one with every opening of a device's features, so that packets and queries from before are
    told apart from those after, however quickly a feature is switched off and on again.
    """

    def __init__(self) -> None:
        self._generations: dict[int, int] = {}
        self._open: dict[tuple[int, str], Permit | None] = {}
        self._devices: dict[int, Device] = {}

    def open(self, device: Device, feature: str, epoch: int) -> None:
        self._generations[device.slot] = self.generation(device.slot) + 1
        # Limits are rules: nothing may be recorded for them.
        self._open[(device.slot, feature)] = None if feature == LIMITS else Permit(device.id, feature, epoch)
        self._devices[device.slot] = device

    def close(self, device: Device, feature: str) -> None:
        """Nothing of that device and feature is permitted from here on; also when it was not open."""
        self._open.pop((device.slot, feature), None)
        if not self.features(device.slot):
            self._devices.pop(device.slot, None)

    def generation(self, slot: int) -> int:
        return self._generations.get(slot, 0)

    def issue(self, slot: int, generation: int, feature: str) -> Permit | None:
        """A permit if that feature is on for that slot, has been since `generation` began, and records; else None."""
        if self._generations.get(slot) != generation:
            return None
        return self._open.get((slot, feature))

    def features(self, slot: int) -> list[str]:
        return sorted([feature for held, feature in self._open if held == slot])

    def devices(self) -> list[Device]:
        """The devices with anything on, by slot."""
        return [self._devices[slot] for slot in sorted(self._devices)]
