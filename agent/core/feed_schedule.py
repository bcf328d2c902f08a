"""Which feeds to fetch, when to try again, and whether an update may be taken into use: decisions only.

A feed is a public list that the household fetches; feeds.json (see blocklists/README.md) is the table of them.
"""

from agent.core import jsontext
from agent.core.content import CATEGORY_IDS
from agent.core.model import BadInput, Sentence, Value

FORMAT = 1
ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"  # an id is a file name, too
ID_MAX = 40
# The syntaxes that lists are read in (core/rules.py, which the daemon does not hold in memory).
SYNTAXES = ("hosts", "dnsmasq", "unbound", "bind", "rpz", "tpl", "addresses", "domains", "urls", "adblock")

# An update outside these bounds waits for a decision: lists grow and shrink by some percent a day.
GROWS_TO = 3.0
SHRINKS_TO = 0.4
FIRST_WITHIN = 6.0  # the table's number is rough, and some lists swing with the season
SLACK_RULES = 300  # short lists may change much
# Lines that would block what everybody needs are left out one by one; with this share of them a list is
# of another kind.
GUARDED_MAX = 40  # shared hosts and shorteners are on many a phishing list
GUARDED_SHARE = 0.02

# (MB, rules): an update takes some 17 MB and 40 bytes a rule at its peak, the daemon and its guard 13 MB, and of 128 MB
# a router's own programs leave 60 or 70.
ROOMS = ((96, 60000), (192, 360000))

PAUSE_S = 900  # after a first failure
EMPTY_PAUSE_S = 5  # the same while nothing is loaded: nobody is protected, and mostly it is the line that comes late
UNREACHED_MAX_S = 60  # while nothing is loaded and no server was reached at all: no server is troubled by that
PAUSE_MAX_S = 3600  # a server or a line that is back is found within an hour
FAILURES_MAX = 16
JITTER = 0.2  # of an interval: a million routers must not ask in the same minute
FIRST_WAIT_S = 20  # at most, before a first fetch: routers that got their power back together differ by that


class Feed(Value):
    """One row of the table. `rules` is roughly how many it has; `purpose` is the table's "for"."""

    __slots__ = ("id", "name", "address", "syntax", "category", "licence", "home", "default", "rules", "purpose")

    def __init__(
        self,
        id: str,
        name: str,
        address: str,
        syntax: str | None,
        category: str,
        licence: str,
        home: str,
        default: bool,
        rules: int,
        purpose: str,
    ) -> None:
        self.id = id
        self.name = name
        self.address = address
        self.syntax = syntax
        self.category = category
        self.licence = licence
        self.home = home
        self.default = default
        self.rules = rules
        self.purpose = purpose

    @property
    def server(self) -> str:
        """The host that the household's router asks for it."""
        return self.address.split("/")[2]


TEXTS = ("name", "category", "licence", "home", "for")


def read_feeds(text: str) -> list[Feed]:
    """The feeds of a feeds.json; BadInput says which one is wrong and why."""
    try:
        table = jsontext.loads(text)
    except (ValueError, RuntimeError) as error:  # the latter: nested too deeply
        raise BadInput("the list of feeds is not JSON: " + str(error)) from error
    if not isinstance(table, dict) or table.get("format") != FORMAT or not isinstance(table.get("feeds"), list):
        raise BadInput("the list of feeds has another form than format " + str(FORMAT))
    feeds = [_feed(row) for row in table["feeds"]]
    if len(set([feed.id for feed in feeds])) != len(feeds):
        raise BadInput("two feeds have the same id")
    return feeds


def _feed(row: object) -> Feed:
    if not isinstance(row, dict):
        raise BadInput("a feed is not an object")
    id = row.get("id")
    if not isinstance(id, str) or not 0 < len(id) <= ID_MAX or [letter for letter in id if letter not in ID_LETTERS]:
        raise BadInput("a feed's id must be a word of lower-case letters, digits and '-', not " + repr(id))
    texts = [row.get(key, "") for key in TEXTS]
    if [value for value in texts if not isinstance(value, str)]:
        raise BadInput("feed " + id + ": " + ", ".join(TEXTS) + " must be texts")
    name, category, licence, home, purpose = texts
    address, syntax, rules = row.get("address"), row.get("syntax"), row.get("rules", 0)
    if not isinstance(address, str) or not address.startswith("https://"):
        raise BadInput("feed " + id + ": its address must begin with https://")
    if not isinstance(rules, int) or rules < 0 or not (syntax is None or isinstance(syntax, str)):
        raise BadInput("feed " + id + ": rules must be a number and syntax a word")
    default = row.get("default") is True
    return Feed(id, name or id, address, syntax, category, licence, home, default, rules, purpose)


def chosen(
    feeds: list[Feed], choices: dict[str, bool], rules_max: int | None = None, categories: frozenset[str] = frozenset()
) -> list[Feed]:
    """The feeds that are fetched: what the household chose, and of the table's defaults those that `rules_max` leaves
    room for, in the table's order. Those of a category only where it is among `categories`: somebody uses it."""
    used = sum([feed.rules for feed in feeds if choices.get(feed.id) and feed.category not in CATEGORY_IDS])
    found = []
    for feed in feeds:
        wanted = choices.get(feed.id)
        if feed.category in CATEGORY_IDS:
            if feed.category in categories and (feed.default if wanted is None else wanted):
                found.append(feed)
            continue
        if wanted is None and feed.default and (rules_max is None or used + feed.rules <= rules_max):
            wanted = True
            used += feed.rules
        if wanted:
            found.append(feed)
    return found


def rules_max(memory_bytes: int | None) -> int | None:
    """How many rules all lists may have by default on a machine with so much memory; None: as many as there are."""
    for limit, rules in ROOMS:
        if memory_bytes is not None and memory_bytes < limit << 20:
            return rules
    return None


def doubt(rules: int, before: int | None, expected: int, guarded: int = 0) -> "str | Sentence":
    """Why an update must wait for the household's decision, or "".

    `before` is the number of rules of the text in use (None: there is none), `expected` the table's number (0:
    unknown), `guarded` the number of lines left out because they would block what everybody needs.
    """
    if guarded > GUARDED_MAX and guarded > GUARDED_SHARE * rules:
        return Sentence("it would block much that everybody needs: {} of its lines are left out", guarded)
    base, low, high = before, SHRINKS_TO, GROWS_TO
    if base is None:
        base, low, high = expected, 1 / FIRST_WITHIN, FIRST_WITHIN
    if base and rules < base * low and base - rules > SLACK_RULES:
        return Sentence("it shrank from about {} rules to {}", base, rules)
    if base and rules > base * high and rules - base > SLACK_RULES:
        return Sentence("it grew from about {} rules to {}", base, rules)
    if base and not rules:
        return "it has no rules any more"
    return ""


def pause_s(failures: int, chance: float, loaded: bool = True, reached: bool = True) -> int:
    """Seconds to wait after so many failures in a row; `chance` is in [0, 1). `loaded`: some set protects meanwhile."""
    doubled = (PAUSE_S if loaded else EMPTY_PAUSE_S) << min(max(failures, 1), FAILURES_MAX) - 1
    limit = PAUSE_MAX_S if loaded or reached else UNREACHED_MAX_S
    return min(spread_s(min(doubled, limit), chance), limit)


def spread_s(interval_s: int, chance: float) -> int:
    """The interval, longer or shorter by at most a fifth."""
    return int(interval_s * (1 - JITTER + 2 * JITTER * chance))


def first_wait_s(chance: float) -> int:
    """How long to wait when nothing protects yet."""
    return 5 + int((FIRST_WAIT_S - 5) * chance)
