"""The sampler against the exact distribution, and random lives of a budget.

The draws come from the system's cryptographic source, so each run is another one. By chance alone a run of this file
fails less than once in a million: the bound of `off` is a theorem (Chernoff's), not an approximation, and ALARM is
shared out among all that is compared.
"""

import math
import os
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core import noise, summary

DRAWS = 20_000
ALARM = 1e-6
COMPARISONS = 2_000  # more than there are in this file, see test_the_alarm_is_shared_out
SCALES = [
    (1, 1),
    (1, 3),
    (5, 2),
    (10, 1),
    (7, 7),
    (160, 1),
    (16000, 500),
    summary.scale(summary.TABLE[0], 500),
    summary.scale(summary.TABLE[0], 2000),
]


def exact(x: int, t: int, s: int) -> float:
    """P(x) of the discrete Laplace: (1 - q) / (1 + q) * q^|x| with q = exp(-s/t)."""
    q = math.exp(-s / t)
    return (1 - q) / (1 + q) * q ** abs(x)


def divergence(a: float, b: float) -> float:
    """Of Kullback and Leibler, between two coins."""
    terms = ((a, b), (1 - a, 1 - b))
    return sum(p * math.log(p / q) for p, q in terms if p > 0)


def off(seen: int, draws: int, probability: float) -> bool:
    """Whether so many of so many is no chance: it is less likely than ALARM / COMPARISONS, by Chernoff's bound."""
    return 2 * math.exp(-draws * divergence(seen / draws, probability)) < ALARM / COMPARISONS


def cells(t: int, s: int) -> list[tuple[int, int]]:
    """Some 60 ranges of whole numbers, each in itself likely enough to be seen often, that cover the bulk."""
    width = max(t // s // 6, 1)
    return [(low, low + width) for low in range(-30 * width, 30 * width, width)]


def wrong(values: list[int], t: int, s: int) -> list[str]:
    """What of these draws no discrete Laplace with this scale does: a cell, or a tail on one side."""
    counts, draws, found = Counter(values), len(values), []
    events = {f"{low} to {high - 1}": range(low, high) for low, high in cells(t, s)}
    for name, numbers in events.items():
        if off(sum(counts[x] for x in numbers), draws, sum(exact(x, t, s) for x in numbers)):
            found.append(name)
    q = math.exp(-s / t)
    for name, tail in (("above", 1), ("below", -1)):
        for reach in (1, t // s + 1, 3 * t // s + 2, 8 * t // s + 3):
            # P(x >= reach) of the geometric tail.
            if off(sum(tail * x >= reach for x in values), draws, q**reach / (1 + q)):
                found.append(f"{name} {reach}")
    return found


def chi_squared(counts: Counter, cells: list[tuple[int, float]], draws: int) -> tuple[float, int]:
    """(the statistic, degrees of freedom) over cells that expect at least fifty; the rest is one cell."""
    statistic, rest_seen, rest_expected, used = 0.0, draws, float(draws), 0
    for cell, probability in cells:
        expected = probability * draws
        if expected < 50:
            continue
        statistic += (counts[cell] - expected) ** 2 / expected
        rest_seen -= counts[cell]
        rest_expected -= expected
        used += 1
    if rest_expected >= 50:
        return statistic + (rest_seen - rest_expected) ** 2 / rest_expected, used
    return statistic, used - 1


def limit(freedom: int) -> float:
    """The chi-squared value that is exceeded once in some 10^12 runs (Wilson and Hilferty's approximation), so far out
    that the approximation may be wrong by a factor of ten thousand."""
    z = 7.03
    return freedom * (1 - 2 / (9 * freedom) + z * math.sqrt(2 / (9 * freedom))) ** 3


@pytest.mark.parametrize(("t", "s"), SCALES)
def test_the_sampler_has_the_exact_distribution(t: int, s: int) -> None:
    values = [noise.discrete_laplace(t, s, os.urandom) for _ in range(DRAWS)]
    reach = int(20 * t / s) + 2
    assert abs(sum(exact(x, t, s) for x in range(-reach, reach + 1)) - 1) < 1e-6
    assert wrong(values, t, s) == []
    statistic, freedom = chi_squared(Counter(values), [(x, exact(x, t, s)) for x in range(-reach, reach + 1)], DRAWS)
    assert freedom < 1 or statistic < limit(freedom), (statistic, freedom)


@pytest.mark.parametrize(("numerator", "denominator"), [(0, 1), (1, 7), (1, 1), (5, 2), (9, 3)])
def test_the_coin_falls_with_its_probability(numerator: int, denominator: int) -> None:
    true = sum(noise.coin_exp(numerator, denominator, os.urandom) for _ in range(DRAWS))
    if numerator == 0:
        assert true == DRAWS
    else:
        assert not off(true, DRAWS, math.exp(-numerator / denominator))


def test_the_alarm_is_shared_out() -> None:
    compared = sum(len(cells(t, s)) + 8 for t, s in SCALES) + 4
    assert compared < COMPARISONS


def test_a_biased_sampler_is_found() -> None:
    """The test itself can fail: zero a little too often, a scale 10 % off, a sign preferred, no far tail."""
    draw = os.urandom
    spoilt = {
        "zero": lambda: noise.discrete_laplace(5, 2, draw) if not noise.coin(1, 20, draw) else 0,
        "scale": lambda: noise.discrete_laplace(11, 4, draw),
        "sign": lambda: (
            abs(noise.discrete_laplace(5, 2, draw)) if noise.coin(1, 10, draw) else noise.discrete_laplace(5, 2, draw)
        ),
        "tail": lambda: max(min(noise.discrete_laplace(5, 2, draw), 8), -8),
    }
    for name, sample in spoilt.items():
        assert wrong([sample() for _ in range(3 * DRAWS)], 5, 2), name


def test_no_noise_depends_on_what_it_hides() -> None:
    """The same random bytes give the same question, and a count the same noise, whatever the truth is."""
    busy = summary.answers(summary.Facts({"phishing": 9, "x": 9}, 9, 9, "ready", "2.0"))
    quiet = summary.answers(summary.Facts({}, 0, 0, "none", "0.1.0"))
    counts = 0
    for seed in range(60):
        one, other = [summary.noised(numbers, 500, random.Random(seed).randbytes) for numbers in (busy, quiet)]
        assert one.field == other.field
        if one.field == "blocked":
            counts += 1
            assert one.number - busy[0] == other.number - quiet[0]
    assert counts


@pytest.mark.parametrize("choices", [2, 3, 4])
@pytest.mark.parametrize("epsilon", [10, 500, 2000])
def test_a_choice_is_the_true_one_as_likely_as_epsilon_says(choices: int, epsilon: int) -> None:
    for true in range(choices):
        seen = Counter(noise.randomized(choices, true, epsilon, os.urandom) for _ in range(DRAWS))
        weight = math.exp(epsilon / 1000)
        for given_ in range(choices):
            likely = (weight if given_ == true else 1) / (weight + choices - 1)
            assert not off(seen[given_], DRAWS, likely), (true, given_, seen)


@given(st.integers(1, 10**9), st.binary(min_size=64, max_size=64))
def test_below_stays_below(limit_: int, seed: bytes) -> None:
    assert 0 <= noise.below(limit_, random.Random(seed).randbytes) < limit_


@given(st.integers(0, 100_000), st.lists(st.integers(-10, 3000)), st.integers(0, 120_000))
def test_no_life_overdraws_the_budget(spent: int, epsilons: list[int], lifetime: int) -> None:
    start = spent
    for epsilon in epsilons:
        after = noise.charge(spent, epsilon, lifetime)
        if after is not None:
            assert after == spent + epsilon <= lifetime
            assert noise.EPSILON_MIN <= epsilon <= noise.EPSILON_MAX
            spent = after
    assert spent == start or spent <= lifetime


FACTS = st.builds(
    summary.Facts,
    st.dictionaries(
        st.sampled_from(["phishing", "malware", "fraud", "fake-shops", "bypass", "x"]), st.integers(-5, 10**6)
    ),
    st.integers(0, 300),
    st.integers(0, 300),
    st.sampled_from(["none", "stale", "ready", "else"]),
    st.sampled_from(["0.1.0", "1.0", "12.3", "", "dev"]),
)


@given(FACTS, FACTS, st.integers(noise.EPSILON_MIN, noise.EPSILON_MAX))
def test_any_two_households_are_covered_by_the_noise(one: summary.Facts, other: summary.Facts, epsilon: int) -> None:
    """Whichever question is drawn: a count's noise is as wide as its change, and what is spent on it is no more."""
    step = summary.step_of(epsilon)
    assert step <= epsilon
    for row, a, b in zip(summary.TABLE, summary.answers(one), summary.answers(other), strict=True):
        if row.kind == summary.COUNT:
            t, s = summary.scale(row, step)
            assert abs(a - b) * s / t <= epsilon / 1000 + 1e-9
        else:
            assert 0 <= a < len(row.labels) and 0 <= b < len(row.labels)


@settings(max_examples=30)
@given(FACTS, st.integers(0, 2**32))
def test_any_report_reads_back(facts: summary.Facts, seed: int) -> None:
    chance = random.Random(seed)
    answer = summary.noised(summary.answers(facts), 500, chance.randbytes)
    report = summary.read(summary.pad(summary.render(chance.randbytes(16), 2968, answer)))
    assert report.answer == answer
