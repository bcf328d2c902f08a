"""Crawl logs as the traffic of a device: pages from the log, what they pull in partly, apps' own contacts not at all.

From the log: which pages were opened, when, for how long, where they led (redirects, clicks), and which trackers were
met there for the first time. Not in the log, and drawn with a fixed seed: which of the trackers met before are on a
page as well (those met first more often), which hosts they have (of the same site in ../shared/data/benign, else the
bare name), when within the first seconds they are fetched, and what the device's apps contact by themselves.
"""

import datetime
import lzma
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

STAMPED = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) (.*)")
VISITING = re.compile(r"Visiting \d+: (\S+)")
CLICKING = re.compile(r"Clicking on https?://([^/:?#\s]+)")
LOADED = re.compile(r"(?:Visited \S+|Timed out loading \S+) on https?://([^/:?#\s]+)")
TRACKERS = re.compile(r"New domains in snitch_map: (.*)")

REDIRECT_S = 0.4
FETCHES_BEGIN_S, FETCHES_MEAN_S = 0.5, 1.5  # after the page; exponentially distributed
FETCHES_MAX = 40
HEARTBEATS, HEARTBEAT_S = 0.2, 30  # one tracker in five calls home while the page is open
APPS, APP_PACES = 60, (0.25, 0.5, 1, 2, 4)  # names that a device's apps contact, each at its own pace

Event = tuple[float, str]  # when, which host


class Page(NamedTuple):
    """One page that was opened; `hosts` are where it was asked for, led and clicked on, with their times."""

    start: float
    end: float
    hosts: list[Event]
    trackers: list[str]


class Mix(NamedTuple):
    """How much is drawn: fetches a page on average, seconds that a page is read, minutes between an app's contacts."""

    title: str
    fetches: float
    read_s: float
    app_min: float


class Stay(NamedTuple):
    """What somebody did: from when to when, at which sites (several where one led to another)."""

    start: float
    end: float
    sites: frozenset[str]


def read(path: Path) -> list[Page]:
    """The pages that opened; what failed or never answered is left out."""
    pages: list[Page] = []
    hosts: list[Event] = []
    for at, said in _lines(path):
        if found := VISITING.match(said):
            hosts = [(at, found[1])]
        elif found := CLICKING.match(said):
            hosts.append((at, found[1]))
        elif (found := LOADED.match(said)) and hosts:
            pages.append(Page(hosts[0][0], at, _led(hosts, found[1]), []))
            hosts = []
        elif (found := TRACKERS.match(said)) and pages and not hosts:
            pages[-1].trackers.extend(found[1].split(", "))
    return pages


def _lines(path: Path) -> Iterator[tuple[float, str]]:
    with lzma.open(path, "rt") as file:
        for line in file:
            if found := STAMPED.match(line):
                yield datetime.datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S,%f").timestamp(), found[2]


def _led(hosts: list[Event], last: str) -> list[Event]:
    """With the redirect: the log says where the last page was in the end."""
    return hosts if hosts[-1][1] == last else [*hosts, (hosts[-1][0] + REDIRECT_S, last)]


class Traffic:
    """Contacts of one device that opens these pages. `site_of` gives the registrable domain of a host."""

    def __init__(self, mix: Mix, names: list[str], site_of: Callable[[str], str], seed: int) -> None:
        self._mix = mix
        self._names = names
        self._site_of = site_of
        self._random = random.Random(seed)
        self._hosts: dict[str, list[str]] = {}
        for name in names:
            self._hosts.setdefault(site_of(name), []).append(name)
        self._of_tracker: dict[str, list[str]] = {}
        self._met: list[str] = []
        self.events: list[Event] = []
        self.stays: list[Stay] = []

    def replay(self, pages: list[Page]) -> "Traffic":
        late = 0.0  # a person reads: what comes after moves by that
        for page in pages:
            read_s = self._random.expovariate(1 / self._mix.read_s) if self._mix.read_s else 0.0
            self._open(page, late, page.end + late + read_s)
            late += read_s
        for name in self._random.sample(self._names, APPS):
            every_s = 60 * self._mix.app_min * self._random.choice(APP_PACES)
            at = pages[0].start
            while (at := at + self._random.expovariate(1 / every_s)) < pages[-1].end + late:
                self.events.append((at, name))
        self.events.sort()
        return self

    def _open(self, page: Page, late: float, end: float) -> None:
        hosts = [(at + late, host) for at, host in page.hosts]
        self.events += hosts
        self.stays.append(Stay(hosts[0][0], end, frozenset(self._site_of(host) for _, host in hosts)))
        for tracker in [*page.trackers, *self._met_again()]:
            begins = self._random.choice(hosts)[0] + FETCHES_BEGIN_S + self._random.expovariate(1 / FETCHES_MEAN_S)
            self._fetch(tracker, min(begins, end), end)
        self._met += [tracker for tracker in page.trackers if tracker not in self._met]

    def _met_again(self) -> list[str]:
        count = min(int(self._random.expovariate(1 / self._mix.fetches)), FETCHES_MAX) if self._met else 0
        return [self._met[int(len(self._met) ** self._random.random()) - 1] for _ in range(count)]

    def _fetch(self, tracker: str, begins: float, end: float) -> None:
        if tracker not in self._of_tracker:
            own = self._hosts.get(tracker, [tracker])
            self._of_tracker[tracker] = self._random.sample(own, min(2, len(own)))
        hosts = self._of_tracker[tracker]
        self.events += [(begins, host) for host in hosts]
        if self._random.random() < HEARTBEATS:
            while (begins := begins + HEARTBEAT_S) < end:
                self.events.append((begins, hosts[0]))
