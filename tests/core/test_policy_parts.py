"""The parts of a policy: whose rules a device follows, guesses and where they stop, and what an answer is asked for."""

from agent.core.known_resolvers import refusals
from agent.core.lookalike import SUSPECT, Guess
from agent.core.match import WHOLE, Match
from agent.core.model import ALLOW, BLOCK, Rule, Verdict
from agent.core.policy import LOOKALIKE, SAFE_SEARCH, OwnRule, Policy, View, recorded

BAD = b"\xcb\x00\x71\x42"
PLAIN = View(())


class Rules:
    """One host on a list, and an address; what it is asked for are addresses."""

    def __init__(self, host: bytes = b"bad.example", has_addresses: bool = True) -> None:
        self.host, self.has_addresses = host, has_addresses

    def find(self, name: bytes, qtype: int, lists: int, keys: "list[bytes] | None" = None) -> "Match | None":
        return Match(name, WHOLE, 0, False) if name == self.host else None

    def verdict(self, match: Match) -> Verdict:
        return Verdict(BLOCK, Rule("listed", BLOCK, "l", "List"))

    def decide_page(self, authority: bytes, target: bytes, lists: int) -> "Verdict | None":
        return None

    def decide_addresses(self, addresses: "list[bytes]", lists: int) -> "Verdict | None":
        assert all([isinstance(address, bytes) for address in addresses])
        return Verdict(BLOCK, Rule("address", BLOCK, "l", "List")) if BAD in addresses else None


class Suspects:
    """Finds each name that begins with "paypa1" to imitate one."""

    def guess(self, name: bytes) -> Guess:
        return Guess(SUSPECT if name.startswith(b"paypa1") else SUSPECT - 1, [], "paypal.com")


def own(name: bytes, action: str, scope: str = "household", owner: int = 0, id: int = 1) -> OwnRule:
    return OwnRule(id, name, action, scope, owner, None, 0)


def test_a_device_follows_its_own_rules_its_persons_and_everybodys() -> None:
    rules = [own(b"a.example", BLOCK, *of) for of in (("device", 1), ("person", 1), ("person", 2), ("household", 0))]
    made = Policy(None, rules)
    assert made.scopes(1, 2) == (("device", 1), ("person", 2), ("household", 0))
    assert made.scopes(2, 1) == (("person", 1), ("household", 0))
    assert made.scopes(1, None) == (("device", 1), ("household", 0)), "nobody is no person"
    assert Policy(None, []).scopes(1, 2) == ()
    view = made.view(2, 2, "strict", "moderate")
    assert view == View((("person", 2), ("household", 0)), "strict", "moderate")


def test_in_one_scope_allow_is_before_block() -> None:
    for first, second in ((ALLOW, BLOCK), (BLOCK, ALLOW)):
        made = Policy(Rules(), [own(b"bad.example", first, id=1), own(b"bad.example", second, id=2)])
        assert not made.decide(View((("household", 0),)), b"bad.example").blocked


def test_a_guess_is_refused_where_that_is_wanted_and_nobody_has_another_word() -> None:
    def decided(name: bytes, *rules: OwnRule, refuse: bool = True, protecting: int = 1) -> Verdict:
        made = Policy(Rules(), list(rules), [b"help.example"], None, Suspects(), refuse)
        return made.decide(View((("household", 0),), protecting=protecting), name)

    refused = decided(b"paypa1.example")
    assert refused.blocked and refused.rule is not None
    assert refused.rule == Rule("looks like paypal.com: ", BLOCK, LOOKALIKE, "look-alike guess", "", "look-alike")
    assert not decided(b"paypal.example").blocked, "not suspect enough"
    assert not decided(b"paypa1.example", refuse=False).blocked
    assert not decided(b"paypa1.example", protecting=0).blocked, "no list protects it"
    assert not decided(b"paypa1.example", own(b"paypa1.example", ALLOW)).blocked
    known = decided(b"bad.example").rule
    assert known is not None and known.text == "listed"


def test_a_warning_names_no_helpline() -> None:
    made = Policy(None, [], [b"paypa1.example"], None, Suspects())
    assert made.warning(b"paypa1.example") is None and made.warning(b"www.paypa1.example") is None
    warned = made.warning(b"paypa1.other")
    assert warned is not None and warned.suspect
    assert made.warning(b"other.example") is None
    assert Policy(None, []).warning(b"paypa1.other") is None
    assert made.helpline(b"www.paypa1.example") is True and made.helpline(b"paypa1.other") is False
    told = made.decide(PLAIN, b"paypa1.example").rule
    assert told is not None and (told.list_name, told.scope) == ("helplines", "shipped")


def test_strict_search_has_no_word_on_what_is_blocked_anyway() -> None:
    strict = View((), "strict")
    for host, name in ((b"bad.example", SAFE_SEARCH), (b"baidu.com", "List")):
        rule = Policy(Rules(host), []).decide(strict, b"baidu.com").rule
        assert rule is not None and rule.list_name == name


def test_an_answer() -> None:
    made = Policy(Rules(), [own(b"alias.example", ALLOW)])
    household = View((("household", 0),))
    assert made.review(household, [b"alias.example"], [BAD]).blocked, "a rule for an alias lets no address pass"
    assert made.review(household, [b"bad.example"], []).blocked
    assert not made.review(household, [b"other.example"], []).blocked
    assert not Policy(Rules(has_addresses=False), []).review(PLAIN, [], [BAD]).blocked
    assert not Policy(None, []).review(PLAIN, [], [BAD]).blocked
    assert not made.reach(household, b"other.example", None).blocked


def test_services_that_are_not_known_refuse_nothing() -> None:
    assert not Policy(Rules(), []).decide(View((), services=("gone",)), b"other.example").blocked


def test_what_is_recorded() -> None:
    assert recorded(Verdict(BLOCK)) is True
    assert recorded(Verdict(BLOCK, Rule("x", BLOCK, "l", "List"))) is True
    assert recorded(Verdict(BLOCK, Rule("x", BLOCK, scope="content"))) is False
    canaries = [verdict for verdict in refusals(True, True).values() if not recorded(verdict)]
    assert canaries and all([verdict.blocked for verdict in canaries])
