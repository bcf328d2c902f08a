"""pyroute2, which packs by its own code, reads every message of the switch as it was meant; on any byte order."""

import sys

from pyroute2.netlink.nfnetlink.nftsocket import NFTSocket

from agent.core import marks
from agent.core.netlink import encode
from agent.core.nft.dns_redirect import DnsRedirect
from agent.core.nft.inspection import BypassRules, Inspection

TABLET = bytes.fromhex("3c22fb00000a")
MARK = marks.pack(7, 3)
STEERING = DnsRedirect(
    ["br-lan", "br-guest"], 5391, judging=Inspection(1, around=BypassRules(True, True, ("192.0.2.1",)))
)


def decoded() -> list:
    found = []
    for number, message in enumerate(STEERING.arm({TABLET: MARK}, frozenset([TABLET]))):
        sent = encode(message, number + 1)
        kind = NFTSocket.policy[message.type & 0xFF]
        read = kind(sent)
        read.decode()
        found.append((kind.__name__, read))
    return found


def test_every_message_has_its_length_kind_and_number() -> None:
    for number, (_, read) in enumerate(decoded()):
        assert read["header"]["sequence_number"] == number + 1
        assert read["header"]["length"] == len(read.data)


def test_hooks_and_priorities() -> None:
    chains = [read for kind, read in decoded() if kind == "nft_chain_msg" and read.get_attr("NFTA_CHAIN_HOOK")]
    hooks = [chain.get_attr("NFTA_CHAIN_HOOK") for chain in chains]
    places = {(hook.get_attr("NFTA_HOOK_HOOKNUM"), hook.get_attr("NFTA_HOOK_PRIORITY")) for hook in hooks}
    assert (1, 200) in places and (3, -301) in places, places


def test_the_device_is_in_the_map_with_its_mark() -> None:
    pairs = {}
    for kind, read in decoded():
        if kind != "nft_set_elem_list_msg":
            continue
        for element in read.get_attr("NFTA_SET_ELEM_LIST_ELEMENTS"):
            data = element.get_attr("NFTA_SET_ELEM_DATA")
            if data is not None:
                pairs[value(element.get_attr("NFTA_SET_ELEM_KEY"))] = value(data)
    assert int.from_bytes(pairs[TABLET], sys.byteorder) == MARK


def value(data: object) -> bytes:
    found = data.get_attr("NFTA_DATA_VALUE")  # type: ignore[attr-defined]
    return bytes(found) if isinstance(found, bytes | bytearray) else bytes.fromhex(str(found).replace(":", ""))


def test_every_rule_can_be_read_to_its_end() -> None:
    rules = [read for kind, read in decoded() if kind == "nft_rule_msg"]
    names = {
        expression.get_attr("NFTA_EXPR_NAME") for rule in rules for expression in rule.get_attr("NFTA_RULE_EXPRESSIONS")
    }
    assert {"meta", "cmp", "bitwise", "immediate", "lookup", "ct"} <= names, names
