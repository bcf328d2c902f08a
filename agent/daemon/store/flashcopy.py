"""Writes a copy to flash in a forked child, so that the loop never waits for flash: whole, or not at all."""

import contextlib
import os
from collections.abc import Callable

from agent.daemon.forked import let_go

CHUNK = 1 << 20


def write_and_exit(source_path: str, target_path: str, prepare: Callable[[], None]) -> None:
    """In the child, which ends with 0 when the copy stands. `prepare` is done first; what it raises is a failure."""
    code = 1
    try:
        let_go()
        prepare()
        with open(source_path, "rb") as source, open(target_path + ".new", "wb") as target:
            os.fchmod(target.fileno(), 0o600)
            while chunk := source.read(CHUNK):
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        os.rename(target_path + ".new", target_path)
        code = 0
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(target_path + ".new")
    finally:
        os._exit(code)
