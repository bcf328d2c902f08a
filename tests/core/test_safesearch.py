"""Which hosts have a safe form, and the answers made of it. Runs on both interpreters."""

import struct

from agent.core import dns
from agent.core.model import BadInput
from agent.core.names import to_wire
from agent.core.safe_answer import aliased, own_answer, target_query
from agent.core.safesearch import (
    ADDRESS,
    ALIAS,
    ASK,
    ENGINES,
    GOOGLE,
    MODERATE,
    NODATA,
    OFF,
    ON,
    STRICT,
    YANDEX,
    YOUTUBE_HOSTS,
    hosts_or_target,
    of_answer,
    safe_host,
    treatment,
    unsafe_engine,
)
from agent.core.wire import AAAA, ANY, CNAME, HTTPS, SOA, SVCB, A, read_name, records

TXT, MX, RRSIG = 16, 15, 46
NAME = b"www.google.com"
TARGET = b"forcesafesearch.google.com"
OPT = b"\0" + struct.pack(">HHIH", 41, 1232, 0x8000, 0)
SAFE = b"\xd8\xef\x26\x78"


def query(name=NAME, qtype=A, qclass=1, edns=b"", flags=0x0120):
    head = struct.pack(">HHHHHH", 7, flags, 1, 0, 0, 1 if edns else 0)
    return head + to_wire(name) + struct.pack(">HH", qtype, qclass) + edns


def record(rtype, data, owner=b"\xc0\x0c", ttl=300):
    return owner + struct.pack(">HHIH", rtype, 1, ttl, len(data)) + data


def composed(message, answer=(), authority=(), flags=0x81A0):
    """What a device gets where upstream says that of the target."""
    question = dns.peek(message)
    asked, about = target_query(message, question, TARGET)
    counts = struct.pack(">HHHHH", flags, 1, len(answer), len(authority), 0)
    response = asked[:2] + counts + asked[12:] + b"".join(list(answer) + list(authority))
    found = dns.walk(response)
    body = dns.normalised(response, about, found)
    return aliased(message, question, body, about, dns.walk(body))


def said(message):
    """(section, owner, type, TTL, data) of its records, OPT left out; names in data are read."""
    found = []
    for of in records(message, dns.skip_questions(message)):
        data = read_name(message, of.data)[0] if of.rtype == CNAME else message[of.data : of.end]
        if of.rtype != 41:
            found.append((of.section, read_name(message, of.start)[0], of.rtype, of.ttl, data))
    return found


def test_a_name_has_its_safe_form_for_whom_it_is_on():
    assert safe_host(NAME, ON, OFF) is GOOGLE and safe_host(NAME, STRICT, OFF) is GOOGLE
    assert safe_host(NAME, OFF, STRICT) is None and safe_host(NAME, OFF, OFF) is None
    assert safe_host(b"www.google.co.uk", ON, OFF) is GOOGLE and safe_host(b"www.google.com.vn", ON, OFF) is GOOGLE
    assert safe_host(b"www.yandex.co.il", ON, OFF) is YANDEX and safe_host(b"yandex.com.tr", ON, OFF) is YANDEX
    for name in ENGINES:
        assert safe_host(name, ON, OFF) is ENGINES[name] and safe_host(name, OFF, MODERATE) is None
    for name in YOUTUBE_HOSTS:
        assert safe_host(name, STRICT, OFF) is None
        assert safe_host(name, OFF, MODERATE).target == b"restrictmoderate.youtube.com"
        assert safe_host(name, OFF, STRICT).target == b"restrict.youtube.com"


def test_names_stand_for_themselves_alone():
    for name in (
        b"",
        b"google.com",
        b"a.www.google.com",
        b"www.google.",
        b"www.google.zz",
        b"www.google.co.",
        b"www.google.de.example",
        b"www.google.com.com",
        b"mail.yandex.ru",
        b"www.www.yandex.ru",
        b"notyandex.ru",
        b"yandex.zz",
        b"youtube.com",
        b"youtu.be",
        b"s.ytimg.com",
        b"googleapis.com",
        b"www.youtube.com.example",
        b"bing.com",
        b"safe.duckduckgo.com",
        TARGET,
    ):
        assert safe_host(name, STRICT, STRICT) is None, name


def test_strict_refuses_engines_without_a_safe_form():
    assert unsafe_engine(b"www.startpage.com", STRICT) == b"startpage.com"
    assert unsafe_engine(b"search.brave.com", STRICT) == b"search.brave.com"
    assert unsafe_engine(b"de.search.yahoo.com", STRICT) == b"search.yahoo.com"
    assert unsafe_engine(b"searx.example.org", STRICT) == b"searx.example.org"
    for name in (b"brave.com", b"mail.yahoo.com", b"startpage.com.example", b"searxes.example", b"", b"com", NAME):
        assert unsafe_engine(name, STRICT) is None, name
    assert unsafe_engine(b"startpage.com", ON) is None and unsafe_engine(b"startpage.com", OFF) is None


def test_service_records_are_never_answered():
    for safe in (GOOGLE, YANDEX):
        for qtype in (HTTPS, SVCB, ANY):
            assert treatment(safe, qtype, 1) == NODATA
        assert treatment(safe, A, 3) == treatment(safe, A, 255) == NODATA
    assert [treatment(GOOGLE, qtype, 1) for qtype in (A, AAAA, TXT, CNAME)] == [ASK, ASK, ASK, ALIAS]
    assert [treatment(YANDEX, qtype, 1) for qtype in (A, AAAA, TXT, CNAME)] == [ADDRESS, NODATA, NODATA, NODATA]


def test_an_answer_that_leads_to_such_a_host_has_its_safe_form():
    assert of_answer([b"cdn.example", NAME], ON, OFF) is GOOGLE
    assert of_answer([b"cdn.example"], ON, OFF) is None and of_answer([], ON, OFF) is None


def test_an_address_comes_with_its_alias():
    message = query()
    answer = composed(message, [record(A, SAFE)])
    assert said(answer) == [(0, NAME, CNAME, 60, TARGET), (0, TARGET, A, 300, SAFE)]
    assert answer[:2] == message[:2] and answer[12 : len(message)] == message[12:]
    assert answer[3] & 0x20 == 0  # not authentic data: the alias is ours
    assert dns.walk(answer).lifetime() == 60


def test_the_case_of_the_question_comes_back():
    message = query(b"www.google.com")
    message = message[:13] + b"wWw\6gOOgle" + message[23:]
    assert composed(message, [record(A, SAFE)])[12 : len(message)] == message[12:]


def test_what_the_target_leads_to_comes_along_with_its_names():
    far = to_wire(b"far.example")
    answer = composed(query(), [record(CNAME, far), record(A, SAFE, far)], [record(2, b"\2ns\xc0\x1c", b"\xc0\x1c")])
    ns = [of for of in records(answer, len(query())) if of.rtype == 2]
    assert read_name(answer, ns[0].data)[0] == b"ns.google.com"
    assert said(answer)[:3] == [
        (0, NAME, CNAME, 60, TARGET),
        (0, TARGET, CNAME, 300, b"far.example"),
        (0, b"far.example", A, 300, SAFE),
    ]


def test_signatures_of_the_target_are_passed_on_and_do_stays():
    answer = composed(query(edns=OPT), [record(A, SAFE), record(RRSIG, bytes(40))])
    assert [of[2] for of in said(answer)] == [CNAME, A, RRSIG]
    assert answer[-11:] == b"\0" + struct.pack(">HHIH", 41, dns.UDP_MAX, 0x8000, 0)
    assert answer[11] == 1


def test_nothing_of_that_type_is_said_with_a_soa():
    for edns in (b"", OPT):
        answer = composed(query(qtype=AAAA, edns=edns))
        assert [of[:4] for of in said(answer)] == [(0, NAME, CNAME, 60), (1, TARGET, SOA, 60)]
        assert dns.walk(answer).lifetime() == 60
    soa = b"\2ns\xc0\x1c\4mail\xc0\x1c" + struct.pack(">IIIII", 1, 2, 3, 4, 30)
    answer = composed(query(qtype=AAAA), (), [record(SOA, soa, b"\xc0\x1c")])
    assert [of[:4] for of in said(answer)] == [(0, NAME, CNAME, 60), (1, b"google.com", SOA, 300)]
    assert dns.walk(answer).lifetime() == 30
    missing = composed(query(), (), (), 0x8183)
    assert missing[3] & 15 == 3 and [of[2] for of in said(missing)] == [CNAME, SOA]


def test_our_own_answers():
    yandex = own_answer(query(b"ya.ru"), dns.peek(query(b"ya.ru")), YANDEX, ADDRESS)
    assert said(yandex) == [(0, b"ya.ru", A, 60, YANDEX.address)]
    alias = own_answer(query(qtype=CNAME), dns.peek(query(qtype=CNAME)), GOOGLE, ALIAS)
    assert said(alias) == [(0, NAME, CNAME, 60, TARGET)]
    for qtype in (HTTPS, SVCB, ANY):
        message = query(qtype=qtype, edns=OPT)
        answer = own_answer(message, dns.peek(message), GOOGLE, NODATA)
        assert [of[:4] for of in said(answer)] == [(1, NAME, SOA, 60)] and answer[3] & 15 == 0


def test_the_target_is_asked_as_the_device_asked():
    message = query(edns=OPT, qtype=AAAA, flags=0x0130)
    asked, about = target_query(message, dns.peek(message), TARGET)
    whole = query(TARGET, edns=OPT, qtype=AAAA, flags=0x0130)
    assert dns.cache_key(asked, about) == dns.cache_key(whole, dns.peek(whole))
    assert dns.forwarded(asked, about, 9) == dns.forwarded(whole, dns.peek(whole), 9)


def test_an_answer_too_long_is_refused():
    try:
        composed(query(), [record(TXT, bytes(65000))] + [record(TXT, bytes(200))] * 3)
    except BadInput:
        return
    raise AssertionError("passed")


def test_hosts_and_targets_are_told_from_other_names():
    names = [NAME, b"www.google.de", b"ya.ru", b"www.yandex.ru", b"xn--d1acpjx3f.xn--p1ai"]
    names += list(YOUTUBE_HOSTS) + list(ENGINES) + [TARGET, b"restrict.youtube.com", b"restrictmoderate.youtube.com"]
    for name in names:
        assert hosts_or_target(name), name
    for name in (b"", b"google.com", b"mail.google.com", b"www.youtube.com.example", b"example.com", b"yandex.zz"):
        assert not hosts_or_target(name), name
