"""A firewall's input chains walked with a query: rules built by one module are read by the other."""

import struct

from agent.core import expressions as nft
from agent.core import nftables
from agent.core.model import BadInput
from agent.core.netlink import NetlinkReply, attribute, nested, text, u32
from agent.core.nft import firewall_path
from agent.core.nft.firewall_path import InputChain, PathWalk
from agent.core.nft.set_elements import SetElement

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

    walk = PathWalk("br-guest", 7, way, redirected, rules_of, lambda name: (sets or {}).get(name, []))
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
    assert not closed(ports + then(ACCEPT), drops=True, sets={"ports": [SetElement(nft.port(53))]})
    assert closed(ports + then(ACCEPT), drops=True, sets={"ports": [SetElement(nft.port(67))]})
    interval = [SetElement(nft.port(at), ends=at != 50) for at in (0, 50, 61)]
    assert not closed(ports + then(ACCEPT), drops=True, sets={"ports": interval})
    assert closed(ports + then(ACCEPT), drops=True, sets={"ports": [interval[0], SetElement(nft.port(54))]})
    zones = nft.meta(nft.IIFNAME) + nft.expression("lookup", text(1, "zones"), u32(2, 1), u32(3, 0))
    for code, kept_out in ((ACCEPT, False), (DROP, True)):
        entry = SetElement(nft.interface("br-guest"), data=nft.verdict(code))
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


def beside(*loads: "tuple[bytes, int]", at: int = 1) -> bytes:
    """Values side by side, each (an expression that loads register 1, its bytes there): nft begins at 1, then counts
    words (9 is the second)."""
    found, word = b"", 0
    for load, size in loads:
        register = at if not word else 8 + word
        found += load.replace(u32(1, 1), u32(1, register))
        word += (size + 3) // 4
    return found


PORT, WHO = (nft.load(nft.TRANSPORT, 2, 2), 2), (nft.load(nft.NETWORK, 12, 4), 4)
ZONE, PROTOCOL = (nft.meta(nft.IIFNAME), 16), (nft.meta(nft.L4PROTO), 1)
MARK = (nft.meta(nft.MARK), 4)
SOMEBODY = bytes([192, 168, 60, 1])


def side(*values: bytes) -> bytes:
    return b"".join([value + bytes(-len(value) % 4) for value in values])


def test_side_by_side_a_known_value_decides():
    """`ip saddr . tcp dport @set accept` opens the ports that the set names, and no others."""
    asked = beside(WHO, PORT) + nft.within("ports")
    for port, shut in ((53, False), (5353, True), (67, True)):
        listed = {"ports": [SetElement(side(SOMEBODY, nft.port(port)))]}
        assert closed(asked + then(ACCEPT), drops=True, sets=listed) == shut
        assert not closed(asked + then(DROP), sets=listed), "some may still ask"
    assert closed(asked + then(ACCEPT), drops=True, sets={"ports": []})


def test_side_by_side_all_known_is_sure():
    ways = beside(ZONE, PROTOCOL, PORT) + nft.within("ways")
    mine = side(nft.interface("br-guest"), bytes([nft.UDP]), nft.port(53))
    lan = side(nft.interface("br-lan"), bytes([nft.UDP]), nft.port(53))
    assert closed(ways + then(DROP), sets={"ways": [SetElement(mine)]})
    assert not closed(ways + then(DROP), sets={"ways": [SetElement(lan)]})
    assert not closed(ways + then(ACCEPT), drops=True, sets={"ways": [SetElement(mine)]})
    assert closed(ways + then(ACCEPT), drops=True, sets={"ways": [SetElement(lan)]})
    mapped = beside(ZONE, PORT) + nft.expression("lookup", text(1, "zones"), u32(2, 1), u32(3, 0))
    for code, kept_out in ((ACCEPT, False), (DROP, True)):
        entry = SetElement(side(nft.interface("br-guest"), nft.port(53)), data=nft.verdict(code))
        assert closed(mapped, sets={"zones": [entry]}) == kept_out


def test_side_by_side_in_ranges():
    asked = beside(WHO, PORT) + nft.within("ports")
    for low, high, shut in ((50, 60, False), (54, 60, True)):
        entry = SetElement(side(bytes(4), nft.port(low)), side(bytes([255] * 4), nft.port(high)))
        assert closed(asked + then(ACCEPT), drops=True, sets={"ports": [entry]}) == shut
    known = beside(PROTOCOL, PORT) + nft.within("ports")
    udp = bytes([nft.UDP])
    entry = SetElement(side(udp, nft.port(1)), side(udp, nft.port(1023)))
    assert closed(known + then(DROP), sets={"ports": [entry]})


def test_a_map_of_values_that_are_not_known_has_each_of_its_verdicts():
    mapped = beside(MARK, PORT) + nft.expression("lookup", text(1, "zones"), u32(2, 1), u32(3, 0))

    def entries(*codes: int) -> dict:
        return {"zones": [SetElement(side(bytes([n]), nft.port(53)), data=nft.verdict(c)) for n, c in enumerate(codes)]}

    assert not closed(mapped, sets=entries(DROP, ACCEPT), drops=True)
    assert closed(mapped, sets=entries(DROP, DROP), drops=True)
    assert not closed(mapped, sets=entries(DROP, DROP)), "a mark that it does not list goes on"
    alike = SetElement(b"", data=nft.verdict(DROP))
    assert closed(mapped, sets={"zones": entries(DROP)["zones"] + [alike]}), "all else is listed too"


def test_what_stood_in_a_register_before_is_forgotten():
    stale = nft.meta(nft.IIFNAME) + nft.equals(nft.interface("br-guest")) + nft.meta(7) + nft.within("names")
    assert not closed(stale + then(DROP), sets={"names": [SetElement(nft.interface("br-guest"))]})


def test_one_load_of_two_ports_and_ranges_of_one():
    both = nft.load(nft.TRANSPORT, 0, 4)
    assert closed(both + nft.equals(nft.port(53) + nft.port(67)) + then(ACCEPT), drops=True)
    assert not closed(both + nft.equals(nft.port(99) + nft.port(53)) + then(ACCEPT), drops=True)
    assert not closed(both + nft.equals(nft.port(99) + nft.port(53)) + then(DROP))
    for low, high, inside in ((1, 1023, True), (54, 99, False)):
        above_below = PORT[0] + nft.at_least(nft.port(low)) + nft.no_more_than(nft.port(high))
        ends = [nested(at, attribute(1, nft.port(n))) for at, n in ((3, low), (4, high))]
        for turned in (0, 1):
            between = PORT[0] + nft.expression("range", u32(1, 1), u32(2, turned), *ends)
            assert closed(between + then(DROP)) == (inside != bool(turned))
        assert closed(above_below + then(DROP)) == inside
        assert closed(above_below + then(ACCEPT), drops=True) != inside


def test_the_protocol_in_the_networks_header():
    for protocol, shut in ((nft.UDP, False), (nft.TCP, True)):
        asked = nft.load(nft.NETWORK, 9, 1) + nft.equals(bytes([protocol]))
        assert closed(asked + then(ACCEPT), drops=True) == shut


def test_each_way_is_walked_by_itself():
    tcp4, udp6 = (nft.INET4, nft.TCP), (nft.INET6, nft.UDP)
    assert closed(TO_DNS + then(ACCEPT), drops=True, way=tcp4)
    assert not closed(TO_DNS + then(ACCEPT), drops=True, way=udp6)
    only4 = nft.meta(nft.NFPROTO) + nft.equals(bytes([nft.INET4])) + then(ACCEPT)
    assert closed(only4, drops=True, way=udp6) and not closed(only4, drops=True, way=tcp4)


def test_a_chain_of_another_family_does_not_see_it():
    for way, family, found in ((UDP4, nft.INET4, True), (UDP4, nft.INET6, False), ((10, 6), nft.INET6, True)):
        walk = PathWalk("br-guest", 7, way, True, lambda chain: [], lambda name: [])
        assert walk.closed(InputChain(family, "t", "c", True)) == found


def test_what_is_cut_short_is_bad_input_or_nothing():
    whole = rule(GUESTS + TO_DNS + then(DROP))
    for end in range(len(whole.body)):
        cut = NetlinkReply(whole.type, 0, 1, whole.body[:end])
        try:
            found = firewall_path.rules_of([cut])
            PathWalk("br-guest", 7, UDP4, True, lambda chain, found=found: found, lambda name: []).closed(
                InputChain(1, "t", "c", False)
            )
        except BadInput:
            continue


def test_the_generation():
    answer = NetlinkReply(10 << 8 | 15, 0, 1, bytes(4) + attribute(1, struct.pack(">I", 9)))
    assert firewall_path.generation_of([answer]) == struct.pack(">I", 9)
    assert firewall_path.generation_of([]) == b""
