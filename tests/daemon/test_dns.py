"""What devices are answered: by view, from the cache, and in their own words."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import dnslib
import pytest

from agent.daemon.dns.sessions import RECORD_S
from agent.daemon.dns.upstream import QUERIES_MAX
from tests.daemon.household_dns import OTHER, PLAIN, PROTECTED, STRANGER, Resolving
from tests.daemon.resolving import Answerer, addresses, ede, rcode, texts, turn_for, turn_until, with_edns

Build = Callable[..., Resolving]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    made: list[Resolving] = []

    def make(answer: Answerer | None = None, **settings: int) -> Resolving:
        made.append(Resolving(tmp_path, answer, **settings))
        return made[-1]

    yield make
    for resolving in made:
        resolving.close()


@pytest.fixture
def net(build: Build) -> Resolving:
    return build()


def question(name: str, qtype: str = "A") -> dnslib.DNSRecord:
    return dnslib.DNSRecord.question(name, qtype)


def alias(*names: str, ttl: int = 300) -> Answerer:
    """A chain of CNAMEs from the asked name along these, with an address at its end."""

    def answer(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        reply = query.reply(aa=0)
        owner = str(query.q.qname)
        for name in names:
            reply.add_answer(dnslib.RR(owner, dnslib.QTYPE.CNAME, rdata=dnslib.CNAME(name), ttl=ttl))
            owner = name
        reply.add_answer(dnslib.RR(owner, dnslib.QTYPE.A, rdata=dnslib.A("192.0.2.99"), ttl=ttl))
        return reply

    return answer


def negative(code: str, ttl: int = 3600, minimum: int = 60, soa: bool = True) -> Answerer:
    def answer(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        reply = query.reply(aa=0)
        reply.header.rcode = getattr(dnslib.RCODE, code)
        if soa:
            times = (1, 2, 3, 4, minimum)
            rdata = dnslib.SOA("ns.example", "host.example", times)
            reply.add_auth(dnslib.RR("example", dnslib.QTYPE.SOA, rdata=rdata, ttl=ttl))
        return reply

    return answer


# verdicts


def test_a_name_is_answered_and_recorded_with_its_device(net: Resolving) -> None:
    assert texts(net.device(PROTECTED).ask("www.wikipedia.example")) == ["192.0.2.1"]
    assert net.recorded() == {(1, b"www.wikipedia.example"): (False, 1)}


@pytest.mark.parametrize("name", ["bad.example", "login.bad.example", "BAD.example"])
def test_a_listed_name_is_refused_and_the_answer_names_the_list(net: Resolving, name: str) -> None:
    reply = net.device(PROTECTED).ask(with_edns(question(name)))
    assert texts(reply) == ["0.0.0.0"]
    assert ede(reply) == (15, "on the list Phishing names (phishing)")
    assert net.server.seen == []
    assert net.recorded() == {(1, name.lower().encode()): (True, 1)}


def test_refusals_of_other_types(net: Resolving) -> None:
    device = net.device(PROTECTED)
    assert texts(device.ask("bad.example", "AAAA")) == ["::"]
    https = device.ask("bad.example", "HTTPS")
    assert (rcode(https), texts(https)) == ("NOERROR", [])
    assert net.server.seen == []


def test_the_style_of_refusals_can_be_changed_while_running(net: Resolving) -> None:
    device = net.device(PROTECTED)
    assert rcode(device.ask("bad.example")) == "NOERROR"
    net.dns.refuse_with("nxdomain", 77)
    reply = device.ask("bad.example")
    assert rcode(reply) == "NXDOMAIN"
    assert reply.auth[0].ttl == 77


def test_an_alias_that_leads_to_a_listed_name_is_refused(build: Build) -> None:
    net = build(alias("cdn.example.", "x.tracker.example."))
    assert texts(net.device(PROTECTED).ask("shop.example")) == ["0.0.0.0"]
    # What was refused for its alias is refused from the cache too, and others get what upstream said.
    assert texts(net.device(PROTECTED).ask("shop.example")) == ["0.0.0.0"]
    assert texts(net.device(PLAIN).ask("shop.example")) == ["cdn.example.", "x.tracker.example.", "192.0.2.99"]
    assert net.server.names == ["shop.example."]
    assert net.recorded() == {(1, b"shop.example"): (True, 2), (2, b"shop.example"): (False, 1)}


def test_who_allows_a_name_allows_where_it_leads(build: Build) -> None:
    net = build(alias("x.tracker.example."))
    net.swap(net.allowing("shop.example"))
    assert "192.0.2.99" in texts(net.device(PROTECTED).ask("shop.example"))
    assert texts(net.device(PROTECTED).ask("other.example")) == ["0.0.0.0"]


@pytest.mark.parametrize("first", [PROTECTED, PLAIN, OTHER, STRANGER])
def test_no_view_is_given_what_another_was(net: Resolving, first: str) -> None:
    """Whoever asks first, twice, everybody gets their own answer afterwards, twice."""
    expected = {
        PROTECTED: {"bad.example": "0.0.0.0", "games.example": "192.0.2.1", "fine.example": "192.0.2.1"},
        PLAIN: {"bad.example": "192.0.2.1", "games.example": "192.0.2.1", "fine.example": "192.0.2.1"},
        OTHER: {"bad.example": "0.0.0.0", "games.example": "0.0.0.0", "fine.example": "192.0.2.1"},
        STRANGER: {"bad.example": "192.0.2.1", "games.example": "192.0.2.1", "fine.example": "192.0.2.1"},
    }
    for source in (first, PROTECTED, PLAIN, OTHER, STRANGER):
        device = net.device(source)
        for name, address in [*expected[source].items(), *expected[source].items()]:
            assert texts(device.ask(name)) == [address], (source, name)
    assert sorted(net.server.names) == ["bad.example.", "fine.example.", "games.example."]


# records


def test_a_stranger_is_answered_and_never_recorded(net: Resolving) -> None:
    stranger = net.device(STRANGER)
    for _ in range(3):
        assert texts(stranger.ask("bad.example")) == ["192.0.2.1"]
    assert net.recorded() == {}


def test_repeats_are_counted_and_a_and_aaaa_are_one_name(net: Resolving) -> None:
    device = net.device(PROTECTED)
    for _ in range(5):
        device.ask("fine.example")
        device.ask("fine.example", "AAAA")
        device.ask("bad.example")
    assert net.recorded() == {(1, b"fine.example"): (False, 10), (1, b"bad.example"): (True, 5)}
    assert len(net.records) <= 4, "counted, not told one by one"


def test_records_come_by_themselves_soon(net: Resolving) -> None:
    net.device(PROTECTED).ask("fine.example")
    turn_until(net.loop, lambda: len(net.records) == 1, RECORD_S + 0.3)


@pytest.mark.parametrize(("answer", "qtype"), [("NXDOMAIN", "A"), ("NOERROR", "A"), ("SERVFAIL", "A")])
def test_what_found_nothing_is_no_contact(build: Build, answer: str, qtype: str) -> None:
    net = build(negative(answer))
    device = net.device(PROTECTED)
    for _ in range(2):
        device.ask("nothing.example", qtype)
    assert net.recorded() == {}


@pytest.mark.parametrize("qtype", ["TXT", "MX", "PTR", "HTTPS"])
def test_only_address_look_ups_are_contacts(net: Resolving, qtype: str) -> None:
    net.device(PROTECTED).ask("fine.example", qtype)
    assert net.recorded() == {}


def test_what_was_asked_before_a_toggle_carries_the_client_of_before(net: Resolving) -> None:
    """In flight upstream, waiting in the socket, and already answered: all three."""
    device = net.device(PROTECTED)
    before = net.clients[PROTECTED]
    device.ask("answered.example")
    answer, net.server.answer = net.server.answer, lambda query: None
    device.send(question("in-flight.example"))
    turn_until(net.loop, lambda: "in-flight.example." in net.server.names)
    net.server.answer = answer
    device.send(question("in-the-socket.example"))
    net.dns.drain()
    net.toggle(2)
    after = net.clients[PROTECTED]
    device.ask("later.example", seconds=3)
    turn_until(net.loop, lambda: len(device.raw) == 4)
    net.recorded()
    by_client = {(client, name): count for client, name, _, count in net.records}
    assert by_client == {
        (before, b"answered.example"): 1,
        (before, b"in-flight.example"): 1,
        (before, b"in-the-socket.example"): 1,
        (after, b"later.example"): 1,
    }


def test_a_full_socket_is_read_before_a_toggle(net: Resolving) -> None:
    device = net.device(PROTECTED)
    before = net.clients[PROTECTED]
    for _ in range(300):
        device.send(question("many.example"))
    net.dns.drain()
    net.toggle(2)
    turn_until(net.loop, lambda: len(device.raw) == 300)
    net.recorded()
    assert {client for client, _, _, _ in net.records} == {before}
    assert sum(count for _, _, _, count in net.records) == 300


def test_switching_protection_off_acts_on_what_is_cached(net: Resolving) -> None:
    device = net.device(PROTECTED)
    assert texts(device.ask("bad.example")) == ["0.0.0.0"]
    net.dns.drain()
    net.clients[PROTECTED] = net.clients[PLAIN]
    assert texts(device.ask("bad.example")) == ["192.0.2.1"]


# the policy changes


def test_a_new_policy_acts_at_once_and_upstream_is_not_asked_again(net: Resolving) -> None:
    device = net.device(PROTECTED)
    for _ in range(2):
        assert texts(device.ask("fine.example")) == ["192.0.2.1"]
    net.swap(net.with_rules("fine.example"))
    for _ in range(2):
        assert texts(device.ask("fine.example")) == ["0.0.0.0"]
    net.swap(net.with_rules())
    assert texts(device.ask("fine.example")) == ["192.0.2.1"]
    assert net.server.names == ["fine.example."]


def test_an_answer_is_decided_by_the_policy_of_when_it_comes(net: Resolving) -> None:
    device = net.device(PROTECTED)
    answer, net.server.answer = net.server.answer, lambda query: None
    device.send(question("late.example"))
    turn_until(net.loop, lambda: net.server.names == ["late.example."])
    net.server.answer = answer
    net.swap(net.with_rules("late.example"))
    net.toggle(1)
    turn_until(net.loop, lambda: len(device.raw) == 1)
    assert texts(dnslib.DNSRecord.parse(device.raw[0])) == ["0.0.0.0"]
    for _ in range(2):
        assert texts(device.ask("late.example")) == ["0.0.0.0"]


# the cache


def test_upstream_is_asked_once_and_the_ttl_counts_down(net: Resolving) -> None:
    device = net.device(PROTECTED)
    assert [record.ttl for record in device.ask("fine.example").rr] == [300]
    for ahead, left in ((0, 300), (10, 290), (10, 290), (250, 50), (299, 1)):
        net.time.ahead = ahead
        turn_for(net.loop, 0.01)
        for source in (PROTECTED, PLAIN):
            (record,) = net.device(source).ask("fine.example").rr
            assert record.ttl in (left, left - 1)
    assert len(net.server.seen) == 1
    net.time.ahead = 301
    turn_for(net.loop, 0.01)
    assert [record.ttl for record in device.ask("fine.example").rr] == [300]
    assert len(net.server.seen) == 2


def test_no_ttl_ever_passes_zero_and_zero_is_not_kept(build: Build) -> None:
    net = build(alias("cdn.example.", ttl=0))
    device = net.device(PROTECTED)
    for _ in range(3):
        assert [record.ttl for record in device.ask("fine.example").rr] == [0, 0]
    assert len(net.server.seen) == 3


def test_the_shortest_ttl_of_a_chain_counts(build: Build) -> None:
    def answer(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        reply = alias("cdn.example.")(query)
        assert isinstance(reply, dnslib.DNSRecord)
        reply.rr[1].ttl = 20
        return reply

    net = build(answer)
    device = net.device(PROTECTED)
    device.ask("fine.example")
    net.time.ahead = 19
    turn_for(net.loop, 0.01)
    device.ask("fine.example")
    assert len(net.server.seen) == 1
    net.time.ahead = 21
    turn_for(net.loop, 0.01)
    device.ask("fine.example")
    assert len(net.server.seen) == 2


@pytest.mark.parametrize("code", ["NXDOMAIN", "NOERROR"])
def test_negative_answers_are_kept_as_long_as_their_soa_says(build: Build, code: str) -> None:
    net = build(negative(code, ttl=3600, minimum=60))
    device = net.device(PROTECTED)
    assert rcode(device.ask("nothing.example")) == code
    net.time.ahead = 58
    turn_for(net.loop, 0.01)
    assert rcode(device.ask("nothing.example")) == code
    assert len(net.server.seen) == 1
    net.time.ahead = 61
    turn_for(net.loop, 0.01)
    device.ask("nothing.example")
    assert len(net.server.seen) == 2


@pytest.mark.parametrize("answer", [negative("NXDOMAIN", soa=False), negative("SERVFAIL"), negative("REFUSED")])
def test_what_must_not_be_kept_is_not(build: Build, answer: Answerer) -> None:
    net = build(answer)
    for _ in range(2):
        net.device(PROTECTED).ask("nothing.example")
    assert len(net.server.seen) == 2


def test_a_negative_answer_is_not_believed_for_longer_than_an_hour(build: Build) -> None:
    net = build(negative("NXDOMAIN", ttl=1 << 30, minimum=1 << 30))
    net.device(PROTECTED).ask("nothing.example")
    net.time.ahead = 3601
    turn_for(net.loop, 0.01)
    net.device(PROTECTED).ask("nothing.example")
    assert len(net.server.seen) == 2


def test_the_cache_is_capped(build: Build) -> None:
    net = build(entries_max=100)
    device = net.device(PROTECTED)
    for number in range(400):
        device.ask(f"n{number}.example")
        assert net.dns.counters()["cached"] <= 100
    device.ask("n399.example")
    assert len(net.server.seen) == 400


def test_one_question_is_in_flight_where_the_answer_is_the_same(build: Build) -> None:
    """Whatever the letters, and whether authentic data is asked about; each gets its letters and its bit back."""
    waiting: list[dnslib.DNSRecord] = []
    net = build(lambda query: waiting.append(query))  # type: ignore[func-returns-value]
    device = net.device(PROTECTED)
    mixes = [(rd, cd, ad, do) for rd in (0, 1) for cd in (0, 1) for ad in (0, 1) for do in (None, "", "do")]
    for rd, cd, ad, do in mixes:
        for name in ("www.case.example", "wWw.cAse.Example"):
            query = dnslib.DNSRecord(dnslib.DNSHeader(rd=rd, cd=cd, ad=ad), q=dnslib.DNSQuestion(name))
            if do is not None:
                query.add_ar(dnslib.EDNS0(flags=do, udp_len=1232))
            device.send(query)
    turn_until(net.loop, lambda: len(waiting) >= 12, 10.0)
    turn_for(net.loop, 0.1)
    asked = {
        (query.header.rd, query.header.cd, len(query.ar), bool(query.ar and query.ar[0].edns_do)) for query in waiting
    }
    assert len(asked) == 12
    answered = {query.header.id: query for query in waiting}
    assert len(waiting) <= 24, "once more at most, for what was not answered in time"
    for query in answered.values():
        reply = addresses("192.0.2.1")(query)
        reply.header.ad = 1
        for source in dict.fromkeys(net.server.sources):
            net.server.say(reply.pack(), source)
    turn_until(net.loop, lambda: len(device.raw) == 2 * len(mixes), 10.0)
    told = [dnslib.DNSRecord.parse(raw) for raw in device.raw]
    assert {str(reply.q.qname) for reply in told} == {"www.case.example.", "wWw.cAse.Example."}
    assert sum(reply.header.ad for reply in told) == 2 * (12 + 4), "12 asked by AD, 4 more by DO"


def test_a_flood_of_random_case_does_not_grow_the_replies(net: Resolving) -> None:
    device = net.device(PROTECTED)
    chance = random.Random(1)
    for _ in range(300):
        name = "".join(chance.choice((letter, letter.upper())) for letter in "www.case.example")
        reply = device.ask(name)
        assert str(reply.q.qname) == name + ".", "the question comes back letter by letter"
        assert texts(reply) == ["192.0.2.1"]
    assert len(net.server.seen) == 1
    assert len(net.dns.lanes.known[PROTECTED].replies) <= 1
    assert net.recorded() == {(1, b"www.case.example"): (False, 300)}


# EDNS


def test_cookies_and_client_subnets_stay_here(net: Resolving) -> None:
    device = net.device(PROTECTED)
    for number in range(5):
        cookie = dnslib.EDNSOption(10, bytes([number] * 8))
        subnet = dnslib.EDNSOption(8, b"\0\1\x18\0\xc0\0\2")
        reply = device.ask(with_edns(question("fine.example"), options=[cookie, subnet]))
        (opt,) = reply.ar
        assert opt.rdata == []
        assert texts(reply) == ["192.0.2.1"]
    (seen,) = net.server.seen
    assert seen.ar[0].rdata == []


def test_with_and_without_edns_and_dnssec_are_different_questions(net: Resolving) -> None:
    device = net.device(PROTECTED)
    for _ in range(2):
        assert device.ask(question("fine.example")).ar == []
        assert len(device.ask(with_edns(question("fine.example"))).ar) == 1
        assert len(device.ask(with_edns(question("fine.example"), flags="do")).ar) == 1
    assert [len(query.ar) for query in net.server.seen] == [0, 1, 1]


def test_an_unknown_version_of_edns(net: Resolving) -> None:
    query = question("fine.example")
    query.add_ar(dnslib.EDNS0(version=1))
    reply = net.device(PROTECTED).ask(query)
    assert reply.ar[0].ttl >> 24 == 1, "BADVERS, whose upper bits are in OPT"
    assert net.server.seen == []


def many(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
    reply = query.reply(aa=0)
    for number in range(60):
        reply.add_answer(dnslib.RR(query.q.qname, dnslib.QTYPE.A, rdata=dnslib.A(f"192.0.2.{number}"), ttl=60))
    return reply


@pytest.mark.parametrize(("size", "whole"), [(None, False), (512, False), (900, False), (1232, True), (4096, True)])
def test_no_answer_is_longer_than_the_device_takes(build: Build, size: int | None, whole: bool) -> None:
    net = build(many)
    device = net.device(PROTECTED)
    for _ in range(3):
        reply = device.ask(question("long.example") if size is None else with_edns(question("long.example"), size))
        assert len(device.raw[-1]) <= (size or 512)
        assert (len(reply.rr) == 60) is whole
        assert bool(reply.header.tc) is not whole
        net.time.ahead += 2
        turn_for(net.loop, 0.01)


# many at once


def test_the_same_question_in_flight_is_asked_once(net: Resolving) -> None:
    devices = [net.device(source) for source in (PROTECTED, PLAIN, STRANGER)]
    answer, net.server.answer = net.server.answer, lambda query: None
    for device in devices:
        for name in ("same.example", "SAME.example", "sAmE.eXaMpLe"):
            device.send(question(name))
    turn_until(net.loop, lambda: bool(net.server.seen))
    turn_for(net.loop, 0.1)
    assert len(net.server.seen) == 1
    net.server.answer = answer
    turn_until(net.loop, lambda: all(len(device.raw) == 3 for device in devices))
    assert net.recorded() == {(1, b"same.example"): (False, 3), (2, b"same.example"): (False, 3)}
    for device in devices:
        names = [str(dnslib.DNSRecord.parse(raw).q.qname) for raw in device.raw]
        assert sorted(names) == ["SAME.example.", "sAmE.eXaMpLe.", "same.example."]


def test_a_dead_upstream_is_told_with_a_reason(net: Resolving) -> None:
    device = net.device(PROTECTED)
    net.server.answer = lambda query: None
    first = device.ask(with_edns(question("one.example")), seconds=8)
    assert rcode(first) == "SERVFAIL"
    assert ede(first) == (22, "no DNS server answers")
    # Refusals, and what is in the cache, need nobody.
    assert texts(device.ask("bad.example", seconds=0.2)) == ["0.0.0.0"]
    second = device.ask(with_edns(question("two.example")), seconds=8)
    assert ede(second) == (22, "no DNS server answers")
    assert net.recorded() == {(1, b"bad.example"): (True, 1)}
    assert net.dns.counters()["failed"] == 2


def test_broken_answers_of_upstream_are_a_failure(build: Build) -> None:
    def answer(query: dnslib.DNSRecord) -> bytes:
        reply = bytearray(query.reply().pack())
        reply[7] = 9  # nine records that are not there
        return bytes(reply)

    net = build(answer)
    assert rcode(net.device(PROTECTED).ask("fine.example")) == "SERVFAIL"
    assert net.dns.counters()["cached"] == 0


# what is not a question


def test_odd_messages_get_the_answer_that_they_deserve(net: Resolving) -> None:
    device = net.device(PROTECTED)
    good = bytes(question("fine.example").pack())
    update = bytearray(good)
    update[2] |= 5 << 3
    assert rcode(device.ask(bytes(update))) == "NOTIMP"
    two = bytearray(good)
    two[5] = 2
    device.send(bytes(two))
    turn_until(net.loop, lambda: len(device.raw) == 2)
    assert device.raw[1][3] & 15 == dnslib.RCODE.FORMERR
    for qtype in ("AXFR", "IXFR"):
        assert rcode(device.ask(question("fine.example", qtype))) == "REFUSED"
    had = len(device.raw)
    for quiet in (b"", b"x", good[:11], b"\0\0\x80" + good[3:]):
        device.send(quiet)
    device.ask(good)
    assert len(device.raw) == had + 1
    assert len(net.server.seen) == 1


def test_random_bytes_change_nothing(net: Resolving) -> None:
    device = net.device(PROTECTED)
    chance = random.Random(7)
    good = bytes(with_edns(question("www.fine.example")).pack())
    for _ in range(3000):
        message = bytearray(good)
        for _ in range(chance.randrange(6)):
            message[chance.randrange(len(message))] = chance.randrange(256)
        device.send(bytes(message[: chance.randrange(len(message) + 1)]))
        if chance.random() < 0.05:
            turn_for(net.loop, 0.001)
    turn_for(net.loop, 0.1)
    assert texts(device.ask("fine.example")) == ["192.0.2.1"]


def test_many_addresses_do_not_grow_the_lanes(net: Resolving) -> None:
    for number in range(300):
        asker = net.device(f"127.1.{number // 250}.{1 + number % 250}")
        asker.ask("fine.example")
        assert len(net.dns.lanes.known) <= 256
    assert net.recorded() == {}


# a silent upstream, and this network's names


def test_a_stale_answer_is_given_by_the_policy_of_now(net: Resolving) -> None:
    device = net.device(PROTECTED)
    net.server.answer = addresses("203.0.113.7", ttl=1)
    asked = with_edns(question("news.example"))
    assert texts(device.ask(asked)) == ["203.0.113.7"]
    net.server.answer = lambda query: None
    turn_for(net.loop, 1.2)
    began = net.loop.clock()
    reply = device.ask(asked, seconds=6)
    assert texts(reply) == ["203.0.113.7"] and [record.ttl for record in reply.rr] == [30]
    assert ede(reply) == (3, "")
    assert net.loop.clock() - began > 1.7, "a fresh answer had its time"
    # Told so a moment ago, nobody waits again; and what the policy would block now is not given.
    began = net.loop.clock()
    assert texts(device.ask(asked, seconds=6)) == ["203.0.113.7"]
    assert net.loop.clock() - began < 1.5
    net.swap(net.with_rules("news.example"))
    assert texts(device.ask(asked, seconds=6)) == ["0.0.0.0"]


def test_what_comes_late_is_there_for_the_next_question(net: Resolving) -> None:
    """Also in place of a stale answer, and though the first who asked was told of a failure."""
    device = net.device(PROTECTED)
    held: list[tuple[dnslib.DNSRecord, tuple[str, int]]] = []

    def hold(query: dnslib.DNSRecord) -> None:
        held.append((query, net.server.sources[-1]))

    net.server.answer = hold
    assert rcode(device.ask("slow.example", seconds=8)) == "SERVFAIL"
    query, source = held[-1]
    net.server.say(addresses("192.0.2.9")(query).pack(), source)
    turn_until(net.loop, lambda: net.dns.counters()["cached"] == 1, 5)
    assert texts(device.ask("slow.example", seconds=1)) == ["192.0.2.9"]


def test_a_late_answer_is_given_to_who_asked_again_meanwhile(net: Resolving) -> None:
    device = net.device(PROTECTED)
    held: list[tuple[dnslib.DNSRecord, tuple[str, int]]] = []

    def hold(query: dnslib.DNSRecord) -> None:
        held.append((query, net.server.sources[-1]))

    net.server.answer = hold
    device.ask("slow.example", seconds=8)
    query, source = held[-1]
    device.send(question("slow.example"))
    turn_until(net.loop, lambda: held[-1][0] is not query)
    net.server.say(addresses("192.0.2.9")(query).pack(), source)
    turn_until(net.loop, lambda: len(device.raw) == 2, 2)
    assert texts(dnslib.DNSRecord.parse(device.raw[1])) == ["192.0.2.9"]


@pytest.mark.parametrize("code", ["SERVFAIL", "REFUSED", "NOTIMP"])
def test_a_failure_is_no_news_of_what_was_known(net: Resolving, code: str) -> None:
    """dnsmasq refuses while it has no server itself."""
    device = net.device(PROTECTED)
    net.server.answer = addresses("203.0.113.7", ttl=1)
    assert texts(device.ask("news.example")) == ["203.0.113.7"]

    def fail(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        reply = query.reply()
        reply.header.rcode = getattr(dnslib.RCODE, code)
        return reply

    net.server.answer = fail
    turn_for(net.loop, 1.2)
    assert texts(device.ask("news.example", seconds=1)) == ["203.0.113.7"]
    assert rcode(device.ask("other.example", seconds=1)) == code
    net.server.answer = lambda query: query.reply()
    assert texts(device.ask("news.example", seconds=1)) == ["203.0.113.7"], "given so a moment ago"
    turn_for(net.loop, 0.2)
    assert texts(device.ask("news.example", seconds=1)) == [], "which asked anew"


def test_each_address_that_nobody_knows_has_its_own_share(net: Resolving) -> None:
    """And one who takes all of it loses the oldest questions only."""
    net.server.answer = lambda query: None
    flood = net.device("127.0.0.6")
    for number in range(QUERIES_MAX):
        flood.send(question(f"n{number}.example"))
        if number % 32 == 31:
            turn_for(net.loop, 0.01)
    turn_until(net.loop, lambda: len(flood.raw) >= QUERIES_MAX // 2)
    asked = {str(dnslib.DNSRecord.parse(raw).q.qname) for raw in flood.raw}
    assert asked == {f"n{number}.example." for number in range(QUERIES_MAX // 2)}
    assert {rcode(dnslib.DNSRecord.parse(raw)) for raw in flood.raw} == {"SERVFAIL"}
    net.server.answer = addresses("192.0.2.9")
    for device in (net.device(STRANGER), net.device(PROTECTED), flood):
        assert texts(device.ask(f"fine{device.socket.getsockname()[1]}.example")) == ["192.0.2.9"]


def test_a_day_is_the_oldest(net: Resolving) -> None:
    device = net.device(PROTECTED)
    net.server.answer = addresses("203.0.113.7", ttl=1)
    device.ask("news.example")
    net.server.answer = lambda query: None
    net.time.ahead += 86400 + 5
    assert rcode(device.ask("news.example", seconds=8)) == "SERVFAIL"


def test_public_names_do_not_lead_into_this_network(net: Resolving) -> None:
    device = net.device(PROTECTED)
    net.dns.ask_router(None, lambda: ["fritz.box"], True)
    for inside in ("192.168.1.5", "127.0.0.1", "169.254.1.1", "::ffff:a00:1", "fe80::1", "fd00::1", "100.64.0.1"):
        net.server.answer = addresses("203.0.113.7", inside)
        kind = "AAAA" if ":" in inside else "A"
        reply = device.ask(with_edns(question("www.rebind.example", kind)))
        assert inside not in texts(reply) and ede(reply)[0] == 15, inside
        assert inside in texts(device.ask("nas.fritz.box" if kind == "A" else "nas.lan", kind)), inside
        net.dns.swap(net.policy)
        net.dns._path.fetching.answers.clear()
    net.server.answer = addresses("0.0.0.0")
    assert texts(device.ask("filtered.example")) == ["0.0.0.0"]
    # By a rule of the household's, for whom it is.
    net.server.answer = addresses("192.168.1.5")
    net.swap(net.allowing("www.rebind.example"))
    assert texts(device.ask("www.rebind.example")) == ["192.168.1.5"]
    net.swap(net.with_rules())
    assert texts(device.ask("www.rebind.example")) == ["0.0.0.0"]


def test_local_names_and_filters_addresses_are_no_visits(net: Resolving) -> None:
    device = net.device(PROTECTED)
    device.ask("printer.lan")
    net.server.answer = addresses("0.0.0.0", "::")
    device.ask("www.casino.example")
    device.ask("www.casino.example", "AAAA")
    net.server.answer = addresses("203.0.113.7")
    device.ask("news.example")
    turn_for(net.loop, RECORD_S + 0.1)
    assert set(net.recorded()) == {(1, b"news.example")}
