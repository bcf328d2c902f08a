"""Names and addresses of this network: only the router's own resolver knows them, and no public list or server has
anything to say about them."""

from agent.core.listrules import bounds
from agent.core.names import suffixes

# RFC 6761, 6762 with appendix G, 8375 (home.arpa), 9476 (alt); "internal" is set aside by ICANN for this use.
DOMAINS = frozenset(b"lan local localhost localdomain home internal intranet private corp alt home.arpa".split())
NONE: "frozenset[bytes]" = frozenset()
# No name of two labels or more is of this network without an end among these, or among the router's own.
ENDS = DOMAINS.union((b"arpa",))

# Reverse zones of addresses that are no public ones (RFC 6303, 7793).
_REVERSE4 = ["0", "10", "127", "168.192", "254.169"]
_REVERSE4 += [str(second) + ".172" for second in range(16, 32)] + [str(second) + ".100" for second in range(64, 128)]
_REVERSE6 = ["c.f", "d.f", "8.e.f", "9.e.f", "a.e.f", "b.e.f", ".".join(["1"] + ["0"] * 31), ".".join(["0"] * 32)]
_REVERSE = frozenset(
    [(zone + ".in-addr.arpa").encode() for zone in _REVERSE4] + [(zone + ".ip6.arpa").encode() for zone in _REVERSE6]
)

# What no name of the internet leads to: unspecified, private, shared, loopback, link-local (RFC 1918, 6598, 4193), also
# as IPv4 in IPv6 (compatible, which "::" and "::1" look like, mapped, and NAT64's well-known prefix).
_PRIVATE4 = "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16"
_PRIVATE4 += " 255.255.255.255/32"
_PRIVATE6 = "fc00::/7 fe80::/10"
_RANGES4 = [bounds(text.encode()) for text in _PRIVATE4.split()]
_RANGES6 = [bounds(text.encode()) for text in _PRIVATE6.split()]
_INSIDE = (bytes(12), bytes(10) + b"\xff\xff", b"\0\x64\xff\x9b" + bytes(8))
# How they begin: nearly all addresses are told from them by one look.
_FIRST4 = frozenset([byte for first, last in _RANGES4 for byte in range(first[0], last[0] + 1)])
_FIRST6 = frozenset([byte for first, last in _RANGES6 for byte in range(first[0], last[0] + 1)] + [0])


def is_local(name: bytes, domains: "frozenset[bytes]" = NONE) -> bool:
    """Whether the canonical name is of this network: one label, below a domain for such names, or a private address'
    reverse name. `domains` are the router's own. The root is none, nor is an address' text."""
    last = name.rfind(b".")
    if last < 0:
        return bool(name) and 0x3A not in name
    top = name[last + 1 :]
    if top in DOMAINS or (domains and not domains.isdisjoint(suffixes(name))):
        return True
    if top != b"arpa":
        return False
    found = suffixes(name)
    return not (DOMAINS.isdisjoint(found) and _REVERSE.isdisjoint(found))


def is_private(address: bytes) -> bool:
    """Whether a packed address is none of the internet's."""
    if address[0] not in (_FIRST4 if len(address) == 4 else _FIRST6):
        return False
    for prefix in _INSIDE:
        if len(address) == 16 and address[:12] == prefix:
            address = address[12:]
    ranges = _RANGES4 if len(address) == 4 else _RANGES6
    return bool([first for first, last in ranges if first <= address <= last])


def leads_nowhere(addresses: "list[bytes]") -> bool:
    """Whether all are the unspecified address, as filters answer for names that they block."""
    for address in addresses:  # noqa: SIM110 - a generator costs as much as all else here
        if address.strip(b"\0"):
            return False
    return True
