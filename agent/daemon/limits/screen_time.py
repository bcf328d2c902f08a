"""Minutes of use: counted for whom `usage` is on, added up for each person, and compared with what they may have.

Once a minute the kernel says how many packets each device sent; of that stays whether the minute was busy, no more.
Which day it is goes by the router's zone, so nothing is counted before the clock is confirmed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from agent.core import minutes
from agent.core.allowance_day import AllowanceDay, day_at
from agent.core.consent import Gate
from agent.core.model import USAGE, Device, DeviceDay, Sentence, said_by
from agent.core.schedule import ALLOWANCE, Span, Timeline
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
        self._settings = settings
        self._file = UsedFile(os.path.join(settings.text("state_dir"), "used"))
        self._noted = self._file.read()  # as the file has it
        # (day, its minutes that no row has): from before the power went
        self._before: dict[Owner, tuple[int, int]] = {}
        self._seen: dict[int, tuple[int, int, int]] = {}  # device → epoch, and its counters at the last look
        self._looked: float | None = None
        self._sums: dict[Owner, tuple[int, int]] = {}  # (day, minutes)
        self._days: dict[Owner, AllowanceDay] = {}
        self._days_by: tuple[object, ...] = ()  # what they were found by
        self._midnight = -1  # the local day of the last look
        self._over: set[Owner] = set()
        self._owners: set[Owner] = set()  # of whom any device is counted, as of the last toggle
        self._safe: set[Owner] = set()  # of whom it was noted since the start
        self._told: dict[Owner, int] = {}  # what was left when the last warning was given
        self.refusal: str | Sentence = ""
        self._offloaded: str | Sentence = ""
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
            self.refusal = Sentence("Minutes can't be counted: {}.", said_by(error))
        owners = self._owners = {owner_of(device) for device in counted}
        if self.begun and any(owner not in owners for owner in self._noted):
            self._note({owner: noted for owner, noted in self._noted.items() if owner in owners})
            self._before = {owner: both for owner, both in self._before.items() if owner in owners}
        self._sums = {}

    @property
    def trouble(self) -> str | Sentence:
        """For `status`: why minutes are not counted."""
        return self.refusal or self._offloaded

    # once a minute

    def minute(self) -> None:
        """What was sent since the last look makes it a busy minute or not. StorageError."""
        counted, looked, up = self.counted(), self._looked, self._uptime()
        self._looked = up
        self._offloaded = (
            Sentence("Minutes are not counted: {}.", OFFLOADED) if counted and self._edges.offloaded() else ""
        )
        if not self._clock.trusted:
            self._seen = {}
            return
        try:
            counts = self._edges.counts() if counted else {}
        except NetfilterError:
            return  # the next look has them
        now = self._clock.wall() - 30  # in its midst
        midnight = self._local.zone.wall(now) // DAY_S
        self._recorder.days.turn({owner: self.day_of(owner, now) for owner in self._owners})
        if midnight != self._midnight:
            self._midnight = midnight
            self._recorder.days.part()  # when it was within a day is not kept, also where an allowance goes on
        in_time = looked is not None and up - looked <= LATE_S
        for device in counted:
            sent = self._since(device, counts.get(device.mac or b""))
            if sent is not None and in_time and minutes.busy(*sent):
                minute = (now - self._local.zone.instant(midnight * DAY_S)) // 60
                self._recorder.busy(device.slot, self._gate.generation(device.slot), minute, self._row(device, now))
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

    def _row(self, device: Device, at: int) -> DeviceDay:
        """The device's day at that wall time."""
        owner = owner_of(device)
        day = self.day_of(owner, at)
        midnight = self._local.zone.instant(day * DAY_S)
        return DeviceDay(device.id, 0, owner, day, midnight, self._clock.age() - (self._clock.wall() - midnight))

    # what is used, and what of it may be

    def used(self, owner: Owner) -> int:
        """Minutes of today, of whoever is counted."""
        day = self.day_of(owner)
        known = self._sums.get(owner)
        if known is None or known[0] != day:
            self._sums[owner] = known = (day, self._recorded(owner, day))
            self._add_noted(owner, *known)
        before = self._before.get(owner, (day, 0))
        return known[1] + (before[1] if before[0] == day else 0)

    def allowed(self, owner: Owner) -> int | None:
        """Minutes of today, with what was given beside; None without a limit."""
        day = self.day_of(owner)
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
    def wakes(self) -> bool:
        """Whether a day of an allowance begins when bedtime ends, and not at midnight."""
        return self._settings.text("allowance_resets") == "wake"

    def day_of(self, owner: Owner, at: int | None = None) -> int:
        """Today for their allowance, in local days since 1970; or the day of that wall time."""
        return self._day(owner, self._clock.wall() if at is None else at).number

    def _day(self, owner: Owner, at: int) -> AllowanceDay:
        by = (self._state.limits.loads, self._local.zone, self.wakes)
        if by != self._days_by:
            self._days, self._days_by = {}, by
        known = self._days.get(owner)
        if known is None or not known.begin <= at < known.until:
            limits = self._state.limits
            line = Timeline(limits.windows.get(owner, []), limits.dates.get(owner, []))
            known = day_at(line if self.wakes else Timeline([], []), at, self._local.zone)
            self._days[owner] = known
        return known

    def span(self, owner: Owner) -> Span | None:
        """Until their day is over nobody whose minutes are used up goes on. For the keeper."""
        if owner not in self._state.limits.allowances.weeks or self.left(owner) != 0:
            return None
        return Span(ALLOWANCE, 0, self._day(owner, self._clock.wall()).until)

    def _recorded(self, owner: Owner, day: int) -> int:
        """By the rows and by what runs, of whoever is counted."""
        device = next((one for one in self._state.devices() if owner_of(one) == owner), None)
        if device is None or owner not in self._owners:
            return 0
        running = [row for row in self._recorder.days.running(day) if row.group == owner]
        return self._stored(owner, device, day, [row.epoch for row in running]) + sum(row.alone for row in running)

    def _stored(self, owner: Owner, device: Device, day: int, running: list[int]) -> int:
        rows = Selection("usage").on_day(day).not_of(running)
        if owner[0] == PERSON:
            return by_day(self._records, rows.of_person(owner[1]), "alone").get(day, 0)
        rows = rows.of_device(owner[1]).made_of(device.person_id or 0, int(device.shared))
        return by_day(self._records, rows, "minutes").get(day, 0)

    def _add_noted(self, owner: Owner, day: int, recorded: int) -> None:
        """Once after a start: what the file says beyond the rows."""
        noted = self._noted.get(owner)
        if owner not in self._before and noted is not None and owner in self._owners:
            self._before[owner] = (noted[0], max(0, noted[1] - recorded) if noted[0] == day else 0)

    def _follow(self, counted: list[Device]) -> None:
        """Whoever has used up what they may is held, and free again when there is more; both pages are told."""
        before, self._sums = self._sums, {}
        over = {owner for owner in self._state.limits.allowances.weeks if self.left(owner) == 0}
        for device in counted:
            owner = owner_of(device)
            self.used(owner)
            if self._sums[owner] != before.get(owner):
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
        found = {}
        for owner in self._state.limits.allowances.weeks:
            allowed = self.allowed(owner)
            if allowed and self.counts_for(owner):
                used, day = self.used(owner), self.day_of(owner)
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
            self._note({owner: (self.day_of(owner), self.used(owner)) for owner in owners if self.used(owner)})

    def _note(self, used: dict[Owner, tuple[int, int]]) -> None:
        if used != self._noted:
            self._noted = used
            self._file.save(used)

    def erased(self, device: Device) -> None:
        """Rows of it were erased: no sum of them stays either."""
        owner = owner_of(device)
        self._before[owner] = (0, 0)
        self._note({one: noted for one, noted in self._noted.items() if one not in (owner, (DEVICE, device.id))})
        self._sums = {}
