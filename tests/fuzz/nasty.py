"""Values that nobody sends in good faith, and some that somebody does, so that the next check is reached as well."""

import random
from typing import Any

DEEP: Any = []
for _ in range(400):
    DEEP = [DEEP]

NUMBERS = (0, 1, 2, 3, -1, 60, 200, 201, 2**31, 2**52, 2**53, -(2**63), 2**63, 2**64, 10**40, 10**400)
NUMBERS += (0.0, 0.5, -0.0, 1e308, float("inf"), float("nan"))  # type: ignore[assignment]
BYTES = (b"\0", b"\xff", b"\x80", b"\xc2\xb2", b"\xed\xa0\x80", b"9" * 20, b"[" * 2000)
TEXTS = (
    "", " ", "\0", "a\0b", "a\nb", "\x7f", "\x85", "\u2028", "²", "1²", "٣", "１", "-1", "+1", "1_0", "0x1", "1e9",
    "9" * 16, "9" * 17, "1" * 5000, "\ud800", "a\udfffb", "\u202eevil", "é", "ß", "İ", "\U0001f600" * 20, "x" * 64,
    "x" * 65, "x" * 513, "x" * 70000, "%", "%00", "%zz", "../../etc/passwd", "' OR 1=1 --", "*", "**", "?", "[",
    "(" * 200,    "\\", "\\999", ".", "..", "-", "a..b", "." * 300, "com", "co.uk", "example.com", "WWW.Example.COM.",
    "xn--", "xn--a" * 30, "a." * 130, "x" * 70 + ".example", "http://", "http://[", "http://example.com/%",
    "https://example.com:99999/",    "127.0.0.2", "127.0.0.3", "::1", "::ffff:1.2.3.4", "fe80::1%eth0", "1.2.3.4/33",
    "256.1.1.1", "00:00:00:00:00:00", "3c:22:fb:00:00:0a", "3c-22-fb-00-00-0a", "ff:ff:ff:ff:ff:ff",
    "+c:22:fb:00:00:0a", "2012-05", "2012-0²", "201²-05", "2012-13", "0000-00", "9999-12", "2026-12-24T18:00:00Z",
    "history", "protection", "child", "teen", "adult", "all", "visits", "apart", "objection", "unblock", "erasure",
    "exception", "open", "answered", "household", "person", "device", "allow", "block", "first", "more", "last",
    "accept", "reject", "json", "csv", "en", "de", "true", "1", "2", "history_days", "lookalike", "warn",
    "keep_history", "upstream", "account", "sessions", "no", "null", "{}", "0" * 64,
)  # fmt: skip
PLAIN = (None, True, False, *NUMBERS, *TEXTS)
ITEMS = ({"kind": "rule", "row": [1, "example.com", "allow", "household", None, "soon", 1]}, {"hex": "zz"}, {"hex": 5})


def value(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randrange(20)
    if kind > 1 or depth > 3:
        return chance.choice(PLAIN)
    if kind == 1:
        return chance.choice(([], {}, DEEP, [None], [[]], {"": ""}, {"a": {"b": []}}, *ITEMS, [dict(ITEMS[0])]))
    return [value(chance, depth + 1) for _ in range(chance.randrange(5))]


def text(chance: random.Random) -> str:
    """Of one piece, or of several, now and then with a letter from anywhere."""
    pieces = [chance.choice(TEXTS) for _ in range(chance.choice((1, 1, 1, 2, 3)))]
    if chance.random() < 0.3:
        pieces.insert(
            0, chr(chance.choice((chance.randrange(0x100), chance.randrange(0xD800), chance.randrange(0x110000))))
        )
    return chance.choice(("", "", " ", ".", ",", "\n")).join(pieces)


def mutated(seed: bytes, chance: random.Random) -> bytes:
    out = bytearray(seed)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(len(out) + 1)
        kind = chance.randrange(6)
        if kind == 0:
            out[at : at + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            out[at : at + 1] = chance.choice(
                (b"\0", b"\xff", b"\x80", b"\xc2\xb2", b"\xed\xa0\x80", b"9" * 20, b"[" * 2000)
            )
        elif kind == 2:
            del out[at : at + chance.randrange(1, 9)]
        elif kind == 3:
            out[at:at] = out[: chance.randrange(len(out) + 1)][:4000]
        elif kind == 4:
            out[at:at] = chance.choice(TEXTS).encode("utf-8", "surrogatepass")[:200]
        else:
            del out[at:]
    return bytes(out)
