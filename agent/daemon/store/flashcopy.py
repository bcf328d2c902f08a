"""Writes a copy to flash in a forked child, so that the loop never waits for flash: whole, or not at all."""

import contextlib
import os
from collections.abc import Callable, Iterable

from agent.daemon.forked import let_go

CHUNK = 1 << 20


def write_and_exit(source_path: str, target_path: str, prepare: Callable[[], None]) -> None:
    """In the child, which ends with 0 when the copy stands. `prepare` is done first; what it raises is a failure."""
    code = 1
    try:
        let_go()
        prepare()
        with open(source_path, "rb") as source:
            synced(target_path, iter(lambda: source.read(CHUNK), b""))
        code = 0
    finally:
        os._exit(code)


def synced(path: str, pieces: Iterable[bytes]) -> None:
    """A file of these, whole on the disk or not there. OSError."""
    try:
        with open(path + ".new", "wb") as target:
            os.fchmod(target.fileno(), 0o600)
            for piece in pieces:
                target.write(piece)
            target.flush()
            os.fsync(target.fileno())
        os.rename(path + ".new", path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(path + ".new")
        raise
