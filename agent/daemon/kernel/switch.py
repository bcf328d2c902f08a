"""The kernel switch: which devices' DNS comes to the agent, as one nftables table that this process's socket owns.

The caller says what it wants; the difference to what stands is sent as one atomic batch, so that either all of it holds
or nothing has changed. The table is made when it is first needed and goes a few seconds after the last device: until
then its other half brings the answers home to what was asked before. With the socket the kernel removes it at once.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from agent.core import conntrack
from agent.core.addresses import parse
from agent.core.marks import DEFAULT, Layout
from agent.core.model import BadInput, Sentence, said_by
from agent.core.netlink import Message
from agent.core.nft.count_rules import CountRules
from agent.core.nft.dns_redirect import DNS, DnsRedirect
from agent.core.nft.hold_rules import WAYS as WAYS_OF_PAGE
from agent.core.nft.hold_rules import HoldingRules
from agent.core.nft.inspection import REFUSED as REFUSED_FLOW
from agent.core.nft.inspection import WEB_PORTS, Inspection
from agent.core.nftables import flowtables, get_table, is_flowtable
from agent.daemon.kernel.firewall import Firewall
from agent.daemon.kernel.netfilter import Netfilter, NetfilterError
from agent.platform.cmodules import socket

IDLE = "idle"  # nothing wanted
ARMED = "armed"
REFUSED = "refused"
NOBODY = "No device is switched on."
LOST = "Your devices are not protected: the table in the kernel was lost."

_LINK_LOCAL = "fe80:"
QUIC = 443
_WEB = [*[(conntrack.TCP, port) for port in WEB_PORTS], (conntrack.UDP, QUIC)]
# What the kernel says to an expression that it has not.
_UNKNOWN = (errno.ENOENT, errno.EOPNOTSUPP, errno.EINVAL)


class Switch:
    """`standing` is what the kernel holds (MAC → mark), `state` one of IDLE, ARMED, REFUSED, `message` a sentence.

    Queries are not redirected as what the firewall lets none in: `closed` has (interface, family, protocol).
    `held` are the MACs of whom nothing goes out, `counted` those whose packets are counted. `made` is how often the
    table was put up.
    """

    def __init__(
        self,
        sock: socket.socket | None,
        interfaces: list[str],
        port: int,
        layout: Layout = DEFAULT,
    ) -> None:
        self.sock = sock
        self._netfilter = Netfilter(sock)
        self._interfaces = interfaces
        self._firewall = Firewall(self._netfilter, interfaces)
        self.standing: dict[bytes, int] = {}
        self.protected: frozenset[bytes] = frozenset()
        self.held: frozenset[bytes] = frozenset()
        self.counted: frozenset[bytes] = frozenset()
        self.holding = HoldingRules(interfaces, layout=layout)
        self.counting = CountRules(interfaces)
        self._page: Firewall | None = None
        self._page_closed: frozenset[tuple[str, int, int]] = frozenset()
        self.made = 0
        self.state = IDLE
        self.message: str | Sentence = NOBODY
        self._steering = DnsRedirect(interfaces, port, layout)
        self._layout = layout
        self._refused = layout.state(REFUSED_FLOW)
        self._ways: list[Inspection | None] = [None]
        self._table_stands = False
        self._unused = 0  # calls of `verify` since the table has been empty

    def judge(self, ways: list[Inspection]) -> None:
        """Connections come here as well, in the first of these ways that the kernel takes; without one only DNS does.

        To be called while nothing stands, or with what is to replace the table that does. NetfilterError.
        """
        self._ways = [*ways, None]
        if self._table_stands:
            self._arm(self.standing, self.protected)

    @property
    def judging(self) -> Inspection | None:
        """How connections come here; None: they don't."""
        return self._steering.judging

    @property
    def closed(self) -> frozenset[tuple[str, int, int]]:
        """As what the firewall lets no DNS in: interface, family, protocol."""
        return self._firewall.closed

    def look(self) -> None:
        """Follows the firewall: queries to resolvers elsewhere are redirected where they would get in, and there only.

        To be called every few seconds; it asks for the rules when they have changed. NetfilterError.
        """
        before = self.closed
        if self._firewall.look() and self._table_stands:
            self._netfilter.commit(self._steering.reopen(before, self.closed))
        page, before = self._page, self._page_closed
        if page is not None and self.held and page.look() and self._table_stands:
            self._netfilter.commit(self.holding.reopen(before, page.closed))
            self._page_closed = page.closed

    def offloaded(self) -> bool:
        """Whether connections may go past all rules, by a flow table of the firewall."""
        try:
            return any(is_flowtable(answer) for answer in self._netfilter.ask(flowtables()))
        except NetfilterError:
            return False

    def answered_at(self, flow: bytes) -> tuple[bytes, int] | None:
        """Where the server of a TCP connection answers to (see `Segment.flow`); None when it can't be said."""
        try:
            answers = self._netfilter.ask(conntrack.connection(flow))
            found = [conntrack.answered_at(answer) for answer in answers]
        except (NetfilterError, BadInput):
            return None
        return found[0] if found else None

    def apply(self, wanted: dict[bytes, int], protected: frozenset[bytes] = frozenset()) -> None:
        """Makes the kernel's map of MAC (6 bytes) → mark equal to `wanted`. NetfilterError, and has changed nothing.

        Of the `protected` ones, connections are judged. A table that was lost meanwhile is put up again as a whole.
        """
        try:
            self._bring_about(wanted, protected)
        except NetfilterError as refusal:
            self.state, self.message = REFUSED, Sentence("Your devices are not protected: {}.", said_by(refusal))
            raise
        self.standing = dict(wanted)
        self.protected = protected
        self._table_stands = self._table_stands or bool(wanted)
        self._unused = 0
        self.state, self.message = self._described()

    def hold_by(self, rules: HoldingRules) -> None:
        """These are the rules from here on, also for whoever is held. NetfilterError."""
        page = None
        if rules.page_port is not None:
            page = Firewall(self._netfilter, self._interfaces, rules.page_port, WAYS_OF_PAGE)
            with contextlib.suppress(NetfilterError):
                page.look()
        closed = page.closed if page else frozenset()
        if self.held and self._table_stands:
            gone = self.holding.change(self.held, frozenset())
            self._netfilter.commit(gone + rules.stand(self.held, closed))
        self.holding, self._page, self._page_closed = rules, page, closed

    def hold(self, wanted: frozenset[bytes]) -> None:
        """Nothing of these MACs goes out, and of no others. NetfilterError, and has changed nothing."""
        if wanted == self.held and (self._table_stands or not wanted):
            return
        if self._page is not None and not self.held:
            with contextlib.suppress(NetfilterError):  # in doubt it is reached
                self._page.look()
            self._page_closed = self._page.closed
        self._also(wanted, self.counted, self.holding.change(self.held, wanted, self._page_closed))

    def elsewhere(self) -> list[str]:
        """The interfaces towards which somebody held was refused, since the first was held. NetfilterError."""
        if not self.held or not self._table_stands:
            return []
        try:
            return self.holding.elsewhere(self._netfilter.ask(self.holding.ask_elsewhere()))
        except (BadInput, UnicodeError) as error:
            raise NetfilterError(str(error), errno.EIO) from error

    def count(self, wanted: frozenset[bytes]) -> None:
        """What these MACs send to the internet is counted, from 0 on where it was not. NetfilterError; nothing changed.

        What a flow table takes is not counted: see `offloaded`.
        """
        if wanted != self.counted or (wanted and not self._table_stands):
            self._also(self.held, wanted, self.counting.change(self.counted, wanted))

    def counts(self) -> dict[bytes, tuple[int, int]]:
        """MAC → packets and bytes since it is counted. NetfilterError."""
        if not self.counted or not self._table_stands:
            return {}
        try:
            return self.counting.counts(self._netfilter.ask(self.counting.ask()))
        except BadInput as error:
            raise NetfilterError(str(error), errno.EIO) from error

    def _also(self, held: frozenset[bytes], counted: frozenset[bytes], work: list[Message]) -> None:
        """These are held and counted; `work` is what changes where the table stands."""
        before = (self.held, self.counted)
        self.held, self.counted = held, counted  # as a table that is made anew has them
        try:
            if self._table_stands:
                try:
                    self._netfilter.commit(work)
                except NetfilterError as refusal:
                    if refusal.errno != errno.ENOENT or self._stands():
                        raise
                    self._lost()
            if not self._table_stands:
                self._bring_about(self.standing, self.protected)
        except NetfilterError:
            self.held, self.counted = before
            raise
        self._unused = 0

    def each(self, work: list[Message]) -> None:
        """See Netfilter. NetfilterError."""
        self._netfilter.each(work)

    def admit(self, names: dict[int, str], addresses: list[bytes]) -> None:
        """These addresses are in sets of whoever is held, for a while from now. NetfilterError."""
        if not self.held or not self._table_stands:
            return
        for address in addresses:
            work = self.holding.admit(names, address)
            try:
                # What is inside would keep its end.
                self._netfilter.commit([self.holding.dismiss(names, address), work])
            except NetfilterError as refusal:
                if refusal.errno != errno.ENOENT:
                    raise
                self._netfilter.commit([work])

    def flush_page(self) -> None:
        """Ends the flows that were led to the page of whoever is held. NetfilterError."""
        self._netfilter.ask(self.holding.flush_page())

    def flush(self) -> None:
        """Ends the redirected flows of all devices, so that none goes on to the router's resolver. NetfilterError."""
        self._netfilter.ask(self._steering.flush())

    def flush_marked(self, mark: int) -> None:
        """Ends the redirected flows that one device has had since one `on`. NetfilterError."""
        self._netfilter.ask(self._steering.flush_device(mark))

    def release(self, addresses: list[str]) -> None:
        """Ends the DNS flows that devices' addresses had before their `on`, so that their next packet is steered.

        Only datagrams to other resolvers need it: a flow is redirected at its first packet or never, and may go on for
        days. Link-local addresses reach none. Connections are reset by the rules. NetfilterError.
        """
        sources = _sources(addresses)
        for size in sorted({len(source) for source in sources}):
            flows = self._netfilter.ask(conntrack.flows_to(size, DNS, conntrack.UDP))
            for work in [conntrack.end(flow, sources) for flow in flows]:
                if work is not None:
                    self._end(work)

    def cut(self, flows: list[bytes], protocol: bytes = conntrack.TCP) -> None:
        """These connections of protected devices go on no further: each later packet is reset; of UDP's, which may be
        anything, what looks like QUIC. NetfilterError."""
        if self._steering.judging is None:
            return
        for flow in flows:
            self._end(conntrack.mark(flow, self._refused, self._layout.tag_mask, protocol))

    def cut_to(self, addresses: list[str], ends: frozenset[bytes]) -> None:
        """The same for all web connections, QUIC's among them, from these addresses to `ends`. NetfilterError."""
        for protocol, flows in self.begun_at(addresses):
            self.cut([flow for flow in flows if _end_of(flow) in ends], protocol)

    def begun_at(self, addresses: list[str]) -> Iterator[tuple[bytes, list[bytes]]]:
        """The web connections, QUIC's among them, that began at these addresses: a protocol, and flows of it.

        Each is a walk of the kernel's through all that it has, 4 ms with 262,144 buckets, however many addresses there
        are. NetfilterError.
        """
        sources = _sources(addresses)
        for size in sorted({len(source) for source in sources}):
            for protocol, port in _WEB:
                answers = self._netfilter.ask(conntrack.flows_to(size, port, protocol))
                found = [conntrack.begun_at(answer, sources, port, protocol) for answer in answers]
                yield protocol, [flow for flow in found if flow is not None]

    def _end(self, work: Message) -> None:
        try:
            self._netfilter.ask(work)
        except NetfilterError as refusal:
            if refusal.errno != errno.ENOENT:  # it ended by itself meanwhile
                raise

    def verify(self) -> bool:
        """Whether the kernel has the table that is thought to stand. If not, nothing stands: call `apply` again.

        To be called every few seconds: the second call in a row that finds the table empty removes it.
        """
        if not self._table_stands:
            return True
        try:
            self._netfilter.ask(get_table(self._steering.table))
            if not (self.standing or self.held or self.counted):
                self._unused += 1
                if self._unused > 1:
                    self._disarm()
        except NetfilterError:
            needed = bool(self.standing or self.held or self.counted)
            self._lost()
            return not needed
        return True

    def _stands(self) -> bool:
        try:
            self._netfilter.ask(get_table(self._steering.table))
        except NetfilterError:
            return False
        return True

    def close(self) -> None:
        """Removes the table and ends the flows; for an orderly stop. NetfilterError."""
        self.hold(frozenset())
        self.count(frozenset())
        self.apply({})
        if self._table_stands:
            self._disarm()
        self.flush()

    def _disarm(self) -> None:
        self._netfilter.commit(self._steering.disarm())
        self._table_stands = False

    def _described(self) -> tuple[str, str | Sentence]:
        if not self.standing:
            return IDLE, NOBODY
        return ARMED, Sentence("DNS of {} device(s) comes to the agent.", len(self.standing))

    def _lost(self) -> None:
        self.standing = {}
        self._table_stands = False
        self.state, self.message = REFUSED, LOST

    def _bring_about(self, wanted: dict[bytes, int], protected: frozenset[bytes]) -> None:
        if not self._table_stands:
            if wanted or self.held or self.counted:
                self._require_endings()
                self._arm(wanted, protected)
            return
        try:
            self._netfilter.commit(self._steering.change(self.standing, wanted, self.protected, protected))
        except NetfilterError as refusal:
            if refusal.errno != errno.ENOENT:
                raise
            self._lost()
            if wanted or self.held or self.counted:
                self._arm(wanted, protected)

    def _require_endings(self) -> None:
        """Without them a redirected flow would outlive `off`, and the agent itself. NetfilterError."""
        try:
            self._netfilter.ask(conntrack.statistics())
        except NetfilterError as refusal:
            if refusal.errno != errno.EINVAL:
                raise
            raise NetfilterError(
                "the kernel can't end flows: install kmod-nf-conntrack-netlink", refusal.errno
            ) from refusal

    def _arm(self, wanted: dict[bytes, int], protected: frozenset[bytes]) -> None:
        """The whole table, in the first of the ways that the kernel takes; one that stands without any stays."""
        plain = self._table_stands and self._steering.judging is None
        while True:
            self._steering.judging = self._ways[0]
            if plain and self._ways[0] is None:
                return
            try:
                work = self._steering.arm(wanted, protected, self.closed)
                work += self.holding.change(frozenset(), self.held, self._page_closed)
                self._put_up(work + self.counting.change(frozenset(), self.counted))
                self._table_stands = True
                self.made += 1
                return
            except NetfilterError as refusal:
                if len(self._ways) == 1 or refusal.errno not in _UNKNOWN:
                    raise
                del self._ways[0]

    def _put_up(self, work: list[Message]) -> None:
        try:
            self._netfilter.commit(work)
        except NetfilterError as refusal:
            if refusal.errno != errno.EEXIST:
                raise
            # Left by an earlier daemon on the same socket; in one batch, so there is no moment without a table.
            self._netfilter.commit(self._steering.disarm() + work)


def _sources(addresses: list[str]) -> frozenset[bytes]:
    return frozenset([parse(address) for address in addresses if not address.startswith(_LINK_LOCAL)])


def _end_of(flow: bytes) -> bytes:
    """Where a flow leads."""
    size = (len(flow) - 4) // 2
    return flow[size : 2 * size]
