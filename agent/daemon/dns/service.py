"""Answers the devices' questions: from the replies of the device's view, by the policy, or from upstream.

What upstream said is kept once for all; what a device gets is made from it by the policy of that device's view and kept
with that view only, so no device is ever given what another policy let through. Where upstream is silent, what it said
within the last day is given once more (RFC 8767), by the policy of now.
"""

from __future__ import annotations

from collections.abc import Callable

from agent.core.dns import (
    EDE_NETWORK_ERROR,
    EDE_NO_REACHABLE_AUTHORITY,
    Answer,
    Question,
    badvers,
    cache_key,
    malformed,
    peek,
    refused,
    restored,
    servfail,
    settled,
    stale,
    walk,
)
from agent.core.localnames import NONE, is_local, is_private, leads_nowhere
from agent.core.model import ALLOW, BadInput, Verdict
from agent.core.policy import Policy
from agent.core.wire import AAAA, HEADER, NXDOMAIN, SERVFAIL, A
from agent.daemon.dns.cache import Cache
from agent.daemon.dns.lanes import Identify, Kept, Lane, Lanes, Record, Reply
from agent.daemon.dns.refusals import KEPT_S, Refusals, recorded
from agent.daemon.dns.shares import Shares
from agent.daemon.dns.upstream import EDE_OTHER, LOCAL_MAX, QUERIES_MAX, Upstream
from agent.daemon.dns.waiting import Asking, Front, Waiter
from agent.daemon.loop import Loop

TTL_MAX = 86400  # a wrong answer from upstream should not outlive the day
NEGATIVE_TTL_MAX = 3600  # RFC 2308 section 5 suggests one to three hours
ANSWER_BYTES = 500  # of memory for each entry: most answers are smaller
WAITERS_MAX = 2000  # behind the first ones of all questions in flight, some 400 bytes each; others ask again
STALE_AFTER_S = 1.8  # RFC 8767 section 5
STALE_MAX_S = 86400.0  # a day old at most
STALE_TTL = 30
TRANSFERS = (251, 252)  # IXFR, AXFR: not a forwarder's business
EDNS_SIZE = 11  # bytes of an OPT record without options

PLAIN = Verdict(ALLOW)
TROUBLE = {
    EDE_NO_REACHABLE_AUTHORITY: "no DNS server answers",
    EDE_NETWORK_ERROR: "no DNS server can be reached",
    EDE_OTHER: "the question could not be asked",
}


class Dns:
    """See `lanes` for `identify` and `record`: address look-ups that found something are recorded, and all refusals."""

    def __init__(
        self,
        loop: Loop,
        upstream: Upstream,
        identify: Identify,
        policy: Policy,
        record: Record,
        entries_max: int = 4000,
    ) -> None:
        self.loop = loop
        self.lanes = Lanes(loop, identify, record)
        self.queries = 0
        self.failures = 0
        self._fronts: list[Front] = []
        self._upstream = upstream
        self._policy = policy
        self._refusals = Refusals()
        self._answers = Cache(entries_max, entries_max * ANSWER_BYTES)
        self._asking: dict[bytes, Asking] = {}
        self._places = {False: Shares(QUERIES_MAX), True: Shares(LOCAL_MAX)}  # by whether a name is of this network
        self._waiters = Shares(WAITERS_MAX)
        # Where names of this network are asked; upstream's own word counts unless it is a public resolver.
        self._router: Upstream | None = None
        self._router_domains: Callable[[], list[str]] = list
        self._no_private = False

    # what is wired

    def attach(self, front: Front) -> None:
        self._fronts.append(front)

    def swap(self, policy: Policy) -> None:
        """Another policy from here on: what the one before decided is forgotten, what upstream said is not."""
        self._policy = policy
        self.lanes.forget_replies()

    def refuse_with(self, style: str, ttl: int) -> None:
        """How refused names are answered from here on: "null" or "nxdomain", to be remembered for `ttl` seconds."""
        self._refusals.style = style
        self._refusals.ttl = ttl
        self.lanes.forget_replies()

    def ask_router(self, router: Upstream | None, domains: Callable[[], list[str]], no_private: bool) -> None:
        """Names of this network and of the router's `domains` go to `router`, None: where all others go. `no_private`:
        no other name may lead into this network."""
        self._router = router
        self._router_domains = domains
        self._no_private = no_private

    def settle(self) -> None:
        """To be called just before `identify` starts to answer differently (a toggle, another address).

        What waits in the sockets was asked under the clients of now: it is read with them, and answered later.
        """
        for front in self._fronts:
            try:
                front.settle()
            except Exception as error:  # noqa: BLE001 - the barrier: an `off` waits for this
                self.loop.faults.met(error)
        self.lanes.forget()

    def flush(self) -> None:
        """Records what was asked until now, and would be recorded within half a second."""
        self.lanes.flush()

    def counters(self) -> dict[str, int]:
        return {
            "queries": self.queries,
            "refused": self.lanes.refusals,
            "upstream": self._upstream.asked,
            "failed": self.failures,
            "cached": len(self._answers),
        }

    def close(self) -> None:
        for front in self._fronts:
            front.close()
        self.lanes.flush()

    # questions

    def turn(self, queries: int) -> None:
        """A front read so many queries in this turn."""
        self.queries += queries
        self.lanes.asked(queries)

    def ask(self, lane: Lane, message: bytes, front: Front, to: object) -> None:
        """Answers a query that `lane.replies.young` has no good reply to, now or when upstream has answered."""
        if not front.stream and self._renewed(lane, message, front, to):
            return
        try:
            question = peek(message)
        except BadInput:
            answer = malformed(message)
            if answer is not None:
                front.send(answer, to)
            return
        if question.edns is not None and question.edns.version:
            front.send(badvers(message, question), to)
        elif question.qtype in TRANSFERS:
            front.send(refused(message, question), to)
        else:
            self._decide(lane, message, question, front, to)

    def _renewed(self, lane: Lane, message: bytes, front: Front, to: object) -> bool:
        """Serves a reply of the view's whose TTLs only have to be counted down."""
        reply: Reply | None = lane.replies.find(message[2:])
        if reply is None:
            return False
        now = self.loop.now
        kept = reply.kept
        if reply.until <= now:
            if kept is None or kept.until <= now:
                return False
            fresh, reply.until = kept.at(now)
            reply.body = fresh[2:HEADER] + message[HEADER : kept.end] + fresh[kept.end :]
        front.send(message[:2] + reply.body, to)
        if reply.verdict is not None:
            self.lanes.note(lane, reply.name, reply.verdict)
        return True

    def _decide(self, lane: Lane, message: bytes, question: Question, front: Front, to: object) -> None:
        verdict = PLAIN
        if lane.view is not None:
            # A client's view is one of the policy's.
            verdict = self._policy.decide(lane.view, question.name, question.qtype)  # type: ignore[arg-type]
        waiter = Waiter(lane, message, question, front, to, verdict)
        if verdict.blocked:
            self._refuse(waiter)
            return
        key = cache_key(message, question)
        kept: Kept | None = self._answers.find(key)
        if kept is None or kept.until <= self.loop.now:
            self._ask_upstream(waiter, key, kept)
        else:
            self._serve_kept(waiter, kept)

    def _refuse(self, waiter: Waiter) -> None:
        message, verdict = waiter.message, waiter.verdict
        answer = self._refusals.answer(message, waiter.question, verdict.rule)
        waiter.front.send(answer, waiter.to)
        noted = recorded(verdict)
        if noted:
            self.lanes.note(waiter.lane, waiter.question.name, verdict)
        if self._refusals.again(message):
            until = self.loop.now + KEPT_S
            self._keep_reply(waiter, Reply(answer[2:], until, None, waiter.question.name, verdict if noted else None))

    def _serve_kept(self, waiter: Waiter, kept: Kept) -> None:
        """A response that another query brought, maybe of another view: decided over for this one."""
        answer = walk(kept.body)
        if self._found_bad(waiter, answer):
            self._refuse(waiter)
            return
        fresh, until = kept.at(self.loop.now)
        whole = restored(fresh, waiter.message, waiter.question)
        sent = waiter.send(whole)
        # What was truncated has no TTL to count down.
        of, until = (kept, until) if sent is whole else (None, kept.until)
        verdict = waiter.verdict if kept.visited and waiter.lane.client is not None else None
        reply = Reply(sent[2:], until, of, waiter.question.name, verdict)
        self._keep_reply(waiter, reply)
        if verdict is not None:
            self.lanes.note(waiter.lane, reply.name, verdict)

    def _keep_reply(self, waiter: Waiter, reply: Reply) -> None:
        """Only for queries in the usual form: no two of those with random case or cookies are equal."""
        message, question = waiter.message, waiter.question
        usual = question.end + (0 if question.edns is None else EDNS_SIZE)
        name = message[HEADER : question.end - 4]
        if len(message) == usual and name == name.lower() and not waiter.front.stream:
            waiter.lane.replies.keep(message[2:], reply)

    def _found_bad(self, waiter: Waiter, answer: Answer) -> bool:
        """The policy's word on where the answer leads. Whoever allowed the name by a rule allowed that too."""
        view, verdict = waiter.lane.view, waiter.verdict
        if view is None or verdict.rule is not None or not (answer.chain or answer.addresses):
            return False
        waiter.verdict = self._policy.review(view, answer.chain, answer.addresses)  # type: ignore[arg-type]
        return waiter.verdict.blocked

    # upstream

    def _ask_upstream(self, waiter: Waiter, key: bytes, kept: Kept | None) -> None:
        asking = self._asking.get(key)
        if asking is not None:
            if self._serve_stale(waiter, kept, given_before=True):
                return
            if self._waiters.take(waiter.lane):
                asking.waiters.append(waiter)
            return
        local = is_local(waiter.question.name, self._domains())
        if not self._places[local].take(waiter.lane):
            self._fail([waiter], EDE_OTHER)
            return
        asking = self._asking[key] = Asking(key, waiter, local, self._answered, self._keep)
        if self._serve_stale(waiter, kept, given_before=True):
            asking.waiters.clear()
        elif kept is not None and self._usable(kept):
            asking.timer = self.loop.after(STALE_AFTER_S, lambda: self._all_stale(asking, kept))
        try:
            (self._upstream if self._router is None or not local else self._router).ask(asking)
        except Exception:
            # Or whoever asks for it later would wait for the answer to a question that nobody asked.
            self._answered(asking, None, EDE_OTHER)
            raise

    def _domains(self) -> frozenset[bytes]:
        domains = self._router_domains()
        return frozenset([domain.strip(".").lower().encode() for domain in domains]) if domains else NONE

    def _answered(self, asking: Asking, response: bytes | None, ede: int) -> None:
        if self._asking.get(asking.key) is not asking:
            return  # given up when something unexpected came up
        del self._asking[asking.key]
        self._places[asking.local].give(asking.first.lane)
        if asking.timer is not None:
            asking.timer.cancel()
        found = None if response is None else self._keep(asking, response)
        kept: Kept | None = self._answers.find(asking.key)
        if found is None or (found[1].rcode == SERVFAIL and kept is not None and self._usable(kept)):
            left = [waiter for waiter in self._take_waiters(asking) if not self._serve_stale(waiter, kept)]
            self._fail(left, EDE_OTHER if ede == 0 else ede)
            return
        body, answer, visited = found
        for waiter in self._take_waiters(asking):
            self._serve(waiter, body, answer, asking.local, visited)

    def _take_waiters(self, asking: Asking) -> list[Waiter]:
        """Those who wait, and wait no more."""
        waiters, asking.waiters = asking.waiters, []
        for waiter in waiters:
            if waiter is not asking.first:
                self._waiters.give(waiter.lane)
        return waiters

    def _serve(self, waiter: Waiter, body: bytes, answer: Answer, local: bool, visited: bool) -> None:
        if self._found_bad(waiter, answer):
            self._refuse(waiter)
        elif self._rebound(waiter, answer, local):
            waiter.send(self._refusals.rebound(waiter.message, waiter.question))
        else:
            waiter.send(restored(body, waiter.message, waiter.question))
            if visited and waiter.lane.client is not None:
                self.lanes.note(waiter.lane, waiter.question.name, waiter.verdict)

    def _rebound(self, waiter: Waiter, answer: Answer, local: bool) -> bool:
        """Whether a public name leads into this network (DNS rebinding), and no rule of the household's allows it."""
        return waiter.verdict.rule is None and self._leads_inside(answer, local)

    def _leads_inside(self, answer: Answer, local: bool) -> bool:
        if not self._no_private or local or leads_nowhere(answer.addresses):
            return False
        return any([is_private(address) for address in answer.addresses])

    def _keep(self, asking: Asking, response: bytes) -> tuple[bytes, Answer, bool] | None:
        """Keeps a response, in time or late: (as it may be served, what it says, whether it is a visit)."""
        question = asking.first.question
        try:
            answer = walk(response)
            body = settled(response, question, answer)
        except BadInput:
            return None
        visited = not asking.local and _visited(question, answer)
        positive = answer.found and answer.rcode != NXDOMAIN
        lifetime = min(answer.lifetime, TTL_MAX if positive else NEGATIVE_TTL_MAX)
        # What one device may have by its rule is not kept for all.
        if lifetime > 0 and not self._leads_inside(answer, asking.local):
            now = self.loop.now
            self._answers.keep(asking.key, Kept(body, now, now + lifetime, question.end, visited))
        return body, answer, visited

    def _fail(self, waiters: list[Waiter], ede: int) -> None:
        for waiter in waiters:
            self.failures += 1
            waiter.send(servfail(waiter.message, waiter.question, ede, TROUBLE[ede]))

    # what is over, but better than nothing

    def _usable(self, kept: Kept) -> bool:
        return self.loop.now < kept.until + STALE_MAX_S

    def _all_stale(self, asking: Asking, kept: Kept) -> None:
        """No fresh answer in time: whoever waits gets what is there; the question goes on."""
        for waiter in self._take_waiters(asking):
            self._serve_stale(waiter, kept)

    def _serve_stale(self, waiter: Waiter, kept: Kept | None, given_before: bool = False) -> bool:
        """Whether the waiter got it; `given_before`: only if that was so for somebody a moment ago."""
        now = self.loop.now
        if kept is None or not self._usable(kept) or (given_before and now >= kept.stale_until):
            return False
        if not given_before:
            kept.stale_until = now + STALE_TTL
        answer = walk(kept.body)
        body = stale(kept.body, waiter.question, STALE_TTL)
        self._serve(waiter, body, answer, True, kept.visited)
        return True


def _visited(question: Question, answer: Answer) -> bool:
    """Whether it shows that somebody goes somewhere: an address look-up that found one, and no filter's."""
    return bool(answer.addresses) and question.qtype in (A, AAAA) and not leads_nowhere(answer.addresses)
