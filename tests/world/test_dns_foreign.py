"""What a server adds to an answer, or makes of it, does not reach a device."""

from collections.abc import Iterator
from pathlib import Path

import dnslib
import pytest

from agent.core.bailiwick import ADDRESSES_MAX
from tests.daemon.household_dns import PROTECTED, Resolving
from tests.daemon.resolving import texts

DAY_S = 86400


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Resolving]:
    made = Resolving(tmp_path)
    yield made
    made.close()


def says(net: Resolving, *lines: str) -> None:
    """Lines as in a zone file; one that begins with `;` goes into the additional section."""

    def answer(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        reply = query.reply(ra=1, aa=0)
        for line in lines:
            (reply.add_ar if line[0] == ";" else reply.add_answer)(*dnslib.RR.fromZone(line.lstrip(";")))
        return reply

    net.server.answer = answer


def test_records_of_other_names_are_dropped(net: Resolving) -> None:
    says(net, "bank.example. 60 A 6.6.6.6", "fine.example. 60 A 192.0.2.1", ";bank.example. 60 A 6.6.6.6")
    got = net.device(PROTECTED).ask("fine.example")
    assert texts(got) == ["192.0.2.1"]
    assert [str(of.rname) for of in got.rr + got.ar] == ["fine.example."]


@pytest.mark.parametrize(
    "lines",
    [
        ["fine.example. 60 CNAME fine.example."],
        ["fine.example. 60 CNAME b.example.", "b.example. 60 CNAME fine.example."],
    ],
)
def test_a_circle_is_a_failure(net: Resolving, lines: list[str]) -> None:
    says(net, *lines)
    assert dnslib.RCODE[net.device(PROTECTED).ask("fine.example").header.rcode] == "SERVFAIL"


def test_nothing_is_good_for_longer_than_a_day(net: Resolving) -> None:
    for name, ttl in (("one.example", 1 << 31), ("two.example", (1 << 31) - 1), ("three.example", DAY_S + 1)):
        says(net, f"{name}. {ttl} A 192.0.2.1")
        for _ in range(2):  # from upstream, then from the cache
            assert all(of.ttl <= DAY_S for of in net.device(PROTECTED).ask(name).rr)


def test_of_thousands_of_addresses_dozens_are_judged_and_given(net: Resolving) -> None:
    reply = dnslib.DNSRecord.question("many.example").reply(ra=1, aa=0)
    for number in range(4000):
        address = dnslib.A(f"198.51.{number >> 8}.{number & 255}")
        reply.add_answer(dnslib.RR("many.example", rdata=address, ttl=60))
    packed = reply.pack()

    def answer(asked: dnslib.DNSRecord) -> bytes:
        cut = asked.reply()
        cut.header.tc = 1
        return asked.pack()[:2] + packed[2:] if net.server.by_tcp else cut.pack()

    net.server.answer = answer
    query = dnslib.DNSRecord.question("many.example")
    query.add_ar(dnslib.EDNS0(udp_len=4096))
    got = net.device(PROTECTED).ask(query)
    assert net.server.by_tcp == 1
    assert len(got.rr) == ADDRESSES_MAX <= 72
