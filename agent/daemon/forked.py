"""What a forked child of the daemon does first."""

import os

FILES_MAX = 4096  # more than a router lets a process have


def let_go() -> None:
    """Hold nothing of the daemon's, or the guard and the kernel would take it for alive, and die with it. OSError."""
    os.closerange(0, FILES_MAX)
    from agent.platform.pdeathsig import die_with_parent  # here: the daemon itself loads no ctypes

    die_with_parent()
