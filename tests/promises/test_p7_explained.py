"""P7, every verdict explains itself: for every refusal that happened, `explain` names the list, version and rule, then
and now, and how to allow it; and doing what it says allows it."""

import random
from pathlib import Path

import pytest

from agent.jobs.compile import compile_lists
from agent.jobs.list_reader import Source
from tests.promises.household import Home

NAMES = [f"{word}{n}.example" for word in ("bank", "shop", "mail", "cdn") for n in range(8)]


@pytest.fixture
def lived(home: Home, tmp_path: Path) -> Home:
    """Two lists in two syntaxes, and a household with rules of its own."""
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    first.write_text("".join(f"0.0.0.0 {name}\n" for name in NAMES[:16]))
    second.write_text("".join(f"||{name}^\n" for name in NAMES[12:24]) + "@@||ok.bank1.example^\n")
    home.start()
    target = home.household.settings.text("ruleset_file")
    compile_lists(
        [Source(str(first), "one", "First", "v1", "phishing"), Source(str(second), "two", "Second", "v2", "malware")],
        target,
    )
    home.household.load_lists()
    home.ask("device.add", label="tablet", address="127.0.0.2")
    home.ask("on", device_id=1, feature="protection", agree=1)
    home.ask("block", name=NAMES[30])
    home.ask("allow", name=NAMES[3], device_id=1)
    return home


def meet(home: Home, name: str, chain: tuple[bytes, ...] = (), addresses: tuple[bytes, ...] = ()) -> bool:
    """What the DNS side does with a question and an answer that leads there; whether it was refused."""
    household = home.household
    client = household.clients.identify(None, "127.0.0.2")
    verdict = household.policy.decide(client.view, name.encode())
    if verdict.rule is None:
        verdict = household.policy.review(client.view, list(chain), list(addresses))
    if verdict.blocked:
        household.recorder.refused(client.slot, client.generation, name, "dns", 1, verdict)
    return verdict.blocked


def test_every_refusal_is_explained_then_and_now(lived: Home) -> None:
    rng = random.Random(5)
    met = {}
    for name in NAMES:
        asked = rng.choice(("", "www.", "a.b.")) + name
        met[asked] = meet(lived, asked)
    rows = lived.ask("blocked", limit=200)["items"]
    assert sorted(row["target"] for row in rows) == sorted(name for name, refused in met.items() if refused)
    assert len(rows) > 20
    for row in rows:
        told = lived.ask("explain", attempt_id=row["id"])
        assert told["verdict"] == "block"
        assert told["then"]["rule"]["text"] == row["rule"]["text"] == told["rule"]["text"]
        assert told["then"]["rule"]["list_version"] == told["rule"]["list_version"]
        assert told["rule"]["text"].lstrip("=*.") in row["target"]
        own = not told["rule"]["list_id"]
        assert ("rule remove " if own else "privacy-agent allow " + row["target"]) in told["how"]
    for name, refused in met.items():
        assert (lived.ask("explain", name=name, device_id=1)["verdict"] == "block") == refused, name


@pytest.mark.parametrize(
    "rule, chain, address",
    [
        ("bank0.example", (b"edge.bank0.example",), b""),
        ("*.below.example", (b"deep.below.example",), b""),
        ("=exact.example", (b"exact.example",), b""),
        ("203.0.113.0/24", (), bytes([203, 0, 113, 9])),
        ("198.51.100.7", (), bytes([198, 51, 100, 7])),
    ],
)
def test_where_an_answer_led_is_explained(
    lived: Home, tmp_path: Path, rule: str, chain: tuple[bytes, ...], address: bytes
) -> None:
    """A harmless name whose alias or address is listed: `explain` knows of it, then and now."""
    target = lived.household.settings.text("ruleset_file")
    texts = {
        "names.txt": "||bank0.example^\n||*.below.example^\n|exact.example|\n",
        "nets.txt": "203.0.113.0/24\n198.51.100.7\n",
    }
    sources = []
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        sources.append(Source(str(tmp_path / name), name, name, "v1", "phishing"))
    compile_lists(sources, target)
    lived.household.load_lists()
    assert meet(lived, "innocent.example", chain, (address,) if address else ())
    told = lived.ask("explain", attempt_id=1)
    assert told["then"]["rule"]["text"] == rule
    assert told["verdict"] == "block" and told["rule"]["text"] == rule
    assert "where its answer leads there" in told["how"] and "privacy-agent allow innocent.example" in told["how"]
    lived.ask("allow", name="innocent.example")
    assert lived.ask("explain", attempt_id=1)["verdict"] == "allow"
    assert not meet(lived, "innocent.example", chain, (address,) if address else ())


def test_an_answer_that_led_to_what_is_listed_no_longer(lived: Home, tmp_path: Path) -> None:
    assert meet(lived, "innocent.example", (NAMES[1].encode(),))
    newer = tmp_path / "newer.txt"
    newer.write_text("0.0.0.0 other.example\n")
    compile_lists([Source(str(newer), "one", "First", "v9", "phishing")], lived.household.settings.text("ruleset_file"))
    lived.household.load_lists()
    told = lived.ask("explain", attempt_id=1)
    assert told["verdict"] == "allow" and told["then"]["rule"]["text"] == NAMES[1]


def test_doing_what_it_says_allows_it(lived: Home) -> None:
    assert meet(lived, "www." + NAMES[0])
    assert "privacy-agent allow www." + NAMES[0] in lived.ask("explain", name="www." + NAMES[0])["how"]
    lived.ask("allow", name="www." + NAMES[0])
    assert not meet(lived, "www." + NAMES[0])
    assert meet(lived, NAMES[0])
    told = lived.ask("explain", attempt_id=lived.ask("blocked")["items"][-1]["id"])
    assert told["verdict"] == "allow" and told["then"]["rule"]["list_id"] == "one"


def test_the_list_that_went_is_told_from_the_list_of_now(lived: Home, tmp_path: Path) -> None:
    meet(lived, NAMES[1])
    newer = tmp_path / "newer.txt"
    newer.write_text("0.0.0.0 other.example\n")
    compile_lists([Source(str(newer), "one", "First", "v9", "phishing")], lived.household.settings.text("ruleset_file"))
    lived.household.load_lists()
    told = lived.ask("explain", attempt_id=1)
    assert told["then"]["rule"]["list_version"] == "v1" and told["verdict"] == "allow"
    assert "no list or rule mentions it" in told["how"]


def test_a_rule_of_the_household_names_itself(lived: Home) -> None:
    told = lived.ask("explain", name=NAMES[30])
    assert told["rule"]["scope"] == "household" and "your own rule blocks" in told["how"]
    told = lived.ask("explain", name=NAMES[3], device_id=1)
    assert told["verdict"] == "allow" and told["rule"]["scope"] == "device"


def test_it_says_when_nothing_would_be_refused_because_it_is_off(lived: Home) -> None:
    lived.ask("off", device_id=1, feature="protection")
    told = lived.ask("explain", name=NAMES[0], device_id=1)
    assert not told["applies"] and told["how"].startswith("Protection is off for this device")


def test_a_rule_with_an_end_ends(lived: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    lived.ask("allow", name=NAMES[2], seconds=60)
    assert not meet(lived, NAMES[2])
    later = lived.household.clock.age() + 61
    monkeypatch.setattr(lived.household.clock, "age", lambda: later)
    assert lived.household.policies.rule_over()
    lived.household.new_policy()
    assert meet(lived, NAMES[2])
