from agent.core.listrules import (
    LOCAL_ADDRESS,
    LOCAL_NAME,
    NOT_A_REFUSAL,
    NOT_A_RULE,
    PATTERN,
    REAL_ADDRESS,
    TOO_BROAD,
    TOO_LONG,
    TRIGGER,
    ListRule,
    Network,
)
from agent.core.match import BELOW, EXACT, WHOLE
from agent.core.model import BadInput, Value
from agent.core.rules import LINE_MAX, detect, parse_lines
from tests.core.whole import parse_line

SITE = ListRule(b"phish.example")
ALONE = ListRule(b"phish.example", EXACT)
SUBDOMAINS = ListRule(b"phish.example", BELOW)
ADDRESS = ListRule(b"203.0.113.9", EXACT)


def address(text: bytes) -> ListRule:
    return ListRule(text, EXACT)


# Syntax → lines and what they give.
TABLES: dict[str, list[tuple[bytes, list[Value]]]] = {
    "hosts": [
        (b"0.0.0.0 phish.example", [SITE]),
        (b"127.0.0.1\tPhish.Example. # seen today", [SITE]),
        (b":: phish.example other.example", [SITE, ListRule(b"other.example")]),
        (b"0.0.0.0 localhost", [LOCAL_NAME]),
        (b"127.0.0.1 localhost.localdomain", [LOCAL_NAME]),
        (b"0.0.0.0 0.0.0.0", [LOCAL_NAME]),
        (b"::1 ip6-loopback", [LOCAL_NAME]),
        (b"192.0.2.7 intranet.example", [REAL_ADDRESS]),
        (b"phish.example", [NOT_A_RULE]),
        (b"phish.example other.example", [NOT_A_RULE]),
        (b"0.0.0.0 bad..example", [NOT_A_RULE]),
        (b"0.0.0.0 192.0.2.7", [NOT_A_RULE]),
        (b"# 0.0.0.0 phish.example", []),
        (b"  \r\n", []),
        (b"0.0.0.0 a." + b"x" * LINE_MAX, [TOO_LONG]),
    ],
    "domains": [
        (b"phish.example", [SITE]),
        (b"  Phish.Example.  # why\r\n", [SITE]),
        (b"*.phish.example", [SITE]),
        (b".phish.example", [SITE]),
        (b"=phish.example", [ALONE]),
        (b"_sip.phish.example", [ListRule(b"_sip.phish.example")]),
        (b"203.0.113.9", [ADDRESS]),
        (b"*.203.0.113.9", [ADDRESS]),
        (b"203.0.113.0/24", [Network(b"\xcb\x00\x71\x00", b"\xcb\x00\x71\xff")]),
        (b"192.168.1.1", [LOCAL_ADDRESS]),
        (b"ads.*.example", [PATTERN]),
        (b"example", [NOT_A_RULE]),
        (b"two words.example", [NOT_A_RULE]),
        (b"a." + b"x" * 64 + b".example", [NOT_A_RULE]),
        (b"! comment", []),
        (b"// comment", []),
        (b"", []),
    ],
    "addresses": [
        (b"203.0.113.9", [ADDRESS]),
        (b"203.0.113.9/32 ; SBL1", [ADDRESS]),
        (b"203.0.113.9,10,example", [ADDRESS]),
        (b"203.0.113.9\t7", [ADDRESS]),
        (b"203.0.113.4 - 203.0.113.9", [Network(b"\xcb\x00\x71\x04", b"\xcb\x00\x71\x09")]),
        (b"203.0.113.77/30", [Network(b"\xcb\x00\x71\x4c", b"\xcb\x00\x71\x4f")]),
        (b"2001:DB8::1", [address(b"2001:db8::1")]),
        (
            b"2001:db8::/127",
            [Network(bytes.fromhex("20010db8") + bytes(12), bytes.fromhex("20010db8") + bytes(11) + b"\x01")],
        ),
        (b"10.0.0.0/8", [LOCAL_ADDRESS]),
        (b"0.0.0.0/0", [TOO_BROAD]),
        (b"fe80::1", [LOCAL_ADDRESS]),
        (b"203.0.113.9-203.0.113.4", [NOT_A_RULE]),
        (b"203.0.113.9-2001:db8::1", [NOT_A_RULE]),
        (b"203.0.113.9/33", [NOT_A_RULE]),
        (b"203.0.113.09", [NOT_A_RULE]),
        (b"phish.example", [NOT_A_RULE]),
        (b"; comment", []),
    ],
    "urls": [
        (b"http://phish.example/Login?id=A", [ListRule(b"phish.example/Login?id=A", EXACT)]),
        (b"https://user:pw@Phish.Example:443/a#part", [ListRule(b"phish.example/a", EXACT)]),
        (b"http://phish.example:8080/a", [ListRule(b"phish.example:8080/a", EXACT)]),
        (b"http://phish.example?a=b", [ListRule(b"phish.example/?a=b", EXACT)]),
        (b"http://phish.example/", [ALONE]),
        (b"http://phish.example", [ALONE]),
        (b"phish.example/a", [ListRule(b"phish.example/a", EXACT)]),
        (b"http://203.0.113.9/bin.sh", [ListRule(b"203.0.113.9/bin.sh", EXACT)]),
        (b"203.0.113.9", [ADDRESS]),
        (b"http://[2001:db8::1]:8080/a", [ListRule(b"[2001:db8::1]:8080/a", EXACT)]),
        (b"http://[2001:db8::1]/a", [ListRule(b"[2001:db8::1]/a", EXACT)]),
        (b"http://192.168.1.1/a", [NOT_A_RULE]),
        (b"ftp://phish.example/a", [NOT_A_RULE]),
        (b"http://example/a", [NOT_A_RULE]),
        (b"http://phish.example:http/a", [NOT_A_RULE]),
        (b"two words", [NOT_A_RULE]),
        # As browsers take them.
        (b"http://phish.example/a b?q=c d # why", [ListRule(b"phish.example/a%20b?q=c%20d", EXACT)]),
        (b"http:\\\\phish.example/a", [NOT_A_RULE]),
        (b"http://phish.example\\a\\b?q=\\", [ListRule(b"phish.example/a/b?q=\\", EXACT)]),
    ],
    "dnsmasq": [
        (b"address=/phish.example/0.0.0.0", [SITE]),
        (b"address=/phish.example/", [SITE]),
        (b"address=/phish.example/#", [SITE]),
        (b"address=/phish.example/::", [SITE]),
        (b"--address=/.phish.example/127.0.0.1", [SITE]),
        (b"local=/phish.example/", [SITE]),
        (b"server=/phish.example/", [SITE]),
        (b"server=/phish.example/ # why", [SITE]),
        (b"local=/phish.example/other.example/", [SITE, ListRule(b"other.example")]),
        (b"address=/*.phish.example/", [SUBDOMAINS]),
        (b"address=/*phish.example/", [PATTERN]),
        (b"address=/phish.example/192.0.2.7", [REAL_ADDRESS]),
        (b"server=/phish.example/192.0.2.7", [NOT_A_REFUSAL]),
        (b"server=/phish.example/#", [NOT_A_REFUSAL]),
        (b"address=/#/0.0.0.0", [TOO_BROAD]),
        (b"conf-dir=/etc/dnsmasq.d/,*.conf", [NOT_A_RULE]),
        (b"phish.example", [NOT_A_RULE]),
    ],
    "unbound": [
        (b'local-zone: "phish.example" always_nxdomain', [SITE]),
        (b"local-zone: phish.example. refuse # why", [SITE]),
        (b'local-zone: "phish.example" redirect', [SITE]),
        (b'local-data: "phish.example A 0.0.0.0"', [ALONE]),
        (b'local-data: "phish.example. 60 IN AAAA ::"', [ALONE]),
        (b'local-data: "phish.example A 192.0.2.7"', [REAL_ADDRESS]),
        (b'local-zone: "phish.example" transparent', [NOT_A_REFUSAL]),
        (b'local-zone: "phish.example"', [NOT_A_RULE]),
        (b"server:", []),
    ],
    "bind": [
        (b'zone "phish.example" { type master; notify no; file "null.zone.file"; };', [SITE]),
        (b'zone "phish.example" IN { type primary; file "x"; };', [SITE]),
        (b'zone "phish.example" { type forward; forwarders { 192.0.2.7; }; };', [NOT_A_REFUSAL]),
        (b'zone "phish.example" {type master;};', [SITE]),
        (b"zone 'phish.example' { type master; };", [SITE]),
        (b'include "other.conf";', [NOT_A_RULE]),
    ],
    "tpl": [
        (b"-d phish.example", [SITE]),
        (b"+d phish.example", [ListRule(b"phish.example", allow=True)]),
        (b"-d 203.0.113.9", [ADDRESS]),
        (b"-d phish.example /path", [PATTERN]),
        (b"- /ads/", [PATTERN]),
        (b"msFilterList", []),
        (b": Expires=1", []),
        (b"phish.example", [NOT_A_RULE]),
    ],
    "rpz": [
        (b"phish.example CNAME .", [ALONE]),
        (b"*.phish.example 300 IN CNAME .", [SUBDOMAINS]),
        (b"phish.example CNAME *.", [ALONE]),
        (b"phish.example CNAME rpz-drop.", [ALONE]),
        (b"phish.example IN CNAME rpz-passthru.", [ListRule(b"phish.example", EXACT, allow=True)]),
        (b"phish.example CNAME rpz-tcp-only.", [NOT_A_REFUSAL]),
        (b"phish.example A 192.0.2.7", [ALONE]),
        (b"phish.example CNAME sinkhole.example.", [ALONE]),
        (b"*.zip CNAME .", [ListRule(b"zip", BELOW)]),
        (b"32.9.113.0.203.rpz-ip CNAME .", [TRIGGER]),
        (b"24.0.113.0.203.rpz-client-ip CNAME rpz-drop.", [TRIGGER]),
        (b"ns.phish.example.rpz-nsdname CNAME .", [TRIGGER]),
        (b"@ IN SOA localhost. root.localhost. 1 86400 3600 604800 30", []),
        (b" NS localhost.", []),
        (b"$TTL 30", []),
        (b"   86400 ; refresh", []),
        (b"; comment", []),
        (b"phish.example", [NOT_A_RULE]),
    ],
}


def test_each_syntax_reads_its_lines() -> None:
    for syntax in sorted(TABLES):
        for line, expected in TABLES[syntax]:
            assert parse_line(line, syntax) == expected, (syntax, line, parse_line(line, syntax))


def test_an_rpz_zone_names_its_origin_once() -> None:
    zone = [b"$ORIGIN rpz.example.", b"bad.test.rpz.example. CNAME .", b"*.other.test CNAME ."]
    assert list(parse_lines(zone, "rpz")) == [ListRule(b"bad.test", EXACT), ListRule(b"other.test", BELOW)]


def test_lines_are_read_one_after_the_other() -> None:
    values = list(parse_lines([b"# head", b"a.example", b"?", b"b.example"], "domains"))
    assert values == [ListRule(b"a.example"), NOT_A_RULE, ListRule(b"b.example")]


def test_an_unknown_syntax_is_named_with_the_known_ones() -> None:
    try:
        parse_line(b"a.example", "host")
    except BadInput as error:
        assert "'host'" in str(error)
        assert "hosts" in str(error)
    else:
        raise AssertionError


SAMPLES = {
    "hosts": b"# list\n127.0.0.1 localhost\n0.0.0.0 phish.example\n",
    "domains": b"\xef\xbb\xbf# list\nphish.example\nother.example\n*.third.example\n203.0.113.9\n",
    "adblock": b"[Adblock Plus 2.0]\n! Title: list\n||phish.example^\nother.example\n||third.example/a^$all\n",
    "addresses": b"; list\n203.0.113.9 ; SBL\n198.51.100.0/24 ; SBL\n",
    "urls": b"# list\nhttp://phish.example/a\nhttps://other.example/b/c\n",
    "dnsmasq": b"# list\nlocal=/phish.example/\naddress=/other.example/0.0.0.0\n",
    "unbound": b'server:\nlocal-zone: "phish.example" always_null\n',
    "bind": b'// list\nzone "phish.example" { type master; file "x"; };\n',
    "tpl": b"msFilterList\n: Expires=1\n-d phish.example\n",
    "rpz": b"$TTL 2h\n@ SOA a. b. (1 2 3 4 5)\n  NS a.\nphish.example CNAME .\n*.phish.example CNAME .\n",
}


def test_the_syntax_is_found_out_by_content() -> None:
    for syntax in sorted(SAMPLES):
        assert detect(SAMPLES[syntax]) == syntax


def refusal(sample: bytes) -> str:
    try:
        return "taken as " + detect(sample)
    except BadInput as error:
        return str(error)


def test_what_is_no_list_is_refused() -> None:
    assert "a web page" in refusal(b"<!DOCTYPE html><html><head><title>Sign in</title>")
    assert "a web page" in refusal(b"\r\n <?xml version='1.0'?>\n<Error><Code>AccessDenied</Code></Error>")
    assert "JSON" in refusal(b'{"message": "Not Found"}')
    assert "empty" in refusal(b"")
    assert "empty" in refusal(b" \n\t\r\n")
    assert "binary" in refusal(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcbH\xcd")
    assert "do not read" in refusal(b"# only a comment\n")
    assert "do not read" in refusal(b"Please log in to continue\nYour session is over.\nphish.example\n")
    assert "do not read" in refusal(b"404: Not Found\n")


def test_whole_is_the_default_kind() -> None:
    assert ListRule(b"a.example").kind == WHOLE
