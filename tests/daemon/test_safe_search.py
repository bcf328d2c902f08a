"""Hosts that have a safe form, asked for by children with different modes: the safe form's answer, or none."""

import contextlib
import lzma
import random
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import dnslib
import pytest

from agent.core.safesearch import GOOGLE, YOUTUBE_HOSTS, hosts_or_target, safe_host
from agent.daemon.dns.service import Dns
from tests.daemon.household_dns import OTHER, PLAIN, PROTECTED, STRANGER, Resolving
from tests.daemon.resolving import Answerer, rcode, texts, turn_for, turn_until, with_edns

FACTS = Path(__file__).parents[3] / "shared" / "data" / "parental" / "safesearch-agh.tsv.xz"
TARGET = "forcesafesearch.google.com"
UNSAFE, UNSAFE6 = "198.51.100.66", "2001:db8::bad"
SAFE, SAFE6 = "192.0.2.10", "2001:db8::10"
TYPES = ("A", "AAAA", "HTTPS", "SVCB", "ANY", "TXT")
CODES = {"A": 1, "AAAA": 28, "HTTPS": 65, "SVCB": 64, "ANY": 255, "TXT": 16, "CNAME": 5}
Build = Callable[..., Resolving]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    made: list[Resolving] = []

    def make(answer: Answerer | None = None, first: tuple[str, str] = ("on", "off")) -> Resolving:
        """PROTECTED has the modes `first`, OTHER none."""
        made.append(Resolving(tmp_path, answer or internet))
        use(made[-1], first)
        return made[-1]

    yield make
    for resolving in made:
        resolving.close()


def use(net: Resolving, first: tuple[str, str], other: tuple[str, str] = ("off", "off")) -> None:
    net.modes = {1: first, 3: other}
    net.swap(net.with_rules())


def is_safe_form(name: str) -> bool:
    return name.split(".")[0] in (
        "forcesafesearch",
        "restrict",
        "restrictmoderate",
        "strict",
        "safe",
        "safesearch",
    ) or (name.startswith("strict-safe-search."))


def internet(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
    """Every name has addresses, service records with hints, and a text."""
    reply = query.reply(ra=1, aa=0)
    name = str(query.q.qname).lower().rstrip(".")
    four, six = (SAFE, SAFE6) if is_safe_form(name) else (UNSAFE, UNSAFE6)
    qtype = query.q.qtype
    found = {1: dnslib.A(four), 28: dnslib.AAAA(six), 16: dnslib.TXT("text of " + four)}
    if qtype in found:
        reply.add_answer(dnslib.RR(query.q.qname, qtype, rdata=found[qtype], ttl=300))
    if qtype in (64, 65, 255):
        hints = struct.pack(">HB", 1, 0) + struct.pack(">HH", 4, 4) + socket.inet_aton(four)
        reply.add_answer(dnslib.RR(query.q.qname, 65, rdata=dnslib.RD(hints), ttl=300))
    if qtype == 255:
        reply.add_answer(dnslib.RR(query.q.qname, 1, rdata=dnslib.A(four), ttl=300))
    return reply


def facts() -> list[tuple[str, str, str]]:
    if not FACTS.exists():
        pytest.skip(f"not here: {FACTS}")
    rows = [line.split("\t") for line in lzma.decompress(FACTS.read_bytes()).decode().splitlines()]
    return [(name, record, target) for name, record, target in rows]


def asked(name: str, qtype: str) -> dnslib.DNSRecord:
    return dnslib.DNSRecord(q=dnslib.DNSQuestion(name, CODES[qtype]))


def has_unsafe(raw: bytes) -> bool:
    return socket.inet_aton(UNSAFE) in raw or socket.inet_pton(socket.AF_INET6, UNSAFE6) in raw


def has_soa(reply: dnslib.DNSRecord) -> bool:
    return [record.rtype for record in reply.auth] == [6]


MODES = (("on", "off"), ("strict", "moderate"), ("off", "strict"), ("off", "moderate"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("modes", MODES)
def test_each_name_by_each_type_for_two_children_in_turn(build: Build, modes: tuple[str, str]) -> None:
    net = build(first=modes)
    mine, others = net.device(PROTECTED), net.device(OTHER)
    for name, _, _ in facts():
        safe = safe_host(name.encode(), *modes)
        for qtype in TYPES:
            for _ in range(2):  # from upstream, and from what is kept
                reply = mine.ask(asked(name, qtype))
                other = others.ask(asked(name, qtype))
                assert other.rr and not has_unsafe(mine.raw[-1]) or safe is None, (name, qtype)
                if safe is None:
                    assert [str(of.rdata) for of in reply.rr] == [str(of.rdata) for of in other.rr]
                    continue
                if qtype in ("HTTPS", "SVCB", "ANY"):
                    assert not reply.rr and has_soa(reply) and rcode(reply) == "NOERROR", (name, qtype)
                elif safe.address:
                    wanted = ["213.180.193.56"] if qtype == "A" else []
                    assert texts(reply) == wanted and (wanted or has_soa(reply)), (name, qtype)
                else:
                    first, last = reply.rr
                    assert (first.rtype, str(first.rdata), str(first.rname)) == (
                        5,
                        safe.target.decode() + ".",
                        name + ".",
                    )
                    assert 0 < first.ttl <= 60 and str(last.rname) == safe.target.decode() + "."
                    data = {"A": SAFE, "AAAA": SAFE6, "TXT": f'"text of {SAFE}"'}
                    assert str(last.rdata) == data[qtype], (name, qtype)


def test_the_same_question_in_every_form(build: Build) -> None:
    net = build()
    device = net.device(PROTECTED)
    for query in (
        dnslib.DNSRecord.question("www.google.com"),
        dnslib.DNSRecord.question("wWw.GooGLe.cOm"),
        with_edns(dnslib.DNSRecord.question("www.google.com"), flags="do"),
        with_edns(dnslib.DNSRecord.question("WWW.google.com")),
    ):
        for _ in range(3):
            reply = device.ask(query)
            assert texts(reply) == [TARGET + ".", SAFE]
            assert str(reply.q.qname) == str(query.q.qname) == str(reply.rr[0].rname)
            assert reply.header.ad == 0
            assert len(reply.ar) == len(query.ar)
    assert set(net.server.names) == {TARGET + "."}, "the host itself is never asked for"


def test_by_tcp(build: Build) -> None:
    net = build()
    with socket.create_connection(("127.0.0.1", net.port), source_address=(PROTECTED, 0)) as link:
        link.setblocking(False)
        got = bytearray()
        for _ in range(2):
            query = dnslib.DNSRecord.question("www.google.com").pack()
            link.sendall(len(query).to_bytes(2, "big") + query)
            got.clear()

            def whole() -> bool:
                with contextlib.suppress(BlockingIOError):
                    got.extend(link.recv(4096))
                return len(got) > 2 and len(got) == 2 + int.from_bytes(got[:2], "big")

            turn_until(net.loop, whole)
            assert texts(dnslib.DNSRecord.parse(bytes(got[2:]))) == [TARGET + ".", SAFE]


def test_whom_it_concerns_alone(build: Build) -> None:
    net = build()
    for source in (OTHER, PLAIN, STRANGER):
        assert texts(net.device(source).ask("www.google.com")) == [UNSAFE]
    assert texts(net.device(PROTECTED).ask("www.google.com")) == [TARGET + ".", SAFE]
    assert texts(net.device(OTHER).ask("www.google.com")) == [UNSAFE]
    assert texts(net.device(PROTECTED).ask("google.com")) == [UNSAFE]
    assert texts(net.device(PROTECTED).ask("a.www.google.com")) == [UNSAFE]


def test_only_an_alias_is_asked_for(build: Build) -> None:
    net = build()
    reply = net.device(PROTECTED).ask(asked("www.google.com", "CNAME"))
    assert texts(reply) == [TARGET + "."] and not net.server.names


def test_ttls_are_counted_down_together(build: Build) -> None:
    net = build()
    device = net.device(PROTECTED)
    device.ask("www.google.com")
    net.time.ahead += 40
    assert [of.ttl for of in device.ask("www.google.com").rr] == [60, 260]
    net.time.ahead += 30
    ttls = [of.ttl for of in device.ask("www.google.com").rr]
    assert ttls in ([30, 230], [29, 229])
    net.time.ahead += 100
    assert [of.ttl for of in device.ask("www.google.com").rr][0] == 60
    assert net.server.names == [TARGET + "."]


@pytest.mark.parametrize("code", ["SERVFAIL", "REFUSED", "NOTIMP", "FORMERR"])
def test_a_target_that_fails_is_a_failure(build: Build, code: str) -> None:
    def failing(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        if str(query.q.qname) != TARGET + ".":
            return internet(query)
        reply = query.reply()
        reply.header.rcode = getattr(dnslib.RCODE, code)
        return reply

    net = build(failing)
    net.device(OTHER).ask("www.google.com")
    reply = net.device(PROTECTED).ask("www.google.com", seconds=15)
    assert rcode(reply) == "SERVFAIL" and not reply.rr


def test_a_target_that_is_silent_is_a_failure(build: Build) -> None:
    net = build(lambda query: None if str(query.q.qname) == TARGET + "." else internet(query))
    net.device(OTHER).ask("www.google.com")
    reply = net.device(PROTECTED).ask("www.google.com", seconds=15)
    assert rcode(reply) == "SERVFAIL" and not reply.rr


def test_a_target_that_was_there_is_given_again_when_it_fails(build: Build) -> None:
    down = False

    def answer(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        reply = internet(query)
        if down:
            reply = query.reply()
            reply.header.rcode = dnslib.RCODE.SERVFAIL
        return reply

    net = build(answer)
    device = net.device(PROTECTED)
    device.ask("www.google.com")
    down = True
    net.time.ahead += 400
    reply = device.ask("www.google.com", seconds=15)
    assert texts(reply) == [TARGET + ".", SAFE]


def test_a_target_without_that_family(build: Build) -> None:
    def only_four(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        return internet(query) if query.q.qtype == 1 else query.reply()

    net = build(only_four)
    for _ in range(2):
        reply = net.device(PROTECTED).ask("www.google.com", "AAAA")
        assert rcode(reply) == "NOERROR" and texts(reply) == [TARGET + "."] and has_soa(reply)


def alias_to(name: str, extra: str = "") -> Answerer:
    def answer(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        asked_for = str(query.q.qname).lower().rstrip(".")
        if asked_for != "way.example" and asked_for != extra:
            return internet(query)
        reply = query.reply()
        reply.add_answer(dnslib.RR(query.q.qname, 5, rdata=dnslib.CNAME(name), ttl=300))
        if query.q.qtype == 1:
            reply.add_answer(dnslib.RR(name, 1, rdata=dnslib.A(UNSAFE), ttl=300))
        if query.q.qtype in (65, 255):
            hints = struct.pack(">HB", 1, 0) + struct.pack(">HH", 4, 4) + socket.inet_aton(UNSAFE)
            reply.add_answer(dnslib.RR(name, 65, rdata=dnslib.RD(hints), ttl=300))
        return reply

    return answer


def test_an_alias_of_such_a_host_is_the_host(build: Build) -> None:
    net = build(alias_to("www.google.com"))
    device = net.device(PROTECTED)
    assert texts(net.device(OTHER).ask("way.example")) == ["www.google.com.", UNSAFE]
    for _ in range(3):
        assert texts(device.ask("way.example")) == [TARGET + ".", SAFE]
        for qtype in ("HTTPS", "ANY"):
            assert not device.ask(asked("way.example", qtype)).rr
    net = build(alias_to("ya.ru"))
    assert texts(net.device(PROTECTED).ask("way.example")) == ["213.180.193.56"]


def test_a_target_that_leads_back_is_a_failure(build: Build) -> None:
    net = build(alias_to("www.google.com", TARGET))
    reply = net.device(PROTECTED).ask("www.google.com")
    assert rcode(reply) == "SERVFAIL" and not reply.rr


@pytest.mark.parametrize(("before", "now", "wanted"), [
    (("off", "off"), ("on", "off"), [TARGET + ".", SAFE]),
    (("off", "moderate"), ("off", "strict"), ["restrict.youtube.com.", SAFE]),
])  # fmt: skip
def test_what_was_asked_before_the_switch_is_answered_by_the_modes_of_now(
    build: Build, before: tuple[str, str], now: tuple[str, str], wanted: list[str]
) -> None:
    held: list[dnslib.DNSRecord] = []
    late = True

    def answer(query: dnslib.DNSRecord) -> dnslib.DNSRecord | None:
        if late:
            held.append(query)
            return None
        return internet(query)

    net = build(answer, first=before)
    device = net.device(PROTECTED)
    device.send(asked("www.google.com" if now[0] == "on" else "www.youtube.com", "A"))
    turn_until(net.loop, lambda: bool(held))
    use(net, now)
    late = False
    net.server.say(internet(held[0]).pack(), net.server.sources[-1])
    turn_until(net.loop, lambda: bool(device.raw))
    assert texts(dnslib.DNSRecord.parse(device.raw[0])) == wanted


def test_switching_is_at_once_for_what_is_kept(build: Build) -> None:
    net = build(first=("off", "off"))
    device = net.device(PROTECTED)
    for _ in range(3):
        assert texts(device.ask("www.google.com")) == [UNSAFE]
    use(net, ("on", "off"))
    assert texts(device.ask("www.google.com")) == [TARGET + ".", SAFE]
    use(net, ("off", "off"))
    assert texts(device.ask("www.google.com")) == [UNSAFE]


def test_strict_refuses_engines_and_records_nothing(build: Build) -> None:
    net = build(first=("strict", "off"))
    device = net.device(PROTECTED)
    for _ in range(3):
        assert texts(device.ask("www.startpage.com")) == ["0.0.0.0"]
    assert texts(device.ask("searx.example.org")) == ["0.0.0.0"]
    assert net.recorded() == {} and net.dns.counters()["refused"] == 0
    assert texts(net.device(OTHER).ask("www.startpage.com")) == [UNSAFE]


def test_a_rule_that_allows_the_host_leaves_its_safe_form(build: Build) -> None:
    net = build()
    net.swap(net.allowing("google.com"))
    assert texts(net.device(PROTECTED).ask("www.google.com")) == [TARGET + ".", SAFE]
    net.swap(net.with_rules("google.com"))
    assert texts(net.device(PROTECTED).ask("www.google.com")) == ["0.0.0.0"]


def test_the_activity_log_has_the_host_and_no_target(build: Build) -> None:
    net = build()
    device = net.device(PROTECTED)
    for _ in range(3):
        device.ask("www.google.com")
        device.ask("ya.ru")
        device.ask(asked("www.google.com", "HTTPS"))
    assert net.recorded() == {(1, b"www.google.com"): (False, 3), (1, b"ya.ru"): (False, 3)}


def test_the_targets_addresses_are_noted_for_connections(build: Build) -> None:
    net = build()
    dns: Dns = net.dns
    held = dns._path._safe_addresses
    net.device(OTHER).ask("www.google.com")
    net.device(OTHER).ask(TARGET)
    assert len(held) == 0, "nobody was led there"
    net.device(PROTECTED).ask("www.google.com")
    assert held.holds(GOOGLE, socket.inet_aton(SAFE)) and not held.holds(GOOGLE, socket.inet_aton(UNSAFE))


OWNERS = ["www.google.com", TARGET, "google.com", "www.youtube.com", "far.example", "www.bing.com", "way.example"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(6))
def test_whatever_upstream_says_no_address_of_the_host_comes_along(build: Build, seed: int) -> None:
    """Records of any owner, in any section, with any alias: addresses of the unsafe hosts are in no answer."""
    dice = random.Random(seed)

    def answer(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        reply = query.reply(aa=0)
        reply.header.rcode = dice.choice([0, 0, 0, 2, 3, 5])
        for _ in range(dice.randrange(6)):
            owner = dice.choice([*OWNERS, str(query.q.qname)])
            plain = owner.lower().rstrip(".")
            unsafe = safe_host(plain.encode(), "strict", "strict") is not None
            four, six = (UNSAFE, UNSAFE6) if unsafe else (SAFE, SAFE6)
            alias = dnslib.CNAME(dice.choice(OWNERS))
            made = {"A": dnslib.A(four), "AAAA": dnslib.AAAA(six), "CNAME": alias, "TXT": dnslib.TXT("x")}
            kind = dice.choice(["A", "A", "AAAA", "CNAME", "CNAME", "TXT"])
            record = dnslib.RR(owner, CODES[kind], rdata=made[kind], ttl=dice.choice([0, 1, 60, 400]))
            dice.choice([reply.add_answer, reply.add_answer, reply.add_auth, reply.add_ar])(record)
        return reply

    net = build(answer, first=("strict", "strict"))
    device, other = net.device(PROTECTED), net.device(OTHER)
    for _ in range(250):
        name, qtype = dice.choice(OWNERS), dice.choice([*TYPES, "A", "A", "CNAME"])
        other.send(asked(name, qtype))
        device.ask(asked(name, qtype), seconds=20)
        assert not has_unsafe(device.raw[-1]), (name, qtype, dnslib.DNSRecord.parse(device.raw[-1]))
        if dice.random() < 0.2:
            net.time.ahead += dice.choice([1, 30, 500])
    turn_for(net.loop, 0.05)


def test_each_of_youtubes_names(build: Build) -> None:
    net = build(first=("off", "moderate"))
    use(net, ("off", "moderate"), ("off", "strict"))
    for name in YOUTUBE_HOSTS:
        for _ in range(2):
            assert texts(net.device(PROTECTED).ask(name.decode())) == ["restrictmoderate.youtube.com.", SAFE]
            assert texts(net.device(OTHER).ask(name.decode())) == ["restrict.youtube.com.", SAFE]
    assert texts(net.device(PROTECTED).ask("www.google.com")) == [UNSAFE]


def test_what_such_hosts_were_answered_with_is_told_for_ending_what_is_open(build: Build) -> None:
    net = build()
    for name in ("www.google.com", "WWW.google.de", "example.com", TARGET):
        net.device(OTHER).ask(name)
    assert net.dns.addresses(hosts_or_target) == {socket.inet_aton(UNSAFE), socket.inet_aton(SAFE)}
    assert net.dns.addresses(lambda name: name == b"nobody.example") == frozenset()
