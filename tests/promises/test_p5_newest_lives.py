"""P5: random lives with times, internet off, minutes, and the weekly file, against a model of who agreed to what.

Nobody's minutes are counted, no adult's internet is off, and no adult is in the weekly file but by the word of whom it
is about: the model notes who said what about whom, and knows nothing of ledgers.
"""

import contextlib
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.core import age, bech32
from agent.core.features import FEATURES, NOTICE_VERSION
from agent.core.model import BadInput
from agent.core.timezone import DAY_S
from tests.daemon.counted import Counted, at
from tests.daemon.limited import LAPTOP, NIGHT, PHONE, TABLET, TV
from tests.daemon.reporting import TOOLS
from tests.promises.household import Home

LIVES, STEPS, LIMIT_S = 12, 50, 8.0  # on a loaded machine fewer lives are played
MACS = (TABLET, PHONE, LAPTOP, TV)
GROUPS = ("child", "teen", "adult")
RECIPIENT = bech32.encode(age.RECIPIENT, TOOLS.public_of(bytes(range(32))))
Subject = tuple[int, bool, bool]


class Life:
    def __init__(self, home: Home, rng: random.Random) -> None:
        self.rng = rng
        self.counted = Counted(home, at(15))
        self.ask = self.counted.ask
        self.groups: dict[int, str] = {1: "child", 2: "teen", 3: "adult"}
        self.devices: dict[str, dict[str, Any]] = {
            mac: {"id": number, "person": number if number < 4 else None, "shared": number == 4}
            for number, mac in enumerate(MACS, 1)
        }
        self.held: dict[object, int] = {}  # a person's number or a MAC → age until which it counts as an adult's
        self.said: dict[tuple[str, str], tuple[Subject, bool]] = {}  # of a device and feature: about whom, own word
        self.joined: dict[str, tuple[int, int]] = {}  # the person at a device, and the file that it was about
        self.file = 0  # the number of the one that is on
        self.files = self.counts = self.holds = self.adults_told = 0

    @property
    def age(self) -> int:
        return self.counted.clock.ages

    # the model

    def grown(self, person: int | None) -> bool:
        return person is not None and (self.groups[person] == "adult" or self.held.get(person, 0) > self.age)

    def adult(self, mac: str) -> bool:
        return self.held.get(mac, 0) > self.age or self.grown(self.devices[mac]["person"])

    def subject(self, mac: str) -> Subject:
        device = self.devices[mac]
        return (device["person"] or 0, self.adult(mac), device["shared"])

    def agreed(self, mac: str, feature: str) -> bool:
        subject, own = self.said.get((mac, feature), ((0, False, False), False))
        return (mac, feature) in self.said and subject == self.subject(mac) and own == self.adult(mac)

    def in_file(self, person: int) -> bool:
        """An adult: whether they joined what the file is, at a device that is still theirs alone."""
        return any(
            self.joined.get(mac) == (person, self.file) and device["person"] == person and not device["shared"]
            for mac, device in self.devices.items()
        )

    # what happens

    def step(self) -> None:
        name = self.rng.choice([name for name in dir(self) if name.startswith("do_")])
        mac = self.rng.choice(MACS)
        self.counted.asks_from(mac)
        with contextlib.suppress(BadInput):
            getattr(self, name)(mac)
        household = self.counted.home.household
        assert household
        household.people.due()
        self.counted.minute(*MACS)
        self.look(name, mac)

    def look(self, *after: str) -> None:
        for mac in MACS:
            counted, taken = bytes.fromhex(mac.replace(":", "")) in self.counted.kernel.elements, self.taken(mac)
            self.counts, self.holds = self.counts + counted, self.holds + taken
            told = (after, mac, self.subject(mac), self.said)
            assert not counted or self.agreed(mac, "usage"), told
            assert not (taken and self.adult(mac)) or self.agreed(mac, "limits"), told
        if not self.file:
            return
        names = [one["name"] for one in json.loads(self.ask("week_file.preview")["text"])["items"]]
        for row in self.ask("person.list")["items"]:
            if row["name"] in names and self.grown(row["id"]):
                self.adults_told += 1
                assert self.in_file(row["id"]), (after, row, self.joined, self.devices, self.file)

    def taken(self, mac: str) -> bool:
        return mac in self.counted.kernel.taken

    def do_on(self, mac: str) -> None:
        feature = self.rng.choice(("usage", "limits"))
        self.ask("on", device_id=self.devices[mac]["id"], feature=feature, agree=FEATURES[feature].version)
        if not self.adult(mac):
            self.said[mac, feature] = (self.subject(mac), False)

    do_on_again = do_on

    def do_agree(self, mac: str) -> None:
        feature = self.rng.choice(("usage", "limits"))
        self.ask("me.agree", address="192.0.2.1", feature=feature, agree=FEATURES[feature].version)
        assert self.adult(mac), "only adults agree for themselves"
        self.said[mac, feature] = (self.subject(mac), True)

    do_agree_again = do_agree

    def do_off(self, mac: str) -> None:
        feature = self.rng.choice(("usage", "limits"))
        self.ask("off", device_id=self.devices[mac]["id"], feature=feature)
        self.said.pop((mac, feature), None)

    def do_me_off(self, mac: str) -> None:
        feature = self.rng.choice(("usage", "limits"))
        self.ask("me.off", address="192.0.2.1", feature=feature)
        self.said.pop((mac, feature), None)

    def whose(self, mac: str) -> dict[str, int]:
        person = self.rng.choice(list(self.groups))
        return self.rng.choice(({"device_id": self.devices[mac]["id"]}, {"person_id": person}))

    def do_times(self, mac: str) -> None:
        self.ask("limits.set", **self.whose(mac), windows=self.rng.choice((NIGHT, [])))

    def do_hold(self, mac: str) -> None:
        self.ask("hold.add", **self.rng.choice((self.whose(mac), {"all": True}, {"children": True})), seconds=7200)

    do_hold_again = do_hold

    def do_let(self, mac: str) -> None:
        self.ask("hold.end", **self.whose(mac))

    def do_allowance(self, mac: str) -> None:
        self.ask("allowance.set", **self.whose(mac), minutes=self.rng.choice(([1] * 7, [60] * 7)))

    def do_give(self, mac: str) -> None:
        self.ask("allowance.give", **self.whose(mac), minutes=15)

    def do_pause(self, mac: str) -> None:
        self.ask("pause")

    def do_resume(self, mac: str) -> None:
        given = self.rng.choice(({}, {"agree": NOTICE_VERSION}))
        for row in self.ask("resume", **given)["items"]:
            of = next(one for one in MACS if self.devices[one]["id"] == row["device_id"])
            if given and not self.adult(of) and row["feature"] in ("usage", "limits"):
                self.said[of, row["feature"]] = (self.subject(of), False)

    def do_group(self, mac: str) -> None:
        person, group = self.rng.choice(list(self.groups)), self.rng.choice(GROUPS)
        was = self.grown(person)
        self.ask("person.edit", id=person, group=group)
        self.groups[person] = group
        self.held.pop(person, None)
        if was and group != "adult":
            self.held[person] = self.age + DAY_S

    def do_hand_over(self, mac: str) -> None:
        device, person = self.devices[mac], self.rng.choice([None, *self.groups])
        held = self.grown(device["person"]) and person != device["person"]
        self.ask("device.edit", id=device["id"], person_id=person)
        device["person"] = person
        if held:
            self.held[mac] = self.age + DAY_S

    def do_share(self, mac: str) -> None:
        device = self.devices[mac]
        held = self.grown(device["person"])
        self.ask("device.edit", id=device["id"], shared=not device["shared"])
        device["shared"] = not device["shared"]
        if held:
            self.held[mac] = self.age + DAY_S

    def do_confirm(self, mac: str) -> None:
        self.ask("me.confirm", address="192.0.2.1")
        self.held.pop(mac, None)
        self.held.pop(self.devices[mac]["person"], None)

    def do_file(self, mac: str) -> None:
        if self.file and self.rng.random() < 0.4:
            self.ask("week_file.turn_off")
            self.file = 0
            return
        target = {"address": f"https://nas{self.rng.randrange(2)}.example/", "recipient": RECIPIENT}
        self.ask("week_file.turn_on", target=target, agree=NOTICE_VERSION)
        self.files += 1
        self.file = self.files

    def do_join(self, mac: str) -> None:
        asked = self.ask("me", address="192.0.2.1")["week_file_ask"]
        if asked is not None:
            self.ask("me.week_file_join", address="192.0.2.1", terms=asked["terms"], agree=asked["notice"])
            assert self.grown(self.devices[mac]["person"]) and not self.devices[mac]["shared"]
            self.joined[mac] = (self.devices[mac]["person"], self.file)

    do_join_again = do_join

    def do_leave(self, mac: str) -> None:
        self.ask("me.week_file_leave", address="192.0.2.1")
        person = self.devices[mac]["person"]
        for one in [one for one in MACS if self.devices[one]["person"] == person]:
            self.joined.pop(one, None)

    def do_time(self, mac: str) -> None:
        self.counted.go(self.rng.choice((3600, DAY_S // 2, DAY_S + 60)))

    def do_power(self, mac: str) -> None:
        self.counted.again()


@pytest.fixture
def lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Iterator[Life]]:
    # The PIN's word has tests of its own.
    monkeypatch.setattr("agent.daemon.operations.week_adults.of_device", lambda *given: True)
    made: list[Life] = []

    def each() -> Iterator[Life]:
        for seed in range(LIVES):
            folder = tmp_path / str(seed)
            folder.mkdir()
            made.append(Life(Home(str(folder)), random.Random(seed)))
            yield made[-1]
            made[-1].counted.home.crash()

    yield each()
    for life in made:
        life.counted.home.crash()


def test_nothing_is_done_to_an_adult_without_their_word(lives: Iterator[Life]) -> None:
    end, played = time.monotonic() + LIMIT_S, []
    for life in lives:
        for _ in range(STEPS):
            life.step()
        assert life.ask("audit")["ok"]
        played.append(life)
        if time.monotonic() > end:
            break
    sums = [sum(getattr(life, name) for life in played) for name in ("counts", "holds", "adults_told", "files")]
    print(len(played), "lives: counted, held, adults in the file, files:", sums)
    assert sums[0] and sums[1] and sums[3], "the lives are not empty"


def test_the_model_would_notice(lives: Iterator[Life], monkeypatch: pytest.MonkeyPatch) -> None:
    """The attack itself is tested: a door that lets everything in is found."""
    monkeypatch.setattr("agent.core.people.may_begin", lambda *given: "go")
    with pytest.raises(AssertionError):
        for life in lives:
            for _ in range(STEPS):
                life.step()
