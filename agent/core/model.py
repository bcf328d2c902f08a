"""The values that the layers hand to each other."""

from agent.core import jsontext
from agent.core.digits import whole

VALUES_MAX = 16  # of a sentence from elsewhere; the longest of our own has six
DEPTH_MAX = 4


class Sentence:
    """What is said to people, with "{}" for each of its values: whoever reads it may do so in another language.

    An exception takes one in place of its message; a value may be a sentence, or an exception that has one.
    """

    __slots__ = ("text", "values")

    def __init__(self, text: str, *values: object) -> None:
        self.text = text
        self.values = values

    def __str__(self) -> str:
        parts = self.text.split("{}")
        made = parts[0]
        for value, part in zip(self.values, parts[1:]):
            made += str(value) + part
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (str, Sentence)) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


def told(said: object) -> "str | list[object]":
    """As it is sent: the text followed by the values; a plain text is itself."""
    if isinstance(said, Exception) and said.args:
        said = said.args[0]
    if isinstance(said, Sentence):
        return [said.text] + [told(value) for value in said.values]
    return str(said)


def said_by(error: Exception) -> "str | Sentence":
    """What an exception says of itself, its values apart where it has them."""
    said = error.args[0] if error.args else ""
    return said if isinstance(said, Sentence) else str(error)


def heard(value: object, limit: int, depth: int = DEPTH_MAX) -> "str | Sentence":
    """What `told` made, as it comes from elsewhere: no text of it is longer than `limit`, none has more than VALUES_MAX
    values or sentences deeper than `depth`; "" for what is none."""
    if isinstance(value, str):
        return value[:limit]
    if not (isinstance(value, list) and value and isinstance(value[0], str) and depth):
        return ""
    return Sentence(value[0][:limit], *[_value(one, limit, depth - 1) for one in value[1 : VALUES_MAX + 1]])


def _value(one: object, limit: int, depth: int) -> "str | Sentence":
    return str(one)[:limit] if isinstance(one, (int, float)) else heard(one, limit, depth)


def packed(said: "str | Sentence") -> str:
    """As a database or file stores it: `unpacked` has the values apart again."""
    return jsontext.dumps(told(said)) if isinstance(said, Sentence) else said


def unpacked(text: str, limit: int = 300) -> "str | Sentence":
    if text[:2] == '["':
        try:
            return heard(jsontext.loads(text), limit)
        except (ValueError, RuntimeError):  # the latter: nested too deeply
            pass  # cut off: as it stands
    return text


def spoken(name: str, said: object) -> "dict[str, object]":
    """A field of a reply: in English, and where the sentence has values also apart from them, as NAME_sentence."""
    row: dict[str, object] = {name: str(said)}
    if isinstance(said, Sentence):
        row[name + "_sentence"] = told(said)
    return row


class BadInput(ValueError):
    """Wrong input from outside; the message says what is wrong and where."""


class NotFound(BadInput):
    """What was named is not there."""


def whole_text(text: str) -> bool:
    """Whether it can be written as UTF-8: JSON's escapes can make halves of characters."""
    return not [letter for letter in text if 0xD800 <= ord(letter) <= 0xDFFF]


class Value:
    """A plain immutable-by-habit value: equal when its slots are equal."""

    __slots__: tuple[str, ...] = ()

    def _fields(self) -> list[object]:
        return [getattr(self, name) for name in self.__slots__]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(tuple(self._fields()))

    def __repr__(self) -> str:
        pairs = [name + "=" + repr(getattr(self, name)) for name in self.__slots__]
        return type(self).__name__ + "(" + ", ".join(pairs) + ")"


HISTORY = "history"
PROTECTION = "protection"
USAGE = "usage"  # minutes of use a day
LIMITS = "limits"  # times, internet off, content: rules; it records nothing

CHILD = "child"
TEEN = "teen"
ADULT = "adult"
AGE_GROUPS = (CHILD, TEEN, ADULT)


class Person(Value):
    """Someone behind one or more devices; `group` is child, teen or adult, `birth_month` "2012-05" or None."""

    __slots__ = ("id", "name", "group", "birth_month")

    def __init__(self, id: int, name: str, group: str, birth_month: str | None = None) -> None:
        self.id = id
        self.name = name
        self.group = group
        self.birth_month = birth_month

    def of_age(self, year: int, month: int) -> bool:
        """Whether the person is 18 in that month, as far as the birth month tells."""
        since = self.of_age_since()
        return since is not None and (year, month) >= since

    def of_age_since(self) -> "tuple[int, int] | None":
        """The year and month in which they are 18, as far as the birth month tells."""
        written = (self.birth_month or "").partition("-")
        born_year, born_month = whole(written[0]), whole(written[2])
        return None if born_year is None or born_month is None else (born_year + 18, born_month)


class Device(Value):
    """An added device. `enrolment` is a random id: the only name of it that the ledger knows.

    `mac` is 6 bytes or None, `address` a textual IP address where identity goes by address or None;
    `slot` (1..255) is its place in the kernel's mark until it is removed. The internet of one that is `never_off` is
    never turned off, by nothing: it is an alarm, a heating, somebody's glucose sensor.
    """

    __slots__ = ("id", "enrolment", "label", "mac", "address", "person_id", "shared", "slot", "never_off")

    def __init__(
        self,
        id: int,
        enrolment: str,
        label: str,
        mac: bytes | None = None,
        address: str | None = None,
        person_id: int | None = None,
        shared: bool = False,
        slot: int = 0,
        never_off: bool = False,
    ) -> None:
        self.id = id
        self.enrolment = enrolment
        self.label = label
        self.mac = mac
        self.address = address
        self.person_id = person_id
        self.shared = bool(shared)
        self.slot = slot
        self.never_off = bool(never_off)


class Permit(Value):
    """The right to record one observation of one device for one feature in one epoch.

    Made by `consent.py` only, passed along, never kept.
    """

    __slots__ = ("device_id", "feature", "epoch")

    def __init__(self, device_id: int, feature: str, epoch: int) -> None:
        self.device_id = device_id
        self.feature = feature
        self.epoch = epoch


class Rule(Value):
    """One rule of a list or of the household.

    `text` is the rule as its list has it (a name, a URL, an address); `action` is "block" or "allow";
    `scope` is "list", "household", "person" or "device"; `list_id` is "" for the household's own.
    """

    __slots__ = ("text", "action", "list_id", "list_name", "list_version", "category", "scope", "important")

    def __init__(
        self,
        text: str,
        action: str = "block",
        list_id: str = "",
        list_name: str = "",
        list_version: str = "",
        category: str = "",
        scope: str = "list",
        important: bool = False,
    ) -> None:
        self.text = text
        self.action = action
        self.list_id = list_id
        self.list_name = list_name
        self.list_version = list_version
        self.category = category
        self.scope = scope
        self.important = important


ALLOW = "allow"
BLOCK = "block"


class Verdict(Value):
    """The decision and the rule that made it, so that it can explain itself; `rule` is None by default."""

    __slots__ = ("action", "rule", "blocked")

    def __init__(self, action: str, rule: Rule | None = None) -> None:
        self.action = action
        self.rule = rule
        self.blocked = action == BLOCK


class DeviceDay:
    """A device's minutes on one day in one epoch. `day` counts local days since 1970 (see core/allowance_day.py), `at`
    and `age` are of its midnight: nothing tells when within it. `bits` are the busy minutes as core/minutes.py has
    them, in memory only; `began` what was counted before them (minutes, alone). `group` is whose minutes are one: see
    DayMinutes."""

    __slots__ = ("device_id", "epoch", "group", "day", "at", "age", "bits", "began", "minutes", "alone", "id")

    def __init__(self, device_id: int, epoch: int, group: "tuple[str, int]", day: int, at: int, age: int) -> None:
        self.device_id = device_id
        self.epoch = epoch
        self.group = group
        self.day = day
        self.at = at
        self.age = age
        self.bits = 0
        self.began = (0, 0)
        self.minutes = 0
        self.alone = 0
        self.id: int | None = None


class Observation(Value):
    """What was seen of a device: `host` (canonical name), `source` "dns", "tls" or "http", how many times, when.

    `at` is wall time in whole seconds, `age` the age clock's (see history.AgeClock), both at the last hit.
    """

    __slots__ = ("host", "source", "hits", "at", "age")

    def __init__(self, host: bytes, source: str, hits: int, at: int, age: int) -> None:
        self.host = host
        self.source = source
        self.hits = hits
        self.at = at
        self.age = age


class Visit(Value):
    """A device's stay at a site (registrable domain) inside one epoch; a gap of 30 minutes starts a new one.

    `id` is None until stored. `hosts` is a sorted list of canonical names, at most history.HOSTS_MAX of them.
    `background` says that nobody opened it, as far as can be told; `cause` is the visit that pulled it in, if one did,
    and has no cause itself (see page_loads.py).
    """

    __slots__ = (
        "id",
        "device_id",
        "epoch",
        "site",
        "first",
        "last",
        "age",
        "hits",
        "hosts",
        "source",
        "background",
        "cause",
    )

    def __init__(
        self,
        id: int | None,
        device_id: int,
        epoch: int,
        site: bytes,
        first: int,
        last: int,
        age: int,
        hits: int,
        hosts: list[bytes],
        source: str,
    ) -> None:
        self.id = id
        self.device_id = device_id
        self.epoch = epoch
        self.site = site
        self.first = first
        self.last = last
        self.age = age
        self.hits = hits
        self.hosts = hosts
        self.source = source
        self.background = False
        self.cause: Visit | None = None


class Attempt(Value):
    """A blocked name or URL with the rule that blocked it, as it stood then. `hits` counts repeats.

    `id` is None until stored; `began` is its first hit's age, `names` the first few that it counts.
    """

    __slots__ = ("device_id", "epoch", "target", "source", "at", "age", "hits", "rule", "id", "began", "names")

    def __init__(
        self, device_id: int, epoch: int, target: str, source: str, at: int, age: int, hits: int, rule: Rule
    ) -> None:
        self.device_id = device_id
        self.epoch = epoch
        self.target = target
        self.source = source
        self.at = at
        self.age = age
        self.hits = hits
        self.rule = rule
        self.id: int | None = None
        self.began = age
        self.names: list[str] = []
