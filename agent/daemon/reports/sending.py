"""What all that is sent has in common: a gate, an outbox, and an end that leaves nothing behind.

Opting out: gate closed, job ended, what waits and its schedule purged together with the ledger row, silence on the
wire, acknowledged.
"""

from collections.abc import Callable, Generator

from agent.control.messages import Row
from agent.core.consent import OFF, ON
from agent.core.model import NotFound, Sentence
from agent.daemon.clock import Clock
from agent.daemon.edges import Edges
from agent.daemon.store.connection import SqlConnection
from agent.daemon.store.database import insist
from agent.daemon.store.outbox import ENDS, Outbox
from agent.daemon.store.state import State

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
        self.open = False

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
        while self._edges.end_report():
            yield 0.02
        self._edges.step("optout.purge")
        self.purge(action, actor)
        self._edges.step("optout.settle")
        while (left_s := self._edges.report_silence_s()) > 0:
            yield left_s

    def purge(self, action: str, actor: str) -> None:
        """Queue, drafts, schedule and agreement go in one transaction with the ledger row; reserved room is used."""
        self.open = False
        now, state = self._clock.wall(), self.state
        suits = state == ON or (action == "off" and state != OFF)
        made = self._state.ledger.chain([(*self._key, action, 0)] if suits else [], actor, now)

        def write() -> None:
            with self._state.db.transaction() as sql:
                self._outbox.withdraw(sql, now)
                self._forget(sql)
                self._state.ledger.insert(sql, made)

        insist(self._state.db, write)
        self._state.ledger.take(made)
        if made:
            self._noted()

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
