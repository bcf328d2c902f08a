"""Ways around the router's DNS: resolvers that answer over HTTPS, and names by which devices ask whether to use one.

The resolvers are those that browsers and systems offer to choose from, by the names and addresses that their operators
publish. Nobody can list them all.
"""

from agent.core.model import BLOCK, Rule, Verdict

# Operator, names (with all below them), addresses.
KNOWN = (
    (
        "Google",
        ("dns.google", "dns64.dns.google", "dns.google.com"),
        (
            "8.8.8.8",
            "8.8.4.4",
            "2001:4860:4860::8888",
            "2001:4860:4860::8844",
            "2001:4860:4860::64",
            "2001:4860:4860::6464",
        ),
    ),
    (
        "Cloudflare",
        ("cloudflare-dns.com", "one.one.one.one", "1dot1dot1dot1.cloudflare-dns.com"),
        (
            "1.1.1.1",
            "1.0.0.1",
            "1.1.1.2",
            "1.0.0.2",
            "1.1.1.3",
            "1.0.0.3",
            "2606:4700:4700::1111",
            "2606:4700:4700::1001",
            "2606:4700:4700::1112",
            "2606:4700:4700::1002",
            "2606:4700:4700::1113",
            "2606:4700:4700::1003",
            "2606:4700:4700::64",
            "2606:4700:4700::6400",
        ),
    ),
    (
        "Quad9",
        ("dns.quad9.net", "dns9.quad9.net", "dns10.quad9.net", "dns11.quad9.net", "dns12.quad9.net"),
        (
            "9.9.9.9",
            "149.112.112.112",
            "9.9.9.10",
            "149.112.112.10",
            "9.9.9.11",
            "149.112.112.11",
            "9.9.9.12",
            "149.112.112.12",
            "2620:fe::fe",
            "2620:fe::9",
            "2620:fe::10",
            "2620:fe::fe:10",
            "2620:fe::11",
            "2620:fe::fe:11",
        ),
    ),
    (
        "OpenDNS",
        ("doh.opendns.com", "doh.familyshield.opendns.com", "dns.opendns.com", "doh.sandbox.opendns.com"),
        (
            "208.67.222.222",
            "208.67.220.220",
            "208.67.222.123",
            "208.67.220.123",
            "2620:119:35::35",
            "2620:119:53::53",
            "2620:119:35::123",
            "2620:119:53::123",
        ),
    ),
    (
        "AdGuard",
        (
            "dns.adguard.com",
            "dns.adguard-dns.com",
            "family.adguard-dns.com",
            "unfiltered.adguard-dns.com",
            "d.adguard-dns.com",
        ),
        (
            "94.140.14.14",
            "94.140.15.15",
            "94.140.14.15",
            "94.140.15.16",
            "94.140.14.140",
            "94.140.14.141",
            "2a10:50c0::ad1:ff",
            "2a10:50c0::ad2:ff",
        ),
    ),
    (
        "NextDNS",
        (
            "dns.nextdns.io",
            "anycast.dns.nextdns.io",
            "doh3.dns.nextdns.io",
            "chromium.dns.nextdns.io",
            "firefox.dns.nextdns.io",
        ),
        (),
    ),
    (
        "CleanBrowsing",
        ("doh.cleanbrowsing.org",),
        ("185.228.168.9", "185.228.169.9", "185.228.168.10", "185.228.169.11", "185.228.168.168", "185.228.169.168"),
    ),
    ("Control D", ("dns.controld.com", "freedns.controld.com"), ("76.76.2.0", "76.76.10.0")),
    (
        "Mullvad",
        ("dns.mullvad.net", "adblock.dns.mullvad.net", "base.dns.mullvad.net", "all.dns.mullvad.net"),
        ("194.242.2.2", "194.242.2.3", "194.242.2.4", "194.242.2.9"),
    ),
    ("DNS.SB", ("doh.dns.sb", "doh.sb"), ("185.222.222.222", "45.11.45.11")),
    ("DNS4EU", ("unfiltered.joindns4.eu", "protective.joindns4.eu", "child.joindns4.eu", "noads.joindns4.eu"), ()),
    ("Apple", ("doh.dns.apple.com",), ()),
)

ADDRESSES = tuple([address for _, _, addresses in KNOWN for address in addresses])

SHIPPED = "shipped"  # a rule's scope: neither the household's nor a list's
NXDOMAIN, NODATA = "nxdomain", "nodata"
# A name that does not exist, or has nothing, says: this network wants its own DNS to be used.
CANARIES = {
    b"use-application-dns.net": NXDOMAIN,  # Firefox and others: no DNS over HTTPS unless somebody chose it
    b"mask.icloud.com": NXDOMAIN,  # Apple: no Private Relay on this network, and the device says so
    b"mask-h2.icloud.com": NXDOMAIN,
    b"_dns.resolver.arpa": NODATA,  # RFC 9462 section 4: there is no encrypted resolver that this one designates
}


def refusals(encrypted: bool, canaries: bool) -> "dict[bytes, Verdict]":
    """Name → refusal, for all below the name as well. A canary's rule says in its category how it is answered."""
    found = {}
    if encrypted:
        for operator, hosts, _ in KNOWN:
            for host in hosts:
                rule = Rule(host, BLOCK, list_name="encrypted DNS: " + operator, category="bypass", scope=SHIPPED)
                found[host.encode()] = Verdict(BLOCK, rule)
    if canaries:
        for name, answer in CANARIES.items():
            rule = Rule(name.decode(), BLOCK, list_name="this network's own DNS", category=answer, scope=SHIPPED)
            found[name] = Verdict(BLOCK, rule)
    return found


def canary(rule: "Rule | None") -> "str | None":
    """How a canary is answered: NXDOMAIN or NODATA. a question to the network, and no attempt. None for others."""
    if rule is None or rule.scope != SHIPPED or rule.category not in (NXDOMAIN, NODATA):
        return None
    return rule.category
