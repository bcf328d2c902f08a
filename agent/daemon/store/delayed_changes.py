"""What has been decided about an adult and takes effect a day later: to be younger, or to lose a device.

Until then the device counts as an adult's, whatever its row says, so that nobody is watched without being asked before
they could notice. A removed device is known again by a salted hash of its address, kept no longer than that day.
"""

import os
from collections.abc import Callable

from agent.core.model import Device
from agent.core.people import NOTICE_S
from agent.core.shapes import Dumped
from agent.daemon.store.state import State

PERSON, DEVICE, ADDRESS = "person", "device", "address"
SALT = "delayed change salt"  # in meta
COLUMNS = "kind, key, change, due, at, proof"


class DelayedChange:
    """`change` as in a ledger row; `due` the household's age at which it takes effect, `at` about the wall time then;
    `proof` says that there was a PIN, without which nobody can confirm it."""

    def __init__(self, kind: str, key: str, change: str, due: int, at: int, proof: int) -> None:
        self.kind = kind
        self.key = key
        self.change = change
        self.due = due
        self.at = at
        self.proof = bool(proof)


class DelayedChanges:
    """`now()` gives (wall seconds, the household's age)."""

    def __init__(self, state: State, now: Callable[[], tuple[int, int]], sha256: Callable[[bytes], bytes]) -> None:
        self._state = state
        self._now = now
        self._sha256 = sha256
        self._waiting = [DelayedChange(*row) for row in state.db.sql.execute(f"SELECT {COLUMNS} FROM delayed_changes")]

    def rows(self) -> list[list[object]]:
        """The values of all of them, as `made` gives those of one."""
        return [[getattr(one, name) for name in COLUMNS.split(", ")] for one in self._waiting]

    def of_person(self, person_id: int) -> list[DelayedChange]:
        return self._find({(PERSON, str(person_id))})

    def of(self, device: Device) -> list[DelayedChange]:
        """What waits for a device itself, and by whose it is."""
        return self._find(self.keys_of(device)) if self._waiting else []

    def keys_of(self, device: Device) -> set[tuple[str, str]]:
        """Kind and key of every change that would be about it."""
        return {(DEVICE, device.enrolment), (ADDRESS, self.address_key(device)), (PERSON, str(device.person_id))}

    def _find(self, keys: set[tuple[str, str]]) -> list[DelayedChange]:
        age = self._now()[1]
        return [one for one in self._waiting if (one.kind, one.key) in keys and one.due > age]

    def address_key(self, device: Device) -> str:
        known_by = device.mac or (device.address or "").encode()
        return self._sha256(bytes.fromhex(self.salt()) + known_by).hex()

    def salt(self) -> str:
        salt = self._state.meta(SALT, "")
        if not salt:
            salt = os.urandom(16).hex()
            self._state.put_meta(SALT, salt)
        return salt

    def made(self, kind: str, key: str, change: str, proof: bool) -> Dumped:
        """The values of a row, from now on for a day."""
        wall, age = self._now()
        return [kind, key, change, age + NOTICE_S, wall + NOTICE_S, int(proof)]

    def lay(self, kind: str, key: str, change: str, proof: bool = False) -> None:
        """From now on for a day. Durable before it returns."""
        row = self.made(kind, key, change, proof)
        with self._state.db.transaction() as sql:
            sql.execute(f"INSERT OR REPLACE INTO delayed_changes({COLUMNS}) VALUES (?,?,?,?,?,?)", row)
        self._waiting = [one for one in self._waiting if (one.kind, one.key) != (kind, key)]
        self._waiting.append(DelayedChange(*row))

    def lift(self, changes: list[DelayedChange]) -> None:
        with self._state.db.transaction() as sql:
            keys = [(one.kind, one.key) for one in changes]
            sql.executemany("DELETE FROM delayed_changes WHERE kind=? AND key=?", keys)
        self._waiting = [one for one in self._waiting if one not in changes]

    def over(self) -> list[DelayedChange]:
        age = self._now()[1]
        return [one for one in self._waiting if one.due <= age]
