"""The compiled set in use, the one before it, and the one being written: each change is one rename.

A crash at any moment leaves the old or the new set, whole; the guard's restart then reads whichever is there.
"""

import contextlib
import os
from collections.abc import Callable

from agent.core.model import NotFound
from agent.platform.rulefile import open_ruleset


def previous(target: str) -> str:
    return target + ".previous"


def incoming(target: str) -> str:
    return target + ".incoming"


def open_incoming(target: str) -> int:
    """A new, empty file beside the set, for a job to write the next set into; a descriptor."""
    path = incoming(target)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def discard(target: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(incoming(target))


def forget_previous(target: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(previous(target))


def take(target: str, step: Callable[[str], None] = lambda name: None, worth_keeping: bool = True) -> None:
    """The incoming set takes the place of the one in use, which becomes the previous one, if it is worth going back to;
    BadInput, OSError if not."""
    path = incoming(target)
    open_ruleset(path).close()
    if worth_keeping and os.path.exists(target):
        _second_name(target, previous(target))
    step("previous")
    os.rename(path, target)
    step("taken")


def roll_back(target: str, step: Callable[[str], None] = lambda name: None) -> None:
    """The previous set and the one in use change places; BadInput when there is none or it is damaged."""
    path = previous(target)
    try:
        open_ruleset(path).close()
    except FileNotFoundError as error:
        raise NotFound("no earlier set of lists is kept") from error
    _second_name(target, incoming(target))
    step("linked")
    os.rename(path, target)
    step("taken")
    os.rename(incoming(target), path)
    step("exchanged")


def _second_name(path: str, name: str) -> None:
    """`name` is the same file as `path`, in one step."""
    beside = name + ".link"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(beside)
    with contextlib.suppress(FileNotFoundError):
        os.link(path, beside)
        os.rename(beside, name)
