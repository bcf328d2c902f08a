"""The campaign itself: a short run with every kind of fault, and that it would see a promise broken."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaign.campaign import Campaign, report
from tests.campaign.faults import FAULTS
from tests.campaign.oracle import Device, Oracle, name
from tests.campaign.plan import Injection, injections, read, shortest
from tests.lab.lab import missing

SEED = 20261130
RUN_S = 20.0


@pytest.fixture
def campaign() -> Iterator[Campaign]:
    if reason := missing():
        pytest.skip(reason)
    made = Campaign(SEED)
    yield made
    made.close()


def test_twenty_seconds_of_faults(campaign: Campaign) -> None:
    if campaign.house.trouble.prefix:
        assert "trouble.so" in Path(f"/proc/{campaign.house.daemon}/maps").read_text(), "no disk fails, no clock jumps"
    campaign.run(injections(SEED, list(FAULTS)), time.monotonic() + RUN_S)
    campaign.finish()
    print(report(campaign))
    wrong = [f"{outcome.injection}: {sentence}" for outcome in campaign.outcomes for sentence in outcome.wrong]
    assert not wrong, "\n".join(wrong)
    assert any(campaign.house.oracle.seen), "nothing was recorded, so nothing was tested"


def test_the_oracle_sees_what_is_kept_against_a_promise(tmp_path: Path) -> None:
    device = Device(0, "alice", "", 1)
    oracle = Oracle([device], tmp_path)
    (tmp_path / "state").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "history.db").write_bytes(b"\0" + name(0, 7).encode() + b"\0" + name(0, 8).encode())
    assert oracle.look() == []
    device.quiet.add(7)
    device.erased.add(8)
    assert [sentence[:2] for sentence in oracle.look()] == ["P1", "P6"]
    (tmp_path / "state" / "state.db").write_bytes(name(0, 9).encode())
    assert any("on flash" in sentence for sentence in oracle.look())
    device.heard(7, "agent", False)
    assert any(sentence.startswith("P2") for sentence in oracle.look())


def test_a_name_that_was_answered_and_never_kept_is_lost(tmp_path: Path) -> None:
    device = Device(0, "alice", "", 1)
    device.off, device.on = False, True
    for number in (1, 2, 3):
        device.heard(number, "agent", True)
    device.erased.add(2)
    oracle = Oracle([device], tmp_path)
    oracle.seen[0].add(3)
    assert [who for _, who in oracle.lost()] == [0]


def test_a_seed_is_a_script() -> None:
    def first(seed: int) -> list[Injection]:
        endless = injections(seed, list(FAULTS))
        return [next(endless) for _ in range(50)]

    assert first(3) == first(3) != first(4)
    assert {injection.kind for injection in first(3)[: len(FAULTS)]} == set(FAULTS)
    assert read(" ".join(map(str, first(3)))) == first(3)


@pytest.mark.parametrize("guilty", [{17}, {3, 40}, {0, 49}, {5, 6, 7}])
def test_a_script_is_cut_to_what_fails(guilty: set[int]) -> None:
    script = [Injection("nothing", 0.0, number) for number in range(50)]
    random.Random(1).shuffle(script)

    def fails(part: list[Injection]) -> bool:
        return guilty <= {injection.seed for injection in part}

    found = shortest(script, fails, 1.0, lambda: 0.0)
    assert {injection.seed for injection in found} == guilty
    assert found == [injection for injection in script if injection in found], "the order stays"
    assert shortest(script, fails, 1.0, lambda: 2.0) == script, "no time, no cut"
