"""doctor's judgements on rules and routes as pyroute2 decodes them, without a kernel."""

import sys

import pytest

pytest.importorskip("pyroute2")

from agent.core.marks import DEFAULT, Layout  # noqa: E402
from agent.jobs.doctor import kernel, zones  # noqa: E402
from agent.jobs.doctor.finding import FAILURE, NOTE, OK, WARNING, Finding, worst  # noqa: E402
from agent.jobs.doctor.rules import Expression, NftChain, NftRule, redirects_unread, written_bits  # noqa: E402

TABLET = b"\x3c\x22\xfb\x00\x00\x0a"


class Witnessed:
    """What a test says the kernel holds."""

    def __init__(self, **found: object) -> None:
        self.tables: dict[str, int] = {"inet privacy_agent": 2}
        self.chains: list[NftChain] = []
        self.rules: list[NftRule] = []
        self.flowtables: list[str] = []
        self.policies: list[tuple[int, int]] = []
        self.links: list[tuple[str, int, bool, str]] = []
        self.held: dict[bytes, bytes] = {}
        self.__dict__.update(found)

    def elements(self, table: str, name: str) -> dict[bytes, bytes]:
        return self.held

    def foreign(self) -> list[NftRule]:
        return self.rules

    def priority(self, rule: NftRule) -> int:
        return self.chains[0].priority


def mark(value: int) -> bytes:
    return value.to_bytes(4, sys.byteorder)


def data(value: bytes) -> dict[str, object]:
    return {"attrs": [("NFTA_DATA_VALUE", value)]}


def levels(findings: object) -> list[str]:
    return [finding.level for finding in findings]  # type: ignore[attr-defined]


def test_the_worst_decides() -> None:
    findings = [Finding(level, "x", "y") for level in (OK, WARNING, NOTE)]
    assert worst(findings) == WARNING
    assert worst([]) == OK
    assert worst([*findings, Finding(FAILURE, "x", "y")]) == FAILURE


def test_the_map_against_the_daemon() -> None:
    held = {TABLET: mark(0x40008001)}
    assert levels(kernel.table(Witnessed(held=held), {TABLET: "Tablet"}, DEFAULT)) == [OK]
    (unseen,) = kernel.table(Witnessed(held=held), {TABLET: "Tablet"}, DEFAULT, ["Tablet"])
    assert unseen.level == WARNING and "exactly" not in unseen.sentence and "Tablet" in unseen.sentence
    assert levels(kernel.table(Witnessed(held={}), {TABLET: "Tablet"}, DEFAULT)) == [FAILURE]
    assert levels(kernel.table(Witnessed(held=held), {}, DEFAULT)) == [FAILURE], "steered, but not on"
    assert levels(kernel.table(Witnessed(held={TABLET: mark(7)}), {TABLET: "Tablet"}, DEFAULT)) == [FAILURE], (
        "no mark of ours"
    )
    assert levels(kernel.table(Witnessed(tables={}), {}, DEFAULT)) == [OK]
    assert levels(kernel.table(Witnessed(tables={}), {TABLET: "Tablet"}, DEFAULT)) == [FAILURE]
    assert levels(kernel.table(Witnessed(held=held), None, DEFAULT)) == [WARNING]
    only = frozenset([TABLET])
    for found in (held, {}):
        assert levels(kernel.table(Witnessed(held=found), {TABLET: "Tablet"}, DEFAULT, times_only=only)) == [OK]
    assert levels(kernel.table(Witnessed(tables={}), {TABLET: "Tablet"}, DEFAULT, times_only=only)) == [OK]


def test_whose_internet_is_off() -> None:
    held = {TABLET: b""}
    assert levels(kernel.holding(Witnessed(held=held), {TABLET: "Tablet"})) == [OK]
    assert levels(kernel.holding(Witnessed(held={}), {TABLET: "Tablet"})) == [FAILURE]
    assert levels(kernel.holding(Witnessed(tables={}), {TABLET: "Tablet"})) == [FAILURE]
    assert levels(kernel.holding(Witnessed(held=held), {})) == [FAILURE]
    assert levels(kernel.holding(Witnessed(held={}), {})) == []


def test_flow_offload_is_a_note() -> None:
    assert kernel.offload(Witnessed()).level == OK
    assert kernel.offload(Witnessed(flowtables=["ft"])).level == NOTE


def test_routing_by_our_mark() -> None:
    for policy, expected in (((0, 0), [OK]), ((0x100, 0x3F00), [OK]), ((0x8000, 0x8000), [FAILURE, OK])):
        assert levels(kernel.marks(Witnessed(policies=[policy]), DEFAULT)) == expected, policy


def test_other_bits_of_marks() -> None:
    """What is compared are the bits that are set, and whose they also are is noted."""
    layout = Layout(0x00003C00, 16, 0)
    held = {TABLET: mark(layout.pack(1, 1))}
    assert levels(kernel.table(Witnessed(held=held), {TABLET: "Tablet"}, layout)) == [OK]
    assert levels(kernel.table(Witnessed(held=held), {TABLET: "Tablet"}, DEFAULT)) == [FAILURE]
    found = list(kernel.marks(Witnessed(policies=[(0x40000000, 0x40000000)]), layout))
    assert levels(found) == [NOTE, NOTE, NOTE, OK]
    assert "mwan3" in found[0].sentence


def test_links() -> None:
    seen = [
        ("br-lan", 1, True, "bridge"),
        ("br-iot", 1, True, "bridge"),
        ("ppp0", 512, True, ""),
        ("eth1", 1, False, ""),
    ]
    found = list(kernel.links(Witnessed(links=seen), ["br-lan", "ppp0", "eth1", "br-x"]))
    assert levels(found) == [OK, FAILURE, WARNING, WARNING, NOTE]
    assert "br-iot" in found[-1].sentence


def rule(*expressions: Expression) -> NftRule:
    return NftRule("inet other", "chain", list(expressions))


def test_what_a_rule_writes_into_marks() -> None:
    write: Expression = ("ct", {"NFTA_CT_KEY": "NFT_CT_MARK", "NFTA_CT_SREG": "NFT_REG_1"})
    read: Expression = ("ct", {"NFTA_CT_KEY": "NFT_CT_MARK", "NFTA_CT_DREG": "NFT_REG_1"})
    fixed: Expression = ("immediate", {"NFTA_IMMEDIATE_DATA": data(mark(0x100))})
    some: Expression = (
        "bitwise",
        {"NFTA_BITWISE_MASK": data(mark(0xFFFFC0FF)), "NFTA_BITWISE_XOR": data(mark(0x200))},
    )
    assert written_bits(rule(fixed, write), "ct") == [(0xFFFFFFFF, 0x100)]
    assert written_bits(rule(read, some, write), "ct") == [(0x3F00, None)]
    assert written_bits(rule(("meta", {}), write), "ct") == [(0xFFFFFFFF, None)]
    assert written_bits(rule(read), "ct") == []
    assert written_bits(rule(fixed, write), "meta") == []


def test_redirections_by_iptables_are_told() -> None:
    assert redirects_unread(rule(("target", {"NFTA_TARGET_NAME": "REDIRECT"})))
    assert not redirects_unread(rule(("target", {"NFTA_TARGET_NAME": "MASQUERADE"})))


def verdict(code: str, chain: str = "") -> Expression:
    found: list[tuple[str, object]] = [("NFTA_VERDICT_CODE", code)]
    if chain:
        found.append(("NFTA_VERDICT_CHAIN", chain))
    inner = {"attrs": [("NFTA_DATA_VERDICT", {"attrs": found})]}
    return "immediate", {"NFTA_IMMEDIATE_DREG": "NFT_REG_VERDICT", "NFTA_IMMEDIATE_DATA": inner}


def behind(name: str) -> tuple[Expression, Expression]:
    loaded: Expression = ("meta", {"NFTA_META_KEY": "NFT_META_IIFNAME"})
    return loaded, ("cmp", {"NFTA_CMP_OP": "NFT_CMP_EQ", "NFTA_CMP_DATA": data(name.encode().ljust(16, b"\0"))})


PORT: Expression = (
    "payload",
    {"NFTA_PAYLOAD_BASE": "NFT_PAYLOAD_TRANSPORT_HEADER", "NFTA_PAYLOAD_OFFSET": 2, "NFTA_PAYLOAD_LEN": 2},
)


def through(rules: list[NftRule], interface: str, ports: frozenset[bytes] = frozenset()) -> str | None:
    return zones.ZoneWalk(rules, zones.ProbeQuery(interface), lambda name: set(ports)).through("input")


def test_a_query_is_walked_through_the_zones() -> None:
    rules = [
        NftRule("t", "input", [("ct", {}), ("cmp", {}), verdict("NF_DROP")]),  # a state nobody knows: passed over
        NftRule("t", "input", [*behind("br-lan"), verdict("NF_ACCEPT")]),
        NftRule("t", "input", [*behind("br-guest"), ("counter", {}), verdict("NFT_JUMP", "guest")]),
        NftRule("t", "input", [verdict("NFT_JUMP", "reject")]),
        NftRule("t", "guest", [PORT, ("lookup", {"NFTA_LOOKUP_SET": "s"}), verdict("NF_ACCEPT")]),
        NftRule("t", "guest", [*behind("br-lan"), verdict("NF_DROP")]),
        NftRule("t", "guest", [verdict("NFT_RETURN")]),
        NftRule("t", "reject", [("reject", {})]),
    ]
    assert through(rules, "br-lan") == zones.ACCEPT
    assert through(rules, "br-guest", frozenset([b"\x00\x35"])) == zones.ACCEPT
    assert through(rules, "br-guest", frozenset([b"\x00\x43"])) == zones.REJECT
    assert through(rules, "wan") == zones.REJECT
    assert through([], "wan") is None


def test_a_loop_of_jumps_ends() -> None:
    assert through([NftRule("t", "input", [verdict("NFT_JUMP", "input")])], "br-lan") is None
