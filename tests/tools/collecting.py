"""Reports as routers make them, for tests of the operator's side."""

import os
import random
from pathlib import Path

from agent.core import envelope, summary
from agent.core.summary import Facts
from tools.collector import keys, opening, simulate

TOOLS = opening.primitives()


def report(public: bytes, period: int, facts: Facts, epsilon: int = 500) -> bytes:
    """A sealed report's line."""
    name = os.urandom(16)
    numbers = summary.noised(summary.answers(facts), epsilon, os.urandom)
    text = summary.render(name, period, numbers)
    return envelope.make(TOOLS, public, os.urandom(32), text, 1, period, name.hex()).body()


def fleet(folder: Path, count: int, period: int, files: int = 4) -> tuple[list[dict], list[Path]]:
    """Files of so many households' reports, and the secret keys."""
    rows, public = keys.add([], period, 4)
    chance = random.Random(count)
    paths = [folder / f"{period}-{n}.jsonl" for n in range(files)]
    opened = [path.open("wb") for path in paths]
    for number in range(count):
        opened[number % files].write(report(public, period, simulate.household(chance)))
    for file in opened:
        file.close()
    return rows, paths
