"""The clocks: wall time, whether it is set and can be trusted, and the household's age (core/history.AgeClock).

A clock that is set may still be wrong: OpenWrt starts with the time of the newest file below /etc, so the time of the
last write before the power went. Therefore the age hears of a wall time only once NTP has confirmed it.
"""

import os
import time

from agent.core.history import AgeClock

# A router without a battery wakes up in 1970 or at its firmware's build time. Before this date the clock is not set.
SET_SINCE = 1_767_225_600  # 2026-01-01
# The init script says so where NTP runs; a script that NTP calls makes this file in run_dir, which a reboot empties.
WAITS_FOR_NTP = "PRIVACY_AGENT_CLOCK"
CONFIRMED = "clock-confirmed"


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


class Clock:
    """`saved` is what `save` returned last, also before a reboot; `awaited` is what `confirmation` returns."""

    def __init__(self, saved: str = "", awaited: str = "") -> None:
        self.boot = boot_id()
        self._awaited = awaited
        self._age = _parse(saved)

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
        wall = self.wall() if self.trusted else None
        return self._age.tick(self.boot, int(time.monotonic()), wall)

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
