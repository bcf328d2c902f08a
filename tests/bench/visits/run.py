"""How well the history tells what somebody opened from what followed: `python -m tests.bench.visits.run [PAGES]`.

Replays the crawl logs of ../shared/data/visits (see crawl.py for what is in them and what is drawn) through a household
with history on: gate, recorder, history.db, and reads the rows back by the control operation. The limits in
agent/core/page_loads.py were chosen on the older log; the newer one is the one to report.
"""

import lzma
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from agent.core.names import PublicSuffixes, compile_suffixes, parse
from agent.platform.idna import to_ascii
from tests.bench.visits.crawl import Event, Mix, Stay, Traffic, read
from tests.bench.visits.score import Row, Score, joined, score
from tests.promises.household import Home

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
LOGS = (("older log, 17 August", "badger-sett-log-02"), ("newer log, 21 August", "badger-sett-log-00"))
MIXES = (
    Mix("a page every 8 s, as the crawler went", 6, 0, 60),
    Mix("a page a minute", 6, 60, 60),
    Mix("a page a minute, twice the fetches and apps", 12, 60, 30),
)
DNS_KEPT_S = 300  # by the device itself
PAGE = 200
SEED = 4


def suffixes(target: str) -> PublicSuffixes:
    lines = (DATA / "psl" / "public_suffix_list.dat").read_text().splitlines()
    rules = [to_ascii(line.split()[0]) for line in lines if line.strip() and not line.startswith("//")]
    Path(target).write_bytes(compile_suffixes(rules))
    return PublicSuffixes(Path(target).read_bytes())


class Device:
    """One device of a household with history on; time is told to it."""

    def __init__(self, folder: str, suffixes_file: str) -> None:
        self.home = Home(folder)
        household = self.home.start(suffixes_file=suffixes_file, history_rows=200_000)
        self.home.ask("device.add", label="tablet", address="127.0.0.2")
        self.home.ask("on", device_id=1, feature="history", agree=1)
        self._client = household.clients.identify(None, "127.0.0.2")
        self._recorder = household.recorder
        self._recorder._now = lambda: (self._at, self._at)  # the log's time instead of this machine's
        self._at = 0

    def contact(self, at: float, host: str, source: str) -> None:
        if int(at) != self._at:
            self._recorder.flush()
            self._at = int(at)
        client = self._client
        self._recorder.allowed(client.slot, client.generation, parse(host), source, 1)

    def rows(self) -> Iterator[dict]:
        after: object = None
        while True:
            page = self.home.ask("history", device_id=1, limit=PAGE, **({"after": after} if after else {}))
            yield from page["items"]
            after = page["next"]
            if not after:
                return


def contacts(events: list[Event], connections: bool) -> Iterator[tuple[float, str, str]]:
    """Each contact as it is seen: the question unless the device still has the answer, then the connection."""
    kept: dict[str, float] = {}
    for at, host in events:
        if kept.get(host, 0) <= at:
            kept[host] = at + DNS_KEPT_S
            yield at, host, "dns"
        if connections:
            yield at, host, "tls"


def replayed(events: list[Event], connections: bool) -> tuple[list[dict], float]:
    """The rows of the history, and CPU seconds a contact."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        target = os.path.join(folder, "suffixes.bin")
        suffixes(target)
        device = Device(folder, target)
        seen = list(contacts(events, connections))
        start = time.process_time()
        for at, host, source in seen:
            device.contact(at, host, source)
        used = time.process_time() - start
        rows = list(device.rows())
        device.home.crash()
    return rows, used / len(seen)


def shown(title: str, of: Score) -> None:
    print(
        f"    {title:34} rows {of.rows:7,}  one {of.one:5,}  split {of.split:5,}  merged {of.merged:3,}"
        f"  missed {of.missed:4,}  invented {of.invented:7,}  precision {of.precision:.3f}  recall {of.recall:.3f}"
    )


def compare(events: list[Event], stays: list[Stay], site_of: PublicSuffixes) -> None:
    sites = {host: site_of.registrable(parse(host)).decode() for _, host in events}
    asked = [Row(sites[host], at, at) for at, host, source in contacts(events, False) if source == "dns"]
    shown("one row a query", score(stays, asked))
    for title, connections in (("DNS alone", False), ("connections and DNS", True)):
        found, cpu_s = replayed(events, connections)
        rows = [(Row(row["site"], row["first"], row["last"]), row) for row in found]
        if connections:
            shown("every site a visit", score(stays, [row for row, _ in rows]))
        shown("this agent, " + title, score(stays, [row for row, of in rows if not of["background"]]))
        folded = sum(of["cause"] is not None for _, of in rows)
        print(
            f"      background: {folded:,} folded under a visit, CPU {cpu_s * 1e6:.0f} us a contact, storing included"
        )


def main() -> int:
    if not DATA.exists():
        print(f"skipped: not here: {DATA}")
        return 0
    with tempfile.NamedTemporaryFile() as file:
        public = suffixes(file.name)
    with lzma.open(DATA / "benign" / "umbrella-top20k.txt.xz", "rt") as file_:
        names = sorted({parse(line.strip()).decode() for line in file_ if "." in line and line[0] != "#"})

    def site_of(host: str) -> str:
        return public.registrable(parse(host)).decode()

    for title, log in LOGS:
        pages = read(DATA / "visits" / (log + ".txt.xz"))[: int(sys.argv[1]) if sys.argv[1:] else None]
        for mix in MIXES:
            traffic = Traffic(mix, names, site_of, SEED).replay(pages)
            stays = joined(traffic.stays)
            print(f"{title}, {mix.title}: {len(pages):,} pages, {len(stays):,} stays, {len(traffic.events):,} contacts")
            compare(traffic.events, stays, public)
    return 0


if __name__ == "__main__":
    sys.exit(main())
