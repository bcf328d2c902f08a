"""A firewall's input chains walked with a query: rules built by one module are read by the other."""

import struct

from agent.core import expressions as nft
from agent.core import nftables
from agent.core.model import BadInput
from agent.core.netlink import NetlinkReply, attribute, nested, text, u32
from agent.core.nft import firewall_path
from agent.core.nft.firewall_path import InputChain, PathWalk

UDP4 = (nft.INET4, nft.UDP)
DROP, ACCEPT, JUMP, GOTO = 0, 1, -3, -4
GUESTS = nft.meta(nft.IIFNAME) + nft.equals(b"br-guest\0")
TO_DNS = nft.meta(nft.L4PROTO) + nft.equals(bytes([nft.UDP])) + nft.load(nft.TRANSPORT, 2, 2) + nft.equals(nft.port(53))
FROM_SOMEBODY = nft.load(nft.NETWORK, 12, 4) + nft.equals(bytes([192, 168, 60, 1]))


def then(code: int, chain: str = "") -> bytes:
    more = [text(2, chain)] if chain else []
    return nft.expression("immediate", u32(1, 0), nested(2, nft.verdict(code, *more)))


def rule(expressions: bytes) -> NetlinkReply:
    body = bytes([nftables.INET, 0, 0, 0]) + text(1, "fw4") + text(2, "input") + nested(4, expressions)
    return NetlinkReply(10 << 8 | 6, 0, 1, body)


def closed(
    *rules: bytes,
    drops: bool = False,
    sets: object = None,
    redirected: bool = True,
    way: object = UDP4,
    **chains: object,
) -> bool:
    listed = {"input": rules}
    listed.update(chains)

    def rules_of(chain: str) -> object:
        return firewall_path.rules_of([rule(expressions) for expressions in listed.get(chain, ())])

    walk = PathWalk("br-guest", 7, way, redirected, rules_of, (sets or {}).get)
    return walk.closed(InputChain(nftables.INET, "fw4", "input", drops))


def test_the_policy_decides_what_no_rule_does():
    assert not closed()
    assert closed(drops=True)
    assert not closed(GUESTS + then(ACCEPT), drops=True)
    assert closed(GUESTS + then(DROP))
    assert closed(GUESTS + nft.refuse())


def test_a_rule_about_something_else_is_passed_over():
    assert closed(nft.meta(nft.IIFNAME) + nft.equals(b"br-lan\0") + then(ACCEPT), drops=True)
    assert closed(nft.meta(4) + nft.equals(nft.host32(1)) + then(ACCEPT), drops=True)
    assert not closed(nft.meta(nft.L4PROTO) + nft.equals(bytes([nft.TCP])) + then(DROP))
    assert not closed(TO_DNS + then(ACCEPT), drops=True)


def test_what_is_not_known_lets_in_and_keeps_nobody_out():
    assert not closed(FROM_SOMEBODY + then(ACCEPT), drops=True)
    assert not closed(FROM_SOMEBODY + then(DROP))
    assert not closed(nft.expression("limit") + then(DROP))
    assert closed(FROM_SOMEBODY + then(DROP), GUESTS + then(DROP))
    assert not closed(FROM_SOMEBODY + then(JUMP, "zone"), drops=True, zone=(then(ACCEPT),))
    assert not closed(FROM_SOMEBODY + then(JUMP, "zone"), zone=(then(DROP),))


def test_jumps_come_back_and_gotos_do_not():
    empty = {"zone": (TO_DNS + nft.back(),)}
    assert closed(then(JUMP, "zone"), then(DROP), **empty)
    assert not closed(then(GOTO, "zone"), then(DROP), **empty)
    assert closed(then(JUMP, "zone"), zone=(TO_DNS + then(DROP),))
    assert not closed(then(JUMP, "input"), drops=False)


def test_a_limit_in_a_called_chain_only_keeps_out_or_comes_back():
    """fw4's syn_flood: what is below the limit goes on in the caller, which keeps it out here."""
    flood = (nft.expression("limit") + nft.back(), then(DROP))
    assert closed(then(JUMP, "syn_flood"), GUESTS + nft.refuse(), syn_flood=flood)
    assert not closed(then(JUMP, "syn_flood"), GUESTS + then(ACCEPT), drops=True, syn_flood=flood)
    assert not closed(then(GOTO, "syn_flood"), then(DROP), syn_flood=flood)
    assert closed(then(GOTO, "syn_flood"), then(ACCEPT), drops=True, syn_flood=flood)
    deeper = {"a": (FROM_SOMEBODY + nft.back(), then(JUMP, "b")), "b": (nft.expression("limit") + nft.back(),)}
    assert closed(then(JUMP, "a"), then(DROP), **deeper)
    assert not closed(nft.expression("limit") + then(GOTO, "a"), then(DROP), **deeper)


def test_the_state_of_a_new_flow_is_known():
    state = nft.ct(nft.CT_STATE) + nft.masked(nft.host32(6)) + nft.differs(bytes(4))
    assert closed(state + then(ACCEPT), drops=True)
    status = nft.ct(2) + nft.masked(nft.host32(0x20)) + nft.differs(bytes(4))
    assert not closed(status + then(ACCEPT), drops=True)
    assert closed(status + then(ACCEPT), drops=True, redirected=False)


def test_sets_intervals_and_verdict_maps():
    ports = nft.load(nft.TRANSPORT, 2, 2) + nft.within("ports")
    assert not closed(ports + then(ACCEPT), drops=True, sets={"ports": [(nft.port(53), b"", False)]})
    assert closed(ports + then(ACCEPT), drops=True, sets={"ports": [(nft.port(67), b"", False)]})
    interval = [(nft.port(0), b"", True), (nft.port(50), b"", False), (nft.port(61), b"", True)]
    assert not closed(ports + then(ACCEPT), drops=True, sets={"ports": interval})
    assert closed(ports + then(ACCEPT), drops=True, sets={"ports": [interval[0], (nft.port(54), b"", False)]})
    zones = nft.meta(nft.IIFNAME) + nft.expression("lookup", text(1, "zones"), u32(2, 1), u32(3, 0))
    for code, kept_out in ((ACCEPT, False), (DROP, True)):
        entry = (nft.interface("br-guest"), nft.verdict(code), False)
        assert closed(zones, sets={"zones": [entry]}) == kept_out


def test_chains_are_those_of_the_input_hook():
    def chain(table: str, hook: int, policy: int, kind: str = "filter", family: int = nftables.INET) -> NetlinkReply:
        where = nested(4, u32(1, hook), u32(2, 0))
        body = text(1, table) + text(3, "c") + where + u32(5, policy) + text(7, kind)
        return NetlinkReply(10 << 8 | 3, 0, 1, bytes([family, 0, 0, 0]) + body)

    answers = [
        chain("fw4", nftables.INPUT, DROP),
        chain("fw4", nftables.OUTPUT, DROP),
        chain("nat", nftables.INPUT, ACCEPT, "nat"),
        chain("ours", nftables.INPUT, ACCEPT),
        chain("six", nftables.INPUT, DROP, family=nft.INET6),
        chain("four", nftables.INPUT, ACCEPT, family=nft.INET4),
    ]
    assert firewall_path.chains_of(answers, "ours") == [
        InputChain(nftables.INET, "fw4", "c", True),
        InputChain(nft.INET6, "six", "c", True),
        InputChain(nft.INET4, "four", "c", False),
    ]


def test_registers_side_by_side_are_not_known():
    both = nft.meta(nft.L4PROTO) + nft.within("ways")
    longer = {"ways": [(bytes([nft.UDP, 0, 0, 0, 0, 53, 0, 0]), b"", False)]}
    assert not closed(both + then(ACCEPT), drops=True, sets=longer)
    assert not closed(both + then(DROP), sets=longer)


def test_each_way_is_walked_by_itself():
    tcp4, udp6 = (nft.INET4, nft.TCP), (nft.INET6, nft.UDP)
    assert closed(TO_DNS + then(ACCEPT), drops=True, way=tcp4)
    assert not closed(TO_DNS + then(ACCEPT), drops=True, way=udp6)
    only4 = nft.meta(nft.NFPROTO) + nft.equals(bytes([nft.INET4])) + then(ACCEPT)
    assert closed(only4, drops=True, way=udp6) and not closed(only4, drops=True, way=tcp4)


def test_a_chain_of_another_family_does_not_see_it():
    for way, family, found in ((UDP4, nft.INET4, True), (UDP4, nft.INET6, False), ((10, 6), nft.INET6, True)):
        walk = PathWalk("br-guest", 7, way, True, lambda chain: [], {}.get)
        assert walk.closed(InputChain(family, "t", "c", True)) == found


def test_what_is_cut_short_is_bad_input_or_nothing():
    whole = rule(GUESTS + TO_DNS + then(DROP))
    for end in range(len(whole.body)):
        cut = NetlinkReply(whole.type, 0, 1, whole.body[:end])
        try:
            found = firewall_path.rules_of([cut])
            PathWalk("br-guest", 7, UDP4, True, lambda chain, found=found: found, {}.get).closed(
                InputChain(1, "t", "c", False)
            )
        except BadInput:
            continue


def test_the_generation():
    answer = NetlinkReply(10 << 8 | 15, 0, 1, bytes(4) + attribute(1, struct.pack(">I", 9)))
    assert firewall_path.generation_of([answer]) == struct.pack(">I", 9)
    assert firewall_path.generation_of([]) == b""
