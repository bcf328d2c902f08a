"""Whom a week is about, its seven days, and what is told of times in them, of rows that are there anyway."""

from collections.abc import Generator

from agent.control.messages import Request, Row
from agent.core import windows
from agent.core.consent import ON, LedgerRow
from agent.core.digits import whole
from agent.core.held_time import HOLD_S, Note, held_s, overlap, spans
from agent.core.model import LIMITS, Device
from agent.core.people import HOUSEHOLD, reader, told
from agent.core.schedule import FREE, Rules, Span
from agent.core.timezone import DAY_S
from agent.core.windows import date_text
from agent.daemon.household import Household
from agent.daemon.operations.internet import CHANGES
from agent.daemon.store.owners import DEVICE, PERSON, Owner

DAYS = 7
ROWS_SHOWN = 20
LEDGER_STEP = 500

Part = Generator[float | None, None, Row]


class Days:
    """Seven days of the router's zone, as UTC: `starts` are their midnights and the one after."""

    def __init__(self, household: Household, ago: int) -> None:
        self.zone = household.keeper.local.zone
        self.now = household.clock.wall()
        self.first = self.zone.wall(self.now) // DAY_S - ago - DAYS + 1
        self.starts = [self.zone.instant((self.first + day) * DAY_S) for day in range(DAYS + 1)]
        self.begin, self.end = self.starts[0], self.starts[-1]

    def minute(self, at: int) -> int:
        """Of the wall clock, from the first midnight on."""
        return self.zone.wall(at) // 60 - self.first * (DAY_S // 60)

    def rows(self) -> list[Row]:
        dates = [date_text(self.first + day) for day in range(DAYS)]
        return [{"day": date, "start": start} for date, start in zip(dates, self.starts[:-1], strict=True)]


class Whom:
    """Whom a week is about: `asks` is a request that names them alone, `owners` whose rules they follow, `devices`
    theirs now."""

    def __init__(self, household: Household, asks: Request, about: Row, owner: Owner, devices: list[Device]) -> None:
        self.household = household
        self.asks = asks
        self.about = about
        self.owner = owner
        self.devices = devices
        # Where there is one device, it is held or not; of several, what was said of all.
        self.owners = {owner, (DEVICE, devices[0].id)} if len(devices) == 1 else {owner}

    def is_on(self, feature: str) -> bool:
        register = self.household.state.ledger.register
        return any(register.state(device.enrolment, feature) == ON for device in self.devices)

    def may_read(self, feature: str) -> bool:
        """What is recorded of them now."""
        own = str(self.asks.get("actor", "")).startswith("me:")
        subjects = self.household.subjects
        return own or all(reader(feature, subjects.of(device)) == HOUSEHOLD for device in self.devices)


def noted_rows(household: Household, days: Days) -> Generator[float | None, None, dict[str, list[LedgerRow]]]:
    """What the ledger tells of times from then on, in order, by enrolment; sought from its end."""
    ledger, since = household.state.ledger, days.begin - HOLD_S
    found: dict[str, list[LedgerRow]] = {}
    upto = ledger.head.seq if ledger.head else 0
    while upto > 0:
        low = max(0, upto - LEDGER_STEP)
        young = [row for row in ledger.rows(low, upto - low) if household.set_right.at(row) >= since]
        for row in reversed(young):
            if row.action in CHANGES:
                found.setdefault(row.enrolment, []).append(row)
        if not young:
            break
        upto = low
        yield None
    return {enrolment: rows[::-1] for enrolment, rows in found.items()}


def at_of(whom: Whom, row: LedgerRow) -> int:
    return whom.household.set_right.at(row)


def notes_of(whom: Whom, noted: dict[str, list[LedgerRow]]) -> list[LedgerRow]:
    """In order; what is about a person stands in a row for each of their devices, and is told once."""
    found: dict[tuple[object, ...], LedgerRow] = {}
    own = whom.owner[1] if whom.owner[0] == PERSON else 0
    for enrolment in ["", *[device.enrolment for device in whom.devices]]:
        for row in noted.get(enrolment, []):
            person = _number(told(row.detail).get("person", ""))
            if person != own and (person or not enrolment):
                continue
            found.setdefault((row.at, row.action, row.feature, row.detail, "" if person else enrolment), row)
    return sorted(found.values(), key=lambda row: row.seq)


def _number(text: str) -> int:
    return whole(text) or 0


def off(whom: Whom, days: Days, rows: list[LedgerRow]) -> Part:
    """The minutes a day in which nothing went out, as far as rows tell, until now."""
    rules = whom.household.state.limits
    found = rules.windows.get(whom.owner, [])
    on = overlap(_limits_on(whom), days.begin, min(days.end, days.now))
    if not found and not on:
        return {"off": None}
    since = max([at_of(whom, row) for row in rows if row.action == "limit" and row.feature == "times"], default=0)
    once = spans([_note(whom, row) for row in rows if _whose(whom, row) in whom.owners])
    once += [Span(FREE, begin, end) for begin, end in gaps(rows, days)]
    before = Rules([], [], once)
    after = Rules(found, rules.dates.get(whom.owner, []), once)
    counts = []
    for start, end in zip(days.starts[:-1], days.starts[1:], strict=True):
        seconds = 0
        for begin, upto in overlap(on, start, end):
            changed = min(max(since, begin), upto)
            seconds += held_s(before, begin, changed, days.zone) + held_s(after, changed, upto, days.zone)
        counts.append((seconds + 30) // 60)
        yield None
    told_since = since if since > days.begin else None
    return {"off": {"days": counts, "windows_since": told_since, "words": [windows.words(one) for one in found]}}


def _limits_on(whom: Whom) -> list[tuple[int, int]]:
    """When the household's times applied to any of their devices."""
    ledger = whom.household.state.ledger
    enrolments = {device.enrolment for device in whom.devices}

    def at(seq: int) -> int:
        return at_of(whom, next(ledger.rows(seq - 1, 1)))

    epochs = [one for one in ledger.register.epochs.values() if one.feature == LIMITS and one.enrolment in enrolments]
    now = whom.household.clock.wall()
    return [(at(one.seq), now if one.closed is None else at(one.closed)) for one in epochs]


def _whose(whom: Whom, row: LedgerRow) -> Owner:
    person = _number(told(row.detail).get("person", ""))
    if person:
        return PERSON, person
    return DEVICE, next((device.id for device in whom.devices if device.enrolment == row.enrolment), 0)


def _note(whom: Whom, row: LedgerRow) -> Note:
    words = told(row.detail)
    return Note(at_of(whom, row), row.action, words.get("kind", ""), _number(words.get("until", "")))


def gaps(rows: list[LedgerRow], days: Days) -> list[tuple[int, int]]:
    told_of = [told(row.detail) for row in rows if row.action == "gap"]
    return overlap(
        [(_number(one.get("from", "")), _number(one.get("to", ""))) for one in told_of], days.begin, days.end
    )


def change_row(whom: Whom, row: LedgerRow) -> Row:
    words, of = told(row.detail), _whose(whom, row)
    return {
        "at": at_of(whom, row),
        "who": row.actor,
        "about": row.feature,
        "what": row.action,
        "kind": words.get("kind"),
        "until": whole(words.get("until", "")),
        "device_id": of[1] if of[0] == DEVICE and of[1] else None,
    }


def request_rows(whom: Whom, days: Days) -> list[Row]:
    rows = []
    for device in whom.devices:
        rows += whom.household.state.requests.between(device.id, days.begin, days.end, ROWS_SHOWN)
    newest = sorted(rows, key=lambda row: -row.id)[:ROWS_SHOWN]
    return [
        {
            "at": row.at,
            "device_id": row.device,
            "kind": row.kind,
            "seconds": whole(row.target or "") if row.kind == "time" else None,
            "state": row.state,
            "answer": row.answer,
            "answered_at": row.answered_at,
        }
        for row in newest
    ]
