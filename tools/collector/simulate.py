"""What an operator would learn, and how exactly: python -m tools.collector.simulate [--plot FILE.svg] …

Draws households with a known truth, gives each its noise as a router does, adds up as the opener does, and says how far
the result is from the truth, against epsilon and the number of households. The plot is plain SVG.
"""

import argparse
import math
import os
import random
import sys
from pathlib import Path

from agent.core import summary
from agent.core.summary import COUNT, TABLE, Facts
from tools.collector.opening import Totals

EPSILONS = (100, 250, 500, 1000, 2000)
HOUSEHOLDS = (100, 1_000, 10_000, 100_000, 1_000_000)
SIMULATED_MAX = 2_000  # beyond that the sampler's own variance is extrapolated by the square root, which is exact
COLOURS = ("#1b6ca8", "#0b8457", "#c05f00", "#a61c3c", "#5b3f9e")


def household(chance: random.Random) -> Facts:
    """A made-up household: most meet no phishing in a week, some a few."""
    refused = {name: min(int(chance.expovariate(1.2)), 60) for name in ("phishing", "malware", "fraud", "bypass")}
    lists = chance.choices(["ready", "stale", "none"], [90, 6, 4])[0]
    protection = chance.choices([0, 1, 2, 4, 8], [5, 20, 30, 35, 10])[0]
    return Facts(refused, protection, chance.choices([0, 1, 3], [6, 3, 1])[0], lists, "0.1.0")


def deviation(epsilon: int, column: int) -> float:
    """The standard deviation of one household's noise in that column: the discrete Laplace's."""
    t, s = summary.scales(epsilon)[column]
    q = math.exp(-s / t)
    return math.sqrt(2 * q) / (1 - q)


def simulated(epsilon: int, count: int, seed: int) -> tuple[list[float], list[float]]:
    """(what is in truth the mean of each column, what the reports say)."""
    chance = random.Random(seed)
    truth, told = Totals(), Totals()
    for _ in range(count):
        numbers = summary.answers(household(chance))
        truth.add(numbers)
        told.add(summary.noised(numbers, epsilon, os.urandom))
    return [one / count for one in truth.sums], [one / count for one in told.sums]


def errors(count: int) -> dict[int, list[float]]:
    """Epsilon → the error to expect (one standard deviation) in the mean of each column, for so many households."""
    columns = range(len(summary.columns()))
    return {epsilon: [deviation(epsilon, at) / math.sqrt(count) for at in columns] for epsilon in EPSILONS}


def table() -> str:
    """For a count and for a range's share, per epsilon and number of households."""
    kinds = [(row.name, row.kind) for row in TABLE for _ in (row.labels or ("",))]
    a_count = next(at for at, (_, kind) in enumerate(kinds) if kind == COUNT)
    a_share = next(at for at, (_, kind) in enumerate(kinds) if kind != COUNT)
    lines = ["households  " + "".join(f"eps {epsilon / 1000:<14g}" for epsilon in EPSILONS)]
    for count in HOUSEHOLDS:
        found = errors(count)
        cells = [f"{found[e][a_count]:8.3f} {100 * found[e][a_share]:7.2f}% " for e in EPSILONS]
        lines.append(f"{count:<11} " + " ".join(cells))
    lines.append("Each pair: error of the mean of a count (of 0 to 5 a week), error of a range's share; one deviation.")
    return "\n".join(lines)


def checked(epsilon: int, count: int) -> str:
    """A run with the real sampler against the prediction: the largest deviation, in standard errors."""
    truth, told = simulated(epsilon, count, epsilon)
    predicted = errors(count)[epsilon]
    worst = max(abs(a - b) / p for a, b, p in zip(truth, told, predicted, strict=True))
    return f"epsilon {epsilon / 1000:g}, {count} households drawn: the worst of {len(truth)} columns is {worst:.1f} off"


def plot() -> str:
    """Error of a count's mean against households, a line an epsilon, both axes logarithmic."""
    width, height, left, bottom = 640, 400, 70, 50
    lows, highs = (2.0, -2.5), (6.0, 3.0)

    def at(households: float, error: float) -> tuple[float, float]:
        x = left + (math.log10(households) - lows[0]) / (highs[0] - lows[0]) * (width - left - 120)
        y = 20 + (highs[1] - math.log10(error)) / (highs[1] - lows[1]) * (height - bottom - 20)
        return round(x, 1), round(y, 1)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif">']
    parts.append('<rect width="100%" height="100%" fill="white"/>')
    for power in range(-2, 4):
        (x1, y1), (x2, _) = at(100, 10**power), at(10**6, 10**power)
        parts.append(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y1}" stroke="#ddd"/>')
        parts.append(f'<text x="{x1 - 8}" y="{y1 + 4}" font-size="12" text-anchor="end">{10.0**power:g}</text>')
    for count in HOUSEHOLDS:
        x, y = at(count, 10 ** lows[1])
        parts.append(f'<text x="{x}" y="{y + 18}" font-size="12" text-anchor="middle">{count:,}</text>')
    for colour, epsilon in zip(COLOURS, EPSILONS, strict=True):
        points = [at(count, errors(count)[epsilon][0]) for count in HOUSEHOLDS]
        path = " ".join(f"{x},{y}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        x, y = points[-1]
        parts.append(f'<text x="{x + 8}" y="{y + 4}" font-size="12" fill="{colour}">epsilon {epsilon / 1000:g}</text>')
    parts.append(f'<text x="{width / 2 - 40}" y="{height - 8}" font-size="13" text-anchor="middle">households</text>')
    turned = f'text-anchor="middle" transform="rotate(-90 16 {height / 2})"'
    parts.append(
        f'<text x="16" y="{height / 2}" font-size="13" {turned}>error of the mean of a weekly count</text></svg>'
    )
    return "\n".join(parts) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="An operator's error against epsilon and households.")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the plot (SVG)")
    parser.add_argument("--households", type=int, default=SIMULATED_MAX, help="how many to draw for the check")
    options = parser.parse_args()
    print(table())
    for epsilon in (EPSILONS[0], EPSILONS[2], EPSILONS[-1]):
        print(checked(epsilon, min(options.households, 1_000_000)))
    if options.plot:
        options.plot.write_text(plot())
        print(f"plot written to {options.plot}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
