"""The table of features: what each reads, stores, for how long, and sends. Everything is off by default.

The web pages, the command line's question before `on`, the notice and the code that records all read this table,
so that what is promised is what is done.
"""

from agent.core.model import HISTORY, LIMITS, PROTECTION, USAGE, NotFound, Sentence, Value

# The version and date of the whole notice. It grows whenever a feature reads, stores or sends more than
# before; plainer words for the same leave it.
NOTICE_VERSION = 2
NOTICE_DATE = "2026-11-30"


class Feature(Value):
    """One feature. `version` is the notice version that introduced its present text; `days` the default retention.

    `records` names the table of history.db that it may write to, "" for one that records nothing.
    """

    __slots__ = ("name", "title", "version", "reads", "keeps", "days", "days_max", "sends", "records")

    def __init__(
        self,
        name: str,
        title: str,
        version: int,
        reads: str,
        keeps: str,
        days: int,
        days_max: int,
        sends: str,
        records: str,
    ) -> None:
        self.name = name
        self.title = title
        self.version = version
        self.reads = reads
        self.keeps = keeps
        self.days = days
        self.days_max = days_max
        self.sends = sends
        self.records = records


_READS = (
    "which sites and apps this device connects to: the names it looks up in DNS, and the start of each web connection "
    "(the server's name and address; of unencrypted pages the page's address)"
)

FEATURES = {
    HISTORY: Feature(
        name=HISTORY,
        title="Browsing history",
        version=1,
        reads=_READS,
        keeps="sites visited, with first and last time and how often; never pages, searches or contents",
        days=7,
        days_max=30,
        sends="nothing",
        records="visits",
    ),
    PROTECTION: Feature(
        name=PROTECTION,
        title="Real-time protection",
        version=1,
        reads=_READS,
        keeps="blocked attempts only: the site (of an unencrypted page its address up to the question mark), when, "
        "how often, and the list and entry that blocked it",
        days=30,
        days_max=30,
        sends="nothing",
        records="attempts",
    ),
    LIMITS: Feature(
        name=LIMITS,
        title="Times and content",
        version=2,
        reads="nothing for times alone; the names this device looks up and the start of its web connections only while "
        "a category, an app, safe search or an always open site is chosen for it",
        keeps="nothing of what the device does; only the rules, and who changed them when",
        days=0,
        days_max=0,
        sends="nothing",
        records="",
    ),
    USAGE: Feature(
        name=USAGE,
        title="Screen time",
        version=2,
        reads="how many packets this device sends to the internet in each minute; never where to",
        keeps="minutes of use a day, for each device; what was when within a day only in memory, until midnight. With "
        "a daily allowance also today's sum, through a restart",
        days=14,
        days_max=30,
        sends="nothing",
        records="usage",
    ),
}

NOTICE = (
    "Privacy Agent watches a device only while a feature is turned on for it, and only on this router. "
    "Turning a feature off stops recording at once. Only the start of a connection is read, and of an encrypted one "
    "never what it carries. Names that a device looks up are sent to the configured DNS server, as without Privacy "
    "Agent. Block lists are downloaded while protection is in use. Nothing else leaves the router unless sharing "
    "statistics or the weekly file is turned on. Times, internet off and blocked kinds of sites record nothing of what "
    "anyone does; an adult is asked before they apply. Screen time counts packets a minute, and stores minutes a day "
    "only. Anyone who uses a device can see that recording is on, what is stored and for how long, and can ask for a "
    "copy, a correction or deletion."
)


def feature(name: str) -> Feature:
    """The feature of that name, or BadInput that lists the names there are."""
    if name not in FEATURES:
        raise NotFound(Sentence("no feature {}; there are: {}", repr(name), ", ".join(sorted(FEATURES))))
    return FEATURES[name]
