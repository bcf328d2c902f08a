"""A job that must not outlive its parent, however that ends: the kernel kills it (prctl(2), PR_SET_PDEATHSIG)."""

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent() -> None:
    """From here on this process ends when its parent does; at once if it has gone already. OSError if it can't be."""
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "a job can't be tied to its parent")
    # The parent may have gone before the call: then nobody sends the signal any more.
    if os.getppid() != parent or parent == 1:
        os.kill(os.getpid(), signal.SIGKILL)
