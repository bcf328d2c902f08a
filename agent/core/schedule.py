"""Who is kept off the internet at an instant, why, until when, and when that changes next. Pure: rules in, values out.

Of what applies at an instant the first decides: free (given by the household), off now, a window that was put off,
one that was begun early, the windows, the day's minutes used up. Instants are UTC seconds.
"""

from agent.core.model import Value
from agent.core.timezone import DAY_S, Zone, weekday
from agent.core.windows import KINDS, Dates, Window

FREE, OFF, LATER, EARLIER, ALLOWANCE = "free", "off", "later", "earlier", "allowance"
HORIZON_S = 8 * DAY_S  # a week of windows has repeated by then
NEVER = 1 << 40
_BEFORE_WINDOWS = (FREE, OFF, LATER, EARLIER)
_GRANTS = (FREE, LATER)


class Decision(Value):
    """`why` is "off", a window's kind, "allowance" or ""; `until` the instant from which nothing holds any more, None
    where nobody is held or that is more than eight days away."""

    __slots__ = ("held", "why", "label", "until")

    def __init__(self, held: bool, why: str = "", label: str = "", until: int | None = None) -> None:
        self.held = held
        self.why = why
        self.label = label
        self.until = until


class Change(Value):
    """At `at` it becomes `held` (or free), because of `why`."""

    __slots__ = ("held", "why", "at")

    def __init__(self, held: bool, why: str, at: int) -> None:
        self.held = held
        self.why = why
        self.at = at


class Span(Value):
    """What applies once, from `begin` until before `until`: `kind` is FREE, OFF, LATER (windows hold nobody), EARLIER
    or ALLOWANCE. `why` is a window's kind where it stands for one."""

    __slots__ = ("kind", "begin", "until", "why", "label")

    def __init__(self, kind: str, begin: int, until: int, why: str = "", label: str = "") -> None:
        self.kind = kind
        self.begin = begin
        self.until = until
        self.why = why or kind
        self.label = label


class Rules:
    """The rules for one device: windows and holidays of its owner, and spans of it and of its owner."""

    def __init__(self, windows: list[Window], dates: list[Dates], spans: list[Span]) -> None:
        self.line = Timeline(windows, dates)
        self.spans = spans

    def with_spans(self, spans: list[Span]) -> "Rules":
        """The same windows with other spans; costs nothing."""
        other = Rules([], [], spans)
        other.line = self.line
        return other


class Timeline:
    """Windows laid out over eleven days, as the stretches in which one of them holds. It remembers those of the day
    that was asked about last: a day's questions cost one search each."""

    def __init__(self, windows: list[Window], dates: list[Dates]) -> None:
        self.windows = windows
        self.dates = dates
        self._zone: Zone | None = None
        self._start, self._day_end, self._end = 1, 0, 0
        self._begins: list[int] = []
        self._stretches: list[tuple[int, str, str]] = []  # (end, kind, label)

    def look(self, at: int, zone: Zone) -> tuple[str, str, int]:
        """Kind and label of the window that holds, "" where none does, and the instant at which that is over."""
        if not self.windows:
            return "", "", NEVER
        if self._zone is not zone or not self._start <= at < self._end:
            self._lay(at, zone)
        begins = self._begins
        low, high = 0, len(begins)
        while low < high:
            middle = (low + high) // 2
            if begins[middle] <= at:
                low = middle + 1
            else:
                high = middle
        if low and at < self._stretches[low - 1][0]:
            end, kind, label = self._stretches[low - 1]
            return kind, label, end
        return "", "", begins[low] if low < len(begins) else NEVER

    def coming(self, at: int, zone: Zone) -> tuple[int, int, str, str] | None:
        """The window that runs, or the next bedtime within a day, or the next one: begin (`at` where it runs), end,
        kind and label. None where there is none within eight days."""
        self.prepare(at, zone)
        kind, label, end = self.look(at, zone)
        if kind:
            return at, self._through(kind, at, end, zone), kind, label
        first, begin = None, end
        while begin - at <= (DAY_S if first else HORIZON_S):
            kind, label, end = self.look(begin, zone)
            if kind and (first is None or kind == KINDS[0]):
                first = (begin, self._through(kind, begin, end, zone), kind, label)
                if kind == KINDS[0]:
                    break
            begin = end
        return first

    def _through(self, kind: str, begin: int, end: int, zone: Zone) -> int:
        """Windows of a kind that touch are one, for a day at most."""
        after, _, later = self.look(end, zone)
        while after == kind and later - begin <= DAY_S:
            end = later
            after, _, later = self.look(end, zone)
        return end

    def prepare(self, at: int, zone: Zone) -> None:
        """So that what is asked about the eight days from `at` on is laid out once."""
        if self.windows and (self._zone is not zone or not self._start <= at < self._day_end):
            self._lay(at, zone)

    def _lay(self, at: int, zone: Zone) -> None:
        today = zone.wall(at) // DAY_S
        self._zone = zone
        # Within a gap an instant may belong to a wall day whose midnight, as it is read, comes later.
        self._start = min(at, zone.instant(today * DAY_S))
        self._day_end = max(at + 1, zone.instant((today + 1) * DAY_S))
        self._end = zone.instant((today + 10) * DAY_S)
        spans = []
        # A window ends two midnights after its day's at the latest; where a midnight does not come, an hour later.
        for day in range(today - 2, today + 11):
            midnight = day * DAY_S
            for window in self._on(day):
                begin = zone.instant(midnight + window.begin * 60)
                end = zone.instant(midnight + (window.begin + window.minutes) * 60)
                # A gap can leave nothing of it.
                if begin < end:
                    spans.append((begin, end, KINDS.index(window.kind), window.label))
        spans.sort()
        self._begins, self._stretches = _stretches(spans)

    def _on(self, day: int) -> list[Window]:
        """The windows that begin on that day."""
        holiday = any([one.first <= day <= one.last for one in self.dates])
        bit = 1 << weekday(day)
        return [one for one in self.windows if one.days & bit and one.holiday == holiday]


def _stretches(spans: list[tuple[int, int, int, str]]) -> tuple[list[int], list[tuple[int, str, str]]]:
    """Spans by their begin → stretches without overlap. Of two at once the kind that lets through less tells; of two of
    that kind the one that ends later."""
    begins: list[int] = []
    found: list[tuple[int, str, str]] = []
    running: list[tuple[int, int, str]] = []  # (rank, -end, label): the smallest tells
    coming = 0
    at = spans[0][0] if spans else 0
    while running or coming < len(spans):
        running = [one for one in running if -one[1] > at]
        if not running:
            if coming == len(spans):
                break
            at = max(at, spans[coming][0])
        while coming < len(spans) and spans[coming][0] <= at:
            running.append(_key(spans[coming]))
            coming += 1
        best = min(running)
        # Until it ends, or one begins that tells instead.
        while coming < len(spans) and spans[coming][0] < -best[1]:
            key = _key(spans[coming])
            if key < best:
                if (key[0], key[2]) != (best[0], best[2]):
                    break
                best = key
            running.append(key)
            coming += 1
        upto = -best[1] if coming == len(spans) else min(-best[1], spans[coming][0])
        kind, label = KINDS[best[0]], best[2]
        if found and found[-1] == (at, kind, label):
            found[-1] = (upto, kind, label)
        else:
            begins.append(at)
            found.append((upto, kind, label))
        at = upto
    return begins, found


def _key(span: tuple[int, int, int, str]) -> tuple[int, int, str]:
    return span[2], -span[1], span[3]


def decide(rules: Rules, at: int, zone: Zone) -> Decision:
    """Who is held at that instant, by these rules."""
    rules.line.prepare(at, zone)
    held, why, label, ends = _look(rules, at, zone)
    if not held:
        return Decision(False)
    still: bool = held
    while still and ends - at <= HORIZON_S:
        until = ends
        still, _, _, ends = _look(rules, until, zone)
    return Decision(True, why, label, None if still else until)


def next_change(rules: Rules, at: int, zone: Zone) -> Change | None:
    """The first instant after `at` at which `decide` says something else; None where there is none in eight days."""
    rules.line.prepare(at, zone)
    before = _look(rules, at, zone)
    when = before[3]
    while when - at <= HORIZON_S:
        after = _look(rules, when, zone)
        if after[:3] != before[:3]:
            return Change(after[0], after[1], when)
        when = after[3]
    return None


def _look(rules: Rules, at: int, zone: Zone) -> tuple[bool, str, str, int]:
    """Held, why, label, and the next instant at which that may be different."""
    ends = NEVER
    spans: dict[str, Span] = {}
    for span in rules.spans:
        if span.begin > at:
            ends = min(ends, span.begin)
        elif span.until > at:
            ends = min(ends, span.until)
            known = spans.get(span.kind)
            if known is None or (span.until, span.label) > (known.until, known.label):
                spans[span.kind] = span
    for kind in _BEFORE_WINDOWS:
        if kind in spans:
            span = spans[kind]
            held = kind not in _GRANTS
            return held, span.why if held else "", span.label if held else "", ends
    kind, label, boundary = rules.line.look(at, zone)
    ends = min(ends, boundary)
    if kind:
        return True, kind, label, ends
    if ALLOWANCE in spans:
        return True, ALLOWANCE, spans[ALLOWANCE].label, ends
    return False, "", "", ends
