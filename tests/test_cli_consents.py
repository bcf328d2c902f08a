"""The command line on agreement: what comes back and what has to be agreed to, what is kept from whom, what changed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli.arguments import parser
from agent.cli.errors import CliError
from agent.client import ControlClient, ControlError
from agent.core.features import FEATURES
from agent.core.model import BadInput
from agent.daemon.operations.arguments import OperationRejected
from tests.promises.household import Home

TABLET, LAPTOP = "127.0.0.2", "127.0.0.3"


class Direct(ControlClient):
    """A household's operations without a socket."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def call(self, op: str, **arguments: object) -> dict[str, object]:
        try:
            asked = json.loads(json.dumps({name: value for name, value in arguments.items()}))
            return json.loads(json.dumps(self.home.ask(op, **asked)))
        except (OperationRejected, BadInput) as error:
            raise ControlError({"code": getattr(error, "code", "bad_request"), "message": str(error)}) from error


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(str(tmp_path))
    made.start()
    for name, group, label, address in (("Mia", "child", "tablet", TABLET), ("Tom", "adult", "laptop", LAPTOP)):
        person = made.ask("person.add", name=name, group=group)["id"]
        made.ask("device.add", label=label, address=address, person_id=person)
    made.ask("on", device_id=1, feature="history", agree=1)
    made.ask("on", device_id=1, feature="protection", agree=1)
    yield made
    made.crash()


def run(home: Home, *words: str) -> None:
    options = parser().parse_args(list(words))
    options.asks(Direct(home), options)


def on(home: Home, feature: str) -> bool:
    return bool(home.ask("device.list")["items"][1]["features"][feature]["on"])


@pytest.fixture
def upgraded(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    home.crash()
    monkeypatch.setattr(FEATURES["history"], "version", 2)
    monkeypatch.setattr("agent.daemon.toggles.NOTICE_VERSION", 2)
    monkeypatch.setattr("agent.daemon.operations.switches.NOTICE_VERSION", 2)
    home.start()
    assert not on(home, "history")
    return home


def test_resume_shows_the_new_text_and_takes_the_agreement(upgraded: Home, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CliError, match="Agree to this"):
        run(upgraded, "resume")
    shown = capsys.readouterr().out
    assert FEATURES["history"].keeps in shown and "version 2" in shown and "what it does has changed" in shown
    run(upgraded, "resume", "--yes")
    assert "They are on again." in capsys.readouterr().out and on(upgraded, "history")


def test_on_agrees_to_what_is_suspended(upgraded: Home) -> None:
    with pytest.raises(ControlError, match="agree to version 2"):
        run(upgraded, "on", "tablet", "history", "--agree", "1")
    run(upgraded, "on", "tablet", "history", "--agree", "2")
    assert on(upgraded, "history")


def test_a_plain_pause_needs_no_text(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    run(home, "pause")
    run(home, "resume", "--yes")
    assert "reads" not in capsys.readouterr().out and on(home, "history")


def test_an_adult_is_asked_by_resume(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    run(home, "pause")
    run(home, "person", "edit", "Mia", "--group", "adult")
    run(home, "resume", "--yes")
    said = capsys.readouterr().out
    assert "the adult is asked" in said and "waits for the adult's own agreement" in said and "on again" not in said
    assert not on(home, "history")


def test_attempts_for_the_adults_eyes_are_told_of(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.ask("on", device_id=2, feature="protection", agree=1)
    home.ask("block", name="bad.example")
    client = home.household.clients.identify(None, LAPTOP)
    verdict = home.household.policy.decide(client.view, b"bad.example")
    home.household.recorder.refused(client.slot, client.generation, "bad.example", "dns", 1, verdict)
    run(home, "blocked", "laptop")
    said = capsys.readouterr().out
    assert "1 attempt is for the adult's own eyes" in said and "bad.example" not in said and "No blocked" not in said
    run(home, "blocked", "laptop", "--json")
    assert json.loads(capsys.readouterr().out)["hidden"] == 1
    run(home, "export", "laptop")
    assert "adult's own eyes" in capsys.readouterr().out


def test_the_ledger_shows_from_what_to_what(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    run(home, "person", "edit", "Mia", "--group", "teen")
    home.ask("settings.set", key="history_days", value=9)
    home.ask("settings.set", key="keep_history", value=True)
    run(home, "activity")
    said = capsys.readouterr().out
    assert "group child → teen" in said and "days 7 → 9" in said and "stored in ram → flash" in said
    assert "subject" not in said


def test_a_day_of_notice_is_said(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    run(home, "person", "edit", "Tom", "--group", "child")
    assert "Tom (adult)\nBecomes a child at " in capsys.readouterr().out
    run(home, "device", "edit", "laptop", "--person", "Mia")
    assert "it counts as an adult's device" in capsys.readouterr().out
    run(home, "on", "laptop", "history", "--agree", "1")
    assert "waits for their own agreement" in capsys.readouterr().out


def test_who_reads_it_is_said_before(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CliError):
        run(home, "on", "laptop", "history")
    assert "the person who manages this network" in capsys.readouterr().out
