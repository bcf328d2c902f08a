"""How long a parser may work on one input."""

import time
from collections.abc import Callable


def bounded(once: Callable[[], object], limit_s: float, data: bytes) -> None:
    """`once` takes less than `limit_s` of this thread's CPU time. What is slow is slow three times; the collector of
    garbage, or a neighbour of the machine, comes by once."""
    spent: list[float] = []
    while not spent or (spent[-1] >= limit_s and len(spent) < 3):
        began = time.thread_time()
        once()
        spent.append(time.thread_time() - began)
    assert min(spent) < limit_s, f"{spent} s for {data[:2000].hex()}"
