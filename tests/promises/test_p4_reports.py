"""P4 with reports: a simulated month on the wire, opting out at each step, and that reports can't be told apart."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.client import Unreachable
from agent.core import envelope
from tests.daemon.reporting import WEEK_S, Operator
from tests.lab.lab import ALICE4, WAN4, Lab
from tests.promises.reporting import DRIPPING, FEEDS, REPORTS, SLOW, Household, frames, segment
from tests.promises.test_p4_nothing_leaves import Capture, asked_name, flow, neighbourhood
from tools.collector.files import lines_of

WEEKS = 5
ROUND_TRIP_S = 1.5  # by satellite, and a slow one
STEPS = ("optout.gate", "optout.job", "optout.purge", "optout.settle", "optout.acknowledge")


@pytest.fixture
def household(lab: Lab, tmp_path: Path) -> Iterator[Household]:
    made = Household(lab, tmp_path)
    yield made
    for space in lab.spaces.values():
        space.close_sockets()
    made.stop()


def live_a_month(household: Household) -> list[bytes]:
    """Five weeks, the second and fourth quiet; returns the received lines, in order."""
    household.enrol()
    household.pass_time(120)
    household.until(lambda: household.call("lists")["state"] == "ready", 20)
    household.agree()
    for week in range(WEEKS):
        if week % 2 == 0:
            household.ask([f"w{week}-{n}.telltale.example" for n in range(30)])
            household.ask([f"bad{n}.telltale.example" for n in range(week, week + 6)])
        household.make_and_send()
        household.until(lambda sent=week + 1: household.states().count("sent") >= sent)
    assert household.states() == ["sent"] * WEEKS
    return [line for path in sorted((household.folder / "received").iterdir()) for line in lines_of(path)]


def test_a_month_on_the_wire(lab: Lab, household: Household, tmp_path: Path) -> None:
    capture = Capture(lab, tmp_path / "wan.pcap")
    lines = live_a_month(household)
    names: set[str] = set()
    sent: dict[int, bytes] = {}
    ports = set()
    for _, frame in frames(capture):
        if neighbourhood(frame):
            continue
        protocol, to, port, payload = flow(frame)
        ports.add((protocol, to, port))
        if protocol == "udp":
            names.add(asked_name(payload))
        elif port == REPORTS:
            source, _, data = segment(frame)
            sent[source] = sent.get(source, b"") + data
    assert ports == {("udp", WAN4, 53), ("tcp", WAN4, FEEDS), ("tcp", WAN4, REPORTS)}
    assert {name for name in names if not re.match(r"w\d-\d+\.telltale\.example", name)} == set()
    assert len(lines) == len(sent) == WEEKS
    # Quiet or busy: one connection a report, the same number of bytes in each, nothing resumed.
    assert len({len(data) for data in sent.values()}) == 1, [len(data) for data in sent.values()]
    hellos = [data[: 5 + int.from_bytes(data[3:5], "big")] for data in sent.values()]
    assert len({len(hello) for hello in hellos}) == 1
    assert len({extensions(hello) for hello in hellos}) == 1
    assert b"\x00\x29" not in {kind for hello in hellos for kind in extensions(hello)}, "a session was resumed"
    said = household.said()
    for word in ("telltale", "Tablet", "Ada", ALICE4, WAN4):
        assert word not in said
    indistinguishable(lines)


def extensions(hello: bytes) -> tuple[bytes, ...]:
    """The kinds of extensions of a TLS ClientHello, in order (RFC 8446, section 4.1.2)."""
    at = 5 + 4 + 2 + 32
    at += 1 + hello[at]
    at += 2 + int.from_bytes(hello[at : at + 2], "big")
    at += 1 + hello[at]
    end, at = at + 2 + int.from_bytes(hello[at : at + 2], "big"), at + 2
    kinds = []
    while at < end:
        kinds.append(hello[at : at + 2])
        at += 4 + int.from_bytes(hello[at + 2 : at + 4], "big")
    return tuple(kinds)


def indistinguishable(lines: list[bytes]) -> None:
    """Every field is either the same for all of an operator's households, the week, or fresh and random."""
    read = [envelope.parse(line) for line in lines]
    assert len({(len(line), one.schema, one.notice, one.key) for line, one in zip(lines, read, strict=True)}) == 1
    for field in ("id", "enc", "sealed"):
        values = [getattr(one, field) for one in read]
        assert len(set(values)) == len(values)
        for a in range(len(values)):
            for b in range(a):
                pieces = {values[a][at : at + 10] for at in range(len(values[a]) - 9)}
                assert not pieces & {values[b][at : at + 10] for at in range(len(values[b]) - 9)}, field


def attack(lab: Lab, household: Household, port: int, step: str) -> float:
    """Opt out, the daemon killed at that step, while a report is under way; when the last word was acknowledged."""
    household.agree(port)
    household.make_and_send()
    household.until(lambda: connected(lab, port))
    if step:
        (household.folder / "crash").write_text(step)
        with pytest.raises(Unreachable):
            household.call("statistics.opt_out")
        household.client.close()
        household.client = household.connect()
    household.call("statistics.opt_out")
    off = time.time()
    assert not connected(lab, port)
    status = household.call("statistics.status")
    assert (status["state"], status["waiting"], status["next_at"], status["send_at"]) == ("off", 0, None, None)
    return off


@pytest.mark.parametrize("port", [SLOW, DRIPPING])
def test_nothing_leaves_after_opting_out_whatever_step_it_died_at(
    lab: Lab, household: Household, tmp_path: Path, port: int
) -> None:
    """A report is under way to a receiver that holds it up; the daemon is killed at each step of opting out. What the
    receiver had under way makes the router's kernel answer once more: time for that has passed before "off" is said."""
    acknowledged: list[tuple[float, float]] = []
    capture = Capture(lab, tmp_path / "wan.pcap")
    for step in ("", *STEPS):
        off = attack(lab, household, port, step)
        household.pass_time(2 * WEEK_S)
        time.sleep(1.0)
        acknowledged.append((off, time.time()))
    captured = [(at, frame) for at, frame in frames(capture) if not neighbourhood(frame)]
    reports = [at for at, frame in captured if flow(frame)[:3] == ("tcp", WAN4, port)]
    assert len(reports) >= 5 * len(acknowledged)
    for off, end in acknowledged:
        assert [at - off for at in reports if off < at < end] == []
        assert off - max(at for at in reports if at < off) > ROUND_TRIP_S, "acknowledged before the wire was silent"
    assert household.call("audit")["ok"]


def test_nothing_leaves_without_the_households_word_of_today(lab: Lab, household: Household, tmp_path: Path) -> None:
    """An operator who is only named; one who was agreed to under another key; and a state.db from when a sealed report
    waited, put back by hand after opting out."""
    capture = Capture(lab, tmp_path / "wan.pcap")

    def weeks_pass(state: str) -> None:
        for _ in range(3):
            household.pass_time(WEEK_S)
            time.sleep(0.3)
        status = household.call("statistics.status")
        assert (status["state"], status["waiting"], status["send_at"]) == (state, 0, None)

    household.enrol()
    household.call("statistics.operator_set", operator=Operator(f"https://{WAN4}:{REPORTS}/").row)
    weeks_pass("off")
    wait_with_one_sealed(household)
    household.call("statistics.operator_set", operator=Operator(f"https://{WAN4}:{REPORTS}/").row)
    weeks_pass("suspended")
    wait_with_one_sealed(household)
    state = household.folder / "state" / "state.db"
    copy = state.read_bytes()
    household.call("statistics.opt_out")
    household.end()
    state.unlink()
    state.write_bytes(copy)
    household.start()
    weeks_pass("suspended")
    assert b'"sealed":"' in copy, "nothing waited in the copy"
    went_to = {flow(frame)[:3] for _, frame in frames(capture) if not neighbourhood(frame)}
    assert went_to == {("tcp", WAN4, FEEDS)}, "nothing but the list that protection asks for"
    assert household.states() == ["withdrawn"] * 2


def wait_with_one_sealed(household: Household) -> None:
    household.agree()
    made = len(household.states())
    household.pass_to("next_at")
    household.until(lambda: household.states()[made:] == ["sealed"])


def connected(lab: Lab, port: int) -> bool:
    """Whether the router has a connection there that is not closed."""
    table = lab.router.run(["ss", "-tnH", "state", "connected", f"( dport = :{port} )"])
    return any("TIME-WAIT" not in line for line in str(table).splitlines())
