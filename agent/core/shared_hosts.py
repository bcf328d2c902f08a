"""Which hosts carry much else: there a listed page says nothing about the host, elsewhere it speaks for all of it.

In doubt a host is shared: its listed pages are refused where they can be seen, its name never.
"""

from agent.core.model import BadInput
from agent.core.names import PublicSuffixes, is_address, parse
from agent.core.shapes import Names

PUBLIC_SUFFIX = "a public suffix"
KNOWN_SHARED = "a host that many people publish on"
WELL_KNOWN = "a well-known site"
FRONT = "named as a well-known site, perhaps its front in a country"
POPULAR = "a popular site"
INSTITUTION = "a school's, a university's or an authority's, where many publish"
ADDRESS = "an address, which may serve many sites"
# So many different pages speak for a host of these kinds, too: nobody's own site has as many bad ones unnoticed.
PAGES_MIN = 40
WEAK = (FRONT, INSTITUTION)
# What is said of every other one.
NOT_SHARED = "not known to carry anything else: no public suffix, no well-known site, none that many people publish on"


class SharedHosts:
    """`table` is the text of shared-hosts.txt in lines, `well_known` canonical names; `public` tells registrable
    domains (names.PublicSuffixes). `popular` holds further hosts that many people visit: anything with `in`. They stand
    for themselves and their `www.`: below a popular builder of sites lie those of its customers."""

    def __init__(self, table: list[str], well_known: list[bytes], public: PublicSuffixes, popular: Names = ()) -> None:
        self._whole, self._alone = read_table(table)
        self._public = public
        self._popular = popular
        self._well_known = set([public.registrable(name) for name in well_known])
        self._brands = set([site.split(b".", 1)[0] for site in self._well_known])

    def why(self, host: bytes) -> str | None:
        """Why a listed page says nothing about its host (a canonical name or an address' text); None where it does."""
        if is_address(host):
            return ADDRESS
        site = self._public.registrable(host)
        if site == host and self._public.suffix(host) == host:
            return PUBLIC_SUFFIX
        if site in self._well_known:
            return WELL_KNOWN
        if site[: site.find(b".")] in self._brands and _may_be_a_front(site):
            return FRONT
        if [label for label in site.split(b".")[-2:] if label in _INSTITUTIONS] and not site.endswith(b".ac"):
            return INSTITUTION
        bare = host[4:] if host.startswith(b"www.") else host
        if bare in self._popular:
            return POPULAR
        if bare in self._alone:
            return KNOWN_SHARED
        at = 0
        while host[at:] not in self._whole:  # written out: a list of links has hosts by the hundred thousand
            at = host.find(b".", at) + 1
            if not at:
                return None
        return KNOWN_SHARED


def _may_be_a_front(site: bytes) -> bool:
    """Whether the site is where companies have their fronts: below a country's ending, or an old general one. Who takes
    a brand's name elsewhere mostly means to deceive."""
    last = site[site.rfind(b".") + 1 :]
    return len(last) == 2 or last in _GENERAL


_INSTITUTIONS = (b"edu", b"ac", b"gov", b"gob", b"gouv", b"mil", b"k12", b"sch")
_GENERAL = (b"com", b"net", b"org", b"cat", b"asia")


def leads_elsewhere(page: bytes) -> bool:
    """Whether a page's address holds another's: a forwarder that anybody can point anywhere says nothing of its host.

    `page` is host and target."""
    rest = page.lower()
    at = max([rest.find(mark) for mark in (b"http://", b"https://", b"http%3a", b"https%3a", b"=//", b"=%2f%2f")])
    return at > 0


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
