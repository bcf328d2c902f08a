"""The DNS side as the rest of the daemon uses it: listeners, sessions, and the way of a query (`query_path`)."""

from __future__ import annotations

from agent.core.policy import Policy
from agent.daemon.dns.pending import Listener
from agent.daemon.dns.query_path import Admit, QueryPath, Reaches
from agent.daemon.dns.sessions import DnsSessions, Identify, Record
from agent.daemon.dns.upstream import Upstream
from agent.daemon.loop import Loop
from agent.daemon.safe_addresses import SafeAddresses


class Dns:
    """See `lanes` for `identify` and `record`: address look-ups that found something are recorded, and all refusals.

    `query` is the way's beginning, see QueryPath; `asked` is told how many a front read in a turn.
    """

    def __init__(
        self,
        loop: Loop,
        upstream: Upstream,
        identify: Identify,
        policy: Policy,
        record: Record,
        entries_max: int = 4000,
        safe_addresses: SafeAddresses | None = None,
    ) -> None:
        self.loop = loop
        self.lanes = DnsSessions(loop, identify, record)
        self.asked = self.lanes.asked
        self._fronts: list[Listener] = []
        self._upstream = upstream
        noted = SafeAddresses(lambda: loop.now) if safe_addresses is None else safe_addresses
        self._path = QueryPath(loop, upstream, self.lanes, policy, entries_max, noted)
        self.query = self._path.query
        self.ask_router = self._path.fetching.ask_router
        self.addresses = self._path.fetching.addresses

    def spare_by(self, admit: Admit, reaches: Reaches) -> None:
        """See QueryPath."""
        self._path.admit, self._path.reaches = admit, reaches

    def attach(self, front: Listener) -> None:
        self._fronts.append(front)

    def swap(self, policy: Policy) -> None:
        """Another policy from here on: what the one before decided is forgotten, what upstream said is not."""
        self._path.policy = policy
        self.lanes.forget_replies()

    def refuse_with(self, style: str, ttl: int) -> None:
        """How refused names are answered from here on: "null" or "nxdomain", to be remembered for `ttl` seconds."""
        self._path.blocked_answers.style = style
        self._path.blocked_answers.ttl = ttl
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
            "queries": self.lanes.queries,
            "refused": self.lanes.refusals,
            "upstream": self._upstream.asked,
            "failed": self._path.failures,
            "cached": len(self._path.fetching.answers),
            "unsent": sum(front.unsent for front in self._fronts),
        }

    def close(self) -> None:
        for front in self._fronts:
            front.close()
        self.lanes.flush()
