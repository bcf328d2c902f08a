"""doctor compares what the kernel holds with the rules themselves: a daemon that forgot the time would be found."""

from collections.abc import Iterator
from typing import Any

import pytest

from agent.jobs.doctor import system
from agent.jobs.doctor.system import DaemonStatus
from tests.daemon.limited import NIGHT, TABLET, TV, Times, at


class Asked:
    """The daemon as doctor asks it."""

    times: Times

    def __init__(self, path: str) -> None:
        pass

    def call(self, op: str, **arguments: object) -> dict[str, Any]:
        return self.times.ask(op, **arguments)

    def items(self, op: str) -> Iterator[dict[str, Any]]:
        yield from self.times.ask(op)["items"]

    def close(self) -> None:
        pass


def held(times: Times, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Whose internet doctor expects to be off."""
    Asked.times = times
    monkeypatch.setattr(system, "ControlClient", Asked)
    return {mac.hex(":") for mac in DaemonStatus("").held}


def test_by_the_rules_and_not_by_what_the_daemon_put_into_force(times: Times, monkeypatch: pytest.MonkeyPatch) -> None:
    times.ask("limits.set", person_id=1, windows=NIGHT)
    assert held(times, monkeypatch) == times.kernel.taken == set()
    times.clock.go(at(21) - at(12))  # and no timer of the daemon's comes
    assert held(times, monkeypatch) == {TABLET} and times.kernel.taken == set()
    times.tick()
    assert held(times, monkeypatch) == times.kernel.taken == {TABLET}
    times.clock.go(at(8, 0, 20789) - at(21))
    assert held(times, monkeypatch) == set() and times.kernel.taken == {TABLET}
    times.tick()
    times.ask("hold.add", device_id=4, seconds=600)
    assert held(times, monkeypatch) == times.kernel.taken == {TV}


def test_before_the_clock_is_right_by_what_the_daemon_says(times: Times, monkeypatch: pytest.MonkeyPatch) -> None:
    times.ask("limits.set", person_id=1, windows=NIGHT)
    times.go(at(21) - at(12))
    times.again(trusted=False)
    assert held(times, monkeypatch) == times.kernel.taken == {TABLET}
