"""What a person or device may not reach beyond what protects them: categories, services, safe search, chosen lists.

These are the household's rules, so they are kept; what somebody did while they were in force is not. Rows are what the
database holds: (kind, name, mode, window).
"""

from binascii import crc32

from agent.core import jsontext
from agent.core.model import CHILD, TEEN, BadInput, Sentence, Value, whole_text
from agent.core.names import parse
from agent.core.shapes import ContentRow
from agent.core.windows import BREAK, WINDOWS_MAX
from agent.core.windows import from_row as window_from
from agent.core.windows import row as window_row

# Id, title, and for whom it is proposed; nothing is on before somebody says so.
CATEGORIES = (
    ("adult", "Adult content", (CHILD, TEEN)),
    ("gambling", "Gambling", (CHILD, TEEN)),
    ("dating", "Dating", (CHILD,)),
    ("drugs", "Drugs", (CHILD,)),
    ("weapons", "Weapons", (CHILD,)),
    ("violence", "Violence and shock", (CHILD,)),
    ("social", "Social networks", ()),
    ("chat", "Chats and messengers", ()),
    ("video", "Video and streaming", ()),
    ("games", "Games", ()),
    ("shopping", "Shopping", ()),
    ("piracy", "Pirated films and software", (CHILD,)),
    ("vpn", "VPNs, proxies and other ways around", (CHILD, TEEN)),
    ("ai-chat", "AI chats", ()),
    ("stalkerware", "Stalkerware", (CHILD,)),
)
CATEGORY_IDS = tuple([row[0] for row in CATEGORIES])
# Of lists that protect everybody; "allow" holds against all others.
PROTECTING_IDS = ("allow", "bypass", "fake-shops", "fraud", "malware", "own", "phishing")
# Of what everybody knows: each service by name fills them, and their lists may have well-known sites.
WIDE_CATEGORIES = ("social", "chat", "video", "games", "shopping", "ai-chat")
SEARCH = ("off", "on", "strict")
YOUTUBE = ("off", "moderate", "strict")
MODES = ("block", "only", "not")  # always; not outside its windows; not within them
LIST_MODES = ("on", "off")
FIELDS = ("categories", "services", "search", "youtube", "always", "homework", "lists")
NAMES_MAX = 100
SERVICES_MAX = 200
LISTS_MAX = 100
ID_MAX = 64


class Content(Value):
    """`categories`, `always` and `homework` are sorted texts; `services` is {id: (mode, windows)}, `lists` {id: mode}.

    `always` are names that stay open while the internet is off, `homework` those that do during homework.
    """

    __slots__ = FIELDS

    def __init__(self) -> None:
        self.categories: list[str] = []
        self.services: dict[str, tuple[str, list[dict[str, str]]]] = {}
        self.search = SEARCH[0]
        self.youtube = YOUTUBE[0]
        self.always: list[str] = []
        self.homework: list[str] = []
        self.lists: dict[str, str] = {}

    @property
    def version(self) -> int:
        """Of what it says; whoever changes it names the one they saw."""
        return crc32(jsontext.dumps(sorted(rows_of(self))).encode()) % 1_000_000 + 1


def from_rows(rows: list[ContentRow]) -> Content:
    found = Content()
    for kind, name, mode, window in sorted(rows):
        if kind == "category":
            found.categories.append(name)
        elif kind == "service":
            found.services[name] = (mode, _kept_windows(window))
        elif kind in ("search", "youtube"):
            setattr(found, kind, mode)
        elif kind in ("always", "homework"):
            getattr(found, kind).append(name)
        elif kind == "list":
            found.lists[name] = mode
    return found


def _kept_windows(text: str) -> list[dict[str, str]]:
    try:
        return checked_windows(jsontext.loads(text or "[]"))
    except (ValueError, BadInput, RuntimeError):  # the last: nested too deeply
        return []


def rows_of(content: Content) -> list[ContentRow]:
    rows: list[ContentRow] = [("category", name, "block", "") for name in content.categories]
    for name in sorted(content.services):
        mode, windows = content.services[name]
        rows.append(("service", name, mode, jsontext.dumps(windows) if windows else ""))
    rows += [("search", "", content.search, "")] if content.search != SEARCH[0] else []
    rows += [("youtube", "", content.youtube, "")] if content.youtube != YOUTUBE[0] else []
    rows += [("always", name, "allow", "") for name in content.always]
    rows += [("homework", name, "allow", "") for name in content.homework]
    return rows + [("list", name, content.lists[name], "") for name in sorted(content.lists)]


def reply(content: Content) -> dict[str, object]:
    services = [
        {"id": name, "mode": content.services[name][0], "windows": content.services[name][1]}
        for name in sorted(content.services)
    ]
    of: dict[str, object] = {name: getattr(content, name) for name in FIELDS}
    of["services"] = services
    of["version"] = content.version
    return of


def changed(content: Content, given: dict[str, object]) -> Content:
    """The content with the fields that are given in place of its own; BadInput says what is wrong with one."""
    new = from_rows(rows_of(content))
    for field in FIELDS:
        if given.get(field) is not None:
            setattr(new, field, _READ[field](given[field]))
    return new


def _categories(given: object) -> list[str]:
    found = _texts(given, "categories", len(CATEGORIES))
    for name in found:
        if name not in CATEGORY_IDS:
            raise BadInput(Sentence("no category {}; there are: {}", repr(name), ", ".join(CATEGORY_IDS)))
    return found


def _texts(given: object, what: str, most: int) -> list[str]:
    if not isinstance(given, list) or len(given) > most or [one for one in given if not isinstance(one, str)]:
        raise BadInput(Sentence("{} must be at most {} texts", what, most))
    return sorted(set(given))


def _names(given: object) -> list[str]:
    return sorted(set([parse(name.strip()).decode() for name in _texts(given, "names", NAMES_MAX)]))


def _services(given: object) -> dict[str, tuple[str, list[dict[str, str]]]]:
    if not isinstance(given, list) or len(given) > SERVICES_MAX:
        raise BadInput(Sentence("services must be at most {}, each with id, mode and windows", SERVICES_MAX))
    found = {}
    for row in given:
        id = _id(row.get("id") if isinstance(row, dict) else None, "a service needs an id")
        mode = _one_of(row.get("mode", "block"), "mode", MODES)
        windows = checked_windows(row.get("windows") or [])
        if (mode == "block") == bool(windows):
            raise BadInput(Sentence("a service is blocked, or it has windows: {}", id))
        found[id] = (mode, windows)
    return found


def checked_windows(given: object) -> list[dict[str, str]]:
    """[{"days": "mon,tue", "begin": "16:00", "end": "18:00"}]; BadInput."""
    if not isinstance(given, list) or len(given) > WINDOWS_MAX:
        raise BadInput(Sentence("windows must be at most {}, each with days, begin and end", WINDOWS_MAX))
    found = []
    for row in given:
        of = row if isinstance(row, dict) else {}
        given_window = {key: of.get(key) for key in ("days", "begin", "end")}
        given_window["kind"] = BREAK
        told = window_row(window_from(given_window))
        found.append({key: str(told[key]) for key in ("days", "begin", "end")})
    return found


def _id(given: object, otherwise: str) -> str:
    if not isinstance(given, str) or not 0 < len(given) <= ID_MAX or not whole_text(given):
        raise BadInput(otherwise)
    return given


def _lists(given: object) -> dict[str, str]:
    if not isinstance(given, dict) or len(given) > LISTS_MAX:
        raise BadInput(Sentence("lists must be at most {}, each on or off", LISTS_MAX))
    found = {}
    for id, mode in given.items():
        id = _id(id, "a list needs an id")
        if mode is not None:
            found[id] = _one_of(mode, "a list's mode", LIST_MODES)
    return found


def _one_of(given: object, what: str, words: tuple[str, ...]) -> str:
    if not isinstance(given, str) or given not in words:
        raise BadInput(Sentence("{} must be one of: {}", what, ", ".join(words)))
    return given


_READ = {
    "categories": _categories,
    "services": _services,
    "search": lambda given: _one_of(given, "search", SEARCH),
    "youtube": lambda given: _one_of(given, "youtube", YOUTUBE),
    "always": _names,
    "homework": _names,
    "lists": _lists,
}
KINDS = ("category", "service", "search", "youtube", "always", "homework", "list")


def check_row(row: ContentRow) -> None:
    """BadInput for a row that could not have been written here."""
    if row[0] not in KINDS or rows_of(changed(Content(), reply(from_rows([row])))) != [row]:
        raise BadInput("this is no row of a content rule")
