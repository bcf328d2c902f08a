"""DNS messages, read and written: plain bytes in, plain bytes out. Runs on both interpreters."""

import struct

from agent.core import dns, wire
from agent.core.model import BadInput
from agent.core.names import to_wire
from agent.core.wire import AAAA, ANY, CNAME, HTTPS, SOA, SVCB, A

TXT, NS = 16, 2
NAME = b"www.example.com"
OWNER = b"\xc0\x0c"
COOKIE = b"\x00\x0a\x00\x08\x01\x02\x03\x04\x05\x06\x07\x08"
DO = 0x8000


def opt(size=1232, version=0, flags=0, options=b"", upper=0):
    return b"\0" + struct.pack(">HHBBHH", 41, size, upper, version, flags, len(options)) + options


def query(name=NAME, qtype=A, extra=b"", id=0x1234, flags=0x0100, qclass=1, question=None):
    head = struct.pack(">HHHHHH", id, flags, 1, 0, 0, 1 if extra else 0)
    return head + (question or to_wire(name)) + struct.pack(">HH", qtype, qclass) + extra


def record(rtype, ttl, data, owner=OWNER, rclass=1):
    return owner + struct.pack(">HHIH", rtype, rclass, ttl, len(data)) + data


def response(asked, answer=(), authority=(), additional=(), flags=0x8180):
    counts = struct.pack(">HHHHH", flags, 1, len(answer), len(authority), len(additional))
    end = dns.peek(asked).end
    return asked[:2] + counts + asked[12:end] + b"".join(list(answer) + list(authority) + list(additional))


def soa(ttl, minimum, owner=b"\xc0\x10"):
    return record(SOA, ttl, b"\0\0" + struct.pack(">IIIII", 1, 2, 3, 4, minimum), owner)


def refused(action, *arguments):
    try:
        action(*arguments)
    except BadInput:
        return True
    return False


def head(message):
    """(id, flags, questions, answers, authorities, additionals)"""
    return struct.unpack(">HHHHHH", message[:12])


# The question of a query


def test_peek_at_a_plain_query():
    question = dns.peek(query())
    assert question == dns.Question(NAME, A, 1, 33, None)
    assert dns.peek(query(b"", NS)) == dns.Question(b"", NS, 1, 17, None)
    assert dns.peek(query(question=b"\3WwW\7eXample\3cOm\0")).name == NAME
    assert dns.peek(query(question=b"\3a.b\1\xff\0")).name == b"a\\046b.\\255"


def test_peek_at_edns():
    assert dns.peek(query(extra=opt())).edns == dns.Edns(1232, 0, False)
    assert dns.peek(query(extra=opt(4096, 1, DO, COOKIE))).edns == dns.Edns(4096, 1, True)


def test_peek_ignores_what_follows():
    assert dns.peek(query() + b"anything") == dns.peek(query())
    assert dns.peek(query(extra=opt()) + b"\0") == dns.peek(query(extra=opt()))


def test_peek_finds_opt_behind_other_records():
    message = query(extra=record(TXT, 0, b"\1x") + opt(flags=DO))
    message = message[:11] + b"\2" + message[12:]
    assert dns.peek(message).edns.dnssec


def test_every_prefix_of_a_query_is_refused():
    for message in (query(), query(extra=opt(options=COOKIE))):
        for size in range(len(message)):
            assert refused(dns.peek, message[:size]), size


def test_peek_refuses():
    good = query()
    for what, message in (
        ("a response", good[:2] + b"\x81" + good[3:]),
        ("an update", good[:2] + b"\x28" + good[3:]),
        ("no question", good[:5] + b"\0" + good[6:]),
        ("two questions", good[:5] + b"\2" + good[6:] + good[12:]),
        ("256 questions", good[:4] + b"\1\0" + good[6:]),
        ("a pointer to the header", query(question=b"\xc0\x00")),
        ("a pointer to itself", query(question=b"\xc0\x0c")),
        ("a pointer to the front that comes back", query(question=b"\1a\xc0\x0c")),
        ("a pointer ahead", query(question=b"\xc0\x12")),
        ("label type 01", query(question=b"\x41" + b"a" * 65 + b"\0")),
        ("label type 10", query(question=b"\x80\0")),
        ("256 bytes", query(question=(b"\x3f" + b"a" * 63) * 4 + b"\0")),
        ("two OPT", query(extra=opt() + opt())[:11] + b"\2" + query(extra=opt() + opt())[12:]),
        ("OPT with an owner", query(extra=b"\1x" + opt())),
        ("OPT as an answer", good[:7] + b"\1" + good[8:] + opt()),
    ):
        assert refused(dns.peek, message), what


def test_the_longest_name_is_read():
    name = b".".join([b"a" * 63, b"b" * 63, b"c" * 63, b"d" * 61])
    assert dns.peek(query(name)).name == name
    many = b".".join([b"a"] * 127)
    assert dns.peek(query(many)).name == many


# What an answer says


def test_walk_follows_a_chain():
    # 33: CNAME to cdn.example.net (its "example" at 49), 62: A
    target = b"\3cdn\7example\3net\0"
    message = response(
        query(extra=opt()),
        [record(CNAME, 300, target), record(A, 60, b"\1\2\3\4", b"\xc0\x2d"), record(A, 61, b"\1\2\3\5", b"\xc0\x2d")],
        additional=[opt(512)],
    )
    answer = dns.walk(message)
    assert answer.chain == [b"cdn.example.net"]
    assert answer.addresses == [b"\1\2\3\4", b"\1\2\3\5"]
    assert (answer.rcode, answer.truncated, answer.found, answer.min_ttl, answer.lifetime()) == (0, False, True, 60, 60)
    assert message[answer.body_end :] == opt(512)


def test_walk_reads_compressed_targets():
    message = response(query(qtype=AAAA), [record(CNAME, 9, b"\3WEB\xc0\x10"), record(AAAA, 8, bytes(16))])
    assert dns.walk(message).chain == [b"web.example.com"]
    assert dns.walk(message).addresses == [bytes(16)]


def test_walk_looks_at_the_answer_section_only():
    message = response(
        query(),
        [record(A, 100, b"\1\2\3\4")],
        [record(NS, 50, b"\2ns\xc0\x10")],
        [record(A, 20, b"\5\6\7\x08", b"\2ns\xc0\x10"), record(CNAME, 30, b"\0")],
    )
    answer = dns.walk(message)
    assert (answer.addresses, answer.chain, answer.additional) == ([b"\1\2\3\4"], [], 2)
    assert answer.min_ttl == 20, "no record may outlive its TTL, so the smallest of all counts"


def test_walk_reads_service_bindings():
    hints = b"\0\1\0\3\2h2" + b"\0\4\0\x08\1\1\1\1\2\2\2\2" + b"\0\6\0\x10" + bytes(15) + b"\1"
    for rtype in (HTTPS, SVCB):
        alias = dns.walk(response(query(qtype=rtype), [record(rtype, 5, b"\0\0\3cdn\3net\0")]))
        assert (alias.chain, alias.addresses, alias.found) == ([b"cdn.net"], [], True)
        service = dns.walk(response(query(qtype=rtype), [record(rtype, 5, b"\0\1\0" + hints)]))
        assert service.chain == []
        assert service.addresses == [b"\1\1\1\1", b"\2\2\2\2", bytes(15) + b"\1"]


def test_other_classes_hold_no_addresses():
    message = response(query(qclass=3), [record(A, 5, b"\3ch-\0\0\1", rclass=3)])
    assert dns.walk(message).addresses == []


def test_negative_answers_live_as_long_as_the_soa_says():
    nothing = response(query(), authority=[soa(900, 300)])
    assert (dns.walk(nothing).found, dns.walk(nothing).lifetime()) == (False, 300)
    no_name = response(query(), authority=[soa(200, 300)], flags=0x8183)
    assert (dns.walk(no_name).rcode, dns.walk(no_name).lifetime()) == (3, 200)
    alias = response(query(), [record(CNAME, 20, b"\1x\xc0\x10")], [soa(900, 300)])
    assert (dns.walk(alias).soa_negative_ttl, dns.walk(alias).lifetime()) == (300, 20)
    missing_zone = response(query(), [record(CNAME, 20, b"\1x\xc0\x10")], [soa(900, 300)], flags=0x8183)
    assert dns.walk(missing_zone).lifetime() == 20
    # RFC 2308 section 5: without SOA a negative answer should not be cached
    assert dns.walk(response(query(), flags=0x8183)).lifetime() == 0
    assert dns.walk(response(query(), [record(CNAME, 20, b"\1x\xc0\x10")])).lifetime() == 0


def test_errors_and_cut_answers_are_not_cached():
    records = [record(A, 60, b"\1\2\3\4")]
    assert dns.walk(response(query(), records, flags=0x8182)).lifetime() == 0
    assert dns.walk(response(query(), records, flags=0x8380)).lifetime() == 0
    assert dns.walk(response(query(), records, flags=0x8380)).truncated
    # BADVERS is spread over header and OPT
    assert dns.walk(response(query(), additional=[opt(upper=1)])).rcode == 16


def test_any_is_found_by_every_record():
    assert dns.walk(response(query(qtype=ANY), [record(TXT, 60, b"\1x")])).lifetime() == 60


def test_a_ttl_with_the_top_bit_is_zero():
    message = response(query(), [record(A, 0x80000000, b"\1\2\3\4")])
    assert dns.walk(message).min_ttl == 0
    assert dns.walk(dns.aged(message, 1)).min_ttl == 0
    assert dns.walk(response(query(), authority=[soa(7, 0xFFFFFFFF)])).soa_negative_ttl == 0


def test_walk_reads_no_questions_and_several():
    bare = b"\0\0\x81\x80\0\0\0\1\0\0\0\0" + record(A, 5, b"\1\2\3\4", b"\0")
    assert dns.walk(bare).found
    assert dns.walk(b"\0\0\x84\0" + bytes(8)).min_ttl is None
    two = b"\0\0\x81\x80\0\2\0\0\0\0\0\0" + b"\1a\0\0\1\0\1" * 2
    assert dns.walk(two).body_end == len(two)


def test_every_prefix_of_an_answer_is_refused():
    message = response(
        query(), [record(CNAME, 300, b"\3cdn\xc0\x10"), record(A, 60, b"\1\2\3\4")], [soa(9, 9)], [opt(options=COOKIE)]
    )
    dns.walk(message)
    for size in range(len(message)):
        assert refused(dns.walk, message[:size]), size
        assert size < 12 or refused(dns.ttl_offsets, message[:size])
    assert dns.walk(message + b"behind") == dns.walk(message)


def test_walk_refuses():
    for what, records in (
        ("an address of 3 bytes", [record(A, 1, b"\1\2\3")]),
        ("an address of 4 bytes", [record(AAAA, 1, b"\1\2\3\4")]),
        ("an empty alias", [record(CNAME, 1, b"")]),
        ("an alias and more", [record(CNAME, 1, b"\1a\0\0")]),
        ("an alias that loops", [record(CNAME, 1, b"\xc0\x2d")]),
        ("an alias that points ahead", [record(CNAME, 1, b"\xc0\x3f"), record(A, 1, b"\1\2\3\4", b"\1a\0")]),
        ("an alias that runs into the next record", [record(CNAME, 1, b"\5a"), record(A, 1, b"\1\2\3\4")]),
        ("a service without target", [record(HTTPS, 1, b"\0\1")]),
        ("a service with a cut option", [record(HTTPS, 1, b"\0\1\0\0\4\0")]),
        ("a service with a long option", [record(HTTPS, 1, b"\0\1\0\0\4\0\x08\1\1\1\1")]),
        ("an address hint of 3 bytes", [record(HTTPS, 1, b"\0\1\0\0\4\0\3\1\1\1")]),
        ("OPT as an answer", [opt()]),
    ):
        assert refused(dns.walk, response(query(), records)), what
    assert refused(dns.walk, response(query(), authority=[record(SOA, 1, b"\0\0\0")]))
    assert refused(dns.walk, response(query(), additional=[opt(options=b"\0\x0f\0\x09")]))


def test_a_name_of_many_pointers_is_refused():
    """Pointers that only lead to pointers are allowed by the letter, but a walk must end soon: 126 are too many."""
    # At 23 the root, from 24 on pointers, each to the one before it.
    pointers = b"\0" + b"".join([struct.pack(">H", 0xC000 | max(23, at - 2)) for at in range(24, 424, 2)])
    for last, bad in ((124, False), (125, True)):
        alias = record(CNAME, 1, struct.pack(">H", 0xC000 | 24 + 2 * last), b"\0")
        message = b"\0\0\x81\x80\0\0\0\2\0\0\0\0" + record(TXT, 1, pointers, b"\0") + alias
        assert refused(dns.walk, message) == bad, last


def test_more_aliases_than_any_resolver_follows_are_refused():
    for count, bad in ((64, False), (65, True)):
        message = response(query(), [record(CNAME, 1, b"\1a\0")] * count)
        assert refused(dns.walk, message) == bad


# The cache: key, settled answers, ageing


def key(message):
    return dns.cache_key(message, dns.peek(message))


def test_queries_that_may_share_an_answer_share_the_key():
    same = key(query(extra=opt()))
    for message in (
        query(extra=opt(), id=7),
        query(question=b"\3wWw\7EXAMPLE\3Com\0", extra=opt()),
        query(extra=opt(4096)),
        query(extra=opt(options=COOKIE)),
        query(extra=opt()) + b"behind",
    ):
        assert key(message) == same
    assert len(same) == len(b"www.example.com") + dns.KEY_END


def test_queries_that_may_not_differ_in_the_key():
    messages = [
        query(),
        query(b"example.com"),
        query(b"wwwxexample.com"),
        query(qtype=AAAA),
        query(qtype=HTTPS),
        query(qtype=HTTPS + 32),  # "A" and "a" as a byte of the type
        query(qclass=3),
        query(flags=0x0000),  # RD
        query(flags=0x0110),  # CD
        query(extra=opt()),
        query(extra=opt(flags=DO)),
    ]
    assert len(set([key(message) for message in messages])) == len(messages)
    assert key(query(flags=0x0120)) == key(query(flags=0x0100)), "AD"


def test_the_query_for_upstream_is_the_clients_without_its_options():
    asked = query(question=b"\3wWw\7EXAMPLE\3Com\0", extra=opt(4096, 0, DO, COOKIE), flags=0x0130)
    sent = dns.forwarded(asked, dns.peek(asked), 0xBEEF)
    assert sent == query(question=b"\3wWw\7EXAMPLE\3Com\0", extra=opt(1232, 0, DO), flags=0x0130, id=0xBEEF)
    assert key(sent) == key(asked)
    plain = query(flags=0)
    assert dns.forwarded(plain, dns.peek(plain), 0x1234) == query(flags=0x0020), "AD is asked for all who may want it"


def test_ad_is_for_whoever_asked_for_it():
    good = response(query(), [record(A, 60, b"\1\2\3\4")])
    good = good[:3] + bytes([good[3] | 0x20]) + good[4:]
    for asked, told in (
        (query(flags=0), 0),
        (query(flags=0x0020), 0x20),
        (query(extra=opt(1232, 0, DO), flags=0), 0x20),
    ):
        assert dns.readdressed(good, asked, dns.peek(asked))[3] & 0x20 == told
        assert key(asked)[-1] & 0x20 == 0


def test_a_response_must_repeat_id_and_question():
    asked = query()
    end = dns.peek(asked).end
    good = response(asked, [record(A, 60, b"\1\2\3\4")])
    assert dns.answers(good, asked, end)
    assert dns.answers(good[:12] + good[12:29].upper() + good[29:], asked, end)
    for what, other in (
        ("the query itself", asked),
        ("another id", b"\0\0" + good[2:]),
        ("another name", response(query(b"www.example.org"), [record(A, 60, b"\1\2\3\4")])),
        ("another type", response(query(qtype=AAAA))),
        ("a type with the bit that letters have for case", response(query(qtype=A | 32))),
        ("another class", response(query(qclass=3))),
        ("another operation", good[:2] + b"\xa1" + good[3:]),
        ("no question", good[:4] + b"\0\0" + good[6:]),
        ("a cut question", good[: end - 1]),
        ("nothing", b""),
    ):
        assert not dns.answers(other, asked, end), what


def settle(asked, message):
    return dns.normalised(message, dns.peek(asked), dns.walk(message))


def test_a_settled_answer_has_our_opt_if_the_query_had_one():
    records = [record(A, 60, b"\1\2\3\4")]
    glue = record(A, 9, b"\1\1\1\1", b"\2ns\xc0\x10")
    plain, edns, dnssec = query(), query(extra=opt(4096, options=COOKIE)), query(extra=opt(flags=DO))
    for asked, theirs, ours in (
        (plain, [], []),
        (plain, [opt(512)], []),
        (plain, [glue, opt(512), glue], [glue]),
        (edns, [], [opt(1232)]),
        (edns, [opt(512, options=COOKIE)], [opt(1232)]),
        (edns, [glue, opt(512), glue], [glue, opt(1232)]),
        (dnssec, [opt(512)], [opt(1232, flags=DO)]),
    ):
        settled = settle(asked, response(asked, records, additional=theirs) + b"behind")
        assert settled == response(asked, records, additional=ours)


def test_extended_errors_of_upstream_are_passed_on():
    stale, filtered = b"\0\x0f\0\2\0\3", b"\0\x0f\0\4\0\x11ad"
    asked = query(extra=opt())
    theirs = response(asked, additional=[opt(512, options=stale + COOKIE + filtered, upper=1)])
    assert settle(asked, theirs) == response(asked, additional=[opt(1232, options=stale + filtered, upper=1)])
    assert settle(query(), theirs) == response(query())


def test_a_response_without_room_for_opt_is_refused():
    asked = query(extra=opt())
    message = response(asked, [record(TXT, 1, bytes(65535 - 33 - 12))])
    assert len(message) == 65535
    assert refused(settle, asked, message)
    assert settle(query(), message) == message


def test_a_restored_answer_carries_the_id_and_the_case_of_its_query():
    asked = query()
    stored = settle(asked, response(asked, [record(A, 60, b"\1\2\3\4")]))
    other = query(question=b"\3wWw\7EXAMPLE\3Com\0", id=7)
    restored = dns.readdressed(stored, other, dns.peek(other))
    assert restored == response(other, [record(A, 60, b"\1\2\3\4")])


def test_ageing_counts_every_ttl_but_opt_down():
    asked = query(extra=opt(flags=DO))

    def at(first, second):
        return response(
            asked,
            [record(A, first, b"\1\2\3\4"), record(A, second, b"\1\2\3\5")],
            [soa(second, 300)],
            [opt(flags=DO)],
        )

    assert dns.aged(at(60, 3), 0) == at(60, 3)
    assert dns.aged(at(60, 3), 2) == at(58, 1)
    assert dns.aged(at(60, 3), 50) == at(10, 0)
    assert dns.aged(at(60, 0xFFFFFFFF), 1) == at(59, 0)
    assert dns.aged(at(60, 3), 2, dns.peek(query()).end) == at(58, 1)


# Our own answers


def test_a_blocked_name_by_null_addresses():
    for qtype, address in ((A, bytes(4)), (AAAA, bytes(16))):
        asked = query(qtype=qtype)
        answer = dns.blocked(asked, dns.peek(asked), dns.NULL, 10, "Phishing list")
        assert answer == response(asked, [record(qtype, 10, address)])


def test_a_blocked_name_has_no_other_types():
    for qtype, qclass in ((HTTPS, 1), (SVCB, 1), (TXT, 1), (ANY, 1), (A, 3)):
        asked = query(qtype=qtype, qclass=qclass)
        answer = dns.blocked(asked, dns.peek(asked), dns.NULL, 10, "Phishing list")
        assert head(answer) == (0x1234, 0x8180, 1, 0, 1, 0)
        walked = dns.walk(answer)
        assert (walked.rcode, walked.found, walked.soa_negative_ttl) == (0, False, 10)


def test_a_blocked_name_as_not_existing():
    for qtype in (A, AAAA, HTTPS, TXT):
        asked = query(qtype=qtype)
        answer = dns.blocked(asked, dns.peek(asked), dns.NXDOMAIN_STYLE, 10, "Phishing list")
        assert head(answer) == (0x1234, 0x8183, 1, 0, 1, 0)
        assert dns.walk(answer).lifetime() == 10


def test_a_blocked_answer_explains_itself_to_those_with_edns():
    asked = query(extra=opt(4096, 0, DO, COOKIE), flags=0x0110)
    answer = dns.blocked(asked, dns.peek(asked), dns.NULL, 10, "Ph\u00fcsh")
    ours = opt(1232, 0, DO, b"\0\x0f\0\x08\0\x0fPh\xc3\xbcsh")
    assert answer == response(asked, [record(A, 10, bytes(4))], additional=[ours], flags=0x8190)


def test_the_text_is_cut_between_characters_so_that_the_answer_fits():
    name = b".".join([b"a" * 63, b"b" * 63, b"c" * 63, b"d" * 61])
    for text, kept in (
        ("x" * 1000, "x" * 160),
        ("\u00fc" * 1000, "\u00fc" * 80),
        ("x" + "\u20ac" * 1000, "x" + "\u20ac" * 53),
        ("x" * 160, "x" * 160),
        ("", ""),
    ):
        for style in (dns.NULL, dns.NXDOMAIN_STYLE):
            asked = query(name, extra=opt(512))
            answer = dns.blocked(asked, dns.peek(asked), style, 10, text)
            assert len(answer) <= 512
            assert answer.endswith(kept.encode())
            assert dns.walk(answer).ede == struct.pack(">HHH", 15, 2 + len(kept.encode()), 15) + kept.encode()


def test_a_blocked_answer_keeps_the_case_of_the_query():
    asked = query(question=b"\3wWw\7EXAMPLE\3Com\0")
    assert dns.blocked(asked, dns.peek(asked), dns.NULL, 10, "")[12:33] == asked[12:33]


def test_our_errors():
    asked = query(extra=opt())
    question = dns.peek(asked)
    for answer, rcode, ede in (
        (dns.servfail(asked, question, dns.EDE_NO_REACHABLE_AUTHORITY, "no"), 2, b"\0\x0f\0\4\0\x16no"),
        (dns.servfail(asked, question, dns.EDE_NETWORK_ERROR, ""), 2, b"\0\x0f\0\2\0\x17"),
        (dns.refused(asked, question), 5, b""),
        (dns.badvers(asked, question), 16, b""),
        (dns.nodata(asked, question, 5), 0, b""),
        (dns.nxdomain(asked, question, 5), 3, b""),
    ):
        walked = dns.walk(answer)
        assert (walked.rcode, walked.ede) == (rcode, ede)
        assert dns.answers(answer, asked, question.end)
    plain = query()
    assert dns.servfail(plain, dns.peek(plain), 23, "no") == response(plain, flags=0x8182)
    assert dns.refused(plain, dns.peek(plain)) == response(plain, flags=0x8185)


def test_an_unknown_edns_version_is_told_ours():
    asked = query(extra=opt(4096, 1, DO, COOKIE))
    answer = dns.badvers(asked, dns.peek(asked))
    assert answer == response(asked, additional=[opt(1232, 0, DO, b"", upper=1)])


def test_what_malformed_messages_get():
    assert dns.malformed(b"") is None
    assert dns.malformed(bytes(11)) is None
    assert dns.malformed(query()[:2] + b"\x80" + bytes(9)) is None, "servers must not answer each other's answers"
    assert head(dns.malformed(b"\7\7\1\0" + bytes(8))) == (0x0707, 0x8181, 0, 0, 0, 0)
    assert head(dns.malformed(b"\7\7\x29\x10" + bytes(30))) == (0x0707, 0xA994, 0, 0, 0, 0)


def test_long_answers_are_cut_for_udp():
    asked = query(extra=opt())
    message = response(asked, [record(TXT, 1, bytes(600))], additional=[opt(1232, 0, DO, COOKIE)])
    assert dns.truncated(message, len(message)) == message
    assert dns.truncated(message, 512) == response(asked, additional=[opt(1232, 0, DO)], flags=0x8380)
    plain = response(query(), [record(TXT, 1, bytes(600))])
    assert dns.truncated(plain, 512) == response(query(), flags=0x8380)


def test_the_udp_limit_is_the_clients_within_ours():
    for asked, limit in (
        (query(), 512),
        (query(extra=opt(0)), 512),
        (query(extra=opt(511)), 512),
        (query(extra=opt(1000)), 1000),
        (query(extra=opt(65535)), 1232),
    ):
        assert dns.udp_limit(dns.peek(asked)) == limit


# Names inside messages


def test_read_name_gives_the_offset_behind_the_first_pointer():
    message = bytes(12) + b"\3com\0\7example\xc0\x0c\3www\xc0\x11rest"
    assert wire.read_name(message, 12) == (b"com", 17)
    assert wire.read_name(message, 17) == (b"example.com", 27)
    assert wire.read_name(message, 27) == (b"www.example.com", 33)


def test_a_plain_name_is_read_as_any_name():
    odd = (b"", b"a", b"a.b", b"A.Example.COM", b"x" * 63 + b".com", b".".join([b"y" * 63] * 3 + [b"z" * 61]))
    for name in odd:
        labels = [label for label in name.split(b".") if label]
        raw = b"".join([bytes([len(label)]) + label for label in labels]) + b"\0"
        message = bytes([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]) + raw + b"\0\1\0\1"
        assert dns.peek(message).name == wire.read_name(message, 12)[0]
    for raw in (b"\1.\0", b"\3a\0b\0", b"\1 \0", b"\2a\\\0", b"\1\xc3\3com\0"):
        message = bytes([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]) + raw + b"\0\1\0\1"
        assert dns.peek(message).name == wire.read_name(message, 12)[0]
