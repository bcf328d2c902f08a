"""Switching features on and off: the order of steps that makes off final and on accountable (DESIGN section 4).

off: gate closed, open visits ended, rows observed before committed and the epoch closed in history.db, ledger row
durable, kernel entry removed and flows flushed, acknowledged. on: ledger row durable, epoch opened, gate open, kernel
entry added, acknowledged. A crash in between leaves "off", or "not acknowledged and still on", or "on with a ledger
row".
"""

from collections.abc import Callable, Iterable, Sequence

from agent.core import consent
from agent.core.consent import ON, Gate, LedgerRow
from agent.core.features import FEATURES, NOTICE_VERSION
from agent.core.model import Device
from agent.daemon.store.anchor import Anchor
from agent.daemon.store.database import StorageError
from agent.daemon.store.ledger import Entry
from agent.daemon.store.recorder import Recorder
from agent.daemon.store.records import Records
from agent.daemon.store.state import State

Pairs = list[tuple[Device, str]]


class Toggles:
    """`apply` makes the kernel and the DNS side agree with the gate; `clock` gives wall seconds.

    `step` is called with a step's name before each step; the tests of promise P1 end the process there.
    """

    def __init__(
        self,
        state: State,
        records: Records,
        gate: Gate,
        recorder: Recorder,
        anchor: Anchor,
        apply: Callable[[], None],
        clock: Callable[[], int],
        step: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._state = state
        self._records = records
        self._gate = gate
        self._recorder = recorder
        self._anchor = anchor
        self._apply = apply
        self._clock = clock
        self._step = step
        # Reads what waits in the sockets and hands over what was observed, under the clients of before the toggle.
        self.settle: Callable[[], None] = lambda: None
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
        self._suspend(self._outdated(), "notice")
        self._anchor.note(self._state.ledger.head)
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

    def _outdated(self) -> list[tuple[str, str]]:
        """What is on under a notice older than the one that told what the feature does today."""
        register = self._state.ledger.register
        pairs = [pair for pair in register.in_state(ON) if pair[1] in FEATURES]
        return [pair for pair in pairs if register.agreed(*pair) < FEATURES[pair[1]].version]

    def _suspend(self, pairs: list[tuple[str, str]], actor: str, told: Sequence[Entry] = ()) -> None:
        rows = [*told, *((enrolment, feature, "suspend", 0) for enrolment, feature in pairs)]
        if rows:
            self._state.ledger.append(rows, actor, self._clock())

    def on(self, pairs: Pairs, action: str, actor: str, agreed: bool = True) -> list[LedgerRow]:
        """Take the `action` ("on", "ask", "agree", "resume") for all pairs in one transaction.

        `agreed` notes the present notice as agreed to; a plain resume leaves the version that was.
        BadInput when it does not fit the state of one of them; StorageError leaves all of them as they were, closed.
        """
        if not self.booted:
            raise StorageError("nothing can be switched on: the start could not be committed to storage")
        after = [consent.next_state(self._state_of(pair), action) for pair in pairs]
        self.settle()
        self._step("on.ledger")
        rows = self._append(pairs, action, actor, NOTICE_VERSION if agreed else 0)
        opened = [(d, f, row.seq) for (d, f), row, state in zip(pairs, rows, after, strict=True) if state == ON]
        self._step("on.epoch")
        try:
            self._records.open([(seq, device.id, feature) for device, feature, seq in opened])
        except StorageError:
            self._append([(device, feature) for device, feature, _ in opened], "off", "storage", 0)
            raise
        self._step("on.gate")
        for device, feature, seq in opened:
            self._gate.open(device, feature, seq)
        self._step("on.kernel")
        self._apply()
        self._step("on.acknowledge")
        return rows

    def off(self, pairs: Pairs, action: str, actor: str) -> list[LedgerRow]:
        """Take the `action` ("off", "suspend") for all pairs that it fits, in one transaction; others are left alone.

        When the ledger row can't be written the gate stays closed for this run and StorageError says so.
        """
        fitting = [pair for pair in pairs if (self._state_of(pair), action) in consent.TRANSITIONS]
        self.settle()
        self._step("off.gate")
        for device, feature in fitting:
            self._gate.close(device, feature)
        self._step("off.records")
        self._recorder.end(list(self._epochs(fitting)))
        self._step("off.ledger")
        try:
            rows = self._append(fitting, action, actor, 0)
        finally:
            self._step("off.kernel")
            self._apply()
        self._step("off.acknowledge")
        return rows

    def _append(self, pairs: Pairs, action: str, actor: str, notice: int) -> list[LedgerRow]:
        rows = [(device.enrolment, feature, action, notice) for device, feature in pairs]
        made = self._state.ledger.append(rows, actor, self._clock()) if rows else []
        self._anchor.note(self._state.ledger.head)
        return made

    def _state_of(self, pair: tuple[Device, str]) -> str:
        device, feature = pair
        return self._state.ledger.register.state(device.enrolment, feature)

    def _epochs(self, pairs: Pairs) -> Iterable[int]:
        for device, feature in pairs:
            if self._state_of((device, feature)) == ON:
                yield self._state.ledger.register.epoch(device.enrolment, feature)
