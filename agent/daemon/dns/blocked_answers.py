"""How a refused name is answered, and which refusals are worth keeping."""

from agent.core import known_resolvers
from agent.core.dns import NULL, NXDOMAIN_STYLE, Question, blocked
from agent.core.model import Rule
from agent.core.policy import CONTENT
from agent.core.services import SERVICE

KEPT_S = 60.0  # then a refusal is decided anew
VERSION_MAX = 10  # its date
SEEN_BYTES = 8192  # a byte for each refused query of late; a power of two

# An address look-up for the last of these would get a null address, but nobody makes one.
CANARY_STYLES = {known_resolvers.NXDOMAIN: NXDOMAIN_STYLE, known_resolvers.NODATA: NULL}


class BlockedAnswers:
    """`style` is "null" or "nxdomain"; `ttl` is for how many seconds a device may remember the answer."""

    def __init__(self) -> None:
        self.style = NULL
        self.ttl = 10
        self._seen = bytearray(SEEN_BYTES)

    def answer(self, message: bytes, question: Question, rule: Rule | None) -> bytes:
        """Always fits into what a client takes."""
        canary = known_resolvers.canary(rule)
        style = self.style if canary is None else CANARY_STYLES[canary]
        # Only who has OPT is told why.
        return blocked(message, question, style, self.ttl, "" if question.edns is None else why(rule))

    def rebound(self, message: bytes, question: Question) -> bytes:
        """For a public name that would lead to an address of this network."""
        text = "a public name with an address of this network (setting rebind_protection)"
        return blocked(message, question, self.style, self.ttl, text)

    def again(self, message: bytes) -> bool:
        """Whether the same was refused lately; now and then that is said of another query, which does no harm.

        Most refused names are never asked again: only those that are shall take room and time.
        """
        mark, seen = hash(message[2:]), self._seen
        place, value = mark & SEEN_BYTES - 1, mark >> 32 & 0xFF
        if seen[place] == value:
            return True
        seen[place] = value
        return False


def why(rule: Rule | None) -> str:
    """The extended error's text: whose rule refused the name."""
    if rule is not None and rule.scope == known_resolvers.SHIPPED:
        return "this network wants its own DNS to be used"
    if rule is not None and rule.scope == CONTENT:
        if rule.category in ("", SERVICE):
            return rule.list_name
        return f"{rule.category}: {rule.list_name} {rule.list_version[:VERSION_MAX]}".strip()
    if rule is None or not rule.list_name:
        return "blocked by a rule of your own"
    return "on the list " + rule.list_name + (" (" + rule.category + ")" if rule.category else "")
