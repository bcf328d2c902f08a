"""What judging costs, in the lab, with real connections: `python -m tests.bench.connections [CONNECTIONS]`, as root.

CPU is the daemon's own (user and system) by /proc; latency is from a hello sent to its answer, a judged device and its
neighbour in turns, so that both see the same load of the machine.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.lab.lab import ALICE_MAC, RESOLVER4, Lab, missing
from tests.lab.resident import Resident
from tests.lab.spaces import Space
from tests.lab.web import Caller, Site, hello

HALF_OPEN = 10_000
PORTS = (443,)


def cpu_s(pid: int) -> tuple[float, float]:
    """User and system seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    tick = os.sysconf("SC_CLK_TCK")
    return int(fields[11]) / tick, int(fields[12]) / tick


def rss_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise LookupError("no VmRSS")


def counters(resident: Resident) -> dict[str, int]:
    found = resident.status()["dns"]
    assert isinstance(found, dict)
    return found


def one(space: Space, data: bytes) -> float:
    """Seconds from the hello to its answer."""
    caller = Caller(space, RESOLVER4)
    began = time.perf_counter()
    assert caller.ask(data) == "ok"
    took = time.perf_counter() - began
    caller.close()
    space.sockets.remove(caller.sock)
    return took


def judged(lab: Lab, resident: Resident, number: int, what: str) -> None:
    hellos = [hello(f"host{n}.site{n % 50}.example", 300) for n in range(200)]
    pid = resident.daemon
    before, cpu = counters(resident), cpu_s(pid)
    for at in range(number):
        one(lab.alice, hellos[at % len(hellos)])
    time.sleep(0.3)
    user, system = [(after - start) / number * 1e6 for after, start in zip(cpu_s(pid), cpu, strict=True)]
    after = counters(resident)
    done = after["connections"] - before["connections"]
    packets = after["packets"] - before["packets"]
    # A verdict's send() carries the packet on through the router, so much of the system's share is the packet's own.
    print(
        f"{what}: {done} of {number} connections judged, {user:.1f} µs user and {system:.1f} µs system CPU each, "
        f"{packets / done:.2f} packets each came up"
    )


def latency(lab: Lab, pairs: int) -> None:
    data = hello("www.fine.example", 300)
    with_agent, without = [], []
    for _ in range(pairs):
        with_agent.append(one(lab.alice, data))
        without.append(one(lab.bob, data))
    added = statistics.median(with_agent) - statistics.median(without)
    print(
        f"first flight: {added * 1e3:+.3f} ms median ({statistics.median(without) * 1e3:.3f} ms without), {pairs} pairs"
    )


def half_open(lab: Lab, resident: Resident) -> None:
    """Clients that go away in mid-hello: the agent is not told."""
    pid, data = resident.daemon, hello("www.half.example", 1600)
    before = rss_kb(pid)
    for _ in range(HALF_OPEN):
        caller = Caller(lab.alice, RESOLVER4, timeout_s=5.0)
        caller.send(data[:1000])
        caller.close()
        lab.alice.sockets.remove(caller.sock)
    time.sleep(0.5)
    grown = rss_kb(pid) - before
    whole = Caller(lab.alice, RESOLVER4)
    began = time.monotonic()
    last = whole.ask(data[:1000], data[1000:])
    print(
        f"{HALF_OPEN} half-open hellos of 1,000 bytes: {grown / 1024:+.1f} MB (from {before / 1024:.1f}), "
        f"given up {counters(resident)['connections_unread']}; one more, whole: {last} "
        f"after {(time.monotonic() - began) * 1e3:.1f} ms"
    )


def main() -> int:
    if reason := missing():
        print(f"skipped: {reason}")
        return 0
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    with tempfile.TemporaryDirectory() as folder:
        for features in (("protection",), ("history",), ("history", "protection")):
            place = Path(folder) / "-".join(features)
            place.mkdir()
            with Lab() as lab:
                site = Site(lab, PORTS)
                resident = Resident(lab, place)
                device = resident.add("Tablet", ALICE_MAC)
                for feature in features:
                    resident.on(device, feature)
                one(lab.alice, hello("first.example"))
                judged(lab, resident, number, " and ".join(features))
                if features == ("protection",):
                    latency(lab, 300)
                    half_open(lab, resident)
                site.close()
                resident.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
