"""The rules that hold devices, in the kernel: as they are described, and gone without a trace."""

import os
from collections.abc import Iterator

import pytest

from agent.core.nft.count_rules import CountRules
from agent.core.nft.dns_redirect import DnsRedirect
from agent.core.nft.hold_rules import CALLS, SPARED, HoldingRules
from agent.core.nft.inspection import Inspection
from agent.daemon.arrivals import DEVICES_MAX, HELD_MAX
from agent.daemon.kernel.netfilter import Netfilter
from agent.daemon.kernel.nfsocket import open_socket
from tests.lab.lab import PREFIX, missing
from tests.lab.spaces import Space

TABLET, PHONE = b"\x3c\x22\xfb\x00\x00\x0a", b"\xda\xa1\x19\x00\x00\x0b"
STEERING = DnsRedirect(["br-lan"], 5391)
HOLDING = HoldingRules(["br-lan"], ("br-iot",), 5393)

PORTAL = """
	chain portal {
		type nat hook prerouting priority dstnat - 6; policy accept;
		tcp dport 80 iifname . meta nfproto . meta l4proto @paged ether saddr @held fib daddr type unicast \
fib daddr oifname != @local ip daddr != @spared4 ct mark set 0x40008000 redirect to :5393
		tcp dport 80 iifname . meta nfproto . meta l4proto @paged ether saddr @held fib daddr type unicast \
fib daddr oifname != @local ip6 daddr != @spared6 ct mark set 0x40008000 redirect to :5393
	}
"""
GATE = """
	chain gate {
		type filter hook forward priority 199; policy accept;
		iifname @lan oifname != @local ether saddr @held jump hold
	}
"""
HOLD = """
	chain hold {
		ip daddr @spared4 tcp dport 80 update @spared4 { ip daddr timeout 5m } accept
		ip daddr @spared4 tcp dport 443 update @spared4 { ip daddr timeout 5m } accept
		ip daddr @calls4 udp dport 500 update @calls4 { ip daddr timeout 5m } accept
		ip daddr @calls4 udp dport 4500 update @calls4 { ip daddr timeout 5m } accept
		ip6 daddr @spared6 tcp dport 80 update @spared6 { ip6 daddr timeout 5m } accept
		ip6 daddr @spared6 tcp dport 443 update @spared6 { ip6 daddr timeout 5m } accept
		ip6 daddr @calls6 udp dport 500 update @calls6 { ip6 daddr timeout 5m } accept
		ip6 daddr @calls6 udp dport 4500 update @calls6 { ip6 daddr timeout 5m } accept
		ip6 daddr @calls6 meta l4proto esp update @calls6 { ip6 daddr timeout 5m } accept
		add @elsewhere { oifname }
		meta l4proto tcp reject with tcp reset
		reject
	}
"""


class Kernel:
    """A netfilter socket in a namespace, and what `nft` says stands there."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.netfilter = Netfilter(space.inside(open_socket))

    def listed(self) -> str:
        return self.space.run(["nft", "list", "ruleset"])

    def elements(self, name: str) -> str:
        return self.space.run(["nft", "list", "set", "inet", "privacy_agent", name])

    def close(self) -> None:
        assert self.netfilter.sock is not None
        self.netfilter.sock.close()


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    if reason := missing():
        pytest.skip(reason)
    space = Space(f"{PREFIX}{os.getpid()}-rules")
    made = Kernel(space)
    yield made
    made.close()
    space.close()


@pytest.mark.parametrize("judging", [None, Inspection(7, by_target=True)], ids=["dns", "connections"])
def test_all_of_it_comes_with_the_first_and_goes_with_the_last(kernel: Kernel, judging: "Inspection | None") -> None:
    steering = DnsRedirect(["br-lan"], 5391, judging=judging)
    kernel.netfilter.commit(steering.arm({TABLET: 5}))
    before = kernel.listed()
    kernel.netfilter.commit(HOLDING.change(frozenset(), frozenset([TABLET])))
    listed = kernel.listed()
    for chain in (PORTAL, GATE, HOLD):
        assert chain[1:] in listed
    assert "chain forward" in before
    assert forward(listed) == forward(before)
    assert all(name in kernel.elements("local") for name in ('"br-lan"', '"br-iot"'))
    kernel.netfilter.commit(HOLDING.change(frozenset([TABLET]), frozenset()))
    assert kernel.listed() == before


def forward(listed: str) -> str:
    return listed.partition("chain forward {")[2].partition("}")[0]


def test_devices_come_and_go_one_by_one(kernel: Kernel) -> None:
    kernel.netfilter.commit(STEERING.arm({}) + HOLDING.stand(frozenset([TABLET])))
    kernel.netfilter.commit(HOLDING.change(frozenset([TABLET]), frozenset([TABLET, PHONE])))
    assert "da:a1:19:00:00:0b" in kernel.elements("held")
    kernel.netfilter.commit(HOLDING.change(frozenset([TABLET, PHONE]), frozenset([PHONE])))
    assert "3c:22:fb:00:00:0a" not in kernel.elements("held")
    assert HOLDING.change(frozenset([PHONE]), frozenset([PHONE])) == []


def test_what_is_spared_stays_for_a_while(kernel: Kernel) -> None:
    kernel.netfilter.commit(STEERING.arm({}) + HOLDING.stand(frozenset([TABLET])))
    four, six = bytes([203, 0, 113, 7]), b"\x20\x01\x0d\xb8" + bytes(11) + b"\7"
    kernel.netfilter.commit([HOLDING.admit(SPARED, four), HOLDING.admit(SPARED, six), HOLDING.admit(CALLS, four)])
    assert "203.0.113.7 timeout 5m" in kernel.elements("spared4")
    assert "2001:db8::7 timeout 5m" in kernel.elements("spared6")
    assert "203.0.113.7 timeout 5m" in kernel.elements("calls4")
    assert "size 512" in kernel.elements("calls6")
    assert "elements" not in kernel.elements("calls6")


def test_without_a_page_nothing_is_led_anywhere(kernel: Kernel) -> None:
    kernel.netfilter.commit(STEERING.arm({}))
    before = kernel.listed()
    plain = HoldingRules(["br-lan"])
    kernel.netfilter.commit(plain.change(frozenset(), frozenset([TABLET])))
    listed = kernel.listed()
    assert "chain gate" in listed and "portal" not in listed and "paged" not in listed
    kernel.netfilter.commit(plain.change(frozenset([TABLET]), frozenset()))
    assert kernel.listed() == before


def test_the_page_follows_the_firewall(kernel: Kernel) -> None:
    closed = frozenset([("br-lan", 2, 6)])
    kernel.netfilter.commit(STEERING.arm({}) + HOLDING.stand(frozenset([TABLET]), closed))
    assert "ipv4" not in kernel.elements("paged") and "ipv6" in kernel.elements("paged")
    kernel.netfilter.commit(HOLDING.reopen(closed, frozenset()))
    assert "ipv4" in kernel.elements("paged")
    kernel.netfilter.commit(HOLDING.reopen(frozenset(), closed))
    assert "ipv4" not in kernel.elements("paged")


def test_whoever_is_left_in_it_goes_with_it(kernel: Kernel) -> None:
    """What was spared and paged needs no cleaning of its own."""
    kernel.netfilter.commit(STEERING.arm({}))
    before = kernel.listed()
    kernel.netfilter.commit(HOLDING.stand(frozenset([TABLET, PHONE])))
    kernel.netfilter.commit([HOLDING.admit(SPARED, bytes([203, 0, 113, 7]))])
    kernel.netfilter.commit(HOLDING.change(frozenset([TABLET, PHONE]), frozenset()))
    assert kernel.listed() == before


COUNT = """
	chain count {
		type filter hook forward priority 201; policy accept;
		iifname @lan oifname != @near ether saddr @counted
	}
"""


def test_counting_stands_beside_it_and_goes_as_a_whole(kernel: Kernel) -> None:
    counting = CountRules(["br-lan"])
    kernel.netfilter.commit(STEERING.arm({}))
    before = kernel.listed()
    kernel.netfilter.commit(counting.change(frozenset(), frozenset([TABLET])) + HOLDING.stand(frozenset([PHONE])))
    assert COUNT[1:] in kernel.listed() and "chain gate" in kernel.listed()
    kernel.netfilter.commit(counting.change(frozenset([TABLET]), frozenset([TABLET, PHONE])))
    assert counting.counts(kernel.netfilter.ask(counting.ask())) == {TABLET: (0, 0), PHONE: (0, 0)}
    kernel.netfilter.commit(HOLDING.change(frozenset([PHONE]), frozenset()))
    kernel.netfilter.commit(counting.change(frozenset([TABLET, PHONE]), frozenset()))
    assert kernel.listed() == before


def test_as_many_as_may_be_held_at_once_fit(kernel: Kernel) -> None:
    """Strangers that make up addresses, and every device of the household: in one message, whether the rules stand or
    not."""
    many = frozenset(b"\x02\x22\xfb\x00" + number.to_bytes(2, "big") for number in range(HELD_MAX + DEVICES_MAX))
    one = frozenset([TABLET])
    kernel.netfilter.commit(STEERING.arm({}))
    kernel.netfilter.commit(HOLDING.change(frozenset(), many))
    assert kernel.elements("held").count("02:22:fb:00:") == len(many)
    kernel.netfilter.commit(HOLDING.change(many, one))
    assert kernel.elements("held").count(":22:fb:00:") == 1
    kernel.netfilter.commit(HOLDING.change(one, many | one))
    kernel.netfilter.commit(HOLDING.change(many | one, frozenset()))
    assert "held" not in kernel.listed()
