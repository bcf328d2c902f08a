"""What a seed stands for: the list of injections. And how a list that fails is cut to its shortest."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple


class Injection(NamedTuple):
    """One fault: after a wait, with a seed of its own for what it draws. So a part of a list is a list."""

    kind: str
    wait_s: float
    seed: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.wait_s:.3f}:{self.seed}"


def injections(seed: int, kinds: Sequence[str]) -> Iterator[Injection]:
    """Without an end. Every kind comes once before any comes again."""
    rng = random.Random(seed)
    while True:
        for kind in rng.sample(kinds, len(kinds)):
            yield Injection(kind, round(rng.uniform(0.0, 0.3), 3), rng.randrange(1 << 30))


def read(script: str) -> list[Injection]:
    """The injections of a script as it was printed; ValueError where it is none."""
    made = []
    for word in script.split():
        kind, wait_s, seed = word.split(":")
        made.append(Injection(kind, float(wait_s), int(seed)))
    return made


def shortest(
    script: list[Injection], fails: Callable[[list[Injection]], bool], until: float, now: Callable[[], float]
) -> list[Injection]:
    """A part that still fails, as short as was found before `until` (delta debugging, Zeller and Hildebrandt 2002)."""
    pieces = 2
    while len(script) > 1 and now() < until:
        size = -(-len(script) // pieces)
        parts = [script[at : at + size] for at in range(0, len(script), size)]
        without = [sum(parts[:at] + parts[at + 1 :], []) for at in range(len(parts))]
        # The end alone is the likeliest to fail: it is where the failure was seen.
        tried = [part for part in (*reversed(parts), *without) if 0 < len(part) < len(script)]
        found = next((part for part in tried if now() < until and fails(part)), None)
        if found is not None:
            script, pieces = found, max(2, pieces - 1) if len(found) > size else 2
        elif pieces >= len(script):
            break
        else:
            pieces = min(len(script), pieces * 2)
    return script


def cut(script: list[Injection], fails: Callable[[list[Injection]], bool], most_s: float) -> list[Injection]:
    return shortest(script, fails, time.monotonic() + most_s, time.monotonic)
