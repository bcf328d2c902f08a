"""Precedence, pages and addresses of connections, and the ways around."""

from agent.core.known_resolvers import ADDRESSES, CANARIES, NODATA, NXDOMAIN, canary, refusals
from agent.core.match import WHOLE, Match
from agent.core.model import ALLOW, BLOCK, Rule, Verdict
from agent.core.policy import CONTENT, EVERYBODY, OwnRule, Policy, View, recorded
from agent.core.sniffed_request import split_url, url

NOBODYS = View(())

BAD = b"\xcb\x00\x71\x42"


def listed(text: str, action: str = BLOCK) -> Verdict:
    return Verdict(action, Rule(text, action, "l", "List"))


class Rules:
    """A rule set that knows a host, a page, an exception and an address."""

    hosts = {b"bad.example": listed("bad.example"), b"fine.example": listed("@@fine.example", ALLOW)}
    has_addresses = True
    pages = {(b"shared.example", b"/bad/page"), (b"203.0.113.9", b"/x"), (b"fine.example", b"/bad")}

    def find(self, name: bytes, qtype: int, lists: int, keys: "list[bytes] | None" = None) -> "Match | None":
        of = self.hosts.get(name)
        return None if of is None else Match(name, WHOLE, 0, of.action == ALLOW)

    def verdict(self, match: Match) -> Verdict:
        return self.hosts[match.key]

    def decide_page(self, authority: bytes, target: bytes, lists: int) -> "Verdict | None":
        if (authority, target) in self.pages:
            return listed((authority + target).decode())
        return self.hosts.get(authority)

    def decide_addresses(self, addresses: "list[bytes]", lists: int) -> "Verdict | None":
        return listed("203.0.113.66") if BAD in addresses else None


def policy(*own: OwnRule, never: "tuple[bytes, ...]" = ()) -> Policy:
    return Policy(Rules(), list(own), never, refusals(True, True))


def own(name: bytes, action: str) -> OwnRule:
    return OwnRule(1, name, action, "household", 0, None, 0)


def test_a_host() -> None:
    assert policy().reach(NOBODYS, b"bad.example", None).blocked
    assert not policy().reach(NOBODYS, b"other.example", None).blocked
    assert not policy(own(b"bad.example", ALLOW)).reach(EVERYBODY, b"bad.example", None).blocked
    assert policy(own(b"other.example", BLOCK)).reach(EVERYBODY, b"www.other.example", None).blocked


def test_a_page_on_a_shared_host_is_refused_and_the_host_is_not() -> None:
    assert policy().reach(NOBODYS, b"shared.example", None, (b"shared.example", b"/bad/page")).blocked
    assert not policy().reach(NOBODYS, b"shared.example", None, (b"shared.example", b"/good")).blocked
    assert not policy().reach(NOBODYS, b"shared.example", None).blocked
    assert (
        not policy(own(b"shared.example", ALLOW))
        .reach(EVERYBODY, b"shared.example", None, (b"shared.example", b"/bad/page"))
        .blocked
    )
    assert policy().reach(NOBODYS, b"fine.example", None, (b"fine.example", b"/bad")).blocked
    assert policy().reach(NOBODYS, b"203.0.113.9", b"\xcb\x00\x71\x09", (b"203.0.113.9", b"/x")).blocked


def test_an_address() -> None:
    assert policy().reach(NOBODYS, b"other.example", BAD).blocked
    assert not policy().reach(NOBODYS, b"fine.example", BAD).blocked, "what a rule lets through may lead anywhere"
    assert not policy(never=(b"help.example",)).reach(NOBODYS, b"help.example", BAD).blocked
    assert not Policy(None, []).reach(NOBODYS, b"other.example", BAD, (b"other.example", b"/")).blocked


def test_a_helpline_is_reached_whatever_is_blocked() -> None:
    never = (b"bad.example", b"chat.help.example")
    blocked = policy(own(b"help.example", BLOCK), own(b"chat.help.example", BLOCK), never=never)
    for name in (b"chat.help.example", b"www.chat.help.example", b"bad.example"):
        verdict = blocked.reach(EVERYBODY, name, BAD, (name, b"/bad/page"))
        assert not verdict.blocked and verdict.rule is not None and verdict.rule.scope == "shipped"
    assert blocked.decide(EVERYBODY, b"help.example").blocked, "what is above the helpline is refused all the same"
    assert not blocked.review(EVERYBODY, [b"chat.help.example"], []).blocked


class Everything(Rules):
    """A list that refuses whatever it is asked."""

    def find(self, name: bytes, qtype: int, lists: int, keys: "list[bytes] | None" = None) -> "Match | None":
        return Match(name, WHOLE, 0)

    def verdict(self, match: Match) -> Verdict:
        return listed(match.key.decode())

    def decide_page(self, authority: bytes, target: bytes, lists: int) -> "Verdict | None":
        return listed(authority.decode())


def test_no_list_is_about_names_of_this_network() -> None:
    hostile = Policy(Everything(), [own(b"games.lan", BLOCK)])
    for name in (b"openwrt", b"openwrt.lan", b"printer.home.arpa", b"nas.local", b"a.b.internal", b"localhost"):
        assert not hostile.reach(NOBODYS, name, None, (name, b"/admin")).blocked, name
    for name in (b"lan.example", b"home.example", b"arpa.net", b"localhost.example", b"192.0.2.1", b"2001:db8::1"):
        assert hostile.reach(NOBODYS, name, None, (name, b"/")).blocked, name
    assert hostile.decide(EVERYBODY, b"www.games.lan").blocked, "the household's own rules are"


def test_ways_around() -> None:
    for name in (b"dns.google", b"dns.quad9.net", b"mozilla.cloudflare-dns.com", b"ab12.dns.nextdns.io"):
        assert policy().decide(NOBODYS, name).blocked
        assert canary(policy().decide(NOBODYS, name).rule) is None
    assert not policy(own(b"dns.google", ALLOW)).decide(EVERYBODY, b"dns.google").blocked
    assert not policy().decide(NOBODYS, b"google.com").blocked
    assert len(ADDRESSES) == len(set(ADDRESSES))
    assert refusals(False, False) == {}


def test_canaries_say_how_they_are_answered() -> None:
    for name, answer in ((b"use-application-dns.net", NXDOMAIN), (b"_dns.resolver.arpa", NODATA)):
        assert CANARIES[name] == answer
        assert canary(policy().decide(NOBODYS, name).rule) == answer
    assert canary(None) is None
    assert canary(Rule("x", category=NXDOMAIN)) is None


def test_urls_as_they_are_kept() -> None:
    assert url(b"a.example:81", b"/x/./%7ey?secret=1") == "http://a.example:81/x/~y"
    assert url(b"a.example", b"/\xc3\xa9 \x01") == "http://a.example/%C3%A9%20%01"
    assert split_url("http://a.example:81/x/y") == (b"a.example:81", b"/x/y")
    assert split_url("http://a.example") == (b"a.example", b"")
    assert split_url("a.example") is None


def test_strict_search_refuses_engines_without_a_safe_form_unless_a_rule_allows_them():
    policy = Policy(None, [])
    strict, on = View((), "strict"), View((), "on")
    verdict = policy.decide(strict, b"www.startpage.com")
    assert verdict.blocked and verdict.rule.scope == CONTENT and not recorded(verdict)
    assert not policy.decide(on, b"www.startpage.com").blocked
    assert not policy.decide(strict, b"notstartpage.com").blocked
    allowed = Policy(None, [OwnRule(1, b"startpage.com", "allow", "household", 0, None, 0)])
    assert not allowed.decide(View((("household", 0),), "strict"), b"www.startpage.com").blocked
