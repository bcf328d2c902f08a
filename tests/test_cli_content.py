"""`content`, `categories`, `services`, `explain --person` as somebody types them."""

import json
import os
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli.errors import NOT_FOUND, OK, USAGE
from agent.cli.lists import accept
from agent.jobs.guarded import said
from tests.test_cli import Home, document, say  # noqa: F401 - a fixture


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    made = Home(tmp_path_factory.mktemp("content"))
    os.environ["PRIVACY_AGENT_SOCKET"] = made.socket
    data = Path(made.folder) / "data"
    data.mkdir(exist_ok=True)
    services = [
        {"id": id, "title": id.title(), "group": "social", "names": [id + ".example"]} for id in ("tiktok", "roblox")
    ]
    (data / "services.json").write_text(json.dumps({"format": 1, "services": services}))
    try:
        made.start(data_dir=data)
        yield made
    finally:
        made.close()
        del os.environ["PRIVACY_AGENT_SOCKET"]


def test_content(home, say):  # noqa: F811
    assert say("person", "add", "Mia", "child")[0] == OK
    assert "nothing is blocked except by protection" in say("content", "Mia")[1]
    code, text = say("content", "Mia", "block", "adult,gambling", "games")
    assert code == OK and "categories blocked: adult, gambling, games" in text
    assert "categories blocked: adult, gambling\n" in say("content", "Mia", "allow", "games")[1]
    words = ("services", "block", "tiktok,roblox", "--only", "sat,sun 10:00-12:00")
    assert "roblox: open only sat,sun 10:00-12:00" in say("content", "Mia", *words)[1]
    assert "tiktok: blocked\n" in say("content", "Mia", "services", "block", "tiktok")[1]
    assert "tiktok" not in say("content", "Mia", "services", "allow", "tiktok")[1]
    assert "search: strict" in say("content", "Mia", "search", "strict")[1]
    assert "youtube: moderate" in say("content", "Mia", "youtube", "moderate")[1]
    assert "stay open, always: moodle.example" in say("content", "Mia", "always", "add", "Moodle.example")[1]
    assert "moodle" not in say("content", "Mia", "always", "remove", "moodle.example")[1]
    assert document(say, "content", "Mia", "--json")["categories"] == ["adult", "gambling"]
    assert "it belongs to Roblox" in say("explain", "www.roblox.example", "--person", "Mia")[1]


def test_what_is_wrong_is_said(home, say):  # noqa: F811
    assert say("person", "add", "Tom", "teen")[0] == OK
    for words in (("dance",), ("block",), ("services", "dance", "x"), ("always", "x", "y"), ("lists", "no", "x")):
        assert say("content", "Tom", *words)[0] == USAGE, words
    assert "no category 'porn'; there are: adult" in say("content", "Tom", "block", "porn")[1]
    assert "no service myspace; there are tiktok, roblox" in say("content", "Tom", "services", "block", "myspace")[1]
    assert "not a time" in say("content", "Tom", "services", "block", "tiktok", "--not", "sat 30:00-31:00")[1]
    assert "only lists" in say("content", "everybody", "block", "adult")[1]
    assert say("content", "Nobody")[0] == NOT_FOUND


def test_lists_of_everybody_and_somebody(home, say):  # noqa: F811
    assert say("lists", "add", "https://lists.example/own.txt")[0] == OK
    (own,) = [row["id"] for row in document(say, "lists", "--json")["feeds"] if row["own"]]
    assert f"lists off: {own}" in say("content", "everybody", "lists", "off", own)[1]
    assert f"lists on: {own}" in say("content", "Tom", "lists", "on", own)[1]
    assert own not in say("content", "Tom", "lists", "default", own)[1]


def test_what_there_is(home, say):  # noqa: F811
    assert "gambling" in say("categories")[1] and "child, teen" in say("categories")[1]
    assert "tiktok" in say("services")[1]
    assert len(document(say, "categories", "--json")["items"]) == 15


class Daemon:
    """Tells of a list that left out two lines, and notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, object]]] = []

    def call(self, op: str, **arguments: object) -> dict[str, object]:
        self.asked.append((op, arguments))
        why = said("a time server", ["time.apple.com", "pool.ntp.org"])
        return {"items": [{"id": "l", "skipped": {why: 2, "covers too much": 1}}], "feeds": [{"id": "l"}]}


def test_one_line_of_a_list_is_accepted_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    for word, op in (("time.apple.com", "block"), ("pool.ntp.org", "block"), ("l", "lists.decide")):
        daemon = Daemon()
        accept(daemon, Namespace(list=word))  # type: ignore[arg-type]
        assert daemon.asked[-1][0] == op and word in daemon.asked[-1][1].values()
    assert "pool.ntp.org is blocked for everybody" in capsys.readouterr().out
