"""What somebody who looks after the network is told of as it happens: each thing once, and again when it comes back."""

from agent.daemon.happenings import CLOCK_S, Happenings
from tests.daemon.limited import NIGHT, Times, times

__all__ = ["times"]


def made(times: Times) -> Happenings:
    assert times.home.household is not None
    return Happenings(times.home.household)


def test_a_request_is_told_once(times: Times) -> None:
    times.ask("request.add", device_id=1, kind="tonight")
    happenings = made(times)
    assert happenings.look() == [], "what waited before a start is no news"
    times.ask("request.add", device_id=2, kind="tonight")
    assert happenings.look() == ["request"] and happenings.look() == []


def test_what_the_kernel_refuses_is_told_until_it_is_over(times: Times) -> None:
    happenings = made(times)
    assert happenings.look() == []
    times.ask("limits.set", person_id=1, windows=NIGHT)
    times.kernel.refuses = "no room"
    times.go(9 * 3600)
    assert happenings.look() == ["hold"] and happenings.look() == []
    times.kernel.refuses = ""
    assert times.home.household
    times.home.household.refresh()
    assert happenings.look() == []


def test_a_clock_that_is_not_known_is_told_after_a_while(times: Times) -> None:
    times.ask("limits.set", person_id=1, windows=NIGHT)
    times.clock.ok = False
    happenings = made(times)
    assert happenings.look() == [], "it is given time"
    happenings._started -= CLOCK_S
    assert happenings.look() == ["clock"] and happenings.look() == []
