"""Rule sets that a test opens; the fixture `closing` closes them behind it."""

from pathlib import Path

from agent.core.ruleset import Ruleset
from agent.platform.rulefile import open_ruleset

OPENED: list[Ruleset] = []


def opened(path: Path) -> Ruleset:
    OPENED.append(open_ruleset(str(path)))
    return OPENED[-1]
