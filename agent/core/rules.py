"""The text of a list, in any of the syntaxes that lists are published in → rules.

A table names the syntaxes; `detect` tells by content which one a file is in, and refuses what is no list at all.
"""

from agent.core import syntaxes
from agent.core.adblock import adblock
from agent.core.feed_schedule import SYNTAXES as NAMES
from agent.core.listrules import NOT_A_RULE, TOO_LONG, ListRule, Network
from agent.core.model import BadInput, Sentence, Value
from agent.core.shapes import Lines, Values

SAMPLE_SIZE = 65536  # bytes that `detect` looks at: long comment headers end well within
LINE_MAX = 4096  # a longer line is no rule: the longest URLs on lists have some 2,000 bytes

_HASH = (b"#",)
# Syntax → the reader of a line, the marks that begin a comment. In this order where two read a sample equally well.
SYNTAXES = {
    "hosts": (syntaxes.hosts, _HASH),
    "dnsmasq": (syntaxes.dnsmasq, _HASH),
    "unbound": (syntaxes.unbound, _HASH),
    "bind": (syntaxes.bind, (b"#", b"//")),
    "rpz": (syntaxes.rpz, (b";",)),
    "tpl": (syntaxes.tpl, _HASH),
    "addresses": (syntaxes.addresses, (b"#", b";", b"//")),
    "domains": (syntaxes.domains, (b"#", b"!", b";", b"//")),
    "urls": (syntaxes.urls, (b"#", b"!", b";")),
    # Its own reader tells comments from cosmetic rules, which begin with the same mark.
    "adblock": (adblock, (b"!",)),
}


class LineParser:
    """Reads the lines of one list in order; an RPZ zone's `$ORIGIN` is all that it remembers."""

    def __init__(self, syntax: str) -> None:
        if syntax not in SYNTAXES:
            raise BadInput(Sentence("not a list syntax: {}; there are {}", repr(syntax), ", ".join(NAMES)))
        self.syntax = syntax
        self._read, self._comments = SYNTAXES[syntax]
        self._origin = b""

    def read(self, line: bytes) -> list[Value]:
        """The rules of one line (`ListRule`, `Network`), or a `Skipped`; [] for a blank line or a comment."""
        line = line.strip()
        if not line or line.startswith(self._comments):
            return []
        if len(line) > LINE_MAX:
            return [TOO_LONG]
        if self.syntax == "rpz":
            line = self._relative(line)
        return self._read(line)

    def _relative(self, line: bytes) -> bytes:
        """The line with its owner relative to the zone."""
        owner, _, rest = line.replace(b"\t", b" ").partition(b" ")
        if owner == b"$ORIGIN":
            self._origin = b"." + rest.strip().lower().rstrip(b".") + b"."
        if self._origin and owner.lower().endswith(self._origin):
            return owner[: -len(self._origin)] + b" " + rest
        return line


def parse_lines(lines: Lines, syntax: str) -> Values:
    """Iterate over the values of an iterable of lines (bytes) in one syntax."""
    reader = LineParser(syntax)
    for line in lines:
        yield from reader.read(line)


def detect(sample: bytes) -> str:
    """The syntax of a list by some of its text, SAMPLE_SIZE bytes say; BadInput if it is not a list."""
    refuse_page(sample)
    lines = sample.split(b"\n")
    best = ""
    best_count = 0
    for syntax in NAMES:
        count = _readable(lines, syntax)
        if count > best_count:
            best, best_count = syntax, count
    if not best:
        raise BadInput("not a list: most lines do not read as rules in any one syntax")
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


def _readable(lines: list[bytes], syntax: str) -> int:
    """How many rules there are, or 0 if more lines are not understood than are."""
    rules = skipped = bad = 0
    for value in parse_lines(lines, syntax):
        if isinstance(value, (ListRule, Network)):
            rules += 1
        elif value is NOT_A_RULE:
            bad += 1
        else:
            skipped += 1
    return rules if rules + skipped > bad else 0
