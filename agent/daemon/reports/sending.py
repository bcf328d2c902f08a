"""What all that is sent has in common: a gate, an outbox, and an end that leaves nothing behind.

Opting out: gate closed, job ended, what waits and its schedule purged together with the ledger row, silence on the
wire, acknowledged.
"""

from collections.abc import Callable, Generator, Sequence

from agent.control.messages import Row
from agent.core.consent import OFF, ON
from agent.core.model import NotFound, Sentence
from agent.daemon.clock import Clock
from agent.daemon.edges import Edges
from agent.daemon.store.connection import SqlConnection
from agent.daemon.store.database import insist
from agent.daemon.store.ledger import Entry
from agent.daemon.store.outbox import ENDS, Outbox
from agent.daemon.store.state import State
from agent.daemon.store.unsaved import saved

Steps = Generator[float | None, None, None]


class Sending:
    """`feature` is its word in the ledger, `forget(sql)` removes agreement and schedule within the transaction."""

    def __init__(
        self,
        state: State,
        clock: Clock,
        noted: Callable[[], None],
        edges: Edges,
        outbox: Outbox,
        feature: str,
        forget: Callable[[SqlConnection], None],
    ) -> None:
        self._state = state
        self._clock = clock
        self._noted = noted
        self._edges = edges
        self._outbox = outbox
        self._key = ("", feature)  # no device's
        self._forget = forget
        self._owed: dict[str, Callable[[], None]] = {}
        self.open = False
        self.ending = 0  # how many ends are under way: until they are written nothing else opens the gate

    @property
    def state(self) -> str:
        return self._state.ledger.register.state(*self._key)

    @property
    def running(self) -> bool:
        return self.open and self.state == ON

    # the end

    def opt_out(self, actor: str) -> Steps:
        """Final when it returns: nothing waits, nothing is under way, nothing is scheduled."""
        self._edges.step("optout.gate")
        self.open = False
        yield from self.stop("off", actor)
        self._edges.step("optout.acknowledge")

    def stop(self, action: str, actor: str) -> Steps:
        self._edges.step("optout.job")
        yield from self.end("optout.purge", lambda: self.purge(action, actor))
        self._edges.step("optout.settle")
        yield from self.silence()

    def end(self, step: str, write: Callable[[], None]) -> Steps:
        """The job ends, then `write()` says so; shut all the while."""
        self.open = False
        self.ending += 1
        try:
            while self._edges.end_report():
                yield 0.02
            self._edges.step(step)
            yield from saved(write)
        finally:
            self.ending -= 1

    def silence(self) -> Steps:
        while (left_s := self._edges.report_silence_s()) > 0:
            yield left_s

    def purge(self, action: str, actor: str) -> None:
        """Queue, drafts, schedule and agreement go in one transaction with the ledger row; reserved room is used."""
        self.take_back(action, lambda: self._purge(action, actor))

    def _purge(self, action: str, actor: str) -> None:
        state = self.state
        suits = state == ON or (action == "off" and state != OFF)

        def write(sql: SqlConnection, now: int) -> None:
            self._outbox.withdraw(sql, now)
            self._forget(sql)

        self.record([(*self._key, action, 0)] if suits else [], actor, write)

    def record(self, entries: Sequence[Entry], actor: str, write: Callable[[SqlConnection, int], None]) -> None:
        """The ledger's rows and `write(sql, now)` in one transaction, which may use the reserved room. StorageError."""
        now = self._clock.wall()
        made = self._state.ledger.chain(entries, actor, now)

        def both() -> None:
            with self._state.db.transaction() as sql:
                if not made or made[-1:] != [self._state.ledger.head]:  # it may have been written the first time
                    write(sql, now)
                    self._state.ledger.insert(sql, made)

        insist(self._state.db, both)
        self._state.ledger.take(made)
        if made:
            self._noted()

    def take_back(self, what: str, write: Callable[[], None]) -> None:
        """Something may not leave any more: nothing does, until `write()` said so durably. StorageError: it is tried
        again with each `save_again`."""
        self.open = False
        self._owed[what] = write
        self.save_again()

    def save_again(self) -> bool:
        """Whether there was something that storage had refused. StorageError while it still does."""
        owed = bool(self._owed)
        if owed:
            self._state.db.settle()  # what is on by the file is not off by memory
        for what, write in list(self._owed.items()):
            write()
            del self._owed[what]
        return owed

    # the job's side

    def to_send(self) -> Row | None:
        """The one to send now."""
        return self._outbox.to_send(self._clock.age())

    def take_sealed(self, row_id: int, body: str) -> None:
        """The job sealed it."""
        self.expect(row_id, "made")
        self._outbox.seal(row_id, body)

    def body(self, row_id: int) -> str:
        """What to send, asked for right before it is sent: the gate's last word."""
        return str(self.expect(row_id, "sealed")["body"])

    def take_outcome(self, row_id: int, outcome: str, message: str, pause_s: int) -> None:
        """`outcome` is "done", "later" or "never"."""
        self.expect(row_id, "sealed")
        if outcome == "later":
            self._outbox.put_off(row_id, self._clock.age() + pause_s, message)
            return
        (state, action), now = ENDS[outcome], self._clock.wall()
        made = self._state.ledger.chain([(*self._key, action, 0)], "schedule", now)
        with self._state.db.transaction() as sql:
            self._outbox.end(sql, row_id, state, message, now)
            self._state.ledger.insert(sql, made)
        self._state.ledger.take(made)
        self._noted()

    def expect(self, row_id: int, state: str) -> Row:
        """The row, while it is in that state and this is on; NotFound."""
        row = self._outbox.row(row_id)
        if not self.running or row["state"] != state:
            raise NotFound(Sentence("no report {} is to be sealed or sent now", row_id))
        return row
