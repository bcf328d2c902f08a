"""The command line against a real daemon on the loopback, and what it says when there is none."""

import argparse
import json
import os
import pty
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli import export, times
from agent.cli.arguments import parser
from agent.cli.edit import page_address
from agent.cli.errors import FINDINGS, NOT_AGREED, NOT_FOUND, NOT_RUNNING, OK, REJECTED, USAGE
from agent.cli.main import main
from agent.client import ControlClient, Unreachable
from agent.core.names import compile_suffixes
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
TABLET = "127.0.0.2"
LISTED = "login.bank.example"


class Home:
    """A daemon with a folder of its own, the starter lists and an upstream where every name exists."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = str(folder / "run" / "control.sock")
        self.port = free_port()
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, **more: object) -> None:
        folder, upstream = self.folder, free_port()
        self.upstream = f"127.0.0.1:{upstream}"
        rules = str(folder / "run" / "rules.bin")
        (folder / "suffixes.bin").write_bytes(
            compile_suffixes(["com", "co.uk", "uk", "org", "example", "github.io", "io"])
        )
        self.processes.append(spawn("tools/responder.py", "127.0.0.1", str(upstream)))
        assert main(["lists", "compile", "--output", rules]) == OK
        settings = {
            "identity": "address",
            "state_dir": folder / "state",
            "run_dir": folder / "run",
            "data_dir": ROOT / "blocklists",
            "suffixes_file": folder / "suffixes.bin",
            "dns_listen": f"127.0.0.1:{self.port}",
            "upstream": self.upstream,
            "web_listen": "",
            "lists_auto": "no",
            **more,
        }
        words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        self.processes.append(spawn("-m", "agent", "run", *words))
        self._wait()

    def _wait(self) -> None:
        for _ in range(200):
            try:
                ControlClient(self.socket).close()
                return
            except Unreachable:
                assert self.processes[-1].poll() is None, "the daemon ended"
                time.sleep(0.05)
        raise AssertionError("the daemon did not start")

    def ask(self, name: str, source: str = TABLET) -> str:
        command = ["dig", "@127.0.0.1", "-p", str(self.port), "-b", source, "+tries=1", "+time=5", name]
        return subprocess.run(command, capture_output=True, text=True).stdout

    def close(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
            process.wait(20)


def spawn(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, *words], cwd=ROOT)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    made = Home(tmp_path_factory.mktemp("home"))
    os.environ["PRIVACY_AGENT_SOCKET"] = made.socket
    try:
        made.start()
        furnish(made)
        yield made
    finally:
        made.close()
        del os.environ["PRIVACY_AGENT_SOCKET"]


def furnish(made: Home) -> None:
    assert main(["person", "add", "Mia", "child"]) == OK
    assert main(["person", "add", "Ben", "adult"]) == OK
    assert main(["device", "add", "Mia's tablet", "--address", TABLET, "--person", "mia"]) == OK
    assert main(["device", "add", "Laptop", "--address", "127.0.0.4", "--person", "Ben"]) == OK
    assert main(["on", "Mia's tablet", "history", "--agree", "1"]) == OK
    assert main(["on", "Mia", "protection", "--agree", "1"]) == OK
    assert "NOERROR" in made.ask("en.wikipedia.org")
    assert "EDE: 15" in made.ask(LISTED)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]):
    """Runs a command: (exit code, what it said)."""

    def run(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(list(words))
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def document(say, *words: str) -> dict:
    code, text = say(*words, "--json")
    assert code == OK, text
    return json.loads(text)


def device(say, label: str) -> dict:
    return {row["label"]: row for row in document(say, "device", "list")["items"]}[label]


# Without a daemon.


def commands(of: argparse.ArgumentParser, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    groups = [action for action in of._actions if isinstance(action, argparse._SubParsersAction)]
    for group in groups:
        for name, inner in group.choices.items():
            yield from commands(inner, (*before, name))
    if not groups:
        yield before


@pytest.mark.parametrize("words", list(commands(parser())), ids=" ".join)
def test_every_command_explains_itself(words, capsys):
    with pytest.raises(SystemExit) as end:
        main([*words, "--help"])
    assert end.value.code == OK
    assert "usage: privacy-agent" in capsys.readouterr().out


def test_every_command_that_is_named_exists():
    """In messages, docs and comments: `privacy-agent lists compile` is a command, or prose about something else."""
    known = set(commands(parser()))
    firsts, groups = {words[0] for words in known}, {words[0] for words in known if len(words) > 1}
    texts = [*ROOT.joinpath("agent").rglob("*.py"), *ROOT.joinpath("packaging").rglob("*"), *ROOT.glob("*.md")]
    for path in [path for path in texts if path.is_file()]:
        for first, second in re.findall(
            r"privacy-agent ([a-z][a-z-]+)(?: ([a-z-]+))?", path.read_text(errors="replace")
        ):
            assert first not in groups or not second or (first, second) in known, f"{path}: {first} {second}"
    assert {"run", "status", "on", "off", "audit"} <= firsts


def test_without_a_daemon_it_says_how_to_start_one(say, tmp_path):
    code, text = say("--socket", str(tmp_path / "none.sock"), "status")
    assert code == NOT_RUNNING
    assert "privacy-agent run" in text


def test_a_dead_socket_is_no_daemon(say, tmp_path):
    path = tmp_path / "control.sock"
    path.touch()
    assert say("--socket", str(path), "status")[0] == NOT_RUNNING


def test_settings_are_checked_before_the_daemon_starts(say, tmp_path):
    file = tmp_path / "settings.json"
    file.write_text('{"history_day": 3}')
    code, text = say("--settings", str(file), "run", "--check")
    assert code == USAGE
    assert str(file) in text and "did you mean history_days?" in text
    file.write_text('{"history_days": 3}')
    code, text = say("--settings", str(file), "run", "--check", "--set", "blocked_ttl=5")
    assert code == OK
    assert json.loads(text)["history_days"] == 3 and json.loads(text)["blocked_ttl"] == 5
    assert say("--settings", str(tmp_path / "none"), "status")[0] == NOT_FOUND
    assert say("run", "--check", "--set", "blocked_ttl")[0] == USAGE


def test_lists_compile_refuses_what_is_no_list(say, tmp_path):
    (tmp_path / "page.txt").write_text("<html><body>404</body></html>")
    code, text = say("lists", "compile", str(tmp_path / "page.txt"), "--output", str(tmp_path / "rules.bin"))
    assert code == REJECTED and "nothing was compiled" in text
    assert not (tmp_path / "rules.bin").exists()


def test_durations_and_days():
    for text in ("367d", "53w", "9999999m"):
        with pytest.raises(argparse.ArgumentTypeError, match="is longer than 366d"):
            times.duration(text)
    assert [times.duration(text) for text in ("90s", "30m", "2H", "7d", "1w")] == [90, 1800, 7200, 604800, 604800]
    for text in ("", "3", "m", "-3m", "0m", "3y", "1.5h"):
        with pytest.raises((argparse.ArgumentTypeError, IndexError)):
            times.duration(text)
    start, end = times.day("2026-11-23")
    assert times.moment("2026-11-23 00:00") == start and times.moment("2026-11-24") == end
    assert times.day("yesterday")[1] == times.day("today")[0]
    with pytest.raises(argparse.ArgumentTypeError):
        times.day("soon")


def test_csv_cells_do_not_run_in_a_spreadsheet():
    assert export.csv_line(["=1+1", 'a "b"', None, -3]) == '\'=1+1,"a ""b""",,-3\r\n'
    assert export.flat({"b": [1, 2], "a": {"x": 1}, "person": None}) == {
        "a.x": 1,
        "b": "1 2",
        "person.group": None,
        "person.id": None,
        "person.name": None,
    }


# With one.


def test_status(home, say):
    code, text = say("status")
    assert code == OK and "1 device has something on" in text
    # The starter list names nobody: it protects nobody.
    assert "Not yet protecting" in text and "none," in text
    assert document(say, "status")["devices_on"] == 1


def test_history_and_attempts(home, say):
    assert "wikipedia.org" in say("history", "Mia's tablet")[1]
    assert "wikipedia.org" in say("history", "mia", "--search", "wiki", "--day", "today")[1]
    assert "No records of Mia's tablet" in say("history", "Mia's tablet", "--day", "2001-01-01")[1]
    (attempt,) = document(say, "blocked")["items"]
    assert attempt["target"] == LISTED
    code, text = say("blocked", "Mia's tablet")
    assert LISTED in text and "phishing" in text
    code, text = say("explain", "--blocked", str(attempt["id"]))
    assert "was blocked" in text and "Now:" in text


def test_compiled_lists_are_in_use_at_once(home, say, tmp_path):
    (tmp_path / "own.txt").write_text("new-phish.example\n")
    rules = ["--set", f"ruleset_file={home.folder / 'run' / 'rules.bin'}"]
    code, text = say("lists", "compile", *rules, f"phishing={tmp_path / 'own.txt'}")
    assert code == OK and "uses them from now on" in text
    assert "own" in say("lists")[1]
    assert "ready," in say("status")[1] and "Not yet protecting" not in say("status")[1]
    assert "EDE: 15" in home.ask("www.new-phish.example")
    # Also when that file is named, by whatever way to it; another one is nobody's.
    (tmp_path / "more.txt").write_text("newer-phish.example\n")
    way = home.folder / "run" / ".." / "run" / "rules.bin"
    assert "uses them from now on" in say("lists", "compile", str(tmp_path / "more.txt"), "--output", str(way))[1]
    assert "more" in say("lists")[1] and "ready," in say("status")[1]
    other = ["--output", str(tmp_path / "other.bin")]
    assert "uses them" not in say("lists", "compile", str(tmp_path / "own.txt"), *other)[1]
    assert "more" in say("lists")[1]
    assert say("lists", "compile", *rules)[0] == OK
    assert "starter-phishing" in say("lists")[1]
    assert "EDE: 15" in home.ask(LISTED)


def test_what_is_mistyped_is_recognised(home, say):
    for words in (
        ("history", "mias tablet"),
        ("off", "Mia's tablets", "history"),
        ("device", "edit", "mia tablet", "--label", "x"),
    ):
        code, text = say(*words)
        assert code == NOT_FOUND and 'Did you mean "Mia\'s tablet"?' in text
    code, text = say("on", "Mia's tablet", "histroy", "--agree", "1")
    assert code == NOT_FOUND and "did you mean history?" in text
    code, text = say("person", "edit", "Mio", "--name", "x")
    assert code == NOT_FOUND and "Did you mean 'Mia'?" in text


def test_features_tell_what_they_do(home, say):
    assert "reads" in say("features")[1]
    assert {row["name"] for row in document(say, "features")["items"]} == {"history", "protection", "limits", "usage"}


def test_on_says_what_it_does_and_asks(home, say):
    code, text = say("on", "Laptop", "protection")
    assert code == NOT_AGREED
    for word in ("reads", "stores", "sends", "for 30 days", "--agree 1"):
        assert word in text
    assert say("on", "Laptop", "protection", "--agree", "99")[0] == NOT_AGREED
    assert not device(say, "Laptop")["features"]["protection"]["on"]


def test_on_at_a_terminal(home, say):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "agent", "on", "Laptop", "protection"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=theirs, stdout=subprocess.PIPE, text=True)
    os.write(ours, b"y\n")
    out, _ = process.communicate(timeout=30)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == OK and "Turn it on?" in out and "Laptop: protection since" in out
    assert say("off", "Laptop", "protection")[0] == OK


def test_an_adults_history_waits_for_them(home, say):
    code, text = say("on", "Ben", "history", "--agree", "1")
    assert code == OK and "waits for their own agreement" in text
    assert say("off", "Ben", "history")[0] == OK


def test_allow_and_block(home, say):
    code, text = say("allow", LISTED, "--device", "Mia's tablet", "--for", "2h")
    assert code == OK and "are allowed for Mia's tablet until" in text
    number = text.split("rule remove ")[1].strip()
    assert "EDE: 15" not in home.ask(LISTED)
    assert "is allowed" in say("explain", LISTED, "--device", "Mia's tablet")[1]
    assert number in say("rule", "list")[1]
    assert say("rule", "remove", number)[0] == OK
    assert "EDE: 15" in home.ask(LISTED)
    assert "is blocked" in say("explain", LISTED)[1]
    assert say("block", "not a name")[0] == REJECTED


def test_names_in_letters_of_any_script(home, say):
    code, text = say("block", "Bücher.example")
    assert code == OK and "xn--bcher-kva.example" in text
    assert "EDE: 15" in home.ask("xn--bcher-kva.example")
    for asked in ("bücher.example", "BÜCHER.example", "http://bücher.example/seite", "xn--bcher-kva.example"):
        assert "is blocked" in say("explain", asked)[1], asked
    assert say("rule", "remove", text.split("rule remove ")[1].strip())[0] == OK
    code, text = say("allow", "b☃r.example")
    assert code == REJECTED and "a character that no domain name has" in text


def test_audit_and_ledger(home, say):
    code, text = say("audit")
    assert code == OK and "All records match" in text
    head = document(say, "audit")["head"]
    assert say("audit", "--checksum", str(head))[0] == OK
    assert say("audit", "--checksum", "ab" * 32)[0] == FINDINGS
    assert "Mia's tablet" in say("activity")[1]


def test_export_as_json_and_csv(home, say, tmp_path):
    code, text = say("export", "Mia")
    held = json.loads(text)
    assert set(held["head"]) >= {"seq", "hash"}
    assert {"device", "ledger", "visit", "attempt"} <= {row["kind"] for row in held["rows"]}
    assert say("export", "--all", "--output", str(tmp_path / "all.json"))[0] == OK
    assert (tmp_path / "all.json").stat().st_mode & 0o077 == 0
    assert say("export", "--all", "--output", str(tmp_path / "all.json"))[0] == REJECTED
    assert say("export", "--all", "--format", "csv", "--output", str(tmp_path / "csv"))[0] == OK
    assert "wikipedia.org" in (tmp_path / "csv" / "visit.csv").read_text()
    devices = (tmp_path / "csv" / "device.csv").read_text().splitlines()
    assert len({line.count(",") for line in devices}) == 1


def test_a_visit_is_disputed_and_removed(home, say):
    home.ask("disputed.example.org")
    (visit,) = document(say, "history", "Mia", "--search", "example.org")["items"]
    assert say("visit", "mark-wrong", str(visit["id"]))[0] == OK
    assert "disputed" in say("history", "Mia", "--search", "example.org")[1]
    assert say("visit", "delete", str(visit["id"]))[0] == NOT_AGREED
    assert say("visit", "delete", str(visit["id"]), "--yes")[0] == OK
    assert document(say, "history", "Mia", "--search", "example.org")["items"] == []
    assert say("visit", "delete", str(visit["id"]), "--yes")[0] == NOT_FOUND


def test_background_is_left_out_unless_asked_for(home, say):
    home.ask("www.opened.example.org")
    home.ask("t.pulled-in.example.org")
    home.ask("t.follows.example.com")
    (opened,) = document(say, "history", "Mia", "--search", "www.opened")["items"]
    shown = document(say, "history", "Mia", "--background", "--all")["items"]
    background = [visit for visit in shown if visit["background"]]
    assert background and document(say, "history", "Mia", "--all")["items"] == [
        visit for visit in shown if not visit["background"]
    ]
    assert "--background shows it" in say("history", "Mia")[1]
    assert "background" in say("history", "Mia", "--background")[1]
    assert say("visit", "background", str(background[0]["id"]), "--undo")[0] == OK
    assert background[0]["id"] in [visit["id"] for visit in document(say, "history", "Mia", "--all")["items"]]
    assert say("visit", "background", str(opened["id"]))[0] == OK
    assert opened["id"] not in [visit["id"] for visit in document(say, "history", "Mia", "--all")["items"]]


def test_pause_and_resume(home, say):
    assert "paused on 1 device." in say("pause")[1]
    assert "history paused" in say("device", "list")[1]
    code, text = say("resume")
    assert code == NOT_AGREED and "history on Mia's tablet" in text
    assert say("resume", "--yes")[0] == OK
    assert "history since" in say("device", "list")[1]


def test_off_says_what_remains_and_erase_takes_it(home, say):
    home.ask("remains.example.net")
    code, text = say("off", "Mia", "history")
    assert code == OK and "remain" in text and "until" in text
    code, text = say("delete", "Mia", "--feature", "history")
    assert code == NOT_AGREED
    code, text = say("delete", "Mia", "--feature", "history", "--yes")
    assert code == OK and "visit" in text
    assert "No such records" in say("delete", "Mia", "--feature", "history")[1]
    assert say("on", "Mia", "history", "--agree", "1")[0] == OK


def test_devices_and_people_are_corrected_and_forgotten(home, say):
    assert say("device", "add", "Old phone", "--address", "127.0.0.9", "--shared")[0] == OK
    assert say("device", "add", "Other", "--address", "not an address")[0] == REJECTED
    assert say("device", "edit", "old phone", "--label", "Old telephone")[0] == OK
    assert say("device", "edit", "Old telephone", "--person", "Mia", "--no-shared")[0] == OK
    assert device(say, "Old telephone")["person"]["name"] == "Mia"
    assert say("device", "edit", "Old telephone", "--no-person")[0] == OK
    assert say("device", "remove", "Old telephone")[0] == NOT_AGREED
    assert say("device", "remove", "Old telephone", "--yes")[0] == OK
    assert "Old telephone" not in say("device", "list")[1]
    assert say("person", "add", "Eva", "teen")[0] == OK
    assert say("person", "edit", "Eva", "--group", "adult")[0] == OK
    assert say("person", "remove", "Eva", "--yes")[0] == OK
    assert "Eva" not in say("person", "list")[1]


def test_requests_are_listed_and_answered(home, say):
    tablet = device(say, "Mia's tablet")["id"]
    client = ControlClient(home.socket)
    made = client.call("request.add", device_id=tablet, kind="objection", text="not on weekends")
    client.close()
    assert "not on weekends" in say("request", "list", "--open")[1]
    assert say("request", "reply", str(made["id"]), "agreed")[0] == OK
    assert "agreed" in say("request", "list")[1]
    assert document(say, "request", "list", "--open")["items"] == []
    assert say("request", "reply", "999", "x")[0] == NOT_FOUND


def test_lists_that_can_be_fetched(home, say):
    code, text = say("lists")
    assert code == OK and "starter-phishing" in text and "CHOSEN" in text or "No list can be fetched" in text
    assert say("lists", "waiting")[0] == OK
    assert say("lists", "add", "no-such-list")[0] == NOT_FOUND
    assert say("lists", "accept", "no-such-list")[0] == NOT_FOUND
    assert say("lists", "rollback")[0] in (OK, REJECTED)


def test_helplines_are_shown(home, say):
    code, text = say("helplines")
    assert code == OK and "samaritans.org" in text and "SOURCE" in text
    rows = {row["name"]: row["note"] for row in document(say, "helplines")["items"]}
    assert rows["samaritans.org"].startswith("crisis; United Kingdom, Ireland; ")
    # They win over a rule of the household that is above them.
    assert say("block", "org", "--yes")[0] == OK
    assert document(say, "explain", "samaritans.org")["verdict"] == "allow"
    assert document(say, "explain", "other.org")["verdict"] == "block"
    rule = document(say, "rule", "list")["items"][-1]
    assert say("rule", "remove", str(rule["id"]))[0] == OK


def test_own_rules_go_out_and_come_in(home, say, tmp_path):
    assert say("block", "games.example", "--person", "Mia", "--for", "2h")[0] == OK
    file = tmp_path / "rules.txt"
    assert say("rule", "export", "--output", str(file))[0] == OK
    assert say("rule", "export", "--output", str(file))[0] == REJECTED, "what is there is not written over"
    assert say("rule", "export")[1] == file.read_text()
    assert document(say, "rule", "export")["items"] == [
        line for line in file.read_text().splitlines() if line[0] != "#"
    ]
    before = document(say, "rule", "list")["items"]
    for row in before:
        assert say("rule", "remove", str(row["id"]))[0] == OK
    assert say("rule", "import", str(file))[0] == NOT_AGREED
    assert document(say, "rule", "list")["items"] == []
    assert f"{len(before)} added" in say("rule", "import", str(file), "--yes")[1]
    keys = ("name", "action", "scope", "person_id", "expires_at")
    after = document(say, "rule", "list")["items"]
    assert [[row[key] for key in keys] for row in after] == [[row[key] for key in keys] for row in before]
    for row in after:
        assert say("rule", "remove", str(row["id"]))[0] == OK


def test_what_is_wrong_in_a_file_of_rules_is_said_by_line(home, say, tmp_path):
    file = tmp_path / "rules.txt"
    file.write_text("# mine\n" * 150 + "block fine.example\nperhaps not.example\n" + "x" * 5000)
    code, text = say("rule", "import", str(file), "--yes")
    assert (
        code == REJECTED
        and "line 152: " in text
        and "line 153: longer than any rule" in text
        and "line 151" not in text
    )
    assert document(say, "rule", "list")["items"] == []
    file.write_bytes(b"\xef\xbb\xbfone.example\r\n*.two.example # two\r\n")
    assert say("rule", "import", str(file), "--yes")[0] == REJECTED
    assert "2 added" in say("rule", "import", str(file), "--as", "block", "--yes")[1]
    assert "2 renewed" in say("rule", "import", str(file), "--as", "allow", "--yes")[1]
    for row in document(say, "rule", "list")["items"]:
        assert row["action"] == "allow" and say("rule", "remove", str(row["id"]))[0] == OK
    file.write_text("# für uns\n\u2003\nblock Bücher.example for device Mia's tablet\nallow *.müller.example\n")
    assert "2 added" in say("rule", "import", str(file), "--yes")[1]
    named = {row["name"]: row["id"] for row in document(say, "rule", "list")["items"]}
    assert set(named) == {"xn--bcher-kva.example", "xn--mller-kva.example"}
    for id in named.values():
        assert say("rule", "remove", str(id))[0] == OK
    file.write_bytes(b"\xff\xfe")
    assert say("rule", "import", str(file), "--yes")[0] == REJECTED
    assert say("rule", "import", str(tmp_path / "none"), "--yes")[0] == REJECTED
    file.write_text("# nothing\n")
    assert say("rule", "import", str(file), "--yes")[0] == OK


def test_a_name_of_both_kinds_must_be_told_apart(home, say):
    assert say("device", "add", "Ben", "--address", "127.0.0.10")[0] == OK
    code, text = say("history", "Ben")
    assert code == NOT_FOUND and "device:Ben or person:Ben" in text
    assert say("history", "device:Ben")[0] == OK
    assert say("device", "remove", "Ben", "--yes")[0] == OK


def test_settings_of_the_household(home, say):
    assert "blocked_ttl" in say("setting", "list")[1]
    assert say("setting", "set", "blocked_ttl", "7")[0] == OK
    values = {row["key"]: row["value"] for row in document(say, "setting", "list")["items"]}
    assert values["blocked_ttl"] == 7
    assert say("setting", "set", "blocked_ttl", "0")[0] == USAGE
    assert say("setting", "set", "run_dir", "/x")[0] == REJECTED


def test_doctor_looks_from_outside(home):
    words = [
        "--set",
        "identity=address",
        "--set",
        f"run_dir={home.folder / 'run'}",
        "--set",
        f"upstream={home.upstream}",
    ]
    words += ["--set", f"state_dir={home.folder / 'state'}", "--set", f"dns_listen=127.0.0.1:{home.port}"]
    command = [sys.executable, "-m", "agent", "doctor", "--json", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode in (OK, FINDINGS), done.stdout + done.stderr
    assert json.loads(done.stdout)


def test_setup_code(home, say):
    assert len(document(say, "setup-code")["code"]) >= 8


def test_where_the_page_is(monkeypatch):
    """By the address that an SSH client reached the router by; of none, in a word that says what to put there."""
    monkeypatch.setenv("SSH_CONNECTION", "192.168.1.20 50022 192.168.1.1 22")
    assert page_address({"port": 5392, "tls": True}) == "https://192.168.1.1:5392/"
    monkeypatch.setenv("SSH_CONNECTION", "fd00::20 50022 fd00::1 22")
    assert page_address({"port": 80, "tls": False}) == "http://[fd00::1]:80/"
    monkeypatch.delenv("SSH_CONNECTION")
    assert page_address({"port": 5392, "tls": True}) == "https://ROUTER:5392/"
    assert page_address({"port": None, "tls": True}) == ""


def test_a_reader_that_has_enough_is_no_error(home):
    command = f"{shlex.quote(sys.executable)} -m agent activity | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == OK and done.stderr == ""
