"""Two daemons on the same folders would take each other's socket and change each other's files: the first locks them.

These locks (fcntl(2)) are not a forked helper's, and end with the process, however that ends.
"""

import contextlib
import fcntl
import os
import time

from agent.core.model import BadInput
from agent.core.settings import Settings

FOLDERS = ("run_dir", "state_dir")
STOPPING_S = 12.0  # one that stops has removed its socket, and takes ten seconds for its last snapshot
SERVING_S = 1.5  # one whose guard was killed still answers for a moment
LOOK_S = 0.1


class Taken(Exception):
    """Another daemon has the folder; the message says which one, and what to do."""


def hold(settings: Settings) -> list[int]:
    """Makes the folders and locks them until the descriptors are closed. Taken, or BadInput that names the setting."""
    held = []
    for name in FOLDERS:
        folder = settings.text(name)
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            file = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if name == "state_dir":
                continue  # storage that can't be written to is said by `status`, and the other lock holds
            raise BadInput(f"setting {name}: nothing can be made in {folder}: {error.strerror}") from error
        held.append(file)
        _lock(file, folder, os.path.join(settings.text("run_dir"), "control.sock"))
    return held


def _lock(file: int, folder: str, path: str) -> None:
    started = time.monotonic()
    while not _locked(file):
        other, _, path_of_other = os.pread(file, 4096, 0).decode("utf-8", "replace").strip().partition(" ")
        if time.monotonic() - started > (SERVING_S if os.path.exists(path_of_other) else STOPPING_S):
            raise Taken(
                f"another privacy-agent, process {other}, runs on {folder}: stop it first, "
                "or give this one folders of its own (the settings state_dir and run_dir)"
            )
        time.sleep(LOOK_S)
    with contextlib.suppress(OSError):  # full: the lock holds without a name
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()} {path}\n".encode(), 0)


def _locked(file: int) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a file system without locks
        return True
    return True
