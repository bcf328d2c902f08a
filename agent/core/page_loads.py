"""What somebody opened, and what followed by itself: told apart by time, and by what the same epoch has shown before.

A page is opened at its site's front (the bare name or `www.`) and pulls in ads, trackers and content networks within
seconds: these are background, caused by it. What was once pulled in, came alone before, or is contacted elsewhere than
at its front is somebody's visit only if enough follows it in turn. Everything is forgotten with its epoch, after a day,
and at once when something is erased.
"""

from agent.core.model import Visit

# Chosen on the older crawl log by tests/bench/visits/run.py; tests/bench/EVALUATION.md has the newer one's figures.
BURST_S = 5  # what a page pulls in begins within; longer would swallow the next page
FOLLOWERS = 3  # other sites or hosts within the burst that make a visit of what came alone before, or not at a front
FOLLOWERS_PULLED = 6  # the same for what was once pulled in by another page
HALF_DAY_S = 12 * 3600  # a day at most, since that is the shortest time for which visits are kept
NAMES_MAX = 2000  # sites remembered of all devices together, some 200 bytes each
TOGETHER_MAX = 8  # told apart within a burst; more prove nothing more
# Labels before the site that people open pages at, beside none. Of the crawled pages 95 in 100 need none but `www`.
FRONTS = (
    b"www www1 www2 web m mobile home app my about account accounts login portal business store shop news blog"
    b" developer developers docs learn wiki help support community forum forums search mail maps play video tv music"
    b" games old en us de fr es it ja nl pl pt ru sv zh"
).split()


def at_front(host: bytes, site: bytes) -> bool:
    """Whether a host is where people enter its site (the registrable domain)."""
    return host == site or host[: -len(site) - 1] in FRONTS


class Recent:
    """The keys added last: at most `limit` of them, none longer than a day, in two halves of which the older goes."""

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._new: set[tuple[int, bytes]] = set()
        self._old: set[tuple[int, bytes]] = set()
        self.since = 0

    def turn(self, age: int) -> None:
        """Let go what is too old by now."""
        while age - self.since >= HALF_DAY_S and (self._new or self._old):
            self._old, self._new, self.since = self._new, set(), self.since + HALF_DAY_S
        if not self._new and not self._old:
            self.since = age

    def add(self, key: tuple[int, bytes]) -> None:
        if key not in self._new and len(self._new) >= self._half:
            self._old, self._new = self._new, set()
        self._new.add(key)

    def drop(self, epochs: list[int]) -> None:
        self._new = set([key for key in self._new if key[0] not in epochs])
        self._old = set([key for key in self._old if key[0] not in epochs])

    def __contains__(self, key: tuple[int, bytes]) -> bool:
        return key in self._new or key in self._old

    def __len__(self) -> int:
        return len(self._new) + len(self._old)


class Burst:
    """Of one epoch: the visit that leads, since when (age and wall time), what came with it, and how much must for it
    to be one."""

    __slots__ = ("lead", "since", "at", "last", "together", "needed")

    def __init__(self) -> None:
        self.lead: Visit | None = None
        self.since = 0
        self.at = 0
        self.last = 0
        self.together: set[bytes] = set()
        self.needed = 0


class PageLoads:
    """Sets `background` and `cause` of visits as they are contacted."""

    def __init__(self) -> None:
        self._trails: dict[int, Burst] = {}
        self._pulled = Recent(NAMES_MAX)  # (epoch, site) that followed another one
        self._alone = Recent(NAMES_MAX)  # that led and nothing followed

    def place(self, visit: Visit, new: bool, host: bytes, age: int) -> Visit | None:
        """The visit was contacted at a host; `new` says that it was just made. Returns what became a visit by it."""
        trail = self._trails.get(visit.epoch)
        if trail is None:
            trail = self._trails[visit.epoch] = Burst()
            trail.last = age - BURST_S
        if age - self._pulled.since >= HALF_DAY_S or age - self._alone.since >= HALF_DAY_S:
            self._pulled.turn(age)
            self._alone.turn(age)
        quiet = age - trail.last >= BURST_S
        trail.last = age
        lead = trail.lead
        in_burst = lead is not None and age - trail.since <= BURST_S
        if lead is None or visit is not lead:
            needed = self._needed(visit, lead, at_front(host, visit.site), quiet)
            if in_burst and lead is not None and not (lead.background and needed == 0):
                return self._follow(trail, lead, visit, new)
            return None if needed is None else self._start(trail, visit, host, age, needed)
        if in_burst:
            return self._joined(trail, lead, host)
        if at_front(host, visit.site):
            trail.since, trail.at, trail.together = age, visit.last, set([host])  # another page of the same site
        return None

    def _needed(self, visit: Visit, lead: Visit | None, front: bool, quiet: bool) -> int | None:
        """How much must follow for this to be something that was opened; None where nothing can make it that."""
        key = (visit.epoch, visit.site)
        if not visit.background:
            return 0 if front else None
        if not front and lead is not None and visit.cause is lead:
            return None
        if key in self._pulled:
            return FOLLOWERS_PULLED if front and quiet else None
        return 0 if front and key not in self._alone else FOLLOWERS

    def _start(self, trail: Burst, visit: Visit, host: bytes, age: int, needed: int) -> Visit | None:
        if trail.lead is not None and len(trail.together) == 1:
            self._alone.add((visit.epoch, trail.lead.site))
        trail.lead, trail.since, trail.together, trail.needed = visit, age, set([host]), needed
        trail.at = visit.last
        return self._opened(trail, visit) if needed == 0 else None

    def _follow(self, trail: Burst, lead: Visit, visit: Visit, new: bool) -> Visit | None:
        if visit.background:
            self._pulled.add((visit.epoch, visit.site))
        if new:
            visit.cause = lead.cause or lead  # so that no cause has one itself
        return self._joined(trail, lead, visit.site)

    def _joined(self, trail: Burst, lead: Visit, name: bytes) -> Visit | None:
        if len(trail.together) < TOGETHER_MAX:
            trail.together.add(name)
        return self._opened(trail, lead) if len(trail.together) > trail.needed else None

    @staticmethod
    def _opened(trail: Burst, visit: Visit) -> Visit | None:
        if not visit.background:
            return None
        visit.background, visit.cause = False, None
        visit.first = max(visit.first, trail.at)  # what an app asked all night long before is no part of the stay
        return visit

    def drop(self, visit: Visit) -> None:
        """The visit's last contact was nobody's: it leads nothing."""
        trail = self._trails.get(visit.epoch)
        if trail is not None and trail.lead is visit:
            trail.lead = None

    def close(self, epochs: list[int]) -> None:
        """Forget everything of these epochs."""
        self._trails = {epoch: trail for epoch, trail in self._trails.items() if epoch not in epochs}
        self._pulled.drop(epochs)
        self._alone.drop(epochs)

    def __len__(self) -> int:
        return len(self._trails) + len(self._pulled) + len(self._alone)
