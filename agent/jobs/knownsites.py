"""The tables of sites that come with the agent: the well-known ones, the popular ones, the hosts that many share."""

import os
import sys
from array import array
from bisect import bisect_left

from agent.core.lookalike import read_known
from agent.core.model import BadInput
from agent.core.names import PublicSuffixes, parse
from agent.core.shared_hosts import SharedHosts
from agent.platform.hashing import sha256

MAGIC = b"PAPOP\x01\r\n"
SITES_MAX = 1_000_000  # 8 bytes each, while lists are compiled


class PopularSites:
    """Hosts by the first 8 bytes of their digests, sorted: 100,000 names take 800 kB. None of them is by mistake in it
    more often than once in 10^14."""

    def __init__(self, digests: "array[int]") -> None:
        self._digests = digests

    def __contains__(self, site: bytes) -> bool:
        digest = _digest(site)
        at = bisect_left(self._digests, digest)
        return at < len(self._digests) and self._digests[at] == digest

    def __len__(self) -> int:
        return len(self._digests)


def _digest(site: bytes) -> int:
    return int.from_bytes(sha256(site)[:8], "big")


def pack_popular(sites: set[bytes]) -> bytes:
    """The file that `read_popular` reads."""
    return MAGIC + b"".join(digest.to_bytes(8, "big") for digest in sorted({_digest(site) for site in sites}))


def read_popular(path: str) -> PopularSites:
    """popular-sites.bin, which a build may make (tools/build-popular); nothing where it is missing or damaged."""
    digests = array("Q")
    try:
        with open(path, "rb") as file:
            data = file.read(len(MAGIC) + 8 * SITES_MAX)
    except OSError:
        data = b""
    if data.startswith(MAGIC) and len(data) % 8 == 0:
        digests.frombytes(data[len(MAGIC) :])
        if sys.byteorder == "little":
            digests.byteswap()
    return PopularSites(digests)


def well_known(path: str) -> list[tuple[bytes, bool]]:
    """The names of popular.txt, and whether each is often imitated; none where the file is missing."""
    try:
        with open(path, encoding="ascii") as file:
            known = read_known(file.read().splitlines())
    except OSError:
        return []
    return [(parse(name), word != "") for name, word in known]


def read_shared(path: str, popular: str, public: PublicSuffixes | None) -> SharedHosts | None:
    """What shared-hosts.txt, popular.txt and the public suffixes say together; None where one of them is missing."""
    known = well_known(popular)
    if public is None or not known:
        return None
    try:
        with open(path, encoding="ascii") as file:
            popular_sites = read_popular(os.path.join(os.path.dirname(path), "popular-sites.bin"))
            return SharedHosts(file.read().splitlines(), [name for name, _ in known], public, popular_sites)
    except (OSError, UnicodeError, BadInput):
        return None
