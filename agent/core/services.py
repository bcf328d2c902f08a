"""Services (apps) by their names: which of them a name belongs to."""

from agent.core import jsontext, names
from agent.core.model import BLOCK, BadInput, Rule, Value, whole_text
from agent.core.schedule import Rules, decide
from agent.core.shapes import Json, Lines, ListRows, ServicesInTurn
from agent.core.timezone import Zone
from agent.core.windows import BREAK, Window, from_row

FORMAT = 1
TEXT_MAX = 64
SERVICE = "service"  # the category of what a service's rule refuses


class Service(Value):
    """`names` are texts: a name with all below it, or "=name" for that alone."""

    __slots__ = ("id", "title", "group", "names")

    def __init__(self, id: str, title: str, group: str, names: list[str]) -> None:
        self.id = id
        self.title = title
        self.group = group
        self.names = names


def read_services(text: str) -> list[Service]:
    """The services of a services.json; BadInput."""
    try:
        lines = text.encode().split(b"\n")
    except UnicodeError as error:
        raise BadInput("the table of services can't be read: " + str(error)) from error
    return list(each_service(lines))


def each_service(lines: Lines) -> ServicesInTurn:
    """The services of a services.json, one after the other; BadInput. `tools/build-services` gives each a line of its
    own, after a first one that ends in "[" and before a last one, so that a router never holds all names at once."""
    try:
        head, apart = "", False
        for line in lines:
            words = line.decode().strip()
            if not head and words.endswith("["):
                head, apart = words, True
                _checked(jsontext.loads(words + "]}"))
            elif not apart:
                head += words
            elif words == "]}":
                return
            else:
                yield _service(jsontext.loads(words.rstrip(",")))
        if apart:
            raise BadInput("the table of services ends in its midst")
        for row in _checked(jsontext.loads(head)):
            yield _service(row)
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise BadInput("the table of services can't be read: " + str(error)) from error


def _checked(table: Json) -> ListRows:
    if table["format"] != FORMAT:
        raise BadInput("the table of services has another form than format " + str(FORMAT))
    rows: ListRows = table["services"]
    return rows


def _service(row: Json) -> Service:
    return Service(_text(row["id"]), _text(row["title"]), _text(row["group"]), _names(row["names"]))


def _text(given: object) -> str:
    if not isinstance(given, str) or not 0 < len(given) <= TEXT_MAX or not whole_text(given):
        raise BadInput("no text: " + repr(given))
    return given


def _names(given: object) -> list[str]:
    if not isinstance(given, list):
        raise BadInput("no list of names: " + repr(given)[:TEXT_MAX])
    return [_name(name) for name in given]


def _name(given: object) -> str:
    """As a name stands in a rule set."""
    if not isinstance(given, str) or names.parse(given[given[:1] == "=" :]) != given[given[:1] == "=" :].encode():
        raise BadInput("no name: " + repr(given))
    return given


def blocked_at(mode: str, windows: list[dict[str, str]], at: int, zone: Zone) -> bool:
    """Whether a service with that mode and these windows (see `content`) is blocked at that instant."""
    if mode == "block":
        return True
    rules = Rules([Window(BREAK, of.days, of.begin, of.end) for of in map(from_row, windows)], [], [])
    return decide(rules, at, zone).held == (mode == "not")


class Services:
    """Those that somebody chose, by name: {id: service}."""

    def __init__(self, chosen: dict[str, Service]) -> None:
        self._chosen = chosen
        self._with_below: dict[bytes, list[str]] = {}
        self._alone: dict[bytes, list[str]] = {}
        for id in sorted(chosen):
            for name in chosen[id].names:
                if name[:1] == "=":
                    self._alone.setdefault(name[1:].encode(), []).append(id)
                else:
                    self._with_below.setdefault(name.encode(), []).append(id)

    def rule(self, name: bytes, blocked: tuple[str, ...]) -> Rule | None:
        """The rule by which one of these services refuses the name, or None."""
        if not blocked:
            return None
        for id in self._alone.get(name, []):
            if id in blocked:
                return self._made(id, "=" + name.decode())
        for suffix in names.suffixes(name):
            for id in self._with_below.get(suffix, []):
                if id in blocked:
                    return self._made(id, suffix.decode())
        return None

    def _made(self, id: str, text: str) -> Rule:
        return Rule(text, BLOCK, list_id=id, list_name=self._chosen[id].title, category=SERVICE)
