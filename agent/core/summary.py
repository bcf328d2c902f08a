"""What a report says: one versioned table, of which code, household's text and operator's manual are made.

A report answers one question of the table, drawn at random whatever the answers are, with all of its epsilon: shared
out among all questions, each answer would drown in noise. Every answer is a bounded count or one of a few ranges, of
adults' and shared devices only. There is no place in a report for a name, a site, an address or an id that outlives it.
"""

from agent.core import jsontext, noise
from agent.core.model import ADULT, BadInput, Value
from agent.core.shapes import Draw

SCHEMA = 2
WEEK_S = 7 * 86400
EPOCH_S = 3 * 86400  # 1970 began on a Thursday, weeks begin on Monday
ID_BYTES = 16
PLAIN_BYTES = 1024  # a report has some 150; more questions, or longer ones, change no size that can be seen
ANSWER_MAX = 1_000_000  # beyond any noise that the smallest epsilon gives
# A report says its epsilon, without which a range can't be counted. In steps: a household's own choice would mark it.
EPSILONS = (10, 100, 250, 500, 1000, 2000)

COUNT = "count"
RANGE = "range"


class StatField(Value):
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
BLOCKED_MAX = 5
BLOCKED, PHISHING, MALWARE, FRAUD = "blocked", "blocked.phishing", "blocked.malware", "blocked.fraud"
PROTECTION, LISTS = "devices.protection", "lists"
SOME = ("0", "1+")

# Few, because each takes households from the others; and ranges where they do: of a range much fewer are needed.
TABLE = (
    StatField(BLOCKED, COUNT, BLOCKED_MAX, (), (), "attempts that lists blocked, at most 5"),
    StatField(PHISHING, RANGE, 1, SOME, (0, 1), "attempts at phishing sites that were blocked, none or some"),
    StatField(MALWARE, RANGE, 1, SOME, (0, 1), "attempts at malware sites that were blocked, none or some"),
    StatField(FRAUD, RANGE, 1, SOME, (0, 1), "attempts at fraud and fake shops that were blocked, none or some"),
    StatField(PROTECTION, RANGE, 1, ("0", "1-2", "3-5", "6+"), (0, 1, 3, 6), "devices with protection on, a range"),
    StatField(LISTS, RANGE, 1, ("none", "stale", "ready"), (), "how the block lists are"),
)

CATEGORIES = {"phishing": PHISHING, "malware": MALWARE, "fraud": FRAUD, "fake-shops": FRAUD}


class Facts(Value):
    """What the household's side knows of the week: blocked attempts by list category, devices with a feature on, the
    state of the lists, the software's version."""

    __slots__ = ("blocked", "protection", "history", "lists", "version")

    def __init__(self, blocked: dict[str, int], protection: int, history: int, lists: str, version: str) -> None:
        self.blocked = blocked
        self.protection = protection
        self.history = history
        self.lists = lists
        self.version = version


class Answer(Value):
    """The one answer of a report, with noise: `field` is its name, `number` a count or the place of a label."""

    __slots__ = ("field", "epsilon", "number")

    def __init__(self, field: str, epsilon: int, number: int) -> None:
        self.field = field
        self.epsilon = epsilon
        self.number = number


def counts_for_summary(group: str | None, shared: bool) -> bool:
    """Whether a device counts: an adult's, or one that is shared and no child's. Of whom it is not known does not."""
    return group == ADULT or (shared and group is None)


def columns() -> list[str]:
    """The names of what can be counted over reports, in order: a count has one, a range one for each label."""
    found = []
    for row in TABLE:
        found += [row.name] if row.kind == COUNT else [row.name + "=" + label for label in row.labels]
    return found


def answers(facts: Facts) -> list[int]:
    """The true answers, one a row of the table: a count within its bound, or the place of a label."""
    counted = {BLOCKED: 0, PHISHING: 0, MALWARE: 0, FRAUD: 0, PROTECTION: facts.protection}
    for category in sorted(facts.blocked):
        number = max(facts.blocked[category], 0)
        counted[BLOCKED] += number
        if category in CATEGORIES:
            counted[CATEGORIES[category]] += number
    found = []
    for row in TABLE:
        if row.kind == COUNT:
            found.append(min(counted[row.name], row.bound))
        elif row.lows:
            found.append(max(len([low for low in row.lows if low <= counted[row.name]]) - 1, 0))
        else:
            found.append(row.labels.index(facts.lists) if facts.lists in row.labels else 0)
    return found


def said(row: StatField, number: int) -> str:
    """An answer in words."""
    return str(number) if row.kind == COUNT else row.labels[number]


def scale(row: StatField, epsilon: int) -> tuple[int, int]:
    """(t, s) of a count's noise: a household that answers otherwise changes it by its bound at most."""
    return row.bound * 1000, epsilon


def step_of(epsilon: int) -> int:
    """The epsilon that a report is made with: the step at or below what may be spent."""
    return [step for step in EPSILONS if step <= epsilon][-1]


def noised(numbers: list[int], epsilon: int, draw: Draw) -> Answer:
    """One of the answers, drawn at random, with fresh noise of `epsilon` (thousandths) in all."""
    if not noise.EPSILON_MIN <= epsilon <= noise.EPSILON_MAX or len(numbers) != len(TABLE):
        raise BadInput("these numbers can't be given noise")
    place, step = noise.below(len(TABLE), draw), step_of(epsilon)
    row, number = TABLE[place], numbers[place]
    if row.kind == COUNT:
        t, s = scale(row, step)
        number += noise.discrete_laplace(t, s, draw)
        return Answer(row.name, step, min(max(number, -ANSWER_MAX), ANSWER_MAX))
    return Answer(row.name, step, noise.randomized(len(row.labels), number, step, draw))


def period_of(wall: int) -> int:
    """Weeks, from Monday to Sunday in UTC, since the one in which 1970 began."""
    return (wall + EPOCH_S) // WEEK_S


def period_start(period: int) -> int:
    """Wall seconds of the Monday that a period begins with."""
    return period * WEEK_S - EPOCH_S


def render(report_id: bytes, period: int, answer: Answer) -> str:
    """The exact text that is sealed, before padding."""
    row = field_of(answer.field)
    said_text = str(answer.number) if row.kind == COUNT else '"' + row.labels[answer.number] + '"'
    head = '{"schema":' + str(SCHEMA) + ',"id":"' + report_id.hex() + '","period":' + str(period)
    return head + ',"epsilon":' + str(answer.epsilon) + ',"answers":{"' + row.name + '":' + said_text + "}}"


def field_of(name: str) -> StatField:
    for row in TABLE:
        if row.name == name:
            return row
    raise BadInput("a report with an answer that the schema has not")


def pad(text: str) -> bytes:
    """The text in PLAIN_BYTES, whatever it says."""
    data = text.encode()
    if len(data) > PLAIN_BYTES:
        raise BadInput("a report is too long to be sealed")
    return data + b" " * (PLAIN_BYTES - len(data))


class DecodedReport(Value):
    """A report as it was read."""

    __slots__ = ("id", "period", "answer")

    def __init__(self, id: str, period: int, answer: Answer) -> None:
        self.id = id
        self.period = period
        self.answer = answer


def read(data: bytes) -> DecodedReport:
    """The opener's side: what `render` and `pad` made, and nothing else. BadInput."""
    try:
        found = jsontext.loads(data.decode())
    except (ValueError, UnicodeError, RuntimeError) as error:  # the last: nested too deeply
        raise BadInput("a report is no JSON") from error
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise BadInput("a report of another schema")
    report_id, period = found.get("id"), found.get("period")
    if not isinstance(report_id, str) or not isinstance(period, int):
        raise BadInput("a report without an id or a period")
    answer = _answer(found.get("answers"), found.get("epsilon"))
    if pad(render(_unhex(report_id), period, answer)) != data:
        raise BadInput("a report in another form than ours")
    return DecodedReport(report_id, period, answer)


def _answer(given: object, epsilon: object) -> Answer:
    if not isinstance(given, dict) or len(given) != 1:
        raise BadInput("a report has one answer")
    if not isinstance(epsilon, int) or isinstance(epsilon, bool) or epsilon not in EPSILONS:
        raise BadInput("a report with an epsilon that can't be")
    row = field_of(list(given)[0])
    number = given[row.name]
    if row.kind == RANGE:
        if number not in row.labels:
            raise BadInput("a report with an answer that the schema has not")
        return Answer(row.name, epsilon, row.labels.index(number))
    if not isinstance(number, int) or isinstance(number, bool) or abs(number) > ANSWER_MAX:
        raise BadInput("a report with a number that can't be")
    return Answer(row.name, epsilon, number)


def _unhex(text: str) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise BadInput("an id that is not hexadecimal") from error
    if len(data) != ID_BYTES:
        raise BadInput("an id of another length")
    return data
