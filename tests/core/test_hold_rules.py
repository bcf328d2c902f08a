"""Holding: which messages lead from those who are held to those who shall be."""

from agent.core import netlink, nftables
from agent.core.nft.hold_rules import CALLS, SPARED, HoldingRules

TABLET = b"\x3c\x22\xfb\x00\x00\x0a"
PHONE = b"\xda\xa1\x19\x00\x00\x0b"
RULES = HoldingRules(["br-lan"], ("br-iot",), 5393)
NOBODY = frozenset()
NEW_CHAIN, NEW_SET = 0xA03, 0xA09
DELETE_CHAIN, DELETE_SET = 0xA05, 0xA0B


def names(work, kind):
    """The names of the chains or sets that messages of this kind are about."""
    at = 3 if kind in (NEW_CHAIN, DELETE_CHAIN) else 2
    found = [netlink.attributes(message.body[4:])[at] for message in work if message.type == kind]
    return sorted([name.rstrip(b"\0").decode() for name in found])


def test_nothing_to_do():
    assert RULES.change(NOBODY, NOBODY) == []
    assert RULES.change(frozenset([TABLET]), frozenset([TABLET])) == []


def test_one_comes_and_one_goes():
    work = RULES.change(frozenset([TABLET]), frozenset([PHONE]))
    table = "privacy_agent"
    assert work == [nftables.delete_keys(table, "held", [TABLET]), nftables.add_keys(table, "held", [PHONE])]


def test_what_is_made_is_deleted():
    for rules in (RULES, HoldingRules(["br-lan"])):
        made, gone = rules.change(NOBODY, frozenset([TABLET])), rules.change(frozenset([TABLET]), NOBODY)
        assert names(made, NEW_CHAIN) == names(gone, DELETE_CHAIN)
        assert names(made, NEW_SET) == names(gone, DELETE_SET)


def test_the_lan_is_local():
    made = RULES.stand(frozenset([TABLET]))
    named = [nft_interface(name) for name in ("br-iot", "br-lan")]
    assert nftables.add_keys("privacy_agent", "local", named) in made


def nft_interface(name):
    return name.encode() + bytes(16 - len(name))


def test_addresses_of_both_families_are_admitted():
    four, six = bytes([203, 0, 113, 7]), b"\x20\x01" + bytes(14)
    assert RULES.admit(SPARED, six) == nftables.add_for("privacy_agent", "spared6", [six], 300)
    assert RULES.admit(CALLS, four) == nftables.add_for("privacy_agent", "calls4", [four], 300)
    assert RULES.dismiss(CALLS, four) == nftables.delete_keys("privacy_agent", "calls4", [four])
