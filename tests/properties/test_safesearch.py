"""Safe search: the table is the published one, and whatever a target says becomes a whole answer or none."""

import lzma
from functools import cache
from pathlib import Path

import dnslib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core import dns
from agent.core.bailiwick import in_bailiwick
from agent.core.model import BadInput
from agent.core.safe_answer import aliased, target_query
from agent.core.safesearch import MODERATE, OFF, ON, STRICT, YOUTUBE_HOSTS, SafeHost, safe_host

DATA = Path(__file__).parents[3] / "shared" / "data" / "parental"
FACTS = DATA / "safesearch-agh.tsv.xz"
HOST, TARGET = "www.google.com", b"forcesafesearch.google.com"
NAMES = ["www.google.com", "forcesafesearch.google.com", "google.com", "far.example", "www.google.de", "."]


@cache
def facts() -> list[tuple[bytes, str, str]]:
    if not FACTS.exists():
        pytest.skip(f"not here: {FACTS}")
    rows = [line.split("\t") for line in lzma.decompress(FACTS.read_bytes()).decode().splitlines()]
    return [(name.encode(), record, target) for name, record, target in rows]


def test_each_published_name_has_that_target_and_no_other() -> None:
    for name, record, target in facts():
        safe = safe_host(name, ON, MODERATE)
        assert safe is not None, name
        if record == "A":
            assert ".".join(map(str, safe.address)) == target and not safe.target
        else:
            assert safe.target.decode() == target and not safe.address
        youtube = name in YOUTUBE_HOSTS
        assert (safe_host(name, OFF, MODERATE) is None) is not youtube
        assert (safe_host(name, STRICT, OFF) is None) is youtube
    assert len([name for name, _, _ in facts() if name.startswith(b"www.google.")]) == 194


def test_no_other_name_has_one() -> None:
    published = {name for name, _, _ in facts()}
    suffixes = {name.split(b".", 2)[-1] for name in published} | {b"zz", b"co.zz", b"com.zz", b"co", b"com", b""}
    for suffix in suffixes:
        for first in (
            b"www.google.",
            b"google.",
            b"www.yandex.",
            b"yandex.",
            b"a.www.google.",
            b"mail.yandex.",
            b"www.",
        ):
            name = first + suffix
            assert (safe_host(name, ON, STRICT) is not None) == (name in published or name in YOUTUBE_HOSTS), name


def test_popular_names_stay_as_they_are() -> None:
    popular = Path(__file__).parents[2] / "blocklists" / "popular.txt"
    found = {name for name in popular.read_text().split() if safe_host(name.encode(), STRICT, STRICT) is not None}
    assert found <= {name.decode() for name, _, _ in facts()}


records = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(["A", "AAAA", "CNAME", "TXT", "SOA", "NS", "MX"]),
        st.sampled_from(NAMES),
        st.integers(0, 200000),
        st.sampled_from(["add_answer", "add_auth", "add_ar"]),
    ),
    max_size=8,
)


def data_of(kind: str, other: str) -> dnslib.RD:
    made = {
        "A": lambda: dnslib.A("192.0.2.1"),
        "AAAA": lambda: dnslib.AAAA("2001:db8::1"),
        "CNAME": lambda: dnslib.CNAME(other),
        "TXT": lambda: dnslib.TXT("text"),
        "SOA": lambda: dnslib.SOA(other, other, (1, 2, 3, 4, 5)),
        "NS": lambda: dnslib.NS(other),
        "MX": lambda: dnslib.MX(other, 1),
    }
    return made[kind]()


@given(records, st.sampled_from(["A", "AAAA", "TXT", "MX"]), st.sampled_from([0, 2, 3, 5]))
def test_any_answer_of_the_target_makes_a_whole_answer_or_none(
    rows: list[tuple[str, str, str, int, str]], qtype: str, rcode: int
) -> None:
    message = dnslib.DNSRecord.question("wWw.gOOgle.com", qtype).pack()
    question = dns.peek(message)
    query, about = target_query(message, question, TARGET)
    reply = dnslib.DNSRecord.parse(dns.forwarded(query, about, 9)).reply()
    reply.header.rcode = rcode
    for owner, kind, other, ttl, add in rows:
        getattr(reply, add)(dnslib.RR(owner, getattr(dnslib.QTYPE, kind), rdata=data_of(kind, other), ttl=ttl))
    try:
        response = in_bailiwick(reply.pack(), about)
        body = dns.normalised(response, about, dns.walk(response))
        answer = dns.walk(body)
        made = aliased(message, question, body, about, answer)
    except BadInput:
        return
    told = dnslib.DNSRecord.parse(made)
    assert str(told.q.qname) == "wWw.gOOgle.com." and made[:2] == message[:2]
    assert (str(told.rr[0].rname).lower(), str(told.rr[0].rdata), told.rr[0].ttl) == (
        HOST + ".",
        TARGET.decode() + ".",
        60,
    )
    was = dnslib.DNSRecord.parse(body)
    assert [str(of).lower() for of in told.rr[1:]] == [str(of).lower() for of in was.rr]
    assert [str(of).lower() for of in told.auth][: len(was.auth)] == [str(of).lower() for of in was.auth]
    again = dns.walk(made)
    assert again.rcode == rcode and again.addresses == answer.addresses
    if qtype in ("A", "AAAA") and not answer.found:
        assert any(of.rtype == dnslib.QTYPE.SOA for of in told.auth)


@given(st.binary(max_size=60), st.sampled_from([OFF, ON, STRICT]), st.sampled_from([OFF, MODERATE, STRICT]))
def test_any_name_has_a_safe_form_or_none(name: bytes, search: str, youtube: str) -> None:
    safe = safe_host(name, search, youtube)
    assert safe is None or (isinstance(safe, SafeHost) and bool(safe.target) != bool(safe.address))
