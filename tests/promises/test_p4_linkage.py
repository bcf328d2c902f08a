"""Two reports of one household can't be told from two households' reports: not by a field, not by a size, and by what
they say no better than epsilon allows."""

import math
import random
from pathlib import Path

import pytest

from agent.core import envelope, summary
from agent.core.summary import Facts
from tests.daemon.reporting import Operator, Weeks, configured, opt_in, seal_all, wire
from tests.promises.household import Home
from tests.promises.test_p4_reports import indistinguishable

EPSILON = 500


def reports(folder: Path, operator: Operator, count: int) -> list[bytes]:
    """A household's sealed reports; the wall clock is put back between two, so that they are of one period."""
    home = Home(str(folder))
    wire(home.start())
    configured(home, operator)
    weeks = Weeks(home.household)
    opt_in(home)
    for _ in range(count):
        weeks.on(9 * 86400)
        weeks.jump_s = -weeks.add_s
        home.household.reports.tick()
        seal_all(home)
    bodies = [str(home.household.reports.outbox.row(n + 1)["body"]).encode() for n in range(count)]
    home.crash()
    return bodies


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Operator, list[bytes], list[bytes]]:
    operator = Operator()
    return operator, *[reports(tmp_path_factory.mktemp("home"), operator, 4) for _ in range(2)]


def test_outside_the_seal(both: tuple[Operator, list[bytes], list[bytes]]) -> None:
    _, one, other = both
    indistinguishable([*one, *other])
    assert len({envelope.parse(line).period for line in [*one, *other]}) == 1


def test_inside_the_seal(both: tuple[Operator, list[bytes], list[bytes]]) -> None:
    """Also the operator, who opens them, finds nothing that one household's reports share and another's lack."""
    operator, one, other = both
    opened = [[operator.open(line) for line in lines] for lines in (one, other)]
    plain = [summary.render(bytes.fromhex(r.id), r.period, r.numbers) for r in opened[0] + opened[1]]
    assert len({len(summary.pad(text)) for text in plain}) == 1
    ids = [r.id for household in opened for r in household]
    assert len(set(ids)) == len(ids)
    assert {tuple(vars_of(r)) for household in opened for r in household} == {("id", "period", "numbers")}


def vars_of(report: summary.Report) -> tuple[str, ...]:
    return report.__slots__


def test_what_they_say_links_no_better_than_epsilon_allows() -> None:
    """The best guesser knows both households' truth. Its chance is at most e^epsilon / (1 + e^epsilon) = 62 %."""
    chance = random.Random(11)
    one = Facts({"phishing": 9, "malware": 9, "fraud": 9, "x": 9}, 9, 9, "ready", "0.1.0")
    other = Facts({}, 0, 0, "none", "2.0")
    truth, scales, rounds, right = [summary.answers(one), summary.answers(other)], summary.scales(EPSILON), 1500, 0
    for _ in range(rounds):
        secret = chance.randrange(2)
        numbers = summary.noised(truth[secret], EPSILON, chance.randbytes)
        losses = [
            sum(abs(n - x) * s / t for n, x, (t, s) in zip(numbers, answers, scales, strict=True)) for answers in truth
        ]
        right += (losses[1] < losses[0]) == bool(secret)
    limit = math.exp(EPSILON / 1000) / (1 + math.exp(EPSILON / 1000))
    assert right / rounds < limit + 4 * math.sqrt(0.25 / rounds), right / rounds
