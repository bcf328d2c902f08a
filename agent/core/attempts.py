"""Blocked accesses become rows: one for a device, a rule and a minute, however often a program tries."""

from agent.core.model import Attempt, Permit, Rule
from agent.core.shares import Shares

REPEAT_S = 60  # what is blocked again within this time by the same rule is counted in the same row
WAITING_MAX = 500  # one device's rows for the next batch, a second's; more rules than that block a loop, not a person
NAMES_MAX = 3  # of one row; more below one rule are made up by a program
OPEN_MAX = 1000  # rows that may still grow, some 300 bytes each


class Attempts:
    """The rows that may still grow. `dropped` counts accesses that found no room."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, int, str, str, str], Attempt] = {}
        self._dirty: dict[int, Attempt] = {}  # by identity
        self._shares = Shares(2 * WAITING_MAX)
        self.dropped = 0

    def observe(self, permit: Permit, rule: Rule, target: str, source: str, hits: int, at: int, age: int) -> None:
        """Count one in. In doubt (no room) it is dropped and counted."""
        key = (permit.device_id, permit.epoch, rule.scope, rule.list_id, rule.text)
        row = self._open.get(key)
        if row is None or age - row.began >= REPEAT_S:
            row = Attempt(permit.device_id, permit.epoch, target, source, at, age, 0, rule)
        if id(row) not in self._dirty:
            if not self._shares.take(permit.device_id):
                self.dropped += hits
                return
            self._dirty[id(row)] = row
        self._make_room()
        self._open[key] = row
        row.hits += hits
        row.at, row.age = at, age
        if target not in row.names:
            row.names.append(target)
            self._named(row)

    @staticmethod
    def _named(row: Attempt) -> None:
        """The first name stands for a few; for many below a listed one, that one."""
        if len(row.names) > NAMES_MAX:
            row.names.pop()
            if row.target != row.rule.text and below(row.target, row.rule.text):
                row.target = row.rule.text

    def _make_room(self) -> None:
        if len(self._open) < OPEN_MAX:
            return
        by_age = sorted([(row.began, key) for key, row in self._open.items()])
        for _, key in by_age[: OPEN_MAX // 4]:
            del self._open[key]  # it only stops growing: what is dirty is still stored

    def dirty(self) -> list[Attempt]:
        """The rows that changed since `written` was called; each is to be stored, then `written` called."""
        return list(self._dirty.values())

    def written(self, some: list[Attempt] | None = None) -> None:
        """All of them by default."""
        for one in self.dirty() if some is None else some:
            del self._dirty[id(one)]
        if not self._dirty:
            self._shares = Shares(2 * WAITING_MAX)

    def lost(self) -> None:
        """Nothing of what is here grows on: it was not stored, or the clock was set."""
        self._open.clear()

    def close(self, epochs: list[int]) -> list[Attempt]:
        """End all rows of these epochs; returns those that still have to be stored."""
        waiting = [row for row in self._dirty.values() if row.epoch in epochs]
        for row in waiting:
            del self._dirty[id(row)]
            self._shares.give(row.device_id)
        self._open = {key: row for key, row in self._open.items() if row.epoch not in epochs}
        return waiting

    def drop(self, ids: set[int]) -> None:
        """Rows with these ids were removed from the store: they must not grow on."""
        for row in [row for row in self._dirty.values() if row.id in ids]:
            del self._dirty[id(row)]
            self._shares.give(row.device_id)
        self._open = {key: row for key, row in self._open.items() if row.id not in ids}


def below(target: str, text: str) -> bool:
    """Whether a name is another or below it."""
    return target == text or target.endswith("." + text)
