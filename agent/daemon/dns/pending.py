"""Queries on their way to an answer: the front that they came in by, the one who waits, the question upstream."""

from __future__ import annotations

from collections.abc import Callable

from agent.core.dns import UDP_MIN, DnsResponse, Question, forwarded, truncated, udp_limit
from agent.core.model import BadInput, Verdict
from agent.core.policy import Policy
from agent.core.safe_answer import aliased, target_query
from agent.core.safesearch import SafeHost
from agent.core.wire import NOERROR, NXDOMAIN
from agent.daemon.dns.sessions import DnsSession
from agent.daemon.dns.upstream_sockets import UpstreamQuery
from agent.daemon.loop import Timer


class Listener:
    """Where queries come from and answers go to, by UDP or TCP. `to` is the front's own word for whom it answers."""

    stream = False
    unsent = 0  # answers that no socket took

    def send(self, message: bytes, to: object) -> None:
        raise NotImplementedError

    def drain(self) -> None:
        """Read what waits now, with the lanes of now."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class PendingReply:
    """A query that is being answered, and the verdict over its name by that policy for that view.

    Upstream is asked `about`, by a query like `query`: the same question, or that of a host's `safe` form.
    """

    __slots__ = ("lane", "message", "question", "front", "to", "verdict", "policy", "view", "query", "about", "safe")

    def __init__(
        self,
        lane: DnsSession,
        message: bytes,
        question: Question,
        front: Listener,
        to: object,
        verdict: Verdict,
        policy: Policy,
    ) -> None:
        self.lane = lane
        self.message = message
        self.question = question
        self.front = front
        self.to = to
        self.verdict = verdict
        self.policy = policy
        self.view = lane.view
        self.query = message
        self.about = question
        self.safe: SafeHost | None = None

    def ask_for(self, safe: SafeHost) -> None:
        """What its target has is the answer, behind an alias."""
        self.safe = safe
        self.query, self.about = target_query(self.message, self.question, safe.target)

    def aliased(self, response: bytes, answer: DnsResponse) -> bytes:
        """The answer made of a normalised response to the question for a safe form; BadInput where that has none."""
        if answer.rcode not in (NOERROR, NXDOMAIN):
            raise BadInput("the server has no answer")
        return aliased(self.message, self.question, response, self.about, answer)

    def send(self, answer: bytes) -> bytes:
        """Sends it, cut to what the client takes; returns what was sent."""
        front = self.front
        if len(answer) > UDP_MIN and not front.stream:
            answer = truncated(answer, udp_limit(self.question))
        front.send(answer, self.to)
        return answer


class InFlightQuery(UpstreamQuery):
    """A question in flight upstream, and who waits for its answer.

    `first` asked, and may have had a stale answer since; `local` says that it is about this network.
    """

    __slots__ = ("key", "first", "local", "waiters", "timer", "answered", "kept")

    def __init__(
        self,
        key: bytes,
        first: PendingReply,
        local: bool,
        answered: Callable[[InFlightQuery, bytes | None, int], None],
        kept: Callable[[InFlightQuery, bytes], object],
    ) -> None:
        UpstreamQuery.__init__(self, forwarded(first.query, first.about, 0), first.about.end)
        self.key = key
        self.first = first
        self.local = local
        self.waiters = [first]
        self.timer: Timer | None = None  # until a stale answer is given
        self.answered = answered
        self.kept = kept

    def done(self, response: bytes | None, ede: int) -> None:
        self.answered(self, response, ede)

    def late(self, response: bytes) -> None:
        self.kept(self, response)
