"""Reads Adblock rules as AdGuard's DNS engine documents them, and the URL rules among browsers' ones.

https://adguard-dns.io/kb/general/dns-filtering-syntax/: `||name^`, `|name^`, `@@`, `$important`, `$badfilter`,
`$denyallow`, `$dnstype`; a rule with a modifier that is not known is left out whole. Differences, all for lists that
mean "this site": a plain name (also `name^`) and a hosts line cover the names below too, `||name` needs no `^` to end
there, and a rule ends at a blank, behind which people write why they have it.
"""

from agent.core.condition import Condition
from agent.core.listrules import (
    CLIENT,
    COSMETIC,
    CTAG,
    EXCEPTION,
    MODIFIER,
    NOT_A_RULE,
    PATTERN,
    REGEX,
    REWRITE,
    TOO_BROAD,
    ListRule,
    Skipped,
    read_address,
)
from agent.core.match import BELOW, EXACT, WHOLE
from agent.core.model import BadInput, Value
from agent.core.names import HOST, is_address, parse
from agent.core.syntaxes import domains, hosts, read_site, url_key

_COSMETIC_MARKS = (b"##", b"#@#", b"#?#", b"#@?#", b"#$#", b"#@$#", b"#$?#", b"#%#", b"#@%#", b"$$", b"$@$")
_REMARKS = (b"#", b"!", b"//", b";")
_IPV6 = b"0123456789abcdefABCDEF:."
_SEPARATORS = b"/?&="
STARS_MAX = 4  # each star is a search of its own at each look-up
_SCHEMES = (b"|https://", b"|http://", b"https://", b"http://", b"|://", b"://")

# Record types that $dnstype may name (IANA's registry of DNS parameters).
TYPES = {
    b"A": 1,
    b"NS": 2,
    b"CNAME": 5,
    b"SOA": 6,
    b"PTR": 12,
    b"HINFO": 13,
    b"MX": 15,
    b"TXT": 16,
    b"AAAA": 28,
    b"SRV": 33,
    b"NAPTR": 35,
    b"DS": 43,
    b"SSHFP": 44,
    b"RRSIG": 46,
    b"NSEC": 47,
    b"DNSKEY": 48,
    b"TLSA": 52,
    b"SVCB": 64,
    b"HTTPS": 65,
    b"ANY": 255,
    b"CAA": 257,
}

_NOT_FOR_US = {b"client": CLIENT, b"ctag": CTAG, b"dnsrewrite": REWRITE}


class _Modifiers:
    """What the part after the `$` says."""

    def __init__(self) -> None:
        self.important = False
        self.badfilter = False
        self.denyallow: tuple[bytes, ...] = ()
        self.types: tuple[int, ...] = ()
        self.except_types: tuple[int, ...] = ()


def adblock(line: bytes) -> list[Value]:
    """The value of one line that is neither blank nor a comment."""
    if is_comment(line) or (line.startswith(b"[") and line[1 : line.find(b"]")].strip(_IPV6)):
        return []
    line = _without_remark(line)
    if any([mark in line for mark in _COSMETIC_MARKS]):
        return [COSMETIC]
    words = line.split(None, 1)
    if len(words) > 1 and is_address(words[0]):
        return hosts(line)
    allow = line.startswith(b"@@")
    value = _request(line[2:] if allow else line)
    if isinstance(value, tuple):
        rule, modifiers = value
        _complete(rule, allow, modifiers, line)
        return [rule]
    # What it would allow may stay blocked: the household is to see how many there are.
    return [EXCEPTION if allow and value in _LOST else value]


_LOST = (PATTERN, MODIFIER, NOT_A_RULE)


def _request(pattern: bytes) -> "tuple[ListRule, _Modifiers] | Value":
    """The rule of a line without its `@@`, with its modifiers; or why there is none."""
    if pattern.startswith(b"/") and (pattern.endswith(b"/") or b"/$" in pattern):
        return REGEX
    end = pattern.rfind(b"$")
    modifiers = _modifiers(pattern[end + 1 :] if end >= 0 else b"")
    if isinstance(modifiers, Skipped):
        return modifiers
    rule = _rule(pattern[:end] if end >= 0 else pattern)
    return (rule, modifiers) if isinstance(rule, ListRule) else rule


def _without_remark(line: bytes) -> bytes:
    """The line up to a blank with a remark behind it: anything behind an anchored rule, else what a mark begins."""
    words = line.split(None, 1)
    if len(words) < 2 or any([mark in words[0] for mark in _COSMETIC_MARKS]):
        return line
    anchored = words[0].startswith((b"@@", b"|")) and not words[1].startswith(b"$")
    remark = words[1].startswith(_REMARKS) and not words[1].startswith(_COSMETIC_MARKS)
    return words[0] if anchored or remark else line


def is_comment(line: bytes) -> bool:
    """`!`, or `#` unless it begins a cosmetic rule."""
    return line.startswith(b"!") or (line.startswith(b"#") and not line.startswith(_COSMETIC_MARKS))


def _complete(rule: ListRule, allow: bool, modifiers: _Modifiers, line: bytes) -> None:
    rule.allow = allow
    rule.important = modifiers.important
    rule.badfilter = modifiers.badfilter
    pattern = rule.condition.pattern if rule.condition else None
    condition = Condition(_shown(line), pattern, modifiers.denyallow, modifiers.types, modifiers.except_types)
    rule.condition = None if condition.empty else condition


def _shown(line: bytes) -> str:
    """The line as a verdict may show it: ASCII, not longer than a name."""
    return "".join([chr(byte) if 32 <= byte < 127 else "?" for byte in line[:253]])


def _modifiers(text: bytes) -> "_Modifiers | Skipped":
    """The modifiers, or why the rule can't be used."""
    found = _Modifiers()
    for part in text.split(b",") if text else []:
        name, _, value = part.strip().partition(b"=")
        name = name.lower()
        if name in _NOT_FOR_US:
            return _NOT_FOR_US[name]
        reader = _READERS.get(name)
        if reader is None or not reader(found, value.strip()):
            return MODIFIER
    return found


def _read_important(found: _Modifiers, value: bytes) -> bool:
    found.important = True
    return not value


def _read_badfilter(found: _Modifiers, value: bytes) -> bool:
    found.badfilter = True
    return not value


def _read_whole_site(_found: _Modifiers, value: bytes) -> bool:
    return not value


def _read_denyallow(found: _Modifiers, value: bytes) -> bool:
    sites = [read_site(part) for part in value.split(b"|")]
    names = [site for site in sites if not isinstance(site, Skipped)]
    found.denyallow = tuple(sorted(names))
    return len(names) == len(sites)


def _read_dnstype(found: _Modifiers, value: bytes) -> bool:
    types: list[int] = []
    except_types: list[int] = []
    for part in value.upper().split(b"|"):
        number = TYPES.get(part[1:] if part.startswith(b"~") else part)
        if number is None:
            return False
        (except_types if part.startswith(b"~") else types).append(number)
    # Inclusions and exclusions together: only the inclusions count.
    found.types = tuple(sorted(types))
    found.except_types = () if types else tuple(sorted(except_types))
    return True


# `all`, `document` and `doc` say for which requests of a page a rule is: on a list of dangerous sites, the site.
_READERS = {
    b"important": _read_important,
    b"badfilter": _read_badfilter,
    b"denyallow": _read_denyallow,
    b"dnstype": _read_dnstype,
    b"all": _read_whole_site,
    b"document": _read_whole_site,
    b"doc": _read_whole_site,
}


def _rule(pattern: bytes) -> Value:
    """The rule of a pattern: what its anchors cover, and of what."""
    kind = WHOLE
    if pattern.startswith(b"||"):
        pattern = pattern[2:]
    elif pattern.startswith(_SCHEMES):
        pattern, kind = pattern[pattern.find(b"://") + 3 :], EXACT
    elif pattern.startswith(b"|"):
        pattern, kind = pattern[1:], EXACT
    else:
        return _unanchored(pattern)
    return _anchored(pattern, kind)


def _anchored(pattern: bytes, kind: int) -> Value:
    if pattern.startswith(b"*."):
        pattern, kind = pattern[2:], BELOW
    if b"/" in pattern:
        return _page(pattern, kind)
    bare = pattern.rstrip(b"^|")
    if pattern.endswith(b"^*"):
        bare = pattern[:-1].rstrip(b"^")
    if not bare.strip(b"*."):
        return TOO_BROAD
    if b"*" in bare:
        return _wild(bare, kind, pattern)
    if is_address(bare) or bare.startswith(b"["):
        return read_address(bare) or NOT_A_RULE
    # `|name` without an end is also the beginning of longer names: left out, or it would refuse too much.
    if kind == EXACT and bare == pattern:
        return PATTERN
    site = read_site(bare)
    return site if isinstance(site, Skipped) else ListRule(site, kind)


def _page(pattern: bytes, kind: int) -> Value:
    """A rule with a path, in lower case: Adblock patterns do not heed case. It covers what follows at a separator.

    `/` alone, `/*` and `/^` are all paths there are: the host. Behind a `|` the address must end, and a path of
    separators only (`//`, `/?`) is no more than that: such rules are kept under the host's first page.
    """
    ended = pattern.endswith(b"|")
    bare = pattern.rstrip(b"^|")
    if pattern.endswith((b"/*", b"^*")):
        bare = pattern.rstrip(b"*").rstrip(b"^")
    host, _, path = bare.partition(b"/")
    last = path.rstrip(_SEPARATORS).lower().replace(b"%2e", b".").rpartition(b"/")[2]
    # At its end "." is the beginning of a name; in a URL it would be the folder above, and the rule cover more.
    if b"*" in bare or b"^" in bare or last in (b".", b".."):
        return PATTERN
    key = url_key(bare)
    if key is None:
        return NOT_A_RULE
    if not path and not ended:
        return ListRule(key.lower(), EXACT if is_address(key) else kind)
    url = key.lower() if b"/" in key else key + b"/"
    page = url.rstrip(_SEPARATORS)
    page = page if b"/" in page else page + b"/"
    if kind == WHOLE and not ended and path.strip(_SEPARATORS):
        return ListRule(page, WHOLE)
    # What must hold besides: where the address begins and where it ends.
    begin, end = {WHOLE: b"||", BELOW: b"||*.", EXACT: b""}[kind], b"" if ended else b"*"
    url = url if ended or not path.strip(_SEPARATORS) else page
    return ListRule(page, WHOLE, condition=Condition("", begin + url + end))


def _unanchored(pattern: bytes) -> Value:
    """`name` alone, `name^` and `name|` are a name, `.name^` and `*.name^` are for those below; other text would match
    anywhere in a name."""
    if not pattern.strip(b"*^|"):
        return TOO_BROAD
    if pattern.startswith(b"*."):
        pattern = pattern[1:]
    if pattern.startswith(b"."):
        return _anchored(b"*" + pattern, WHOLE)
    if pattern.startswith(b"["):
        return _anchored(pattern, EXACT)
    bare = (pattern[:-1] if pattern.endswith(b"^*") else pattern).rstrip(b"^|")
    if bare != pattern and not bare.strip(HOST + HOST.upper()):
        rule = domains(bare)[0]
        return PATTERN if isinstance(rule, Skipped) else rule
    if not pattern.strip(HOST + HOST.upper()) or b":" in pattern or b"#" in pattern:
        return domains(pattern)[0]
    return PATTERN if b" " not in pattern else NOT_A_RULE


def _wild(bare: bytes, kind: int, pattern: bytes) -> Value:
    """A `*` inside a name: kept under the name that follows the last one, so that a look-up comes across it."""
    dot = bare.find(b".", bare.rfind(b"*"))
    if dot < 0 or bare == pattern or bare.count(b"*") > STARS_MAX:
        return PATTERN
    try:
        key = parse(bare[dot + 1 :])
        parse(bare.replace(b"*", b"a"))
    except BadInput:
        return PATTERN
    mark = b"" if kind == EXACT else b"||"
    return ListRule(key, WHOLE, condition=Condition("", mark + bare.lower()))
