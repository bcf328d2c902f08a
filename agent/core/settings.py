"""The table of settings, and the check that turns what somebody wrote into values that the daemon can trust.

A settings file is one JSON object. What it leaves out has the default of the table; what the table does not
know is refused, so that a misspelt name never means "silently as before".
"""

from agent.core import jsontext
from agent.core.addresses import parse_endpoint
from agent.core.did_you_mean import nearest
from agent.core.marks import Layout
from agent.core.model import BadInput, Sentence, Value
from agent.core.setting_kinds import (
    BITS,
    CHECKS,
    CHOICE,
    FLAG,
    HOUSE_URL,
    LISTENERS,
    NAME,
    NAMES,
    NUMBER,
    PATH,
    PEOPLE,
    SERVERS,
    value_of,
)

MDNS_PORT = 5353
MARKS = ("mark_signature", "mark_slot_bit", "mark_generation_bit")

# Who reacts when a setting changes while the daemon runs: nobody, so that it needs a restart; nobody, since it is read
# whenever it is used; or a part of the daemon.
RESTART, USED = "restart", "used"
DNS, POLICY, COPIES, UPDATES, HOLDS, TIMES = "dns", "policy", "copies", "updates", "holds", "times"


class DefaultPath:
    """A default path inside the folder that another setting names."""

    def __init__(self, folder: str, file: str) -> None:
        self.folder = folder
        self.file = file


class Setting(Value):
    """One row of the table. `household` says that the web UI may change it, `reacts` who has to when it changes."""

    __slots__ = ("name", "kind", "default", "sentence", "limits", "household", "reacts")

    def __init__(
        self,
        name: str,
        kind: str,
        default: object,
        sentence: str,
        limits: tuple[int, int] | tuple[str, ...] = (),
        household: bool = False,
        reacts: str = RESTART,
    ) -> None:
        self.name = name
        self.kind = kind
        self.default = default
        self.sentence = sentence
        self.limits = limits
        self.household = household
        self.reacts = reacts


TABLE = (
    Setting("state_dir", PATH, "/etc/privacy-agent", "Folder on flash: devices, consent, ledger, snapshots."),
    Setting("run_dir", PATH, "/var/run/privacy-agent", "Folder in RAM: control socket, history, compiled lists."),
    Setting("data_dir", PATH, "/usr/share/privacy-agent", "Folder of what is installed: starter list, suffixes."),
    Setting(
        "lists_dir",
        PATH,
        DefaultPath("run_dir", "lists"),
        "Folder of downloaded list texts and what is known of them.",
    ),
    Setting("feeds_file", PATH, DefaultPath("data_dir", "feeds.json"), "The table of lists that can be fetched."),
    Setting(
        "lists_auto",
        FLAG,
        True,
        "Whether lists are fetched by themselves while protection is on for a device.",
        household=True,
        reacts=UPDATES,
    ),
    # Most makers ask for no more than a few times a day; phishing names live for days.
    Setting(
        "lists_hours", NUMBER, 12, "Hours between two updates of the lists.", (1, 168), household=True, reacts=UPDATES
    ),
    Setting(
        "keep_lists",
        CHOICE,
        "auto",
        "Whether a copy of the compiled lists on flash outlives a restart: where it takes at most half of what is"
        " free, always, or never.",
        ("auto", "always", "never"),
        household=True,
        reacts=COPIES,
    ),
    Setting("ruleset_file", PATH, DefaultPath("run_dir", "rules.bin"), "The compiled lists."),
    Setting("suffixes_file", PATH, DefaultPath("data_dir", "suffixes.bin"), "The compiled public suffix list."),
    Setting("leases_file", PATH, "/tmp/dhcp.leases", "DHCP leases, read for names to show."),
    Setting("dns_listen", LISTENERS, ["0.0.0.0:5391", "[::]:5391"], "Where DNS queries are taken, UDP and TCP."),
    Setting("agent_port", NUMBER, 5391, "The port that added devices' queries are steered to.", (1024, 65535)),
    # Bits of packet and connection marks, which other software on the router may use as well: see core/marks.py.
    Setting("mark_signature", BITS, "0xc000c000", "The four bits of marks that say that a mark is the agent's."),
    Setting("mark_slot_bit", NUMBER, 0, "The lowest of the eight bits of marks that say which device.", (0, 24)),
    Setting(
        "mark_generation_bit",
        NUMBER,
        24,
        "The lowest of the six bits of marks that say since which switching on.",
        (0, 26),
    ),
    Setting(
        "identity",
        CHOICE,
        "mark",
        "A device is known by the kernel's mark, or by its address.",
        ("mark", "address"),
    ),
    Setting("interfaces", NAMES, ["br-lan"], "Network interfaces that added devices are behind."),
    Setting(
        "guest_interfaces",
        NAMES,
        [],
        "Those of the interfaces where guests are: no history there. Names with guest in them count by themselves.",
    ),
    Setting(
        "local_interfaces",
        NAMES,
        [],
        "Other interfaces of the home network. A device still reaches them while its internet is off.",
    ),
    Setting(
        "hold_page",
        FLAG,
        True,
        "A page tells a device why its internet is off and until when. Off: it is only blocked.",
        household=True,
        reacts=HOLDS,
    ),
    Setting("hold_port", NUMBER, 5393, "The port of that page, while somebody's internet is off.", (1024, 65535)),
    Setting(
        "calls_through",
        FLAG,
        True,
        "Calls over Wi-Fi still work while a device's internet is off, emergency calls too.",
        household=True,
        reacts=HOLDS,
    ),
    Setting(
        "new_devices",
        CHOICE,
        "nothing",
        "A device that was never on this network before: nothing happens, you are told, it is added and protected at"
        " once, or its internet is off until you know it, helplines and calls over Wi-Fi included. Its history is never"
        " on by itself. Known devices are remembered by a hash.",
        ("nothing", "told", "protected", "held"),
        household=True,
        reacts=USED,
    ),
    Setting(
        "notice_url",
        HOUSE_URL,
        "",
        "An address inside the house (http://192.168.1.5:8123/…) that is told when somebody asks for something: a word,"
        " never a name.",
        household=True,
        reacts=USED,
    ),
    Setting("upstream", SERVERS, [], "Resolvers to ask; none: those of resolver_file.", reacts=DNS),
    Setting(
        "resolver_file",
        PATH,
        "/etc/resolv.conf",
        "The system's resolvers, in the form of resolv.conf; names of this network are asked there in any case.",
        reacts=DNS,
    ),
    Setting(
        "rebind_protection",
        FLAG,
        True,
        "Private addresses for public names are not passed on, where upstream is not the router's own resolver.",
        reacts=DNS,
    ),
    Setting(
        "blocked_answer",
        CHOICE,
        "null",
        "A blocked name gets the null address, or does not exist.",
        ("null", "nxdomain"),
        household=True,
        reacts=DNS,
    ),
    Setting(
        "connections",
        FLAG,
        True,
        "Whether web connections are judged, too, by the server that they name; without it only DNS is.",
    ),
    # Of the kernel's 65,536 queues, and of its log's groups, one that nobody else is likely to read.
    Setting("queue_number", NUMBER, 5391, "The number of the kernel's queue for connections.", (1, 65535)),
    Setting(
        "refuse_quic",
        FLAG,
        True,
        "QUIC of protected devices is blocked, because its first packet can't be checked. Browsers go on without it.",
        household=True,
        reacts=POLICY,
    ),
    Setting(
        "refuse_encrypted_dns",
        FLAG,
        True,
        "DNS over TLS, QUIC and HTTPS of protected devices is blocked: it would bypass the router's protection.",
        household=True,
        reacts=POLICY,
    ),
    Setting(
        "canary_names",
        FLAG,
        True,
        "Protected devices that ask are told that this network wants its own DNS (Firefox, iCloud Private Relay).",
        household=True,
        reacts=POLICY,
    ),
    # Short, so that "allow" is felt at once; long enough that a device answers a page's retries by itself.
    Setting(
        "blocked_ttl",
        NUMBER,
        10,
        "Seconds that a device may remember a block.",
        (1, 3600),
        household=True,
        reacts=DNS,
    ),
    # An entry is about 300 bytes; the storm test holds the daemon to 20 MB.
    Setting("cache_entries", NUMBER, 4000, "Answers kept in memory, at most.", (100, 100000)),
    # Thirty days is the most that the promise to the watched person allows.
    Setting("history_days", NUMBER, 7, "Days that visits are kept.", (1, 30), household=True, reacts=USED),
    Setting("attempts_days", NUMBER, 30, "Days that blocked attempts are kept.", (1, 30), household=True, reacts=USED),
    Setting(
        "readers",
        PEOPLE,
        [],
        "Who has the password and so sees what is recorded, by name, separated by commas: shown at /me before anybody"
        " agrees. Adults are asked again when a name is added.",
        household=True,
        reacts=USED,
    ),
    Setting("usage_days", NUMBER, 14, "Days that minutes of use are kept.", (1, 30), household=True, reacts=USED),
    Setting(
        "allowance_resets",
        CHOICE,
        "midnight",
        "When the minutes of a new day begin: at midnight, or when that night's bedtime ends.",
        ("midnight", "wake"),
        household=True,
        reacts=TIMES,
    ),
    # A visit is about 200 bytes, and history.db is in RAM.
    Setting("history_rows", NUMBER, 20000, "Visits kept, at most; the oldest go first.", (100, 200000), reacts=USED),
    Setting(
        "attempts_rows",
        NUMBER,
        5000,
        "Blocked attempts kept, at most; the oldest go first.",
        (100, 100000),
        reacts=USED,
    ),
    Setting(
        "keep_history",
        FLAG,
        False,
        "Whether snapshots on flash let history outlive a restart.",
        household=True,
        reacts=COPIES,
    ),
    Setting("snapshot_hours", NUMBER, 6, "Hours between two snapshots.", (1, 168), household=True, reacts=COPIES),
    Setting("web_listen", LISTENERS, ["127.0.0.1:5392"], "Where the web UI is served; an empty list: nowhere."),
    Setting(
        "web_hosts", NAMES, ["openwrt.lan", "router.lan"], "Names that the web UI is reached by, besides addresses."
    ),
    Setting("web_certificate", PATH, "/etc/uhttpd.crt", "The router's certificate; without it the UI makes its own."),
    Setting("web_key", PATH, "/etc/uhttpd.key", "The key that belongs to web_certificate."),
    Setting("web_user", NAME, "nobody", "The user that the web job becomes when the daemon runs as root."),
    Setting(
        "lookalike",
        CHOICE,
        "off",
        "Names that imitate well-known ones, a guess: allowed, allowed with a warning, or blocked.",
        ("off", "warn", "refuse"),
        household=True,
        reacts=POLICY,
    ),
    # tools/collector/simulate.py says what an operator learns at which epsilon from how many households.
    Setting(
        "report_epsilon_milli",
        NUMBER,
        500,
        "How much a report may tell of this household (epsilon), in thousandths.",
        (10, 2000),
    ),
    # Fifty-two weekly reports of the default; then no more are made.
    Setting(
        "report_budget_milli",
        NUMBER,
        26000,
        "How much all reports together may ever tell (epsilon), in thousandths.",
        (0, 100000),
    ),
    Setting("jobs_user", NAME, "nobody", "The user that the other jobs become when the daemon runs as root."),
)


class Settings:
    """Every setting of the table with a checked value, and an accessor for each type."""

    def __init__(self, values: dict[str, object]) -> None:
        self.values = values

    def __getitem__(self, name: str) -> object:
        return self.values[name]

    def text(self, name: str) -> str:
        value = self.values[name]
        assert isinstance(value, str), name
        return value

    def number(self, name: str) -> int:
        value = self.values[name]
        assert isinstance(value, int), name
        return value

    def flag(self, name: str) -> bool:
        return self.values[name] is True

    def texts(self, name: str) -> list[str]:
        value = self.values[name]
        assert isinstance(value, list), name
        return value


def read(text: str, overrides: dict[str, object] | None = None) -> Settings:
    """The settings of a file's text ("" for none); `overrides` go before it. BadInput."""
    merged = parse(text)
    merged.update(overrides or {})
    return complete(merged)


def parse(text: str) -> dict[str, object]:
    """The JSON object of a settings file; an empty text is an empty object."""
    if not text.strip():
        return {}
    try:
        given = jsontext.loads(text)
    except (ValueError, RuntimeError) as error:  # the latter: nested too deeply
        raise BadInput(Sentence("the settings are not JSON: {}", error)) from error
    if not isinstance(given, dict):
        raise BadInput("the settings are not a JSON object")
    return given


def complete(given: dict[str, object]) -> Settings:
    """Every setting of the table, checked: as given, or else its default."""
    for name in sorted(given):
        known(name)
    values: dict[str, object] = {}
    for setting in TABLE:
        if setting.name in given:
            values[setting.name] = check(setting.name, given[setting.name])
        elif isinstance(setting.default, DefaultPath):
            values[setting.name] = str(values[setting.default.folder]) + "/" + setting.default.file
        else:
            values[setting.name] = check(setting.name, setting.default)
    settings = Settings(values)
    _agree(settings)
    return settings


def known(name: str) -> Setting:
    """The table's row, or BadInput with the name that was probably meant."""
    for setting in TABLE:
        if setting.name == name:
            return setting
    near = nearest(name, [setting.name for setting in TABLE])
    hint = " (did you mean " + near + "?)" if near else ""
    raise BadInput(Sentence("unknown setting {}", repr(name) + hint))


def is_live(name: str) -> bool:
    """Whether a running daemon puts the setting into force; the others need a restart."""
    return known(name).reacts != RESTART


def check(name: str, value: object) -> object:
    """The value in its canonical form, or BadInput."""
    setting = known(name)
    try:
        return CHECKS[setting.kind](value, setting.limits)
    except BadInput as error:
        raise BadInput(Sentence("setting {}: {}", name, error)) from error


def from_word(name: str, word: str) -> object:
    """The value that a command line's `name=word` means; a list's items stand between commas."""
    return check(name, value_of(known(name).kind, word))


def mark_layout(settings: Settings) -> Layout:
    """Where slot, generation and signature are in the kernel's marks."""
    signature, slot_bit, generation_bit = MARKS
    return Layout(int(settings.text(signature), 16), settings.number(slot_bit), settings.number(generation_bit))


def guest_interfaces(settings: Settings) -> frozenset[str]:
    """Those that are named, and those with "guest" in their name."""
    named = settings.texts("guest_interfaces")
    return frozenset(named + [name for name in settings.texts("interfaces") if "guest" in name.lower()])


def _agree(settings: Settings) -> None:
    """What no single setting can see: pairs that contradict each other, and a port that is another service's."""
    try:
        mark_layout(settings)
    except BadInput as error:
        raise BadInput(Sentence("settings {}: {}", ", ".join(MARKS), error)) from error
    if settings["agent_port"] == MDNS_PORT:
        raise BadInput("setting agent_port: port 5353 is that of multicast DNS, which devices of the LAN speak")
    if settings["hold_port"] in (settings["agent_port"], MDNS_PORT):
        raise BadInput("setting hold_port: that port is another service's")
    ports = [parse_endpoint(item)[1] for item in settings.texts("dns_listen")]
    if not ports:
        raise BadInput("setting dns_listen: at least one address:port is needed")
    if settings["identity"] == "mark" and settings["agent_port"] not in ports:
        raise BadInput(
            "settings agent_port and dns_listen contradict each other: nobody listens on port %d, "
            "to which added devices' queries are steered" % settings.number("agent_port")
        )
