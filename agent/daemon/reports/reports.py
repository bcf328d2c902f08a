"""Reports to an operator: whether they are agreed to, what was spent, and the queue. No sockets.

Off unless the household opted in to these terms of this operator; off again with any change of them. The order of steps
is what makes it so:

make: paid for in state.db together with a ledger row, then in the file beside it, and only then is anything counted.
opt out: gate closed, job ended, queue, drafts and schedule purged together with the ledger row, acknowledged.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Generator

from agent.core.consent import OFF, ON, SUSPENDED, next_state
from agent.core.features import NOTICE_VERSION
from agent.core.model import BadInput
from agent.core.settings import Settings
from agent.daemon.clock import Clock
from agent.daemon.reports.spent import Spent
from agent.daemon.store.database import StorageError, insist
from agent.daemon.store.state import State

FEATURE = "report"
KEY = ("", FEATURE)  # in the ledger: no device's
QUEUE_MAX = 8  # two months offline; older counts are of no use
KEPT_MAX = 200  # rows that the household can look back on: four years
WEEK_S = 7 * 86400
JITTER_S = 86400
# A killed sender's last packets and the answers to them; nothing of ours follows once this is over.
SETTLE_S = 0.5

Row = dict[str, object]
Steps = Generator[float | None, None, None]
INSERT = "INSERT INTO reports(report, period, made, epsilon, notice, state, send_age) VALUES (?,?,?,?,?,'made',?)"
CROWDED_OUT = (
    "UPDATE reports SET state='dropped', plain=NULL, body=NULL, ended=?, message='the queue was full' WHERE id=?"
)
WITHDRAW = "UPDATE reports SET state='withdrawn', plain=NULL, body=NULL, ended=? WHERE state IN ('made', 'sealed')"
COLUMNS = "id, report, period, made, epsilon, notice, state, plain, body, hash, send_age, failures, message, ended"


class Reports:
    """`step` as in Toggles. `end_job()` kills the job and says whether it still is there; `counted()` gives the week's
    numbers with noise (both wired by the daemon). `draw` is a cryptographic source."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        clock: Clock,
        sha256: Callable[[bytes], bytes],
        noted: Callable[[], None],
        step: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._state = state
        self._clock = clock
        self._sha256 = sha256
        self._noted = noted
        self._step = step
        self._spent = Spent(os.path.join(settings.text("state_dir"), "spent"))
        self.end_job: Callable[[], bool] = lambda: False
        self.counted: Callable[[int, int], list[int]] | None = None
        self.draw: Callable[[int], bytes] = os.urandom
        self._open = False
        self.trouble = ""

    # reading

    @property
    def state(self) -> str:
        return self._state.ledger.register.state(*KEY)

    @property
    def running(self) -> bool:
        return self._open and self.state == ON

    def operator(self) -> Row | None:
        found = json.loads(self._state.meta("report operator", "null"))
        return found if isinstance(found, dict) else None

    def terms(self) -> str | None:
        """The word for what would be agreed to now; None before there is an operator."""
        from agent.core.operator import terms  # what only a household with an operator needs

        operator = self.operator()
        return terms(operator, self.epsilon, self.lifetime, self._sha256) if operator else None

    @property
    def epsilon(self) -> int:
        return self._settings.number("report_epsilon_milli")

    @property
    def lifetime(self) -> int:
        return self._settings.number("report_budget_milli")

    def spent(self) -> int | None:
        """Thousandths of epsilon; None when it can't be known, which counts as all."""
        stored = self._state.meta("report spent", "0")
        return self._spent.read(int(stored), self._made()) if stored.isdigit() else None

    def _made(self) -> int:
        """How many reports the ledger tells of."""
        query = "SELECT COUNT(*) FROM ledger WHERE feature=? AND action='report'"
        return int(self._state.db.sql.execute(query, (FEATURE,)).fetchone()[0])

    def next_age(self) -> int | None:
        kept = self._state.meta("report next", "")
        return int(kept) if kept else None

    def opted_age(self) -> int:
        return int(self._state.meta("report since", "-1"))

    def rows(self, after: int, limit: int) -> list[Row]:
        query = f"SELECT {COLUMNS} FROM reports WHERE id > ? ORDER BY id LIMIT ?"
        return [_row(found) for found in self._state.db.sql.execute(query, (after, limit))]

    def row(self, row_id: int) -> Row:
        """BadInput when there is none."""
        found = self._state.db.sql.execute(f"SELECT {COLUMNS} FROM reports WHERE id=?", (row_id,)).fetchone()
        if found is None:
            raise BadInput("no report " + str(row_id))
        return _row(found)

    def waiting(self) -> list[Row]:
        query = f"SELECT {COLUMNS} FROM reports WHERE state IN ('made', 'sealed') ORDER BY id"
        return [_row(found) for found in self._state.db.sql.execute(query)]

    # starting

    def begin(self) -> None:
        """The gate from the ledger, after the start was committed. Other terms than those agreed to: closed."""
        self._open = False
        if self.state != ON or self._state.meta("report terms", "") != self.terms():
            if self.state == ON or self.waiting():
                self._purge("suspend", "terms")
            return
        with self._state.db.transaction() as sql:
            cut_off = "UPDATE reports SET state='dropped', message='its making was cut off', ended=?"
            sql.execute(cut_off + " WHERE state='made' AND plain IS NULL", (self._clock.wall(),))
        self._open = True

    def settle_restored(self, restored: bool) -> None:
        """A state.db that was put back may not know of reports made since: each week since is charged, once a clock is
        set. Called before anything notes the ledger's head, so that it isn't lost in a crash. A system upgrade keeps
        state.db and not the file beside it: then state.db's number is what is charged on."""
        if restored and not self._state.meta("report unsettled", ""):
            last = self._state.ledger.head.at if self._state.ledger.head else 0
            self._state.put_meta("report unsettled", str(last))

    # opting in and out

    def opt_in(self, actor: str) -> None:
        """BadInput when it does not fit; the caller has checked what was agreed to."""
        terms, spent = self.terms(), self.spent()
        if terms is None or spent is None:
            raise BadInput("reports need an operator, and a known budget")
        action = "resume" if self.state == SUSPENDED else "on"
        next_state(self.state, action)
        age = self._clock.age()
        made = self._state.ledger.chain([(*KEY, action, NOTICE_VERSION)], actor, self._clock.wall())
        kept = {"report terms": terms, "report since": str(age), "report next": str(self._next(age))}
        self._step("optin.note")
        self._spent.note(spent)  # from here on a file that is missing means that what was spent can't be known
        self._step("optin.ledger")
        with self._state.db.transaction() as sql:
            self._state.ledger.insert(sql, made)
            sql.executemany("INSERT OR REPLACE INTO meta VALUES (?,?)", sorted(kept.items()))
        self._state.ledger.take(made)
        self._noted()
        self._open = True
        self._step("optin.acknowledge")

    def _next(self, age: int) -> int:
        """A week from now and up to a day more; never within a week of the last one, whoever opts out and in."""
        last = int(self._state.meta("report last", "0"))
        return max(age, last) + WEEK_S + self._chance(JITTER_S)

    def _chance(self, limit: int) -> int:
        return int.from_bytes(self.draw(4), "big") % limit

    def opt_out(self, actor: str) -> Steps:
        """Final when it returns: nothing waits, nothing is under way, nothing is scheduled."""
        self._step("optout.gate")
        self._open = False
        yield from self._stop("off", actor)
        self._step("optout.acknowledge")

    def change_operator(self, operator: Row | None, actor: str) -> Steps:
        """Another operator, or none: what was agreed to with the one before ends here."""
        kept = json.dumps(operator)
        if kept == self._state.meta("report operator", "null"):
            return
        self._open = False
        yield from self._stop("suspend", actor)
        self._state.put_meta("report operator", kept)

    def _stop(self, action: str, actor: str) -> Steps:
        self._step("optout.job")
        killed = False
        while self.end_job():
            killed = True
            yield 0.02
        self._step("optout.purge")
        self._purge(action, actor)
        self._step("optout.settle")
        if killed:
            yield SETTLE_S

    def _purge(self, action: str, actor: str) -> None:
        """Queue, drafts, schedule and agreement go in one transaction with the ledger row; reserved room is used."""
        self._open = False
        now = self._clock.wall()
        suits = self.state == ON or (action == "off" and self.state != OFF)
        made = self._state.ledger.chain([(*KEY, action, 0)] if suits else [], actor, now)

        def write() -> None:
            with self._state.db.transaction() as sql:
                sql.execute(WITHDRAW, (now,))
                sql.execute("DELETE FROM meta WHERE key IN ('report terms', 'report since', 'report next')")
                self._state.ledger.insert(sql, made)

        insist(self._state.db, write)
        self._state.ledger.take(made)
        if made:
            self._noted()

    # making

    def tick(self) -> bool:
        """Make what is due; whether the job has something to do."""
        if not self.running or not self._clock.is_set:
            return False
        try:
            if self._state.meta("report terms", "") != self.terms():
                self.end_job()
                self._purge("suspend", "terms")
                return False
            self.settle()
            due = self.next_age()
            if due is not None and due <= self._clock.age():
                self._make()
            self.trouble = ""
        except (StorageError, OSError, sqlite3.Error) as error:
            self.trouble = f"no report is made: {error}"
        return bool(self.work())

    def settle(self) -> None:
        """Charge what a restored state may have forgotten. StorageError, OSError."""
        since = self._state.meta("report unsettled", "")
        if not since or not self._clock.is_set:
            return
        stored = int(self._state.meta("report spent", "0"))
        known = stored if self._spent.missing and (stored or not self._made()) else self.spent()
        if known is not None:
            weeks = max(self._clock.wall() - int(since), 0) // WEEK_S + 1
            self._spent.note(known + weeks * self.epsilon)
        with self._state.db.transaction() as sql:
            sql.execute("DELETE FROM meta WHERE key='report unsettled'")

    def _make(self) -> None:
        """One report, paid for first. A crash leaves it paid for and not made."""
        from agent.core import noise, summary  # once a week

        age, now = self._clock.age(), self._clock.wall()
        spent = self.spent()
        after = None if spent is None else noise.charge(spent, self.epsilon, self.lifetime)
        if after is None or self.counted is None:
            return
        self._step("make.charge")
        row_id, report_id, period = self._charge(after, age, now)
        self._step("make.note")
        self._spent.note(after)
        self._step("make.count")
        numbers = self.counted(self.opted_age(), self.epsilon)
        text = summary.render(bytes.fromhex(report_id), period, numbers)
        self._step("make.keep")
        with self._state.db.transaction() as sql:
            sql.execute("UPDATE reports SET plain=? WHERE id=? AND state='made'", (text, row_id))
        self._step("make.done")

    def _charge(self, after: int, age: int, now: int) -> tuple[int, str, int]:
        from agent.core.summary import ID_BYTES, period_of

        report_id, period = self.draw(ID_BYTES).hex(), period_of(now)
        crowded = [row["id"] for row in self.waiting()][: -(QUEUE_MAX - 1)]
        entries = [(*KEY, "drop", 0)] * len(crowded) + [(*KEY, "report", NOTICE_VERSION)]
        made = self._state.ledger.chain(entries, "schedule", now)
        following = age + WEEK_S + self._chance(JITTER_S)
        kept = {"report spent": str(after), "report last": str(age), "report next": str(following)}
        with self._state.db.transaction() as sql:
            sql.executemany(CROWDED_OUT, [(now, row_id) for row_id in crowded])
            send_age = age + self._chance(JITTER_S)
            cursor = sql.execute(INSERT, (report_id, period, now, self.epsilon, NOTICE_VERSION, send_age))
            sql.execute("DELETE FROM reports WHERE id <= ?", (int(cursor.lastrowid or 0) - KEPT_MAX,))
            sql.executemany("INSERT OR REPLACE INTO meta VALUES (?,?)", sorted(kept.items()))
            self._state.ledger.insert(sql, made)
        self._state.ledger.take(made)
        self._noted()
        return int(cursor.lastrowid or 0), report_id, period

    # the job's side

    def work(self) -> list[Row]:
        """Reports to seal, and those to send now."""
        if not self.running or not self._clock.is_set:
            return []
        age = self._clock.age()
        return [
            row
            for row in self.waiting()
            if (row["state"] == "made" and row["plain"]) or (row["state"] == "sealed" and _int(row["send_age"]) <= age)
        ]

    def take_sealed(self, row_id: int, body: str) -> None:
        """The job sealed a report."""
        row = self._expect(row_id, "made")
        digest = self._sha256(body.encode()).hex()
        with self._state.db.transaction() as sql:
            sql.execute("UPDATE reports SET state='sealed', body=?, hash=? WHERE id=?", (body, digest, row["id"]))

    def body(self, row_id: int) -> str:
        """What to send, asked for right before it is sent: the gate's last word."""
        return str(self._expect(row_id, "sealed")["body"])

    def take_outcome(self, row_id: int, outcome: str, message: str, pause_s: int) -> None:
        """`outcome` is "done", "later" or "never"."""
        row, now = self._expect(row_id, "sealed"), self._clock.wall()
        if outcome == "later":
            query = "UPDATE reports SET failures=failures+1, send_age=?, message=? WHERE id=?"
            with self._state.db.transaction() as sql:
                sql.execute(query, (self._clock.age() + pause_s, message, row["id"]))
            return
        state, action = {"done": ("sent", "share"), "never": ("dropped", "drop")}[outcome]
        made = self._state.ledger.chain([(*KEY, action, 0)], "schedule", now)
        with self._state.db.transaction() as sql:
            query = "UPDATE reports SET state=?, body=NULL, ended=?, message=? WHERE id=?"
            sql.execute(query, (state, now, message, row["id"]))
            self._state.ledger.insert(sql, made)
        self._state.ledger.take(made)
        self._noted()

    def _expect(self, row_id: int, state: str) -> Row:
        row = self.row(row_id)
        if not self.running or row["state"] != state:
            raise BadInput("no report " + str(row_id) + " is to be sealed or sent now")
        return row


def _row(found: tuple[object, ...]) -> Row:
    return dict(zip(COLUMNS.split(", "), found, strict=True))


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
