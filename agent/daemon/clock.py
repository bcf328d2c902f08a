"""The clocks: wall time, whether it is set and can be trusted, and the household's age (core/history.AgeClock).

A clock that is set may still be wrong: OpenWrt starts with the time of the newest file below /etc, so the time of the
last write before the power went. Therefore the age hears of a wall time only once NTP has confirmed it.
"""

import os
import time
from collections.abc import Callable

from agent.core.history import AgeClock

# A router without a battery wakes up in 1970 or at its firmware's build time. Before this date the clock is not set.
SET_SINCE = 1_767_225_600  # 2026-01-01
# The init script says so where NTP runs; a script that NTP calls makes this file in run_dir, which a reboot empties.
WAITS_FOR_NTP = "PRIVACY_AGENT_CLOCK"
CONFIRMED = "clock-confirmed"
STEP_S = 30  # what NTP corrects by slewing is less


def confirmation(run_dir: str) -> str:
    """The file that says that NTP has set the clock, or "" where nobody would make it."""
    return os.path.join(run_dir, CONFIRMED) if os.environ.get(WAITS_FOR_NTP) == "ntp" else ""


def boot_id() -> str:
    """The kernel's random id of this boot, or "" where there is none."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


class Correction:
    """What became known when the clock was set. Whatever this boot stamped until then has an age from `began` to
    `upto`, and wall minus age is one of `frames`; it is to be `frame`, and the ages `jump` more (the time without
    power)."""

    def __init__(self, began: int, upto: int, frames: list[int], frame: int, jump: int) -> None:
        self.began = began
        self.upto = upto
        self.frames = frames
        self.frame = frame
        self.jump = jump


class Clock:
    """`saved` is what `save` returned last, also before a reboot; `awaited` is what `confirmation` returns.

    `correction` is there from when the clock was set until somebody has made use of it and cleared it.
    """

    def __init__(self, saved: str = "", awaited: str = "") -> None:
        self.boot = boot_id()
        self._awaited = awaited
        self._age = _parse(saved)
        self._frame: int | None = None  # wall minus age, as long as the wall clock does not jump
        self._frames: list[int] = []  # those of before, until the clock is trusted
        self._sure = False
        self._stepped: list[Callable[[], None]] = []
        self.correction: Correction | None = None

    @property
    def is_set(self) -> bool:
        return self.wall() >= SET_SINCE

    @property
    def trusted(self) -> bool:
        """Set, and by NTP where that is to be expected. Once so, it stays so until the daemon ends."""
        if self._awaited and os.path.exists(self._awaited):
            self._awaited = ""
        return self.is_set and not self._awaited

    def wall(self) -> int:
        return int(time.time())

    def month(self) -> tuple[int, int]:
        """Year and month, UTC."""
        now = time.gmtime(self.wall())
        return now.tm_year, now.tm_mon

    def age(self) -> int:
        trusted, wall, monotonic = self.trusted, self.wall(), int(time.monotonic())
        age = self._age.tick(self.boot, monotonic, None)
        self._watch(wall - age)
        if not trusted:
            self._sure = False
            return age
        after = self._age.tick(self.boot, monotonic, wall)
        if not self._sure:
            self._sure = True
            if self._frames or after != age:
                self.correction = Correction(age - monotonic, age, self._frames, wall - age, after - age)
        if after != age:
            self._frame = wall - after
            self._tell()
        return after

    def _watch(self, frame: int) -> None:
        before, self._frame = self._frame, frame
        if before is None or abs(frame - before) <= STEP_S:
            return
        if not self._sure:
            self._frames.append(before)
        self._tell()

    def on_step(self, call: Callable[[], None]) -> None:
        """To be called when the wall clock jumped, before a time after it is given."""
        self._stepped.append(call)

    def _tell(self) -> None:
        for call in self._stepped:
            call()

    def now(self) -> tuple[int, int]:
        """Wall seconds and age."""
        return self.wall(), self.age()

    def save(self) -> str:
        self.age()
        clock = self._age
        fields = (clock.age, clock.boot or "-", clock.monotonic, clock.wall or 0, clock.wall_age, int(clock.settled))
        return " ".join(str(field) for field in fields)


def _parse(saved: str) -> AgeClock:
    fields = saved.split()
    if len(fields) != 6:
        return AgeClock(boot=boot_id(), monotonic=int(time.monotonic()))
    age, boot, monotonic, wall, wall_age, settled = fields
    try:
        return AgeClock(int(age), boot, int(monotonic), int(wall) or None, int(wall_age), settled == "1")
    except ValueError:
        return _parse("")
