"""P4 with all of it on: lists, reports, and the household's own weekly file, an adult in it while they want to; and
nothing more once that is off."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.client import Unreachable
from agent.core import age, bech32
from agent.jobs.report import primitives
from tests.daemon.reporting import WEEK_S
from tests.lab.lab import BOB4, WAN4, Lab
from tests.promises.reporting import FEEDS, REPORTS, SLOW, STORAGE, Household, frames, segment
from tests.promises.test_p4_nothing_leaves import Capture, flow, neighbourhood
from tests.promises.test_p4_reports import connected

SECRET = os.urandom(32)
WEEKS = 3


@pytest.fixture
def household(lab: Lab, tmp_path: Path) -> Iterator[Household]:
    made = Household(lab, tmp_path)
    yield made
    for space in lab.spaces.values():
        space.close_sockets()
    made.stop()


def turn_on(household: Household, port: int) -> None:
    target = {
        "address": f"https://{WAN4}:{port}/",
        "recipient": bech32.encode(age.RECIPIENT, primitives().public_of(SECRET)),
        "user": "ada",
        "password": "telltale-password",
        "authority": (household.folder / "ca.pem").read_text(),
    }
    household.call("week_file.turn_on", target=target, agree=household.call("week_file.status")["notice"])


def files(household: Household) -> list[str]:
    return [row["state"] for row in household.call("week_file.list", limit=200)["items"]]


def visits(household: Household, device: int) -> list[dict]:
    return [row for row in household.call("history", device_id=device)["items"] if not row["background"]]


def next_file(household: Household) -> None:
    """On to the next one, and to when it goes."""
    made = len(files(household))
    household.pass_time(max(household.call("week_file.status")["next_at"] - household.wall(), 0) + 1)
    household.until(lambda: files(household)[made:] == ["sealed"])
    household.pass_time(max(household.call("week_file.status")["send_at"] - household.wall(), 0) + 1)
    household.until(lambda: files(household)[made:] == ["sent"])


def left(capture: Capture) -> list[tuple[float, bytes]]:
    return [(at, frame) for at, frame in frames(capture) if not neighbourhood(frame)]


def live_for_weeks(household: Household, lab: Lab, laptop: int) -> None:
    """Two more files; Tom is in the first of them."""
    household.join()
    for week in range(WEEKS - 1):
        household.ask([f"w{week}-{n}.telltale.example" for n in range(9)])
        household.pass_time(2 * 86400)  # so that it lies in the seven days before the next
        household.ask(["toms-site.example"], lab.bob)
        household.until(lambda seen=week + 1: len(visits(household, laptop)) == seen)
        if week:
            household.call("me.week_file_leave", address=BOB4)
        next_file(household)


def test_all_of_it_on_and_then_off(lab: Lab, household: Household, tmp_path: Path) -> None:
    capture = Capture(lab, tmp_path / "wan.pcap")
    household.enrol()
    laptop = household.enrol_adult()
    household.call("person.add", name="Mia", group="child")
    household.pass_time(120)
    household.until(lambda: household.call("lists")["state"] == "ready", 20)
    household.agree()
    turn_on(household, STORAGE)
    household.until(lambda: files(household) == ["sent"])
    live_for_weeks(household, lab, laptop)
    household.until(lambda: household.states() != [])
    while "sent" not in household.states():
        household.until(lambda: household.call("statistics.status")["send_at"] is not None)
        household.pass_to("send_at")
        time.sleep(0.2)
    household.call("week_file.turn_off")
    household.call("statistics.opt_out")
    off = time.time()
    for _ in range(3):
        household.pass_time(WEEK_S + 86400)
        time.sleep(0.4)
    found = left(capture)
    ports = {flow(frame)[:3] for _, frame in found}
    assert ports == {("udp", WAN4, 53), ("tcp", WAN4, FEEDS), ("tcp", WAN4, REPORTS), ("tcp", WAN4, STORAGE)}
    sent: dict[int, bytes] = {}
    for at, frame in found:
        kind, _, port, _ = flow(frame)
        assert at < off or (kind, port) == ("tcp", FEEDS), "something left after off"
        if port == STORAGE:
            source, _, data = segment(frame)
            sent[source] = sent.get(source, b"") + data
    # One connection a file, the same number of bytes in each, and nothing in clear.
    assert len(sent) == WEEKS and len({len(data) for data in sent.values()}) == 1
    for data in sent.values():
        for word in (b"telltale", b"toms-site", b"Mia", b"Tom"):
            assert word not in data
    stored = sorted(tmp_path.glob("week-*.age"))
    assert len(stored) == WEEKS
    told = []
    for path in stored:
        plain = age.decrypt(primitives(), SECRET, path.read_bytes())
        told.append(sorted(one["name"] for one in json.loads(plain)["items"]))
        # What is of Tom is there while he takes part; of Ada, an adult who was not asked, never anything.
        assert (b"Tom" in plain, b"toms-site.example" in plain) == (
            "Tom" in told[-1],
            "Tom" in told[-1],
        ) and b"Ada" not in plain
    assert told == [["Mia"], ["Mia", "Tom"], ["Mia"]]
    for word in ("telltale", "toms-site", "Mia", "Tom", BOB4, WAN4):
        assert word not in household.said()
    assert household.call("audit")["ok"]


def test_nothing_leaves_after_off_while_one_is_under_way(lab: Lab, household: Household, tmp_path: Path) -> None:
    """The server holds it up; the daemon is killed before its job is ended, and off is said again."""
    capture = Capture(lab, tmp_path / "wan.pcap")
    turn_on(household, SLOW)
    household.until(lambda: connected(lab, SLOW))
    (household.folder / "crash").write_text("optout.job")
    with pytest.raises(Unreachable):
        household.call("week_file.turn_off")
    household.client.close()
    household.client = household.connect()
    household.call("week_file.turn_off")
    off = time.time()
    assert not connected(lab, SLOW)
    status = household.call("week_file.status")
    assert (status["state"], status["target"], status["waiting"]) == ("off", None, 0)
    household.pass_time(2 * WEEK_S)
    time.sleep(1.0)
    sent = [at for at, frame in left(capture) if flow(frame)[:3] == ("tcp", WAN4, SLOW)]
    assert sent and max(sent) < off
    listed = subprocess.run(["grep", "-rl", "telltale-password", str(household.folder)], capture_output=True, text=True)
    assert listed.stdout == "", "the password is still in a file"
