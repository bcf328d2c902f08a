"""Observations become visits; ages decide how long they stay.

A visit is a device's stay at a site inside one epoch. It never crosses an epoch; a gap of 30 minutes starts a new one.
"""

from agent.core.check_hosts import BESIDE, BESIDE_S, CHECKS, NO_SITES
from agent.core.model import Observation, Permit, Visit
from agent.core.page_loads import PageLoads
from agent.core.shapes import SiteOf
from agent.core.shares import Shares

GAP_S = 30 * 60  # a longer silence means that somebody came back
HOSTS_MAX = 12  # enough to see what a site consists of; bounds the row's size
HOST_BYTES_MAX = 600
OPEN_MAX = 1500  # some 500 bytes each: the memory of one device's burst of names stays below 1 MB
SHARED = 2 * OPEN_MAX  # so that one device's burst leaves room for the others'
DAY_S = 86400
# From the least to the most telling. With ECH on offer the name may be that of a front instead of the site's.
SOURCES = ("dns", "ech", "tls", "http")


class Before:
    """A visit as it was before a contact, or several at once; `new`: it began with it. `began`, `seen`: the ages of the
    first and the last of them."""

    __slots__ = ("visit", "began", "seen", "new", "_was")

    def __init__(self, visit: Visit, age: int, new: bool) -> None:
        self.visit = visit
        self.began = self.seen = age
        self.new = new
        self._was = (visit.last, visit.age, visit.hits, visit.source, visit.background)

    def restore(self) -> None:
        visit = self.visit
        visit.last, visit.age, visit.hits, visit.source, visit.background = self._was


class Visits:
    """The visits that may still grow, by device, epoch and site.

    `site_of(host: bytes) -> bytes | None` gives the registrable domain, None for what is never recorded. `dropped`
    counts observations that found no room.
    """

    def __init__(self, site_of: SiteOf) -> None:
        self._site_of = site_of
        self._open: dict[tuple[int, int, bytes], Visit] = {}
        self._dirty: dict[int, Visit] = {}  # by identity: a retired visit still waits to be stored
        self._shares = Shares(SHARED)  # of new ones that wait to be stored
        self._leads = PageLoads()
        self._checked: dict[int, int] = {}  # epoch → age of the last connectivity check
        self._beside: dict[int, Before] = {}  # epoch → what may turn out to be a part of one
        self.dropped = 0

    def observe(self, permit: Permit, seen: Observation) -> None:
        """Take one observation in. In doubt (no room) it is dropped and counted, never kept elsewhere."""
        site = None if self._asked_by_itself(permit.epoch, seen) else self._site_of(seen.host)
        if site is None:
            return
        key = (permit.device_id, permit.epoch, site)
        visit = self._open.get(key)
        if visit is not None and seen.age - visit.age > GAP_S:
            visit = None
        new = visit is None
        if visit is None:
            if not self._shares.take(permit.device_id):
                self.dropped += seen.hits
                return
            self._make_room()
            visit = Visit(None, permit.device_id, permit.epoch, site, seen.at, seen.at, seen.age, 0, [], seen.source)
            visit.background = True  # until something says that it was opened
            self._open[key] = visit
        if seen.host in BESIDE:
            self._remember(visit, new, seen.age)
        self._grow(visit, seen)
        self._dirty[id(visit)] = visit
        opened = self._leads.place(visit, new, seen.host, seen.age)
        if opened is not None:
            self._dirty[id(opened)] = opened

    def _asked_by_itself(self, epoch: int, seen: Observation) -> bool:
        """Whether the device asked on its own (see check_hosts.py), at once before and after a check as well."""
        if seen.host in CHECKS:
            self._checked[epoch] = seen.age
            before = self._beside.pop(epoch, None)
            if before is not None and seen.age - before.seen <= BESIDE_S:
                self._undo(before)
        elif seen.host in BESIDE:
            checked = self._checked.get(epoch)
            return checked is not None and seen.age - checked <= BESIDE_S
        return seen.host in NO_SITES

    def _remember(self, visit: Visit, new: bool, age: int) -> None:
        before = self._beside.get(visit.epoch)
        if before is None or before.visit is not visit or age - before.began > BESIDE_S:
            before = self._beside[visit.epoch] = Before(visit, age, new)
        before.seen = age

    def _undo(self, before: "Before") -> None:
        """As if it had not been contacted. What is stored already can but be background."""
        visit = before.visit
        self._leads.drop(visit)
        before.restore()
        if before.new:
            key = (visit.device_id, visit.epoch, visit.site)
            if self._open.get(key) is visit:
                del self._open[key]
            if visit.id is None:
                self._dirty.pop(id(visit), None)
                return
        self._dirty[id(visit)] = visit

    def _grow(self, visit: Visit, seen: Observation) -> None:
        visit.last = seen.at
        visit.age = seen.age
        # A connection is counted, and not the question that came before it.
        better = 0 if seen.source == visit.source else SOURCES.index(seen.source) - SOURCES.index(visit.source)
        if better > 0 and visit.source == "dns":
            visit.hits = 0
        if better >= 0 or seen.source != "dns":
            visit.hits += seen.hits
        if better > 0:
            visit.source = seen.source
        hosts = visit.hosts
        if not hosts:
            hosts.append(seen.host)
            return
        if seen.host in hosts or len(hosts) >= HOSTS_MAX:
            return
        if sum([len(host) for host in hosts]) + len(seen.host) <= HOST_BYTES_MAX:
            hosts.append(seen.host)
            hosts.sort()

    def _make_room(self) -> None:
        if len(self._open) < OPEN_MAX:
            return
        counts: dict[int, int] = {}
        for visit in self._open.values():
            counts[visit.device_id] = counts.get(visit.device_id, 0) + 1
        most = max(counts, key=lambda device: counts[device])
        by_age = sorted([(visit.age, key) for key, visit in self._open.items() if visit.device_id == most])
        for _, key in by_age[: len(by_age) // 4 + 1]:
            del self._open[key]  # it only stops growing: what is dirty is still stored

    def dirty(self) -> list[Visit]:
        """The visits that changed since `written` was called; each is to be stored, then `written` called.

        Causes first: what they pulled in names them.
        """
        return sorted(self._dirty.values(), key=_has_cause)

    def written(self, some: list[Visit] | None = None) -> None:
        """All of them by default."""
        for one in self.dirty() if some is None else some:
            del self._dirty[id(one)]
        if not self._dirty:
            self._shares = Shares(SHARED)

    def part(self) -> None:
        """The clock was set: no visit grows over that, so that each has the times of one clock."""
        self._open.clear()
        self._beside.clear()

    def close(self, epochs: list[int]) -> list[Visit]:
        """End all open visits of these epochs; returns those that still have to be stored."""
        waiting = [visit for visit in self._dirty.values() if visit.epoch in epochs]
        self._dirty = {id(visit): visit for visit in self._dirty.values() if visit.epoch not in epochs}
        self._open = {key: visit for key, visit in self._open.items() if visit.epoch not in epochs}
        self._leads.close(epochs)
        for epoch in epochs:
            self._checked.pop(epoch, None)
            self._beside.pop(epoch, None)
        return waiting

    def drop(self, ids: set[int]) -> None:
        """Rows with these ids were removed from the store: they must not grow on."""
        gone = [key for key, visit in self._open.items() if visit.id in ids]
        for key in gone:
            self._dirty.pop(id(self._open.pop(key)), None)
        self._leads = PageLoads()  # what was learned from them goes with them
        self._beside.clear()

    def __len__(self) -> int:
        return len(self._open)


class AgeClock:
    """Seconds of the household's life, by running time: a jump of the wall clock neither deletes nor preserves.

    While the system runs only the monotonic clock counts. The time that the system was off is added once a boot, when
    the wall clock is known to be set both before and after, and never more than `OFF_MAX_S`. `wall` and `wall_age` are
    the last known wall time and the age at that moment; `settled` says that this boot's absence has been added.
    """

    OFF_MAX_S = 40 * DAY_S  # more than the longest retention: whatever was kept is over by then

    def __init__(
        self,
        age: int = 0,
        boot: str = "",
        monotonic: int = 0,
        wall: int | None = None,
        wall_age: int = 0,
        settled: bool = True,
    ) -> None:
        self.age = age
        self.boot = boot
        self.monotonic = monotonic
        self.wall = wall
        self.wall_age = wall_age
        self.settled = settled

    def tick(self, boot: str, monotonic: int, wall: int | None) -> int:
        """The age now, given this boot's id, its monotonic seconds, and wall seconds (None while not set)."""
        if boot == self.boot:
            self.age += max(0, monotonic - self.monotonic)
        else:
            self.age += monotonic  # the running time of this boot so far
            self.settled = False
        self.boot, self.monotonic = boot, monotonic
        if wall is not None:
            if not self.settled and self.wall is not None:
                self.age = max(self.age, self.wall_age + min(wall - self.wall, self.OFF_MAX_S))
            self.settled = True
            self.wall, self.wall_age = wall, self.age
        return self.age


def oldest_kept(age: int, days: int) -> int:
    """Rows whose age stamp is below this are over their time."""
    return age - days * DAY_S


def _has_cause(visit: Visit) -> bool:
    return visit.cause is not None
