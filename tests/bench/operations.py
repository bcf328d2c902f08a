"""How long one step of each long operation holds the loop, with 100,000 visits and 20,000 attempts kept.

python tests/bench/operations.py prints per operation its steps, the longest step and the sum, in ms of CPU time.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from agent.core.model import Attempt, Rule, Visit
from agent.daemon.operations import TABLE
from tests.promises.household import Home

VISITS, ATTEMPTS = 100_000, 20_000
DEVICES = 4
ASKED = (
    ("history", {"all": True}),
    ("history", {"device_id": 1, "search": "nowhere-to-be-found"}),
    ("history.days", {"device_id": 1}),
    ("attempts", {}),
    ("blocked.counts", {"days": 30}),
    ("today", {"since": 1}),
    ("device.list", {}),
    ("status", {}),
    ("export", {"all": True, "limit": 200}),
    ("audit", {}),
    ("erase", {"device_id": 1}),
)


def fill(home: Home) -> None:
    household = home.start(history_rows=200_000, attempts_rows=50_000)
    for number in range(1, DEVICES + 1):
        home.ask("device.add", label=f"device {number}", address=f"127.0.0.{number + 1}")
        for feature in ("history", "protection"):
            home.ask("on", device_id=number, feature=feature, agree=1)
    epoch = household.state.ledger.register.epoch
    devices = household.state.devices()
    now = household.clock.wall()
    for start in range(0, VISITS, 5000):
        household.records.write([visit(devices, epoch, now, n) for n in range(start, start + 5000)], [])
    household.records.write([], [attempt(devices, epoch, now, n) for n in range(ATTEMPTS)])


def visit(devices, epoch, now: int, number: int) -> Visit:
    device = devices[number % DEVICES]
    site = f"site{number % 5000}.example".encode()
    at = now - number * 6
    hosts = [b"www." + site, b"cdn." + site]
    return Visit(None, device.id, epoch(device.enrolment, "history"), site, at, at + 60, 1000, 3, hosts, "dns")


def attempt(devices, epoch, now: int, number: int) -> Attempt:
    device = devices[number % DEVICES]
    rule = Rule(f"bad{number % 900}.example", "block", "one", "A list", "v1", "phishing")
    at = now - number * 30
    return Attempt(device.id, epoch(device.enrolment, "protection"), rule.text, "dns", at, 1000, 1, rule)


def measure(home: Home, op: str, arguments: dict) -> tuple[int, float, float]:
    """(steps, longest step, sum), in milliseconds of CPU time."""
    spent = []
    begun = time.process_time()
    result = TABLE[op](home.household, dict(arguments))
    while not isinstance(result, dict):
        try:
            next(result)
        except StopIteration:
            break
        finally:
            spent.append((time.process_time() - begun) * 1000)
        begun = time.process_time()
    spent.append((time.process_time() - begun) * 1000)
    return len(spent), max(spent), sum(spent)


def main() -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        home = Home(folder)
        fill(home)
        print(f"{'operation':44} {'steps':>6} {'longest':>9} {'sum':>9}")
        for op, arguments in ASKED:
            steps, longest, total = measure(home, op, arguments)
            print(f"{op + ' ' + str(arguments or ''):44} {steps:6} {longest:6.1f} ms {total:6.0f} ms")
        home.crash()


if __name__ == "__main__":
    main()
