"""The rules that hold devices: nothing of theirs goes out, but to the house, to helplines and for calls over Wi-Fi.

They stand in the switch's own table while somebody is held, and not at all otherwise. As `nft list` would show them:

    chain portal { type nat hook prerouting priority -106;   # before `steer`; there with a page only
      tcp dport 80 iifname . nfproto . l4proto @paged iiftype ether ether saddr @held
        fib daddr type unicast fib daddr oifname != @local ip daddr != @spared4
        ct mark set TAG redirect to :PAGE }                  # ip6 alike
    chain gate { type filter hook forward priority 199;      # before `forward`, which is as it was
      iifname @lan iiftype ether oifname != @local ether saddr @held jump hold }
    chain hold {
      ip daddr @spared4 tcp dport 80 update @spared4 { ip daddr timeout 5m } accept   # goes on to `forward`
      ip daddr @calls4 udp dport 500 update @calls4 { ip daddr timeout 5m } accept    # 443, 4500, ip6, ESP alike
      add @elsewhere { oifname }                           # `status` asks whose network that is
      meta l4proto tcp reject with tcp reset
      reject }

`held` are MACs. What `spared` and `calls` have was just told to somebody who is held; they don't say to whom, so that
nobody learns who asked for a helpline. An address stays for as long as it is talked to: a call over Wi-Fi is one flow
for hours. Whether a spared connection names whom it may is for those who judge it in `forward`.

The rules know nothing of time, and nothing of connections: who is held is so in the midst of one, and its entries in
conntrack are for the daemon to end, since what comes from outside does not bear the device's MAC yet.
"""

from agent.core import conntrack, nftables
from agent.core import expressions as nft
from agent.core.marks import DEFAULT, Layout
from agent.core.netlink import Message, NetlinkReply
from agent.core.nft.teardown import TABLE

HELD, LOCAL, PAGED, ELSEWHERE = "held", "local", "paged", "elsewhere"
SPARED = {4: "spared4", 16: "spared6"}
CALLS = {4: "calls4", 16: "calls6"}
ADDRESSES_MAX = 512  # of each set of addresses; a name has a dozen
INTERFACES_MAX = 16
STAYS_S = 300  # after it was told, or talked to

_LAN = "lan"
_PORTAL, _GATE, _HOLD = "portal", "gate", "hold"
_BEFORE_STEER, _BEFORE_FORWARD = -106, 199
_FAMILIES = ((nft.INET4, 4, 16), (nft.INET6, 16, 24))  # family, bytes of an address, where the destination is
WAYS = tuple([(family, nft.TCP) for family, _, _ in _FAMILIES])  # in which the page is asked for
_HTTP = 80
_WEB = (_HTTP, 443)
_IPSEC = (500, 4500)
_FIRST_ID = 20  # the numbers before are the rest of the table's


class HoldingRules:
    """For these LAN interfaces. What is routed to one of `local` stays in the house. `page_port` is where a plain
    request is led to, None where it is reset like everything else."""

    def __init__(
        self,
        interfaces: "list[str]",
        local: "tuple[str, ...]" = (),
        page_port: "int | None" = None,
        layout: Layout = DEFAULT,
        table: str = TABLE,
    ) -> None:
        self._interfaces = sorted(set(interfaces))
        self._local = sorted(set(interfaces) | set(local))
        self.page_port = page_port
        self._layout = layout
        self._table = table

    def change(
        self,
        standing: "frozenset[bytes]",
        wanted: "frozenset[bytes]",
        closed: "frozenset[tuple[str, int, int]]" = frozenset(),
    ) -> "list[Message]":
        """What holds `wanted` where `standing` were held. `closed`: as what (interface, family, protocol) the page
        can't be reached."""
        if not standing:
            return self.stand(wanted, closed) if wanted else []
        if not wanted:
            return self._fall()
        gone, new = sorted(standing - wanted), sorted(wanted - standing)
        work = [nftables.delete_keys(self._table, HELD, gone)] if gone else []
        return work + ([nftables.add_keys(self._table, HELD, new)] if new else [])

    def stand(
        self, wanted: "frozenset[bytes]", closed: "frozenset[tuple[str, int, int]]" = frozenset()
    ) -> "list[Message]":
        """All of it, for a table that has the set of LAN interfaces."""
        table = self._table
        work = [
            nftables.new_mac_set(table, HELD, _FIRST_ID),
            nftables.add_keys(table, HELD, sorted(wanted)),
            nftables.new_interface_set(table, LOCAL, _FIRST_ID + 1),
            nftables.add_keys(table, LOCAL, [nft.interface(name) for name in self._local]),
        ]
        for at, (name, size) in enumerate(_passing()):
            work.append(nftables.new_passing_set(table, name, _FIRST_ID + 2 + at, size, ADDRESSES_MAX))
        work.append(nftables.new_met_set(table, ELSEWHERE, _FIRST_ID + 7, INTERFACES_MAX))
        if self.page_port is not None:
            work.append(nftables.new_way_set(table, PAGED, _FIRST_ID + 6))
            work += self.reopen(frozenset(self._entries()), closed)
            work.append(nftables.new_chain(table, _PORTAL, "nat", nftables.PREROUTING, _BEFORE_STEER))
        work.append(nftables.new_chain(table, _GATE, "filter", nftables.FORWARD, _BEFORE_FORWARD))
        work.append(nftables.new_part(table, _HOLD))
        return work + [nftables.new_rule(table, chain, expressions) for chain, expressions in self.rules()]

    def _fall(self) -> "list[Message]":
        """None of it, in the order in which one needs the other."""
        paged = self.page_port is not None
        chains = [_GATE, _HOLD] + ([_PORTAL] if paged else [])
        sets = [HELD, LOCAL, ELSEWHERE] + [name for name, _ in _passing()] + ([PAGED] if paged else [])
        work = [nftables.delete_chain(self._table, name) for name in chains]
        return work + [nftables.delete_set(self._table, name) for name in sets]

    def reopen(
        self, before: "frozenset[tuple[str, int, int]]", closed: "frozenset[tuple[str, int, int]]"
    ) -> "list[Message]":
        """The page is reached as what was closed `before`, but for what is closed now."""
        opened = [nft.way(*entry) for entry in self._entries() if entry in before and entry not in closed]
        shut = [nft.way(*entry) for entry in self._entries() if entry in closed and entry not in before]
        work = [nftables.add_keys(self._table, PAGED, opened)] if opened else []
        return work + ([nftables.delete_keys(self._table, PAGED, shut)] if shut else [])

    def _entries(self) -> "list[tuple[str, int, int]]":
        return [(name, family, nft.TCP) for name in self._interfaces for family, _, _ in _FAMILIES]

    def admit(self, names: "dict[int, str]", address: bytes) -> Message:
        """The address comes into SPARED or CALLS for STAYS_S."""
        return nftables.add_for(self._table, names[len(address)], [address], STAYS_S)

    def dismiss(self, names: "dict[int, str]", address: bytes) -> Message:
        return nftables.delete_keys(self._table, names[len(address)], [address])

    def ask_elsewhere(self) -> Message:
        return nftables.elements(self._table, ELSEWHERE)

    @staticmethod
    def elsewhere(answers: "list[NetlinkReply]") -> "list[str]":
        """The interfaces towards which somebody held was refused. BadInput."""
        keys = [key for answer in answers for key in nftables.keys_of(answer)]
        return sorted([key.rstrip(b"\0").decode() for key in keys])

    def flush_page(self) -> Message:
        """Ends the flows that were led to the page."""
        return conntrack.flush(self._layout.tag, self._layout.mask)

    def rules(self) -> "list[tuple[str, bytes]]":
        """(chain, expressions) in their order."""
        rules = [(_GATE, _OUTBOUND + _HELD + nft.jump(_HOLD))]
        for family, size, offset in _FAMILIES:
            if self.page_port is not None:
                rules.append((_PORTAL, self._led(family, size, offset)))
            spared, called = _to(family, size, offset, SPARED), _to(family, size, offset, CALLS)
            rules += [(_HOLD, spared + _to_port(nft.TCP, port) + _stay(size, offset, SPARED)) for port in _WEB]
            rules += [(_HOLD, called + _to_port(nft.UDP, port) + _stay(size, offset, CALLS)) for port in _IPSEC]
        # Behind IPv4's translation it is inside of UDP.
        rules.append((_HOLD, _to(nft.INET6, 16, 24, CALLS) + _is(nft.ESP) + _stay(16, 24, CALLS)))
        rules.append((_HOLD, nft.meta(nft.OIFNAME) + nft.note(ELSEWHERE)))
        return rules + [(_HOLD, _is(nft.TCP) + nft.refuse_tcp()), (_HOLD, nft.refuse())]

    def _led(self, family: int, size: int, offset: int) -> bytes:
        elsewhere = nft.route_type() + nft.equals(nft.host32(nft.UNICAST))
        elsewhere += nft.route_interface() + nft.without(LOCAL)
        # The family comes first: a set is asked for an address of its own.
        known = nft.meta(nft.NFPROTO) + nft.equals(bytes([family])) + nft.load(nft.NETWORK, offset, size)
        tagged = nft.immediate(nft.host32(self._layout.tag)) + nft.ct_set(nft.CT_MARK)
        page = nft.redirect_to(self.page_port or 0)
        http = _to_port(nft.TCP, _HTTP)
        return http + _PAGED + _HELD + elsewhere + known + nft.without(SPARED[size]) + tagged + page


def _passing() -> "list[tuple[str, int]]":
    return [(names[size], size) for names in (SPARED, CALLS) for size in (4, 16)]


def _is(protocol: int) -> bytes:
    return nft.meta(nft.L4PROTO) + nft.equals(bytes([protocol]))


def _to_port(protocol: int, port: int) -> bytes:
    return _is(protocol) + nft.load(nft.TRANSPORT, 2, 2) + nft.equals(nft.port(port))


def _to(family: int, size: int, offset: int, names: "dict[int, str]") -> bytes:
    known = nft.load(nft.NETWORK, offset, size) + nft.within(names[size])
    return nft.meta(nft.NFPROTO) + nft.equals(bytes([family])) + known


def _stay(size: int, offset: int, names: "dict[int, str]") -> bytes:
    return nft.load(nft.NETWORK, offset, size) + nft.renew(names[size], STAYS_S) + nft.accept()


_ETHERNET = nft.meta(nft.IIFTYPE) + nft.equals(nft.host16(nft.ETHERNET))
_OUTBOUND = nft.meta(nft.IIFNAME) + nft.within(_LAN) + _ETHERNET + nft.meta(nft.OIFNAME) + nft.without(LOCAL)
_PAGED = nft.interface_and_way() + nft.within(PAGED) + _ETHERNET
_HELD = nft.load(nft.LINK, 6, 6) + nft.within(HELD)
