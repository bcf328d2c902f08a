"""The way of a query, in order. Each step stands below in this order; what is wired around it is `service`'s.

    identify   a listener knows the session of who asks, by the packet's mark or address
    cache      what the session's view was given for the same bytes a moment ago
    decide     the policy's word on the name
    safe form  a host that has one for the view is answered with what that has
    upstream   what it said before or says now, asked once for all who wait
    review     the policy's word on where the answer leads, by the rules of that moment
    spare      of whoever is held: what the name leads to is let through, before that is told
    answer     to the listener that the query came in by
    record     noted with the session, told to the recorder soon after

What upstream said is kept once for all; what a device gets is made from it by the policy of that device's view and kept
with that view only, so no device is ever given what another policy let through.
"""

from __future__ import annotations

from collections.abc import Callable

from agent.core.bailiwick import of_addresses
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
    remembered,
    servfail,
    walk,
)
from agent.core.model import ALLOW, BadInput, Verdict
from agent.core.policy import Policy, recorded
from agent.core.safe_answer import TTL_S, own_answer
from agent.core.safesearch import ADDRESS, ASK, SafeHost, of_answer, treatment
from agent.core.wire import HEADER
from agent.daemon.dns.blocked_answers import KEPT_S, BlockedAnswers
from agent.daemon.dns.fetching import Fetching
from agent.daemon.dns.pending import Listener, PendingReply
from agent.daemon.dns.sessions import CachedAnswer, CachedReply, DnsSession, DnsSessions
from agent.daemon.dns.upstream import EDE_OTHER, Upstream
from agent.daemon.loop import Loop
from agent.daemon.safe_addresses import SafeAddresses

TRANSFERS = (251, 252)  # IXFR, AXFR: not a forwarder's business
SPARED_TTL_S = 60  # shorter than an address stays let through
EDNS_SIZE = 11  # bytes of an OPT record without options

PLAIN = Verdict(ALLOW)
Admit = Callable[[int, bytes, list[bytes]], bool]
Reaches = Callable[[int, bytes], bool]
TROUBLE = {
    EDE_NO_REACHABLE_AUTHORITY: "no DNS server answers",
    EDE_NETWORK_ERROR: "no DNS server can be reached",
    EDE_OTHER: "the question could not be asked",
}


class QueryPath:
    """`policy` is the one in force. `query` begins the way of a query that its listener had no reply to at hand for.

    `reaches(device id, name)` says whether a device that is held reaches the name; `admit(device id, name, addresses)`
    says so too, and lets the addresses through for it.
    """

    def __init__(
        self,
        loop: Loop,
        upstream: Upstream,
        sessions: DnsSessions,
        policy: Policy,
        entries_max: int,
        safe_addresses: SafeAddresses,
    ) -> None:
        self.policy = policy
        self.admit: Admit = lambda device_id, name, addresses: False
        self.reaches: Reaches = lambda device_id, name: False
        self.blocked_answers = BlockedAnswers()
        self.failures = 0
        self.fetching = Fetching(loop, upstream, entries_max, self.fetched, self.failed)
        self._loop = loop
        self._sessions = sessions
        self._safe_addresses = safe_addresses
        self._answers = self.fetching.answers

    def query(self, lane: DnsSession, message: bytes, front: Listener, to: object) -> None:
        """Answers a query of that session, now or when upstream has answered."""
        if not front.stream:
            key, replies = message[2:], lane.replies
            if (key in replies.young or key in replies.old) and self._replied_before(lane, key, message, front, to):
                return
        try:
            question = peek(message)
        except BadInput:
            _say_malformed(message, front, to)
            return
        if (question.edns is not None or question.qtype in TRANSFERS) and _turned_away(message, question, front, to):
            return
        view, policy = lane.view, self.policy
        # A client's view is one of the policy's.
        verdict = PLAIN if view is None else policy.decide(view, question.name, question.qtype, question.suffixes)
        if verdict.blocked:
            self._block(lane, message, question, front, to, verdict)
            return
        waiter = PendingReply(lane, message, question, front, to, verdict, policy)
        safe = _safe_form(waiter, [question.name]) if view is not None and view.safe else None
        if safe is None:
            self._ask(waiter)
        else:
            self._ask_safe(waiter, safe)

    def _ask(self, waiter: PendingReply) -> None:
        key = cache_key(waiter.query, waiter.about)
        kept: CachedAnswer | None = self._answers.find(key)
        if kept is None or kept.until <= self._loop.now:
            if waiter.lane.held and not self._may_ask(waiter):
                waiter.send(refused(waiter.message, waiter.question))
                return
            self.fetching.query(waiter, key, kept)  # goes on with `fetched` or `failed`
        else:
            self._answered_before(waiter, kept)

    def _may_ask(self, waiter: PendingReply) -> bool:
        """What it reaches all the same, always: that is no way out."""
        name, client = waiter.question.name, waiter.lane.client
        if self.policy.helpline(name) or self.fetching.is_local(waiter.about):
            return True
        return (client is not None and self.reaches(client.device_id, name)) or waiter.lane.may_ask(self._loop.now)

    # cache

    def _replied_before(self, lane: DnsSession, key: bytes, message: bytes, front: Listener, to: object) -> bool:
        """Gives a reply of the view's whose TTLs only have to be counted down; False where there is none."""
        reply: CachedReply | None = lane.replies.find(key)
        if reply is None:
            return False
        now = self._loop.now
        kept = reply.kept
        if reply.until <= now:
            if kept is None or kept.until <= now:
                return False
            fresh, reply.until = kept.at(now)
            # The flags are those that this view's query asked for.
            reply.body = reply.body[:2] + fresh[4:HEADER] + message[HEADER : kept.end] + fresh[kept.end :]
        front.send(message[:2] + reply.body, to)
        if reply.verdict is not None:
            self._sessions.append(lane, reply.name, reply.verdict)
        return True

    # safe form

    def _ask_safe(self, waiter: PendingReply, safe: SafeHost) -> None:
        question, now = waiter.question, self._loop.now
        kind = treatment(safe, question.qtype, question.qclass)
        if kind == ASK:
            waiter.ask_for(safe)
            self._ask(waiter)
            return
        own = own_answer(waiter.message, question, safe, kind)
        kept = CachedAnswer(own, now, now + TTL_S, question.end, kind == ADDRESS)
        self._give(waiter, walk(own), own, kept, now + 1.0)

    def _leads_elsewhere(self, waiter: PendingReply, answer: DnsResponse) -> bool:
        """Whether the host, by the modes of now or by its aliases, has a safe form that was not asked for."""
        view = waiter.view
        if view is None or not view.safe:
            return False
        safe = _safe_form(waiter, [waiter.question.name])
        if safe is None or safe == waiter.safe:
            safe = _safe_form(waiter, answer.chain)
            if safe is None:
                return False
            if waiter.safe is not None:
                # A safe form that leads back to what it stands for.
                self.failed(waiter, EDE_OTHER)
                return True
        self._ask_safe(waiter, safe)
        return True

    def _shaped(self, waiter: PendingReply, response: bytes, answer: DnsResponse) -> bytes | None:
        """The device's answer; None after a failure of a host's safe form, whose own answer nobody gets instead."""
        if waiter.safe is None:
            return readdressed(response, waiter.message, waiter.question)
        try:
            whole = waiter.aliased(response, answer)
        except BadInput:
            self.failed(waiter, EDE_OTHER)
            return None
        self._safe_addresses.note(waiter.safe.target, answer.addresses)
        return whole

    # upstream: see `fetching`, which calls one of these for each who waited

    def fetched(self, waiter: PendingReply, kept: CachedAnswer, answer: DnsResponse, inside: bool) -> None:
        """Upstream said this just now, or a while ago and nothing since."""
        if self._leads_astray(waiter, answer):
            self._block_waiter(waiter)
        elif waiter.view is not None and waiter.view.safe and self._leads_elsewhere(waiter, answer):
            return
        elif inside and waiter.verdict.rule is None:
            # No rule of the household's allows it.
            waiter.send(self.blocked_answers.rebound(waiter.message, waiter.question))
        else:
            whole = self._shaped(waiter, kept.body, answer)
            if whole is None:
                return
            spared = self._spared(waiter, answer, whole) if waiter.lane.held else None
            waiter.send(spared or whole)
            if kept.visited:
                self._sessions.append(waiter.lane, waiter.question.name, waiter.verdict)

    def failed(self, waiter: PendingReply, ede: int) -> None:
        """There is no answer, for this reason."""
        self.failures += 1
        waiter.send(servfail(waiter.message, waiter.question, ede, TROUBLE[ede]))

    def _answered_before(self, waiter: PendingReply, kept: CachedAnswer) -> None:
        """Upstream said this for another query, maybe of another view: reviewed for this one."""
        answer = of_addresses(kept.body, waiter.about) or walk(kept.body)
        if self._leads_astray(waiter, answer):
            self._block_waiter(waiter)
            return
        if self._leads_elsewhere(waiter, answer):
            return
        now = self._loop.now
        fresh, until = kept.at(now)
        whole = self._shaped(waiter, fresh, answer)
        if whole is None:
            return
        if waiter.safe is not None:
            kept = CachedAnswer(whole, now, min(kept.until, now + TTL_S), waiter.question.end, kept.visited)
            until = min(kept.until, now + 1.0)
        self._give(waiter, answer, whole, kept, until)

    def _give(self, waiter: PendingReply, answer: DnsResponse, whole: bytes, kept: CachedAnswer, until: float) -> None:
        """Sends it and keeps it for the view: as it is until then, made anew of `kept` while that is good."""
        verdict = waiter.verdict if kept.visited and waiter.lane.client is not None else None
        spared = self._spared(waiter, answer, whole) if waiter.lane.held else None
        if spared is not None:
            # Not kept: each time that it is told, it is let through anew.
            waiter.send(spared)
            if verdict is not None:
                self._sessions.append(waiter.lane, waiter.question.name, verdict)
            return
        sent = waiter.send(whole)
        # What was truncated has no TTL to count down.
        of, until = (kept, until) if sent is whole else (None, kept.until)
        if not waiter.front.stream:
            reply = CachedReply(sent[2:], until, of, waiter.question.name, verdict)
            _keep_reply(waiter.lane, waiter.message, waiter.question, reply)
        if verdict is not None:
            self._sessions.append(waiter.lane, waiter.question.name, verdict)

    # review

    def _leads_astray(self, waiter: PendingReply, answer: DnsResponse) -> bool:
        """The policy's word on where the answer leads. Whoever allowed the name by a rule allowed that too."""
        view, policy = waiter.view, self.policy
        if view is None:
            return False
        if waiter.policy is not policy:
            # Another came into force since the question did.
            waiter.policy = policy
            waiter.view = view = self._sessions.view_now(waiter.lane) or view
            question = waiter.question
            waiter.verdict = policy.decide(view, question.name, question.qtype, question.suffixes)
        if waiter.verdict.rule is None and (answer.chain or (answer.addresses and policy.judges_addresses)):
            waiter.verdict = policy.review(view, answer.chain, answer.addresses)
        return waiter.verdict.blocked

    # spare

    def _spared(self, waiter: PendingReply, answer: DnsResponse, whole: bytes) -> bytes | None:
        """What a held device is told of a name that it reaches; None for other names."""
        client = waiter.lane.client
        if client is None or not self.admit(client.device_id, waiter.question.name, answer.addresses):
            return None
        return remembered(whole, SPARED_TTL_S)

    # answer and record

    def _block_waiter(self, waiter: PendingReply) -> None:
        self._block(waiter.lane, waiter.message, waiter.question, waiter.front, waiter.to, waiter.verdict)

    def _block(
        self, lane: DnsSession, message: bytes, question: Question, front: Listener, to: object, verdict: Verdict
    ) -> None:
        answer = self.blocked_answers.answer(message, question, verdict.rule)
        front.send(answer, to)
        noted = recorded(verdict)
        if noted:
            self._sessions.append(lane, question.name, verdict)
        if self.blocked_answers.again(message) and not front.stream:
            until = self._loop.now + KEPT_S
            reply = CachedReply(answer[2:], until, None, question.name, verdict if noted else None)
            _keep_reply(lane, message, question, reply)


def _keep_reply(lane: DnsSession, message: bytes, question: Question, reply: CachedReply) -> None:
    """Only for queries in the usual form: no two of those with random case or cookies are equal."""
    usual = question.end + (0 if question.edns is None else EDNS_SIZE)
    name = message[HEADER : question.end - 4]
    if len(message) == usual and name == name.lower():
        lane.replies.store(message[2:], reply)


def _say_malformed(message: bytes, front: Listener, to: object) -> None:
    answer = malformed(message)
    if answer is not None:
        front.send(answer, to)


def _turned_away(message: bytes, question: Question, front: Listener, to: object) -> bool:
    """Whether the query asks for nothing we do, and was told so."""
    if question.edns is not None and question.edns.version:
        front.send(badvers(message, question), to)
    elif question.qtype in TRANSFERS:
        front.send(refused(message, question), to)
    else:
        return False
    return True


def _safe_form(waiter: PendingReply, names: list[bytes]) -> SafeHost | None:
    """Of the first of these names that has one for the device."""
    view = waiter.view
    return None if view is None or not view.safe else of_answer(names, view.search, view.youtube)
