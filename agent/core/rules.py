"""The text of a list, in any of the syntaxes that lists are published in → rules.

Each line becomes rules, a `Skipped` that says why there is none, or nothing (comments, blank lines). A table names the
syntaxes; `detect` tells by content which one a file is in, and refuses what is no list at all.
"""

from agent.core import names
from agent.core.model import BadInput, Value

# What a rule's key covers. For a URL key (host/path), WHOLE also covers what follows at a separator.
WHOLE = 0  # the name and everything below it
EXACT = 1  # the name alone, an address, or one URL
BELOW = 2  # everything below the name, not the name

SAMPLE_SIZE = 65536  # bytes that `detect` looks at: long comment headers end well within
LINE_MAX = 4096  # a longer line is no rule: the longest URLs on lists have some 2,000 bytes


class ListRule(Value):
    """One rule of a list: `key` is a canonical name, the text of an address, or host/path; `kind` what it covers."""

    __slots__ = ("key", "kind")

    def __init__(self, key: bytes, kind: int = WHOLE) -> None:
        self.key = key
        self.kind = kind


class Skipped(Value):
    """A line that is not a rule here, and why; the reasons are few, so that they can be counted."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


NOT_A_NAME = Skipped("not a domain name")
LOCAL_NAME = Skipped("a name of the machine itself")
REAL_ADDRESS = Skipped("a hosts line that maps to a real address")
TOO_LONG = Skipped("longer than any rule")

_NULL_ADDRESSES = (b"0.0.0.0", b"127.0.0.1", b"::", b"::1", b"0", b"127.0.0.0", b"255.255.255.255")
_LOCAL_NAMES = (b"localhost.localdomain", b"localhost4.localdomain4", b"localhost6.localdomain6")


def read_name(text: bytes) -> bytes | None:
    """The canonical name of a public site with two labels or more, or None."""
    try:
        name = names.parse(text)
    except BadInput:
        return None
    if b"." not in name or b"\\" in name or names.is_address(name):
        return None
    return name


def _hosts(line: bytes) -> list[Value]:
    """`0.0.0.0 name name`: the address says "nowhere"; anything else is a mapping, not a refusal."""
    words = line.split(b"#", 1)[0].split()
    if len(words) < 2 or words[0] not in _NULL_ADDRESSES:
        return [REAL_ADDRESS if len(words) > 1 and names.is_address(words[0]) else NOT_A_NAME]
    return [_hosts_name(word) for word in words[1:]]


def _hosts_name(word: bytes) -> Value:
    if b"." not in word or word in _LOCAL_NAMES or word in _NULL_ADDRESSES:
        return LOCAL_NAME
    name = read_name(word)
    return NOT_A_NAME if name is None else ListRule(name)


def _domains(line: bytes) -> list[Value]:
    name = read_name(line.split(b"#", 1)[0].strip())
    return [NOT_A_NAME if name is None else ListRule(name)]


# Syntax → its reader of one line, the marks that begin a comment.
SYNTAXES = {
    "hosts": (_hosts, (b"#",)),
    "domains": (_domains, (b"#", b"!", b";", b"//")),
}
# In this order where two read a sample equally well.
_ORDER = ("hosts", "domains")


def parse_line(line: bytes, syntax: str) -> list[Value]:
    """The rules of one line (`ListRule`), or one `Skipped`; [] for a blank line or a comment."""
    reader, comments = SYNTAXES[syntax]
    line = line.strip()
    if not line or line.startswith(comments):
        return []
    return [TOO_LONG] if len(line) > LINE_MAX else reader(line)


def parse_lines(lines, syntax: str):  # type: ignore[no-untyped-def]
    """Iterate over the rules and skipped lines of an iterable of lines (bytes) in one syntax."""
    for line in lines:
        yield from parse_line(line, syntax)


def detect(sample: bytes) -> str:
    """The syntax of a list by its first SAMPLE_SIZE bytes; BadInput if it is not a list."""
    refuse_page(sample)
    lines = _whole_lines(sample)
    best = ""
    best_count = 0
    for syntax in _ORDER:
        count = _readable(lines, syntax)
        if count > best_count:
            best, best_count = syntax, count
    if not best:
        raise BadInput("not a list: no line reads as a rule in any known syntax")
    return best


def refuse_page(sample: bytes) -> None:
    """Raise BadInput if the sample is a web page, an error message in JSON, a binary file or empty."""
    head = sample.lstrip(b"\xef\xbb\xbf \t\r\n")[:512].lower()
    if not head:
        raise BadInput("not a list: the file is empty")
    if head[:1] == b"<" or b"<html" in head or b"<!doctype" in head:
        raise BadInput("not a list: a web page, perhaps a login page or an error message")
    if head[:1] == b"{":
        raise BadInput("not a list: JSON")
    if b"\0" in sample or any([byte < 9 for byte in head]):
        raise BadInput("not a list: a binary file")


def _whole_lines(sample: bytes) -> list[bytes]:
    lines = sample[:SAMPLE_SIZE].split(b"\n")
    if len(sample) >= SAMPLE_SIZE and len(lines) > 1:
        lines.pop()
    return lines


def _readable(lines: list[bytes], syntax: str) -> int:
    """How many rules the lines give, or 0 if more lines are unreadable than not."""
    good = bad = 0
    for value in parse_lines(lines, syntax):
        if isinstance(value, ListRule):
            good += 1
        elif value is NOT_A_NAME:
            bad += 1
    return good if good > bad else 0
