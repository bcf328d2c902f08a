"""The guess at look-alikes: what fires, what does not, and that it can say why."""

from agent.core.lookalike import SUSPECT, THROWAWAY, Lookalike, read_known, skeleton
from agent.core.policy import EVERYBODY, LOOKALIKE, OwnRule, Policy, View
from agent.core.punycode import decode

NOBODYS = View(())

TABLE = [
    "# a comment",
    "paypal.com",
    "amazon.de   # amazon",
    "bankofamerica.com",
    "apple.com   # ~apple",
    "x.com       # -",
    "paypalobjects.com # -",
]


def last_two(name):
    return b".".join(name.split(b".")[-2:])


MADE = Lookalike(read_known(TABLE), last_two)


def guess(name):
    return MADE.guess(name.encode())


def test_the_table():
    assert read_known(TABLE) == [
        ("paypal.com", "paypal"),
        ("amazon.de", "amazon"),
        ("bankofamerica.com", "bankofamerica"),
        ("apple.com", "~apple"),
        ("x.com", ""),
        ("paypalobjects.com", ""),
    ]


def test_imitations_are_suspect_and_say_why():
    for name, like, feature in (
        ("paypal.com.secure-check.top", "paypal.com", "whole"),
        ("www-paypal-com.verify.example", "paypal.com", "whole"),
        ("paypa1.example", "paypal.com", "spelled"),
        ("xn--pypal-4ve.example", "paypal.com", "spelled"),
        ("xn--yl-6kcb8gc.example", "", ""),
        ("login-paypal.example", "paypal.com", "word"),
        ("amazon-account-update.example", "amazon.de", "word"),
        ("bank-of-america-login.example", "bankofamerica.com", "inside"),
        ("paypol-login.example", "paypal.com", "slip"),
        ("verifypaypalaccount.weebly.com", "paypal.com", "inside"),
        ("apple-id-login-verify.example", "apple.com", "common"),
    ):
        found = guess(name)
        assert found.like == like, name
        assert found.suspect == (like != ""), (name, found)
        if feature:
            assert feature in found.features and found.text, name


def test_the_well_known_and_the_rest_are_not():
    for name in (
        "paypal.com",
        "www.paypal.com",
        "t.paypalobjects.com",
        "paypal.co",
        "amazon.fr",
        "amazonas.example",
        "example.com",
        "login.example.org",
        "apple-pie.example",
        "secure-login-account-verify.example",
        "paypal.com.edgekey.net",
        "localhost",
        "192.0.2.1",
        "2001:db8::1",
        "a\\032b.example",
    ):
        assert not guess(name).suspect, (name, guess(name))


def test_a_throwaway_page_imitates_nobody_and_asks_to_act():
    for name in ("login-secure-update.weebly.com", "verify.my-page.pages.dev", "account-support-login.top"):
        found = guess(name)
        assert found.suspect and found.like == "" and found.what == THROWAWAY, (name, found)
        assert "asks to act" in found.text
    # Neither a place nor a word is enough, nor both at an ordinary site.
    for name in ("my-cats.weebly.com", "cats.top", "support.cats.top", "login-secure-update.cats.example"):
        assert not guess(name).suspect, (name, guess(name))


def test_more_speaks_against_a_name_the_higher_the_score():
    scores = [guess(name).score for name in ("paypal-x.example", "paypal-login.example", "paypal-login-verify.top")]
    assert scores == sorted(scores) and scores[0] < SUSPECT <= scores[1] < scores[2]


def test_what_the_eye_reads():
    assert skeleton("g00gle") == "google" and skeleton("arnazon") == "amazon" and skeleton("vvise") == "wise"
    assert skeleton("xn--80ak6aa92e") == "apple"


def test_punycode():
    # RFC 3492, section 7.1 (in lower case), and what is none.
    assert decode("ihqwcrb4cv8a8dqg056pqjye") == "\u4ed6\u4eec\u4e3a\u4ec0\u4e48\u4e0d\u8bf4\u4e2d\u6587"
    assert decode("bcher-kva") == "b\u00fccher" and decode("mnchen-3ya") == "m\u00fcnchen"
    for text in ("", "-", "abc-", "a-!", "99999999", "zzzzzzzzzz"):
        assert isinstance(decode(text), str)


def test_a_guess_refuses_only_where_it_is_told_to():
    name = b"login-paypal.example"
    off, warn, refuse = Policy(None, []), Policy(None, [], (), None, MADE), Policy(None, [], (), None, MADE, True)
    assert off.warning(name) is None and not off.decide(NOBODYS, name).blocked
    assert warn.warning(name).like == "paypal.com" and not warn.decide(NOBODYS, name).blocked
    verdict = refuse.decide(NOBODYS, name)
    assert verdict.blocked and verdict.rule.list_id == LOOKALIKE and "guess" in verdict.rule.list_name
    assert "paypal.com" in verdict.rule.text
    assert not refuse.decide(NOBODYS, b"plain.example").blocked
    # An alias is nobody's choice of looks.
    assert not refuse.review(NOBODYS, [name], []).blocked


def test_a_guess_comes_last():
    name = b"login-paypal.example"
    allowed = Policy(None, [OwnRule(1, name, "allow", "household", 0, None, 0)], (), None, MADE, True)
    assert not allowed.decide(EVERYBODY, name).blocked
    helpline = Policy(None, [], (name,), None, MADE, True)
    assert not helpline.decide(NOBODYS, name).blocked and helpline.warning(name) is None
