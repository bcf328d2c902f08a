"""How long the next change takes to find: eight people with 28 windows each, nothing laid out yet. The best of several.

python tests/bench/times.py [--rounds 40]
"""

import argparse
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from agent.core.schedule import Rules, next_change  # noqa: E402
from agent.core.timezone import DAY_S, parse  # noqa: E402
from agent.core.windows import KINDS, WINDOWS_MAX, Window  # noqa: E402

FIRST = 1_767_225_600  # 2026
PEOPLE = 8
ZONE = parse("CET-1CEST,M3.5.0,M10.5.0/3")


def usual(number: random.Random) -> list[Window]:
    """A bedtime and three breaks each day."""
    days = [Window("bedtime", 1 << day, 1230, 420) for day in range(7)]
    return days + [Window("break", 1 << day, begin, begin + 60) for day in range(7) for begin in (720, 900, 1080)]


def mixed(number: random.Random) -> list[Window]:
    """Any kinds, days and times: nearly all of them overlap."""
    return [
        Window(number.choice(KINDS), number.randrange(1, 128), number.randrange(1441), number.randrange(1441))
        for _ in range(WINDOWS_MAX)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    for name, windows in (("a bedtime and three breaks a day", usual), ("random windows", mixed)):
        number, taken = random.Random(1), []
        for one in range(rounds):
            people = [Rules(windows(number), [], []) for _ in range(PEOPLE)]
            at = FIRST + one * 3 * DAY_S
            begun = time.thread_time()
            for rules in people:
                next_change(rules, at, ZONE)
            taken.append(time.thread_time() - begun)
        taken.sort()
        print(f"{name}: best {taken[0] * 1000:.2f} ms, median {taken[len(taken) // 2] * 1000:.2f} ms of CPU (limit 2)")


if __name__ == "__main__":
    main()
