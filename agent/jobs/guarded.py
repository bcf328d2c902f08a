"""Names that no line of a list blocks by itself: what everybody's devices need. Such a line is left out and named.

Who wants one of them blocked all the same has a rule of their own for it (`block NAME`).
"""

from agent.core import check_hosts
from agent.core.check_hosts import CHECKS
from agent.core.condition import fits
from agent.core.content import CATEGORY_IDS, WIDE_CATEGORIES
from agent.core.listrules import ListRule
from agent.core.match import BELOW, EXACT
from agent.core.model import BadInput
from agent.core.names import is_address, suffixes
from agent.core.shared_hosts import KNOWN_SHARED, WELL_KNOWN, read_table
from agent.jobs.knownsites import well_known

LISTS_HOST = "a host that lists are fetched from"
NAMED_MAX = 6  # names said of each kind; the rest is counted


class Guarded:
    """`names`: canonical name → what it is. A rule is left out that would block one of them."""

    def __init__(self, names: dict[bytes, str]) -> None:
        self._names = names
        self._above = {parent: what for name, what in names.items() for parent in suffixes(name)[1:]}
        self.keys = frozenset(self._names) | frozenset(self._above)

    def of_category(self, category: str) -> "Guarded":
        """What a list of that category may not block: it is about well-known sites, or it is not. What devices need is
        kept open when a name is decided over, also below a site that is blocked.
        """
        if category not in CATEGORY_IDS:
            return self
        kinds = () if category in WIDE_CATEGORIES else (WELL_KNOWN, KNOWN_SHARED, LISTS_HOST)
        return Guarded({name: what for name, what in self._names.items() if what in kinds})

    def why(self, rule: ListRule) -> str | None:
        """What a rule would block that is needed, or None."""
        if rule.allow or rule.key not in self.keys:
            return None
        if rule.condition is not None and rule.condition.pattern is not None:
            pattern, end = rule.condition.pattern, b"." + rule.key
            hit = [what for name, what in self._names.items() if name.endswith(end) and fits(pattern, name)]
            return hit[0] if hit else None
        own = self._names.get(rule.key) if rule.kind != BELOW else None
        return own or (self._above.get(rule.key) if rule.kind != EXACT else None)


def read_guarded(shared_file: str, needed_file: str, popular_file: str, own: list[bytes]) -> Guarded:
    """The tables together; a file that is missing guards nothing. `own`: the hosts that lists are fetched from."""
    names = {host: LISTS_HOST for host in own if not is_address(host)}
    for name in read_hosts(shared_file):
        names.setdefault(name, KNOWN_SHARED)
    for name, _ in well_known(popular_file):
        names.setdefault(name, WELL_KNOWN)
        names.setdefault(b"www." + name, WELL_KNOWN)
    names.update(read_needed(needed_file))
    names.update({name: "a connectivity check" for name in CHECKS})
    return Guarded(names)


def read_hosts(path: str) -> list[bytes]:
    """The names of shared-hosts.txt."""
    try:
        with open(path, encoding="ascii") as file:
            whole, alone = read_table(file.read().splitlines())
    except (OSError, UnicodeError, BadInput):
        return []
    return sorted(whole | alone)


def read_needed(path: str) -> dict[bytes, str]:
    """The names of needed-hosts.txt, each with what the heading above it says (`[a time server]`)."""
    try:
        with open(path, encoding="ascii") as file:
            return check_hosts.read_needed(file.read().splitlines())
    except (OSError, UnicodeError):
        return {}


def said(what: str, names: list[str]) -> str:
    """The reason under which such lines are counted."""
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    shown = ", ".join(name[:60] for name in names[:NAMED_MAX])
    return f"would block {what}, so decide by block NAME: {shown}{more}"
