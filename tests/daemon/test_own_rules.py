"""The household's own rules as text: out, in again, with scope and end; what is wrong is said by line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.model import BadInput
from agent.core.rule_text import read_time, show_time
from agent.daemon.operations.arguments import OperationRejected
from agent.daemon.operations.rule_text import LINES_MAX
from tests.promises.household import Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(str(tmp_path))
    made.start()
    made.ask("person.add", name="Mia", group="child")
    made.ask("device.add", label="Mia's tablet", address="127.0.0.2", person_id=1)
    made.ask("device.add", label="for person", address="127.0.0.3")
    yield made
    made.crash()


def lines(home: Home) -> list[str]:
    found: list[str] = []
    after = None
    while True:
        page = home.ask("rule.export", limit=2, **({"after": after} if after else {}))
        found += page["items"]
        after = page["next"]
        if after is None:
            return found


def rules(home: Home) -> list[tuple[object, ...]]:
    keys = ("name", "action", "scope", "device_id", "person_id", "expires_at")
    return sorted(tuple(row[key] for key in keys) for row in home.ask("rule.list")["items"])


def test_out_and_in_again(home: Home) -> None:
    home.ask("allow", name="school.example")
    home.ask("block", name="games.example", device_id=1, seconds=3600)
    home.ask("block", name="films.example", person_id=1)
    home.ask("allow", name="wiki.example", device_id=2)
    before, kept = rules(home), lines(home)
    end = next(row["expires_at"] for row in home.ask("rule.list")["items"] if row["expires_at"])
    assert sorted(kept) == [
        "allow school.example",
        "allow wiki.example for device for person",
        "block films.example for person Mia",
        f"block games.example until {show_time(end)} for device Mia's tablet",
    ]
    for row in home.ask("rule.list")["items"]:
        home.ask("rule.remove", id=row["id"])
    told = home.ask("rule.import", lines=["# mine", "", *kept], action="", preview=True)
    assert (told["rules"], told["new"], told["over"], told["complaints"]) == (4, 4, 0, []) and rules(home) == []
    assert home.ask("rule.import", lines=kept, action="")["new"] == 4
    assert rules(home) == before
    assert home.ask("rule.import", lines=kept, action="")["new"] == 0 and rules(home) == before
    view = home.household.policy.view(1, 1)
    assert home.household.policy.decide(view, b"www.games.example").blocked
    assert home.household.policy.decide(view, b"films.example").blocked
    assert not home.household.policy.decide(home.household.policy.view(2, None), b"games.example").blocked


def test_a_rule_that_is_over_is_left_out(home: Home) -> None:
    now = home.household.clock.wall()
    past, soon = show_time(now - 1), show_time(now + 60)
    told = home.ask("rule.import", lines=[f"block a.example until {past}", f"block b.example until {soon}"], action="")
    assert (told["rules"], told["over"]) == (1, 1)
    assert [(name, end) for name, *_, end in rules(home)] == [("b.example", read_time(soon))]


def test_what_is_wrong_is_said_and_nothing_of_it_is_added(home: Home) -> None:
    home.household.lists.helplines = frozenset([b"help.example"])
    home.household.new_policy()
    text = [
        "block fine.example",
        "block chat.help.example",
        "block x.example for device Nobody's",
        "block x.example for person mia",
        "perhaps x.example",
        "block x\x00y.example",
        "allow chat.help.example",
        "block help.example until 2026-02-30T00:00:00Z",
    ]
    told = home.ask("rule.import", lines=text, action="", preview=True)
    said = {row["line"]: row["message"] for row in told["complaints"]}
    assert sorted(said) == [1, 2, 3, 4, 5, 7]
    assert "helpline" in said[1] and 'no device "Nobody\'s"' in said[2] and "no person 'mia'" in said[3]
    assert "no such time" in said[7]
    with pytest.raises(BadInput, match="line 1"):
        home.ask("rule.import", lines=text, action="")
    assert rules(home) == []


def test_names_alone_need_an_action(home: Home) -> None:
    names = ["# from elsewhere", "one.example", "*.two.example", "три.example  # a comment"]
    told = home.ask("rule.import", lines=names, action="", preview=True)
    assert [row["line"] for row in told["complaints"]] == [1, 2, 3]
    names[3] = "xn--h1atv.example  # a comment"
    assert home.ask("rule.import", lines=names, action="block")["new"] == 3
    assert [name for name, *_ in rules(home)] == ["one.example", "two.example", "xn--h1atv.example"]


def test_there_is_an_end_to_them(home: Home) -> None:
    with pytest.raises(BadInput, match="at most"):
        home.ask("rule.import", lines=["# x"] * (LINES_MAX + 1), action="")
    for start in range(0, 2000, 100):
        home.ask("rule.import", lines=[f"n{at}.example" for at in range(start, start + 100)], action="block")
    assert home.ask("rule.import", lines=["one-more.example"], action="block", preview=True)["room"] == 0
    with pytest.raises(OperationRejected, match="room for 0 rules"):
        home.ask("rule.import", lines=["one-more.example"], action="block")
    assert home.ask("rule.import", lines=["n7.example"], action="allow")["new"] == 0
    for wrong in ({"lines": "x", "action": ""}, {"lines": [1], "action": ""}, {"lines": [], "action": "maybe"}):
        with pytest.raises(BadInput):
            home.ask("rule.import", **wrong)


def test_a_rule_for_an_ipv6_address_is_kept_exported_and_brought_back(home: Home) -> None:
    """And decides for whoever goes there by address alone, as one for an IPv4 address does."""
    assert home.household
    for name in ("[2001:DB8::0:7]", "192.0.2.7"):
        assert home.ask("block", name=name)["action"] == "block"
    assert lines(home) == ["block 2001:db8::7", "block 192.0.2.7"]
    home.ask("on", device_id=1, feature="protection", agree=1)
    for name in ("2001:db8::7", "192.0.2.7"):
        assert home.ask("explain", name=name)["verdict"] == "block"
        assert home.ask("explain", name=f"http://{name if '.' in name else '[' + name + ']'}/x")["verdict"] == "block"
    assert home.ask("explain", name="2001:db8::8")["verdict"] == "allow"
    for row in home.ask("rule.list")["items"]:
        home.ask("rule.remove", id=row["id"])
    typed = ["block 2001:db8:0::7", "block [2001:db8::9]", "block 10.0.0.0/8"]
    assert len(home.ask("rule.import", lines=typed, action="", preview=True)["complaints"]) == 2
    home.ask("rule.import", lines=typed[:1], action="")
    assert lines(home) == ["block 2001:db8::7"]
