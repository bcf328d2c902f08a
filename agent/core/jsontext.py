"""JSON (RFC 8259) by the functions in C behind `json`, whose Python half brings `re` and `enum`: 0.6 MB that stay, and
a sixth of a start. MicroPython has no such halves.
"""

from agent.core.shapes import InC, Parsed

in_c: InC = None
try:
    import _json as in_c
except ImportError:
    pass

SPACE = " \t\n\r"


class _Plain:
    """How `json` reads when nothing else is asked of it."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float  # NaN, Infinity, -Infinity


_scan = in_c.make_scanner(_Plain) if in_c else None


def loads(text: "str | bytes") -> Parsed:
    """The value of a text, or of its bytes in UTF-8. ValueError; RuntimeError where it is nested too deeply."""
    if _scan is not None:
        given = (text if isinstance(text, str) else text.decode()).strip(SPACE)
        try:
            value, end = _scan(given, 0)
            if end == len(given):
                return value
        except (StopIteration, SystemError):  # the latter where 3.11 finds nobody to word its error
            pass
    import json  # it says what is wrong, and where

    return json.loads(text)


def dumps(value: object, separators: "tuple[str, str]" = (", ", ": ")) -> str:
    """The text of a value. TypeError where JSON has no form for it; ValueError where it stands in itself."""
    if in_c is None:
        import json

        return json.dumps(value, separators=separators)
    between, after_key = separators
    text = in_c.encode_basestring_ascii
    encode = in_c.make_encoder({}, _refuse, text, None, after_key, between, False, False, True)
    return "".join(encode(value, 0))


def _refuse(value: object) -> object:
    raise TypeError("JSON has no form for a " + type(value).__name__)
