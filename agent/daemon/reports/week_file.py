"""The household's own weekly file, in the order of steps that keeps what was promised. No sockets.

Off unless the household named an address and a key of its own. A file has no text here: the job is given the week of
that moment, seals it to the key, and only what nobody on this router can open is stored until it is sent.
"""

from collections.abc import Callable, Sequence

from agent.control.messages import Row
from agent.core import jsontext
from agent.core.consent import ON, SUSPENDED, next_state
from agent.core.features import NOTICE_VERSION
from agent.core.model import Sentence, said_by, unpacked
from agent.core.shapes import Place as Target
from agent.daemon.clock import Clock
from agent.daemon.edges import Edges
from agent.daemon.reports.sending import Sending, Steps
from agent.daemon.store.connection import SqlConnection, SqlError
from agent.daemon.store.database import StorageError, keep, unkeep
from agent.daemon.store.ledger import Entry
from agent.daemon.store.outbox import JITTER_S, WEEK_FILE, Outbox
from agent.daemon.store.state import State

FEATURE = "week_file"
WEEK_S = 7 * 86400
QUEUE_MAX = 4  # a month offline
ID_BYTES = 16
FIRST_S = 0  # whoever turns it on waits to see it arrive, and is at the router anyway
# In meta; the last one until the first file is made.
TARGET, TERMS, NEXT, FRESH = "week file target", "week file terms", "week file next", "week file fresh"
UNSET = "no weekly file is made: the clock is not set"
CHANGED = "somebody in it is an adult now"
DELETED = "something of that time was deleted here"
LEFT = "somebody in it takes part no more"


class WeekFile:
    """`edges` end the job and tell when the wire is silent. `draw` is a cryptographic source."""

    def __init__(
        self,
        state: State,
        clock: Clock,
        sha256: Callable[[bytes], bytes],
        noted: Callable[[], None],
        edges: Edges,
        draw: Callable[[int], bytes],
    ) -> None:
        self._state = state
        self._clock = clock
        self._sha256 = sha256
        self._noted = noted
        self._edges = edges
        self._draw = draw
        self.outbox = Outbox(state, sha256, self._chance, WEEK_FILE, QUEUE_MAX)
        self.sending = Sending(state, clock, noted, edges, self.outbox, FEATURE, self._forget)
        self._trouble: str | Sentence = ""
        self._begun = False

    @property
    def running(self) -> bool:
        return self.sending.running

    def target(self) -> Target | None:
        """Where it goes; nothing of it stays when it is off."""
        found = jsontext.loads(self._state.meta(TARGET, "null"))
        return found if isinstance(found, dict) else None

    def terms(self, target: Target) -> str:
        from agent.core.week_file import terms  # what only a household with such a file needs

        return terms(target, self._sha256)

    @property
    def _holds(self) -> bool:
        target = self.target()
        return self.sending.state == ON and target is not None and self._state.meta(TERMS, "") == self.terms(target)

    def trouble(self) -> str | Sentence:
        """Why none is made, or why the last one did not arrive."""
        if self._trouble or not self.running:
            return self._trouble
        last = self.outbox.last()
        return unpacked(str(last["message"])) if last is not None else ""

    def next_age(self) -> int | None:
        """When the next one is made."""
        kept = self._state.meta(NEXT, "")
        return int(kept) if kept else None

    def begin(self) -> None:
        """The gate from the ledger, after the start was committed."""
        self._begun = True
        self._open_again()
        if not self.running and (self.sending.state == ON or self.outbox.waiting() or self.target()):
            self.sending.purge("suspend", "terms")

    def turn_on(self, target: Target, actor: str) -> Steps:
        """To this address, for this key; what was on before ends first. The first file goes at once."""
        self.sending.save_again()  # an end of before must not end this
        self.sending.open = False
        if self.sending.state == ON:
            yield from self.sending.stop("off", actor)
        action = "resume" if self.sending.state == SUSPENDED else "on"
        next_state(self.sending.state, action)
        made = self._state.ledger.chain([("", FEATURE, action, NOTICE_VERSION)], actor, self._clock.wall())
        self._edges.step("weekfile.ledger")
        with self._state.db.transaction() as sql:
            keep(sql, {TARGET: jsontext.dumps(target), TERMS: self.terms(target)})
            keep(sql, {NEXT: str(self._clock.age()), FRESH: "1"})
            self._state.ledger.insert(sql, made)
        self._state.ledger.take(made)
        self._noted()
        self.sending.open = True

    def _forget(self, sql: SqlConnection) -> None:
        unkeep(sql, [TARGET, TERMS, NEXT, FRESH])

    def _chance(self, limit: int) -> int:
        from agent.core.noise import below  # once a week

        return below(limit, self._draw)

    # making

    def tick(self) -> bool:
        """Make what is due; whether the job has something to do. First what storage refused to take back."""
        try:
            if self.sending.save_again():
                self._open_again()
        except (StorageError, SqlError) as error:
            self._trouble = Sentence("no weekly file is made: {}", said_by(error))
            return False
        if not self.running:
            self._trouble = ""
            return False
        self._trouble = "" if self._clock.is_set else UNSET
        if self._trouble:
            return False
        try:
            due = self.next_age()
            if due is None or due <= self._clock.age():
                self._make()
        except (StorageError, SqlError) as error:
            self._trouble = Sentence("no weekly file is made: {}", said_by(error))
            return False
        return bool(self.outbox.made() or self.sending.to_send())

    def _make(self) -> None:
        """A place in the queue, which the job fills."""
        from agent.core.summary import period_of  # once a week

        now, age = self._clock.wall(), self._clock.age()
        fresh = self._state.meta(FRESH, "")
        drawn: Row = {"report": self._draw(ID_BYTES).hex(), "period": period_of(now), "made": now, "epsilon": 0}
        drawn["notice"] = NOTICE_VERSION
        entries = [("", FEATURE, "drop", 0)] * len(self.outbox.crowded()) + [("", FEATURE, "report", NOTICE_VERSION)]
        made = self._state.ledger.chain(entries, "schedule", now)
        with self._state.db.transaction() as sql:
            self.outbox.insert(sql, drawn, age, FIRST_S if fresh else None)
            keep(sql, {NEXT: str(age + WEEK_S + self._chance(JITTER_S))})
            unkeep(sql, [FRESH])
            self._state.ledger.insert(sql, made)
        self._state.ledger.take(made)
        self._noted()

    def withdraw(self, why: str = DELETED) -> None:
        """What waits holds something that may not leave any more, and goes. A new one is made. StorageError."""
        if self.outbox.waiting():
            self._take_back(why, [], "")
            self._open_again()

    def take_out(self, entries: Sequence[Entry], actor: str) -> Steps:
        """Somebody takes part no more: what is under way ends, what waits goes with the ledger's rows, then silence."""
        yield from self.sending.end("weekfile.leave", lambda: self._take_back(LEFT, entries, actor))
        self._open_again()
        yield from self.sending.silence()

    def _take_back(self, why: str, entries: Sequence[Entry], actor: str) -> None:
        """Nothing is sent before this is written."""
        self.sending.take_back(why + actor, lambda: self._write(why, entries, actor))

    def _open_again(self) -> None:
        """What the ledger says holds, once the start is committed, unless an end is under way."""
        self.sending.open = self._begun and not self.sending.ending and self._holds

    def _write(self, why: str, entries: Sequence[Entry], actor: str) -> None:
        joined = self._state.ledger.register.joined

        def write(sql: SqlConnection, now: int) -> None:
            if self.outbox.waiting():
                self.outbox.withdraw(sql, now, why)
                keep(sql, {NEXT: str(self._clock.age())})  # it goes at a time that is drawn, as ever

        self.sending.record([one for one in entries if one[0] in joined], actor, write)

    # the job's side

    def work(self) -> tuple[list[Row], Row | None]:
        """Files to seal, and the one to send now."""
        if not self.running or not self._clock.is_set:
            return [], None
        return self.outbox.made(), self.sending.to_send()
