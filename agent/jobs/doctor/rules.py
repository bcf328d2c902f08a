"""What other software's nftables rules do with DNS and with marks, from rules as pyroute2 decodes them.

Plain values in and out: an expression is (name, attributes), a rule a list of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from agent.control.messages import Row
from agent.core.model import Value

Expression = tuple[str, Row]
PORT_SET = Callable[[str], set[bytes]]  # a set's name → its keys

DNS = b"\x00\x35"
ALL_BITS = 0xFFFFFFFF
PREROUTING, INPUT, FORWARD = 0, 1, 2
_TRANSPORT = "NFT_PAYLOAD_TRANSPORT_HEADER"
_DESTINATION_PORT = 2


class NftChain(Value):
    """A base chain. `hook` as in linux/netfilter.h; `policy` 0 drops what comes out at its end."""

    __slots__ = ("table", "name", "kind", "hook", "priority", "policy")

    def __init__(self, table: str, name: str, kind: str, hook: int, priority: int, policy: int = 1) -> None:
        self.table = table
        self.name = name
        self.kind = kind
        self.hook = hook
        self.priority = priority
        self.policy = policy


class NftRule(Value):
    """A rule of a table's chain."""

    __slots__ = ("table", "chain", "expressions")

    def __init__(self, table: str, chain: str, expressions: list[Expression]) -> None:
        self.table = table
        self.chain = chain
        self.expressions = expressions

    @property
    def place(self) -> str:
        return f"table {self.table}, chain {self.chain}"


def attributes(message: object) -> Row:
    """The attributes of a decoded message or of one nested in it, by name."""
    found = message["attrs"] if isinstance(message, dict) and "attrs" in message else []
    return {str(name): value for name, value in found}


def expressions(message: object) -> list[Expression]:
    """The expressions of a decoded rule."""
    listed = attributes(message).get("NFTA_RULE_EXPRESSIONS", [])
    assert isinstance(listed, list)
    found = []
    for item in listed:
        inner = attributes(item)
        found.append((str(inner.get("NFTA_EXPR_NAME")), attributes(inner.get("NFTA_EXPR_DATA"))))
    return found


def value_of(data: object) -> bytes:
    """The bytes of an NFTA_DATA_VALUE."""
    value = attributes(data).get("NFTA_DATA_VALUE", b"")
    return bytes(value) if isinstance(value, (bytes, bytearray)) else b""


def redirects_dns(rule: NftRule, keys_of: PORT_SET) -> bool:
    """Whether the rule sends packets to port 53 somewhere else."""
    names = [name for name, _ in rule.expressions]
    if "redir" not in names and not any(_is_dnat(expression) for expression in rule.expressions):
        return False
    return any(_compares_with_dns(rule, at, keys_of) for at in range(len(rule.expressions)))


def maps_interfaces(rule: NftRule) -> bool:
    """Whether a map of interfaces decides there, which is not read here."""
    keys = ("NFT_META_IIFNAME", "NFT_META_OIFNAME", "NFT_META_IIF", "NFT_META_OIF")
    loaded = any(name == "meta" and data.get("NFTA_META_KEY") in keys for name, data in rule.expressions)
    return loaded and any(data.get("NFTA_LOOKUP_DREG") is not None for _, data in rule.expressions)


def redirects_unread(rule: NftRule) -> bool:
    """Whether the rule was made by iptables and redirects something that is not to be read here."""
    targets = [data.get("NFTA_TARGET_NAME") for name, data in rule.expressions if name == "target"]
    return any(target in ("DNAT", "REDIRECT", "TPROXY") for target in targets)


def _is_dnat(expression: Expression) -> bool:
    name, data = expression
    return name == "tproxy" or (name == "nat" and data.get("NFTA_NAT_TYPE") == "NFT_NAT_DNAT")


def _compares_with_dns(rule: NftRule, at: int, keys_of: PORT_SET) -> bool:
    name, data = rule.expressions[at]
    port = data.get("NFTA_PAYLOAD_BASE") == _TRANSPORT and data.get("NFTA_PAYLOAD_OFFSET") == _DESTINATION_PORT
    if name != "payload" or not port or at + 1 == len(rule.expressions):
        return False
    following, test = rule.expressions[at + 1]
    if following == "cmp":
        return test.get("NFTA_CMP_OP") == "NFT_CMP_EQ" and value_of(test.get("NFTA_CMP_DATA")) == DNS
    return following == "lookup" and DNS in keys_of(str(test.get("NFTA_LOOKUP_SET")))


def written_bits(rule: NftRule, kind: str) -> list[tuple[int, int | None]]:
    """For each mark of `kind` ("ct", "meta") that the rule writes: the bits that may change, and the value if fixed."""
    key, source = (f"NFTA_{kind.upper()}_KEY", f"NFTA_{kind.upper()}_SREG")
    found = []
    for at, (name, data) in enumerate(rule.expressions):
        if name == kind and source in data and data.get(key) in ("NFT_CT_MARK", "NFT_META_MARK"):
            found.append(_change(rule.expressions[at - 1] if at else ("", {})))
    return found


def _change(before: Expression) -> tuple[int, int | None]:
    """What the expression before a mark's writing makes of it."""
    name, data = before
    if name == "bitwise":
        kept = number(value_of(data.get("NFTA_BITWISE_MASK")))
        turned = number(value_of(data.get("NFTA_BITWISE_XOR")))
        return (kept ^ ALL_BITS) | turned, None
    if name == "immediate":
        return ALL_BITS, number(value_of(data.get("NFTA_IMMEDIATE_DATA")))
    return ALL_BITS, None


def number(data: bytes) -> int:
    """Marks are in the host's byte order."""
    return int.from_bytes(data, sys.byteorder)
