"""The rules that bring the first packets of added devices' web connections to the agent, in the switch's own table.

`queued` maps protected devices to their marks, `logged` those with history only. As `nft list` would show them:

    chain forward { type filter hook forward priority 200;   # of what the firewall lets through
      meta mark != FRESH jump verdict
      ct mark DONE jump done                                 # all but the first packets
      tcp dport @web iifname @lan oifname != @lan jump judge
      ...                                                    # the ways around that are refused, see `Around`
      udp dport @web iifname @lan oifname != @lan ether saddr @queued @th,64,8 ... ct mark set REFUSED reject
      ct mark REFUSED  iifname @lan ether saddr @queued meta l4proto udp @th,64,8 & 0x40 != 0 reject
      ct mark REFUSED  iifname @lan ether saddr @queued tcp flags & rst == 0 reject with tcp reset
      ct mark ANSWERED iifname @lan ether saddr @queued tcp flags & fin != 0 reject with tcp reset
      ct mark ANSWERED iifname @lan ether saddr @queued drop   # a reset would take the page from its reader
    }
    chain verdict {                                          # the agent's stands in the packet's mark
      MARK IN SOURCE meta mark DONE    ct mark set DONE    meta mark clean accept
      MARK IN SOURCE meta mark REFUSED ct mark set REFUSED meta mark clean reject with tcp reset
      MARK IN SOURCE meta mark ANSWERED ct mark set ANSWERED drop
    }
    chain done {                                             # resolvers that were not refused when it was judged
      th dport != 443 accept
      ip daddr @resolvers4 meta l4proto tcp iifname @lan oifname != @lan ether saddr @queued reject with tcp reset
      ...                                                    # the same of @resolvers6
      accept
    }
    chain judge {
      meta length <= 80 tcp flags & psh == 0 return          # carries nothing
      ct mark FRESH  ether saddr @queued  MARK IN SOURCE  queue to N bypass
      ct mark SEEN_2 ether saddr @logged  ct mark set DONE    MARK IN SOURCE  log group N
      ct mark SEEN_1 ...  ct mark set SEEN_2 ...             # so at most three packets of a connection are copied
      ct mark FRESH  ...  ct mark set SEEN_1 ...
    }

The agent's verdict sends a packet through the same chain once more (NF_REPEAT), so all of it hangs at one hook: bulk
data of a judged connection meets the agent's table once, and three to six short rules there. A queued packet that is
let go without a verdict does not come back.

Who sent a packet, and since which `on`, is written over its Ethernet source address, which has done its duty when a
packet is routed: a packet's mark belongs to other software on a router, and stays as it was.

A device is looked up in a map into a register also where its mark is not needed: Linux before 6.5 takes it only so.

What a connection has come to is kept in four bits of its own mark, which are also those of the switch's signature; none
of these values is the signature, so that ending redirected DNS flows never ends a connection.
"""

import struct

from agent.core import expressions as nft
from agent.core import nftables, quic
from agent.core.addresses import parse
from agent.core.marks import Layout
from agent.core.model import Value
from agent.core.netlink import HOST, Message
from agent.core.nft import nfqueue

# What a connection has come to, in the four bits of the signature.
FRESH, SEEN_1, SEEN_2, DONE, REFUSED, ANSWERED = 0b0000, 0b1000, 0b1100, 0b1001, 0b1101, 0b1011
MAGIC = b"PA"

QUEUED, LOGGED = "queued", "logged"
_LAN, _WEB, _RESOLVERS4, _RESOLVERS6 = "lan", "web", "resolvers4", "resolvers6"
FORWARD = "forward"  # the chain that whoever owns the table makes
_VERDICT, _DONE, _JUDGE = "verdict", "done", "judge"
_RESOLVERS = ((nft.INET4, _RESOLVERS4, 4, 16), (nft.INET6, _RESOLVERS6, 16, 24))

WEB_PORTS = (80, 443)
_TLS, _DNS_OVER_TLS = 443, 853
# An acknowledgement with every option is shorter over IPv4 and rarely longer over IPv6; what carries less says nothing.
_BARE_MAX = 80
_DESTINATION_PORT, _TCP_FLAGS = 2, 13
_PSH, _RST, _FIN = b"\x08", b"\x04", b"\x01"
_MARK_AND_MAGIC = HOST + "I2s"
_SOURCE_AT = 6  # of an Ethernet header


class BypassRules(Value):
    """The ways around that are refused to protected devices: each a setting of the household."""

    __slots__ = ("quic", "encrypted_dns", "resolvers")

    def __init__(self, quic: bool = False, encrypted_dns: bool = False, resolvers: "tuple[str, ...]" = ()) -> None:
        self.quic = quic
        self.encrypted_dns = encrypted_dns
        self.resolvers = resolvers  # addresses of resolvers that are known to speak DNS over HTTPS


class Inspection(Value):
    """What leads connections here. `by_target`: queued by the x_tables target, for kernels without the expression."""

    __slots__ = ("number", "copy_bytes", "by_target", "around")

    def __init__(
        self, number: int, copy_bytes: int = 4096, by_target: bool = False, around: "BypassRules | None" = None
    ) -> None:
        self.number = number  # of the queue, and of the log's group
        self.copy_bytes = copy_bytes
        self.by_target = by_target
        self.around = around or BypassRules()

    def stand(self, table: str, id: int, layout: Layout) -> "list[Message]":
        """Maps, sets, chains and rules for a table that has the set of LAN interfaces and an empty chain FORWARD; `id`
        is the first one unused."""
        work = [nftables.new_mark_map(table, QUEUED, id), nftables.new_mark_map(table, LOGGED, id + 1)]
        work += [
            nftables.new_port_set(table, _WEB, id + 2),
            nftables.add_keys(table, _WEB, [nft.port(p) for p in WEB_PORTS]),
        ]
        work += self._resolvers(table, id + 3)
        work += [nftables.new_part(table, part) for part in (_VERDICT, _DONE, _JUDGE)]
        return work + [nftables.new_rule(table, chain, expressions) for chain, expressions in self.rules(layout)]

    def _resolvers(self, table: str, id: int) -> "list[Message]":
        work = []
        for at, (_, name, size, _) in enumerate(_RESOLVERS):
            packed = sorted({parse(text) for text in self.around.resolvers})
            keys = [address for address in packed if len(address) == size]
            work.append(nftables.new_address_set(table, name, id + at, size))
            if keys:
                work.append(nftables.add_keys(table, name, keys))
        return work

    def rules(self, layout: Layout) -> "list[tuple[str, bytes]]":
        """(chain, expressions) in their order."""
        marks = _Marks(layout)
        chains = (
            (FORWARD, self._forward(marks)),
            (_VERDICT, _verdict(marks)),
            (_DONE, self._done()),
            (_JUDGE, self._judge(marks)),
        )
        return [(chain, expressions) for chain, rules in chains for expressions in rules]

    def _forward(self, marks: "_Marks") -> "list[bytes]":
        rules = [
            marks.marked() + nft.jump(_VERDICT),
            marks.come_to(DONE) + nft.jump(_DONE),
            _is(nft.TCP) + _PORT + nft.within(_WEB) + _OUTBOUND + nft.jump(_JUDGE),
        ]
        return rules + self._around(marks) + _stragglers(marks)

    def _judge(self, marks: "_Marks") -> "list[bytes]":
        queue = nfqueue.queue_by_target(self.number) if self.by_target else nfqueue.queue(self.number)
        log = nfqueue.log(self.number, self.copy_bytes)
        rules = [nft.meta(nft.LENGTH) + nft.at_most(_BARE_MAX) + _flag(_PSH, set=False) + nft.back()]
        rules.append(marks.come_to(FRESH) + _SENDER + nft.mapped(QUEUED) + _MARK_INTO_SOURCE + queue)
        for before, after in ((SEEN_2, DONE), (SEEN_1, SEEN_2), (FRESH, SEEN_1)):
            known = marks.come_to(before) + _SENDER + nft.mapped(LOGGED)
            rules.append(
                known + marks.becomes(after) + _SENDER + nft.mapped(LOGGED) + _MARK_INTO_SOURCE + log + nft.back()
            )
        return rules

    def _done(self) -> "list[bytes]":
        rules = []
        if self.around.encrypted_dns:
            # What a server sends is through after the first rule.
            rules.append(_PORT + nft.differs(nft.port(_TLS)) + nft.accept())
            rules += [to + _is(nft.TCP) + _PROTECTED + nft.refuse_tcp() for to in _to_resolvers()]
        return rules + [nft.accept()]

    def _around(self, marks: "_Marks") -> "list[bytes]":
        rules = []
        if self.around.encrypted_dns:
            rules += _both(nft.equals(nft.port(_DNS_OVER_TLS)) + _PROTECTED)
            for to in _to_resolvers():
                rules += _both(nft.equals(nft.port(_TLS)) + to + _PROTECTED)
        if self.around.quic:
            counted = _SENDER + nft.mapped(QUEUED) + _MARK_INTO_SOURCE + nfqueue.log(self.number, self.copy_bytes)
            for initial in _initials():
                rules.append(_is(nft.UDP) + _PORT + nft.within(_WEB) + _OUTBOUND + initial + counted + nft.refuse())
            later = _is(nft.UDP) + _PORT + nft.within(_WEB) + _OUTBOUND + _later_quic() + _SENDER + nft.mapped(QUEUED)
            rules.append(later + marks.becomes(REFUSED) + nft.refuse())
        return rules


def _later_quic() -> bytes:
    """A packet of a QUIC connection that was open before protection was on, also from a new port (RFC 9000 section 9).

    Its first byte is 64 to 127, as that of TURN's channels and of some of OpenVPN's is (64 to 79, 80, 88), which pass.
    Two of its bits are masked at random, so about one in two packets tells (RFC 9443 section 3). The first one that
    does ends the flow.
    """
    first = nft.load(nft.TRANSPORT, 8, 1)
    size = nft.load(nft.TRANSPORT, 4, 2) + nft.at_least(nft.port(8 + quic.SHORT_MIN))
    kind = first + nft.masked(b"\xc0") + nft.equals(b"\x40") + first + nft.masked(b"\x30") + nft.differs(b"\0")
    return kind + first + nft.masked(b"\xf7") + nft.differs(b"\x50") + size


def _initials() -> "list[bytes]":
    """A client's first packet of QUIC (see core/quic.py): WireGuard, DTLS and STUN begin otherwise, and pass."""
    udp = nft.load(nft.TRANSPORT, 4, 2) + nft.at_least(nft.port(8 + quic.DATAGRAM_MIN))
    size = nft.load(nft.TRANSPORT, 13, 1)
    udp += size + nft.at_least(bytes([quic.ID_MIN])) + size + nft.no_more_than(bytes([quic.ID_MAX]))
    kind, version = nft.load(nft.TRANSPORT, 8, 1) + nft.masked(b"\xf0"), nft.load(nft.TRANSPORT, 9, 4)
    second = version + nft.equals(quic.VERSION_2)
    return [
        kind + nft.equals(b"\xc0") + version + nft.differs(bytes(4)) + udp,
        kind + nft.equals(b"\xd0") + second + udp,
    ]


def _to_resolvers() -> "list[bytes]":
    """Packets to resolvers that are known by address, of either family."""
    return [
        nft.meta(nft.NFPROTO) + nft.equals(bytes([family])) + nft.load(nft.NETWORK, offset, size) + nft.within(name)
        for family, name, size, offset in _RESOLVERS
    ]


def _stragglers(marks: "_Marks") -> "list[bytes]":
    """Later packets of refused connections."""
    stragglers = _FROM_LAN + _SENDER + nft.mapped(QUEUED)
    return [
        marks.come_to(REFUSED) + stragglers + _is(nft.UDP) + _QUIC + nft.refuse(),
        marks.come_to(REFUSED) + stragglers + _flag(_RST, set=False) + nft.refuse_tcp(),
        marks.come_to(ANSWERED) + stragglers + _flag(_FIN, set=True) + nft.refuse_tcp(),
        marks.come_to(ANSWERED) + stragglers + nft.drop(),
    ]


def _verdict(marks: "_Marks") -> "list[bytes]":
    clean = marks.clean()
    return [
        marks.judged(DONE) + marks.becomes(DONE) + clean + nft.accept(),
        marks.judged(REFUSED) + marks.becomes(REFUSED) + clean + nft.refuse_tcp(),
        marks.judged(ANSWERED) + marks.becomes(ANSWERED) + clean + nft.drop(),
    ]


def sender(source: bytes) -> "int | None":
    """The mark of whom a packet that one of these rules sent up is from, by its source address; or None."""
    if len(source) != 6:
        return None
    mark: int
    mark, magic = struct.unpack(_MARK_AND_MAGIC, source)
    return mark if magic == MAGIC else None


def _both(condition: bytes) -> "list[bytes]":
    """The refusal of what fits the condition (over the destination port) over TCP and over UDP."""
    return [_is(nft.TCP) + _PORT + condition + nft.refuse_tcp(), _is(nft.UDP) + _PORT + condition + nft.refuse()]


def _is(protocol: int) -> bytes:
    return nft.meta(nft.L4PROTO) + nft.equals(bytes([protocol]))


class _Marks:
    """Expressions about what a connection has come to, under one layout of marks."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def come_to(self, state: int) -> bytes:
        """Match connections whose mark has this verdict."""
        return nft.ct(nft.CT_MARK) + self._is(state)

    def becomes(self, state: int) -> bytes:
        return nft.mark_bits(nft.ct(nft.CT_MARK), nft.ct_set(nft.CT_MARK), *self._bits(state))

    def clean(self) -> bytes:
        return nft.mark_bits(nft.meta(nft.MARK), nft.meta_set(nft.MARK), *self._bits(FRESH))

    def marked(self) -> bytes:
        """A packet that somebody has marked where the agent's verdict would be."""
        mask, fresh = self._bits(FRESH)
        return nft.meta(nft.MARK) + nft.masked(nft.host32(mask)) + nft.differs(nft.host32(fresh))

    def judged(self, verdict: int) -> bytes:
        """A packet that came from the agent with this verdict: nobody else's has a mark in its source address."""
        there = nft.load(nft.LINK, _SOURCE_AT, 6) + nft.masked(nft.host32(self._layout.tag_mask) + b"\xff\xff")
        ours = there + nft.equals(nft.host32(self._layout.tag) + MAGIC)
        return nft.meta(nft.MARK) + self._is(verdict) + ours

    def _is(self, state: int) -> bytes:
        mask, value = self._bits(state)
        return nft.masked(nft.host32(mask)) + nft.equals(nft.host32(value))

    def _bits(self, state: int) -> "tuple[int, int]":
        return self._layout.tag_mask, self._layout.state(state)


def _flag(flag: bytes, set: bool) -> bytes:
    load = nft.load(nft.TRANSPORT, _TCP_FLAGS, 1) + nft.masked(flag)
    return load + (nft.differs(b"\0") if set else nft.equals(b"\0"))


_PORT = nft.load(nft.TRANSPORT, _DESTINATION_PORT, 2)
# The bit that is set in each packet of QUIC, and in none of WireGuard's, DTLS's, STUN's and RTP's (RFC 9443).
_QUIC = nft.load(nft.TRANSPORT, 8, 1) + nft.masked(b"\x40") + nft.differs(b"\0")
_FROM_LAN = nft.meta(nft.IIFNAME) + nft.within(_LAN) + nft.meta(nft.IIFTYPE) + nft.equals(nft.host16(nft.ETHERNET))
_OUTBOUND = _FROM_LAN + nft.meta(nft.OIFNAME) + nft.without(_LAN)
_SENDER = nft.load(nft.LINK, _SOURCE_AT, 6)
_PROTECTED = _OUTBOUND + _SENDER + nft.mapped(QUEUED)
_MARK_INTO_SOURCE = nft.store(nft.LINK, _SOURCE_AT, 4) + nft.immediate(MAGIC) + nft.store(nft.LINK, _SOURCE_AT + 4, 2)
