"""Every list of the shared data reads, and one list published in many syntaxes gives the same rules.

Skipped where the data is absent: it is not part of the project.
"""

import lzma
from collections import Counter
from pathlib import Path

import pytest

from agent.core.listrules import ListRule, Network, Skipped
from agent.core.match import EXACT, WHOLE
from agent.core.names import PublicSuffixes, compile_suffixes
from agent.core.rules import parse_lines
from agent.jobs.compile import CompileResult, Source, compile_lists
from agent.platform.idna import to_ascii
from agent.platform.rulefile import open_ruleset

DATA = Path(__file__).parents[3] / "shared" / "data"
URLHAUS = "lists/urlhaus-2025-07-19."

# File → syntax found out, rules read, lines that could not be read.
LISTS = {
    "lists/blocklistproject-phishing.domains.txt": ("domains", 190_215, 0),
    "lists/blocklistproject-phishing.hosts.txt": ("hosts", 190_215, 0),
    "lists/maltrail-static-domains.txt": ("domains", 1_160_485, 0),
    "lists/phishing-database-active-domains.txt": ("domains", 294_490, 0),
    URLHAUS + "adguard.txt": ("adblock", 31_822, 0),
    URLHAUS + "adguardhome.txt": ("adblock", 25_768, 0),
    URLHAUS + "bind.conf": ("bind", 2_689, 0),
    URLHAUS + "dnscrypt-blocked-ips.txt": ("addresses", 23_079, 0),
    URLHAUS + "dnscrypt-blocked-names.txt": ("domains", 2_689, 0),
    URLHAUS + "dnsmasq.conf": ("dnsmasq", 2_689, 0),
    URLHAUS + "domains.txt": ("domains", 25_768, 0),
    URLHAUS + "hosts.txt": ("hosts", 2_689, 0),
    URLHAUS + "rpz.zone": ("rpz", 2_689, 0),
    URLHAUS + "tpl": ("tpl", 25_768, 0),
    URLHAUS + "ublock.txt": ("adblock", 31_822, 0),
    URLHAUS + "unbound.conf": ("unbound", 2_689, 0),
    URLHAUS + "wildcard.txt": ("domains", 25_768, 0),
    "urls/phishing-database-new-links.txt": ("urls", 59_999, 0),
    # Two URLs run together in one line, and hosts that are no names.
    "urls/urlhaus-paths-and-ip-hosts.txt": ("urls", 39_976, 24),
    "bypass/nextdns-encrypted-dns.txt": ("domains", 302, 0),
    # Names of home lines with a slash or an underscore at the wrong place.
    "bypass/misp-public-dns-hostname.txt": ("domains", 34_772, 11),
    "bypass/misp-public-dns-v4.txt": ("addresses", 62_745, 0),
    "bypass/misp-public-dns-v6.txt": ("addresses", 269, 0),
    "bypass/misp-vpn-ipv4.txt": ("addresses", 42_426, 0),
    "bypass/misp-vpn-ipv6.txt": ("addresses", 1_250, 0),
    "bypass/icloud-private-relay-ranges.txt": ("addresses", 13_745, 0),
}


def data(name: str) -> bytes:
    for path in (DATA / name, DATA / (name + ".xz")):
        if path.exists():
            return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
    pytest.skip("not here: " + str(DATA / name))


def compiled(folder: Path, name: str, suffixes: PublicSuffixes | None = None) -> CompileResult:
    path = folder / "list"
    path.write_bytes(data(name))
    return compile_lists([Source(str(path), "list")], str(folder / "set"), public_suffixes=suffixes)


@pytest.mark.parametrize("name", LISTS)
def test_every_list_reads(name: str, tmp_path: Path) -> None:
    report = compiled(tmp_path, name)
    of = report.lists[0]
    assert (of.syntax, of.read, of.unreadable) == LISTS[name]
    assert of.read == report.count + report.folded + report.repeated
    found = open_ruleset(str(tmp_path / "set"))
    found.verify()
    assert found.count == report.count
    found.close()


def urlhaus(suffix: str, syntax: str) -> list[object]:
    return list(parse_lines(data(URLHAUS + suffix).split(b"\n"), syntax))


def names(values: list[object], kind: int = WHOLE) -> set[bytes]:
    keys = [value.key for value in values if isinstance(value, ListRule) and value.kind == kind]
    return {key for key in keys if b"/" not in key}


def test_one_list_in_its_syntaxes_gives_the_same_names() -> None:
    expected = names(urlhaus("hosts.txt", "hosts"))
    assert len(expected) == 2_689
    for suffix, syntax in (
        ("domains.txt", "domains"),
        ("wildcard.txt", "domains"),
        ("adguardhome.txt", "adblock"),
        ("dnsmasq.conf", "dnsmasq"),
        ("unbound.conf", "unbound"),
        ("bind.conf", "bind"),
        ("dnscrypt-blocked-names.txt", "domains"),
        ("tpl", "tpl"),
    ):
        assert names(urlhaus(suffix, syntax)) == expected, suffix
    # Difference 1: the lists for browsers name three sites more.
    more = {b"bedoueroom.top", b"extranet-listing.com", b"wegrowcoaching.com"}
    for suffix in ("adguard.txt", "ublock.txt"):
        assert names(urlhaus(suffix, "adblock")) == expected | more, suffix
    # Difference 2: in a response policy zone a name stands for itself alone, and this one has no `*.name` beside it.
    assert names(urlhaus("rpz.zone", "rpz"), EXACT) == expected
    assert names(urlhaus("rpz.zone", "rpz"), WHOLE) == set()


def test_one_list_in_its_syntaxes_gives_the_same_addresses() -> None:
    expected = names(urlhaus("dnscrypt-blocked-ips.txt", "addresses"), EXACT)
    assert len(expected) == 23_079
    for suffix, syntax in (
        ("domains.txt", "domains"),
        ("wildcard.txt", "domains"),
        ("adguardhome.txt", "adblock"),
        ("adguard.txt", "adblock"),
        ("ublock.txt", "adblock"),
        ("tpl", "tpl"),
    ):
        assert names(urlhaus(suffix, syntax), EXACT) == expected, suffix
    # Difference 3: hosts, dnsmasq, unbound, BIND and RPZ have no way to write an address, and the list leaves them out.
    for suffix, syntax in (("hosts.txt", "hosts"), ("dnsmasq.conf", "dnsmasq"), ("unbound.conf", "unbound")):
        assert names(urlhaus(suffix, syntax), EXACT) == set(), suffix


def test_only_browser_syntaxes_have_pages() -> None:
    # Difference 4: pages on hosts that are not refused themselves. Both browser syntaxes have the same ones.
    pages = [
        {value.key for value in urlhaus(suffix, "adblock") if isinstance(value, ListRule) and b"/" in value.key}
        for suffix in ("adguard.txt", "ublock.txt")
    ]
    assert pages[0] == pages[1]
    # 6,051 lines; 19 differ from another one in a separator at the end only.
    assert len(pages[0]) == 6_032


def test_nothing_of_a_real_list_is_skipped_in_silence() -> None:
    for name, (syntax, rules, bad) in sorted(LISTS.items()):
        if rules > 100_000:
            continue
        text = data(name)
        lines = [line for line in text.split(b"\n") if line.strip() and line.strip()[:1] not in (b"#", b"!", b";")]
        kinds = Counter(type(value).__name__ for value in parse_lines(lines, syntax))
        assert kinds[ListRule.__name__] + kinds[Network.__name__] == rules, name
        assert kinds[Skipped.__name__] in (bad, bad + 1), name
        # Headers: msFilterList and its expiry; $TTL, SOA and NS of a zone.
        assert len(lines) - sum(kinds.values()) in (0, 2, 3), name


def test_sites_on_shared_hosts_are_not_refused_with_them(tmp_path: Path) -> None:
    lines = data("psl/public_suffix_list.dat").decode().splitlines()
    rules = [to_ascii(line.split()[0]) for line in lines if line.strip() and not line.startswith("//")]
    suffixes = PublicSuffixes(compile_suffixes(rules))
    (tmp_path / "list").write_bytes(b"0.0.0.0 github.io\n0.0.0.0 bad.github.io\n0.0.0.0 phish.example\n")
    report = compile_lists([Source(str(tmp_path / "list"), "list")], str(tmp_path / "set"), public_suffixes=suffixes)
    assert (report.count, report.folded) == (3, 0)
    found = open_ruleset(str(tmp_path / "set"))
    matches = [found.find(name) for name in (b"github.io", b"www.bad.github.io", b"good.github.io")]
    assert [match and match.text for match in matches] == ["=github.io", "bad.github.io", None]
    found.close()
