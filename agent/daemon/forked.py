"""What a forked child of the daemon does first."""

import contextlib
import os

FILES_MAX = 4096  # more than a router lets a process have
NICE = 10  # answers come before lists
# Where memory runs out the kernel ends a job, never the daemon: of 1,000, so that whatever its size it goes first.
OOM_SCORE = 1000


def let_go() -> None:
    """Hold nothing of the daemon's, or the guard and the kernel would take it for alive, and die with it. OSError."""
    os.closerange(0, FILES_MAX)
    from agent.platform.pdeathsig import die_with_parent  # here: the daemon itself loads no ctypes

    die_with_parent()


def yield_memory() -> None:
    """In a child: whatever its size, the kernel's killer takes this process before any other of the router's."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write(str(OOM_SCORE))


def lower_priority() -> None:
    """In a child that works on the daemon's behalf: nothing of a router's may wait for it."""
    yield_memory()
    os.nice(NICE)
