"""Answers the devices' questions: from the replies of the device's view, by the policy, or from upstream.

What upstream said is kept once for all; what a device gets is made from it by the policy of that device's view and kept
with that view only, so no device is ever given what another policy let through. What a device waited for is decided by
the policy of the moment when it comes.
"""

from __future__ import annotations

from agent.core.dns import (
    EDE_NETWORK_ERROR,
    EDE_NO_REACHABLE_AUTHORITY,
    DnsResponse,
    Question,
    badvers,
    cache_key,
    malformed,
    peek,
    readdressed,
    refused,
    servfail,
    walk,
)
from agent.core.model import ALLOW, BadInput, Verdict
from agent.core.policy import Policy, recorded
from agent.core.wire import HEADER
from agent.daemon.dns.blocked_answers import KEPT_S, BlockedAnswers
from agent.daemon.dns.fetching import Fetching
from agent.daemon.dns.pending import Found, Listener, PendingReply
from agent.daemon.dns.sessions import CachedAnswer, CachedReply, DnsSession, DnsSessions, Identify, Record
from agent.daemon.dns.upstream import EDE_OTHER, Upstream
from agent.daemon.loop import Loop

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
        self.lanes = DnsSessions(loop, identify, record)
        self.queries = 0
        self.failures = 0
        self._fronts: list[Listener] = []
        self._upstream = upstream
        self._policy = policy
        self._refusals = BlockedAnswers()
        self._fetching = Fetching(loop, upstream, entries_max, self._serve, self._fail)
        self._answers = self._fetching.answers
        self.ask_router = self._fetching.ask_router

    # what is wired

    def attach(self, front: Listener) -> None:
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

    def drain(self) -> None:
        """To be called just before `identify` starts to answer differently (a toggle, another address).

        What waits in the sockets was asked under the clients of now: it is read with them, and answered later.
        """
        for front in self._fronts:
            try:
                front.drain()
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
            "unsent": sum(front.unsent for front in self._fronts),
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

    def query(self, lane: DnsSession, message: bytes, front: Listener, to: object) -> None:
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

    def _renewed(self, lane: DnsSession, message: bytes, front: Listener, to: object) -> bool:
        """Serves a reply of the view's whose TTLs only have to be counted down."""
        reply: CachedReply | None = lane.replies.find(message[2:])
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
            self.lanes.append(lane, reply.name, reply.verdict)
        return True

    def _decide(self, lane: DnsSession, message: bytes, question: Question, front: Listener, to: object) -> None:
        verdict = PLAIN
        if lane.view is not None:
            # A client's view is one of the policy's.
            verdict = self._policy.decide(lane.view, question.name, question.qtype)  # type: ignore[arg-type]
        waiter = PendingReply(lane, message, question, front, to, verdict, self._policy)
        if verdict.blocked:
            self._refuse(waiter)
            return
        key = cache_key(message, question)
        kept: CachedAnswer | None = self._answers.find(key)
        if kept is None or kept.until <= self.loop.now:
            self._fetching.query(waiter, key, kept)
        else:
            self._serve_kept(waiter, kept)

    def _refuse(self, waiter: PendingReply) -> None:
        message, verdict = waiter.message, waiter.verdict
        answer = self._refusals.answer(message, waiter.question, verdict.rule)
        waiter.front.send(answer, waiter.to)
        noted = recorded(verdict)
        if noted:
            self.lanes.append(waiter.lane, waiter.question.name, verdict)
        if self._refusals.again(message):
            until = self.loop.now + KEPT_S
            self._keep_reply(
                waiter, CachedReply(answer[2:], until, None, waiter.question.name, verdict if noted else None)
            )

    def _serve_kept(self, waiter: PendingReply, kept: CachedAnswer) -> None:
        """A response that another query brought, maybe of another view: decided over for this one."""
        answer = walk(kept.body)
        if self._found_bad(waiter, answer):
            self._refuse(waiter)
            return
        fresh, until = kept.at(self.loop.now)
        whole = readdressed(fresh, waiter.message, waiter.question)
        sent = waiter.send(whole)
        # What was truncated has no TTL to count down.
        of, until = (kept, until) if sent is whole else (None, kept.until)
        verdict = waiter.verdict if kept.visited and waiter.lane.client is not None else None
        reply = CachedReply(sent[2:], until, of, waiter.question.name, verdict)
        self._keep_reply(waiter, reply)
        if verdict is not None:
            self.lanes.append(waiter.lane, reply.name, verdict)

    def _keep_reply(self, waiter: PendingReply, reply: CachedReply) -> None:
        """Only for queries in the usual form: no two of those with random case or cookies are equal."""
        message, question = waiter.message, waiter.question
        usual = question.end + (0 if question.edns is None else EDNS_SIZE)
        name = message[HEADER : question.end - 4]
        if len(message) == usual and name == name.lower() and not waiter.front.stream:
            waiter.lane.replies.store(message[2:], reply)

    def _found_bad(self, waiter: PendingReply, answer: DnsResponse) -> bool:
        """The policy's word on where the answer leads. Whoever allowed the name by a rule allowed that too."""
        view = waiter.lane.view
        if view is None:
            return False
        if waiter.policy is not self._policy:
            # Another came into force since the question did.
            waiter.policy = self._policy
            view = self.lanes.view_now(waiter.lane)
            waiter.verdict = self._policy.decide(view, waiter.question.name, waiter.question.qtype)  # type: ignore[arg-type]
        if waiter.verdict.rule is not None or not (answer.chain or answer.addresses):
            return waiter.verdict.blocked
        waiter.verdict = self._policy.review(view, answer.chain, answer.addresses)  # type: ignore[arg-type]
        return waiter.verdict.blocked

    # answers of upstream

    def _serve(self, waiter: PendingReply, found: Found) -> None:
        if self._found_bad(waiter, found.answer):
            self._refuse(waiter)
        elif found.inside and waiter.verdict.rule is None:
            # No rule of the household's allows it.
            waiter.send(self._refusals.rebound(waiter.message, waiter.question))
        else:
            waiter.send(readdressed(found.body, waiter.message, waiter.question))
            if found.visited and waiter.lane.client is not None:
                self.lanes.append(waiter.lane, waiter.question.name, waiter.verdict)

    def _fail(self, waiter: PendingReply, ede: int) -> None:
        self.failures += 1
        waiter.send(servfail(waiter.message, waiter.question, ede, TROUBLE[ede]))
