"""A rule of a list that fits, how rules that fit are ranked, and the keys under which they can be found."""

from agent.core.addresses import show
from agent.core.model import Value
from agent.core.names import is_address

# What a rule's key covers. For a URL key (host/path), WHOLE also covers what follows at a separator.
WHOLE = 0  # the name and everything below it
EXACT = 1  # the name alone, an address, or one URL
BELOW = 2  # everything below the name, not the name
SPECIAL = 3  # of an entry only: rules with conditions have this key
HOST = 4  # the name alone, because pages of it are listed and it carries nothing else (see shared_hosts.py)

ALLOWING = "allow"  # the category of lists whose exceptions the household has counted for all lists

NODE = 5  # the name is there: what an RPZ zone says of all names above it says nothing of those below (RFC 4592)

BY_PAGES = " (pages of it are listed)"

PAGE_ENDS_MAX = 32  # separators of a URL that are tried: listed pages have a dozen at most, a hostile URL has thousands

_UNRESERVED = b"abcdefghijklmnopqrstuvwxyz0123456789_-.%"  # everything else is a separator in Adblock's sense


class Match(Value):
    """The rule of a list that decides: its key, its kind, the list's index, whether it allows, whether important.

    `given` is the rule's text where it is more than these.
    """

    __slots__ = ("key", "kind", "list", "allow", "important", "given")

    def __init__(
        self, key: bytes, kind: int, list: int, allow: bool = False, important: bool = False, given: str = ""
    ) -> None:
        self.key = key
        self.kind = kind
        self.list = list
        self.allow = allow
        self.important = important
        self.given = given

    @property
    def text(self) -> str:
        """The rule as people write it: `name`, `=name` for the name alone, `*.name` for those below, `@@` to allow."""
        if self.kind == WHOLE and not self.given and not self.allow:
            return self.key.decode()
        text = self.given or ("@@" if self.allow else "") + _mark(self.key, self.kind) + self.key.decode()
        return text + BY_PAGES if self.kind == HOST else text

    @property
    def rank(self) -> tuple[int, int, int]:
        """Important exceptions, important blocks, exceptions, blocks; then the most specific; then the first list."""
        return (2 * self.important + self.allow, len(self.key), -self.list)


def _mark(key: bytes, kind: int) -> str:
    if kind == BELOW:
        return "*."
    return "=" if kind in (EXACT, HOST) and b"/" not in key and not is_address(key) else ""


def best(matches: list[Match], allowing: tuple[int, ...] = ()) -> Match | None:
    """The match that decides, None if there is none.

    A list's exceptions undo what that list blocks, not what others do; those of lists in `allowing` undo everything.
    """
    if [match for match in matches if match.kind == NODE]:
        matches = _shielded(matches)
    found = _first(matches)
    if found is None or not found.allow:
        return found
    by_list: dict[int, list[Match]] = {}
    for match in matches:
        by_list.setdefault(match.list, []).append(match)
    trusted = [match for match in matches if match.allow and match.list in allowing]
    blocks = [
        first for own in by_list.values() for first in [_first(own + trusted)] if first is not None and not first.allow
    ]
    return _first(blocks) or found


def _shielded(matches: list[Match]) -> list[Match]:
    """Without what a node of the same list keeps away: a wildcard counts at the closest encloser only."""
    left = [match for match in matches if match.kind != NODE]
    for node in [match for match in matches if match.kind == NODE]:
        left = [of for of in left if of.list != node.list or of.kind != BELOW or len(of.key) >= len(node.key)]
    return left


def _first(matches: list[Match]) -> Match | None:
    found = None
    for match in matches:
        if found is None or match.rank > found.rank:
            found = match
    return found


def split_authority(authority: bytes) -> tuple[bytes, bytes]:
    """Host and port (b"" without one) of `name`, `name:port`, `[v6]` or `[v6]:port` (RFC 3986, section 3.2)."""
    if authority.startswith(b"["):
        host, _, port = authority[1:].partition(b"]")
        return host, port[1:]
    host, _, port = authority.partition(b":")
    return host, port


def join_authority(host: bytes, port: bytes) -> bytes:
    """The inverse: an IPv6 address in brackets, a colon only before a port."""
    return (b"[" + host + b"]" if b":" in host else host) + (b":" + port if port else b"")


def page_ends(target: bytes) -> list[int]:
    """Where a path may end as the beginning of a page's address: before each separator, and at the end."""
    lower = target.lower()
    ends = [at for at in range(1, len(lower)) if lower[at] not in _UNRESERVED]
    return ends[:PAGE_ENDS_MAX] + [len(lower)]


def network_text(first: bytes, last: bytes) -> bytes:
    """`address/bits` where it is one, else `first-last`."""
    low = int.from_bytes(first, "big")
    span = int.from_bytes(last, "big") - low + 1
    for bits in range(8 * len(first) + 1):
        if span == 1 << (8 * len(first) - bits) and low % span == 0:
            return (show(first) + "/" + str(bits)).encode()
    return (show(first) + "-" + show(last)).encode()
