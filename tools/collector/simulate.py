"""What an operator would learn, and how exactly: python -m tools.collector.simulate [--measure] [--plot FILE.svg]

Predicts the error against epsilon and the number of households. With --measure households with a known truth answer as
routers do, their reports are sealed and opened and added up as the opener does, and what comes out is compared with the
truth; the results go to measured.json, of which REPORT.md is made. The plot is plain SVG.
"""

import argparse
import json
import math
import multiprocessing
import os
import random
import sys
from pathlib import Path

from agent.core import envelope, seal, summary
from agent.core.noise import below
from agent.core.summary import COUNT, TABLE, Facts, StatField
from tools.collector.opening import Keys, Row, primitives
from tools.collector.totals import Z95, Totals, chances, noise_variance

EPSILONS = (100, 250, 500, 1000, 2000)
HOUSEHOLDS = (500, 1_000, 5_000, 10_000, 100_000, 1_000_000)
MEASURED = Path(__file__).parent / "measured.json"
# (households, weeks) that are measured, at the default epsilon.
RUNS = ((500, 1), (5_000, 1), (10_000, 1), (10_000, 8), (100_000, 1), (100_000, 8))
CHUNK = 5_000
PERIOD = 3000
COLOURS = ("#1b6ca8", "#0b8457", "#c05f00", "#a61c3c", "#5b3f9e")


def household(chance: random.Random) -> Facts:
    """A made-up household: most meet no phishing in a week, some a few."""
    blocked = {name: min(int(chance.expovariate(1.2)), 60) for name in ("phishing", "malware", "fraud", "bypass")}
    lists = chance.choices(["ready", "stale", "none"], [90, 6, 4])[0]
    protection = chance.choices([0, 1, 2, 4, 8], [5, 20, 30, 35, 10])[0]
    return Facts(blocked, protection, chance.choices([0, 1, 3], [6, 3, 1])[0], lists, "0.1.0")


def predicted(row: StatField, epsilon: int, reports: int) -> float:
    """Half the width of a 95 % interval, at worst: of a count's mean, or of a share."""
    spread = noise_variance(row, epsilon) + row.bound**2 / 4
    if row.kind != COUNT:
        true, other = chances(row, epsilon)
        likely = min(max(0.5, other), true)
        spread = likely * (1 - likely) / (true - other) ** 2
    return Z95 * math.sqrt(spread * len(TABLE) / reports)


def sealed(count: int, epsilon: int, seed: int) -> tuple[Totals, list[float]]:
    """(what so many sealed reports say when they were opened, what is true: the sum of each column)."""
    tools, chance = primitives(), random.Random(seed)
    secret = seal.derive_secret(tools, os.urandom(32))
    public, keys = tools.public_of(secret), Keys([{"secret": secret.hex(), "first": PERIOD, "last": PERIOD}])
    totals, truth = Totals(), [0.0] * len(summary.columns())
    for _ in range(count):
        numbers, name = summary.answers(household(chance)), os.urandom(summary.ID_BYTES)
        text = summary.render(name, PERIOD, summary.noised(numbers, epsilon, os.urandom))
        line = envelope.make(tools, public, os.urandom(32), text, 1, PERIOD, name.hex()).body()
        totals.add(keys.open(line).answer)
        truth = [a + b for a, b in zip(truth, spread(numbers), strict=True)]
    return totals, truth


def spread(numbers: list[int]) -> list[int]:
    """Answers by column."""
    found = []
    for row, number in zip(TABLE, numbers, strict=True):
        found += [number] if row.kind == COUNT else [int(place == number) for place in range(len(row.labels))]
    return found


def measured(households: int, weeks: int, epsilon: int) -> Row:
    """How far from the truth sealed reports of so many households and weeks come out."""
    reports = households * weeks
    sizes = [min(CHUNK, reports - start) for start in range(0, reports, CHUNK)]
    totals, truth = Totals(), [0.0] * len(summary.columns())
    with multiprocessing.Pool() as pool:
        jobs = [(size, epsilon, below(1 << 62, os.urandom)) for size in sizes]
        for part, sums in pool.starmap(sealed, jobs, chunksize=1):
            totals.merge(part)
            truth = [a + b for a, b in zip(truth, sums, strict=True)]
    real = {name: total / reports for name, total in zip(summary.columns(), truth, strict=True)}
    rows, untold = totals.told(PERIOD, weeks)
    offs = {str(row["column"]): abs(float(str(row["mean"])) - real[str(row["column"])]) for row in rows}
    shares = [off for name, off in offs.items() if "=" in name]
    within = sum(offs[str(row["column"])] <= float(str(row["mean_error"])) for row in rows)
    return {
        "schema": summary.SCHEMA,
        "households": households,
        "weeks": weeks,
        "epsilon": epsilon,
        "told": len(rows),
        "within": within,
        "share": math.sqrt(sum(off * off for off in shares) / len(shares)) if shares else None,
        "share_worst": max(shares, default=None),
        "count": max((off for name, off in offs.items() if "=" not in name), default=None),
        "untold": sorted(untold),
    }


def table() -> str:
    """For a count and for a range's share, per epsilon and number of households in a week."""
    lines = ["households  " + "".join(f"eps {epsilon / 1000:<14g}" for epsilon in EPSILONS)]
    for count in HOUSEHOLDS:
        cells = [f"{predicted(TABLE[0], e, count):8.3f} {100 * widest(e, count):7.2f}% " for e in EPSILONS]
        lines.append(f"{count:<11} " + " ".join(cells))
    lines.append(
        "Each pair: error of the mean of a count (of 0 to 5 a week), error of a range's share; 95 % intervals."
    )
    return "\n".join(lines)


def widest(epsilon: int, reports: int) -> float:
    """The error of the range that has the largest."""
    return max(predicted(row, epsilon, reports) for row in TABLE if row.kind != COUNT)


def plot() -> str:
    """Error of a share against households, a line an epsilon, both axes logarithmic."""
    width, height, left, bottom = 640, 400, 70, 50
    lows, highs = (2.0, -1.0), (6.0, 4.0)

    def at(households: float, error: float) -> tuple[float, float]:
        x = left + (math.log10(households) - lows[0]) / (highs[0] - lows[0]) * (width - left - 120)
        y = 20 + (highs[1] - math.log10(error)) / (highs[1] - lows[1]) * (height - bottom - 20)
        return round(x, 1), round(y, 1)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif">']
    parts.append('<rect width="100%" height="100%" fill="white"/>')
    for power in range(-1, 5):
        (x1, y1), (x2, _) = at(100, 10**power), at(10**6, 10**power)
        parts.append(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y1}" stroke="#ddd"/>')
        parts.append(f'<text x="{x1 - 8}" y="{y1 + 4}" font-size="12" text-anchor="end">{10.0**power:g}</text>')
    for count in HOUSEHOLDS:
        x, y = at(count, 10 ** lows[1])
        parts.append(f'<text x="{x}" y="{y + 18}" font-size="12" text-anchor="middle">{count:,}</text>')
    for colour, epsilon in zip(COLOURS, EPSILONS, strict=True):
        points = [at(count, 100 * widest(epsilon, count)) for count in HOUSEHOLDS]
        path = " ".join(f"{x},{y}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        x, y = points[-1]
        parts.append(f'<text x="{x + 8}" y="{y + 4}" font-size="12" fill="{colour}">epsilon {epsilon / 1000:g}</text>')
    parts.append(f'<text x="{width / 2 - 40}" y="{height - 8}" font-size="13" text-anchor="middle">households</text>')
    turned = f'text-anchor="middle" transform="rotate(-90 16 {height / 2})"'
    parts.append(
        f'<text x="16" y="{height / 2}" font-size="13" {turned}>error of a share in one week, points</text></svg>'
    )
    return "\n".join(parts) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="An operator's error against epsilon and households.")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the plot (SVG)")
    parser.add_argument("--measure", action="store_true", help=f"seal and open a million reports into {MEASURED.name}")
    options = parser.parse_args()
    print(table())
    if options.measure:
        found = []
        for households, weeks in RUNS:
            found.append(measured(households, weeks, 500))
            print(found[-1], flush=True)
        MEASURED.write_text(json.dumps(found, indent=1) + "\n")
    if options.plot:
        options.plot.write_text(plot())
        print(f"plot written to {options.plot}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
