"""Everything that reads what others wrote, given anything: a value or BadInput, never another exception.

PRIVACY_AGENT_FUZZ_INPUTS=1000000 asks for more.
"""

import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from agent.control.arguments import KINDS
from agent.core import (
    adblock,
    addresses,
    age,
    answer,
    block_page,
    conntrack,
    content,
    dns,
    envelope,
    feed_schedule,
    flows,
    http,
    httpvalues,
    leases,
    listrules,
    lookalike,
    marks,
    match,
    names,
    neighbour,
    netlink,
    operator,
    packet,
    people,
    punycode,
    quic,
    rule_text,
    rules,
    services,
    setting_kinds,
    settings,
    shared_hosts,
    sites,
    sniffed_request,
    summary,
    syntaxes,
    timezone,
    tls_hello,
    week_file,
    windows,
    wire,
)
from agent.core.model import BadInput, Person
from agent.core.nft import firewall_path, nfqueue
from agent.jobs import upload
from agent.jobs.web import schema, sessions, sse, totp
from agent.jobs.web.http_types import Problem, WebRequest
from agent.jobs.web.throttle import source
from agent.platform import idna
from tests.core import whole
from tests.core.test_age import PRIMITIVES
from tests.fuzz import nasty
from tests.fuzz.test_names_dns import ANSWER, QUERY
from tests.fuzz.test_operations import INPUTS

SECONDS_EACH = 2.0
HEAD = b"GET /api/v1/history?after=1&x=%20 HTTP/1.1\r\nHost: 192.168.1.1:443\r\n"
HEAD += b"Cookie: a=b; c=d\r\nContent-Length: 3\r\n\r\nabc"
LEASE = b"1733000000 3c:22:fb:00:00:0a 192.168.1.7 tablet 01:3c:22:fb:00:00:0a\n"
HELLO = bytes.fromhex(
    "16030100510100004d0303" + "00" * 32 + "00000213010100002200000010000e00000b6578616d706c652e636f6d000a00040002001d"
    "002b0003020304"
)
IP4 = bytes.fromhex("450000280001400040060000c0a80107c000020100500050000000010000000150180000000000000000")
NETLINK = bytes.fromhex("1c00000000030000010000000000000000000000080001000a000000") + bytes(16)
FEED = b'[{"id":"a","name":"A","url":"https://example.com/a","format":"hosts","category":"ads","hours":24}]'
OPERATOR = json.dumps({"name": "x", "url": "https://example.com/", "key": "00" * 32, "contact": "x@y.z"}).encode()
SETTINGS = b'{"history_days": 7, "upstream": ["192.0.2.1:53"], "dns_listen": ["::1"], "mark_signature": "0xc0"}'
LIST = b"||ads.example.com^$third-party,domain=a.com|~b.com\n0.0.0.0 x.example\naddress=/x.example/0.0.0.0\n@@|https://a/b|\n"
LIST += (
    b'local-zone: "x.example" always_nxdomain\nzone "x.example" { type master; };\n*.x.example CNAME .\n1.2.3.0/24\n'
)
DETAIL = b'{"group":"child","days":7,"own":true}'


SERVICES = (
    b'{"format": 1, "services": [{"id": "a", "title": "A", "group": "video", "names": ["a.example", "=b.example"]}]}'
)
CONTENT = (
    b'{"categories": ["adult"], "services": [{"id": "a", "mode": "only", "windows": [{"days": "mon", "begin": "7:00",'
)
CONTENT += b'"end": "8:00"}]}], "search": "strict", "youtube": "off", "always": ["a.example"], "homework": []}'
WINDOWS = b'[{"id": 1, "kind": "bedtime", '
WINDOWS += b'"days": "mon,tue", "begin": "20:30", "end": "07:00", "label": "", "holiday": false}]'
PLACE = b'{"address": "https://x.example/dav/", "recipient": "age1q", "user": "a", "password": "b", "name": "c"}'
TZIF = (
    b"TZif2"
    + bytes(15)
    + b"\0\0\0\1" * 6
    + bytes(20)
    + b"TZif2"
    + bytes(15)
    + bytes(24)
    + b"\nCET-1CEST,M3.5.0,M10.5.0/3\n"
)
AGE = b"age-encryption.org/v1\n-> X25519 " + b"A" * 43 + b"\n" + b"A" * 43 + b"\n--- " + b"A" * 43 + b"\n" + bytes(64)


def aged(data: bytes) -> None:
    age.decrypt(PRIMITIVES, bytes(range(32)), data)


def text(function: Callable[[str], Any]) -> Callable[[bytes], Any]:
    """Of a function that takes text: lone surrogates stand for bytes that are no UTF-8, as JSON may bring them."""
    return lambda data: function(data.decode("utf-8", "surrogateescape"))


def lines_of(function: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    return lambda data: [function(line) for line in data.split(b"\n")]


def heads(data: bytes) -> None:
    reader = http.HttpParser()
    for at in range(0, len(data), 40):
        reader.feed(data[at : at + 40])
        head = reader.head()
        if head is not None:
            reader.body(head.length)
            return


def answered(data: bytes) -> None:
    question = wire.peek(QUERY)
    found = answer.walk(data)
    dns.readdressed(dns.normalised(data, question, found), QUERY, question)
    dns.aged(data, 5)
    dns.truncated(data, 512)
    dns.stale(data, question, 30)


def asked(data: bytes) -> None:
    dns.malformed(data)
    question = wire.peek(data)
    dns.forwarded(data, question, 7)
    dns.cache_key(data, question)
    dns.servfail(data, question, 22, "x")
    dns.blocked(data, question, "null", 10, "x")


def packets(data: bytes) -> None:
    packet.segment(data)
    packet.datagram(data)
    packet.tcp_position(data)
    marks.of_syn(data)


def kernel(data: bytes) -> None:
    nfqueue.packets(data)
    found = netlink.messages(data)
    for one in found:
        neighbour.read(one)
        conntrack.answered_at(one)
        conntrack.end(one, frozenset([b"\x01\x02\x03\x04"]))
    firewall_path.chains_of(found, "x")
    firewall_path.rules_of(found)
    firewall_path.elements_of(found)
    firewall_path.generation_of(found)


def body(data: bytes) -> None:
    head = http.Head("POST", "/", "", [("content-type", "application/json")], len(data), True, False)
    schema.from_body(WebRequest(head, data, "127.0.0.1", "127.0.0.1", 1, True).json(), tuple(KINDS))


def read_settings(data: bytes) -> None:
    settings.read(data.decode("utf-8", "replace"))


def query(data: bytes) -> None:
    given = data.decode("ascii", "replace").replace("\ufffd", "?")
    schema.from_query(httpvalues.parse_query(given), tuple(KINDS))


def words(data: bytes) -> None:
    word = data.decode("utf-8", "surrogateescape")
    for setting in settings.TABLE:
        try:
            settings.check(setting.name, setting_kinds.value_of(setting.kind, word))
        except BadInput:
            continue


def own_rules(data: bytes) -> None:
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        rule_text.read_line(line)


def list_lines(data: bytes) -> None:
    for syntax in rules.SYNTAXES:
        for line in data.split(b"\n"):
            try:
                whole.parse_line(line, syntax)
            except BadInput:
                continue


PARSERS: dict[str, tuple[Callable[[bytes], Any], bytes]] = {
    "query": (asked, QUERY),
    "answer": (answered, ANSWER),
    "name": (names.parse, b"www.example.com."),
    "wire name": (whole.from_wire, b"\3www\7example\3com\0"),
    "suffixes": (text(lambda data: names.compile_suffixes(data.split("\n"))), b"com\n*.kobe.jp\n!city.kobe.jp\n"),
    "address": (text(addresses.parse), b"fe80::1:2"),
    "endpoint": (text(addresses.parse_endpoint), b"[2001:db8::1]:5353"),
    "bounds": (listrules.bounds, b"192.0.2.0/24"),
    "listed address": (listrules.read_address, b"192.0.2.0-192.0.2.9"),
    "listed name": (listrules.read_name, b"ads.example.com"),
    "lines": (list_lines, LIST),
    "adblock": (lines_of(adblock.adblock), LIST),
    "detect": (rules.detect, LIST),
    "url key": (syntaxes.url_key, b"https://example.com:80/a/../b?c#d"),
    "site": (text(sites.site), b"https://www.example.com/a"),
    "own rules": (own_rules, b"allow example.com until 2026-12-24T18:00:00Z for 1\n# x\nblock *.example"),
    "time": (text(rule_text.read_time), b"2026-12-24T18:00:00Z"),
    "lookalikes": (text(lambda data: lookalike.read_known(data.split("\n"))), b"paypal.com paypal\n"),
    "hosts that are shared": (
        text(lambda data: shared_hosts.read_table(data.split("\n"))),
        b"example.com\n=a.example\n",
    ),
    "hello": (tls_hello.read, HELLO),
    "opening": (flows.opening, HELLO),
    "request": (whole.read_all, HEAD),
    "url": (sniffed_request.normal, b"/a/%2e%2E/b%zz?c"),
    "stored url": (text(sniffed_request.split_url), b"http://example.com:80/a"),
    "authority": (match.split_authority, b"example.com:80"),
    "quic": (quic.read, bytes.fromhex("c300000001080011223344556677000044")),
    "packet": (packets, IP4),
    "netlink": (kernel, NETLINK),
    "head": (heads, HEAD),
    "host": (text(httpvalues.split_host), b"[fe80::1]:443"),
    "cookies": (text(httpvalues.parse_cookies), b"a=b; c=d"),
    "body": (body, b'{"device_id": 1, "lines": ["x"], "on": true, "label": "x", "to": 1}'),
    "parameters": (query, b"device_id=1&after=%32&on=true&tz_offset=-3600&search=%20x"),
    "language": (block_page.language, b"GET / HTTP/1.1\r\nAccept-Language: de-AT,de;q=0.9,en;q=0.1\r\n"),
    "leases": (text(leases.parse), LEASE),
    "feeds": (text(feed_schedule.read_feeds), FEED),
    "operator": (text(lambda data: operator.check(loads(data))), OPERATOR),
    "settings": (read_settings, SETTINGS),
    "overrides": (text(settings.parse), SETTINGS),
    "words": (words, b"127.0.0.1:53,[::1]:53"),
    "envelope": (envelope.parse, b'{"v":1,"schema":1,"notice":1,"period":1,"key":"00","id":"00","sealed":"00"}'),
    "report": (summary.read, b'{"schema":2,"id":"00","period":1,"epsilon":500,"answers":{"lists":"ready"}}'),
    "services": (text(services.read_services), SERVICES),
    "content": (text(lambda data: content.changed(content.Content(), a_dict(loads(data)))), CONTENT),
    "age key": (text(age.recipient), b"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"),
    "age file": (aged, AGE),
    "zone": (text(timezone.parse), b"CET-1CEST,M3.5.0,M10.5.0/3"),
    "zone file": (timezone.read_tzif, TZIF),
    "window": (text(windows.parse), b"mon-fri 20:30-7:00"),
    "windows": (text(lambda data: windows.from_rows(loads(data))), WINDOWS),
    "date": (text(windows.parse_date), b"2026-12-24"),
    "place of the weekly file": (text(lambda data: week_file.check(loads(data))), PLACE),
    "birth month": (text(lambda data: Person(1, "x", "child", data).of_age(2030, 1)), b"2012-05"),
    "subject": (text(people.read_subject), DETAIL),
    "terms": (text(people.read_terms), DETAIL),
    "punycode": (text(punycode.decode), b"bcher-kva"),
    "idna": (text(idna.to_ascii), "bücher.example".encode()),
    "receiver's reply": (upload.outcome_of, b"HTTP/1.1 200 OK\r\n\r\n"),
    "source": (text(source), b"fe80::1:2:3:4"),
    "browser": (text(sessions.browser), b"Mozilla/5.0 (X11; Linux) Firefox/1"),
    "one-time code": (text(lambda data: totp.matching_step(b"x" * 20, data, 1733000000, 0)), b"123456"),
    "event": (text(lambda data: sse.encode({"event": "device", "x": data.encode("utf-8", "replace").decode()})), b"x"),
}  # fmt: skip


def loads(data: str) -> Any:
    """What a parser of values would be given; BadInput where it is no JSON."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInput("no JSON") from error


def a_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_every_parser_takes_anything(name: str) -> None:
    function, seed = PARSERS[name]
    chance = random.Random(name)
    inputs = max(INPUTS // len(PARSERS), 500)
    end = time.thread_time() + SECONDS_EACH
    for done in range(inputs):
        kind = chance.randrange(4)
        data = nasty.mutated(seed, chance) if kind else nasty.text(chance).encode("utf-8", "surrogatepass")
        try:
            function(data)
        except (BadInput, Problem):
            pass
        except Exception as error:
            raise AssertionError(repr(data)[:2000]) from error
        if time.thread_time() > end:
            assert done > 50, "too slow"
            break
