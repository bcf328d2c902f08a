"""What the readers of all list syntaxes share: the values they give, and the words that lists are made of."""

from agent.core import addresses, names
from agent.core.condition import Condition
from agent.core.digits import whole
from agent.core.match import EXACT, WHOLE
from agent.core.model import BadInput, Value


class ListRule(Value):
    """One rule of a list: `key` is a canonical name, the text of an address, or host/path; `kind` what it covers.

    `badfilter` takes back the same rule without it. `condition` is None for nearly all.
    """

    __slots__ = ("key", "kind", "allow", "important", "badfilter", "condition")

    def __init__(
        self,
        key: bytes,
        kind: int = WHOLE,
        allow: bool = False,
        important: bool = False,
        badfilter: bool = False,
        condition: Condition | None = None,
    ) -> None:
        self.key = key
        self.kind = kind
        self.allow = allow
        self.important = important
        self.badfilter = badfilter
        self.condition = condition


class Network(Value):
    """A rule for a range of addresses: the first and the last, 4 or 16 bytes each."""

    __slots__ = ("first", "last")

    def __init__(self, first: bytes, last: bytes) -> None:
        self.first = first
        self.last = last


class Skipped(Value):
    """A line that is not a rule here, and why; the reasons are few, so that they can be counted."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


NOT_A_RULE = Skipped("not a rule of this syntax")
TOO_LONG = Skipped("longer than any rule")
TOO_MANY = Skipped("more rules with conditions or networks than one rule set holds")
SAME_KEY = Skipped("more rules with conditions for one name or ending than a look-up may read")
LOCAL_NAME = Skipped("a name of the machine itself")
LOCAL_ADDRESS = Skipped("not a public address")
REAL_ADDRESS = Skipped("maps to a real address instead of nowhere")
TOO_BROAD = Skipped("covers too much")
COSMETIC = Skipped("hides parts of pages")
PATTERN = Skipped("a pattern without a domain name at its end")
REGEX = Skipped("a regular expression")
CLIENT = Skipped("for some clients only ($client)")
CTAG = Skipped("for some clients only ($ctag)")
MODIFIER = Skipped("a modifier that is not for DNS, or not known")
EXCEPTION = Skipped("an exception (@@) that is not understood, so what it allows may be blocked")
REWRITE = Skipped("rewrites answers")
TRIGGER = Skipped("an RPZ trigger other than the name asked for")
NOT_A_REFUSAL = Skipped("says how to resolve, refuses nothing")

# Not on the public Internet, or everywhere (IANA's special-purpose registries, RFC 6890): never blocked by a list.
_LOCAL_NETWORKS = (
    b"0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 224.0.0.0/3"
    b" ::/127 fc00::/7 fe80::/10 ff00::/8"
)
# Shorter prefixes hold more than any one list can mean to refuse.
_SHORTEST_PREFIX = {4: 8, 16: 19}


def read_name(text: bytes) -> bytes | None:
    """The canonical name of a public site with two labels or more, or None."""
    try:
        name = names.parse(text)
    except BadInput:
        return None
    if b"." not in name or b"\\" in name or names.is_address(name):
        return None
    return name


def read_address(text: bytes) -> Value | None:
    """The rule for an address (IPv6 in brackets, too) or a network (`address/bits` or `first-last`), or why not; None
    if it is neither."""
    if text[:1] == b"[" and text[-1:] == b"]" and b":" in text:
        text = text[1:-1]
    try:
        if b"/" in text:
            first, last = bounds(text)
        elif b"-" in text:
            first, last = [addresses.parse(part.strip().decode()) for part in text.split(b"-", 1)]
        else:
            first = last = addresses.parse(text.decode())
    except (BadInput, UnicodeError):
        return None
    return _network(first, last)


def bounds(text: bytes) -> tuple[bytes, bytes]:
    """First and last address of `address/bits`; BadInput."""
    try:
        base, _, bits = text.decode().partition("/")
    except UnicodeError as error:
        raise BadInput("not a network: " + repr(text[:60])) from error
    packed = addresses.parse(base)
    size = 8 * len(packed)
    length = whole(bits)
    if length is None or length > size:
        raise BadInput("not a network: " + repr(text[:60]))
    low = (1 << (size - length)) - 1
    first = int.from_bytes(packed, "big") & ~low
    return first.to_bytes(len(packed), "big"), (first | low).to_bytes(len(packed), "big")


def _network(first: bytes, last: bytes) -> Value | None:
    if len(first) != len(last) or first > last:
        return None
    span = int.from_bytes(last, "big") - int.from_bytes(first, "big")
    if span >> (8 * len(first) - _SHORTEST_PREFIX[len(first)]):
        return TOO_BROAD
    for start, end in _LOCAL:
        if len(start) == len(first) and start <= last and first <= end:
            return LOCAL_ADDRESS
    return Network(first, last) if span else ListRule(addresses.show(first).encode(), EXACT)


_LOCAL = tuple([bounds(text) for text in _LOCAL_NETWORKS.split()])
