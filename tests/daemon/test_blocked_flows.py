"""What a device has open ends when more is blocked for it: chosen by hand, by the clock, by a list, by moving it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.jobs.compile import Source, compile_lists
from tests.daemon.limited import PHONE, TABLET, Kernel, Times, at
from tests.promises.household import Home

SERVICES = [
    {"id": name, "title": name, "group": group, "names": [name + ".example"]}
    for name, group in (("tok", "social"), ("game", "games"))
]
AFTERNOON = [{"days": "tue", "begin": "14:00", "end": "15:00"}]


class Ending(Kernel):
    """Notes whose flows are to end."""

    def __init__(self, home: Home, at: int) -> None:
        super().__init__(home, at)
        self.ended: list[str] = []

    def end_flows(self, macs: frozenset[bytes]) -> None:
        self.ended += [mac.hex(":") for mac in sorted(macs)]

    def now(self) -> list[str]:
        ended, self.ended = self.ended, []
        return ended


class Blocked(Times):
    def __init__(self, home: Home, at: int) -> None:
        self.ending = Ending(home, at)
        super().__init__(home, at)

    def begin(self) -> None:
        self.kernel, self.home.edges, self.clock = self.ending, self.ending, self.ending.hand
        data = Path(self.home.folder, "data")
        data.mkdir(exist_ok=True)
        (data / "services.json").write_text(json.dumps({"format": 1, "services": SERVICES}))
        super().begin()
        assert self.home.household
        self.home.household.settings.values.update(data_dir=str(data), ruleset_file=str(data / "rules.bin"))

    def set(self, person: int = 1, **what: object) -> list[str]:
        self.ask("content.set", person_id=person, **what)
        return self.ending.now()


@pytest.fixture
def blocked(tmp_path: Path) -> Iterator[Blocked]:
    made = Blocked(Home(str(tmp_path)), at(12))
    try:
        yield made
    finally:
        made.home.crash()


def test_by_hand(blocked: Blocked) -> None:
    tok, game = {"id": "tok", "mode": "block"}, {"id": "game", "mode": "block"}
    assert blocked.set(services=[tok]) == [TABLET]
    assert blocked.set(services=[tok]) == [] and blocked.set(always=["a.example"]) == []
    assert blocked.set(services=[tok, game]) == [TABLET]
    assert blocked.set(services=[game]) == [], "what is free again has nothing to end"
    assert blocked.set(categories=["social"]) == [TABLET], "its services are blocked by it"
    assert blocked.set(2, services=[tok]) == [PHONE]
    # Whoever comes to somebody for whom more is blocked.
    blocked.ask("device.edit", device_id=2, person_id=1)
    assert blocked.ending.now() == [PHONE]


def test_by_the_clock(blocked: Blocked) -> None:
    household = blocked.home.household
    assert household
    assert blocked.set(services=[{"id": "tok", "mode": "not", "windows": AFTERNOON}]) == []
    for hour, ends in ((13, []), (14, [TABLET]), (15, [])):
        blocked.go(at(hour) - blocked.clock.at)
        if household.policies.rule_over():
            household.new_policy()
        assert blocked.ending.now() == ends, hour


def test_a_category_is_blocked_once_its_list_is_there(blocked: Blocked) -> None:
    household = blocked.home.household
    assert household
    assert blocked.set(categories=["gambling"]) == []
    names = Path(blocked.home.folder, "names")
    names.write_text("casino.example\n")
    source = Source(str(names), "ut1", "UT1 gambling", "2026-11-29", "gambling", "domains")
    for ends in ([TABLET], []):  # the second is the list of the next day
        compile_lists([source], household.settings.text("ruleset_file"))
        household.load_lists()
        assert blocked.ending.now() == ends
