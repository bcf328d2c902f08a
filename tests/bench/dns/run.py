"""Measures the daemon against Debian's dnsmasq: `python tests/bench/dns/run.py [--rounds N] [--mix MIX] [--storm]`.

All run at once on one core and are asked in turn, one second each, so that what else the machine does falls on all of
them alike; the load and the upstream have the other core. The figure is processor time a query (median of the rounds),
since how many queries a second come through also depends on who waits for whom. A slice in which other programs took
more than a tenth of the machine is repeated, a few times, unless --hurry says not to care. Needs dnsperf, dnsmasq, gcc.
"""

import argparse
import itertools
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import names
from contenders import HOST, LOAD_CORE, ROOT, Agent, Contender, Dnsmasq, Upstream

BUILD = ROOT / "build" / "bench-dns"
DISTURBED = 0.1
PATIENCE = 40
OWN: list[Contender] = []  # all that run for the benchmark
ONCE = {"fresh": 60_000, "zipf": 120_000}  # lines of a slice that must not be asked again
STORM, STORM_S = 1_000_000, 900
# (mix, of whom, at least so many times as fast, how the issue puts it)
WANTED = [
    ("cached", "dnsmasq", 1.0),
    ("fresh", "dnsmasq", 1.3),
    ("blocked", "dnsmasq + list", 10.0),
    ("zipf", "dnsmasq + list", 10.0),
]


class Slice:
    """One second of load, as dnsperf tells it."""

    def __init__(self, contender: Contender, file: Path, seconds: int = 1, once: bool = False) -> None:
        load = ["taskset", "-c", LOAD_CORE, "dnsperf", "-s", HOST, "-p", str(contender.port), "-d", str(file)]
        load += ["-T", "1", "-c", "4", "-t", "2", "-l", str(seconds)] + (["-n", "1"] if once else [])
        before, machine = contender.cpu_s(), Machine(contender)
        said = subprocess.run(load, capture_output=True, text=True, check=True).stdout
        used = contender.cpu_s() - before
        self.disturbed = machine.others()
        self.completed = int(_number(r"completed:\s+(\d+)", said))
        self.lost = int(_number(r"lost:\s+(\d+)", said))
        self.rate = _number(r"per second:\s+([\d.]+)", said)
        self.cpu_us = used / max(1, self.completed) * 1e6


class Machine:
    """What programs that are no part of the benchmark take of the machine's processors, from here on."""

    def __init__(self, *own: Contender) -> None:
        self.own = [*own, *[each for each in OWN if each not in own]]
        self.before = self._times()

    def others(self) -> float:
        busy, ours, whole = (now - then for now, then in zip(self._times(), self.before, strict=True))
        return max(0.0, busy - ours) / whole

    def _times(self) -> tuple[float, float, float]:
        """Seconds: of all processors busy, of ours, of all processors."""
        with open("/proc/stat") as file:
            counts = [int(word) for word in file.readline().split()[1:9]]
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        ours = used.ru_utime + used.ru_stime + sum(each.cpu_s() for each in self.own)
        hertz = os.sysconf("SC_CLK_TCK")
        return (sum(counts) - counts[3] - counts[4]) / hertz, ours, sum(counts) / hertz


def quiet_slice(contender: Contender, file: Path, once: bool, patience: int) -> Slice:
    for attempt in range(patience):
        machine = Machine()
        time.sleep(0.5 + attempt * 0.5)
        if machine.others() > DISTURBED:
            continue
        # What may be asked once only can't be repeated.
        made = Slice(contender, file, once=once)
        if once or made.disturbed < DISTURBED:
            return made
    return Slice(contender, file, once=once)


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found, text
    return float(found.group(1))


def part(mix: str, turn: int) -> Path:
    """The file of a slice: for mixes that lose their meaning when asked twice, another part each round."""
    whole = BUILD / mix
    if mix not in ONCE:
        return whole
    file = BUILD / f"{mix}-part"
    with open(whole) as lines, open(file, "w") as out:
        out.writelines(itertools.islice(lines, turn * ONCE[mix], (turn + 1) * ONCE[mix]))
    return file


def compare(
    all_of_them: list[Contender], rounds: int, mixes: list[str], patience: int
) -> dict[tuple[str, str], list[Slice]]:
    slices: dict[tuple[str, str], list[Slice]] = {}
    for contender in all_of_them:
        Slice(contender, BUILD / "warm", once=True)
    for turn in range(rounds):
        for mix in mixes:
            file = part(mix, turn)
            for contender in all_of_them:
                made = quiet_slice(contender, file, mix in ONCE, patience)
                slices.setdefault((mix, contender.name), []).append(made)
    return slices


def median(slices: list[Slice], what: str) -> float:
    return statistics.median(getattr(each, what) for each in slices)


def report(slices: dict[tuple[str, str], list[Slice]]) -> None:
    for (mix, name), all_of_it in slices.items():
        lost, disturbed = sum(each.lost for each in all_of_it), max(each.disturbed for each in all_of_it)
        cpu_us, rate = median(all_of_it, "cpu_us"), median(all_of_it, "rate")
        best = min(each.cpu_us for each in all_of_it)
        figures = f"{cpu_us:7.1f} us of CPU a query (best {best:5.1f})  {rate:8.0f} queries/s"
        print(f"{mix:8} {name:15} {figures}  lost {lost}  others {disturbed:.0%}", flush=True)
    print()
    for mix, of, wanted in WANTED:
        if (mix, of) not in slices:
            continue
        pairs = list(zip(slices[mix, of], slices[mix, Agent.name], strict=True))
        if not all(theirs.completed and ours.completed for theirs, ours in pairs):
            print(f"{mix:8} against {of:15} a slice had no answer at all: no ratio")
            continue
        cpu = statistics.median(theirs.cpu_us / ours.cpu_us for theirs, ours in pairs)
        rate = statistics.median(ours.rate / theirs.rate for theirs, ours in pairs)
        best = min(each.cpu_us for each in slices[mix, of]) / min(each.cpu_us for each in slices[mix, Agent.name])
        ratios = f"by CPU {cpu:5.1f}x (best against best {best:5.1f}x)   by rate {rate:5.1f}x"
        print(f"{mix:8} against {of:15} {ratios}   wanted {wanted}x")


def memory(agent: Agent, when: str) -> None:
    rss, anonymous = agent.memory_mb(agent.daemon, "VmRSS"), agent.memory_mb(agent.daemon, "RssAnon")
    guard = agent.memory_mb(agent.guard, "Pss", "smaps_rollup")
    print(f"{when}: daemon {rss:.1f} MB RSS ({anonymous:.1f} of its own), guard {guard:.1f} MB PSS")


def storm(agent: Agent) -> None:
    """A million names, each asked once."""
    file = BUILD / "storm"
    with open(BUILD / "fresh") as lines, open(file, "w") as out:
        out.writelines(itertools.islice(lines, STORM))
    made = Slice(agent, file, seconds=STORM_S, once=True)
    file.unlink()
    memory(agent, f"after a storm of {made.completed:,} names ({made.cpu_us:.1f} us each)")


def swap_gap(agent: Agent) -> None:
    """Asks all the time while the lists are loaded anew, and tells the longest wait for an answer."""
    command = ["taskset", "-c", LOAD_CORE, "dnsperf", "-s", HOST, "-p", str(agent.port), "-d", str(BUILD / "cached")]
    load = subprocess.Popen([*command, "-T", "1", "-Q", "2000", "-l", "4"], stdout=subprocess.PIPE, text=True)
    for _ in range(5):
        time.sleep(0.5)
        agent.child.send_signal(signal.SIGHUP)
    said, _ = load.communicate()
    slowest = _number(r"max ([\d.]+)", said)
    print(f"five swaps of the lists under 2,000 queries a second: the slowest answer took {slowest * 1000:.1f} ms")


def prepare() -> Path:
    names.make(BUILD)
    rules = BUILD / "rules.bin"
    if not rules.exists():
        build = "from agent.jobs.compile import Source, compile_lists; import sys;"
        build += "compile_lists([Source(sys.argv[1], 'bench', syntax='hosts')], sys.argv[2])"
        subprocess.run([sys.executable, "-c", build, str(BUILD / "hosts"), str(rules)], cwd=ROOT, check=True)
        suffixes = [sys.executable, str(ROOT / "tools" / "build-suffixes"), "--output", str(BUILD / "suffixes.bin")]
        subprocess.run(suffixes, check=True)
    return rules


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--mix", action="append", help="only this mix (may be repeated)")
    options.add_argument("--storm", action="store_true", help="also ask a million different names (minutes)")
    options.add_argument("--hurry", action="store_true", help="do not wait for a quiet machine")
    options.add_argument("--alone", action="store_true", help="without dnsmasq")
    given = options.parse_args()
    rules = prepare()
    upstream = Upstream(BUILD)
    running = OWN
    running.append(upstream)
    try:
        agent = Agent(BUILD, rules)
        running.append(agent)
        if not given.alone:
            running.append(Dnsmasq(BUILD, "dnsmasq", 5394))
            running.append(Dnsmasq(BUILD, "dnsmasq + list", 5395, BUILD / "dnsmasq-list.conf"))
            time.sleep(10)
        print(f"control socket answers {agent.ready_s * 1000:.0f} ms after start (the interpreter's included)")
        memory(agent, "fresh, list loaded, both features on")
        mixes = given.mix or ["cached", "fresh", "blocked", "zipf"]
        report(compare(running[1:], given.rounds, mixes, 0 if given.hurry else PATIENCE))
        memory(agent, "after that")
        swap_gap(agent)
        if given.storm:
            storm(agent)
    finally:
        for contender in reversed(running):
            contender.stop()


if __name__ == "__main__":
    main()
