"""What stands in the kernel, read with pyroute2: tables, chains, rules, sets, flow tables, links, routing rules."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.nfnetlink import nftsocket

from agent.control.messages import Row
from agent.core.nft.teardown import TABLE
from agent.jobs.doctor.rules import PREROUTING, NftChain, NftRule, attributes, expressions, value_of

_FAMILIES = {1: "inet", 2: "ip", 10: "ip6"}


class Witness:
    """What nftables, links and routing rules are now. OSError, NetlinkError where they may not be read."""

    def __init__(self) -> None:
        self.tables: dict[str, int] = {}
        self.chains: list[NftChain] = []
        self.rules: list[NftRule] = []
        self.flowtables: list[str] = []
        self._sets: dict[tuple[str, str], dict[bytes, bytes]] = {}
        for family in _FAMILIES:
            self._read_nftables(family)
        with IPRoute() as ip:
            self.links = [_link(message) for message in ip.get_links()]
            routes = ip.get_default_routes(family=socket.AF_INET6)
            by_index = {message["index"]: str(message.get_attr("IFLA_IFNAME")) for message in ip.get_links()}
            # Interfaces of a default route of IPv6.
            self.outside = {by_index.get(route.get_attr("RTA_OIF"), "") for route in routes} - {""}
            self.policies = [
                (number_of(rule.get_attr("FRA_FWMARK")), rule.get_attr("FRA_FWMASK"))
                for family in (socket.AF_INET, socket.AF_INET6)
                for rule in ip.get_rules(family=family)
            ]

    def _read_nftables(self, family: int) -> None:
        with nftsocket.NFTSocket(nfgen_family=family) as sock:
            for message in sock.request_get(nftsocket.nft_table_msg(), nftsocket.NFT_MSG_GETTABLE):
                found = attributes(message)
                self.tables[_named(family, found["NFTA_TABLE_NAME"])] = number_of(found.get("NFTA_TABLE_FLAGS"))
            for message in sock.request_get(nftsocket.nft_chain_msg(), nftsocket.NFT_MSG_GETCHAIN):
                self._take_chain(family, attributes(message))
            for message in sock.request_get(nftsocket.nft_rule_msg(), nftsocket.NFT_MSG_GETRULE):
                found = attributes(message)
                table = _named(family, found["NFTA_RULE_TABLE"])
                self.rules.append(NftRule(table, str(found["NFTA_RULE_CHAIN"]), expressions(message)))
            for message in sock.request_get(nftsocket.nft_flowtable_msg(), nftsocket.NFT_MSG_GETFLOWTABLE):
                self.flowtables.append(str(attributes(message).get("NFTA_FLOWTABLE_NAME")))

    def _take_chain(self, family: int, found: Row) -> None:
        hook = attributes(found.get("NFTA_CHAIN_HOOK"))
        if hook:
            self.chains.append(
                NftChain(
                    _named(family, found["NFTA_CHAIN_TABLE"]),
                    str(found["NFTA_CHAIN_NAME"]),
                    str(found.get("NFTA_CHAIN_TYPE")),
                    number_of(hook["NFTA_HOOK_HOOKNUM"]),
                    number_of(hook["NFTA_HOOK_PRIORITY"]),
                    number_of(found.get("NFTA_CHAIN_POLICY", 1)),
                )
            )

    def elements(self, table: str, name: str) -> dict[bytes, bytes]:
        """Key → value of a set or map, "" for a set's; empty when there is none."""
        if (table, name) not in self._sets:
            self._sets[table, name] = dict(_elements(table, name))
        return self._sets[table, name]

    def foreign(self) -> list[NftRule]:
        return [rule for rule in self.rules if rule.table != OURS]

    def priority(self, rule: NftRule) -> int | None:
        """Of the destination NAT chain that the rule is in or is most likely called from; None for no such chain."""
        chains = [chain for chain in self.chains if chain.table == rule.table and chain.kind == "nat"]
        chains = [chain for chain in chains if chain.hook == PREROUTING]
        own = [chain.priority for chain in chains if chain.name == rule.chain]
        return min(own or [chain.priority for chain in chains], default=None)


def number_of(value: object) -> int:
    return value if isinstance(value, int) else 0


def _named(family: int, name: object) -> str:
    return f"{_FAMILIES[family]} {name}"


OURS = _named(1, TABLE)


def _elements(table: str, name: str) -> Iterator[tuple[bytes, bytes]]:
    family, _, short = table.partition(" ")
    number = next(key for key, value in _FAMILIES.items() if value == family)
    message = nftsocket.nft_set_elem_list_msg()
    message["attrs"] = [("NFTA_SET_ELEM_LIST_TABLE", short), ("NFTA_SET_ELEM_LIST_SET", name)]
    try:
        with nftsocket.NFTSocket(nfgen_family=number) as sock:
            for part in sock.request_get(message, nftsocket.NFT_MSG_GETSETELEM):
                listed = attributes(part).get("NFTA_SET_ELEM_LIST_ELEMENTS", [])
                for item in listed if isinstance(listed, list) else []:
                    inner = attributes(item)
                    yield value_of(inner.get("NFTA_SET_ELEM_KEY")), value_of(inner.get("NFTA_SET_ELEM_DATA"))
    except NetlinkError:
        return


def _link(message: object) -> tuple[str, int, bool, str]:
    """(name, type, up, kind) of an interface."""
    found = attributes(message)
    kind = attributes(found.get("IFLA_LINKINFO")).get("IFLA_INFO_KIND")
    assert isinstance(message, dict)
    return str(found["IFLA_IFNAME"]), number_of(message["ifi_type"]), message["state"] == "up", str(kind or "")
