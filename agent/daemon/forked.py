"""What a forked child of the daemon does first, and how a short piece of work is done in one."""

import contextlib
import os
from collections.abc import Callable, Generator

FILES_MAX = 4096  # more than a router lets a process have
NICE = 10  # answers come before lists
# Where memory runs out the kernel ends a job, never the daemon: of 1,000, so that whatever its size it goes first.
OOM_SCORE = 1000
LOOK_S = 0.05  # between two looks whether the work is done


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


def in_child(work: Callable[[], bool | None], looks: int) -> Generator[float | None, None, bool]:
    """Whether `work` was done in a child, within so many looks: not where it gave False or raised. In steps: the loop
    goes on meanwhile, and a child that takes longer, or whose steps are given up, is killed."""
    child = os.fork()
    if child == 0:
        _work_and_exit(work)
    status = None
    try:
        for _ in range(looks):
            yield LOOK_S
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                return status == 0
            status = None
        return False
    finally:
        if status is None:
            os.kill(child, 9)
            os.waitpid(child, 0)


def _work_and_exit(work: Callable[[], bool | None]) -> None:
    code = 1
    try:
        let_go()
        lower_priority()
        code = 1 if work() is False else 0
    finally:
        os._exit(code)
