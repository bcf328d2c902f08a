"""Each device's running day of minutes, and what a person's devices make together.

Devices of one `group` (a person's own) share their minutes: two screens at once are one. The number that a device's row
has `alone` leaves out what another of the group was counted for, so that a person's minutes are the sum of theirs.
"""

from agent.core.minutes import alone, beyond, mark, minutes
from agent.core.model import DeviceDay, Permit


class DayMinutes:
    """The days that may still grow, one for an epoch."""

    def __init__(self) -> None:
        self._open: dict[int, DeviceDay] = {}
        self._dirty: dict[int, DeviceDay] = {}  # by identity

    def day_of(self, epoch: int) -> "DeviceDay | None":
        return self._open.get(epoch)

    def begin(self, permit: Permit, day: DeviceDay) -> None:
        """The day is the epoch's from here on; the one before grows no more."""
        if (permit.device_id, permit.epoch) == (day.device_id, day.epoch):
            self._open[day.epoch] = day

    def observe(self, permit: Permit, minute: int) -> None:
        """The minute of the epoch's day was busy."""
        day = self._open.get(permit.epoch)
        if day is None or day.device_id != permit.device_id:
            return
        day.bits = mark(day.bits, minute)
        self._tell(day.group, day.day)

    def _tell(self, group: "tuple[str, int]", number: int) -> None:
        """The numbers of a group's devices, anew."""
        days = self._together(group, number)
        own = alone([day.bits for day in days])
        for at, day in enumerate(days):
            found = (day.began[0] + minutes(day.bits), day.began[1] + own[at])
            if found != (day.minutes, day.alone):
                day.minutes, day.alone = found
                self._dirty[id(day)] = day

    def _together(self, group: "tuple[str, int]", number: int) -> "list[DeviceDay]":
        """By their epochs: of two at once the one that was switched on first has the minute."""
        epochs = sorted(self._open)
        return [self._open[one] for one in epochs if (self._open[one].group, self._open[one].day) == (group, number)]

    def running(self, day: int) -> "list[DeviceDay]":
        """Those of that day."""
        return [one for one in self._open.values() if one.day == day]

    def turn(self, today: "dict[tuple[str, int], int]") -> None:
        """Which day it is now for each group: what was when on another one is forgotten."""
        self._open = {epoch: one for epoch, one in self._open.items() if one.day == today.get(one.group)}

    def dirty(self) -> "list[DeviceDay]":
        """The days that changed since `written` was called; each is to be stored, then `written` called."""
        return list(self._dirty.values())

    def written(self, some: "list[DeviceDay] | None" = None) -> None:
        """All of them by default."""
        for one in self.dirty() if some is None else some:
            del self._dirty[id(one)]

    def close(self, epochs: "list[int]") -> "list[DeviceDay]":
        """End the days of these epochs; returns those that still have to be stored. What another device goes on
        counting is no longer theirs alone."""
        for epoch in epochs:
            if epoch in self._open:
                self._end(self._open.pop(epoch))
        waiting = [day for day in self._dirty.values() if day.epoch in epochs]
        self.written(waiting)
        return waiting

    def _end(self, day: DeviceDay) -> None:
        others = [other.bits for other in self._together(day.group, day.day)]
        own = day.began[1] + beyond(day.bits, others)
        if own != day.alone:
            day.alone = own
            self._dirty[id(day)] = day
        day.bits = 0
        self._tell(day.group, day.day)

    def drop(self, ids: "set[int]") -> None:
        """Rows with these ids were removed from the store: they must not grow on."""
        for day in [day for day in self._open.values() if day.id in ids]:
            del self._open[day.epoch]
            self._tell(day.group, day.day)
        self.written([day for day in self._dirty.values() if day.id in ids])

    def part(self) -> None:
        """Which minute was which is no longer known. What was counted stays."""
        for day in self._open.values():
            day.began, day.bits = (day.minutes, day.alone), 0
