"""Opens a compiled rule set the quick way: one system call a probe."""

import os
from functools import partial

from agent.core.model import BadInput
from agent.core.ruleset import Ruleset
from agent.platform.hashing import sha256


def open_ruleset(path: str) -> Ruleset:
    """The rule set in a file, which stays open; OSError, or BadInput if it is foreign or damaged."""
    file = open(path, "rb", buffering=0)  # noqa: SIM115 (the rule set closes it)
    try:
        descriptor = file.fileno()
        # pread takes the descriptor first; partial is a call without a Python frame.
        return Ruleset(file, sha256, partial(os.pread, descriptor))
    except (OSError, BadInput):
        file.close()
        raise
