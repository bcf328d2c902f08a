"""Keeps who is held in step with the rules: decides by the wall clock where it can be trusted, and tells the kernel.

A window counts by the wall clock, an end that was given as a length by the household's age: a clock that jumps ends no
hold and makes none longer. Before the time is known no window holds anybody but whom one held when it was last known.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable

from agent.core.consent import ON, Gate
from agent.core.digits import whole
from agent.core.model import LIMITS, Device, Sentence, said_by
from agent.core.schedule import EARLIER, FREE, LATER, OFF, Change, Decision, Rules, Span, decide, next_change
from agent.core.settings import Settings
from agent.core.timezone import DAY_S, weekday
from agent.core.windows import BEDTIME, DAYS, time_text
from agent.daemon.clock import Clock
from agent.daemon.edges import Edges
from agent.daemon.kernel.netfilter import NetfilterError
from agent.daemon.limits.held_file import HeldFile
from agent.daemon.limits.local_zone import LocalZone
from agent.daemon.store.limit_rules import Exemption, Hold
from agent.daemon.store.owners import DEVICE, PERSON, Owner, owner_of
from agent.daemon.store.state import State

ALIVE = "times-kept"  # a file of the run directory with the wall time of the last look
GAP_S = 150  # two looks and a restart
UNKNOWN_S = 600  # of running time, for which who was held stays so before the time is known
LOOK_S = 60  # at the time zone
JUMP_S = 2
TURN_S, CLOSE_S = 1.0, 0.1  # between two looks at the clock; within the last second before something changes
WARNINGS_S = (600, 120)
SPANS = {"free": FREE, "off": LATER, "later": LATER, "earlier": EARLIER}  # of exceptions


class Keeper:
    """`again` brings everything into step, by way of `renew`; `noted()` says that the ledger grew; `uptime()`
    is running time in seconds."""

    def __init__(
        self,
        state: State,
        gate: Gate,
        clock: Clock,
        settings: Settings,
        edges: Edges,
        again: Callable[[], None],
        noted: Callable[[], None],
        uptime: Callable[[], float] = time.monotonic,
    ) -> None:
        self._state = state
        self._gate = gate
        self.clock = clock
        self._settings = settings
        self._edges = edges
        self._again = again
        self._noted = noted
        self._uptime = uptime
        self.local = LocalZone(settings.text("run_dir"))
        self._file = HeldFile(os.path.join(settings.text("state_dir"), "held"))
        self._before = {} if clock.trusted else self._file.read()
        self.decisions: dict[int, Decision] = {}
        self.refusal: str | Sentence = ""
        self._rules: dict[Owner, Rules] = {}
        self._loads = -1
        self._next = 0  # wall time from which something may be different
        self._frame, self._trusted, self._looked = 0.0, False, 0.0
        self._coming: dict[int, Change] = {}
        self._warned: set[tuple[int, int, int]] = set()
        state.limits.over = self._over
        self.used_up: Callable[[Owner], Span | None] = lambda owner: None  # see ScreenTime.span
        self.strangers: Callable[[], frozenset[bytes]] = frozenset  # held because nobody knows them, see Arrivals
        self._alive = os.path.join(settings.text("run_dir"), ALIVE)
        self._last_alive = _read_alive(self._alive)  # None after a reboot, which empties the run directory

    # what holds now

    def renew(self) -> None:
        """Decide for every device, and put it in force. A refusal of the kernel is `refusal`, and tried again."""
        wall, age, trusted = self.clock.wall(), self.clock.age(), self.clock.trusted
        self._frame, self._trusted = wall - self._uptime(), trusted
        before, self.decisions, self._coming = self.decisions, {}, {}
        held, macs = {}, set()
        for device in self._state.devices():
            decision = self._decided(device, wall, age)
            self.decisions[device.id] = decision
            if decision.held and device.mac is not None:
                macs.add(device.mac)
                if decision.why != OFF:
                    held[device.id] = decision.until or wall + 8 * DAY_S
        self._next = min([change.at for change in self._coming.values()], default=wall + DAY_S)
        if not trusted:
            self._next = min(self._next, wall + 10)
        self.refusal = self._refused(frozenset(macs | self.strangers()))
        if trusted:
            self._before = {}
            self._file.save(held)
        for device_id, decision in self.decisions.items():
            if decision != before.get(device_id, Decision(False)):
                self._edges.publish({"event": "hold", "device_id": device_id, "held": decision.held})

    def _decided(self, device: Device, wall: int, age: int) -> Decision:
        if not self.is_on(device):
            return Decision(False)
        rules = self.rules_of(device)
        change = next_change(rules, wall, self.local.zone)
        if change is not None:
            self._coming[device.id] = change
        decision = decide(rules, wall, self.local.zone)
        until = self._before.get(device.id, 0)
        left = int(UNKNOWN_S - self._uptime())
        if not decision.held and left > 0 and until > wall and not self._given_free(rules, wall):
            return Decision(True, BEDTIME, "", min(until, wall + left))
        return decision

    @staticmethod
    def _given_free(rules: Rules, wall: int) -> bool:
        return any(span.kind == FREE and span.begin <= wall < span.until for span in rules.spans)

    def _refused(self, macs: frozenset[bytes]) -> str | Sentence:
        try:
            self._edges.hold(macs)
        except NetfilterError as error:
            return Sentence("The internet can't be turned off: {}.", said_by(error))
        return ""

    def decision(self, device: Device) -> Decision:
        """The one in force."""
        return self.decisions.get(device.id, Decision(False))

    def decided_at(self, device: Device, at: int) -> Decision:
        """What would hold it then, by the rules of now."""
        return decide(self.rules_of(device), at, self.local.zone) if self.is_on(device) else Decision(False)

    def is_on(self, device: Device) -> bool:
        """Whether anything can hold it."""
        if device.never_off:
            return False
        on = self._state.ledger.register.state(device.enrolment, LIMITS) == ON
        return on and LIMITS in self._gate.features(device.slot)

    # rules

    def rules_of(self, device: Device) -> Rules:
        owner = owner_of(device)
        return self.rules(owner, {owner, (DEVICE, device.id)})

    def rules(self, owner: Owner, of: set[Owner] | None = None) -> Rules:
        """The owner's windows, with what was given once to any of `of`."""
        limits = self._state.limits
        if self._loads != limits.loads:
            self._loads, self._rules = limits.loads, {}
        if not self.clock.trusted:
            line = Rules([], [], [])
        else:
            if owner not in self._rules:
                self._rules[owner] = Rules(limits.windows.get(owner, []), limits.dates.get(owner, []), [])
            line = self._rules[owner]
        return line.with_spans(self._spans(of or {owner}))

    def _spans(self, of: set[Owner]) -> list[Span]:
        wall, trusted = self.clock.wall(), self.clock.trusted
        spans = [Span(OFF, 0, self.hold_ends(one)) for one in self._state.limits.holds if one.owner in of]
        for given in self._state.limits.exemptions:
            # What belongs to a window counts where windows do.
            if given.owner in of and (trusted or given.kind == "free"):
                begin = min(given.begin, wall) if given.until_age is not None else given.begin
                spans.append(Span(SPANS[given.kind], begin, self.exemption_ends(given), given.why, given.label))
        if trusted:
            spans += [span for span in map(self.used_up, sorted(of)) if span is not None]
        return [span for span in spans if span.until > wall]

    def hold_ends(self, hold: Hold) -> int:
        """In wall time as it is now. An hour that was named by a clock that was ahead comes too late, or never."""
        end = self.clock.wall() + hold.until_age - self.clock.age()
        return min(end, hold.until_wall) if hold.until_wall is not None and self.clock.trusted else end

    def exemption_ends(self, given: Exemption) -> int:
        if given.until_age is not None:
            return self.clock.wall() + given.until_age - self.clock.age()
        return given.until_wall or 0

    def _over(self) -> tuple[list[int], list[int]]:
        if not self.clock.trusted:
            return [], []
        wall, limits = self.clock.wall(), self._state.limits
        return (
            [one.id for one in limits.holds if self.hold_ends(one) <= wall],
            [one.id for one in limits.exemptions if self.exemption_ends(one) <= wall],
        )

    def decided_for(self, owner: Owner) -> tuple[Decision, Change | None]:
        """For an owner as a whole, and what comes next. A person is held where one of their devices can be."""
        devices = self.devices_of(owner)
        if not any(self.is_on(device) for device in devices):
            return Decision(False), None
        if len(devices) == 1:
            device = devices[0]
            return self.decision(device), self.next_for(device)
        wall, rules = self.clock.wall(), self.rules(owner)
        return decide(rules, wall, self.local.zone), next_change(rules, wall, self.local.zone)

    def next_for(self, device: Device) -> Change | None:
        return self._coming.get(device.id)

    def devices_of(self, owner: Owner) -> list[Device]:
        return [device for device in self._state.devices() if owner_of(device) == owner]

    def name_of(self, owner: Owner) -> str:
        kind, id = owner
        return self._state.person(id).name if kind == PERSON else self._state.device(id).label

    # the clock

    def tick(self) -> float:
        """Look whether anything may be different; returns in how many seconds to look again."""
        wall, up = self.clock.wall(), self._uptime()
        due = wall >= self._next or abs(wall - up - self._frame) > JUMP_S or self.clock.trusted != self._trusted
        if up - self._looked >= LOOK_S:
            self._looked = up
            due = self.local.look() or due or bool(self.refusal)
            self._live(wall)
        if due:
            self._again()
        self._warn(wall)
        return CLOSE_S if 0 <= self._next - wall <= 1 else TURN_S

    def _live(self, wall: int) -> None:
        """Notes that times are kept, and after a start for how long they were not: the router ran, and held nobody."""
        before, self._last_alive = self._last_alive, None
        if self.clock.trusted:
            if before is not None and wall - before > GAP_S:
                self._tell_gap(before, wall)
            with contextlib.suppress(OSError), open(self._alive, "w") as file:
                file.write(str(wall))

    def _tell_gap(self, begin: int, end: int) -> None:
        rows = []
        for device in self._state.devices():
            rules, zone = self.rules_of(device), self.local.zone
            change = next_change(rules, begin, zone)
            missed = decide(rules, begin, zone).held or (change is not None and change.held and change.at < end)
            if missed and self.is_on(device):
                rows.append((device.enrolment, "times", "gap", 0, f"from:{begin} to:{end}"))
        if rows:
            self._state.ledger.append(rows, "schedule", end)
            self._noted()

    def _warn(self, wall: int) -> None:
        for device_id, change in self._coming.items():
            for early in WARNINGS_S:
                key = (device_id, change.at, early)
                if change.held and change.at - early <= wall < change.at and key not in self._warned:
                    self._warned = {one for one in self._warned if one[1] > wall} | {key}
                    self._edges.publish({"event": "hold", "device_id": device_id, "held": False, "at": change.at})

    @property
    def trouble(self) -> str | Sentence:
        """For `status`: why something that was decided is not so."""
        if self.refusal:
            return self.refusal
        if not self.clock.trusted and self._state.limits.windows:
            return "The clock is not confirmed yet: bedtimes wait for it."
        return self.local.trouble if self._state.limits.windows else ""

    # in words

    def time_words(self, at: int) -> str:
        """7:00, or Fri 7:00 where that is not within a day."""
        zone = self.local.zone
        wall = zone.wall(at)
        text = time_text(wall % DAY_S // 60)
        if 0 <= at - self.clock.wall() < DAY_S:
            return text
        day = DAYS[weekday(wall // DAY_S)]
        return day[0].upper() + day[1:] + " " + text

    def words(self, owner: Owner, decision: Decision, coming: Change | None) -> str:
        """ "Mia's bedtime until 7:00" """
        name = self.name_of(owner)
        if not decision.held:
            return "free until " + self.time_words(coming.at) if coming and coming.held else "free"
        until = " until " + self.time_words(decision.until) if decision.until is not None else ""
        if decision.why == OFF:
            return "Internet is off for " + name + until
        if decision.label:
            return name + ": " + decision.label + until
        return (
            name
            + "'s "
            + {"homework": "homework time", "allowance": "time is used up"}.get(decision.why, decision.why)
            + until
        )


def _read_alive(path: str) -> int | None:
    try:
        with open(path) as file:
            return whole(file.read(20).strip())
    except (OSError, UnicodeError):
        return None
