"""A household with times, a clock that is set by hand, and a kernel that holds whom it is told to."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.core.timezone import DAY_S, parse
from agent.daemon.clock import Clock
from agent.daemon.kernel.netfilter import NetfilterError
from tests.promises.household import Home, HomeEdges

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
ZONE = parse(BERLIN)
TABLET, PHONE, LAPTOP, TV = "3c:22:fb:00:00:01", "3c:22:fb:00:00:02", "3c:22:fb:00:00:03", "3c:22:fb:00:00:04"
NIGHT = [{"kind": "bedtime", "days": "mon,tue,wed,thu,fri,sat,sun", "begin": "20:30", "end": "07:00"}]


class HandClock(Clock):
    """A clock that is set by hand; `up` is running time."""

    def __init__(self, at: int, trusted: bool = True, up: int = 100_000) -> None:
        super().__init__()
        self.at, self.up, self.ok, self.ages = at, up, trusted, 1000

    @property
    def trusted(self) -> bool:
        return self.ok

    def wall(self) -> int:
        return self.at

    def age(self) -> int:
        return self.ages

    def go(self, seconds: int) -> None:
        self.at, self.up, self.ages = self.at + seconds, self.up + seconds, self.ages + seconds


class Kernel(HomeEdges):
    """Holds whom it is told to; its clock is a hand's."""

    def __init__(self, home: Home, at: int) -> None:
        super().__init__(home)
        self.hand = HandClock(at)
        self.taken: set[str] = set()
        self.refuses = ""

    def clock(self, saved: str, awaited: str) -> Clock:
        return self.hand

    def hold(self, macs: frozenset[bytes]) -> None:
        if self.refuses and macs:
            raise NetfilterError(self.refuses, 28)
        self.taken = {mac.hex(":") for mac in macs}


class Times:
    """A household with a child, a teen, an adult and a television."""

    def __init__(self, home: Home, at: int) -> None:
        self.home, self.kernel = home, self.kernel_of(home, at)
        home.edges = self.kernel
        self.clock = self.kernel.hand
        self.begin()
        for name, group, label, mac in (
            ("Mia", "child", "tablet", TABLET),
            ("Ben", "teen", "phone", PHONE),
            ("Ann", "adult", "laptop", LAPTOP),
        ):
            person = self.ask("person.add", name=name, group=group)
            self.ask("device.add", label=label, mac=mac, person_id=person["id"])
        self.ask("device.add", label="TV", mac=TV, shared=True)

    def kernel_of(self, home: Home, at: int) -> Kernel:
        return Kernel(home, at)

    def begin(self) -> None:
        Path(self.home.run_dir).mkdir(parents=True, exist_ok=True)
        Path(self.home.run_dir, "timezone").write_text(BERLIN)
        household = self.home.start(identity="mark")
        household.keeper._uptime = lambda: self.clock.up
        household.refresh()

    def again(self, trusted: bool = True) -> None:
        """The power fails and comes back."""
        self.clock.ok = trusted
        self.home.power_cut()
        self.kernel.taken = set()
        self.clock.up = 5
        self.begin()

    def ask(self, op: str, **arguments: object) -> dict[str, Any]:
        return self.home.ask(op, actor="web", **arguments)

    def ask_held(self, device: int) -> bool:
        """By what the kernel was told."""
        assert self.home.household
        mac = self.home.household.state.device(device).mac
        return mac is not None and mac.hex(":") in self.kernel.taken

    def tick(self) -> None:
        assert self.home.household
        self.home.household.keeper.tick()

    def go(self, seconds: int) -> set[str]:
        self.clock.go(seconds)
        self.tick()
        return self.kernel.taken


def at(hour: int, minute: int = 0, day: int = 20788) -> int:
    """Of Tuesday, 1 December 2026, in Berlin."""
    return ZONE.instant(day * DAY_S + hour * 3600 + minute * 60)


@pytest.fixture
def times(tmp_path: Path) -> Iterator[Times]:
    """At noon of a day."""
    made = Times(Home(str(tmp_path)), at(12))
    yield made
    made.home.crash()
