"""What is asked upstream for the devices: each question once, with a share of the places for each device.

Where upstream is silent, what it said within the last day is given once more (RFC 8767). Names of this network are
asked of the router's own resolver, and no other name leads into this network unless that resolver says so.
"""

from __future__ import annotations

from collections.abc import Callable

from agent.core.bailiwick import TTL_MAX, in_bailiwick, of_addresses
from agent.core.dns import KEY_END, DnsResponse, Question, normalised, stale, walk
from agent.core.localnames import ENDS, NONE, is_local, is_private, leads_nowhere
from agent.core.model import BadInput
from agent.core.shares import Shares
from agent.core.wire import AAAA, NOERROR, NXDOMAIN, A
from agent.daemon.dns.cache import Cache
from agent.daemon.dns.pending import InFlightQuery, PendingReply
from agent.daemon.dns.servers import NONE as NOBODY
from agent.daemon.dns.sessions import CachedAnswer
from agent.daemon.dns.upstream import EDE_OTHER, LOCAL_MAX, QUERIES_MAX, Upstream
from agent.daemon.loop import Loop

NEGATIVE_TTL_MAX = 3600  # RFC 2308 section 5 suggests one to three hours
ANSWER_BYTES = 500  # of memory for each entry: most answers are smaller
WAITERS_MAX = 2000  # behind the first ones of all questions in flight, some 400 bytes each; others ask again
STALE_AFTER_S = 1.8  # RFC 8767 section 5
STALE_MAX_S = 86400.0  # a day old at most
STALE_TTL = 30
_SAYS = (NOERROR, NXDOMAIN)  # the name has it, or not; all else says nothing about the name


# Who waited, what upstream said and what that says, and whether a public name leads into this network by it.
Serve = Callable[[PendingReply, CachedAnswer, DnsResponse, bool], None]


class Fetching:
    """`serve` is called for each who waited, or `fail(waiter, ede)`: why there is no answer."""

    def __init__(
        self,
        loop: Loop,
        upstream: Upstream,
        entries_max: int,
        serve: Serve,
        fail: Callable[[PendingReply, int], None],
    ) -> None:
        self.answers = Cache(entries_max, entries_max * ANSWER_BYTES)
        self._loop = loop
        self._upstream = upstream
        self._serve = serve
        self._fail = fail
        self._asking: dict[bytes, InFlightQuery] = {}
        self._places = {False: Shares(QUERIES_MAX), True: Shares(LOCAL_MAX)}  # by whether a name is of this network
        self._waiters = Shares(WAITERS_MAX)
        # Where names of this network are asked; upstream's own word counts unless it is a public resolver.
        self._router: Upstream | None = None
        self._router_domains: Callable[[], list[str]] = list
        self._domains: list[str] = []  # those of the last query, as they are in names, and all ends of local names
        self._canonical = NONE
        self._ends = ENDS
        self._no_private = False

    def ask_router(self, router: Upstream | None, domains: Callable[[], list[str]], no_private: bool) -> None:
        """Names of this network and of the router's `domains` go to `router`, None: where all others go. `no_private`:
        no other name may lead into this network."""
        self._router = router
        self._router_domains = domains
        if no_private and not self._no_private:
            self.answers.clear()  # what leads inside may be among them
        self._no_private = no_private

    def addresses(self, wanted: Callable[[bytes], bool]) -> frozenset[bytes]:
        """What names that are wanted were answered with, as far as it is remembered."""
        found: list[bytes] = []
        for key, kept in self.answers.items():
            if wanted(key[:-KEY_END]):
                found += walk(kept.body).addresses
        return frozenset(found)

    def query(self, waiter: PendingReply, key: bytes, kept: CachedAnswer | None) -> None:
        """For what is not known; `kept` is what was, until a while ago."""
        asking = self._asking.get(key)
        if asking is not None:
            self._wait_too(waiter, asking, kept)
            return
        local = self.is_local(waiter.about)
        if not self._places[local].take(waiter.lane) and not self._make_room(waiter, local):
            self._fail(waiter, EDE_OTHER)
            return
        asking = self._asking[key] = InFlightQuery(key, waiter, local, self._answered, self._late)
        if kept is not None:
            if self._serve_stale(waiter, kept, given_before=True):
                asking.waiters.clear()
            elif self._usable(kept):
                asking.timer = self._loop.after(STALE_AFTER_S, lambda: self._all_stale(asking, kept))
        try:
            (self._whom_of_local() if local else self._upstream).query(asking)
        except Exception:
            # Or whoever asks for it later would wait for the answer to a question that nobody asked.
            self._answered(asking, None, EDE_OTHER)
            raise

    def is_local(self, question: Question) -> bool:
        """Whether its name is of this network."""
        domains, found = self._router_domains(), question.suffixes
        if domains != self._domains:
            self._learn(domains)
        # Nearly all names are told from local ones by one look.
        return (len(found) < 2 or not self._ends.isdisjoint(found)) and is_local(question.name, self._canonical)

    def _learn(self, domains: list[str]) -> None:
        self._domains = list(domains)
        self._canonical = frozenset([domain.strip(".").lower().encode() for domain in domains])
        self._ends = ENDS | self._canonical

    def _whom_of_local(self) -> Upstream:
        """Where the router has no resolver of its own, upstream is asked for names of this network too."""
        router = self._router
        return self._upstream if router is None or router.state == NOBODY else router

    def _make_room(self, waiter: PendingReply, local: bool) -> bool:
        """A device that has its share loses its oldest question, the least likely to be answered; nobody else does."""
        for asking in self._asking.values():
            if asking.local is local and all([each.lane is waiter.lane for each in [asking.first, *asking.waiters]]):
                self._upstream.abandon(asking)
                if self._router is not None:
                    self._router.abandon(asking)
                self._answered(asking, None, EDE_OTHER)
                return self._places[local].take(waiter.lane)
        return False

    def _wait_too(self, waiter: PendingReply, asking: InFlightQuery, kept: CachedAnswer | None) -> None:
        if self._serve_stale(waiter, kept, given_before=True):
            return
        if self._waiters.take(waiter.lane):
            asking.waiters.append(waiter)

    # answers

    def _answered(self, asking: InFlightQuery, response: bytes | None, ede: int) -> None:
        if self._asking.get(asking.key) is not asking:
            return  # given up when something unexpected came up
        del self._asking[asking.key]
        self._places[asking.local].give(asking.first.lane)
        if asking.timer is not None:
            asking.timer.cancel()
        found = None if response is None else self._understand(asking, response)
        waiters = self._take_waiters(asking)
        if found is None or (found[1].rcode and found[1].rcode not in _SAYS):
            # Nothing new was learned: better what was known before.
            before: CachedAnswer | None = self.answers.find(asking.key)
            waiters = [waiter for waiter in waiters if not self._serve_stale(waiter, before)]
        for waiter in waiters:
            if found is None:
                self._fail(waiter, EDE_OTHER if ede == 0 else ede)
            else:
                kept, answer, inside = found
                self._serve(waiter, kept, answer, inside)
        if found is not None:
            self._keep(asking, *found)

    def _late(self, asking: InFlightQuery, response: bytes) -> None:
        """An answer when nobody waited for it any more; whoever asks again does."""
        found = self._understand(asking, response)
        if found is None:
            return
        self._keep(asking, *found)
        again = self._asking.get(asking.key)
        if again is None or found[1].rcode not in _SAYS:
            return
        if again.timer is not None:
            again.timer.cancel()
        for waiter in self._take_waiters(again):
            self._serve(waiter, *found)

    def _take_waiters(self, asking: InFlightQuery) -> list[PendingReply]:
        """Those who wait, and wait no more."""
        waiters, asking.waiters = asking.waiters, []
        first = asking.first
        for waiter in waiters:
            if waiter is not first:
                self._waiters.give(waiter.lane)
        return waiters

    def _understand(self, asking: InFlightQuery, response: bytes) -> tuple[CachedAnswer, DnsResponse, bool] | None:
        """What a response says, in time or late, see Serve; None for a broken one. `_keep` comes after the answer."""
        question = asking.first.about
        try:
            answer = of_addresses(response, question)
            if answer is None:
                response = in_bailiwick(response, question)
                answer = walk(response)
            body = normalised(response, question, answer)
        except BadInput:
            return None
        public = not asking.local
        inside = public and self._no_private and _leads_inside(answer)
        now = self._loop.now
        return CachedAnswer(body, now, now, question.end, public and _visited(question, answer)), answer, inside

    def _keep(self, asking: InFlightQuery, kept: CachedAnswer, answer: DnsResponse, inside: bool) -> None:
        """For others who ask, if it may be kept."""
        lifetime = answer.lifetime()
        if lifetime > NEGATIVE_TTL_MAX:
            lifetime = min(lifetime, TTL_MAX if answer.found and answer.rcode != NXDOMAIN else NEGATIVE_TTL_MAX)
        kept.until = kept.stored + lifetime
        # What one device may have by its rule is not kept for all.
        if lifetime > 0 and not inside:
            self.answers.store(asking.key, kept)
        elif answer.rcode in _SAYS:
            before: CachedAnswer | None = self.answers.find(asking.key)
            if before is not None:
                before.stale_until = 0.0  # upstream answers again

    # what is over, but better than nothing

    def _usable(self, kept: CachedAnswer) -> bool:
        return self._loop.now < kept.until + STALE_MAX_S

    def _all_stale(self, asking: InFlightQuery, kept: CachedAnswer) -> None:
        """No fresh answer in time: whoever waits gets what is there; the question goes on."""
        for waiter in self._take_waiters(asking):
            self._serve_stale(waiter, kept)

    def _serve_stale(self, waiter: PendingReply, kept: CachedAnswer | None, given_before: bool = False) -> bool:
        """Whether the waiter got it; `given_before`: only if that was so for somebody a moment ago."""
        now = self._loop.now
        if kept is None or not self._usable(kept) or (given_before and now >= kept.stale_until):
            return False
        if not given_before:
            kept.stale_until = now + STALE_TTL
        body = stale(kept.body, waiter.question, STALE_TTL)
        given = CachedAnswer(body, now, now + STALE_TTL, kept.end, kept.visited)
        self._serve(waiter, given, walk(kept.body), False)
        return True


def _leads_inside(answer: DnsResponse) -> bool:
    """Whether a public name leads into this network (DNS rebinding)."""
    for address in answer.addresses:
        if is_private(address):
            return not leads_nowhere(answer.addresses)
    return False


def _visited(question: Question, answer: DnsResponse) -> bool:
    """Whether it shows that somebody goes somewhere: an address look-up that found one, and no filter's."""
    return bool(answer.addresses) and question.qtype in (A, AAAA) and not leads_nowhere(answer.addresses)
