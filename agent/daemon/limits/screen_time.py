"""Minutes of use: counted for whom `usage` is on, added up for each person, and compared with what they may have.

Once a minute the kernel says how many packets each device sent; of that stays whether the minute was busy, no more.
Which day it is goes by the router's zone, so nothing is counted before the clock is confirmed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from agent.core import minutes
from agent.core.consent import Gate
from agent.core.model import USAGE, Device, DeviceDay
from agent.core.schedule import ALLOWANCE, Span
from agent.core.settings import Settings
from agent.core.timezone import DAY_S, weekday
from agent.daemon.clock import Clock
from agent.daemon.edges import Edges
from agent.daemon.kernel.netfilter import NetfilterError
from agent.daemon.limits.local_zone import LocalZone
from agent.daemon.limits.used_file import UsedFile
from agent.daemon.store.history_db import HistoryDb
from agent.daemon.store.owners import DEVICE, PERSON, Owner, owner_of
from agent.daemon.store.recorder import Recorder
from agent.daemon.store.selection import Selection
from agent.daemon.store.state import State
from agent.daemon.store.usage_rows import by_day

LATE_S = 150  # between two looks: more, and nobody can say in which minute the packets were
WARNINGS = (10, 2)  # minutes left
PARTS = 4  # of an allowance: at each it is noted on flash how much is used
FIRST = 3  # minutes after a start, too: pulling the plug again and again is not worth it
BY_ADDRESS = "devices are known by their address here, for identity is address: minutes can't be counted"
OFFLOADED = "flow offloading is on: its packets pass no rule, so minutes can't be counted"


class ScreenTime:
    """`again` decides anew who is held; `uptime()` is running time in seconds."""

    def __init__(
        self,
        state: State,
        records: HistoryDb,
        recorder: Recorder,
        gate: Gate,
        clock: Clock,
        settings: Settings,
        edges: Edges,
        local: LocalZone,
        again: Callable[[], None],
        uptime: Callable[[], float] = time.monotonic,
    ) -> None:
        self._state = state
        self._records = records
        self._recorder = recorder
        self._gate = gate
        self._clock = clock
        self._edges = edges
        self._local = local
        self._again = again
        self._uptime = uptime
        self._file = UsedFile(os.path.join(settings.text("state_dir"), "used"))
        self._noted = self._file.read()  # as the file has it
        self._before: dict[Owner, int] = {}  # minutes of today that no row has: from before the power went
        self._seen: dict[int, tuple[int, int, int]] = {}  # device → epoch, and its counters at the last look
        self._looked: float | None = None
        self._sums: dict[Owner, int] = {}
        self._day = -1  # of the sums
        self._over: set[Owner] = set()
        self._owners: set[Owner] = set()  # of whom any device is counted, as of the last toggle
        self._safe: set[Owner] = set()  # of whom it was noted since the start
        self._told: dict[Owner, int] = {}  # what was left when the last warning was given
        self.refusal = self._offloaded = ""
        self.begun = False  # the gate is as the ledger has it

    # who is counted

    def is_on(self, device: Device) -> bool:
        return USAGE in self._gate.features(device.slot)

    def counted(self) -> list[Device]:
        return [device for device in self._state.devices() if device.mac is not None and self.is_on(device)]

    def renew(self) -> None:
        """The kernel counts whom it is to. Called at each toggle and change of a device, after the gate."""
        counted = self.counted()
        self._seen = {device.id: self._seen[device.id] for device in counted if device.id in self._seen}
        try:
            self._edges.count(frozenset([device.mac for device in counted if device.mac is not None]))
            self.refusal = ""
        except NetfilterError as error:
            self.refusal = f"Minutes can't be counted: {error}."
        owners = self._owners = {owner_of(device) for device in counted}
        if self.begun and any(owner not in owners for owner in self._noted):
            self._note({owner: noted for owner, noted in self._noted.items() if owner in owners})
            self._before = {owner: count for owner, count in self._before.items() if owner in owners}
        self._day = -1

    @property
    def trouble(self) -> str:
        """For `status`: why minutes are not counted."""
        return self.refusal or self._offloaded

    # once a minute

    def minute(self) -> None:
        """What was sent since the last look makes it a busy minute or not. StorageError."""
        counted, looked, up = self.counted(), self._looked, self._uptime()
        self._looked = up
        self._offloaded = f"Minutes are not counted: {OFFLOADED}." if counted and self._edges.offloaded() else ""
        if not self._clock.trusted:
            self._seen = {}
            return
        try:
            counts = self._edges.counts() if counted else {}
        except NetfilterError:
            return  # the next look has them
        now = self._clock.wall() - 30  # in its midst
        day = self._today(now)
        self._recorder.days.turn(day.day)
        in_time = looked is not None and up - looked <= LATE_S
        for device in counted:
            sent = self._since(device, counts.get(device.mac or b""))
            if sent is not None and in_time and minutes.busy(*sent):
                row = DeviceDay(device.id, 0, owner_of(device), day.day, day.at, day.age)
                self._recorder.busy(device.slot, self._gate.generation(device.slot), (now - day.at) // 60, row)
        self._follow(counted)

    def _since(self, device: Device, counts: tuple[int, int] | None) -> tuple[int, int] | None:
        """Packets and bytes since the last look; None where there was none in this epoch."""
        before = self._seen.pop(device.id, None)
        if counts is None:
            return None
        epoch = self._state.ledger.register.epoch(device.enrolment, USAGE)
        self._seen[device.id] = (epoch, *counts)
        if before is None or before[0] != epoch:
            return None
        if counts[0] < before[1]:  # the table was made anew
            return counts
        return counts[0] - before[1], counts[1] - before[2]

    def _today(self, at: int) -> DeviceDay:
        """The day of that wall time, without a device."""
        zone = self._local.zone
        day = zone.wall(at) // DAY_S
        midnight = zone.instant(day * DAY_S)
        return DeviceDay(0, 0, ("", 0), day, midnight, self._clock.age() - (self._clock.wall() - midnight))

    # what is used, and what of it may be

    def used(self, owner: Owner) -> int:
        """Minutes of today, of whoever is counted."""
        self._add_up()
        return self._sums.get(owner, 0) + self._before.get(owner, 0)

    def allowed(self, owner: Owner) -> int | None:
        """Minutes of today, with what was given beside; None without a limit."""
        day = self.day
        return self._state.limits.allowances.of_day(owner, day, weekday(day))

    def left(self, owner: Owner) -> int | None:
        """Minutes of today; None where nothing limits them, or they are not counted."""
        allowed = self.allowed(owner)
        if allowed is None or not self.counts_for(owner):
            return None
        return max(0, allowed - self.used(owner))

    def counts_for(self, owner: Owner) -> bool:
        return owner in self._owners

    @property
    def day(self) -> int:
        """Today, in local days since 1970."""
        return self._local.zone.wall(self._clock.wall()) // DAY_S

    def span(self, owner: Owner) -> Span | None:
        """Until midnight nobody whose minutes are used up goes on. For the keeper."""
        if owner not in self._state.limits.allowances.weeks or self.left(owner) != 0:
            return None
        return Span(ALLOWANCE, 0, self._local.zone.instant((self.day + 1) * DAY_S))

    def _add_up(self) -> None:
        day = self.day
        if day == self._day:
            return
        self._day, self._sums = day, {}
        running = self._recorder.days.running(day)
        for device in self._state.devices():
            owner = owner_of(device)
            if owner in self._owners and owner not in self._sums:
                self._sums[owner] = self._stored(owner, device, day, [row.epoch for row in running])
                self._sums[owner] += sum(row.alone for row in running if row.group == owner)
                self._add_noted(owner, day)

    def _stored(self, owner: Owner, device: Device, day: int, running: list[int]) -> int:
        rows = Selection("usage").on_day(day).not_of(running)
        if owner[0] == PERSON:
            return by_day(self._records, rows.of_person(owner[1]), "alone").get(day, 0)
        rows = rows.of_device(owner[1]).made_of(device.person_id or 0, int(device.shared))
        return by_day(self._records, rows, "minutes").get(day, 0)

    def _add_noted(self, owner: Owner, day: int) -> None:
        """Once after a start: what the file says beyond the rows."""
        noted = self._noted.get(owner)
        if owner in self._before or noted is None:
            return
        self._before[owner] = max(0, noted[1] - self._sums[owner]) if noted[0] == day else 0

    def _follow(self, counted: list[Device]) -> None:
        """Whoever has used up what they may is held, and free again when there is more; both pages are told."""
        before, self._day = dict(self._sums), -1
        self._add_up()
        over = {owner for owner in self._state.limits.allowances.weeks if self.left(owner) == 0}
        for device in counted:
            owner = owner_of(device)
            if self._sums.get(owner) != before.get(owner):
                self._edges.publish({"event": "usage", "device_id": device.id})
        for owner in sorted({owner_of(device) for device in counted}):
            left = self._warning(owner)
            for device in counted:
                if left is not None and owner_of(device) == owner:
                    self._edges.publish({"event": "hold", "device_id": device.id, "held": False, "left": left})
        self._note_parts()
        if over != self._over:
            self._over = over
            self._again()

    def _warning(self, owner: Owner) -> int | None:
        """The minutes left, where few are and it is new."""
        left, told = self.left(owner), self._told.pop(owner, None)
        if left is None or not 0 < left <= WARNINGS[0]:
            return None
        step = min([few for few in WARNINGS if left <= few])
        self._told[owner] = step
        return left if told != step else None

    # through a restart

    def _note_parts(self) -> None:
        day = self.day
        found = {}
        for owner in self._state.limits.allowances.weeks:
            allowed = self.allowed(owner)
            if allowed and self.counts_for(owner):
                used = self.used(owner)
                noted = self._noted.get(owner, (day, 0))
                crossed = noted[0] != day or used * PARTS // allowed != noted[1] * PARTS // allowed
                if crossed or (owner not in self._safe and used - noted[1] >= FIRST):
                    self._safe.add(owner)
                    noted = (day, used)
                found[owner] = noted
        self._note({owner: both for owner, both in found.items() if both[1]})

    def save(self) -> None:
        """At an orderly stop: all of it."""
        if self._clock.trusted:
            owners = [owner for owner in self._state.limits.allowances.weeks if self.left(owner) is not None]
            self._note({owner: (self.day, self.used(owner)) for owner in owners if self.used(owner)})

    def _note(self, used: dict[Owner, tuple[int, int]]) -> None:
        if used != self._noted:
            self._noted = used
            self._file.save(used)

    def erased(self, device: Device) -> None:
        """Rows of it were erased: no sum of them stays either."""
        owner = owner_of(device)
        self._before[owner] = 0
        self._note({one: noted for one, noted in self._noted.items() if one not in (owner, (DEVICE, device.id))})
        self._day = -1
