"""No core dumps: names and history are in memory, and a crash must not write them to flash (core(5), setrlimit(2))."""

import contextlib
import ctypes

RLIMIT_CORE = 4  # asm-generic/resource.h; the same on every processor


def forbid() -> None:
    """For this process and what it starts or becomes: no file, and to a program that catches dumps no memory.

    Such a program still gets the registers. A kernel that makes no core dumps needs nothing of this.
    """
    none = ctypes.create_string_buffer(16)  # two limits of 0, of four or eight bytes
    ctypes.CDLL(None).setrlimit(RLIMIT_CORE, none)
    with contextlib.suppress(OSError), open("/proc/self/coredump_filter", "w") as file:
        file.write("0")
