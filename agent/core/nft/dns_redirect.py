"""The rules that lead added devices' DNS to the agent: one nftables table, and the changes between its states.

As `nft list` would show them (udp; `steered` maps an added device's Ethernet address to its mark):

    chain steer  { type nat hook prerouting priority -105;      # hard-coded resolvers: to the router's own port 53
      th dport 53 iifname . nfproto . l4proto @open fib daddr type unicast
        ct mark set ether saddr map @steered redirect }
    chain arrive { type filter hook input priority 200;         # after the firewall has judged it as DNS
      iifname != lo th dport AGENT reject                       # nobody talks to the agent's port directly
      th dport 53 iifname @lan meta mark set ether saddr map @steered th dport set AGENT }
    chain leave  { type filter hook output priority -301;       # before conntrack: the rewrite leaves no trace in it
      meta mark LISTENER oifname != lo th sport AGENT th sport set 53 }
    chain forward { type filter hook forward priority 200;      # connections from before the `on`
      tcp dport 53 iifname . nfproto . l4proto @open ct status & dnat == 0
        ether saddr @steered ct mark set CUT tcp flags set rst }

Every firewall, guest zones included, sees port 53 in both directions, and so does conntrack: a held-open socket talks
to the agent while its device is in the map, and to the router's own resolver in the next packet when it is not. That
goes for redirected flows as well, since they were redirected to port 53 and not to the agent.

A TCP connection can't change hands: its SYN puts the mark on the conntrack entry, and later packets are rewritten only
with that. One from before the `on` is reset at both ends, and its client begins anew. The SYN also carries the mark to
the agent, see `marks.of_syn`.

`open` are those of the `lan` interfaces from which the firewall lets DNS in, for IPv4 and IPv6, UDP and TCP each by
itself: elsewhere a redirected query would be lost.

With a `Judging`, its rules about other connections stand in the same table, those of chain `forward` before these.
"""

from agent.core import conntrack, nftables
from agent.core import expressions as nft
from agent.core.marks import DEFAULT, SYN_MAGIC, Layout
from agent.core.netlink import Message
from agent.core.nft.inspection import FORWARD, LOGGED, QUEUED, Inspection
from agent.core.nft.teardown import TABLE

DNS = 53
# In which a query may come: the first is what every device uses.
WAYS = ((nft.INET4, nft.UDP), (nft.INET4, nft.TCP), (nft.INET6, nft.UDP), (nft.INET6, nft.TCP))
STEERED = "steered"  # the map of added devices with something on
_MAP, _LAN, _OPEN = STEERED, "lan", "open"
_STEER, _ARRIVE, _LEAVE = "steer", "arrive", "leave"

# Just before other destination NAT (-100), or a force-DNS rule of the firewall would take the flow first.
_BEFORE_DNAT = -105
# Behind every filter of the input path, before conntrack confirms the entry.
_AFTER_FIREWALL = 200
# Before conntrack's -200 and raw's -300.
_BEFORE_CONNTRACK = -301

_SOURCE_PORT, _DESTINATION_PORT, _TCP_FLAGS = 0, 2, 13
_UDP_CHECKSUM, _TCP_CHECKSUM = 6, 16
_CHECKSUM = {nft.UDP: _UDP_CHECKSUM, nft.TCP: _TCP_CHECKSUM}
_FIN_SYN_RST_ACK, _SYN = b"\x17", b"\x02"
# Two bytes, because a checksum is of pairs: a head of twenty bytes, without options, and the flags. A mask would keep
# the options, but nft 1.0.6 dies of listing it.
_OFFSET_AND_FLAGS, _RST = 12, b"\x50\x04"
_CUT_OFF = 0b0101  # of a mark's signature; core/nft/inspection.py has the other patterns


class DnsRedirect:
    """The table's content for these interfaces, this agent port and this layout of marks.

    `judging` is None where connections are let alone. Of the devices in the map, those that are `protected` (a set of
    MACs) have their connections judged, the others have them noted.
    """

    def __init__(
        self,
        interfaces: "list[str]",
        port: int,
        layout: Layout = DEFAULT,
        table: str = TABLE,
        judging: "Inspection | None" = None,
    ) -> None:
        self.table = table
        self._interfaces = sorted(set(interfaces))
        self._port = port
        self._layout = layout
        self.judging = judging

    def arm(
        self,
        wanted: "dict[bytes, int]",
        protected: "frozenset[bytes]" = frozenset(),
        closed: "frozenset[tuple[str, int, int]]" = frozenset(),
    ) -> "list[Message]":
        """The whole table with `wanted` (MAC → mark) in its map; what comes as one of `closed` (interface and one of
        WAYS) is not redirected."""
        table = self.table
        work = [
            nftables.new_table(table),
            nftables.new_mark_map(table, _MAP, 1),
            nftables.new_interface_set(table, _LAN, 2),
            nftables.add_keys(table, _LAN, [nft.interface(name) for name in self._interfaces]),
            nftables.new_way_set(table, _OPEN, 3),
            nftables.new_chain(table, _STEER, "nat", nftables.PREROUTING, _BEFORE_DNAT),
            nftables.new_chain(table, _ARRIVE, "filter", nftables.INPUT, _AFTER_FIREWALL),
            nftables.new_chain(table, _LEAVE, "filter", nftables.OUTPUT, _BEFORE_CONNTRACK),
            nftables.new_chain(table, FORWARD, "filter", nftables.FORWARD, _AFTER_FIREWALL),
        ]
        work += self.reopen(frozenset(self._entries()), closed)
        if self.judging is not None:
            work += self.judging.stand(table, 4, self._layout)
        for chain, expressions in self.rules():
            work.append(nftables.new_rule(table, chain, expressions))
        return work + self.change({}, wanted, frozenset(), protected)

    def change(
        self,
        standing: "dict[bytes, int]",
        wanted: "dict[bytes, int]",
        before: "frozenset[bytes]" = frozenset(),
        protected: "frozenset[bytes]" = frozenset(),
    ) -> "list[Message]":
        """What makes `wanted` of `standing`, and the protected of those that were before."""
        work = self._changed(_MAP, standing, wanted)
        if self.judging is not None:
            work += self._changed(QUEUED, _chosen(standing, before, True), _chosen(wanted, protected, True))
            work += self._changed(LOGGED, _chosen(standing, before, False), _chosen(wanted, protected, False))
        return work

    def reopen(
        self, before: "frozenset[tuple[str, int, int]]", closed: "frozenset[tuple[str, int, int]]"
    ) -> "list[Message]":
        """Those that were closed `before` are open now, but for those that are closed."""
        opened = [nft.way(*entry) for entry in self._entries() if entry in before and entry not in closed]
        shut = [nft.way(*entry) for entry in self._entries() if entry in closed and entry not in before]
        work = [nftables.add_keys(self.table, _OPEN, opened)] if opened else []
        return work + ([nftables.delete_keys(self.table, _OPEN, shut)] if shut else [])

    def _entries(self) -> "list[tuple[str, int, int]]":
        return [(name, family, protocol) for name in self._interfaces for family, protocol in WAYS]

    def _changed(self, name: str, standing: "dict[bytes, int]", wanted: "dict[bytes, int]") -> "list[Message]":
        """A new mark for a device is a removal and an addition."""
        gone = sorted([mac for mac, mark in standing.items() if wanted.get(mac) != mark])
        new = sorted([(mac, mark) for mac, mark in wanted.items() if standing.get(mac) != mark])
        work = []
        if gone:
            work.append(nftables.delete_keys(self.table, name, gone))
        if new:
            work.append(nftables.add_marks(self.table, name, new))
        return work

    def disarm(self) -> "list[Message]":
        return [nftables.delete_table(self.table)]

    def flush(self) -> Message:
        """Ends every redirected flow of every device."""
        return conntrack.flush(self._layout.tag, self._layout.tag_mask)

    def flush_device(self, mark: int) -> Message:
        """Ends the redirected flows of one device since one `on`."""
        return conntrack.flush(mark, self._layout.mask)

    def rules(self) -> "list[tuple[str, bytes]]":
        """(chain, expressions) in their order."""
        rules = []
        for protocol in (nft.UDP, nft.TCP):
            rules.append((_STEER, self._redirected(protocol)))
            rules.append((_ARRIVE, self._direct(protocol)))
        tcp = [self._syn()] + self._strays() + [self._segment()]
        for expressions in [self._datagram_unchecked(), self._datagram()] + tcp:
            rules.append((_ARRIVE, expressions))
        for protocol in (nft.UDP, nft.TCP):
            rules.append((_LEAVE, self._answer(protocol)))
        return rules + [(FORWARD, expressions) for expressions in self._unsteered()]

    # --- prerouting

    def _redirected(self, protocol: int) -> bytes:
        elsewhere = nft.route_type() + nft.equals(nft.host32(nft.UNICAST))
        return (
            _to_port(protocol, DNS)
            + _FROM_OPEN
            + elsewhere
            + _MARK_OF_SENDER
            + nft.ct_set(nft.CT_MARK)
            + nft.redirect()
        )

    # --- input

    def _direct(self, protocol: int) -> bytes:
        closed = nft.refuse_tcp() if protocol == nft.TCP else nft.refuse()
        return _to_port(protocol, self._port) + _NOT_FROM_SELF + closed

    def _datagram(self) -> bytes:
        return _to_port(nft.UDP, DNS) + _FROM_LAN + _MARK_OF_SENDER + nft.meta_set(nft.MARK) + self._to_agent(nft.UDP)

    def _datagram_unchecked(self) -> bytes:
        """A zero checksum means none (RFC 768); "corrected" it would be a wrong one."""
        query = _to_port(nft.UDP, DNS) + _FROM_LAN + _UNCHECKED
        return query + _MARK_OF_SENDER + nft.meta_set(nft.MARK) + self._to_agent(None)

    def _syn(self) -> bytes:
        flags = _FLAGS + nft.equals(_SYN)
        to_agent = nft.store(nft.LINK, 0, 4) + nft.immediate(SYN_MAGIC) + nft.store(nft.LINK, 4, 2)
        return _to_port(nft.TCP, DNS) + _FROM_LAN + flags + _MARK_OF_SENDER + nft.ct_set(nft.CT_MARK) + to_agent

    def _strays(self) -> "list[bytes]":
        """Segments of connections that began with somebody else. One that is redirected in its midst, because its entry
        was ended, goes on to port 53, where nobody knows it: its mark is a device's already."""
        segment = _to_port(nft.TCP, DNS) + _FROM_LAN + _FLAGS + nft.differs(_SYN) + _MARK_OF_SENDER
        device = nft.differs(nft.host32(self._layout.tag))
        new = nft.ct(nft.CT_STATE) + nft.masked(nft.host32(nft.CT_STATE_NEW)) + nft.differs(nft.host32(0))
        return self._cut(segment, self._signature() + device) + [segment + new + nft.back()]

    def _cut(self, segment: bytes, where: bytes) -> "list[bytes]":
        """The first segment becomes the server's reset, so that it does not wait for a client that is gone; the client
        sends it again, and is reset by the server, which knows of no connection."""
        cut = self._layout.state(_CUT_OFF)
        done = self._signature() + nft.equals(nft.host32(cut))
        noted = nft.mark_bits(nft.ct(nft.CT_MARK), nft.ct_set(nft.CT_MARK), self._layout.tag_mask, cut)
        reset = nft.immediate(_RST) + nft.store(nft.TRANSPORT, _OFFSET_AND_FLAGS, 2, _TCP_CHECKSUM)
        return [segment + done + nft.back(), segment + where + noted + reset + nft.back()]

    def _signature(self) -> bytes:
        return nft.ct(nft.CT_MARK) + nft.masked(nft.host32(self._layout.tag_mask))

    def _segment(self) -> bytes:
        begun_here = self._signature() + nft.equals(nft.host32(self._layout.tag))
        # Looked up with a result that nobody uses: Linux 6.1 takes a map for nothing else (EINVAL).
        return _to_port(nft.TCP, DNS) + _FROM_LAN + begun_here + _MARK_OF_SENDER + self._to_agent(nft.TCP)

    def _to_agent(self, protocol: "int | None") -> bytes:
        return _rewrite(_DESTINATION_PORT, self._port, protocol)

    # --- forward

    def _unsteered(self) -> "list[bytes]":
        """A connection to a resolver elsewhere that nobody redirected, because it began too early."""
        segment = _to_port(nft.TCP, DNS) + _FROM_OPEN + _FLAGS + nft.differs(_SYN) + _MARK_OF_SENDER
        nobodys = nft.ct(nft.CT_STATUS) + nft.masked(nft.host32(nft.DNAT)) + nft.equals(nft.host32(0))
        return self._cut(segment, nobodys)

    # --- output

    def _answer(self, protocol: int) -> bytes:
        listener = nft.meta(nft.MARK) + nft.equals(nft.host32(self._layout.tag))
        outside = nft.meta(nft.OIFNAME) + nft.differs(nft.interface("lo"))
        port = nft.load(nft.TRANSPORT, _SOURCE_PORT, 2) + nft.equals(nft.port(self._port))
        return listener + _is(protocol) + port + outside + _rewrite(_SOURCE_PORT, DNS, protocol)


def _chosen(marks: "dict[bytes, int]", macs: "frozenset[bytes]", inside: bool) -> "dict[bytes, int]":
    return {mac: mark for mac, mark in marks.items() if (mac in macs) == inside}


def _is(protocol: int) -> bytes:
    return nft.meta(nft.L4PROTO) + nft.equals(bytes([protocol]))


def _to_port(protocol: int, port: int) -> bytes:
    return _is(protocol) + nft.load(nft.TRANSPORT, _DESTINATION_PORT, 2) + nft.equals(nft.port(port))


def _rewrite(offset: int, port: int, protocol: "int | None") -> bytes:
    """`protocol` says which checksum to correct; None for none."""
    checksum = None if protocol is None else _CHECKSUM[protocol]
    return nft.immediate(nft.port(port)) + nft.store(nft.TRANSPORT, offset, 2, checksum)


_ON_ETHERNET = nft.meta(nft.IIFTYPE) + nft.equals(nft.host16(nft.ETHERNET))
_FROM_LAN = nft.meta(nft.IIFNAME) + nft.within(_LAN) + _ON_ETHERNET
_FROM_OPEN = nft.interface_and_way() + nft.within(_OPEN) + _ON_ETHERNET
_NOT_FROM_SELF = nft.meta(nft.IIFNAME) + nft.differs(nft.interface("lo"))
_MARK_OF_SENDER = nft.load(nft.LINK, 6, 6) + nft.mapped(_MAP)
_FLAGS = nft.load(nft.TRANSPORT, _TCP_FLAGS, 1) + nft.masked(_FIN_SYN_RST_ACK)
_UNCHECKED = nft.load(nft.TRANSPORT, _UDP_CHECKSUM, 2) + nft.equals(bytes(2))
