"""Which hosts carry much else: there a listed page says nothing about the host, elsewhere it speaks for all of it.

In doubt a host is shared: its listed pages are refused where they can be seen, its name never.
"""

from agent.core.model import BadInput
from agent.core.names import is_address, parse

PUBLIC_SUFFIX = "a public suffix"
KNOWN_SHARED = "a host that many people publish on"
WELL_KNOWN = "a well-known site"
ADDRESS = "an address, which may serve many sites"
# What is said of every other one.
NOT_SHARED = "not known to carry anything else: no public suffix, no well-known site, none that many people publish on"


class SharedHosts:
    """`table` is the text of shared-hosts.txt in lines, `well_known` canonical names; `public` tells registrable
    domains (names.PublicSuffixes)."""

    def __init__(self, table: list[str], well_known: list[bytes], public) -> None:  # type: ignore[no-untyped-def]
        self._whole, self._alone = read_table(table)
        self._public = public
        self._well_known = set([public.registrable(name) for name in well_known])

    def why(self, host: bytes) -> str | None:
        """Why a listed page says nothing about its host (a canonical name or an address' text); None where it does."""
        if is_address(host):
            return ADDRESS
        site = self._public.registrable(host)
        if site == host and self._public.suffix(host) == host:
            return PUBLIC_SUFFIX
        if site in self._well_known:
            return WELL_KNOWN
        if host in self._alone:
            return KNOWN_SHARED
        at = 0
        while host[at:] not in self._whole:  # written out: a list of links has hosts by the hundred thousand
            at = host.find(b".", at) + 1
            if not at:
                return None
        return KNOWN_SHARED


def read_table(lines: list[str]) -> tuple[set[bytes], set[bytes]]:
    """The names that stand for everything below them, too, and those (`=name`) that stand alone; BadInput."""
    whole: set[bytes] = set()
    alone: set[bytes] = set()
    for line in lines:
        word = line.split("#", 1)[0].strip()
        if word:
            found = alone if word.startswith("=") else whole
            found.add(parse(word.lstrip("=")))
    if not whole:
        raise BadInput("the table of shared hosts is empty")
    return whole, alone
