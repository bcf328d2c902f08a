"""Lanes: which device a query belongs to, the replies that its view may be given, and what it asked a moment ago.

Who asked is noted with the query and told to the recorder soon after, off the answer's path, under the client that the
query came in with.
"""

from collections.abc import Callable, Generator

from agent.core.dns import aged
from agent.core.model import BLOCK, Verdict
from agent.core.policy import ALLOWED, View
from agent.daemon.clients import DeviceView
from agent.daemon.dns.cache import Cache
from agent.daemon.loop import Loop

REPLIES_MAX = 2000  # per view: what a household's devices ask again and again
REPLIES_BYTES_MAX = 1 << 20
RECORD_S = 0.5  # the same name within it is recorded once, with a count
ASKED_MAX = 20000  # queries waiting to be recorded, 8 bytes each
NOTED_MAX = 500  # of them, those that hold a name and a verdict each
WAITING_MAX = 4 * NOTED_MAX  # of these, taken from their lanes
PIECE = 32  # names recorded in a turn: a millisecond
LANES_MAX = 256  # source addresses or marks seen lately

Ancillary = list[tuple[int, int, bytes]]
Identify = Callable[[int | None, str], DeviceView | None]
Record = Callable[[DeviceView, bytes, Verdict, int], None]

# Questions for upstream of a device whose internet is off: a page of a helpline with all that it embeds, and then what
# a phone asks for all night.
HELD_BURST, HELD_A_SECOND = 120.0, 1.0


class CachedAnswer:
    """A response of upstream as of `stored`, good `until` then (monotonic seconds). Its question ends at `end`.

    `visited` says whether it shows that somebody goes somewhere. Once it was given though it was over, it is given at
    once until `stale_until`.
    """

    __slots__ = ("body", "stored", "until", "end", "visited", "stale_until")

    def __init__(self, body: bytes, stored: float, until: float, end: int, visited: bool) -> None:
        self.body = body
        self.stored = stored
        self.until = until
        self.end = end
        self.visited = visited
        self.stale_until = 0.0

    def at(self, now: float) -> tuple[bytes, float]:
        """The response with its TTLs counted down, and until when that count is right."""
        elapsed = int(now - self.stored)
        body = aged(self.body, elapsed, self.end) if elapsed else self.body
        return body, min(self.stored + elapsed + 1, self.until)


class CachedReply:
    """What a view gets for a query of exactly these bytes, `until` then: the message after its id.

    `kept` is the response that it was made from, None for a refusal. `verdict` is None when there is nothing to record.
    """

    __slots__ = ("body", "until", "kept", "name", "verdict")

    def __init__(
        self, body: bytes, until: float, kept: CachedAnswer | None, name: bytes, verdict: Verdict | None
    ) -> None:
        self.body = body
        self.until = until
        self.kept = kept
        self.name = name
        self.verdict = verdict


class DnsSession:
    """A client's way through. `client` and `view` are None for a device that nobody knows, or that is not filtered;
    each address that nobody knows has a lane. `source` is what it was identified by. `held`: see DeviceView.

    To be recorded: `asked` are replies, one for each query that got it; `allowed` and `blocked` count others by name.
    """

    __slots__ = ("client", "view", "held", "source", "replies", "asked", "allowed", "blocked", "_may", "_since")

    def __init__(
        self, client: DeviceView | None, view: View | None, source: tuple[int | None, str], replies: Cache
    ) -> None:
        self.client = client
        self.view = view
        self.held = client is not None and client.held
        self.source = source
        self.replies = replies
        self.asked: list[CachedReply] = []
        self.allowed: dict[bytes, int] = {}
        self.blocked: dict[bytes, tuple[Verdict, int]] = {}
        self._may, self._since = HELD_BURST, 0.0

    def may_ask(self, now: float) -> bool:
        """Whether upstream may be asked once more while it is held. Names alone carry data to whoever answers for
        them, so that a tunnel of questions would be a way out; what a device needs is mostly answered from memory."""
        self._may, self._since = min(HELD_BURST, self._may + (now - self._since) * HELD_A_SECOND), now
        if self._may < 1:
            return False
        self._may -= 1
        return True

    def count(self, name: bytes, verdict: Verdict, count: int) -> None:
        """A and AAAA of a name are one look-up to whoever reads it."""
        if verdict.action == BLOCK:
            before = self.blocked.get(name)
            self.blocked[name] = (verdict, count if before is None else before[1] + count)
        else:
            self.allowed[name] = self.allowed.get(name, 0) + count

    def take(self) -> list[tuple[bytes, Verdict, int]]:
        """What is to be recorded, which is then no longer here."""
        replies: dict[CachedReply, int] = {}
        for reply in self.asked:
            replies[reply] = replies.get(reply, 0) + 1
        for reply, count in replies.items():
            if reply.verdict is not None:
                self.count(reply.name, reply.verdict, count)
        taken = [(name, ALLOWED, count) for name, count in self.allowed.items()]
        taken += [(name, verdict, count) for name, (verdict, count) in self.blocked.items()]
        self.asked = []
        self.allowed = {}
        self.blocked = {}
        return taken


class DnsSessions:
    """`identify(mark or None, address)` tells the client, None for unknown; what it said is remembered until `forget`.

    `record(client, name, verdict, count)` is called within RECORD_S of the query, never without a client.
    `known` are the lanes by mark (4 bytes, host order) or address, `ways` those with the way back to them, by all that
    a socket tells with a query.
    """

    def __init__(self, loop: Loop, identify: Identify, record: Record) -> None:
        self.known: dict[str | bytes, DnsSession] = {}
        self.ways: dict[tuple[object, ...], tuple[DnsSession, Ancillary]] = {}
        self.queries = 0
        self.refusals = 0
        self._loop = loop
        self._identify = identify
        self._record = record
        self._clients: dict[DeviceView | str, DnsSession] = {}
        self._replies: dict[tuple[View | None, bool], Cache] = {}
        self._noted: dict[DnsSession, None] = {}
        self._asked = 0
        self._notes = 0
        self._flush_set = False
        self._taken: list[tuple[DeviceView, bytes, Verdict, int]] = []

    def find(self, key: str | bytes, mark: int | None, address: str) -> DnsSession:
        """The lane of a source that is not among `known`; it is from now on."""
        if len(self.known) >= LANES_MAX:
            self.forget()
        lane = self.known[key] = self._of(mark, address)
        return lane

    def of_connection(self, mark: int | None, address: str) -> DnsSession:
        """The lane of a connection, by who has its address now: asked when it comes, and after each change."""
        if len(self._clients) >= LANES_MAX:
            self.forget()
        return self._of(mark, address)

    def view_now(self, lane: DnsSession) -> View | None:
        """The view of the lane's device by the policy of now; the lane's own where the device is not to be told."""
        client = None if lane.client is None else self._identify(*lane.source)
        if client is None or lane.client is None or client.device_id != lane.client.device_id or client.view is None:
            return lane.view
        return client.view

    def _of(self, mark: int | None, address: str) -> DnsSession:
        client = self._identify(mark, address)
        key = address if client is None else client
        lane = self._clients.get(key)
        if lane is None:
            view = None if client is None else client.view
            # Whoever is held is given other TTLs.
            replies = self._replies_of((view, client is not None and client.held))
            lane = self._clients[key] = DnsSession(client, view, (mark, address), replies)
        return lane

    def _replies_of(self, whose: tuple[View | None, bool]) -> Cache:
        replies = self._replies.get(whose)
        if replies is None:
            replies = self._replies[whose] = Cache(REPLIES_MAX, REPLIES_BYTES_MAX)
        return replies

    def forget(self) -> None:
        """Clients are identified anew from here on. Queries under way keep the lane that they came in by."""
        self.flush()
        self.known.clear()
        self.ways.clear()
        self._clients.clear()

    def forget_replies(self) -> None:
        """What was decided so far must not be given to anybody any more."""
        self.forget()
        self._replies = {}

    # recording

    def append(self, lane: DnsSession, name: bytes, verdict: Verdict) -> None:
        """For what is not among the replies of the lane's view, or a lane that is among the known no longer."""
        if lane.client is None:
            return
        lane.count(name, verdict, 1)
        self._noted[lane] = None
        self._notes += 1
        if self._notes >= NOTED_MAX:
            self._flush_due()
            if len(self._taken) > WAITING_MAX:
                self.flush()
        elif not self._flush_set:
            self._flush_soon()

    def asked(self, queries: int) -> None:
        """So many queries came in, and may have been noted with their lanes."""
        self.queries += queries
        self._asked += queries
        if self._asked >= ASKED_MAX:
            self.flush()
        elif not self._flush_set:
            self._flush_soon()

    def _flush_soon(self) -> None:
        self._flush_set = True
        self._loop.after(RECORD_S, self._flush_due)

    def _flush_due(self) -> None:
        self._flush_set = False
        self._take()
        if self._taken:
            self._loop.task(self._record_in_pieces())

    def _record_in_pieces(self) -> Generator[None, None, None]:
        while self._taken:
            self._record_some(PIECE)
            yield

    def flush(self) -> None:
        """Records what was asked until now."""
        self._take()
        self._record_some(len(self._taken))

    def _take(self) -> None:
        """What was asked until now is to be recorded, each under the client that it came in with."""
        lanes = [*self._noted, *[lane for lane in self._clients.values() if lane not in self._noted]]
        self._noted.clear()
        self._asked = self._notes = 0
        for lane in lanes:
            client = lane.client
            if client is None:
                lane.asked.clear()
            else:
                self._taken += [(client, name, verdict, count) for name, verdict, count in lane.take()]

    def _record_some(self, most: int) -> None:
        some, self._taken = self._taken[:most], self._taken[most:]
        for client, name, verdict, count in some:
            if verdict is not ALLOWED:
                self.refusals += count
            try:
                self._record(client, name, verdict, count)
            except Exception as error:  # noqa: BLE001 - the barrier: one name, not those that wait behind it
                self._loop.faults.met(error)
