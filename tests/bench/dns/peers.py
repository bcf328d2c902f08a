"""Measures the daemon against the resolvers that a router or a home server runs: `tools/bench peers [--rounds N]`.

dnsmasq (with the list, without, and with its query log), unbound, smartdns, PowerDNS recursor (RPZ), this agent, and a
C program that answers anything at once, as the floor. All have the same million names, one upstream and one core, and
are asked in turn. Told of each: time to the first answer, memory, processor time a query by mix, and how long answers
take at 2,000 queries a second. Writes build/bench-dns/peers.md and peers.svg. Needs dnsperf, gcc and the peers.
"""

import argparse
import re
import socket
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from contenders import HOST, LOAD_CORE, UPSTREAM_PORT, Agent, Contender, Dnsmasq, Upstream
from run import BUILD, OWN, PATIENCE, Slice, compare, median, prepare

MIXES = ("cached", "fresh", "blocked", "zipf")
RATE, RATE_S = 2_000, 5
FIRST_S = 60.0
QUERY = bytes.fromhex("123401000001000000000000") + b"\x03www\x05first\x07example\0\0\1\0\1"


class Floor(Contender):
    """The upstream's own program, on the servers' core."""

    name, port = "C echo", 5401

    def __init__(self, build: Path) -> None:
        super().__init__([str(build / "upstream"), str(self.port)])


class LoggingDnsmasq(Dnsmasq):
    """With a line a query, which is what a history costs there."""

    CONFIG = Dnsmasq.CONFIG + "log-queries\nlog-facility={log}\n"

    def __init__(self, build: Path, port: int, list_file: Path) -> None:
        log = build / "dnsmasq.log"
        log.unlink(missing_ok=True)
        self.CONFIG = self.CONFIG.replace("{log}", str(log))
        super().__init__(build, "dnsmasq + list + log", port, list_file)


class Unbound(Contender):
    name, port = "unbound", 5402
    CONFIG = """server:
  interface: {host}
  port: {port}
  do-daemonize: no
  use-syslog: no
  logfile: ""
  verbosity: 0
  username: ""
  chroot: ""
  directory: "{build}"
  pidfile: ""
  access-control: {host}/8 allow
  do-not-query-localhost: no
  module-config: "iterator"
  num-threads: 1
  include: "{zones}"
forward-zone:
  name: "."
  forward-addr: {host}@{upstream}
remote-control:
  control-enable: no
"""

    def __init__(self, build: Path, names: Path) -> None:
        zones, config = build / "unbound-list.conf", build / "unbound.conf"
        if not zones.exists():
            with open(names) as lines, open(zones, "w") as out:
                out.writelines(f'local-zone: "{line.split()[1]}" always_nxdomain\n' for line in lines)
        config.write_text(
            self.CONFIG.format(host=HOST, port=self.port, build=build, zones=zones, upstream=UPSTREAM_PORT)
        )
        super().__init__(["/usr/sbin/unbound", "-d", "-c", str(config)])


class Smartdns(Contender):
    name, port = "smartdns", 5403

    def __init__(self, build: Path, names: Path) -> None:
        listed, config = build / "smartdns-list.conf", build / "smartdns.conf"
        if not listed.exists():
            with open(names) as lines, open(listed, "w") as out:
                out.writelines(f"address /{line.split()[1]}/#\n" for line in lines)
        text = f"bind {HOST}:{self.port}\nserver {HOST}:{UPSTREAM_PORT}\ncache-size 1000\nspeed-check-mode none\n"
        text += f"cache-persist no\nlog-level fatal\nlog-file {build}/smartdns.log\nuser root\nconf-file {listed}\n"
        config.write_text(text)
        super().__init__(["/usr/sbin/smartdns", "-f", "-c", str(config), "-p", "-"])


class Recursor(Contender):
    name, port = "PowerDNS recursor", 5404

    def __init__(self, build: Path, names: Path) -> None:
        folder = build / "recursor"
        folder.mkdir(exist_ok=True)
        zone = folder / "rpz"
        if not zone.exists():
            with open(names) as lines, open(zone, "w") as out:
                out.write("$TTL 60\n@ SOA localhost. root. 1 1h 1h 1h 1h\n@ NS localhost.\n")
                for line in lines:
                    out.write(f"{line.split()[1]} CNAME .\n*.{line.split()[1]} CNAME .\n")
        (folder / "rpz.lua").write_text(f'rpzFile("{zone}", {{policyName="bench"}})\n')
        settings = {
            "local-address": HOST,
            "local-port": self.port,
            "forward-zones-recurse": f".={HOST}:{UPSTREAM_PORT}",
            "lua-config-file": folder / "rpz.lua",
            "socket-dir": folder,
            "config-dir": folder,
            "daemon": "no",
            "dnssec": "off",
            "dont-query": "",
            "pdns-distributes-queries": "no",
            "setgid": "",
            "setuid": "",
            "threads": 1,
            "quiet": "yes",
            "loglevel": 0,
            "write-pid": "no",
        }
        words = [f"--{name}={value}" for name, value in settings.items()]
        super().__init__(["/usr/sbin/pdns_recursor", *words])


class Told:
    """What is told of one of them."""

    def __init__(self, made: Contender, first_s: float) -> None:
        self.made = made
        self.first_s = first_s
        self.rss, self.pss = memory(made)
        self.waits: dict[str, tuple[float, float, float]] = {}


def started(make: Callable[[], Contender]) -> Told:
    """It runs, and this was its first answer."""
    began = time.monotonic()
    made = make()
    OWN.append(made)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.connect((HOST, made.port))
        asker.settimeout(0.05)
        while time.monotonic() - began < FIRST_S:
            try:
                asker.send(QUERY)
                asker.recv(512)
                return Told(made, time.monotonic() - began)
            except (TimeoutError, ConnectionRefusedError):
                if made.child.poll() is not None:
                    break
                time.sleep(0.005)
    raise SystemExit(f"{made.name} does not answer")


def memory(made: Contender) -> tuple[float, float]:
    """MB, of all its processes."""
    rss = sum(made.memory_mb(pid, "VmRSS") for pid in made.processes)
    return rss, sum(made.memory_mb(pid, "Pss", "smaps_rollup") for pid in made.processes)


def waits(made: Contender, file: Path) -> tuple[float, float, float]:
    """Milliseconds to an answer at a steady rate: p50, p99, p99.9."""
    load = ["taskset", "-c", LOAD_CORE, "dnsperf", "-v", "-s", HOST, "-p", str(made.port), "-d", str(file)]
    load += ["-T", "1", "-c", "4", "-t", "2", "-Q", str(RATE), "-l", str(RATE_S)]
    said = subprocess.run(load, capture_output=True, text=True, check=True).stdout
    took = sorted(float(found) * 1000 for found in re.findall(r"^> \S+ \S+ \S+ ([\d.]+)", said, re.MULTILINE))
    return tuple(took[min(len(took) - 1, int(len(took) * share))] for share in (0.5, 0.99, 0.999))  # type: ignore[return-value]


def table(all_of_them: list[Told], slices: dict[tuple[str, str], list[Slice]]) -> str:
    head = ["", "first answer", "RSS (PSS)", *(f"{mix}, CPU a query" for mix in MIXES)]
    head += [f"{mix}: p50 / p99 / p99.9" for mix in ("cached", "blocked", "zipf")]
    rows = [head, ["---"] * len(head)]
    for told in all_of_them:
        name = told.made.name
        row = [name, f"{told.first_s * 1000:.0f} ms", f"{told.rss:.0f} ({told.pss:.0f}) MB"]
        row += [f"{median(slices[mix, name], 'cpu_us'):.1f} µs" for mix in MIXES]
        row += [" / ".join(f"{wait:.2f}" for wait in told.waits[mix]) + " ms" for mix in ("cached", "blocked", "zipf")]
        rows.append(row)
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def plot(all_of_them: list[Told], slices: dict[tuple[str, str], list[Slice]]) -> str:
    """Bars: processor time a query, by mix; SVG."""
    height, left, wide, parts = 16, 170, 420, []
    y = 10
    for mix in MIXES:
        values = {told.made.name: median(slices[mix, told.made.name], "cpu_us") for told in all_of_them}
        most = max(values.values())
        parts.append(f'<text x="0" y="{y + 12}" font-weight="bold">{mix}: µs of CPU a query</text>')
        y += height + 4
        for name, value in values.items():
            ours = "#0b6" if name == Agent.name else "#89a"
            parts.append(f'<text x="{left - 6}" y="{y + 12}" text-anchor="end">{name}</text>')
            parts.append(f'<rect x="{left}" y="{y + 2}" width="{wide * value / most:.0f}" height="12" fill="{ours}"/>')
            parts.append(f'<text x="{left + 6 + wide * value / most:.0f}" y="{y + 12}">{value:.1f}</text>')
            y += height
        y += 12
    size = f'width="{left + wide + 60}" height="{y}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">\n' + "\n".join(
        [f'<rect {size} fill="#fff"/>', *parts, "</svg>\n"]
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--hurry", action="store_true", help="do not wait for a quiet machine")
    given = options.parse_args()
    rules = prepare()
    listed, names = BUILD / "dnsmasq-list.conf", BUILD / "hosts"
    makers: list[Callable[[], Contender]] = [
        lambda: Floor(BUILD),
        lambda: Agent(BUILD, rules),
        lambda: Dnsmasq(BUILD, "dnsmasq", 5394),
        lambda: Dnsmasq(BUILD, "dnsmasq + list", 5395, listed),
        lambda: LoggingDnsmasq(BUILD, 5396, listed),
        lambda: Unbound(BUILD, names),
        lambda: Smartdns(BUILD, names),
        lambda: Recursor(BUILD, names),
    ]
    OWN.append(Upstream(BUILD))
    try:
        told = [started(make) for make in makers]
        slices = compare([one.made for one in told], given.rounds, list(MIXES), 0 if given.hurry else PATIENCE)
        for one in told:
            for mix in ("cached", "blocked", "zipf"):
                one.waits[mix] = waits(one.made, BUILD / mix)
        text = table(told, slices)
        (BUILD / "peers.md").write_text(text)
        (BUILD / "peers.svg").write_text(plot(told, slices))
        print(text)
        ours = {mix: median(slices[mix, Agent.name], "cpu_us") for mix in MIXES}
        for mix in MIXES:
            best = min(
                (median(slices[mix, one.made.name], "cpu_us"), one.made.name)
                for one in told
                if one.made.name not in ("C echo", Agent.name)
            )
            print(f"{mix}: {ours[mix]:.1f} µs; the best peer {best[1]} {best[0]:.1f} µs")
        disturbed = statistics.median(slice.disturbed for row in slices.values() for slice in row)
        print(f"other programs took {disturbed:.0%} of the machine (median)")
    finally:
        for contender in reversed(OWN):
            contender.stop()


if __name__ == "__main__":
    main()
