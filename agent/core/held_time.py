"""A week of somebody's times, from what the ledger tells and the windows of today: when nothing went out.

What was given once is told by rows of the ledger; windows count from when they were last changed, for what they were
before that is not stored.
"""

from agent.core.model import Value
from agent.core.schedule import EARLIER, FREE, LATER, NEVER, OFF, Rules, Span, decide, next_change
from agent.core.timezone import DAY_S, Zone

# What was given once, by its word in the ledger, and what takes its place: the last word counts.
_GIVEN = {"free": FREE, "off": LATER, "later": LATER, "earlier": EARLIER}
_WINDOWS = (LATER, EARLIER)
HOLD_S = 8 * DAY_S  # no internet-off and nothing that was given once lasts longer


class Note(Value):
    """A row of the ledger: at the instant `at` somebody did `action` (hold, release, extend); `kind` is what an extend
    gave, `until` when it ends."""

    __slots__ = ("at", "action", "kind", "until")

    def __init__(self, at: int, action: str, kind: str = "", until: int = 0) -> None:
        self.at = at
        self.action = action
        self.kind = kind
        self.until = until


def spans(notes: list[Note]) -> list[Span]:
    """What applied once, of notes in their order."""
    found: list[Span] = []
    for note in notes:
        if note.action == "release":
            _end(found, (OFF,), note.at)
        elif note.action == "hold":
            _end(found, (FREE,), note.at)
            found.append(Span(OFF, note.at, note.until))
        elif note.action == "extend" and note.kind in _GIVEN:
            kind = _GIVEN[note.kind]
            _end(found, _WINDOWS if kind in _WINDOWS else (kind,), note.at)
            found.append(Span(kind, note.at, note.until))
    return [span for span in found if span.begin < span.until]


def _end(found: list[Span], kinds: tuple[str, ...], at: int) -> None:
    for span in found:
        if span.kind in kinds:
            span.until = min(span.until, at)


def held_s(rules: Rules, begin: int, end: int, zone: Zone) -> int:
    """For how many seconds from `begin` to `end` these rules held."""
    total, at = 0, begin
    while at < end:
        change = next_change(rules, at, zone)
        upto = min(end, change.at if change is not None else NEVER)
        if decide(rules, at, zone).held:
            total += upto - at
        at = upto
    return total


def overlap(stretches: list[tuple[int, int]], begin: int, end: int) -> list[tuple[int, int]]:
    """The parts of these stretches (begin, end) within a time, joined where they touch."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(stretches):
        first, last = max(first, begin), min(last, end)
        if first >= last:
            continue
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined
