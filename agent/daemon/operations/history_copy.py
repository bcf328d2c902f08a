"""The copy of the history on flash: sealed to a passphrase or not, and opening it after a restart."""

import os
from collections.abc import Generator

from agent.control.messages import Reply, Request
from agent.core.model import BadInput, Sentence
from agent.daemon.erasing import rewrite_snapshot
from agent.daemon.household import Household
from agent.daemon.operations.arguments import OperationRejected, text
from agent.daemon.store import copy_sealing
from agent.daemon.store.connection import discard
from agent.daemon.store.copy_sealing import KEY, SALT_BYTES, CopyKey

PASSPHRASE_MIN, PASSPHRASE_MAX = 10, 200
Steps = Generator[float | None, None, object]


def status(household: Household, request: Request) -> Reply:
    snapshots = household.snapshots
    return {
        "wanted": snapshots.wanted,
        "exists": snapshots.exists,
        "sealed": snapshots.key is not None,
        "locked": snapshots.locked,
    }


def seal(household: Household, request: Request) -> Steps:
    """From here on copies are sealed to this passphrase, the one that is there first of all."""
    snapshots = household.snapshots
    passphrase = _passphrase(request)
    if snapshots.locked:
        raise OperationRejected("conflict", "unlock the history from before the restart first, or delete it")
    salt = os.urandom(SALT_BYTES)
    with _Alone(household):
        public = yield from copy_sealing.public_of(passphrase, salt, household.settings.text("run_dir"))
    if public is None:
        raise OperationRejected("busy", "there is not enough memory for this now: try again")
    key = CopyKey(salt, public)
    household.state.put_meta(KEY, key.text())
    snapshots.key = key
    yield from rewrite_snapshot(household)
    return _announced(household, request)


def _passphrase(request: Request) -> str:
    passphrase = text(request, "passphrase", PASSPHRASE_MAX)
    if len(passphrase) < PASSPHRASE_MIN:
        raise BadInput(Sentence("the passphrase must have at least {} characters", PASSPHRASE_MIN))
    return passphrase


class _Alone:
    """One passphrase at a time: each takes memory."""

    def __init__(self, household: Household) -> None:
        self._proofs = household.people.proofs

    def __enter__(self) -> None:
        if self._proofs.busy:
            raise OperationRejected("busy", "another password is being checked")
        self._proofs.busy = True

    def __exit__(self, *_: object) -> None:
        self._proofs.busy = False


def unlock(household: Household, request: Request) -> Steps:
    """Open the copy of before the restart. The daemon starts again, with it and with what was recorded since."""
    snapshots = household.snapshots
    if not snapshots.locked or snapshots.key is None:
        raise OperationRejected("conflict", "there is no locked history")
    target = snapshots.live + ".unlocked"
    with _Alone(household):
        right = yield from copy_sealing.opened(
            text(request, "passphrase", PASSPHRASE_MAX), snapshots.key, snapshots.sealed, target
        )
    if not right or not snapshots.locked:
        discard(target)
        raise OperationRejected("forbidden", "the passphrase is not right")
    household.in_hand.unlocked = target
    household.edges.restart("the history of before the restart was unlocked")
    return {"unlocked": True}


def unseal(household: Household, request: Request) -> Steps:
    """Copies are stored as they are again."""
    snapshots = household.snapshots
    if snapshots.locked:
        raise OperationRejected("conflict", "unlock the history from before the restart first, or delete it")
    # The plain one stands before the key goes: without it a sealed one would be of no use.
    key, snapshots.key = snapshots.key, None
    try:
        yield from rewrite_snapshot(household)
        household.state.put_meta(KEY, "null")
    except BaseException:
        snapshots.key = key
        raise
    return _announced(household, request)


def drop(household: Household, request: Request) -> Reply:
    """Delete a copy that is locked, unread."""
    if not household.snapshots.locked:
        raise OperationRejected("conflict", "there is no locked history")
    household.snapshots.drop()
    return _announced(household, request)


def _announced(household: Household, request: Request) -> Reply:
    household.edges.publish({"event": "status"})
    return status(household, request)


TABLE = {
    "history_copy.status": status,
    "history_copy.seal": seal,
    "history_copy.unlock": unlock,
    "history_copy.unseal": unseal,
    "history_copy.drop": drop,
}
