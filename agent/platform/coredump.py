"""What is in memory stays there: no core dumps, as a crash must not write names and history to flash (core(5),
setrlimit(2)), and nothing for other processes of the same user (prctl(2), PR_SET_DUMPABLE)."""

import resource

PR_SET_DUMPABLE = 4  # linux/prctl.h


def forbid() -> None:
    """For this process and what it starts or becomes: no file, and to a program that catches dumps no memory.

    Such a program still gets the registers. A kernel that makes no core dumps needs nothing of this.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with open("/proc/self/coredump_filter", "w") as file:
            file.write("0")
    except OSError:
        return


def keep_out() -> None:
    """Only root looks into this process from here on: no ptrace(2), no pidfd_getfd(2), no /proc/PID/mem for others.

    A program that it becomes starts without that. A job holds a connection on which it may ask for more than others.
    """
    import ctypes  # here: the service's start needs none of it

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "a job can't be closed to others")
