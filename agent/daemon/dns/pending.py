"""Queries on their way to an answer: the front that they came in by, the one who waits, the question upstream."""

from __future__ import annotations

from collections.abc import Callable

from agent.core.dns import UDP_MIN, DnsResponse, Question, forwarded, truncated, udp_limit
from agent.core.model import Verdict
from agent.core.policy import Policy
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


class Found:
    """What upstream said. `visited`: it shows that somebody goes somewhere; `inside`: a public name leads into this
    network."""

    __slots__ = ("body", "answer", "visited", "inside")

    def __init__(self, body: bytes, answer: DnsResponse, visited: bool, inside: bool) -> None:
        self.body = body
        self.answer = answer
        self.visited = visited
        self.inside = inside


class PendingReply:
    """A query that is being answered, and the verdict over its name by that policy."""

    __slots__ = ("lane", "message", "question", "front", "to", "verdict", "policy")

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

    def send(self, answer: bytes) -> bytes:
        """Sends it, cut to what the client takes; returns what was sent."""
        if len(answer) > UDP_MIN and not self.front.stream:
            answer = truncated(answer, udp_limit(self.question))
        self.front.send(answer, self.to)
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
        UpstreamQuery.__init__(self, forwarded(first.message, first.question, 0), first.question.end)
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
