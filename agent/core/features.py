"""The table of features: what each reads, keeps, for how long, and sends. Everything is off by default.

The web pages, the command line's question before `on`, the notice and the code that records all read this table,
so that what is promised is what is done.
"""

from agent.core.model import HISTORY, PROTECTION, BadInput, Value

# The version and date of the whole notice. It grows whenever a feature reads, keeps or sends more than before.
NOTICE_VERSION = 1
NOTICE_DATE = "2026-11-23"


class Feature(Value):
    """One feature. `version` is the notice version that introduced its present text; `days` the default retention.

    `records` names the table of history.db that it may write to.
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
    "the names that this device asks the router's DNS for, and how its web connections begin: the server's name and "
    "address, and of unencrypted pages the page's address"
)

FEATURES = {
    HISTORY: Feature(
        name=HISTORY,
        title="Browsing history",
        version=1,
        reads=_READS,
        keeps="sites contacted, with first and last time and how often; never pages, searches or contents",
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
        keeps="refused attempts only: the name or address (of an unencrypted page up to the question mark), when, "
        "how often, and the list and rule that refused it",
        days=30,
        days_max=30,
        sends="nothing",
        records="attempts",
    ),
}

NOTICE = (
    "privacy-agent watches a device only while a feature is switched on for it, and only on this router. "
    "Switching a feature off ends recording at once. Of a connection only the beginning is read, of an encrypted one "
    "never what it carries. Names that a device asks for are sent to the configured DNS "
    "server, as without privacy-agent. Block lists are downloaded while protection is in use. Nothing else leaves "
    "the router unless the household opts in to summaries. Everyone behind a device may see that recording is on, "
    "what is kept and for how long, and may ask for a copy, a correction or erasure."
)


def feature(name: str) -> Feature:
    """The feature of that name, or BadInput that lists the names there are."""
    if name not in FEATURES:
        raise BadInput("no feature " + repr(name) + "; there are: " + ", ".join(sorted(FEATURES)))
    return FEATURES[name]
