"""P1 while times, holds and content come and go: names asked for while history was off are in no byte of any file.

P1_TOGGLES=10000 plays as many switches; the suite a sample.
"""

import contextlib
import os
import random
import re
from pathlib import Path

from agent.core.model import BadInput
from tests.daemon.limited import NIGHT, Times, times

__all__ = ["times"]  # the fixture

TOGGLES = int(os.environ.get("P1_TOGGLES", "120"))
DEVICES = (1, 2, 4)  # a child's, a teen's, a shared one: all are switched by the household alone
WHOM = {1: {"person_id": 1}, 2: {"person_id": 2}, 4: {"device_id": 4}}
SECRET = re.compile(rb"x(\d+)q\.example")


class Life:
    """`kept` are the numbers of names that were asked for while history was on, by acknowledgement."""

    def __init__(self, times: Times, seed: int) -> None:
        self.times, self.random = times, random.Random(seed)
        self.history = dict.fromkeys(DEVICES, False)
        self.kept: set[int] = set()
        self.asked = self.toggled = self.held = 0

    def toggle(self, device: int) -> None:
        feature, on = self.random.choice(["history", "history", "protection", "limits"]), self.random.random() < 0.5
        with contextlib.suppress(BadInput):  # it is so already
            agree = {"agree": 2 if feature == "limits" else 1} if on else {}
            self.times.ask("on" if on else "off", device_id=device, feature=feature, **agree)
            self.toggled += 1
        if feature == "history":
            self.history[device] = on

    def rules(self, device: int) -> None:
        whom = WHOM[device]
        op, more = self.random.choice(
            [
                ("hold.add", {"seconds": self.random.randrange(1, 5000)}),
                ("hold.add", {"seconds": 3600}),
                ("hold.end", {}),
                ("limits.set", {"windows": NIGHT}),
                ("limits.set", {"windows": []}),
                ("exception.add", {"kind": "free", "seconds": 60}),
                ("content.set", {"search": self.random.choice(["on", "off"]), "always": ["open.example"]}),
            ]
        )
        with contextlib.suppress(BadInput):  # nothing to end
            self.times.ask(op, **whom, **more)

    def observe(self, device: int) -> None:
        household = self.times.home.household
        assert household
        self.asked += 1
        if self.history[device]:
            self.kept.add(self.asked)
        self.held += self.times.ask_held(device)
        slot = household.state.device(device).slot
        name = f"x{self.asked}q.example".encode()
        household.recorder.allowed(slot, household.gate.generation(slot), name, "dns", 1)

    def check(self) -> set[int]:
        home = self.times.home
        assert home.household
        home.household.flush()
        found: set[int] = set()
        for folder in (home.state_dir, home.run_dir):
            for path in Path(folder).iterdir():
                if path.is_file():
                    found |= {int(number) for number in SECRET.findall(path.read_bytes())}
        assert found <= self.kept, sorted(found - self.kept)
        assert self.times.ask("audit")["ok"]
        return found


def test_toggles_with_holds_in_force(times: Times) -> None:
    life = Life(times, 16)
    while life.toggled < TOGGLES:
        device = life.random.choice(DEVICES)
        life.random.choice([life.toggle, life.toggle, life.rules, life.observe, life.observe])(device)
        if life.random.random() < 0.05:
            times.go(life.random.randrange(1, 4000))
        if life.toggled % 100 == 99:
            life.check()
    assert life.check(), "what was asked for while history was on is found"
    assert life.held > life.asked // 20, "holds were in force"
