from io import BytesIO

from agent.core import addresses
from agent.core.listrules import ListRule
from agent.core.match import BELOW, EXACT, WHOLE, Match, network_text, page_ends
from agent.core.model import BadInput
from agent.core.rules import parse_lines
from agent.core.ruleset import HEAD_SIZE, INDEX_START, Ruleset
from agent.core.rulewriter import ListMeta, build
from agent.platform.hashing import sha256

SALT = b"salt of the test"


def compiled(*lists: list[ListRule]) -> BytesIO:
    file = BytesIO()
    metas = [ListMeta(f"list{at}", f"List {at}", f"v{at}", "phishing", 0, 1700000000) for at in range(9)]
    build(file, list(zip(metas, lists)), SALT, sha256)
    return file


def rules(*names: bytes) -> list[ListRule]:
    return [ListRule(name) for name in names]


def opened(*lists: list[ListRule]) -> Ruleset:
    return Ruleset(compiled(*lists), sha256)


def reading(*texts: bytes, syntax: str = "adblock") -> Ruleset:
    """The set of some lists' texts."""
    return opened(*[list(parse_lines(text.split(b"\n"), syntax)) for text in texts])


def shown(match: Match | None) -> str:
    return "-" if match is None else match.text


def test_a_listed_name_and_all_below_it_are_found() -> None:
    found = opened(rules(b"phish.example", b"deep.down.example"))
    assert found.find(b"phish.example") == Match(b"phish.example", WHOLE, 0)
    assert found.find(b"www.login.phish.example") == Match(b"phish.example", WHOLE, 0)
    assert found.find(b"a.deep.down.example") == Match(b"deep.down.example", WHOLE, 0)
    for name in (b"example", b"down.example", b"notphish.example", b"phish.example.com", b"", b"."):
        assert found.find(name) is None, name


def test_the_most_specific_rule_is_found_first() -> None:
    found = opened(rules(b"example.com"), rules(b"www.example.com"))
    assert found.find(b"a.www.example.com") == Match(b"www.example.com", WHOLE, 1)
    assert found.find(b"a.example.com") == Match(b"example.com", WHOLE, 0)


def test_a_rule_can_be_for_the_name_alone_or_for_those_below() -> None:
    found = opened([ListRule(b"one.example", EXACT), ListRule(b"two.example", BELOW)])
    assert shown(found.find(b"one.example")) == "=one.example"
    assert found.find(b"a.one.example") is None
    assert found.find(b"two.example") is None
    assert shown(found.find(b"a.two.example")) == "*.two.example"


def test_a_rule_can_be_for_a_whole_top_level() -> None:
    found = reading(b"||zip^$denyallow=good.zip\n||phish.example^")
    assert shown(found.find(b"bad.zip")) == "||zip^$denyallow=good.zip"
    assert found.find(b"www.good.zip") is None
    assert found.find(b"zip.example") is None


def test_a_verdict_names_the_rule_and_its_list() -> None:
    found = opened(rules(b"a.example"), rules(b"b.example", b"a.example"))
    verdict = found.decide(b"www.b.example")
    assert verdict is not None
    assert verdict.blocked
    rule = verdict.rule
    assert rule is not None
    assert (rule.text, rule.list_id, rule.list_name) == ("b.example", "list1", "List 1")
    assert (rule.list_version, rule.category, rule.scope) == ("v1", "phishing", "list")
    assert found.decide(b"c.example") is None


# Text of a list, name, the rule that decides. Order of precedence: important exceptions, important rules, exceptions,
# rules; with equal ones the most specific.
PRECEDENCE = [
    (b"||a.example^", b"x.a.example", "a.example"),
    (b"||a.example^\n@@||a.example^", b"a.example", "@@a.example"),
    (b"||x.a.example^\n@@||a.example^", b"x.a.example", "@@a.example"),
    (b"||a.example^\n@@||x.a.example^", b"x.a.example", "@@x.a.example"),
    (b"||a.example^\n@@||x.a.example^", b"y.a.example", "a.example"),
    (b"||a.example^$important\n@@||a.example^", b"a.example", "a.example"),
    (b"||a.example^$important\n@@||x.a.example^", b"x.a.example", "a.example"),
    (b"||a.example^$important\n@@||a.example^$important", b"a.example", "@@a.example"),
    (b"||x.a.example^$important\n@@||a.example^$important", b"x.a.example", "@@a.example"),
    (b"||a.example^\n||a.example^$badfilter", b"a.example", "-"),
    (b"||a.example^$important\n||a.example^$badfilter", b"a.example", "a.example"),
    (b"||a.example^\n@@||a.example^\n@@||a.example^$badfilter", b"a.example", "a.example"),
    (b"||a.example^$dnstype=A\n||a.example^$badfilter", b"a.example", "||a.example^$dnstype=A"),
    (b"||a.example^$dnstype=A\n||a.example^$dnstype=A,badfilter", b"a.example", "-"),
    (b"||a.example^$denyallow=x.a.example", b"a.example", "||a.example^$denyallow=x.a.example"),
    (b"||a.example^$denyallow=x.a.example", b"y.x.a.example", "-"),
    (b"||a.example^$dnstype=AAAA", b"a.example", "-"),
    (b"||a.example^$dnstype=~AAAA", b"a.example", "||a.example^$dnstype=~AAAA"),
    (b"||a.example^\n@@||a.example^$dnstype=A", b"a.example", "@@||a.example^$dnstype=A"),
    (b"||a.example^\n@@||a.example^$dnstype=AAAA", b"a.example", "a.example"),
    (b"||a.example^\n@@|a.example^", b"a.example", "@@=a.example"),
    (b"||a.example^\n@@|a.example^", b"x.a.example", "a.example"),
    (b"||ad*.a.example^", b"x.ad7.a.example", "||ad*.a.example^"),
    (b"||ad*.a.example^", b"x.a.example", "-"),
    (b"@@||a.example^", b"a.example", "@@a.example"),
    (b"||a.example^$client=x", b"a.example", "-"),
]


def test_precedence_and_modifiers_case_by_case() -> None:
    for text, name, expected in PRECEDENCE:
        assert shown(reading(text).find(name, 1)) == expected, (text, name)


def test_an_exception_of_one_list_does_not_undo_another() -> None:
    for other in (b"@@||a.example^", b"@@||a.example^$important", b"||a.example^$badfilter", b"@@|a.example^"):
        for texts in ((b"||a.example^", other), (other, b"||a.example^")):
            verdict = reading(*texts).decide(b"a.example", 1)
            assert verdict is not None and verdict.blocked, texts
            assert verdict.rule is not None
            assert verdict.rule.list_id == "list" + str(texts.index(b"||a.example^"))


def test_a_list_is_no_less_for_what_another_allows() -> None:
    # The first list has the same rule, and the parent of it, but allows the name.
    for first in (
        b"||a.example^\n@@||a.example^",
        b"||example^\n@@||a.example^",
        b"||a.example^$important\n@@||a.example^",
    ):
        verdict = reading(first, b"||a.example^").decide(b"a.example", 1)
        assert verdict is not None and verdict.blocked, first


def test_a_page_is_refused_without_its_host() -> None:
    found = reading(b"||host.example/bad^\n||other.example^", b"||203.0.113.9/bin.sh^")
    assert shown(found.find_page(b"host.example", b"/bad")) == "host.example/bad"
    assert shown(found.find_page(b"cdn.host.example", b"/BAD/more?x")) == "host.example/bad"
    assert shown(found.find_page(b"host.example", b"/bad?x=1")) == "host.example/bad"
    assert shown(found.find_page(b"other.example", b"/any")) == "other.example"
    assert shown(found.find_page(b"203.0.113.9", b"/bin.sh")) == "203.0.113.9/bin.sh"
    for authority, target in (
        (b"host.example", b"/"),
        (b"host.example", b"/badness"),
        (b"host.example:8080", b"/bad"),
        (b"203.0.113.9", b"/"),
        (b"203.0.113.8", b"/bin.sh"),
    ):
        assert found.find_page(authority, target) is None, (authority, target)
    assert found.find(b"host.example") is None


def test_a_listed_url_is_refused_alone_and_heeds_case() -> None:
    text = b"http://short.example/AbC?x=1\nhttp://203.0.113.9:8080/i\nhttp://[2001:db8::1]/a\nhttp://root.example/"
    found = reading(text, syntax="urls")
    assert shown(found.find_page(b"short.example", b"/AbC?x=1")) == "short.example/AbC?x=1"
    assert shown(found.find_page(b"short.example", b"/x/../%41b%43?x=%31")) == "short.example/AbC?x=1"
    assert found.find_page(b"short.example", b"/abc?x=1") is None
    assert found.find_page(b"short.example", b"/AbC?x=1&y=2") is None
    assert found.find_page(b"www.short.example", b"/AbC?x=1") is None
    assert shown(found.find_page(b"203.0.113.9:8080", b"/i")) == "203.0.113.9:8080/i"
    assert shown(found.find_page(b"[2001:db8::1]", b"/a")) == "[2001:db8::1]/a"
    assert shown(found.find_page(b"root.example", b"/any")) == "=root.example"
    verdict = found.decide_page(b"short.example", b"/AbC?x=1")
    assert verdict is not None
    assert verdict.blocked


def test_a_page_may_end_at_separators_only() -> None:
    assert page_ends(b"/") == [1]
    assert page_ends(b"/a/b.c?d=e") == [2, 6, 8, 10]
    assert len(page_ends(b"/" * 9000)) == 33


def test_addresses_and_networks_are_found() -> None:
    text = b"203.0.113.9\n198.51.100.0/24\n198.51.100.128/25\n192.0.2.1-192.0.2.6\n2001:db8:1::/48\n2001:db8::7"
    found = reading(text, syntax="addresses")
    for address, expected in (
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.8", "-"),
        ("198.51.100.0", "198.51.100.0/24"),
        ("198.51.100.255", "198.51.100.0/24"),
        ("198.51.101.0", "-"),
        ("198.51.99.255", "-"),
        ("192.0.2.1", "192.0.2.1-192.0.2.6"),
        ("192.0.2.6", "192.0.2.1-192.0.2.6"),
        ("192.0.2.7", "-"),
        ("0.0.0.0", "-"),
        ("255.255.255.255", "-"),
        ("2001:db8::7", "2001:db8::7"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("2001:db8:2::", "-"),
    ):
        assert shown(found.find_address(addresses.parse(address))) == expected, address
    assert shown(found.find(b"203.0.113.9")) == "203.0.113.9"
    verdict = found.decide_addresses([addresses.parse("192.0.2.99"), addresses.parse("198.51.100.7")])
    assert verdict is not None
    assert verdict.rule is not None
    assert verdict.rule.text == "198.51.100.0/24"
    assert found.decide_addresses([]) is None
    # The /25 lies within the /24.
    assert found.count == 5


def test_many_networks_are_searched_in_blocks() -> None:
    lines = [f"{11 + at // 999}.{at % 999 // 4}.{at % 4}.0/25" for at in range(3000)]
    found = reading("\n".join(lines).encode(), syntax="addresses")
    for at in range(0, 3000, 7):
        place = lines[at].split("/")[0]
        packed = addresses.parse(place)
        assert shown(found.find_address(packed)) == lines[at]
        assert shown(found.find_address(packed[:3] + b"\x7f")) == lines[at]
        assert found.find_address(packed[:3] + b"\x80") is None


def test_a_network_is_named_as_people_write_it() -> None:
    for text in ("0.0.0.0/0", "198.51.100.0/24", "203.0.113.8/31", "2001:db8::/32"):
        bits = int(text.split("/")[1])
        first = addresses.parse(text.split("/")[0])
        size = 8 * len(first)
        last = (int.from_bytes(first, "big") + (1 << size - bits) - 1).to_bytes(len(first), "big")
        assert network_text(first, last) == text.encode()


def test_the_meta_counts_each_rule_once_and_of_each_list_its_own() -> None:
    found = opened(rules(b"a.example", b"a.example"), rules(b"b.example", b"a.example"))
    assert found.count == 2
    assert [of["count"] for of in found.lists] == [1, 2]
    assert found.lists[0]["fetched"] == 1700000000


def test_an_empty_set_finds_nothing() -> None:
    found = opened([])
    assert found.count == 0
    assert found.find(b"phish.example") is None
    assert found.find_page(b"phish.example", b"/") is None
    assert found.find_address(b"\xcb\x00\x71\x09") is None
    found.verify()


def refusal(data: bytes) -> str:
    try:
        Ruleset(BytesIO(data), sha256).verify()
    except BadInput as error:
        return str(error)
    return "taken"


def test_a_foreign_file_is_refused() -> None:
    assert refusal(b"") == "the rule set is cut short"
    assert refusal(b"0.0.0.0 phish.example\n" * 1000) == "this is not a compiled rule set"
    data = compiled(rules(b"a.example")).getvalue()
    assert "format 9" in refusal(data[:8] + b"\0\x09" + data[10:])


def test_a_truncated_file_is_refused_at_every_length() -> None:
    data = compiled(rules(b"a.example", b"b.example")).getvalue()
    for size in list(range(INDEX_START + 40)) + list(range(len(data) - 300, len(data))):
        assert "cut short" in refusal(data[:size]), size
    assert "cut short" in refusal(data + b"\0")


def test_a_changed_byte_is_noticed_wherever_it_is() -> None:
    data = compiled(rules(b"a.example", b"b.example")).getvalue()
    places = list(range(INDEX_START + 9)) + list(range(HEAD_SIZE, len(data), 4999))
    for at in places + list(range(len(data) - 300, len(data))):
        changed = bytearray(data)
        changed[at] ^= 1
        assert refusal(bytes(changed)) != "taken", at


def test_the_layout_is_big_endian_on_every_machine() -> None:
    data = compiled(rules(b"a.example")).getvalue()
    digest = sha256(SALT + b"a.example")
    assert data[:16] == b"\x93PARS\r\n\x1a\0\x02\0\0\0\x04\0\x04"
    assert data[16:32] == SALT
    assert int.from_bytes(data[32:40], "big") == len(data)
    bucket = INDEX_START + 4 * int.from_bytes(digest[:2], "big")
    start = int.from_bytes(data[bucket : bucket + 4], "big")
    end = int.from_bytes(data[bucket + 4 : bucket + 8], "big")
    assert data[start:end] == digest[2:7] + b"\0"


def test_all_rules_that_fit_can_be_listed() -> None:
    found = reading(b"||a.example^\n@@||x.a.example^\n||x.a.example^$dnstype=A\n||b.example^")
    texts = [match.text for match in found.matches(b"x.a.example", 1)]
    assert sorted(texts) == ["@@x.a.example", "a.example", "||x.a.example^$dnstype=A"]


def test_another_salt_gives_other_fingerprints() -> None:
    first, second = BytesIO(), BytesIO()
    for file, salt in ((first, SALT), (second, b"another salt, 16")):
        build(file, [(ListMeta("l", "L", "1", "malware"), rules(b"a.example"))], salt, sha256)
        assert Ruleset(file, sha256).find(b"a.example") is not None
    assert first.getvalue() != second.getvalue()
