"""P1, off is off, in the kernel: toggles at random instants while every kind of flow runs, and then the rows are read.

Each attempt asks for a name of its own, so a row tells when it was asked. Nothing asked between the acknowledgement
of an off and the next on may be answered by the agent or recorded, on whatever kind of flow; and a toggle costs a flow
one retry at most.
"""

import json
import random
import threading
import time
from pathlib import Path

import pytest

from tests.lab.household import Asker
from tests.lab.lab import ALICE_MAC, RESOLVER4, RESOLVER6, ROUTER4, ROUTER_ULA, ZONE, Lab
from tests.lab.resident import Resident

TOGGLES, TOGGLES_BESIDE = 200, 60
SERVERS = {"own v4": ROUTER4, "own v6": ROUTER_ULA, "hard v4": RESOLVER4, "hard v6": RESOLVER6}
KINDS = ("fresh", "held", "tcp fresh", "tcp held")
# A client's own patience is seconds; what is lost here is lost at once, so the test need not wait as long.
PATIENCE_S = 0.4
# At this pace a client's patience sees several toggles, each of which may cost it one try.
TRIES_MAX = 20
SEED = 20261123


class Attempt:
    """A question sent: not before `before`, not after `sent`; answered at `end` by `who`."""

    def __init__(self, name: str, flow: str) -> None:
        self.name, self.flow = name, flow
        self.before = self.sent = self.end = 0.0
        self.who = ""

    @property
    def failed(self) -> bool:
        return self.who not in ("agent", "router", "wan")


class Question:
    """A question with its retries. `since` is when the one before was asked: a connection dies between two."""

    def __init__(self, since: float) -> None:
        self.since = since
        self.tries: list[Attempt] = []


class Flow(threading.Thread):
    """A client that asks again and again in one way."""

    def __init__(self, lab: Lab, where: str, kind: str, number: int) -> None:
        super().__init__(name=f"{where}, {kind}")
        self.lab, self.server = lab, SERVERS[where]
        self.tcp, self.held = kind.startswith("tcp"), kind.endswith("held")
        # A connection that is ended at the beginning of an off may be followed by one that is begun before its end.
        self.tries_a_toggle = 2 if self.tcp else 1
        self.random = random.Random(SEED + number)
        self.number = number
        self.attempts: list[Attempt] = []
        self.questions: list[Question] = []
        self.over = threading.Event()
        self.asker: Asker | None = None

    def run(self) -> None:
        while not self.over.is_set():
            self.question()
            time.sleep(self.random.uniform(0.002, 0.03))
        self.drop()

    def question(self) -> None:
        """One question with its retries."""
        question = Question(self.questions[-1].tries[-1].before if self.questions else 0.0)
        while not question.tries or (question.tries[-1].failed and len(question.tries) < TRIES_MAX):
            question.tries.append(self.attempt())
        self.questions.append(question)

    def attempt(self) -> Attempt:
        attempt = Attempt(f"a{self.number}n{len(self.attempts)}.{ZONE}", self.name)
        self.attempts.append(attempt)
        attempt.before = time.monotonic()
        if self.asker is None:
            self.asker = Asker(self.lab.alice, self.server, self.tcp)
            self.asker.sock.settimeout(PATIENCE_S)
        attempt.who = self.asker.ask(attempt.name)
        attempt.sent, attempt.end = self.asker.sent_at or time.monotonic(), time.monotonic()
        if not self.held or (self.tcp and attempt.failed):
            self.drop()
        return attempt

    def drop(self) -> None:
        if self.asker is not None:
            self.asker.close()
            self.asker = None


class Windows:
    """When the feature was on for sure, and when off for sure, in monotonic time."""

    def __init__(self) -> None:
        self.toggles: list[tuple[float, float]] = []
        self.off: list[tuple[float, float]] = []
        # What was in the file at an acknowledged off, and before the next on.
        self.grown: list[tuple[object, object]] = []

    def quiet(self, attempt: Attempt) -> bool:
        """Whether the whole sending lies between an acknowledged off and the next on."""
        return any(start <= attempt.before and attempt.sent <= end for start, end in self.off)

    def crossed(self, question: Question) -> int:
        """How many tries the toggles may cost: one each, and more where storage kept one longer than the patience."""
        spans = [(s, e) for s, e in self.toggles if s <= question.tries[-1].end and e >= question.since]
        return sum(1 + int((end - start) / PATIENCE_S) for start, end in spans)


def toggle(resident: Resident, device: int, times: int) -> Windows:
    windows = Windows()
    chance = random.Random(SEED)
    quiet_since = time.monotonic()
    for _ in range(times // 2):
        at_off = held(resident)
        time.sleep(chance.choice((0, 0.001, 0.02, 0.06)) * chance.random())
        windows.grown.append((at_off, held(resident)))
        start = time.monotonic()
        windows.off.append((quiet_since, start))
        resident.on(device)
        windows.toggles.append((start, time.monotonic()))
        time.sleep(chance.choice((0, 0.001, 0.02, 0.06)) * chance.random())
        start = time.monotonic()
        resident.off(device)
        quiet_since = time.monotonic()
        windows.toggles.append((start, quiet_since))
    time.sleep(0.5)
    windows.off.append((quiet_since, time.monotonic()))
    return windows


Lived = tuple[list[Flow], Windows, set[str], dict[str, object]]


@pytest.fixture(scope="module")
def lived(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """200 toggles of the only device under sixteen flows: the flows, the windows, the names recorded, the audit."""
    return live(lab, tmp_path_factory.mktemp("p1"), TOGGLES)


@pytest.fixture(scope="module")
def protected(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """The same with protection on all the time: the device stays in the map, under another generation."""
    return live(lab, tmp_path_factory.mktemp("p1-protected"), TOGGLES_BESIDE, "protection")


def live(lab: Lab, folder: Path, toggles: int, *beside: str) -> Lived:
    resident = Resident(lab, folder, history_rows=200000)
    lab.addresses6(lab.alice)
    device = resident.add("Tablet", ALICE_MAC)
    for feature in beside:
        resident.on(device, feature)
    flows = [
        Flow(lab, where, kind, number)
        for number, (where, kind) in enumerate((where, kind) for where in SERVERS for kind in KINDS)
    ]
    for flow in flows:
        flow.start()
    time.sleep(0.3)
    windows = toggle(resident, device, toggles)
    for flow in flows:
        flow.over.set()
    for flow in flows:
        flow.join()
    recorded = names(resident)
    audit = resident.audit()
    assert resident.stop() == 0
    return flows, windows, recorded, audit


def held(resident: Resident) -> object:
    """All that the file holds of visits, as one value."""
    return resident.rows("SELECT count(*), sum(hits), max(last) FROM visits")


def names(resident: Resident) -> set[str]:
    found: set[str] = set()
    for site, hosts in resident.rows("SELECT site, hosts FROM visits"):
        found |= {str(site), *str(hosts).split()}
    return found


def attempts(flows: list[Flow]) -> list[Attempt]:
    return [attempt for flow in flows for attempt in flow.attempts]


def test_the_attack_reached_every_kind_of_flow(lived) -> None:  # type: ignore[no-untyped-def]
    """Otherwise the other tests could not fail."""
    flows, windows, recorded, _ = lived
    for flow in flows:
        who = {attempt.who for attempt in flow.attempts}
        assert "agent" in who, flow.name
        assert {"router", "wan"} & who, flow.name
        assert {attempt.name for attempt in flow.attempts} & recorded, f"nothing recorded of {flow.name}"
    assert len([attempt for attempt in attempts(flows) if windows.quiet(attempt)]) > 200


def test_nothing_asked_while_off_is_recorded(lived) -> None:  # type: ignore[no-untyped-def]
    flows, windows, recorded, _ = lived
    wrong = [attempt for attempt in attempts(flows) if windows.quiet(attempt) and attempt.name in recorded]
    assert [f"{attempt.name} by {attempt.flow}" for attempt in wrong] == []


def test_the_file_does_not_change_between_off_and_on(lived) -> None:  # type: ignore[no-untyped-def]
    """Neither by what was in flight, or waited in a socket, when the off was acknowledged."""
    _, windows, _, _ = lived
    assert [pair for pair in windows.grown if pair[0] != pair[1]] == []
    assert len(windows.grown) == TOGGLES // 2


def test_nothing_asked_while_off_is_answered_by_the_agent(lived) -> None:  # type: ignore[no-untyped-def]
    flows, windows, _, _ = lived
    wrong = [attempt for attempt in attempts(flows) if windows.quiet(attempt) and attempt.who == "agent"]
    assert [f"{attempt.name} by {attempt.flow}" for attempt in wrong] == []


def test_a_toggle_costs_a_flow_one_retry_at_most(lived) -> None:  # type: ignore[no-untyped-def]
    flows, windows, _, _ = lived
    interrupted = [
        f"{flow.name}: {[attempt.who for attempt in question.tries]}, {windows.crossed(question)} toggles"
        for flow in flows
        for question in flow.questions
        if len(question.tries) - 1 > windows.crossed(question) * flow.tries_a_toggle or question.tries[-1].failed
    ]
    retries = sum(len(question.tries) - 1 for flow in flows for question in flow.questions)
    asked = sum(len(flow.questions) for flow in flows)
    print(json.dumps({"toggles": TOGGLES, "questions": asked, "retries": retries}))
    assert interrupted == []


def test_the_audit_agrees(lived) -> None:  # type: ignore[no-untyped-def]
    assert lived[3]["ok"], lived[3]


def test_off_is_off_beside_a_feature_that_stays_on(protected: Lived) -> None:
    """The agent goes on answering, and records what is asked while history is on and nothing else."""
    flows, windows, recorded, audit = protected
    asked = attempts(flows)
    wrong = [attempt for attempt in asked if windows.quiet(attempt) and attempt.name in recorded]
    assert [f"{attempt.name} by {attempt.flow}" for attempt in wrong] == []
    assert [pair for pair in windows.grown if pair[0] != pair[1]] == []
    assert len([attempt for attempt in asked if windows.quiet(attempt) and attempt.who == "agent"]) > 100
    assert len(recorded & {attempt.name for attempt in asked}) > 100
    assert audit["ok"], audit
