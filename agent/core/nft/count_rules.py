"""The rule that counts what devices send to the internet: how many packets and bytes, and nothing else of them.

It stands in the switch's own table while somebody is counted. As `nft list` would show it:

    set counted { type ether_addr; counter }
    chain count { type filter hook forward priority 201;     # after everything that may stop a packet
      iifname @lan iiftype ether oifname != @near ether saddr @counted }

What is held, blocked or waits for a verdict is not counted: a phone that tries all night is in nobody's hand. A new
element starts at 0, so nothing from before an `on` is counted. Packets that a flow table takes pass no chain.
"""

from agent.core import expressions as nft
from agent.core import nftables
from agent.core.netlink import Message, NetlinkReply
from agent.core.nft.teardown import TABLE

COUNTED, NEAR = "counted", "near"
_LAN, _COUNT = "lan", "count"
_AFTER_FORWARD = 201
_FIRST_ID = 40  # after those of core/nft/hold_rules.py


class CountRules:
    """For these LAN interfaces; what is routed to one of `local` stays in the house."""

    def __init__(self, interfaces: "list[str]", local: "tuple[str, ...]" = (), table: str = TABLE) -> None:
        self._near = sorted(set(interfaces) | set(local))
        self._table = table

    def change(self, standing: "frozenset[bytes]", wanted: "frozenset[bytes]") -> "list[Message]":
        """What counts `wanted` where `standing` were counted."""
        if not standing:
            return self.stand(wanted) if wanted else []
        if not wanted:
            sets = [nftables.delete_set(self._table, name) for name in (COUNTED, NEAR)]
            return [nftables.delete_chain(self._table, _COUNT)] + sets
        gone, new = sorted(standing - wanted), sorted(wanted - standing)
        work = [nftables.delete_keys(self._table, COUNTED, gone)] if gone else []
        return work + ([nftables.add_keys(self._table, COUNTED, new)] if new else [])

    def stand(self, wanted: "frozenset[bytes]") -> "list[Message]":
        """All of it, for a table that has the set of LAN interfaces."""
        table = self._table
        return [
            nftables.new_counting_set(table, COUNTED, _FIRST_ID),
            nftables.add_keys(table, COUNTED, sorted(wanted)),
            nftables.new_interface_set(table, NEAR, _FIRST_ID + 1),
            nftables.add_keys(table, NEAR, [nft.interface(name) for name in self._near]),
            nftables.new_chain(table, _COUNT, "filter", nftables.FORWARD, _AFTER_FORWARD),
            nftables.new_rule(table, _COUNT, _OUTBOUND + nft.load(nft.LINK, 6, 6) + nft.within(COUNTED)),
        ]

    def ask(self) -> Message:
        return nftables.elements(self._table, COUNTED)

    @staticmethod
    def counts(answers: "list[NetlinkReply]") -> "dict[bytes, tuple[int, int]]":
        """MAC → packets and bytes since its element was made. BadInput."""
        found = [one for answer in answers for one in nftables.counts_of(answer)]
        return {mac: (packets, size) for mac, packets, size in found}


_ETHERNET = nft.meta(nft.IIFTYPE) + nft.equals(nft.host16(nft.ETHERNET))
_OUTBOUND = nft.meta(nft.IIFNAME) + nft.within(_LAN) + _ETHERNET + nft.meta(nft.OIFNAME) + nft.without(NEAR)
