from agent.core.adblock import adblock
from agent.core.condition import Condition, fits
from agent.core.listrules import (
    CLIENT,
    COSMETIC,
    CTAG,
    EXCEPTION,
    LOCAL_ADDRESS,
    LOCAL_NAME,
    MODIFIER,
    NOT_A_RULE,
    PATTERN,
    REGEX,
    REWRITE,
    TOO_BROAD,
    ListRule,
)
from agent.core.match import BELOW, EXACT, WHOLE
from agent.core.model import Value

SITE = ListRule(b"phish.example")


def conditional(line: bytes, key: bytes = b"phish.example", kind: int = WHOLE, **more: object) -> ListRule:
    """The rule of a line with a condition; `more` is the condition's."""
    return ListRule(key, kind, condition=Condition(line.decode(), **more))  # type: ignore[arg-type]


PLAIN: list[tuple[bytes, list[Value]]] = [
    (b"||phish.example^", [SITE]),
    (b"||Phish.Example^", [SITE]),
    (b"||phish.example^|", [SITE]),
    (b"||phish.example", [SITE]),
    (b"||phish.example^$all", [SITE]),
    (b"||phish.example^$document", [SITE]),
    (b"phish.example", [SITE]),
    (b"0.0.0.0 phish.example", [SITE]),
    (b"0.0.0.0 localhost", [LOCAL_NAME]),
    (b"@@||phish.example^", [ListRule(b"phish.example", allow=True)]),
    (b"|phish.example^", [ListRule(b"phish.example", EXACT)]),
    (b"|phish.example|", [ListRule(b"phish.example", EXACT)]),
    (b"://phish.example^", [ListRule(b"phish.example", EXACT)]),
    (b"|https://phish.example^", [ListRule(b"phish.example", EXACT)]),
    (b"||*.phish.example^", [ListRule(b"phish.example", BELOW)]),
    (b"*.phish.example^", [ListRule(b"phish.example", BELOW)]),
    (b".phish.example^", [ListRule(b"phish.example", BELOW)]),
    (b"||zip^", [ListRule(b"zip")]),
    (b"||203.0.113.9^", [ListRule(b"203.0.113.9", EXACT)]),
    (b"203.0.113.9", [ListRule(b"203.0.113.9", EXACT)]),
    (b"||127.0.0.1^", [LOCAL_ADDRESS]),
    (b"phish.example^", [SITE]),
    (b"phish.example|", [SITE]),
    (b"phish.example^*", [SITE]),
    (b"||phish.example^*", [SITE]),
    (b"||phish.example/*", [SITE]),
    (b"|phish.example^*", [ListRule(b"phish.example", EXACT)]),
    (b"|https://phish.example/", [ListRule(b"phish.example", EXACT)]),
    (b"|https://phish.example/*", [ListRule(b"phish.example", EXACT)]),
    (b"@@phish.example^", [ListRule(b"phish.example", allow=True)]),
    (b"||[2001:db8::1]^", [ListRule(b"2001:db8::1", EXACT)]),
    (b"|https://[2001:db8::1]/", [ListRule(b"2001:db8::1", EXACT)]),
    (b"[2001:DB8::1]", [ListRule(b"2001:db8::1", EXACT)]),
    (b"@@||[2001:db8::1]^", [ListRule(b"2001:db8::1", EXACT, allow=True)]),
    (b"||[fe80::1]^", [LOCAL_ADDRESS]),
    (b"||phish.example^ # costs $5", [SITE]),
    (b"||phish.example #Why", [SITE]),
    (b"||phish.example^\t! why ## really", [SITE]),
    (b"phish.example^ # why", [SITE]),
    (b"203.0.113.9 # why", [ListRule(b"203.0.113.9", EXACT)]),
    (b"||phish.example^$important # why", [ListRule(b"phish.example", important=True)]),
    (b"@@||phish.example^ # why", [ListRule(b"phish.example", allow=True)]),
    (b"@@||phish.example^ because", [ListRule(b"phish.example", allow=True)]),
    (b"! comment", []),
    (b"# comment", []),
    (b"[Adblock Plus 2.0]", []),
]

PAGES: list[tuple[bytes, list[Value]]] = [
    (b"||host.example/bad/page.html^$all", [ListRule(b"host.example/bad/page.html")]),
    (b"||host.example/Bad/", [ListRule(b"host.example/bad")]),
    (b"||host.example/", [ListRule(b"host.example")]),
    (b"||203.0.113.9/bin.sh^", [ListRule(b"203.0.113.9/bin.sh")]),
    (b"||host.example/bad.html/*", [ListRule(b"host.example/bad.html")]),
    (b"||host.example/bad.html # why", [ListRule(b"host.example/bad.html")]),
    (b"||[2001:db8::1]/bad", [ListRule(b"[2001:db8::1]/bad")]),
    (b"||host.example/bad*", [PATTERN]),
    (b"||host.example/*/page", [PATTERN]),
]

MODIFIED: list[tuple[bytes, list[Value]]] = [
    (b"||phish.example^$important", [ListRule(b"phish.example", important=True)]),
    (b"@@||phish.example^$important", [ListRule(b"phish.example", allow=True, important=True)]),
    (b"||phish.example^$badfilter", [ListRule(b"phish.example", badfilter=True)]),
    (b"||phish.example^$important,badfilter", [ListRule(b"phish.example", important=True, badfilter=True)]),
    (b"||phish.example^$client=10.0.0.1", [CLIENT]),
    (b"||phish.example^$ctag=device_pc", [CTAG]),
    (b"||phish.example^$dnsrewrite=NXDOMAIN;;", [REWRITE]),
    (b"||phish.example^$third-party", [MODIFIER]),
    (b"||phish.example^$script,important", [MODIFIER]),
    (b"||phish.example^$dnstype=NONSENSE", [MODIFIER]),
    (b"||phish.example^$denyallow=", [MODIFIER]),
    (b"||phish.example^$important=1", [MODIFIER]),
]

UNUSABLE: list[tuple[bytes, list[Value]]] = [
    (b"@@||phish.example^$script", [EXCEPTION]),
    (b"@@ads*", [EXCEPTION]),
    (b"@@||phish..example^", [EXCEPTION]),
    (b"phish.example ##.banner", [COSMETIC]),
    (b"example^", [PATTERN]),
    (b"||phish.example*", [PATTERN]),
    (b"example.com##.banner", [COSMETIC]),
    (b"##.banner", [COSMETIC]),
    (b"example.com#@#.banner", [COSMETIC]),
    (b"example.com#%#alert()", [COSMETIC]),
    (b"example.com$$script", [COSMETIC]),
    (b"/ads[0-9]+/", [REGEX]),
    (b"@@/ads[0-9]+/$important", [REGEX]),
    (b"/banner/ads^", [PATTERN]),
    (b"ads*", [PATTERN]),
    (b"|ads.", [PATTERN]),
    (b"||ads*", [PATTERN]),
    (b"*", [TOO_BROAD]),
    (b"||*^", [TOO_BROAD]),
    (b"||^", [TOO_BROAD]),
    (b"*$denyallow=com|net", [TOO_BROAD]),
    (b"||bad..example^", [NOT_A_RULE]),
    (b"two words", [NOT_A_RULE]),
]


def test_rules_are_read_case_by_case() -> None:
    for line, expected in PLAIN + PAGES + MODIFIED + UNUSABLE:
        assert adblock(line) == expected, (line, adblock(line))


def test_conditions_are_read() -> None:
    line = b"||phish.example^$denyallow=ok.phish.example|fine.phish.example"
    names = (b"fine.phish.example", b"ok.phish.example")
    assert adblock(line) == [conditional(line, denyallow=names)]
    line = b"||phish.example^$dnstype=aaaa|A"
    assert adblock(line) == [conditional(line, types=(1, 28))]
    line = b"||phish.example^$dnstype=~A|~CNAME"
    assert adblock(line) == [conditional(line, except_types=(1, 5))]
    line = b"||phish.example^$dnstype=~A|AAAA"
    assert adblock(line) == [conditional(line, types=(28,))]
    line = b"||ads*.phish.example^"
    assert adblock(line) == [conditional(line, pattern=b"||ads*.phish.example")]
    line = b"|ads*.x.phish.example^"
    assert adblock(line) == [conditional(line, b"x.phish.example", pattern=b"ads*.x.phish.example")]


def test_a_rule_says_its_text_in_ascii() -> None:
    rule = adblock("||phish.example^$dnstype=A\u00fc".encode())[0]
    assert rule == MODIFIER
    rule = adblock("||phish.example^$dnstype=A # \u00fc".encode())[0]
    assert rule == conditional(b"||phish.example^$dnstype=A", types=(1,))
    rule = adblock(b"||phish.example^$denyallow=a.b,dnstype=A")[0]
    assert isinstance(rule, ListRule)
    assert rule.condition is not None
    assert rule.condition.text == "||phish.example^$denyallow=a.b,dnstype=A"


def test_a_page_is_what_its_anchors_say() -> None:
    for line, key, pattern in (
        (b"|http://host.example:8080/a", b"host.example:8080/a", b"host.example:8080/a*"),
        (b"||host.example//", b"host.example/", b"||host.example//*"),
        (b"||host.example/?", b"host.example/", b"||host.example/?*"),
        (b"||host.example/|", b"host.example/", b"||host.example/"),
        (b"||host.example/Bad/|", b"host.example/bad", b"||host.example/bad/"),
        (b"||*.host.example/bad", b"host.example/bad", b"||*.host.example/bad*"),
        (b"|https://host.example/|", b"host.example/", b"host.example/"),
    ):
        assert adblock(line) == [conditional(line, key, pattern=pattern)], (line, adblock(line))


def test_conditions_hold_or_not() -> None:
    types = Condition("", types=(1,))
    assert types.holds(b"a.example", 1)
    assert not types.holds(b"a.example", 28)
    assert not types.holds(b"a.example", 0)
    others = Condition("", except_types=(1,))
    assert others.holds(b"a.example", 28)
    assert not others.holds(b"a.example", 1)
    assert not others.holds(b"a.example", 0)
    deny = Condition("", denyallow=(b"ok.example",))
    assert deny.holds(b"example", 1)
    assert deny.holds(b"notok.example", 1)
    assert not deny.holds(b"ok.example", 1)
    assert not deny.holds(b"a.ok.example", 1)


def test_patterns_fit_whole_names() -> None:
    assert fits(b"ads*.example", b"ads.example")
    assert fits(b"ads*.example", b"ads1.x.example")
    assert not fits(b"ads*.example", b"x.ads1.example")
    assert fits(b"||ads*.example", b"x.ads1.example")
    assert not fits(b"||ads*.example", b"xads1.example")
    assert fits(b"a*b*c", b"a.b.bc")
    assert not fits(b"a*b*c", b"a.c")
    assert not fits(b"aa*aa", b"aaa")
