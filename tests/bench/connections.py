"""What judging costs, in the lab, with real connections: `python -m tests.bench.connections [CONNECTIONS]`, as root.

CPU is a process's own by the scheduler's count (/proc/PID/schedstat), of which other programs of the machine take
nothing but the caches. Whatever is compared is measured in turns of short slices, so that both see the same load; the
best of the slices is what an idle machine would show.
"""

import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.lab import ALICE_MAC, RESOLVER4, ROUTER_MAC, Lab, missing
from tests.lab.resident import ROOT, Resident
from tests.lab.spaces import Space
from tests.lab.web import Caller, Site, hello

SLICES = 8
IDLE_S = 4
AT_ONCE = (1, 20)  # one by one; as many as a page opens
RATE = 12_000  # the wanted connections a second
BURSTS, BURST_TURNS, AT_LINK_SPEED = (800, 1600, 3200), 6, 10**9
HALF_OPEN = 10_000
BULK_PAIRS, BULK_MB, BULK_MTU_MB = 150, 64, 4


def cpu_us(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e3


def rss_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise LookupError("no VmRSS")


def counters(resident: Resident) -> dict[str, int]:
    found = resident.status()["dns"]
    assert isinstance(found, dict)
    return found


def flood(space: Space, *words: object) -> str:
    return space.run([sys.executable, "-m", "tests.bench.flood", RESOLVER4, *map(str, words)], cwd=ROOT)


def said(values: list[float]) -> str:
    return f"{statistics.median(values):.1f} µs (best slice {min(values):.1f})"


@contextmanager
def judging(lab: Lab, folder: Path, *features: str) -> Iterator[Resident]:
    """A daemon with Alice's device on."""
    folder.mkdir()
    resident = Resident(lab, folder)
    device = resident.add("Tablet", ALICE_MAC)
    for feature in features:
        resident.on(device, feature)
    call_once(lab.alice, hello("first.example"))
    try:
        yield resident
    finally:
        resident.stop()


class LetPass:
    """A reader of the queue that judges nothing, with a table that can be put up and taken down."""

    def __init__(self, lab: Lab) -> None:
        command = [sys.executable, "-m", "tests.bench.letpass", ALICE_MAC]
        self.process = lab.router.start(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def order(self, word: str) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(word.encode() + b"\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == b"done\n"

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def call_once(space: Space, data: bytes) -> float:
    """Seconds from the hello to its answer."""
    caller = Caller(space, RESOLVER4)
    began = time.perf_counter()
    assert caller.ask(data) == "ok"
    took = time.perf_counter() - began
    caller.close()
    space.sockets.remove(caller.sock)
    return took


def each(lab: Lab, pid: int, number: int, at_once: int) -> float:
    """CPU that the process takes for one connection."""
    before = cpu_us(pid)
    flood(lab.alice, number, at_once)
    time.sleep(0.6)  # until it is recorded
    return (cpu_us(pid) - before) / number


def idle(pid: int) -> float:
    """CPU in microseconds that the process takes in a second in which nothing comes."""
    before = cpu_us(pid)
    time.sleep(IDLE_S)
    return (cpu_us(pid) - before) / IDLE_S


def per_connection(lab: Lab, folder: Path, number: int) -> None:
    for features in (("protection",), ("history",), ("history", "protection")):
        what = " and ".join(features)
        with judging(lab, folder / "-".join(features), *features) as resident:
            before = counters(resident)
            for at_once in AT_ONCE:
                costs = [each(lab, resident.daemon, number, at_once) for _ in range(SLICES)]
                print(f"{what}, {at_once} at once: {said(costs)} CPU a connection")
            print(f"{what}: {idle(resident.daemon):.0f} µs CPU a second without any, which is in these figures")
            after = counters(resident)
            done, up = [after[name] - before[name] for name in ("connections", "packets")]
            print(f"{what}: {done} of {number * SLICES * 2} judged, {up / done:.2f} packets of each came up")
    reader = LetPass(lab)
    reader.order("on")
    for at_once in AT_ONCE:
        costs = [each(lab, reader.process.pid, number, at_once) for _ in range(SLICES)]
        print(f"a reader that lets everything pass, {at_once} at once: {said(costs)} CPU a connection")
    reader.close()


def replayed(lab: Lab, resident: Resident) -> None:
    """Hellos at the wanted rate, from a client that sends nothing else: what comes up is all that the router has."""
    number = RATE * 2
    before, cpu = counters(resident), cpu_us(resident.daemon)
    took = float(flood(lab.alice, number, 0, RATE, "eth0", ROUTER_MAC))
    time.sleep(0.6)
    used = (cpu_us(resident.daemon) - cpu) / 1e6
    judged = counters(resident)["connections"] - before["connections"]
    print(
        f"replay through the queue: {number / took:.0f} hellos/s offered for {took:.1f} s, {judged} of {number} judged,"
        f" {used / judged * 1e6:.1f} µs CPU each: one core judges {judged / used:.0f}/s"
    )


def bursts(lab: Lab, resident: Resident) -> None:
    """Hellos as fast as the client can send them: how many pass unread because the queue is full."""
    for size in BURSTS:
        unread, rates = [], []
        for _ in range(BURST_TURNS):
            lab.router.run(["conntrack", "--flush"])  # the connections of before, which were judged
            before = counters(resident)["connections"]
            rates.append(size / float(flood(lab.alice, size, 0, AT_LINK_SPEED, "eth0", ROUTER_MAC)))
            time.sleep(0.3)
            unread.append(size - (counters(resident)["connections"] - before))
        print(f"bursts of {size} hellos, {statistics.median(rates):.0f}/s: unread {unread}")


def latency(lab: Lab, pairs: int) -> None:
    data = hello("www.fine.example", 300)
    judged, alone = [], []
    for _ in range(pairs):
        judged.append(call_once(lab.alice, data))
        alone.append(call_once(lab.bob, data))
    added = statistics.median(judged) - statistics.median(alone)
    print(
        f"first flight: {added * 1e3:+.3f} ms median ({statistics.median(alone) * 1e3:.3f} ms without), {pairs} pairs"
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


# bulk data


class Stream:
    """A client that sends bulk data and a server that takes it. The kernel forwards in the time of these two."""

    def __init__(self, lab: Lab) -> None:
        command = [sys.executable, "-m", "tests.bench.bulk"]
        self.taker = lab.wan.start([*command, "take"], cwd=ROOT)
        time.sleep(0.5)
        give = [*command, "give", RESOLVER4]
        self.giver = lab.alice.start(give, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def give(self, megabytes: int) -> float:
        """CPU in microseconds."""
        assert self.giver.stdin is not None and self.giver.stdout is not None
        before = cpu_us(self.taker.pid) + cpu_us(self.giver.pid)
        self.giver.stdin.write(b"%d\n" % megabytes)
        self.giver.stdin.flush()
        self.giver.stdout.readline()
        return cpu_us(self.taker.pid) + cpu_us(self.giver.pid) - before

    def close(self) -> None:
        for process in (self.giver, self.taker):
            process.kill()
            process.wait()


def interval(values: list[float]) -> tuple[float, float]:
    """The median's 95 % confidence interval, by bootstrap."""
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(2000))
    return medians[50], medians[-51]


def bulk(lab: Lab, megabytes: int, what: str) -> None:
    """CPU a byte of a judged connection against the same device's without any table, in turns."""
    stream, reader = Stream(lab), LetPass(lab)
    ratios = [pair(stream, reader, megabytes) for _ in range(BULK_PAIRS)]
    low, high = interval(ratios)
    print(
        f"bulk, {what}: {(statistics.median(ratios) - 1) * 100:+.1f} % CPU a byte "
        f"(95 %: {(low - 1) * 100:+.1f} to {(high - 1) * 100:+.1f} %), {BULK_PAIRS} pairs of {megabytes} MB"
    )
    stream.close()
    reader.close()


def pair(stream: Stream, reader: LetPass, megabytes: int) -> float:
    """None, on, on, none: what drifts, falls on both."""
    before = stream.give(megabytes)
    reader.order("on")
    judged = stream.give(megabytes) + stream.give(megabytes)
    reader.order("off")
    return judged / (before + stream.give(megabytes))


def packets_of_a_link(lab: Lab) -> None:
    """Offload off for what the client sends: packets of 1,500 bytes, as they come from a real link."""
    lab.alice.ip.link("set", index=lab.alice.index("eth0"), gso_max_segs=1)


def main() -> int:
    if reason := missing():
        print(f"skipped: {reason}")
        return 0
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    wanted = sys.argv[2:] or ["cost", "rate", "bulk"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "cost" in wanted or "rate" in wanted:
            with Lab() as lab:
                site = Site(lab, (443,))
                if "cost" in wanted:
                    per_connection(lab, folder, number)
                if "rate" in wanted:
                    with judging(lab, folder / "rest", "protection") as resident:
                        replayed(lab, resident)
                        bursts(lab, resident)
                        latency(lab, 300)
                        half_open(lab, resident)
                site.close()
        if "bulk" in wanted:
            with Lab() as lab:
                bulk(lab, BULK_MB, "as offload puts it together")
                packets_of_a_link(lab)
                bulk(lab, BULK_MTU_MB, "in packets of 1,500 bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
