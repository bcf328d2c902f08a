"""What a report says: one versioned table, of which code, household's text and operator's manual are made.

Every answer is a bounded count or one of a few ranges, of adults' and shared devices only, and gets noise by itself.
There is no place in a report for a name, a site, an address or an id that outlives it.
"""

import json

from agent.core import noise
from agent.core.digits import whole
from agent.core.model import ADULT, BadInput, Value

SCHEMA = 1
WEEK_S = 7 * 86400
EPOCH_S = 3 * 86400  # 1970 began on a Thursday, weeks begin on Monday
ID_BYTES = 16
PLAIN_BYTES = 1024  # the longest report there can be has some 750
ANSWER_MAX = 1_000_000  # beyond any noise that the smallest epsilon gives

COUNT = "count"
RANGE = "range"


class Question(Value):
    """One row of the table. A count is bounded by `bound`; a range is one of `labels`, of which `lows` are the lower
    ends (() where the answer is a word)."""

    __slots__ = ("name", "kind", "bound", "labels", "lows", "sentence")

    def __init__(
        self,
        name: str,
        kind: str,
        bound: int,
        labels: tuple[str, ...],
        lows: tuple[int, ...],
        sentence: str,
    ) -> None:
        self.name = name
        self.kind = kind
        self.bound = bound
        self.labels = labels
        self.lows = lows
        self.sentence = sentence


# Most weeks have none or one. A higher bound would tell more of the few and need more noise of everybody.
REFUSED_MAX = 5

TABLE = (
    Question("refused.phishing", COUNT, REFUSED_MAX, (), (), "refused attempts at phishing sites, at most 5"),
    Question("refused.malware", COUNT, REFUSED_MAX, (), (), "refused attempts at malware sites, at most 5"),
    Question("refused.fraud", COUNT, REFUSED_MAX, (), (), "refused attempts at fraud and fake shops, at most 5"),
    Question("refused.other", COUNT, REFUSED_MAX, (), (), "attempts that another list refused, at most 5"),
    Question(
        "devices.protection", RANGE, 1, ("0", "1-2", "3-5", "6+"), (0, 1, 3, 6), "devices with protection on, a range"
    ),
    Question("devices.history", RANGE, 1, ("0", "1-2", "3+"), (0, 1, 3), "devices with history on, a range"),
    Question("lists", RANGE, 1, ("none", "stale", "ready"), (), "how the block lists are"),
    Question("version", RANGE, 1, ("0", "1", "2+"), (0, 1, 2), "the first number of the software's version"),
)

CATEGORIES = {
    "phishing": "refused.phishing",
    "malware": "refused.malware",
    "fraud": "refused.fraud",
    "fake-shops": "refused.fraud",
}
OTHER = "refused.other"


class Facts(Value):
    """What the household's side knows of the week: refusals by list category, devices with a feature on, the state of
    the lists, the software's version."""

    __slots__ = ("refused", "protection", "history", "lists", "version")

    def __init__(self, refused: dict[str, int], protection: int, history: int, lists: str, version: str) -> None:
        self.refused = refused
        self.protection = protection
        self.history = history
        self.lists = lists
        self.version = version


def counts_for_summary(group: str | None, shared: bool) -> bool:
    """Whether a device counts: an adult's, or one that is shared and no child's. Of whom it is not known does not."""
    return group == ADULT or (shared and group is None)


def columns() -> list[str]:
    """The names of a report's numbers, in order: a count has one, a range one for each label."""
    found = []
    for row in TABLE:
        found += [row.name] if row.kind == COUNT else [row.name + "=" + label for label in row.labels]
    return found


def answers(facts: Facts) -> list[int]:
    """The numbers before noise, each within its bound, in the order of `columns`."""
    counted: dict[str, int] = {}
    for category in sorted(facts.refused):
        name = CATEGORIES.get(category, OTHER)
        counted[name] = counted.get(name, 0) + facts.refused[category]
    major = facts.version.split(".")[0]
    ranged = {
        "devices.protection": facts.protection,
        "devices.history": facts.history,
        "version": whole(major) or 0,
    }
    found = []
    for row in TABLE:
        if row.kind == COUNT:
            found.append(min(max(counted.get(row.name, 0), 0), row.bound))
        else:
            label = _label(row, ranged[row.name]) if row.lows else facts.lists
            found += [int(label == one) for one in row.labels]
    return found


def _label(row: Question, number: int) -> str:
    fitting = [label for low, label in zip(row.lows, row.labels) if low <= number]
    return fitting[-1] if fitting else row.labels[0]


def scales(epsilon: int) -> list[tuple[int, int]]:
    """(t, s) of each column's noise. Every question gets an equal share of `epsilon` (thousandths).

    A household that answers otherwise changes a count by its bound at most, and two columns of a range by one each.
    """
    found = []
    for row in TABLE:
        sensitivity = row.bound if row.kind == COUNT else 2
        width = 1 if row.kind == COUNT else len(row.labels)
        found += [(sensitivity * len(TABLE) * 1000, epsilon)] * width
    return found


def noised(numbers: list[int], epsilon: int, draw) -> list[int]:  # type: ignore[no-untyped-def]
    """The numbers with fresh noise of `epsilon` in all."""
    if not noise.EPSILON_MIN <= epsilon <= noise.EPSILON_MAX or len(numbers) != len(columns()):
        raise BadInput("these numbers can't be given noise")
    found = []
    for number, (t, s) in zip(numbers, scales(epsilon)):
        value = number + noise.discrete_laplace(t, s, draw)
        found.append(min(max(value, -ANSWER_MAX), ANSWER_MAX))
    return found


def period_of(wall: int) -> int:
    """Weeks, from Monday to Sunday in UTC, since the one in which 1970 began."""
    return (wall + EPOCH_S) // WEEK_S


def period_start(period: int) -> int:
    """Wall seconds of the Monday that a period begins with."""
    return period * WEEK_S - EPOCH_S


def render(report_id: bytes, period: int, numbers: list[int]) -> str:
    """The exact text that is sealed, before padding."""
    pairs = ['"' + name + '":' + str(number) for name, number in zip(columns(), numbers)]
    head = '{"schema":' + str(SCHEMA) + ',"id":"' + report_id.hex() + '","period":' + str(period) + ',"answers":{'
    return head + ",".join(pairs) + "}}"


def pad(text: str) -> bytes:
    """The text in PLAIN_BYTES, whatever it says."""
    data = text.encode()
    if len(data) > PLAIN_BYTES:
        raise BadInput("a report is too long to be sealed")
    return data + b" " * (PLAIN_BYTES - len(data))


class Report(Value):
    """A report as it was read; `numbers` in the order of `columns`."""

    __slots__ = ("id", "period", "numbers")

    def __init__(self, id: str, period: int, numbers: list[int]) -> None:
        self.id = id
        self.period = period
        self.numbers = numbers


def read(data: bytes) -> Report:
    """The opener's side: what `render` and `pad` made, and nothing else. BadInput."""
    try:
        found = json.loads(data.decode())
    except (ValueError, UnicodeError, RuntimeError) as error:  # the last: nested too deeply
        raise BadInput("a report is no JSON") from error
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise BadInput("a report of another schema")
    given, names = found.get("answers"), columns()
    if not isinstance(given, dict) or len(given) != len(names) or [name for name in names if name not in given]:
        raise BadInput("a report with other answers than the schema's")
    numbers = [given[name] for name in names]
    for number in numbers:
        if not isinstance(number, int) or isinstance(number, bool) or abs(number) > ANSWER_MAX:
            raise BadInput("a report with a number that can't be")
    report_id, period = found.get("id"), found.get("period")
    if not isinstance(report_id, str) or not isinstance(period, int):
        raise BadInput("a report without an id or a period")
    if pad(render(_unhex(report_id), period, numbers)) != data:
        raise BadInput("a report in another form than ours")
    return Report(report_id, period, numbers)


def _unhex(text: str) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise BadInput("an id that is not hexadecimal") from error
    if len(data) != ID_BYTES:
        raise BadInput("an id of another length")
    return data
