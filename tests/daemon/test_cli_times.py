"""`times`, `tonight` and `internet` on the command line, against a household with a clock that is set by hand."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agent.cli import arguments
from agent.cli.errors import CliError
from agent.client import ControlError
from agent.core.model import BadInput
from agent.core.timezone import DAY_S
from tests.daemon.limited import LAPTOP, PHONE, TABLET, TV, Times

Say = Callable[..., str]


class Client:
    """The control socket's client, without the socket."""

    def __init__(self, times: Times) -> None:
        self._times = times

    def call(self, op: str, **given: object) -> dict[str, Any]:
        try:
            return self._times.home.ask(op, **{key: value for key, value in given.items() if value is not None})
        except BadInput as error:
            raise ControlError({"message": str(error)}) from error

    def items(self, op: str, most: int | None = None, **given: object) -> Iterator[dict[str, Any]]:
        yield from self.call(op, **given)["items"]


@pytest.fixture
def say(times: Times, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Say:
    monkeypatch.setenv("TZ", "Europe/Berlin")

    def run(*words: str) -> str:
        options = arguments.parser().parse_args(words)
        options.asks(Client(times), options)
        return capsys.readouterr().out

    return run


def test_times_are_set_shown_and_cleared(times: Times, say: Say) -> None:
    said = say("times", "set", "Mia", "bedtime", "mon-thu,sun 20:30-07:00", "fri,sat 22:00-08:00")
    assert "Mia: free until 20:30" in said and "Mon–Thu, Sun: off 20:30–7:00" in said and "Router: 12:00, CET" in said
    say("times", "set", "Mia", "break", "18:00-19:00")
    say("times", "set", "Mia", "bedtime", "22-9", "--holiday")
    assert "Holidays: 2026-12-21 to 2027-01-06" in say("times", "days", "Mia", "2026-12-21..2027-01-06")
    shown = say("times", "Mia")
    assert "Every day: break 18:00–19:00" in shown and "Holidays, every day: off 22:00–9:00" in shown
    assert '"consent": "on"' in say("times", "Mia", "--json")
    assert "break" not in say("times", "clear", "Mia", "break") and "Mon–Thu" in say("times", "Mia")
    assert "No times yet" in say("times", "clear", "Mia")


def test_a_coming_18th_birthday_is_no_decision(times: Times, say: Say) -> None:
    times.go(2 * DAY_S)
    said = say("person", "edit", "Ben", "--born", "2009-01")
    assert "Counts as an adult from " in said and " on: what is on then waits for their own agreement." in said
    assert "Becomes" not in said and "confirm" not in said


def test_tonight(times: Times, say: Say) -> None:
    say("times", "set", "Mia", "bedtime", "20:30-07:00")
    assert "free until 21:00" in say("tonight", "Mia", "later", "30m")
    assert "bedtime until 7:00" in say("tonight", "Mia", "earlier")
    assert times.kernel.taken == {TABLET}
    assert "free" in say("tonight", "Mia", "off") and times.kernel.taken == set()
    for wrong in (("tonight", "Mia", "later"), ("tonight", "Mia", "off", "30m")):
        with pytest.raises(CliError):
            say(*wrong)


def test_internet_off_and_on(times: Times, say: Say) -> None:
    said = say("internet", "off", "all", "--for", "1h")
    assert "Internet is off for Mia" in said and "never turned off): Ann" in said
    assert times.kernel.taken == {TABLET, PHONE, TV} and LAPTOP not in times.kernel.taken
    assert "free" in say("internet", "on", "Mia") and times.kernel.taken == {PHONE, TV}
    assert "on again" in say("internet", "on", "all") and times.kernel.taken == set()
    told = say("activity")
    assert "until 2026-" in told and "until 0" not in told and "until 17" not in told
    say("internet", "off", "tablet", "--until-ended")
    assert "Mia: free until 12:15" in say("internet", "on", "Mia", "--for", "15m") or times.kernel.taken == set()
    with pytest.raises(ControlError, match="adult"):
        say("internet", "off", "Ann")


def test_a_request_for_time_is_granted(times: Times, say: Say) -> None:
    say("internet", "off", "Mia", "--for", "1h")
    asked = times.ask("request.add", device_id=1, kind="time", seconds=900)
    say("request", "reply", str(asked["id"]), "--grant", "15m")
    assert times.kernel.taken == set()


def test_what_is_not_understood(times: Times, say: Say) -> None:
    for wrong in (
        ("times", "set", "Mia", "bedtime"),
        ("times", "set", "Mia", "sleep", "20-7"),
        ("times", "set", "Mia", "bedtime", "whenever"),
        ("times", "clear", "Mia", "x"),
        ("request", "reply", "1"),
    ):
        with pytest.raises(CliError):
            say(*wrong)


def test_the_week(times: Times, say: Say) -> None:
    assert "Nothing is on, and nothing is recorded." in say("week")
    times.ask("hold.add", person_id=1, seconds=5400)
    times.go(2 * 3600)
    said = say("week", "Mia")
    assert "2026-11-25 to 2026-12-01" in said and "Tue 12-01  1:30" in said
    assert "web: times hold until 2026-12-01" in said
    assert '"windows_since": null' in say("week", "Mia", "--json")
    with pytest.raises(SystemExit):
        say("week", "--ago", "31")
