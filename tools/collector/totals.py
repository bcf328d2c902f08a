"""Adds up answers, and says what is true of the households, how far that may be off, and what can't be said yet.

Sums are whole numbers, so that they merge in any order. A number whose 95 % interval is as wide as all that it can be
says nothing, and looks as if it did: it is not told.
"""

import math
from collections import Counter

from agent.core import summary
from agent.core.summary import COUNT, Answer, StatField

Z95 = 1.959964  # of the normal distribution, two sides

Row = dict[str, object]
Estimate = tuple[float, float]  # a household's mean, and half the width of its 95 % interval


class Totals:
    """Of the reports of one period, or several. By question and epsilon: of a range how often each label was said, of
    a count how many there are, their sum and their squares'."""

    def __init__(self) -> None:
        self.count = 0
        self.sums: dict[tuple[str, int], list[int]] = {}

    def add(self, answer: Answer) -> "Totals":
        row = summary.field_of(answer.field)
        if row.kind == COUNT:
            numbers = [1, answer.number, answer.number * answer.number]
        else:
            numbers = [int(place == answer.number) for place in range(len(row.labels))]
        return self._add(1, {(answer.field, answer.epsilon): numbers})

    def merge(self, other: "Totals") -> "Totals":
        return self._add(other.count, other.sums)

    def _add(self, count: int, sums: dict[tuple[str, int], list[int]]) -> "Totals":
        self.count += count
        for key, numbers in sums.items():
            before = self.sums.get(key, [0] * len(numbers))
            self.sums[key] = [a + b for a, b in zip(before, numbers, strict=True)]
        return self

    def told(self, period: int, weeks: int = 1) -> tuple[list[Row], Counter[str]]:
        """(a row for each column that can be told, why how many answers are not)."""
        rows: list[Row] = []
        untold: Counter[str] = Counter()
        for row in summary.TABLE:
            groups = sorted((epsilon, numbers) for (name, epsilon), numbers in self.sums.items() if name == row.name)
            asked = sum(numbers[0] if row.kind == COUNT else sum(numbers) for _, numbers in groups)
            found = estimates(row, groups) if asked else []
            widest = max((error for _, error in found), default=math.inf)
            if 2 * widest < row.bound:
                rows += self._rows(row, found, asked, {"period": period, "weeks": weeks})
            else:
                untold[_too_wide(row, period, asked, widest, weeks)] += asked
        return rows, untold

    def _rows(self, row: StatField, found: list[Estimate], asked: int, head: Row) -> list[Row]:
        names = [row.name] if row.kind == COUNT else [row.name + "=" + label for label in row.labels]
        rows: list[Row] = []
        for name, (mean, error) in zip(names, found, strict=True):
            one: Row = {**head, "starts": summary.period_start(int(str(head["period"]))), "column": name}
            one.update(households=self.count, asked=asked, mean=round(mean, 6), mean_error=round(error, 6))
            one.update(total=round(mean * self.count, 3), total_error=round(error * self.count, 3))
            rows.append(one)
        return rows


def _too_wide(row: StatField, period: int, asked: int, error: float, weeks: int) -> str:
    name = f"not told: {row.name} of period {period}"
    if not asked:
        return name + ", which nobody was asked"
    households = math.ceil(asked * (2 * error / row.bound) ** 2 * len(summary.TABLE) / weeks)
    return f"{name}: its error is wider than its range; it needs some {rounded(households):,} households each week"


def rounded(number: int) -> int:
    """Two digits of it, upwards."""
    step = int("1" + "0" * max(len(str(number)) - 2, 0))
    return -(-number // step) * step


def estimates(row: StatField, groups: list[tuple[int, list[int]]]) -> list[Estimate]:
    """Of each column, from groups of one epsilon each. Who tells less weighs less: by the noise's variance, else a few
    with a small epsilon would drown all others."""
    columns = 1 if row.kind == COUNT else len(row.labels)
    found = []
    for column in range(columns):
        weights = mean = variance = 0.0
        for epsilon, numbers in groups:
            count, value, spread = _of_group(row, epsilon, numbers, column)
            weight = count / noise_variance(row, epsilon)
            weights += weight
            mean += weight * value
            variance += weight * weight * spread / count
        found.append((mean / weights, Z95 * math.sqrt(variance) / weights))
    return found


def _of_group(row: StatField, epsilon: int, numbers: list[int], column: int) -> tuple[int, float, float]:
    """(how many answered, what is true of them, the variance of one of them)."""
    if row.kind == COUNT:
        count, total, squares = numbers
        scatter = max(squares - total * total / count, 0.0) / max(count - 1, 1)
        return count, total / count, max(scatter, noise_variance(row, epsilon))
    count, (true, other) = sum(numbers), chances(row, epsilon)
    share = numbers[column] / count
    # In truth it lies between the two; few answers may all be the same, and yet be off.
    likely = min(max(share, other), true)
    return count, (share - other) / (true - other), likely * (1 - likely) / (true - other) ** 2


def chances(row: StatField, epsilon: int) -> tuple[float, float]:
    """How likely a label is said that is true, and one that is not (noise.randomized)."""
    weight = math.exp(epsilon / 1000)
    return weight / (weight + len(row.labels) - 1), 1 / (weight + len(row.labels) - 1)


def noise_variance(row: StatField, epsilon: int) -> float:
    """Of one household's answer, as far as it is noise's."""
    if row.kind == COUNT:
        t, s = summary.scale(row, epsilon)
        q = math.exp(-s / t)
        return 2 * q / (1 - q) ** 2
    true, other = chances(row, epsilon)
    return other * (1 - other) / (true - other) ** 2
