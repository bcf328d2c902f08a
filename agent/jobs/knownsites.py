"""The tables of sites that come with the agent: the well-known ones, and the hosts that many share."""

from agent.core.lookalike import read_known
from agent.core.model import BadInput
from agent.core.names import PublicSuffixes, parse
from agent.core.shared_hosts import SharedHosts


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
            return SharedHosts(file.read().splitlines(), [name for name, _ in known], public)
    except (OSError, UnicodeError, BadInput):
        return None
