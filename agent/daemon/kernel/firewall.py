"""Where the router's firewall lets DNS in, or another service of the router. It is asked for its rules again only after
somebody has changed some."""

from __future__ import annotations

from agent.core.model import BadInput
from agent.core.nft import firewall_path
from agent.core.nft.dns_redirect import DNS, WAYS
from agent.core.nft.firewall_path import InputChain, PathWalk
from agent.core.nft.set_elements import SetElement
from agent.core.nft.teardown import TABLE
from agent.daemon.kernel.netfilter import Netfilter
from agent.platform.cmodules import socket

Place = tuple[int, str, str]  # family, table, and the name of a chain or set
Rules = list[list[tuple[str, dict[int, bytes]]]]
Elements = list[SetElement]


class Firewall:
    """`closed` says as what a query surely gets nowhere: (interface, family, protocol). In doubt it gets in."""

    def __init__(
        self,
        netfilter: Netfilter,
        interfaces: list[str],
        port: int = DNS,
        ways: tuple[tuple[int, int], ...] = WAYS,
    ) -> None:
        self._port = port
        self._ways = ways
        self._netfilter = netfilter
        self._interfaces = interfaces
        self._generation = b""
        # What stands in each chain and set, asked for once a look.
        self._rules: dict[Place, Rules] = {}
        self._elements: dict[Place, Elements] = {}
        self.closed: frozenset[tuple[str, int, int]] = frozenset()

    def look(self) -> bool:
        """Reads the rules if they have changed; whether `closed` is another. NetfilterError."""
        generation = firewall_path.generation_of(self._netfilter.ask(firewall_path.generation()))
        if generation == self._generation:
            return False
        before = self.closed
        try:
            chains = firewall_path.chains_of(self._netfilter.ask(firewall_path.chains()), TABLE)
            self.closed = frozenset([entry for name in self._interfaces for entry in self._closed_of(name, chains)])
        except BadInput:
            self.closed = frozenset()
        finally:
            self._rules.clear()
            self._elements.clear()
        self._generation = generation
        return self.closed != before

    def _closed_of(self, name: str, chains: list[InputChain]) -> list[tuple[str, int, int]]:
        try:
            index = socket.if_nametoindex(name)
        except OSError:
            return []
        return [
            (name, *way)
            for way in self._ways
            if any(self._walk(name, index, way, chain).closed(chain) for chain in chains)
        ]

    def _walk(self, name: str, index: int, way: tuple[int, int], chain: InputChain) -> PathWalk:
        family, table = chain.family, chain.table

        def rules_of(chain_name: str) -> Rules:
            place = (family, table, chain_name)
            if place not in self._rules:
                self._rules[place] = firewall_path.rules_of(self._netfilter.ask(firewall_path.rules(*place)))
            return self._rules[place]

        def elements_of(set_name: str) -> Elements:
            place = (family, table, set_name)
            if place not in self._elements:
                self._elements[place] = firewall_path.elements_of(self._netfilter.ask(firewall_path.elements(*place)))
            return self._elements[place]

        return PathWalk(name, index, way, True, rules_of, elements_of, self._port)
