"""One function per list syntax: a stripped line that is neither blank nor a comment → the values it gives.

A value is a `ListRule` or `Network`, or a `Skipped` that says why not. Where the programs that own a syntax disagree
with each other, a list's author means "this site": the name and everything below it.
"""

from agent.core.listrules import (
    LOCAL_NAME,
    NOT_A_REFUSAL,
    NOT_A_RULE,
    PATTERN,
    REAL_ADDRESS,
    TOO_BROAD,
    TRIGGER,
    ListRule,
    Skipped,
    read_address,
    read_name,
)
from agent.core.match import BELOW, EXACT, WHOLE, join_authority, split_authority
from agent.core.model import BadInput, Value
from agent.core.names import is_address, parse
from agent.core.sniffed_request import normal

NOWHERE = (b"0.0.0.0", b"127.0.0.1", b"::", b"::1", b"0", b"127.0.0.0", b"127.0.1.1", b"255.255.255.255")
_LOCAL_NAMES = (b"localhost.localdomain", b"localhost4.localdomain4", b"localhost6.localdomain6")


def hosts(line: bytes) -> list[Value]:
    """`0.0.0.0 name name` (hosts(5)): the address says "nowhere"; another one is a mapping, not a refusal."""
    words = line.split(b"#", 1)[0].split()
    if len(words) < 2 or not is_address(words[0]):
        return [NOT_A_RULE]
    if words[0] not in NOWHERE:
        return [REAL_ADDRESS]
    return [_hosts_name(word) for word in words[1:]]


def _hosts_name(word: bytes) -> Value:
    if b"." not in word or word in _LOCAL_NAMES or word in NOWHERE:
        return LOCAL_NAME
    name = read_name(word)
    return NOT_A_RULE if name is None else ListRule(name)


def domains(line: bytes) -> list[Value]:
    """`name`, `*.name` or `.name` (with the name itself), `=name` (alone), or an address; a comment may follow.

    https://github.com/DNSCrypt/dnscrypt-proxy/wiki/Filters has the marks.
    """
    word = line.split(b"#", 1)[0].strip()
    kind = WHOLE
    if word.startswith(b"="):
        word, kind = word[1:], EXACT
    elif word.startswith(b"*."):
        word = word[2:]
    elif word.startswith(b"."):
        word = word[1:]
    name = read_name(word)
    if name is not None:
        return [ListRule(name, kind)]
    if b"*" in word and b" " not in word:
        return [PATTERN]
    return [read_address(word) or NOT_A_RULE]


def addresses(line: bytes) -> list[Value]:
    """An address, `address/bits` or `first - last`; what follows a blank, a comma, `;` or `#` is not read."""
    for mark in (b"#", b";", b","):
        line = line.split(mark, 1)[0]
    words = line.strip().replace(b" - ", b"-").split()
    return [(read_address(words[0]) if words else None) or NOT_A_RULE]


def urls(line: bytes) -> list[Value]:
    """`scheme://host/path?query`, or without the scheme. A URL without a path stands for its host alone.

    What browsers take is taken: a blank in a path, "\\" for "/".
    """
    url = line.split(b" #", 1)[0].split(b"\t#", 1)[0].strip()
    if b"://" not in url and len(url.split()) > 1:
        return [NOT_A_RULE]
    if b"://" in url:
        scheme, url = url.split(b"://", 1)
        if scheme.lower() not in (b"http", b"https"):
            return [NOT_A_RULE]
    key = url_key(url)
    return [NOT_A_RULE if key is None else ListRule(key, EXACT)]


def url_key(url: bytes) -> bytes | None:
    """The key of a URL without its scheme: host (lower case, usual port dropped), path and query as `normal` has them;
    None if it is no URL."""
    url = url.split(b"#", 1)[0]
    before, mark, query = url.partition(b"?")
    url = before.replace(b"\\", b"/") + mark + query
    cut = _first(url, b"/?")
    authority, path = url[:cut], url[cut:]
    host, port = split_authority(authority[authority.rfind(b"@") + 1 :])
    name = _site(host)
    if name is None or port.strip(b"0123456789") or len(port) > 5:
        return None
    port = port.lstrip(b"0")
    port = b"" if port in (b"80", b"443") else port
    path = normal(path if path.startswith(b"/") else b"/" + path)
    if path == b"/" and not port:
        return name
    return join_authority(name, port) + path


def _first(text: bytes, marks: bytes) -> int:
    places = [text.find(bytes([mark])) for mark in marks]
    return min([place for place in places if place >= 0] or [len(text)])


def _site(host: bytes) -> bytes | None:
    name = read_name(host)
    if name is not None:
        return name
    rule = read_address(host)
    return rule.key if isinstance(rule, ListRule) else None


def dnsmasq(line: bytes) -> list[Value]:
    """`address=/name/…/0.0.0.0`, `local=/name/`, `server=/name/` (dnsmasq(8)): the names and all below."""
    option, _, value = line.partition(b"=")
    parts = value.strip().split(b"/")
    if option.strip().strip(b"-") not in (b"address", b"local", b"server") or len(parts) < 3 or parts[0]:
        return [NOT_A_RULE]
    target = parts[-1].split(b"#", 1)[0].strip() if parts[-1][:1] != b"#" else b"#"
    if option.strip().endswith(b"address"):
        if target not in NOWHERE and target not in (b"", b"#"):
            return [REAL_ADDRESS]
    elif target:
        return [NOT_A_REFUSAL]
    return [_dnsmasq_name(part) for part in parts[1:-1]]


def _dnsmasq_name(part: bytes) -> Value:
    if part in (b"#", b"*", b""):
        return TOO_BROAD
    kind = WHOLE
    if part.startswith(b"*."):
        part, kind = part[2:], BELOW
    elif part.startswith(b"*"):
        return PATTERN
    name = read_name(part[1:] if part.startswith(b".") else part)
    return NOT_A_RULE if name is None else ListRule(name, kind)


_UNBOUND_REFUSALS = (
    b"always_nxdomain",
    b"always_null",
    b"always_nodata",
    b"always_refuse",
    b"always_deny",
    b"refuse",
    b"deny",
    b"static",
    b"redirect",
    b"inform_deny",
    b"inform_redirect",
)


def unbound(line: bytes) -> list[Value]:
    """`local-zone: "name" type` for the types that refuse, `local-data: "name A 0.0.0.0"` (unbound.conf(5); either
    quotation mark)."""
    if line == b"server:":
        return []
    words = line.split(b"#", 1)[0].replace(b'"', b" ").replace(b"'", b" ").split()
    if len(words) < 3 or words[0] not in (b"local-zone:", b"local-data:"):
        return [NOT_A_RULE]
    name = read_name(words[1])
    if name is None:
        return [NOT_A_RULE]
    if words[0] == b"local-zone:":
        return [ListRule(name) if words[2] in _UNBOUND_REFUSALS else NOT_A_REFUSAL]
    return [ListRule(name, EXACT) if words[-1] in NOWHERE else REAL_ADDRESS]


def bind(line: bytes) -> list[Value]:
    """`zone "name" { type master; … };`: a zone of our own without data answers for the name and all below."""
    for mark in (b'"', b"'", b";", b"{", b"}"):
        line = line.replace(mark, b" ")
    words = line.split()
    if len(words) < 4 or words[0] != b"zone" or b"type" not in words[:-1]:
        return [NOT_A_RULE]
    name = read_name(words[1])
    if name is None:
        return [NOT_A_RULE]
    return [ListRule(name) if words[words.index(b"type") + 1] in (b"master", b"primary") else NOT_A_REFUSAL]


def tpl(line: bytes) -> list[Value]:
    """`-d name` refuses, `+d name` allows (tracking protection lists of Internet Explorer 9)."""
    words = line.split()
    if line == b"msFilterList" or line.startswith(b":"):
        return []
    if len(words) != 2 or words[0] not in (b"-d", b"+d"):
        return [PATTERN if words[0][:1] in (b"-", b"+") else NOT_A_RULE]
    name = read_name(words[1])
    if name is not None:
        return [ListRule(name, allow=words[0] == b"+d")]
    return [read_address(words[1]) or NOT_A_RULE]


_RPZ_SKIP_TYPES = (b"SOA", b"NS")
_RPZ_ACTIONS = {b".": "block", b"*.": "block", b"rpz-drop.": "block", b"rpz-passthru.": "allow"}


def rpz(line: bytes) -> list[Value]:
    """`name CNAME .` and its kin (draft-vixie-dnsop-dns-rpz-00, sections 3 and 4), owners relative to the zone.

    The owner `*.name` is for the names below only, `name` for the name alone. Local data of any kind is a refusal: the
    zone sends its visitors elsewhere.
    """
    words = line.split(b";", 1)[0].split()
    # A parenthesised SOA record goes on over lines of numbers.
    if not words or words[0].startswith(b"$") or not line.split(b";", 1)[0].strip(b"0123456789() \t"):
        return []
    rest = [word.upper() for word in words[1:] if not _ttl_or_class(word)]
    if rest[:1] and rest[0] in _RPZ_SKIP_TYPES or words[0].upper() in _RPZ_SKIP_TYPES:
        return []
    if len(rest) < 2:
        return [NOT_A_RULE]
    if b".rpz-" in words[0].lower():
        return [TRIGGER]
    return [_rpz_rule(words[0], rest[0], rest[1])]


def _ttl_or_class(word: bytes) -> bool:
    return word.isdigit() or word.upper() == b"IN"


def _rpz_rule(owner: bytes, type: bytes, target: bytes) -> Value:
    action = "block"
    if type == b"CNAME":
        action = _RPZ_ACTIONS.get(target.lower(), "block")
        if target.lower() == owner.lower().rstrip(b".") + b".":
            action = "allow"  # how passing was written before rpz-passthru
        if target.lower() == b"rpz-tcp-only.":
            return NOT_A_REFUSAL
    elif type not in (b"A", b"AAAA", b"TXT"):
        return NOT_A_RULE
    kind = EXACT
    if owner.startswith(b"*."):
        owner, kind = owner[2:], BELOW
    name = read_site(owner)
    return name if isinstance(name, Skipped) else ListRule(name, kind, allow=action == "allow")


def read_site(text: bytes) -> bytes | Skipped:
    """A canonical name of one label or more, or why there is none: some syntaxes may refuse a whole top level."""
    try:
        name = parse(text)
    except BadInput:
        return NOT_A_RULE
    return NOT_A_RULE if not name or b"\\" in name or is_address(name) else name
