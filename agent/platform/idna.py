"""Names as people write them, letters of any script, to A-labels. CPython only; core refuses what is not ASCII.

Mapping as in UTS #46 (case folding, NFKC, ideographic full stops), characters as in IDNA 2008: letters, marks and
decimal digits. The four characters that IDNA 2003 folded away (sharp s, final sigma, the joiners) stay, as in browsers.
"""

from collections.abc import Callable

from agent.core.model import BadInput

_DEVIATIONS = "\u00df\u03c2\u200c\u200d"
_DOTS = "\u3002\uff0e\uff61"
# Shown as nothing: soft hyphen, joiners of other kinds, variation selectors.
_IGNORED = frozenset("\u00ad\u034f\u180b\u180c\u180d\u180f\u200b\u2060\u2064\ufeff") | frozenset(
    map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)])
)
_BLANK = "\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # letters and marks by their category, and shown as nothing
_HOST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
# RFC 5892 appendix A: allowed in some contexts; the context is left to the registries.
_CONTEXT = "\u00b7\u0375\u05f3\u05f4\u30fb\u200c\u200d"
_LETTERS = ("Ll", "Lo", "Lm", "Mn", "Mc", "Nd", "Lu")  # Lu: only Cherokee is still upper case once folded


def to_ascii(text: str) -> str:
    """The name with each label that is not ASCII as an A-label (RFC 5891); raise BadInput where there is none.

    ASCII labels pass as they are, in their case: `names.parse` judges them.
    """
    if text.isascii():
        return text
    for dot in _DOTS:
        text = text.replace(dot, ".")
    return ".".join([_label(label) for label in text.split(".")])


def _label(label: str) -> str:
    if label.isascii():
        return label
    try:
        # A megabyte of tables, and a package of its own on OpenWrt: loaded for those who type such names only.
        import unicodedata
        from encodings.punycode import punycode_encode
    except ImportError as error:
        raise BadInput("this system can't convert names that are not ASCII; give the xn-- form") from error
    mapped = _mapped(label, lambda text: unicodedata.normalize("NFKC", text))
    if not mapped:
        raise BadInput("a label of a name is shown as nothing: " + ascii(label))
    # What a character is mapped to may hold a dot, a slash, a blank: the name would become another one.
    allowed = [c in _HOST if c.isascii() else c in _CONTEXT or unicodedata.category(c) in _LETTERS for c in mapped]
    bad = [c for c, good in zip(mapped, allowed, strict=True) if not good or c in _BLANK]
    if bad or mapped.startswith("xn--") or unicodedata.category(mapped[0]).startswith("M"):
        raise BadInput("a name holds a character that no domain name has: " + ascii("".join(bad) or label))
    if mapped.isascii():
        return mapped
    return "xn--" + punycode_encode(mapped).decode("ascii")


def _mapped(label: str, nfkc: Callable[[str], str]) -> str:
    folded = "".join([c if c in _DEVIATIONS else c.casefold() for c in label if c not in _IGNORED])
    normal = nfkc(folded)
    return nfkc("".join([c if c in _DEVIATIONS else c.casefold() for c in normal]))
