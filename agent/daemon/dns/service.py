"""Answers the devices' questions: from the replies of the device's view, by the policy, or from upstream.

What upstream said is kept once for all; what a device gets is made from it by the policy of that device's view and kept
with that view only, so no device is ever given what another policy let through.
"""

from __future__ import annotations

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
    walk,
)
from agent.core.model import ALLOW, BadInput, Verdict
from agent.core.policy import Policy
from agent.core.wire import AAAA, HEADER, NXDOMAIN, A
from agent.daemon.dns.cache import Cache
from agent.daemon.dns.lanes import Identify, Kept, Lane, Lanes, Record, Reply
from agent.daemon.dns.refusals import KEPT_S, Refusals, recorded
from agent.daemon.dns.upstream import EDE_OTHER, Upstream
from agent.daemon.dns.waiting import Asking, Front, Waiter
from agent.daemon.loop import Loop

TTL_MAX = 86400  # a wrong answer from upstream should not outlive the day
NEGATIVE_TTL_MAX = 3600  # RFC 2308 section 5 suggests one to three hours
ANSWER_BYTES = 500  # of memory for each entry: most answers are smaller
WAITERS_MAX = 2000  # behind the first ones of all questions in flight, some 400 bytes each; others ask again
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
        self._waiters = 0

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

    def settle(self) -> None:
        """To be called just before `identify` starts to answer differently (a toggle, another address).

        What waits in the sockets was asked under the clients of now: it is read with them, and answered later.
        """
        for front in self._fronts:
            front.settle()
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
            self._ask_upstream(waiter, key)
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
        verdict = waiter.verdict if _worth(waiter, answer) else None
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

    def _ask_upstream(self, waiter: Waiter, key: bytes) -> None:
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = Asking(key, waiter, self._answered)
            self._upstream.ask(asking)
        elif self._waiters < WAITERS_MAX:
            self._waiters += 1
            asking.waiters.append(waiter)

    def _answered(self, asking: Asking, response: bytes | None, ede: int) -> None:
        del self._asking[asking.key]
        self._waiters -= len(asking.waiters) - 1
        first = asking.waiters[0]
        try:
            answer = None if response is None else walk(response)
            body = b"" if response is None or answer is None else settled(response, first.question, answer)
        except BadInput:
            answer, ede = None, EDE_OTHER
        if answer is None:
            self._fail(asking, ede)
            return
        self._keep_answer(asking.key, body, answer, first.question.end)
        for waiter in asking.waiters:
            if self._found_bad(waiter, answer):
                self._refuse(waiter)
                continue
            waiter.send(restored(body, waiter.message, waiter.question))
            if _worth(waiter, answer):
                self.lanes.note(waiter.lane, waiter.question.name, waiter.verdict)

    def _keep_answer(self, key: bytes, body: bytes, answer: Answer, end: int) -> None:
        positive = answer.found and answer.rcode != NXDOMAIN
        lifetime = min(answer.lifetime, TTL_MAX if positive else NEGATIVE_TTL_MAX)
        if lifetime > 0:
            now = self.loop.now
            self._answers.keep(key, Kept(body, now, now + lifetime, end))

    def _fail(self, asking: Asking, ede: int) -> None:
        for waiter in asking.waiters:
            self.failures += 1
            waiter.send(servfail(waiter.message, waiter.question, ede, TROUBLE[ede]))


def _worth(waiter: Waiter, answer: Answer) -> bool:
    """Whether to record it: an address look-up that found one, since nothing else becomes a contact."""
    return bool(answer.addresses) and waiter.question.qtype in (A, AAAA) and waiter.lane.client is not None
