"""The lines that most lists consist of, read by the hundred thousand without a step of Python for each.

What a pattern does not take, whole lines only, is left to `core.rules`; both give the same rules, and a property test
holds them together. CPython only.
"""

import re

from agent.core.match import EXACT, WHOLE

# A name of at most 63 bytes in lower case whose last label begins with a letter; longer ones are rare.
_NAME = rb"(?=[a-z0-9._-]{4,63}(?![a-z0-9._-]))([a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.[a-z][a-z0-9-]*)"
_NOWHERE = rb"(?:0\.0\.0\.0|127\.0\.0\.1|::|#)?"

# Syntax → what stands before and after the name, and what the rule covers.
_LINES = {
    "hosts": (rb"(?:0\.0\.0\.0|127\.0\.0\.1)[ \t]+(?!localhost)", rb"", WHOLE),
    "domains": (rb"(?:\*\.)?", rb"", WHOLE),
    "adblock": (rb"\|\|", rb"\^", WHOLE),
    "dnsmasq": (
        rb"(?=address=/[^/]*/" + _NOWHERE + rb"[ \t\r]*$|(?:local|server)=/[^/]*/[ \t\r]*$)(?:address|local|server)=/",
        rb"/" + _NOWHERE,
        WHOLE,
    ),
    "unbound": (rb'local-zone: "', rb'\.?" (?:always_nxdomain|always_null|always_refuse)', WHOLE),
    "rpz": (rb"(?![^ \t]*\.rpz-)", rb"[ \t]+(?:IN[ \t]+)?CNAME[ \t]+\.", EXACT),
}
_PATTERNS = {
    syntax: (re.compile(rb"^" + before + _NAME + after + rb"[ \t\r]*$", re.MULTILINE), kind)
    for syntax, (before, after, kind) in _LINES.items()
}


def plain_names(chunk: bytes, syntax: str) -> tuple[list[bytes], int, list[bytes]]:
    """The names of a chunk's plain lines, what their rules cover, and the lines that need a closer look."""
    if syntax not in _PATTERNS:
        return [], WHOLE, chunk.split(b"\n")
    pattern, kind = _PATTERNS[syntax]
    parts = pattern.split(chunk)
    rest = b"".join(parts[0::2])
    return parts[1::2], kind, [line for line in rest.split(b"\n") if line]
