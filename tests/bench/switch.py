"""Measures the kernel side in the lab: `sudo python tests/bench/switch.py [PART …]`, one JSON line a part.

kernel   one change of the map, and the whole table up and down: microseconds
toggle   off and on by the control socket with the durable ledger row, state on tmpfs: milliseconds, and of them the
         daemon's CPU time; for a device with IPv4 only, and with both
flush    5,000 tagged flows of 10,000 ended: milliseconds
release  a device's old flows found among 10,000 and ended: milliseconds
restore  service after kill -9, and after SIGSTOP, on every kind of flow: seconds
memory   PSS of guard and daemon: megabytes
traffic  CPU time for bulk data of a device that is not enrolled, with and without the table, paired: per cent
beside   the same while another device is held and counted
"""

import json
import os
import random
import signal
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from agent.core import marks  # noqa: E402
from agent.daemon.kernel.nfsocket import open_socket  # noqa: E402
from agent.daemon.kernel.switch import Switch  # noqa: E402
from tests.lab.household import Agent, Asker  # noqa: E402
from tests.lab.lab import ALICE_MAC, RESOLVER4, RESOLVER6, ROUTER4, ROUTER_LINK_LOCAL, ROUTER_ULA, Lab  # noqa: E402
from tests.lab.resident import Resident  # noqa: E402

TABLET = bytes.fromhex(ALICE_MAC.replace(":", ""))
PLAIN = {ROUTER4: "router", ROUTER_ULA: "router", ROUTER_LINK_LOCAL: "router", RESOLVER4: "wan", RESOLVER6: "wan"}
BUCKETS = Path("/proc/sys/net/netfilter/nf_conntrack_buckets")
FLOWS, TAGGED = 10_000, 5_000
SLICE_BYTES, WARM_BYTES = 8 << 20, 1 << 20
# Ends as soon as the interval is half as wide as what is promised (2 %), or when time is up.
TRAFFIC_S, BLOCKS_MIN, WIDTH_PERCENT = 90.0, 100, 1.0


def times(call: Callable[[int], object], count: int) -> list[float]:
    """Seconds of each call."""
    taken = []
    for number in range(count):
        start = time.perf_counter()
        call(number)
        taken.append(time.perf_counter() - start)
    return taken


def described(taken: list[float], unit: float, digits: int = 1) -> dict[str, float]:
    ordered = sorted(taken)
    return {
        "median": round(statistics.median(ordered) / unit, digits),
        "p95": round(ordered[int(len(ordered) * 0.95)] / unit, digits),
        "max": round(ordered[-1] / unit, digits),
    }


def switch_in(lab: Lab) -> Switch:
    return Switch(lab.router.inside(open_socket), ["br-lan", "br-guest"], 5391)


def end(switch: Switch) -> None:
    """The socket goes, and what is left of the table with it."""
    assert switch.sock is not None
    switch.sock.close()


def kernel(lab: Lab) -> dict[str, object]:
    switch = switch_in(lab)
    others = {bytes([2, 0, 0, 0, 1, number]): marks.pack(number, 1) for number in range(1, 31)}
    with_tablet = [{**others, TABLET: marks.pack(100, generation)} for generation in range(64)]
    switch.apply(others)
    toggles = times(lambda number: switch.apply(with_tablet[number % 64] if number % 2 else others), 2000)

    def whole(number: int) -> None:
        switch.apply(others)
        switch.close()

    switch.close()
    table = times(whole, 200)
    end(switch)
    return {"change_us": described(toggles, 1e-6), "table_up_and_down_us": described(table, 1e-6), "devices": 31}


def toggle(lab: Lab) -> dict[str, object]:
    found: dict[str, object] = {"buckets": int(BUCKETS.read_text())}
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        resident = Resident(lab, Path(folder))
        device = resident.add("Tablet", ALICE_MAC)
        for name, servers in (("ipv4", [ROUTER4]), ("both", [ROUTER4, ROUTER_ULA])):
            assert {Asker(lab.alice, server).ask() for server in servers} == {"router"}
            for feature in ("history", "protection"):
                taken: dict[str, list[float]] = {"on": [], "off": [], "on_cpu": [], "off_cpu": []}
                for number in range(400):
                    way, call = ("off", resident.off) if number % 2 else ("on", resident.on)
                    before = cpu_s(resident.daemon)
                    start = time.perf_counter()
                    call(device, feature)
                    taken[way].append(time.perf_counter() - start)
                    taken[way + "_cpu"].append(cpu_s(resident.daemon) - before)
                found[f"{name}, {feature}"] = {f"{way}_ms": described(values, 1e-3, 2) for way, values in taken.items()}
        resident.stop()
        lab.alice.close_sockets()
    return found


def cpu_s(pid: int) -> float:
    """CPU time by the scheduler's clock, in nanoseconds there."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def flush(lab: Lab) -> dict[str, object]:
    switch = switch_in(lab)
    rules = "table inet tags {\nchain c {\ntype filter hook prerouting priority mangle;\n"
    rules += f"udp dport 20000-{20000 + TAGGED - 1} ct mark set 0x{marks.pack(1, 1):08x}\n}}\n}}\n"
    lab.router.run(["nft", "-f", "-"], input=rules)
    taken = []
    for _ in range(5):
        make_flows(lab)
        before = flows(lab)
        taken += times(lambda _: switch.flush(), 1)
        assert before >= FLOWS and before - flows(lab) >= TAGGED
    lab.router.run(["nft", "delete", "table", "inet", "tags"])
    end(switch)
    return {"flows": FLOWS, "tagged": TAGGED, "flush_ms": described(taken, 1e-3, 2)}


def release(lab: Lab) -> dict[str, object]:
    switch = switch_in(lab)
    own = lab.addresses6(lab.alice)
    make_flows(lab)
    taken = []
    for _ in range(10):
        askers = [Asker(lab.alice, RESOLVER4) for _ in range(10)]
        assert {asker.ask() for asker in askers} == {"wan"}
        taken += times(lambda _: switch.release(["192.168.50.10", *own]), 1)
        lab.alice.close_sockets()
    lab.router.run(["conntrack", "-F"])
    end(switch)
    return {"flows": FLOWS, "own": 10, "release_ms": described(taken, 1e-3, 2)}


def make_flows(lab: Lab) -> None:
    with lab.alice.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for number in range(FLOWS):
            sock.sendto(b"x", ("203.0.113.10", 20000 + number))
            if number % 100 == 0:
                time.sleep(0.001)


def flows(lab: Lab) -> int:
    return int(lab.router.run(["conntrack", "-C"]))


def restore(lab: Lab) -> dict[str, object]:
    lab.addresses6(lab.alice)
    worst: dict[str, list[float]] = {"killed": [], "stopped": []}
    for number, how in [(signal.SIGKILL, "killed"), (signal.SIGSTOP, "stopped")] * 5:
        with tempfile.TemporaryDirectory() as folder:
            agent = Agent(lab.router, Path(folder) / "memory")
            agent.apply({ALICE_MAC: [1, 1]})
            askers = {server: Asker(lab.alice, server) for server in PLAIN}
            assert {asker.ask() for asker in askers.values()} == {"agent 1/1"}
            (Path(folder) / "memory").write_text("{}")
            os.kill(agent.pid, number)
            worst[how].append(plain_after(askers, time.monotonic()))
            agent.ready()
            agent.stop()
            lab.alice.close_sockets()
    return {f"{how}_s": described(values, 1.0, 4) for how, values in worst.items()}


def plain_after(askers: dict[str, Asker], since: float) -> float:
    """Seconds until the last flow is answered as without an agent; a client asks again every 5 ms."""
    for server, asker in askers.items():
        asker.sock.settimeout(0.005)
        while asker.ask() != PLAIN[server]:
            assert time.monotonic() - since < 5, f"{server} is dead"
    return time.monotonic() - since


def memory(lab: Lab) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        resident = Resident(lab, Path(folder))
        resident.on(resident.add("Tablet", ALICE_MAC))
        Asker(lab.alice, ROUTER4).ask()
        time.sleep(3)
        found = {"guard_mb": pss_mb(resident.guard), "daemon_mb": pss_mb(resident.daemon)}
        resident.stop()
        lab.alice.close_sockets()
    return {**found, "both_mb": round(sum(found.values()), 2)}


def pss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024, 2)


def traffic(lab: Lab) -> dict[str, object]:
    switch = switch_in(lab)
    return bulk(lab, switch, lambda: switch.apply({TABLET: marks.pack(1, 1)}), switch.close)


def beside(lab: Lab) -> dict[str, object]:
    switch = switch_in(lab)

    def take(macs: frozenset[bytes]) -> None:
        switch.hold(macs)
        switch.count(macs)

    return bulk(lab, switch, lambda: take(frozenset({TABLET})), lambda: take(frozenset()))


def bulk(lab: Lab, switch: Switch, arm: Callable[[], object], disarm: Callable[[], object]) -> dict[str, object]:
    """One connection through the router, in blocks of short slices: with the table, without, and without once more to
    tell the noise. A block runs forwards and back, so that a drift within it weighs on all three alike."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    server = lab.wan.socket(socket.AF_INET, socket.SOCK_STREAM, 30.0)
    server.bind((RESOLVER4, 8080))
    server.listen()
    client = lab.bob.socket(socket.AF_INET, socket.SOCK_STREAM, 30.0)
    client.connect((RESOLVER4, 8080))
    sender, _ = server.accept()
    chance = random.Random(1)
    seconds: dict[str, list[float]] = {"plain": [], "again": [], "armed": []}
    until = time.monotonic() + TRAFFIC_S
    while time.monotonic() < until and not sure(seconds):
        order = chance.sample(sorted(seconds), 3)
        spent = dict.fromkeys(order, 0.0)
        for state in order + order[::-1]:
            arm() if state == "armed" else disarm()
            transfer(sender, client, WARM_BYTES)
            spent[state] += transfer(sender, client, SLICE_BYTES)
        for state, taken in spent.items():
            seconds[state].append(taken)
    switch.close()
    for sock in (sender, client, server):
        sock.close()
    end(switch)
    return {
        "blocks": len(seconds["plain"]),
        "bytes_a_slice": SLICE_BYTES,
        "more_cpu_percent": compared(seconds["armed"], seconds["plain"]),
        "noise_percent": compared(seconds["again"], seconds["plain"]),
        "gbit_per_cpu_s": round(2 * SLICE_BYTES * 8 / statistics.median(seconds["plain"]) / 1e9, 1),
    }


def sure(seconds: dict[str, list[float]]) -> bool:
    """Whether the interval is narrow enough to tell what is promised; looked at now and then."""
    count = len(seconds["plain"])
    if count < BLOCKS_MIN or count % 20:
        return False
    found = compared(seconds["armed"], seconds["plain"])
    return found["high"] - found["low"] <= WIDTH_PERCENT


def compared(some: list[float], others: list[float]) -> dict[str, float]:
    """How much more `some` is, block by block, in per cent: the median, and its confidence interval of 95 %, which by
    the ranks of the sorted ratios (binomial) supposes nothing about how they are spread."""
    ratios = sorted(one / other for one, other in zip(some, others, strict=True))
    count = len(ratios)
    reach = 0.98 * count**0.5
    ranks = {"median": count // 2, "low": int(count / 2 - reach), "high": int(count / 2 + reach) + 1}
    at = {name: min(max(rank, 0), count - 1) for name, rank in ranks.items()}
    return {name: round((ratios[rank] - 1) * 100, 2) for name, rank in at.items()}


def transfer(sender: socket.socket, client: socket.socket, size: int) -> float:
    """CPU seconds for the bytes, of both ends and of the router between them: it works within their system calls.

    The scheduler's clock of a process counts that (without CONFIG_IRQ_TIME_ACCOUNTING), and no other process.
    """
    block = bytes(1 << 20)

    def send() -> None:
        for _ in range(size >> 20):
            sender.sendall(block)

    thread = threading.Thread(target=send)
    left = size
    room = bytearray(1 << 20)
    start = time.process_time()
    thread.start()
    while left:
        left -= client.recv_into(room, min(left, len(room)))
    thread.join()
    return time.process_time() - start


PARTS = {part.__name__: part for part in (kernel, toggle, flush, release, restore, memory, traffic, beside)}


def main() -> int:
    chosen = sys.argv[1:] or list(PARTS)
    with Lab() as lab:
        for name in chosen:
            print(json.dumps({name: PARTS[name](lab)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
