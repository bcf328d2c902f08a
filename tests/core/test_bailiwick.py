"""What of a response belongs to its question. Runs on both interpreters."""

import struct

from agent.core import dns
from agent.core.bailiwick import ADDRESSES_MAX, TTL_MAX, in_bailiwick, of_addresses
from agent.core.model import BadInput
from agent.core.names import to_wire
from agent.core.wire import AAAA, CNAME, A, read_name, records

TXT, NS, MX, DNAME = 16, 2, 15, 39
NAME = b"www.example.com"
OWNER = b"\xc0\x0c"
OPT = b"\0" + struct.pack(">HHIH", 41, 1232, 0, 0)


def query(qtype=A):
    return struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + to_wire(NAME) + struct.pack(">HH", qtype, 1)


def record(rtype, data, owner=OWNER, ttl=60, rclass=1):
    return owner + struct.pack(">HHIH", rtype, rclass, ttl, len(data)) + data


def tidied(answer=(), authority=(), additional=(), qtype=A):
    """(section, owner, type, TTL, data) of what is left."""
    asked = query(qtype)
    counts = struct.pack(">HHHHH", 0x8180, 1, len(answer), len(authority), len(additional))
    message = asked[:2] + counts + asked[12:] + b"".join(list(answer) + list(authority) + list(additional))
    quick = of_addresses(message, dns.peek(asked))
    message = in_bailiwick(message, dns.peek(asked))
    assert quick in (None, dns.walk(message))
    return [
        (of.section, read_name(message, of.start)[0], of.rtype, of.ttl, message[of.data : of.end])
        for of in records(message, len(asked))
    ]


def test_addresses_are_read_in_one_go():
    for qtype, data in ((A, b"\xc0\0\2\1"), (AAAA, bytes(16))):
        asked = query(qtype)
        for count, rest in ((1, b""), (3, b""), (ADDRESSES_MAX, b""), (1, b"behind")):
            body = record(qtype, data, ttl=300) * (count - 1) + record(qtype, data, ttl=7) + rest
            message = asked[:2] + struct.pack(">HHHHH", 0x8180, 1, count, 0, 0) + asked[12:] + body
            quick = of_addresses(message, dns.peek(asked))
            assert quick == dns.walk(message) and quick.min_ttl == 7
            for end in range(len(asked), len(message) - len(rest)):
                assert of_addresses(message[:end], dns.peek(asked)) is None
    over = record(A, b"\xc0\0\2\1", ttl=TTL_MAX + 1)
    for broken in (
        record(A, b"123"),
        record(A, b"12345"),
        over,
        record(A, b"1234", b"\xc0\x10"),
        record(1, b"", ttl=0),
    ):
        message = query()[:2] + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0) + query()[12:] + broken
        assert of_addresses(message, dns.peek(query())) is None


def refused(*arguments):
    try:
        tidied(*arguments)
    except BadInput:
        return True
    return False


ADDRESS = record(A, b"\xc0\0\2\1")


def test_what_belongs_stays_as_it_is():
    assert tidied([ADDRESS]) == [(0, NAME, A, 60, b"\xc0\0\2\1")]
    assert tidied() == []
    proof = record(47, b"x", b"\4hash\xc0\x10")
    assert len(tidied([ADDRESS], [record(NS, b"\2ns\xc0\x10", b"\xc0\x10"), proof], [OPT])) == 4


def test_records_of_other_names_are_dropped():
    evil = record(A, b"\6\6\6\6", to_wire(b"evil.example"))
    other = record(A, b"\6\6\6\6", b"\4mail\xc0\x10")
    parent = record(A, b"\6\6\6\6", b"\xc0\x10")
    kept = [(0, NAME, A, 60, b"\xc0\0\2\1")]
    for answer in ([ADDRESS, evil], [evil, ADDRESS], [other, ADDRESS, parent]):
        assert tidied(answer) == kept
        assert tidied(answer, (), [OPT])[:1] == kept
    assert tidied([evil]) == []
    assert tidied([ADDRESS], [record(NS, to_wire(b"ns.evil.example"), to_wire(b"evil.example"))]) == kept
    assert tidied([ADDRESS], [], [other, OPT, evil])[:1] == kept
    assert len(tidied([ADDRESS], [], [other, OPT, evil])) == 2


def test_records_of_other_classes_are_dropped():
    assert tidied([record(A, b"\6\6\6\6", rclass=3), ADDRESS]) == [(0, NAME, A, 60, b"\xc0\0\2\1")]


def test_the_case_of_an_owner_does_not_matter():
    shouted = record(A, b"\xc0\0\2\1", to_wire(NAME).upper())
    assert tidied([shouted]) == [(0, NAME, A, 60, b"\xc0\0\2\1")]


def test_aliases_are_followed_in_any_order():
    target = to_wire(b"a.cdn.example")
    alias = record(CNAME, target)
    end = record(A, b"\xc0\0\2\1", target)
    assert [of[2] for of in tidied([alias, end])] == [CNAME, A]
    assert [of[2] for of in tidied([end, alias])] == [A, CNAME]
    evil = record(A, b"\6\6\6\6", to_wire(b"evil.example"))
    left = tidied([evil, alias, end])
    assert [(of[1], of[2]) for of in left] == [(NAME, CNAME), (b"a.cdn.example", A)]


def test_names_that_pointed_into_what_is_gone_are_whole():
    # The target of the alias ends in the owner of a record that is dropped.
    evil = record(A, b"\6\6\6\6", to_wire(b"evil.example"))
    place = len(query()) + 5
    alias = record(CNAME, b"\3cdn" + struct.pack(">H", 0xC000 | place))
    end = record(A, b"\xc0\0\2\1", to_wire(b"cdn.example"))
    assert [(of[1], of[2]) for of in tidied([evil, alias, end])] == [(NAME, CNAME), (b"cdn.example", A)]
    mail = record(MX, b"\0\5\3cdn" + struct.pack(">H", 0xC000 | place))
    assert tidied([evil, mail], (), (), MX) == [(0, NAME, MX, 60, b"\0\5" + to_wire(b"cdn.example"))]


def test_a_tree_that_is_elsewhere_is_followed():
    tree = record(DNAME, to_wire(b"other.example"), b"\xc0\x10")
    end = record(A, b"\xc0\0\2\1", to_wire(b"www.other.example"))
    alias = record(CNAME, to_wire(b"www.other.example"))
    assert [of[2] for of in tidied([tree, alias, end])] == [DNAME, CNAME, A]
    assert [of[2] for of in tidied([tree, end])] == [DNAME, A]
    elsewhere = record(DNAME, to_wire(b"other.example"), to_wire(b"evil.example"))
    assert [of[2] for of in tidied([elsewhere, ADDRESS])] == [A]


def test_circles_are_refused():
    itself = record(CNAME, OWNER)
    assert refused([itself])
    assert refused([itself, ADDRESS])
    there, back = record(CNAME, to_wire(b"b.example")), record(CNAME, OWNER, to_wire(b"b.example"))
    assert refused([there, back])
    assert refused([record(DNAME, b"\1x\xc0\x10", b"\xc0\x10")])
    assert refused([record(DNAME, b"\xc0\x10", b"\xc0\x10")])
    assert refused([record(CNAME, OWNER + b"x")])


def test_no_ttl_is_longer_than_a_day():
    for ttl, left in ((86401, TTL_MAX), ((1 << 31) - 1, TTL_MAX), (1 << 31, 0), (0xFFFFFFFF, 0), (86400, 86400)):
        assert tidied([record(A, b"\xc0\0\2\1", ttl=ttl)])[0][3] == left
        authority = record(NS, b"\2ns\xc0\x10", b"\xc0\x10", ttl)
        assert [of[3] for of in tidied([ADDRESS], [authority], [ADDRESS, OPT])] == [60, left, 0]


def test_so_many_addresses_are_judged_and_the_rest_cut_off():
    many = [record(A, struct.pack(">I", number)) for number in range(4000)]
    assert len(tidied(many)) == ADDRESSES_MAX
    alias = record(CNAME, to_wire(b"cdn.example"))
    assert (
        len(tidied([alias] + [record(A, b"\1\2\3\4", to_wire(b"cdn.example")) for _ in range(100)]))
        == ADDRESSES_MAX + 1
    )


def test_a_broken_one_is_refused():
    assert refused([ADDRESS[:-1]])
    assert refused([record(CNAME, b"\xc0\xff")])
