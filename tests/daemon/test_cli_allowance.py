"""`usage` and `allowance` on the command line."""

from collections.abc import Callable

import pytest

from agent.cli import arguments
from agent.cli.errors import CliError
from tests.daemon.counted import Counted
from tests.daemon.limited import TABLET
from tests.daemon.test_cli_times import Client

Say = Callable[..., str]


@pytest.fixture
def say(counted: Counted, capsys: pytest.CaptureFixture[str]) -> Say:
    def run(*words: str) -> str:
        options = arguments.parser().parse_args(words)
        options.asks(Client(counted), options)
        return capsys.readouterr().out

    return run


def test_an_allowance_is_set_shown_and_given_more(counted: Counted, say: Say) -> None:
    said = say("allowance", "Mia", "2h", "--weekend", "3h")
    assert "Mon 2 h, Tue 2 h, Wed 2 h, Thu 2 h, Fri 2 h, Sat 3 h, Sun 3 h" in said
    assert "Mia: minutes are not counted" in said and "To count: privacy-agent on Mia usage" in said
    assert "Turned on" not in say("on", "Mia", "usage", "--agree", "2")
    counted.minute()
    counted.minutes(5, TABLET)
    shown = say("allowance", "give", "Mia", "30m", "--for", "reading")
    assert "Mia: about 5 min today, 2 h 25 min left" in shown and "Given today: 30 min for reading" in shown
    assert "In the bank: 1 h" in say("allowance", "give", "Mia", "1h", "--bank")
    assert "2026-12-01  5 min" in say("usage", "Mia") and '"minutes": 5' in say("usage", "Mia", "--json")
    assert "A day: 45 min" in say("allowance", "Mia", "45m")
    assert "A day" not in say("allowance", "Mia", "none")


@pytest.mark.parametrize("words", [["Mia", "2h", "3h"], ["give", "Mia"], ["Mia", "soon"], ["give", "Mia", "1h", "x"]])
def test_what_can_not_be_meant(say: Say, words: list[str]) -> None:
    with pytest.raises(CliError):
        say("allowance", *words)
