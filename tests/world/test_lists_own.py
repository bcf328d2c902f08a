"""Lists of the household's own: added by their address, in force with the next update, gone as they came."""

from collections.abc import Callable, Iterator

import pytest

from agent.cli.main import main
from agent.client import ControlError
from tests.jobs.bad_server import Authority, missing, text
from tests.world.lists import House, house, until

Say = Callable[..., tuple[int, str]]


@pytest.fixture
def home(authority: Authority) -> Iterator[House]:
    with house(authority, "one") as made:
        yield made


@pytest.fixture
def say(home: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    monkeypatch.setenv("PRIVACY_AGENT_SOCKET", str(home.folder / "run" / "control.sock"))

    def command(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(list(words))
        told = capsys.readouterr()
        return code, told.out + told.err

    return command


def test_a_list_of_ones_own_comes_and_goes(home: House, say: Say) -> None:
    home.server.pages["/mine.txt"] = text(b"0.0.0.0 mine.example\n127.0.0.1 also-mine.example\n")
    home.start(lists_auto=False)
    address = home.server.address("/mine.txt")
    code, told = say("lists", "add", address, "--category", "ads", "--name", "My list")
    assert code == 0 and "My list is used from now on" in told
    assert say("lists", "update")[0] == 0
    assert home.blocks("www.mine.example") is True and home.blocks("one7.example")
    told = home.client.call("explain", name="mine.example")
    assert told["rule"]["category"] == "ads" and told["rule"]["list_id"].startswith("own-")
    assert "your own" in say("lists")[1]
    # Whom the router asks for it is said.
    assert any("localhost" in str(row) for row in home.client.call("recipients")["items"])
    # It outlives a restart and a reboot.
    home.power_cut()
    home.start(lists_auto=False)
    assert [row["name"] for row in home.client.call("lists")["feeds"]] == ["one", "My list"]
    assert home.updated()["message"] == ""
    code, told = say("lists", "remove", address)
    assert code == 0 and "not used any more" in told
    assert home.updated()["message"] == ""
    assert not home.blocks("mine.example") and home.blocks("one7.example")
    assert [path.name for path in (home.folder / "run" / "lists").iterdir() if "own" in path.name] == []
    assert home.client.call("lists")["feeds"][0]["id"] == "one"


def test_a_mistyped_category_is_asked_about(home: House, say: Say) -> None:
    """One of one's own blocks for everybody: nobody means that who wanted it for a child alone."""
    home.start(lists_auto=False)
    address = home.server.address("/mine.txt")
    for typed, meant in (("gambing", "gambling"), ("phising", "phishing"), ("game", "games"), ("alow", "allow")):
        code, told = say("lists", "add", address, "--category", typed)
        assert code != 0 and f"no category {typed}; did you mean {meant}?" in told, told
    assert [row["id"] for row in home.client.call("lists")["feeds"]] == ["one"]
    code, told = say("lists", "add", address, "--category", "telemetry")
    assert code == 0 and "telemetry: a category of your own. It blocks on every device" in told
    assert say("lists", "add", home.server.address("/more.txt"), "--category", "gambling")[1].count("of your own") == 0
    code, told = say("lists", "add", home.server.address("/third.txt"), "--category", "telemetri")
    assert code != 0 and "did you mean telemetry?" in told


def test_one_that_cannot_be_had_is_named(home: House, say: Say) -> None:
    home.server.pages["/gone"] = missing
    home.start(lists_auto=False)
    assert say("lists", "add", home.server.address("/gone"))[0] == 0
    code, told = say("lists", "update")
    assert code == 1 and "/gone: the server answers 404" in told and home.blocks("one7.example")


def test_what_is_no_address_is_refused_in_words(home: House, say: Say) -> None:
    home.start(lists_auto=False)
    for address, words in (
        ("http://lists.example/x", "https://"),
        ("ftp://lists.example/x", "https://"),
        ("https://user@lists.example/x", "no user"),
        ("https:///x", "host"),
        ("https://[", "no address"),
        ("https://lists.example:port/x", "port"),
        ("https://lists.example:²/x", "plain letters"),
        ("https://" + "a" * 70 + ".example/x", "63"),
        ("https://lists.example/" + "x" * 600, "512"),
    ):
        code, told = say("lists", "add", address)
        assert code != 0 and words in told, (address, told)
    code, told = say("lists", "add", "https://lists.example/x", "--syntax", "poem")
    assert code != 0 and "hosts, dnsmasq" in told
    code, told = say("lists", "add", "https://lists.example/x", "--category", "Two Words")
    assert code != 0 and "category" in told
    assert len(home.client.call("lists")["feeds"]) == 1


def test_an_address_in_letters_of_any_script(home: House, say: Say) -> None:
    home.start(lists_auto=False)
    assert say("lists", "add", "https://Bücher.example/ä b.txt?x=1#part")[0] == 0
    row = home.client.call("lists")["feeds"][-1]
    assert row["address"] == "https://xn--bcher-kva.example/%C3%A4%20b.txt?x=1"
    code, told = say("lists", "add", "https://bücher.example/ä b.txt?x=1")
    assert code != 0 and "there already" in told


def test_so_many_and_no_more(home: House) -> None:
    home.start(lists_auto=False)
    for at in range(20):
        home.client.call("lists.add", url=f"https://lists.example/{at}")
    with pytest.raises(ControlError, match="20 lists"):
        home.client.call("lists.add", url="https://lists.example/20")
    home.client.call("lists.remove", id=home.client.call("lists")["feeds"][-1]["id"])
    home.client.call("lists.add", url="https://lists.example/20")


def test_add_and_remove_are_for_lists_of_the_table_as_well(home: House, say: Say) -> None:
    home.start(lists_auto=False)
    assert "not used any more" in say("lists", "remove", "one")[1] and not home.feed("one")["chosen"]
    assert say("lists", "add", "one")[0] == 0 and home.feed("one")["chosen"]
    assert "there are: one" in say("lists", "add", "two")[1]
    with pytest.raises(ControlError, match="came with the agent"):
        home.client.call("lists.remove", id="one")


def test_without_any_list_nothing_is_blocked_any_more(home: House) -> None:
    home.server.pages["/mine.txt"] = text(b"mine.example\nmine-too.example\n")
    home.start()
    home.client.call("lists.choose", id="one", on=False)
    row = home.client.call("lists.add", url=home.server.address("/mine.txt"))
    assert home.updated()["message"] == "" and home.blocks("mine.example")
    home.client.call("lists.remove", id=row["id"])
    until(lambda: not home.blocks("mine.example"))


def test_lists_compiled_by_hand_are_taken_into_use(home: House, say: Say) -> None:
    client = home.start(lists_auto=False)
    file = str(client.call("lists")["file"])
    mine = home.folder / "mine.txt"
    mine.write_text("mine.example\nother.example\nthird.example\ngithub.com\n")
    code, told = say("lists", "compile", f"ads={mine}", "--output", file)
    assert code == 0 and "The daemon uses them from now on." in told
    assert "would block a well-known site" in told and "github.com" in told
    assert home.blocks("www.mine.example") and not home.blocks("github.com")
    code, told = say("lists")
    assert code == 0 and "ads" in told and "ready" in told
    assert "lists compile" not in told
