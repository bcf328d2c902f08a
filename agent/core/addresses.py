"""IP addresses and `address:port` as text and as bytes; nothing is looked up."""

from agent.core.model import BadInput, Sentence

_DIGITS = "0123456789"
_MAPPED = bytes(10) + b"\xff\xff"  # before an IPv4 address in IPv6 form
_HEX = "0123456789abcdefABCDEF"


def parse(text: str) -> bytes:
    """4 bytes of an IPv4 address in dotted decimals, 16 of an IPv6 one (RFC 4291, section 2.2); BadInput."""
    packed = _parse6(text) if ":" in text else _parse4(text)
    if packed is None:
        raise BadInput(Sentence("not an IP address: {}", repr(text)))
    return packed


def unmapped(packed: bytes) -> bytes:
    """The IPv4 address where it is one in IPv6 form: no packet has that."""
    return packed[12:] if len(packed) == 16 and packed[:12] == _MAPPED else packed


def show(packed: bytes) -> str:
    """The canonical text of 4 or 16 bytes (RFC 5952, without the dotted form)."""
    if len(packed) == 4:
        return ".".join([str(octet) for octet in packed])
    groups = [packed[at] << 8 | packed[at + 1] for at in range(0, 16, 2)]
    start, length = _longest_zeros(groups)
    if length < 2:
        return ":".join(["%x" % group for group in groups])
    head = ":".join(["%x" % group for group in groups[:start]])
    tail = ":".join(["%x" % group for group in groups[start + length :]])
    return head + "::" + tail


def parse_endpoint(text: str, default_port: int | None = None) -> tuple[str, int]:
    """`127.0.0.1:53`, `[::1]:53` → canonical address and port; without a port the default; BadInput."""
    address, port = _split_port(text)
    canonical = show(parse(address))
    if port is None:
        if default_port is None:
            raise BadInput(Sentence('no port in {}: write "address:port" or "[v6 address]:port"', repr(text)))
        return canonical, default_port
    number = _decimal(port, 65535)
    if number is None or number == 0:
        raise BadInput(Sentence("not a port (1–65535): {} in {}", repr(port), repr(text)))
    return canonical, number


def show_endpoint(address: str, port: int) -> str:
    """The text that `parse_endpoint` reads back."""
    return ("[" + address + "]:" if ":" in address else address + ":") + str(port)


def _split_port(text: str) -> tuple[str, str | None]:
    if text.startswith("["):
        end = text.find("]")
        rest = text[end + 1 :]
        if end < 0 or (rest and not rest.startswith(":")):
            raise BadInput(Sentence("not [address]:port: {}", repr(text)))
        return text[1:end], rest[1:] if rest else None
    if text.count(":") == 1:
        address, port = text.split(":")
        return address, port
    return text, None


def _decimal(text: str, highest: int) -> int | None:
    if not text or len(text) > 5 or any(digit not in _DIGITS for digit in text):
        return None
    number = int(text)
    return number if number <= highest else None


def _parse4(text: str) -> bytes | None:
    octets = []
    for part in text.split("."):
        octet = _decimal(part, 255)
        # A leading zero is octal to some readers and decimal to others: refused.
        if octet is None or (len(part) > 1 and part[0] == "0"):
            return None
        octets.append(octet)
    return bytes(octets) if len(octets) == 4 else None


def _parse6(text: str) -> bytes | None:
    halves = text.split("::")
    if len(halves) > 2:
        return None
    # Only the end of an address may be dotted decimals.
    sides = [_groups(halves[at], at == len(halves) - 1) for at in range(len(halves))]
    if None in sides:
        return None
    packed = [side for side in sides if side is not None]
    if len(packed) == 1:
        return packed[0] if len(packed[0]) == 16 else None
    # "::" stands for at least one group.
    missing = 16 - len(packed[0]) - len(packed[1])
    return packed[0] + bytes(missing) + packed[1] if missing >= 2 else None


def _groups(text: str, dotted_end: bool) -> bytes | None:
    if not text:
        return b""
    out = b""
    parts = text.split(":")
    for at in range(len(parts)):
        part = parts[at]
        if "." in part and dotted_end and at == len(parts) - 1:
            tail = _parse4(part)
            return None if tail is None else out + tail
        if not 1 <= len(part) <= 4 or any(digit not in _HEX for digit in part):
            return None
        group = int(part, 16)
        out += bytes([group >> 8, group & 255])
    return out


def _longest_zeros(groups: list[int]) -> tuple[int, int]:
    best = (0, 0)
    start = 0
    while start < len(groups):
        end = start
        while end < len(groups) and groups[end] == 0:
            end += 1
        if end - start > best[1]:
            best = (start, end - start)
        start = max(end, start + 1)
    return best
