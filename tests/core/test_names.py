"""Names: parsing, limits, escapes, suffix walk, and the public suffix list in small. Runs on both interpreters."""

from agent.core.model import BadInput
from agent.core.names import PublicSuffixes, canonical, compile_suffixes, is_address, labels, parse, suffixes, to_wire
from tests.core.whole import from_wire

LIST = """
// a comment, then rules of both sections
// ===BEGIN ICANN DOMAINS===
com
uk
co.uk

jp
ac.jp
kobe.jp
*.kobe.jp
!city.kobe.jp
*.ck
!www.ck   what follows a blank is no part of the rule
xn--fiqs8s
// ===END ICANN DOMAINS===
// ===BEGIN PRIVATE DOMAINS===
github.io
s3.eu-west-1.amazonaws.com
*.compute.amazonaws.com
// ===END PRIVATE DOMAINS===
"""

LIMIT = b".".join([b"a" * 63, b"b" * 63, b"c" * 63, b"d" * 61])  # 253 bytes


def refused(action, *arguments):
    try:
        action(*arguments)
    except BadInput:
        return True
    return False


def test_parse_gives_the_canonical_name():
    for text, name in (
        ("example.com", b"example.com"),
        ("WwW.Example.COM.", b"www.example.com"),
        (b"Example.com", b"example.com"),
        ("com", b"com"),
        ("_dmarc._tcp.example.com", b"_dmarc._tcp.example.com"),
        ("xn--85x722f.XN--FIQS8S", b"xn--85x722f.xn--fiqs8s"),
        ("-a-.b--c.example", b"-a-.b--c.example"),
        ("192.0.2.1", b"192.0.2.1"),
        ("a\\032b\\046C\\092.example", b"a\\032b\\046c\\092.example"),
        ("\\065\\066.example", b"ab.example"),
        (LIMIT, LIMIT),
        (LIMIT + b".", LIMIT),
    ):
        assert parse(text) == name, text
        assert parse(name) == name


def test_parse_refuses():
    for text in (
        "",
        ".",
        "..",
        ".com",
        "a..b",
        "a.b..",
        "a b.com",
        "a/b",
        "*.example.com",
        "||example.com^",
        "b\u00fccher.example",
        "2001:db8::1",
        "a\\b.com",
        "a\\06",
        "a\\256.com",
        "a\0b.com",
        b"\xff.com",
        "a" * 64,
        "a" * 64 + ".com",
        LIMIT + b"d",
    ):
        assert refused(parse, text), text


def test_wire_names_have_one_canonical_form():
    for wire, name in (
        (b"\0", b""),
        (b"\3com\0", b"com"),
        (b"\3WwW\7eXample\3com\0", b"www.example.com"),
        (b"\5_sip.\1_\0", b"_sip\\046._"),
        (b"\4a\\.b\0", b"a\\092\\046b"),
        (b"\3\0 \xff\2.A\0", b"\\000\\032\\255.\\046a"),
        (b"\4*/=@\0", b"\\042\\047\\061\\064"),
    ):
        assert from_wire(wire) == name, wire
        assert from_wire(to_wire(name)) == name
        assert to_wire(name) == wire.lower()
        if name:
            assert parse(name) == name


def test_from_wire_refuses():
    for wire in (
        b"",
        b"\3com",
        b"\3com\0\0",
        b"\3co",
        b"\xc0\x0c",
        b"\x40" + b"a" * 64 + b"\0",
        (b"\x3f" + b"a" * 63) * 4 + b"\0",
    ):
        assert refused(from_wire, wire), wire
    assert from_wire(to_wire(LIMIT)) == LIMIT


def test_labels_and_back():
    assert labels(b"") == []
    assert labels(b"www.example.com") == [b"www", b"example", b"com"]
    assert labels(b"a\\046b.c") == [b"a.b", b"c"]
    assert canonical([b"a.b", b"C"]) == b"a\\046b.c"
    assert refused(labels, b"a..b")


def test_suffixes_walk_to_the_last_label():
    assert suffixes(b"a.b.example.com") == [b"a.b.example.com", b"b.example.com", b"example.com", b"com"]
    assert suffixes(b"com") == [b"com"]
    assert suffixes(b"") == []
    assert suffixes(b"a\\046b.com") == [b"a\\046b.com", b"com"]


def test_addresses_are_no_names():
    for name in (b"192.0.2.1", b"2001:db8::1", b"::", b"1.0.0.127", b"7"):
        assert is_address(name), name
    for name in (b"example.com", b"1.2.3.example", b"0x7f", b"a1", b"com", b""):
        assert not is_address(name), name


def compiled():
    return compile_suffixes(LIST.split("\n"))


def test_registrable_domain():
    public = PublicSuffixes(compiled())
    for name, suffix, site in (
        (b"com", b"com", b"com"),
        (b"example.com", b"com", b"example.com"),
        (b"a.b.example.com", b"com", b"example.com"),
        (b"example.co.uk", b"co.uk", b"example.co.uk"),
        (b"www.example.co.uk", b"co.uk", b"example.co.uk"),
        (b"co.uk", b"co.uk", b"co.uk"),
        (b"other.uk", b"uk", b"other.uk"),
        # unlisted: the last label is a suffix
        (b"local", b"local", b"local"),
        (b"printer.office.local", b"local", b"office.local"),
        # wildcards and exceptions
        (b"kobe.jp", b"kobe.jp", b"kobe.jp"),
        (b"c.kobe.jp", b"c.kobe.jp", b"c.kobe.jp"),
        (b"a.b.c.kobe.jp", b"c.kobe.jp", b"b.c.kobe.jp"),
        (b"city.kobe.jp", b"kobe.jp", b"city.kobe.jp"),
        (b"www.city.kobe.jp", b"kobe.jp", b"city.kobe.jp"),
        (b"ck", b"ck", b"ck"),
        (b"a.b.test.ck", b"test.ck", b"b.test.ck"),
        (b"a.www.ck", b"ck", b"www.ck"),
        # the private section, under names that are no suffix themselves
        (b"me.github.io", b"github.io", b"me.github.io"),
        (b"x.y.github.io", b"github.io", b"y.github.io"),
        (b"github.com", b"com", b"github.com"),
        (b"amazonaws.com", b"com", b"amazonaws.com"),
        (b"eu-west-1.amazonaws.com", b"com", b"amazonaws.com"),
        (b"a.b.s3.eu-west-1.amazonaws.com", b"s3.eu-west-1.amazonaws.com", b"b.s3.eu-west-1.amazonaws.com"),
        (b"compute.amazonaws.com", b"com", b"amazonaws.com"),
        (b"a.b.compute.amazonaws.com", b"b.compute.amazonaws.com", b"a.b.compute.amazonaws.com"),
        (b"x.xn--fiqs8s", b"xn--fiqs8s", b"x.xn--fiqs8s"),
    ):
        assert public.suffix(name) == suffix, name
        assert public.registrable(name) == site, name


def test_what_is_no_name_is_its_own_site():
    public = PublicSuffixes(compiled())
    for name in (b"192.0.2.1", b"2001:db8::1", b""):
        assert public.registrable(name) == name
    assert public.registrable(b"\\000.a\\046b.com") == b"a\\046b.com"


def test_a_list_without_rules_leaves_the_last_two_labels():
    public = PublicSuffixes(compile_suffixes([]))
    assert public.registrable(b"a.b.example.com") == b"example.com"


def test_a_name_is_not_taken_for_one_that_it_begins():
    tails = ("", "a", "ab", "-", "b.zz")
    rules = [chr(97 + i) + chr(97 + j) + tail for i in range(26) for j in range(0, 26, 5) for tail in tails]
    public = PublicSuffixes(compile_suffixes(["zz." + rule for rule in rules]))
    for rule in rules:
        name = b"zz." + rule.encode()
        assert public.suffix(b"x." + name) == name
        assert public.suffix(b"x." + name + b"0") == suffixes(name + b"0")[-1]
        assert public.suffix(b"x.z" + name[2:]) == suffixes(name)[-1]


def test_compile_refuses_what_is_no_name():
    for line in ("a..b", "*.*.ck", "b\u00fccher", "a.*.b"):
        assert refused(compile_suffixes, [line]), line


def test_a_foreign_cut_or_damaged_file_is_refused():
    data = compiled()
    for size in range(len(data)):
        assert refused(PublicSuffixes, data[:size])
    assert refused(PublicSuffixes, data + b"\0")
    assert refused(PublicSuffixes, b"<!doctype html>" + data)
    for at in range(0, len(data), 7):
        damaged = bytearray(data)
        damaged[at] ^= 0x20
        assert refused(PublicSuffixes, bytes(damaged)), at
