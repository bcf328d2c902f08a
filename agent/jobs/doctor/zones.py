"""What a firewall's chains do with a packet that nobody sent, walked as the kernel would: with a DNS query that comes
in from an interface, or with a first packet from outside into the home network.

Conditions on anything but interface, protocol and port are not known of such a packet: a rule with one is passed over,
and so is what a limit keeps out or sends back.
"""

from __future__ import annotations

from agent.control.messages import Row
from agent.jobs.doctor.rules import DNS, PORT_SET, Expression, NftRule, attributes, value_of

ACCEPT, REJECT = "accept", "reject"
_DEPTH_MAX = 16  # jumps, as in the kernel
_UDP = b"\x11"
_VERDICTS = {"NF_ACCEPT": ACCEPT, "NF_DROP": REJECT}
# Expressions that decide nothing.
_LIMITS = ("limit", "connlimit", "quota")
_SILENT = ("counter", "log", "notrack", "objref", *_LIMITS)


class ProbeQuery:
    """The facts of a query by UDP over IPv4 that comes in by an interface."""

    def __init__(self, interface: str) -> None:
        self._meta = {
            "NFT_META_IIFNAME": interface.encode().ljust(16, b"\0"),
            "NFT_META_L4PROTO": _UDP,
            "NFT_META_NFPROTO": b"\x02",
        }

    def fact(self, expression: Expression) -> bytes | None:
        """What an expression loads, or None when that is not known."""
        name, data = expression
        if name == "meta":
            return self._meta.get(str(data.get("NFTA_META_KEY")))
        port = data.get("NFTA_PAYLOAD_OFFSET") == 2 and data.get("NFTA_PAYLOAD_LEN") == 2
        if name == "payload" and port and data.get("NFTA_PAYLOAD_BASE") == "NFT_PAYLOAD_TRANSPORT_HEADER":
            return DNS
        return None


class ProbeForwarded(ProbeQuery):
    """The facts of a first packet by UDP over IPv6 from one interface to another, to no port that a rule names."""

    def __init__(self, interface: str, towards: str) -> None:
        super().__init__(interface)
        self._meta["NFT_META_OIFNAME"] = towards.encode().ljust(16, b"\0")
        self._meta["NFT_META_NFPROTO"] = b"\x0a"

    def fact(self, expression: Expression) -> bytes | None:
        return None if expression[0] == "payload" else super().fact(expression)


class ZoneWalk:
    """The rules of one table by chain."""

    def __init__(self, rules: list[NftRule], query: ProbeQuery, keys_of: PORT_SET) -> None:
        self._chains: dict[str, list[NftRule]] = {}
        for rule in rules:
            self._chains.setdefault(rule.chain, []).append(rule)
        self._query = query
        self._keys_of = keys_of

    def through(self, chain: str, depth: int = 0) -> str | None:
        """ACCEPT, REJECT, or None when the query comes out at the chain's end."""
        for rule in self._chains.get(chain, []):
            verdict, target = self._of(rule)
            if verdict == "jump" and depth < _DEPTH_MAX:
                verdict = self.through(target, depth + 1)
            elif verdict == "return":
                return None
            if verdict in (ACCEPT, REJECT):
                return verdict
        return None

    def _of(self, rule: NftRule) -> tuple[str | None, str]:
        """A rule's verdict and the chain of a jump; None when it does not apply, or decides nothing."""
        loaded: bytes | None = None
        limited = any(name in _LIMITS for name, _ in rule.expressions)
        for name, data in rule.expressions:
            if name in _SILENT:
                continue
            if name in ("reject", "immediate"):
                verdict = (REJECT, "") if name == "reject" else _verdict(data)
                return (None, "") if limited and verdict[0] in (REJECT, "return") else verdict
            if name in ("cmp", "lookup"):
                if loaded is None or not self._holds(name, data, loaded):
                    return None, ""
            else:
                loaded = self._query.fact((name, data))
        return None, ""

    def _holds(self, name: str, data: Row, loaded: bytes) -> bool:
        if name == "cmp":
            wanted = value_of(data.get("NFTA_CMP_DATA"))
            # A name with a star is compared as far as it goes.
            same = loaded[: len(wanted)] == wanted
            return same if data.get("NFTA_CMP_OP") == "NFT_CMP_EQ" else not same
        if data.get("NFTA_LOOKUP_DREG") is not None:
            return False
        inside = loaded in self._keys_of(str(data.get("NFTA_LOOKUP_SET")))
        flags = data.get("NFTA_LOOKUP_FLAGS")
        return inside != bool(flags)


def _verdict(data: Row) -> tuple[str | None, str]:
    found = attributes(attributes(data.get("NFTA_IMMEDIATE_DATA")).get("NFTA_DATA_VERDICT"))
    code, target = str(found.get("NFTA_VERDICT_CODE")), str(found.get("NFTA_VERDICT_CHAIN", ""))
    if code in ("NFT_JUMP", "NFT_GOTO"):
        return "jump", target
    return ("return" if code == "NFT_RETURN" else _VERDICTS.get(code)), ""
