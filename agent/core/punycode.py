"""Punycode to text (RFC 3492, section 6.2): to show and to compare names, never to resolve them."""

BASE, T_MIN, T_MAX = 36, 1, 26
SKEW, DAMP, BIAS, FIRST = 38, 700, 72, 128
POINT_MAX = 0x10FFFF


def decode(text: str) -> str:
    """The text of an A-label without its `xn--`; what is no Punycode comes back as it is."""
    basic, _, extended = text.rpartition("-")
    points = [ord(letter) for letter in basic]
    point, at, bias, place = FIRST, 0, BIAS, 0
    while place < len(extended):
        before, weight, step = at, 1, BASE
        while True:
            digit = _digit(extended[place]) if place < len(extended) else -1
            if digit < 0:
                return text
            place += 1
            at += digit * weight
            limit = T_MIN if step <= bias else min(step - bias, T_MAX)
            if digit < limit:
                break
            weight *= BASE - limit
            step += BASE
        bias = _adapted(at - before, len(points) + 1, before == 0)
        point += at // (len(points) + 1)
        at %= len(points) + 1
        if point > POINT_MAX or 0xD800 <= point < 0xE000:
            return text
        points = points[:at] + [point] + points[at:]
        at += 1
    return "".join([chr(of) for of in points])


def _digit(letter: str) -> int:
    if "a" <= letter <= "z":
        return ord(letter) - 97
    return ord(letter) - 22 if "0" <= letter <= "9" else -1


def _adapted(delta: int, count: int, first: bool) -> int:
    delta = delta // DAMP if first else delta // 2
    delta += delta // count
    step = 0
    while delta > (BASE - T_MIN) * T_MAX // 2:
        delta //= BASE - T_MIN
        step += BASE
    return step + (BASE - T_MIN + 1) * delta // (delta + SKEW)
