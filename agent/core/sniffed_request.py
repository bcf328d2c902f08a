"""A plain HTTP/1.x request: its URL, from the first bytes of a connection (RFC 9112 section 3, RFC 3986 section 6.2.2).

Read as a bystander reads: what a server would take is taken, and what says no URL is BadInput.
"""

from agent.core import names
from agent.core.addresses import parse, show
from agent.core.model import BadInput, Value

HEAD_MAX = 16384  # servers take 8 to 16 kB; a client that sends more is let through unread
METHOD_MAX = 20
_USUAL_PORTS = (b"", b"80", b"443")  # as lists write URLs, these are left out
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_HEX = b"0123456789abcdefABCDEF"
# Equal URLs have it in either form: browsers encode the first seven in a path, `'` in a query, and lists do or do not.
_ENCODED = b"\"<>`{}^'|"
_SCHEMES = (b"http://", b"https://")
_EMPTY_LINE = b"\r\n"  # servers skip it before a request (RFC 9112 section 2.2), most of them any number
_METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH")


class SniffedRequest(Value):
    """One request. `authority` is a canonical name or address, with its port unless that is 80 or 443; None when the
    request names none. `target` is path and query as sent, b"" for CONNECT. `size` counts the bytes of head and body,
    None when it is not known: the head is not whole yet, or the body says no length.
    """

    __slots__ = ("method", "authority", "target", "size")

    def __init__(self, method: bytes, authority: bytes | None, target: bytes, size: int | None) -> None:
        self.method = method
        self.authority = authority
        self.target = target
        self.size = size

    @property
    def host(self) -> bytes | None:
        """The authority's name or address."""
        if self.authority is None:
            return None
        if self.authority.startswith(b"["):
            return self.authority[1 : self.authority.find(b"]")]
        return self.authority.partition(b":")[0]


def begins(data: bytes) -> bool:
    """Whether a connection that begins so may turn out to begin with a request."""
    data = data.lstrip(_EMPTY_LINE)
    method, space, _ = data[: METHOD_MAX + 1].partition(b" ")
    return not method.strip(_LETTERS) and (bool(space) or len(data) <= METHOD_MAX) and bool(method or not data)


def read(data: bytes) -> SniffedRequest | None:
    """The request that a connection's bytes begin with, as soon as its URL is sure; None while it is not."""
    if not begins(data):
        raise BadInput("this does not begin with an HTTP request")
    begin = len(data) - len(data.lstrip(_EMPTY_LINE))
    lines, size = _lines(data[begin:])
    if not lines:
        if begin > HEAD_MAX:
            raise BadInput("a request's head is too long")
        return None
    method, target = _request_line(lines[0])
    fields = _fields(lines[1:])
    if size is None and b"host" not in fields:
        if len(data) > HEAD_MAX:
            raise BadInput("a request's head is too long")
        return None
    authority, target = _place(method, target, fields.get(b"host", b""))
    return SniffedRequest(method, authority, target, _whole(None if size is None else begin + size, fields))


def _lines(data: bytes) -> tuple[list[bytes], int | None]:
    """The complete lines of the head, and its size when its empty line is there. A lone LF ends a line, too."""
    lines: list[bytes] = []
    at = 0
    while at < HEAD_MAX:
        end = data.find(b"\n", at)
        if end < 0:
            break
        line = data[at:end]
        at = end + 1
        if line in (b"", b"\r"):
            return lines, at
        lines.append(line[:-1] if line[-1:] == b"\r" else line)
    return lines, None


def _request_line(line: bytes) -> tuple[bytes, bytes]:
    """Method and target. Blanks inside the target are left: some clients send them, and servers differ."""
    method, _, rest = line.partition(b" ")
    target, _, version = rest.strip().rpartition(b" ")
    if not version.startswith(b"HTTP/") or not target:
        raise BadInput("a request line says no version or no target")
    if method not in _METHODS and target[:1] not in (b"/", b"*") and b"://" not in target:
        # The end of "CONNECT" may have come before its beginning.
        raise BadInput("this begins within a request line")
    return method, target.rstrip()


def _fields(lines: list[bytes]) -> dict[bytes, bytes]:
    """The header fields by lower-case name, of a repeated one the first; no length where it is given twice."""
    fields: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        key = name.rstrip().lower()
        if colon and key not in fields:
            fields[key] = value.strip()
        elif colon and key == b"content-length":
            fields[key] = b""  # servers differ about which one holds
    return fields


def _place(method: bytes, target: bytes, host: bytes) -> tuple[bytes | None, bytes]:
    """The authority and the path."""
    if method == b"CONNECT":
        return _authority(target), b""
    lower = target[:8].lower()
    for scheme in _SCHEMES:
        if lower.startswith(scheme):
            # RFC 9112 section 3.2.2: with an absolute target the Host field is ignored.
            rest = target[len(scheme) :]
            end = _authority_end(rest)
            return _authority(rest[:end]), _path(rest[end:])
    return (_authority(host) if host else None), _path(target)


def _authority_end(rest: bytes) -> int:
    ends = [at for at in (rest.find(b"/"), rest.find(b"?"), rest.find(b"#")) if at >= 0]
    return min(ends) if ends else len(rest)


def _path(target: bytes) -> bytes:
    path = target.partition(b"#")[0]
    if path.startswith(b"/") or path == b"*":
        return path
    return b"/" + path


def _authority(text: bytes) -> bytes:
    """Canonical `host` or `host:port`; usual ports and user info are left out. BadInput."""
    text = text.rpartition(b"@")[2]
    host, port = _split(text)
    if port.strip(b"0123456789") or len(port) > 5:
        raise BadInput("a port is not a number")
    port = port.lstrip(b"0")
    return host if port in _USUAL_PORTS else host + b":" + port


def _split(text: bytes) -> tuple[bytes, bytes]:
    if text.startswith(b"["):
        inside, bracket, rest = text[1:].partition(b"]")
        if not bracket or rest[:1] not in (b"", b":"):
            raise BadInput("a bracket is open, or followed by something else than a port")
        return b"[" + show(parse(_text(inside))).encode() + b"]", rest[1:]
    host, _, port = text.partition(b":")
    if host.lower().strip(names.HOST):
        raise BadInput("a host holds a byte that no host name has")
    return names.parse(host), port


def _text(data: bytes) -> str:
    if [byte for byte in data if byte > 127]:
        raise BadInput("an address holds a byte that is not ASCII")
    return data.decode()


def _whole(size: int | None, fields: dict[bytes, bytes]) -> int | None:
    length = fields.get(b"content-length", b"0")
    if size is None or b"transfer-encoding" in fields or not length or length.strip(b"0123456789") or len(length) > 12:
        return None
    return size + int(length)


def url(authority: bytes, target: bytes) -> str:
    """The URL as it is stored and shown: in normal form, without query."""
    path = normal(target.partition(b"?")[0])
    return "http://" + authority.decode() + "".join([chr(b) if 32 < b < 127 else "%%%02X" % b for b in path])


def split_url(text: str) -> tuple[bytes, bytes] | None:
    """Authority and target of such a URL; None for anything else."""
    if not text.startswith("http://"):
        return None
    try:
        authority, slash, path = text[7:].encode().partition(b"/")
    except UnicodeError:
        return None
    return authority, slash + path


def normal(target: bytes) -> bytes:
    """The target in the one form that equal URLs share, for the keys of lists and for looking them up: percent-encoded
    where it must be and nowhere else, no "." and ".." segments."""
    path, mark, query = target.partition(b"?")
    return _undotted(_unescaped(path)) + mark + _unescaped(query)


def _unescaped(text: bytes) -> bytes:
    first, *rest = text.split(b"%")
    out = [_escaped(first)]
    for part in rest:
        pair = part[:2]
        if len(pair) < 2 or pair[0] not in _HEX or pair[1] not in _HEX:
            # A percent sign that stands for itself.
            out.append(b"%25" + _escaped(part))
            continue
        byte = bytes([int(pair, 16)])
        out.append((byte if byte in _UNRESERVED else b"%" + pair.upper()) + _escaped(part[2:]))
    return b"".join(out)


def _escaped(text: bytes) -> bytes:
    """With what browsers send encoded: lists have it in either form (https://url.spec.whatwg.org/, path set)."""
    if not [byte for byte in text if byte <= 32 or byte > 126 or byte in _ENCODED]:
        return text
    return b"".join([b"%%%02X" % b if b <= 32 or b > 126 or b in _ENCODED else bytes([b]) for b in text])


def _undotted(path: bytes) -> bytes:
    if b"/." not in path:
        return path
    kept: list[bytes] = []
    segments = path.split(b"/")
    for at, segment in enumerate(segments):
        last = at == len(segments) - 1
        if segment == b"..":
            if len(kept) > 1:
                kept.pop()
        elif segment != b".":
            kept.append(segment)
            continue
        if last:
            kept.append(b"")
    return b"/".join(kept)
