"""Lists from the servers to a refusal: the real daemon, its job under another user, a local HTTPS server."""

import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli.main import main
from agent.client import ControlClient, ControlError, Unreachable
from agent.daemon.lists import rule_sets
from agent.jobs.compile import Source, compile_lists
from agent.platform.rulefile import open_ruleset
from tests.jobs.bad_server import Asked, Authority, BadServer, names, text, validated
from tests.promises.running import Running

WAIT_S = 30.0


class Home:
    """A daemon with a table of two feeds at a local server; protection is on for the tablet."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.server = BadServer(authority.context("good"))
        self.serve("one", 3000)
        self.serve("two", 2000)
        data = folder / "data"
        data.mkdir()
        feeds = [
            {"id": id, "address": self.server.address("/" + id), "category": "phishing", "default": id == "one"}
            for id in ("one", "two")
        ]
        (data / "feeds.json").write_text(json.dumps({"format": 1, "feeds": feeds}))
        (data / "popular.txt").write_text("a.example\nb.example\nc.example\n")
        before = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = str(authority.file)
        try:
            self.running = Running(folder, data_dir=str(data), lists_auto=False)
        finally:
            os.environ.pop("SSL_CERT_FILE")
            if before:
                os.environ["SSL_CERT_FILE"] = before
        self.client = self.running.client()
        self.client.call("device.add", label="tablet", address="127.0.0.2")

    def serve(self, id: str, count: int) -> None:
        self.server.pages["/" + id] = validated(names(count, id), f'"{count}"')

    def protect(self) -> None:
        self.client.call("on", device_id=1, feature="protection", agree=1)

    def update(self, op: str = "lists.update", **arguments: object) -> dict:
        before = len(self.server.log)
        assert self.client.call(op, **arguments)["started"]
        progress = self.done()
        if op == "lists.update":
            assert len(self.server.log) > before, str(progress)
        return progress

    def done(self) -> dict:
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            progress = self.client.call("lists.progress")
            if not progress["running"]:
                return progress
            time.sleep(0.02)
        raise AssertionError("the update does not end")

    def verdict(self, name: str) -> str:
        return str(self.client.call("explain", name=name)["verdict"])

    def close(self) -> None:
        self.client.close()
        self.running.stop()
        self.server.close()


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that the job's user can reach: pytest's own belong to one user alone."""
    folder = Path(tempfile.mkdtemp(prefix="privacy-agent-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    with open_folder() as folder:
        yield Authority(folder)


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as made:
        yield made


@pytest.fixture
def home(folder: Path, authority: Authority) -> Iterator[Home]:
    made = Home(folder, authority)
    yield made
    made.close()


def refusal(client: ControlClient, op: str, **arguments: object) -> ControlError:
    with pytest.raises(ControlError) as found:
        client.call(op, **arguments)
    return found.value


def test_from_the_server_to_a_refusal_and_back(home: Home) -> None:
    client = home.client
    # Nothing is fetched while nobody needs it.
    assert "protection is on for no device" in str(refusal(client, "lists.update"))
    home.protect()
    assert client.call("status")["health"].startswith("Not yet protecting")
    assert home.server.log == []
    progress = home.update()
    assert progress["message"] == "" and progress["finished_at"]
    status = client.call("status")
    assert status["lists"]["state"] == "ready" and not status["health"].startswith("Not yet")
    (row,) = client.call("lists")["items"]
    assert (row["id"], row["rules"], row["state"]) == ("one", 3000, "ready") and row["checked_at"]
    assert home.verdict("www.one7.example") == "block"
    # Only what was chosen is fetched.
    assert [asked.path for asked in home.server.log] == ["/one"]
    client.call("lists.choose", id="two", on=True)
    home.update()
    assert home.verdict("two7.example") == "block"
    # Back to the set before, and there it stays until somebody updates.
    assert client.call("lists")["previous"] == {"lists": 1, "rules": 3000}
    assert client.call("lists.rollback")["pinned"]
    assert home.verdict("two7.example") == "allow" and home.verdict("one7.example") == "block"
    client.call("lists.rollback")
    assert home.verdict("two7.example") == "block"
    client.call("lists.rollback")
    home.update()
    assert home.verdict("two7.example") == "block" and not client.call("lists")["pinned"]


def test_a_held_update_waits_for_a_word(home: Home) -> None:
    home.protect()
    home.update()
    home.serve("one", 100)
    home.update()
    (held,) = home.client.call("lists.waiting")["items"]
    assert held["id"] == "one" and "shrank" in held["reason"] and held["rules"] == 100
    assert home.verdict("one2999.example") == "block"
    assert "waits for a decision" in str(refusal(home.client, "lists.decide", id="two", decision="accept"))
    asked = len(home.server.log)
    home.update("lists.decide", id="one", decision="accept")
    assert len(home.server.log) == asked
    assert home.verdict("one99.example") == "block" and home.verdict("one2999.example") == "allow"
    assert home.client.call("lists.waiting")["items"] == []


def test_the_command_line_follows_an_update(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PRIVACY_AGENT_SOCKET", str(home.running.run_dir / "control.sock"))

    def say(*words: str) -> str:
        capsys.readouterr()
        assert main(list(words)) == 0
        return capsys.readouterr().out

    home.protect()

    def slow(asked: Asked) -> None:
        body = names(20_000, "one") + b"not a name, this\nneither is this\n*bad*.example\n"
        asked.head("200 OK", f"Content-Length: {len(body)}")
        for start in range(0, len(body), len(body) // 4):
            asked.link.sendall(body[start : start + len(body) // 4])
            time.sleep(0.7)

    home.server.pages["/one"] = slow
    told = say("lists", "update")
    assert "Fetching one" in told and "Fetching one: 50 %" in told and told.endswith("done\n")
    told = say("lists")
    assert re.search(r"^phishing +20000$", told, re.M)
    assert re.search(r"^one +2 +not a rule of this syntax$", told, re.M)
    (row,) = home.client.call("lists")["items"]
    assert row["skipped"] == {"not a rule of this syntax": 2, "a pattern without a domain name at its end": 1}
    home.serve("one", 100)
    say("lists", "update")
    assert re.search(r"^one +\S+ +100 +it shrank from about 20000 rules to 100$", say("lists", "waiting"), re.M)
    say("lists", "accept", "one")
    home.done()
    assert "No update is waiting" in say("lists", "waiting") and home.verdict("one2999.example") == "allow"
    say("lists", "rollback")
    assert home.verdict("one2999.example") == "block"


def test_the_job_is_somebody_else_and_may_ask_for_nothing_more(home: Home) -> None:
    def slow(asked: Asked) -> None:
        asked.head("200 OK")
        asked.drip(b"# more to come\n")

    home.protect()
    home.server.pages["/one"] = slow
    home.client.call("lists.update")
    pid = job_of(home)
    status = Path(f"/proc/{pid}/status").read_text()
    if os.geteuid() == 0:
        uid = next(line.split()[1] for line in status.splitlines() if line.startswith("Uid:"))
        assert uid != "0" and "CapEff:\t0000000000000000" in status
    assert home.client.call("lists.progress")["list_id"] == "one"
    assert home.client.call("lists.update") == {"started": False}
    for op in ("feeds.plan", "feeds.outcome", "feeds.progress"):
        assert refusal(home.client, op).code == "forbidden"
    # Protection goes off: the job goes, too.
    home.client.call("off", device_id=1, feature="protection")
    assert "cut off" in str(home.done()["message"])


def job_of(home: Home) -> int:
    daemon = home.running.daemon_pid()
    end = time.monotonic() + 20
    while time.monotonic() < end:
        children = Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split()
        for child in children:
            if home.server.log and b"agent.jobs.update_job" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
        time.sleep(0.02)
    raise AssertionError("no job")


def test_a_killed_job_is_said_and_the_next_one_finishes(home: Home) -> None:
    home.protect()
    home.update()
    for count in range(8):
        home.serve("one", 3001 + count)
        home.client.call("lists.update")
        time.sleep(0.05 * count)
        children = home.running.daemon_pid()
        for child in Path(f"/proc/{children}/task/{children}/children").read_text().split():
            if b"agent.jobs.update_job" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(int(child), signal.SIGKILL)
        home.done()
        assert home.verdict("one2999.example") == "block"
        whole(home)
    assert home.update()["message"] == ""
    assert home.verdict("one3007.example") == "block"


def whole(home: Home) -> None:
    found = open_ruleset(str(home.running.run_dir / "rules.bin"))
    found.verify()
    found.close()


@pytest.mark.parametrize("step", ["previous", "taken", "linked", "exchanged"])
def test_a_daemon_killed_while_it_swaps_comes_back_with_a_whole_set(home: Home, step: str) -> None:
    home.protect()
    home.update()
    home.serve("one", 3100)
    if step in ("linked", "exchanged"):
        home.update()
    home.running.crash.write_text(step)
    op = "lists.rollback" if step in ("linked", "exchanged") else "lists.update"
    with contextlib.suppress(Unreachable):
        home.client.call(op)
    end = time.monotonic() + WAIT_S
    while home.running.crash.exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert not home.running.crash.exists(), "the step was not reached"
    home.client.close()
    home.client = home.running.client()
    whole(home)
    assert home.verdict("one2999.example") == "block"
    (row,) = home.client.call("lists")["items"]
    assert row["rules"] in (3000, 3100)
    # And it goes on from there.
    home.serve("one", 3200)
    assert home.update()["message"] == ""
    assert home.verdict("one3199.example") == "block"


def test_an_update_by_itself_only_while_protection_is_on(folder: Path, authority: Authority) -> None:
    home = Home(folder, authority)
    try:
        home.client.call("settings.set", key="lists_auto", value=True)
        # As if a minute had passed since the start.
        home.client.call("lists.choose", id="two", on=True)
        time.sleep(1)
        assert home.server.log == []
    finally:
        home.close()


def test_what_the_daemon_knows_of_lists_names_no_device(home: Home) -> None:
    home.protect()
    home.update()
    with sqlite3.connect(home.running.folder / "state" / "state.db") as state:
        (kept,) = state.execute("SELECT value FROM meta WHERE key='feeds'").fetchone()
    state.close()
    assert set(json.loads(kept)) >= {"outcomes", "choices", "pinned"}
    assert "127.0.0.2" not in kept and "tablet" not in kept
    home.server.pages["/one"] = text(b"<html>")
    assert home.update()["message"] == ""
    (row,) = [row for row in home.client.call("lists")["feeds"] if row["id"] == "one"]
    assert "web page" in row["message"] and row["failures"] == 1
    assert home.verdict("one7.example") == "block"


# The swap alone, without a daemon.


def made(folder: Path, name: str, word: str) -> str:
    (folder / "list").write_bytes(names(50, word))
    compile_lists([Source(str(folder / "list"), word, syntax="domains")], str(folder / name))
    return str(folder / name)


def in_use(path: str) -> str:
    found = open_ruleset(path)
    found.verify()
    found.close()
    return str(found.lists[0]["id"])


class Killed(Exception):
    pass


@pytest.mark.parametrize("at", ["", "previous", "taken"])
def test_a_set_is_taken_whole(tmp_path: Path, at: str) -> None:
    target = made(tmp_path, "rules.bin", "old")
    made(tmp_path, "rules.bin.incoming", "new")

    def step(name: str) -> None:
        if name == at:
            raise Killed

    with contextlib.suppress(Killed):
        rule_sets.take(target, step)
    assert in_use(target) == ("old" if at == "previous" else "new")
    assert in_use(rule_sets.previous(target)) == "old"


@pytest.mark.parametrize("at", ["", "linked", "taken", "exchanged"])
def test_a_set_is_exchanged_whole(tmp_path: Path, at: str) -> None:
    target = made(tmp_path, "rules.bin", "new")
    made(tmp_path, "rules.bin.previous", "old")

    def step(name: str) -> None:
        if name == at:
            raise Killed

    with contextlib.suppress(Killed):
        rule_sets.roll_back(target, step)
    assert in_use(target) == ("new" if at == "linked" else "old")
    # Whatever happened, another update finds its way.
    with open(rule_sets.open_incoming(target), "wb") as file:
        file.write(Path(target).read_bytes())
    rule_sets.take(target)


def test_a_damaged_set_is_not_taken(tmp_path: Path) -> None:
    target = made(tmp_path, "rules.bin", "old")
    for content in (b"", b"<html>", Path(target).read_bytes()[:-1]):
        Path(rule_sets.incoming(target)).write_bytes(content)
        with pytest.raises(ValueError):
            rule_sets.take(target)
        assert in_use(target) == "old"
    with pytest.raises(ValueError, match="no earlier set"):
        rule_sets.roll_back(target)
