"""What stands inside an HTTP head: percent-encoding, queries, cookies, hosts. Values in, values out."""

from agent.core.digits import whole
from agent.core.http import BadRequest

PAIRS_MAX = 32
_HEX = "0123456789abcdefABCDEF"


def percent_decode(text: str, plus: bool = False) -> str:
    """Undo %XX (and "+" for a blank in queries); BadRequest when that is not UTF-8 or holds control characters."""
    out = bytearray()
    at = 0
    while at < len(text):
        letter = text[at]
        if letter == "%":
            pair = text[at + 1 : at + 3]
            if len(pair) != 2 or pair[0] not in _HEX or pair[1] not in _HEX:
                raise BadRequest(400, "the address has a broken %-sequence")
            out.append(int(pair, 16))
            at += 3
        else:
            out.extend(b" " if plus and letter == "+" else letter.encode())
            at += 1
    for byte in out:
        if byte < 32 or byte == 127:
            raise BadRequest(400, "the address has a control character")
    try:
        return bytes(out).decode()
    except UnicodeError as error:
        raise BadRequest(400, "the address is not UTF-8") from error


def parse_query(query: str) -> list[tuple[str, str]]:
    """A query string → decoded (name, value) pairs in order."""
    if not query:
        return []
    parts = query.split("&")
    if len(parts) > PAIRS_MAX:
        raise BadRequest(400, "too many parameters")
    pairs = []
    for part in parts:
        name, _, value = part.partition("=")
        if name:
            pairs.append((percent_decode(name, True), percent_decode(value, True)))
    return pairs


def parse_cookies(value: str) -> list[tuple[str, str]]:
    """A Cookie header → (name, value) pairs; what is malformed is left out (RFC 6265 section 5.4)."""
    pairs = []
    for part in value.split(";"):
        name, sign, text = part.strip().partition("=")
        if sign and name:
            pairs.append((name, text))
    return pairs


def split_host(value: str) -> tuple[str, int | None]:
    """A Host header or an origin's authority → lower-case host without brackets, port or None."""
    if value.startswith("["):
        host, bracket, rest = value[1:].partition("]")
        if not bracket or ":" not in host:
            raise BadRequest(400, "the Host header is malformed")
    else:
        host, colon, rest = value.partition(":")
        rest = colon + rest
    port = whole(rest[1:], 5)
    if rest and (rest[0] != ":" or port is None):
        raise BadRequest(400, "the Host header is malformed")
    for letter in host:
        if letter not in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:_%":
            raise BadRequest(400, "the Host header is malformed")
    if not host:
        raise BadRequest(400, "the Host header is empty")
    return host.lower(), port
