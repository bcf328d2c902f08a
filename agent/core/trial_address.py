"""The address to try protection with: blocked for every protected device, whatever lists there are.

Its name is reserved for tests (RFC 6761), so nobody can own it, and a block of it shows that all of the way works.
"""

from agent.core.model import BLOCK, Rule, Verdict

NAME = "blocked.test"


def refusal() -> "dict[bytes, Verdict]":
    """As known_resolvers.refusals."""
    rule = Rule(NAME, BLOCK, list_name="test address", category="test")
    return {NAME.encode(): Verdict(BLOCK, rule)}
