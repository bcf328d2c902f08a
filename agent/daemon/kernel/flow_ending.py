"""Ends what devices have open towards the internet: their entries in conntrack go, and with these the way back in.

A rule stops what a device sends; what a server sends goes on until the entry is gone, which then is the firewall's to
judge, as what nobody asked for. What a device has with the router and with the house's own networks stays.

Everything is done in steps of the loop: a household's entries can be tens of thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

from agent.core import conntrack
from agent.core.addresses import parse
from agent.core.model import BadInput, Sentence, said_by
from agent.core.netlink import Message, NetlinkReply
from agent.daemon.kernel.house import House, conversation
from agent.daemon.kernel.netfilter import NetfilterError
from agent.daemon.kernel.nfsocket import open_socket

TURN_MAX = 64  # entries ended in one step; each is some 20 us of the kernel's time
AGAIN_S = 2.0  # what began in between: a packet that waited in a queue has its entry afterwards


class FlowEnding:
    """`each` sends messages to netfilter, every one for itself; `addresses_of(mac)` are a device's, as text. To the
    interfaces `local` nothing is ended; `spared(address)` tells whether what goes there began rightly since.
    """

    def __init__(
        self,
        each: Callable[[list[Message]], None],
        addresses_of: Callable[[bytes], list[str]],
        local: list[str],
        spared: Callable[[bytes], bool] = lambda address: False,
    ) -> None:
        self._each = each
        self._addresses_of = addresses_of
        self._local = local
        self._spared = spared
        self.trouble: str | Sentence = ""
        self.entered = False  # whether something came in by IPv6 after all had been ended: the firewall lets it
        self.ended = 0
        self._again: frozenset[bytes] = frozenset()

    def begin(self, macs: frozenset[bytes], task: Callable[[Generator[float | None, None, None]], None]) -> None:
        """All that these devices have open, and after a moment what they have again; `task` is the loop's."""
        task(self._walk(macs, lambda answer, far: False))
        if not self._again:
            task(self._after_a_moment())
        self._again |= macs

    def begin_unjudged(
        self, macs: frozenset[bytes], task: Callable[[Generator[float | None, None, None]], None]
    ) -> None:
        """All but what is judged by its name while it is open."""
        task(self._walk(macs, lambda answer, far: conntrack.is_web(answer)))

    def _after_a_moment(self) -> Generator[float | None, None, None]:
        """One walk for all, however often a device comes and goes."""
        yield None
        while self._again:
            macs, self._again = self._again, frozenset()
            yield AGAIN_S
            yield from self._look(macs)

    def look_again(self, macs: frozenset[bytes], task: Callable[[Generator[float | None, None, None]], None]) -> None:
        """Whether what was told of these devices is so still."""
        task(self._look(macs))

    def _look(self, macs: frozenset[bytes]) -> Generator[None, None, None]:
        entered = False

        def stays(answer: NetlinkReply, far: bytes) -> bool:
            """What is there a moment later. By IPv4 a port may be forwarded, and no answer comes."""
            nonlocal entered
            entered = entered or (len(far) == 16 and conntrack.begun_outside(answer, far))
            return self._spared(far)

        yield from self._walk(macs, stays)
        self.entered = entered

    def _walk(
        self, macs: frozenset[bytes], stays: Callable[[NetlinkReply, bytes], bool]
    ) -> Generator[None, None, None]:
        try:
            house = House(self._local)
            texts = [text for mac in sorted(macs) for text in self._addresses_of(mac)]
            devices = frozenset([parse(text) for text in texts])
            for data in _read():
                found = conntrack.flows_between(data, devices)
                ending = [flow for flow, far in found if not (house.has(far) or stays(flow, far))]
                # Also of nothing: the kernel's walk and the search were a step.
                for at in range(0, max(len(ending), 1), TURN_MAX):
                    self._end(ending[at : at + TURN_MAX])
                    yield
            self.trouble = ""
        except (NetfilterError, OSError, BadInput) as error:
            self.trouble = Sentence("Open connections could not be ended: {}.", said_by(error))

    def _end(self, answers: list[NetlinkReply]) -> None:
        work = [message for message in map(conntrack.end_flow, answers) if message is not None]
        self.ended += len(work)
        self._each(work)


def _read() -> Iterator[bytes]:
    """A dump of conntrack, piece by piece. Its socket is its own: the kernel goes on with a dump as it is read, and
    there is one at a time of a socket."""
    sock = open_socket()
    if sock is None:
        return
    try:
        yield from conversation(sock, conntrack.all_flows())
    finally:
        sock.close()
