"""Reports to an operator, in the order of steps that keeps what was promised. No sockets.

Off unless the household opted in to these terms of this operator; off again with any change of them.

make: paid for in state.db together with a ledger row, then in the file beside it, and only then is anything counted.
Opting out: see sending.py.
"""

import os
from collections.abc import Callable

from agent.control.messages import Row
from agent.core.consent import ON, SUSPENDED, next_state
from agent.core.features import NOTICE_VERSION
from agent.core.model import BadInput, Sentence, said_by
from agent.core.settings import Settings
from agent.daemon.clock import Clock
from agent.daemon.edges import Edges
from agent.daemon.reports.agreement import FEATURE, KEY, ReportAgreement
from agent.daemon.reports.budget import WEEK_S, Budget
from agent.daemon.reports.sending import Sending, Steps
from agent.daemon.reports.weekly_counts import WeeklyCounts
from agent.daemon.store.connection import SqlConnection, SqlError
from agent.daemon.store.database import StorageError, keep, unkeep
from agent.daemon.store.outbox import JITTER_S, STATISTICS, Outbox
from agent.daemon.store.state import State

UNSETTLED = "no report is made: the clock is not set, or before the last entry of the restored activity log"


class Reports:
    """`edges` end the job and tell when the wire is silent; `counts` are the week's. `draw` is a cryptographic
    source."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        clock: Clock,
        sha256: Callable[[bytes], bytes],
        noted: Callable[[], None],
        counts: WeeklyCounts,
        edges: Edges,
        draw: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._state = state
        self._clock = clock
        self._noted = noted
        self.counts = counts
        self._edges = edges
        self._step = edges.step
        self.agreement = ReportAgreement(settings, state, sha256)
        self.budget = Budget(settings, state, clock)
        self.outbox = Outbox(state, sha256, self._chance, STATISTICS)
        self.sending = Sending(state, clock, noted, edges, self.outbox, FEATURE, self._forget)
        self.draw = draw
        self.trouble: str | Sentence = ""

    @property
    def running(self) -> bool:
        return self.sending.running

    def next_age(self) -> int | None:
        """When the next report is made."""
        kept = self._state.meta("report next", "")
        return int(kept) if kept else None

    def begin(self) -> None:
        """The gate from the ledger, after the start was committed. Other terms than those agreed to: closed."""
        self.sending.open = False
        if not self.agreement.holds:
            if self.agreement.state == ON or self.outbox.waiting():
                self.sending.purge("suspend", "terms")
            return
        self.outbox.drop_cut_off(self._clock.wall())
        self.sending.open = True

    # opting in and out

    def opt_in(self, actor: str) -> None:
        """BadInput when it does not fit; the caller has checked what was agreed to."""
        self.sending.save_again()  # an end of before must not end this
        spent = self.budget.spent()
        if self.agreement.operator() is None or spent is None:
            raise BadInput("reports need an operator, and a known budget")
        action = "resume" if self.agreement.state == SUSPENDED else "on"
        next_state(self.agreement.state, action)
        age = self._clock.age()
        made = self._state.ledger.chain([(*KEY, action, NOTICE_VERSION)], actor, self._clock.wall())
        self._step("optin.note")
        self.budget.note(spent)
        self._step("optin.ledger")
        with self._state.db.transaction() as sql:
            self.agreement.note(sql, age)
            keep(sql, {"report next": str(self._following(age))})
            self._state.ledger.insert(sql, made)
        self._state.ledger.take(made)
        self._noted()
        self.sending.open = True
        self._step("optin.acknowledge")

    def _following(self, age: int) -> int:
        """A week from now and up to a day more; never within a week of the last one, whoever opts out and in."""
        last = int(self._state.meta("report last", "0"))
        return max(age, last) + WEEK_S + self._chance(JITTER_S)

    def _chance(self, limit: int) -> int:
        from agent.core.noise import below  # once a week

        return below(limit, self.draw)

    def opt_out(self, actor: str) -> Steps:
        return self.sending.opt_out(actor)

    def change_operator(self, operator: Row | None, actor: str) -> Steps:
        """Another operator, or none: what was agreed to with the one before ends here."""
        if self.agreement.names(operator):
            return
        self.sending.open = False
        yield from self.sending.stop("suspend", actor)
        self.agreement.put_operator(operator)

    def _forget(self, sql: SqlConnection) -> None:
        self.agreement.end(sql)
        unkeep(sql, ["report next"])

    # making

    def tick(self) -> bool:
        """Make what is due; whether the job has something to do. First what storage refused to take back."""
        try:
            self.sending.save_again()
            if not self.running:
                self.trouble = ""
                return False
            if not self._clock.is_set:
                self.trouble = UNSETTLED
                return False
            return self._tick()
        except (StorageError, OSError, SqlError) as error:
            self.trouble = Sentence("no report is made: {}", said_by(error))
            return False

    def _tick(self) -> bool:
        if not self.agreement.holds:
            self._edges.end_report()
            self.sending.purge("suspend", "terms")
            return False
        self.counts.since_each(self.running)
        self.outbox.drop_cut_off(self._clock.wall())
        settled, due = self.budget.charge_unknown_weeks(), self.next_age()
        self.trouble = "" if settled else UNSETTLED
        if settled and due is not None and due <= self._clock.age():
            self._make()
        return bool(self.outbox.to_seal() or self.outbox.to_send(self._clock.age()))

    def _make(self) -> None:
        """One report, paid for first. A crash leaves it paid for and not made."""
        from agent.core import summary  # once a week

        after = self.budget.after_one_more()
        if after is None:
            return
        self._step("make.charge")
        drawn: Row = {
            "report": self.draw(summary.ID_BYTES).hex(),
            "period": summary.period_of(self._clock.wall()),
            "made": self._clock.wall(),
            "epsilon": self.budget.epsilon,
            "notice": NOTICE_VERSION,
        }
        row_id = self._charge(after, drawn, self._clock.age())
        self._step("make.note")
        self.budget.note(after)
        self._step("make.count")
        facts = self.counts.facts(self.agreement.since_age(), self.running)
        answer = summary.noised(summary.answers(facts), self.budget.epsilon, self.draw)
        text = summary.render(bytes.fromhex(str(drawn["report"])), int(str(drawn["period"])), answer)
        self._step("make.keep")
        self.outbox.keep(row_id, text)
        self._step("make.done")

    def _charge(self, after: int, drawn: Row, age: int) -> int:
        entries = [(*KEY, "drop", 0)] * len(self.outbox.crowded()) + [(*KEY, "report", NOTICE_VERSION)]
        made = self._state.ledger.chain(entries, "schedule", int(str(drawn["made"])))
        kept = {"report last": str(age), "report next": str(age + WEEK_S + self._chance(JITTER_S))}
        with self._state.db.transaction() as sql:
            row_id = self.outbox.insert(sql, drawn, age)
            self.budget.store(sql, after)
            keep(sql, kept)
            self._state.ledger.insert(sql, made)
        self._state.ledger.take(made)
        self._noted()
        return row_id

    # the job's side

    def work(self) -> tuple[list[Row], Row | None]:
        """Reports to seal, and the one to send now."""
        if not self.running or not self._clock.is_set:
            return [], None
        return self.outbox.to_seal(), self.sending.to_send()
