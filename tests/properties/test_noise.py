"""The sampler against the exact distribution, and random lives of a budget."""

import math
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core import noise, summary

DRAWS = 20_000


def exact(x: int, t: int, s: int) -> float:
    """P(x) of the discrete Laplace: (1 - q) / (1 + q) * q^|x| with q = exp(-s/t)."""
    q = math.exp(-s / t)
    return (1 - q) / (1 + q) * q ** abs(x)


def chi_squared(counts: Counter, cells: list[tuple[object, float]], draws: int) -> tuple[float, int]:
    """(the statistic, degrees of freedom) over cells that expect at least five; the rest is one cell."""
    statistic, rest_seen, rest_expected, used = 0.0, draws, float(draws), 0
    for cell, probability in cells:
        expected = probability * draws
        if expected < 5:
            continue
        statistic += (counts[cell] - expected) ** 2 / expected
        rest_seen -= counts[cell]
        rest_expected -= expected
        used += 1
    if rest_expected >= 5:
        return statistic + (rest_seen - rest_expected) ** 2 / rest_expected, used
    return statistic, used - 1


def limit(freedom: int) -> float:
    """The chi-squared value that is exceeded once in some 10^7 runs (Wilson and Hilferty's approximation)."""
    z = 5.2
    return freedom * (1 - 2 / (9 * freedom) + z * math.sqrt(2 / (9 * freedom))) ** 3


@pytest.mark.parametrize(("t", "s"), [(1, 1), (1, 3), (5, 2), (10, 1), (7, 7), (160, 1), (16000, 500)])
def test_the_sampler_has_the_exact_distribution(t: int, s: int) -> None:
    draw = random.Random(t * 1000 + s).randbytes
    counts = Counter(noise.discrete_laplace(t, s, draw) for _ in range(DRAWS))
    reach = int(20 * t / s) + 2
    assert abs(sum(exact(x, t, s) for x in range(-reach, reach + 1)) - 1) < 1e-6
    statistic, freedom = chi_squared(counts, [(x, exact(x, t, s)) for x in range(-reach, reach + 1)], DRAWS)
    assert statistic < limit(freedom), (statistic, freedom)
    mean, variance = sum(x * n for x, n in counts.items()) / DRAWS, sum(x * x * n for x, n in counts.items()) / DRAWS
    q = math.exp(-s / t)
    wanted = 2 * q / (1 - q) ** 2
    assert abs(mean) < 5.2 * math.sqrt(wanted / DRAWS)
    assert abs(variance - wanted) < 5.2 * math.sqrt(5.5 * wanted * max(wanted, 1) / DRAWS)


@pytest.mark.parametrize(("numerator", "denominator"), [(0, 1), (1, 7), (1, 1), (5, 2), (9, 3)])
def test_the_coin_falls_with_its_probability(numerator: int, denominator: int) -> None:
    draw = random.Random(7).randbytes
    true = sum(noise.coin_exp(numerator, denominator, draw) for _ in range(DRAWS))
    wanted = math.exp(-numerator / denominator)
    assert abs(true / DRAWS - wanted) <= 5.2 * math.sqrt(wanted * (1 - wanted) / DRAWS)


def test_a_biased_sampler_is_found() -> None:
    """The test itself can fail: the same noise with zero counted twice, and with a scale 10 % off."""
    draw = random.Random(3).randbytes
    for spoilt in (
        lambda: noise.discrete_laplace(5, 2, draw) if not noise.coin(1, 20, draw) else 0,
        lambda: noise.discrete_laplace(11, 4, draw),
    ):
        counts = Counter(spoilt() for _ in range(DRAWS))
        statistic, freedom = chi_squared(counts, [(x, exact(x, 5, 2)) for x in range(-60, 61)], DRAWS)
        assert statistic > limit(freedom)


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
    pairs = zip(summary.answers(one), summary.answers(other), summary.scales(epsilon))
    loss = sum(abs(a - b) * s / t for a, b, (t, s) in pairs)
    assert loss <= epsilon / 1000 + 1e-9


@settings(max_examples=30)
@given(FACTS, st.integers(0, 2**32))
def test_any_report_reads_back(facts: summary.Facts, seed: int) -> None:
    chance = random.Random(seed)
    numbers = summary.noised(summary.answers(facts), 500, chance.randbytes)
    report = summary.read(summary.pad(summary.render(chance.randbytes(16), 2968, numbers)))
    assert report.numbers == numbers
