"""Switching features on and off: the order of steps that makes off final and on accountable.

off: gate closed, open visits ended, rows observed before committed and the epoch closed in history.db, kernel entry
removed and flows flushed, ledger row durable, acknowledged. So it is off at once, whatever becomes of the storage.
on: ledger row durable, epoch opened, gate open, kernel entry added, acknowledged. A crash in between leaves "off", or
"not acknowledged and still on", or "on with a ledger row".

There is one door into "on": whatever asks for it, `on` judges subject, agreement and terms by core/people.py. And
whatever changes one of these while something is on, `review` ends the epoch and asks anew where that is needed.
"""

import contextlib
from collections.abc import Callable, Iterable, Sequence

from agent.core import consent, people
from agent.core.consent import OFF, ON, WAITING, Gate, LedgerRow
from agent.core.features import FEATURES, NOTICE_VERSION
from agent.core.model import BadInput, Device, Sentence
from agent.daemon.edges import Edges
from agent.daemon.store.database import StorageError
from agent.daemon.store.history_db import HistoryDb
from agent.daemon.store.ledger import Entry
from agent.daemon.store.recorder import Recorder
from agent.daemon.store.rollback_check import RollbackCheck
from agent.daemon.store.state import State
from agent.daemon.store.unsaved import NOT_SAVED, Unsaved
from agent.daemon.subjects import Subjects

Row = tuple[str, str, str, int, str]  # a ledger.Entry with its detail
Pair = tuple[Device, str]
Pairs = list[Pair]


class Toggles:
    """`apply` makes the kernel and the DNS side agree with the gate; `clock` gives wall seconds."""

    def __init__(
        self,
        state: State,
        records: HistoryDb,
        gate: Gate,
        recorder: Recorder,
        anchor: RollbackCheck,
        subjects: Subjects,
        apply: Callable[[], None],
        clock: Callable[[], int],
        unsaved: Unsaved,
        edges: Edges,
    ) -> None:
        self._state = state
        self._records = records
        self._gate = gate
        self._recorder = recorder
        self._anchor = anchor
        self._subjects = subjects
        self._apply = apply
        self._clock = clock
        self.unsaved = unsaved
        self._step = edges.step
        self._drain = edges.drain
        self.booted = False

    def start(self, boot_id: str) -> int:
        """The boot row, the check for a restored state, and the gate from the ledger; returns rows deleted as strays.

        StorageError when the boot row can't be committed: then nothing is on.
        """
        restored = self._anchor.restored(self._state.ledger.hashes())
        self._state.boot(boot_id, self._clock())
        if restored:
            # A row also where nothing was on: the same copy put back again is no standstill either.
            self._suspend(self._state.ledger.register.in_state(ON), "restore", [("", "", "restore", 0)])
        for _, rows, actor in self._reviewed("start"):
            self._state.ledger.append(rows, actor, self._clock())
        self.save_again()
        self._anchor.save(self._state.ledger.head)
        device_of = {device.enrolment: device.id for device in self._state.devices()}
        strays = self._records.rebuild(self._state.ledger.register.epochs, device_of)
        self.booted = True
        for device, feature in self._on_pairs():
            self._gate.open(device, feature, self._state.ledger.register.epoch(device.enrolment, feature))
        self._apply()
        return strays

    def _on_pairs(self) -> Pairs:
        by_enrolment = {device.enrolment: device for device in self._state.devices()}
        pairs = self._state.ledger.register.in_state(ON)
        return [(by_enrolment[enrolment], feature) for enrolment, feature in pairs if enrolment in by_enrolment]

    def _suspend(self, pairs: list[tuple[str, str]], actor: str, told: Sequence[Entry] = ()) -> None:
        rows = [*told, *((enrolment, feature, "suspend", 0) for enrolment, feature in pairs)]
        if rows:
            self._state.ledger.append(rows, actor, self._clock())

    def is_on(self, device: Device, feature: str) -> bool:
        """On is what records: the ledger says so and the gate is open."""
        return self._state_of((device, feature)) == ON and feature in self._gate.features(device.slot)

    def pairs_on(self, feature: str) -> Pairs:
        return [(device, feature) for device in self._state.devices() if self.is_on(device, feature)]

    # the door into on

    def require_start(self) -> None:
        """StorageError while the start is not committed: nothing is on until then."""
        if not self.booted:
            raise StorageError("nothing can be switched on: the start could not be committed to storage")

    def verdict(self, pair: Pair, resuming: bool, agreed: bool = False, own: bool = False) -> str:
        """What `on` would do: people.GO, ASK (the adult's own word is outstanding) or AGREE (nothing, before the
        household agrees to what changed)."""
        device, feature = pair
        subject = self._subjects.of(device)
        return people.may_begin(self.lacks(pair), feature, subject, agreed, own, resuming)

    def lacks(self, pair: Pair) -> str:
        """What the last agreement lacks for today: "person", "notice", "terms", or "" when it holds."""
        device, feature = pair
        subject = self._subjects.of(device)
        agreement = self._state.ledger.register.agreement(device.enrolment, feature)
        terms = self._subjects.terms(feature, subject)
        return people.lacks(feature, agreement, subject, terms, FEATURES[feature].version)

    def on(self, pairs: Pairs, action: str, actor: str, agreed: bool = True, own: bool = False) -> list[LedgerRow]:
        """Take the `action` ("on", "agree", "resume") for all pairs in one transaction, or ask the adult behind one.

        `agreed` says that somebody read what is recorded now and agreed to it; a plain resume goes by the agreement
        that there was. `own` says that it was the person behind the device. BadInput when it does not fit the state of
        one of them or is not agreed to; StorageError leaves all of them as they were, closed.
        """
        self.require_start()
        if self.unsaved.rows:
            self.save_again()
        work = [(pair, self._rows_on(pair, action, agreed, own)) for pair in pairs]
        return self._begin(work, actor)

    def _rows_on(self, pair: Pair, action: str, agreed: bool, own: bool) -> list[Row]:
        state = self._state_of(pair)
        verdict = self.verdict(pair, action == "resume", agreed, own)
        if verdict == people.GO:
            consent.next_state(state, action)
            return [self._row(pair, action, agreed, own)]
        if verdict == people.ASK:
            if state == WAITING:
                raise BadInput("cannot ask: it is waiting")
            return [*self._ends(pair), self._row(pair, "ask")]
        raise BadInput(Sentence("nobody agreed to this for {}", pair[0].label))

    def _ends(self, pair: Pair, changes: str = "") -> list[Row]:
        if self._state_of(pair) == OFF:
            return []
        return [(pair[0].enrolment, pair[1], "off", 0, changes)]

    def _row(self, pair: Pair, action: str, agreed: bool = False, own: bool = False) -> Row:
        device, feature = pair
        subject = self._subjects.of(device)
        terms = self._subjects.terms(feature, subject)
        before = self._state.ledger.register.agreement(device.enrolment, feature)
        changes = people.differences(before.terms, terms) if before and before.terms else []
        detail = people.agreement_detail(subject, terms, own, changes)
        # What was read is this feature's text, as the notice in force has it.
        version = min(FEATURES[feature].version, NOTICE_VERSION)
        return (device.enrolment, feature, action, version if agreed else 0, detail)

    def _begin(self, work: list[tuple[Pair, list[Row]]], actor: str) -> list[LedgerRow]:
        """Write the rows, and open what they lead to; whatever was on among these has to be closed before."""
        pairs = [pair for pair, _ in work]
        self._drain()
        self._step("on.ledger")
        before = {(device.enrolment, feature): self._state_of((device, feature)) for device, feature in pairs}
        try:
            rows = self._append([row for _, rows in work for row in rows], actor)
        except StorageError:
            self._unopened(before)
            raise
        register = self._state.ledger.register
        opened = [pair for pair in pairs if self._state_of(pair) == ON]
        epochs = [register.epochs[register.epoch(device.enrolment, feature)] for device, feature in opened]
        self._step("on.epoch")
        try:
            self._records.open([(epoch, device.id) for epoch, (device, _) in zip(epochs, opened, strict=True)])
        except StorageError:
            self.unsaved.add([(device.enrolment, feature) for device, feature in opened], "off", "storage")
            with contextlib.suppress(StorageError):  # tried again
                self.save_again()
            raise
        self._step("on.gate")
        for epoch, (device, feature) in zip(epochs, opened, strict=True):
            self._gate.open(device, feature, epoch.seq)
        self._step("on.kernel")
        self._apply()
        self._step("on.acknowledge")
        return rows

    def _unopened(self, before: dict[tuple[str, str], str]) -> None:
        """After rows were refused: nothing is open. What was on is closed, and they may be in the file all the same."""
        for key, state in before.items():
            if (state == ON or self._state.db.doubtful) and key not in self.unsaved.rows:
                self.unsaved.add([key], "off" if state == OFF else "suspend", "storage")

    # what is on, when something changed

    def review(self, actor: str) -> Pairs:
        """After a change of people, devices, sharing or settings: end each epoch that was about somebody else or under
        other terms, and ask anew where that is needed. Returns what is no longer as it was."""
        work = [(pair, rows) for pair, rows, _ in self._reviewed(actor)]
        if not work:
            return []
        closing = [pair for pair, _ in work if self._state_of(pair) == ON]
        self._drain()
        self._close(closing)
        try:
            self._begin(work, actor)
        except StorageError:
            self._apply()
            raise
        return [pair for pair, _ in work]

    def _reviewed(self, actor: str) -> list[tuple[Pair, list[Row], str]]:
        """What has to follow: (pair, ledger rows, who caused them)."""
        self._subjects.note_readers(self._clock())
        found = []
        for device in self._state.devices():
            for feature in FEATURES:
                rows = self._follows((device, feature))
                if rows:
                    noticed = rows[0][2] == "suspend" and "why:notice" in rows[0][-1].split(" ")
                    found.append(((device, feature), rows, "notice" if noticed else actor))
        return found

    def _follows(self, pair: Pair) -> list[Row]:
        device, feature = pair
        state = self._state_of(pair)
        since = self._state.ledger.register.since(device.enrolment, feature)
        if since is None or state not in (ON, WAITING):
            return []
        subject = self._subjects.of(device)
        before, terms = people.read_subject(since.detail), self._subjects.terms(feature, subject)
        changes = people.differences(before, subject)
        if state == WAITING:
            verdict = people.while_waiting(feature, before, subject)
        else:
            changes += people.differences(people.read_terms(since.detail), terms)
            verdict = people.on_change(self.lacks(pair), feature, subject, bool(changes))
        return self._rows_after(pair, verdict, changes)

    def _rows_after(self, pair: Pair, verdict: str, changes: list[str]) -> list[Row]:
        device, feature = pair
        told = " ".join(changes)
        if verdict == people.RENEW:
            return [(device.enrolment, feature, "suspend", 0, told), self._row(pair, "resume")]
        if verdict == people.SUSPEND:
            why = " ".join([*changes, "why:" + self.lacks(pair)])
            return [(device.enrolment, feature, "suspend", 0, why)]
        if verdict == people.ASK:
            return [*self._ends(pair, told), self._row(pair, "ask")]
        return self._ends(pair, told) if verdict == people.END else []

    # off

    def off(self, pairs: Pairs, action: str, actor: str) -> list[LedgerRow]:
        """Take the `action` ("off", "suspend") for all pairs that it fits, in one transaction; others are left alone.

        When the ledger row can't be written it is off all the same; StorageError says so, and `save_again` goes on.
        """
        fitting = self._fitting(pairs, action)
        self._drain()
        self._close(fitting)
        self._step("off.kernel")
        try:
            self._apply()
        finally:
            self._step("off.ledger")
            rows = self._save(pairs, action, actor)
        self._step("off.acknowledge")
        return rows

    def _close(self, pairs: Pairs) -> None:
        self._step("off.gate")
        for device, feature in pairs:
            self._gate.close(device, feature)
        self._step("off.records")
        self._recorder.close(list(self._epochs(pairs)))

    def _fitting(self, pairs: Pairs, action: str) -> Pairs:
        return [pair for pair in pairs if (self._state_of(pair), action) in consent.TRANSITIONS]

    def _save(self, pairs: Pairs, action: str, actor: str) -> list[LedgerRow]:
        """The ledger rows of what is off already; kept for `save_again` when they can't be written."""
        try:
            self._state.db.settle()  # what is on by the file is not off by memory
            fitting = self._fitting(pairs, action)
            rows = self._append([(device.enrolment, name, action, 0) for device, name in fitting], actor)
        except StorageError as error:
            self.unsaved.add([(device.enrolment, name) for device, name in pairs], action, actor)
            raise StorageError(Sentence(NOT_SAVED, error)) from error
        self.unsaved.drop([(device.enrolment, name) for device, name in pairs])
        return rows

    def save_again(self) -> bool:
        """Write what `off` could not; whether there was something. StorageError while it still can't be written."""
        waiting = sorted(self.unsaved.rows.items())
        if waiting:
            self._state.db.settle()
        for key, (action, actor) in waiting:
            if (self._state.ledger.register.state(*key), action) in consent.TRANSITIONS:
                self._state.ledger.append([(*key, action, 0)], actor, self._clock())
            self.unsaved.drop([key])
        return bool(waiting)

    def _append(self, rows: Sequence[Entry], actor: str) -> list[LedgerRow]:
        made = self._state.ledger.append(rows, actor, self._clock()) if rows else []
        self._anchor.save(self._state.ledger.head)
        return made

    def _state_of(self, pair: Pair) -> str:
        device, feature = pair
        return self._state.ledger.register.state(device.enrolment, feature)

    def _epochs(self, pairs: Pairs) -> Iterable[int]:
        for device, feature in pairs:
            if self._state_of((device, feature)) == ON:
                yield self._state.ledger.register.epoch(device.enrolment, feature)
