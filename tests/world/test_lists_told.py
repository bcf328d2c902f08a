"""What became of an update is told for each list, by name, and each list stands for itself."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.cli.main import main
from tests.jobs.bad_server import Asked, Authority, missing, names, text
from tests.world.lists import House, house, until

ROOT = Path(__file__).resolve().parents[2]
LOGIN = text(b"<html>please sign in</html>", "Content-Type: text/html; charset=utf-8")
Say = Callable[..., tuple[int, str]]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    def command(home: House, *words: str) -> tuple[int, str]:
        monkeypatch.setenv("PRIVACY_AGENT_SOCKET", str(home.folder / "run" / "control.sock"))
        capsys.readouterr()
        return main(list(words)), capsys.readouterr().out

    return command


def answered(head: str) -> Callable[[Asked], None]:
    return lambda asked: asked.link.sendall((head + "\r\n\r\n").encode())


BAD = {
    "seconds": (answered("HTTP/1.1 503 Busy\r\nRetry-After: ²"), "answers 503"),
    "nowhere": (answered("HTTP/1.1 302 Found\r\nLocation: https://["), "leads nowhere"),
    "long-label": (answered(f"HTTP/1.1 302 Found\r\nLocation: https://{'a' * 70}.example/"), "connection failed"),
    "length": (answered("HTTP/1.1 200 OK\r\nContent-Length: ²"), "does not speak HTTP"),
    "chunk": (answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5"), "does not speak HTTP"),
    "gone": (missing, "answers 404"),
    "login": (LOGIN, "a web page"),
}


def test_a_list_that_fails_leaves_the_others_alone_and_is_named(authority: Authority, say: Say) -> None:
    with house(authority, *BAD, "good") as home:
        home.server.pages |= {"/" + id: answer for id, (answer, _) in BAD.items()}
        home.start(lists_auto=False)
        code, told = say(home, "lists", "update")
        assert code == 1
        for id, (_, words) in BAD.items():
            assert [line for line in told.splitlines() if line.startswith(f"! {id}: ") and words in line], id
        assert "! good" not in told and "3000 rules in use" in told
        assert home.blocks("good7.example")


def test_with_all_servers_down_it_says_so_and_brings_the_starter_list(authority: Authority, say: Say) -> None:
    with house(authority) as home:
        shutil.copytree(ROOT / "blocklists" / "starter", home.data / "starter")
        home.server.close()
        home.start(lists_auto=False)
        code, told = say(home, "lists", "update")
        assert code == 1 and "! one: the connection failed" in told and "! two: the connection failed" in told
        assert "no list could be had yet" in told and "done" not in told
        items = home.client.call("lists")["items"]
        assert items and all(row["state"] == "test" for row in items)
        assert home.client.call("status")["health"].startswith("Not yet protecting")
        # There is nothing to go back to: test names are no earlier set.
        assert home.client.call("lists")["previous"] is None


def test_when_all_is_well_it_says_done(authority: Authority, say: Say) -> None:
    with house(authority) as home:
        home.start(lists_auto=False)
        code, told = say(home, "lists", "update")
        assert code == 0 and told.startswith("Fetching") and told.endswith("done\n")


def test_a_job_that_dies_names_the_cause(authority: Authority, say: Say) -> None:
    """By something nobody foresaw: here its folder holds what cannot be removed."""
    with house(authority) as home:
        home.start(lists_auto=False)
        folder = home.folder / "run" / "lists"
        assert home.updated()["message"] == ""
        state = folder / "state.json"
        state.unlink()
        state.mkdir()
        code, told = say(home, "lists", "update")
        assert code == 1 and "can't be used" in told
        assert home.blocks("one7.example")


def test_a_list_that_ends_the_job_does_not_keep_the_others_back(authority: Authority, say: Say) -> None:
    with house(authority) as home:
        pids: list[int] = []

        def deadly(asked: Asked) -> None:
            """Whoever reads this is killed, as by the kernel when memory is short."""
            pids.extend(job_of(home))
            os.kill(pids[-1], 9)

        home.server.pages["/one"] = deadly
        home.start()
        until(lambda: home.blocks("two7.example"))
        until(lambda: home.feed("one")["failures"])
        assert len(pids) == 2
        assert "ended the update" in home.feed("one")["message"]
        home.server.pages["/one"] = text(names(3000, "one"))
        assert home.updated()["message"] == "" and home.blocks("one7.example")


def test_a_job_that_the_system_ended_is_told_of(authority: Authority, say: Say) -> None:
    with house(authority) as home:
        home.server.pages["/one"] = lambda asked: os.kill(job_of(home)[-1], 9)
        home.start(lists_auto=False)
        code, told = say(home, "lists", "update")
        assert code == 1 and "memory was short" in told


def job_of(home: House) -> list[int]:
    assert home.running
    daemon = home.running.daemon_pid()
    children = Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split()
    return [int(pid) for pid in children if b"agent.jobs.update_job" in Path(f"/proc/{pid}/cmdline").read_bytes()]
