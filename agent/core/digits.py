"""Numbers in text from outside: ASCII digits and nothing else.

What a language takes for a digit differs: "²" and "٣" are some to Python's `isdigit`, and to `int` only one of them is,
which takes signs, blanks and "_" as well and fails on very long numbers.
"""

DIGITS = "0123456789"
HEX_DIGITS = "0123456789abcdefABCDEF"
LENGTH_MAX = 16  # as long as an id, a time or a size ever is


def is_digits(text: str) -> bool:
    """Whether it is made of digits, at least one."""
    return bool(text) and all([letter in DIGITS for letter in text])


def whole(text: str, length_max: int = LENGTH_MAX) -> int | None:
    """The number that is written so, without a sign; None for anything else."""
    return int(text) if len(text) <= length_max and is_digits(text) else None
