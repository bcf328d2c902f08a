"""HTTP/1.1 heads for a small server: bytes in, values out (RFC 9112, RFC 9110).

Strict where servers get attacked: one Host, one Content-Length, no chunked requests, no folded lines,
no control characters. Everything wrong is a BadRequest that carries the status to answer with.
"""

from agent.core.digits import is_digits, whole
from agent.core.model import BadInput, Value

# Browsers send 1-2 kB; cookies of other services on the same host name come along (ports share cookies).
HEAD_MAX = 8192
HEADERS_MAX = 64
# Longest own target: a history search with a cursor.
TARGET_MAX = 2048

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# Read by their first value, or by a server in front of us by their last: two would be two requests in one.
SINGLE = (
    "host",
    "content-length",
    "transfer-encoding",
    "content-type",
    "origin",
    "authorization",
    "cookie",
    "expect",
    "sec-fetch-site",
    "x-csrf-token",
)

REASONS = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    204: "No Content",
    304: "Not Modified",
    307: "Temporary Redirect",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    408: "Request Timeout",
    409: "Conflict",
    411: "Length Required",
    413: "Content Too Large",
    414: "URI Too Long",
    415: "Unsupported Media Type",
    421: "Misdirected Request",
    422: "Unprocessable Content",
    426: "Upgrade Required",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
    507: "Insufficient Storage",
}

_TOKEN = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class BadRequest(BadInput):
    """A request that is not answered as asked; `status` is the HTTP status that says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Head(Value):
    """The head of one request.

    `path` is the undecoded part of the target before "?", `query` the part after it. `headers` is a list of
    (lower-case name, value). `length` is the body's size in bytes.
    """

    __slots__ = ("method", "path", "query", "headers", "length", "keep_alive", "wants_continue")

    def __init__(
        self,
        method: str,
        path: str,
        query: str,
        headers: list[tuple[str, str]],
        length: int,
        keep_alive: bool,
        wants_continue: bool,
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.length = length
        self.keep_alive = keep_alive
        self.wants_continue = wants_continue

    def header(self, name: str) -> str:
        """The first value of a header by its lower-case name, "" when absent."""
        for key, value in self.headers:
            if key == name:
                return value
        return ""


class HttpParser:
    """Takes a connection's bytes and gives heads and bodies; keeps no more than the limits allow.

    The caller alternates: `head()` until it is a Head, then `body(head.length)` until it is bytes.
    """

    def __init__(self) -> None:
        self._data = b""
        self._scanned = 0

    def feed(self, data: bytes) -> None:
        self._data += data

    @property
    def pending(self) -> int:
        """Bytes that no head and no body has taken yet."""
        return len(self._data)

    def head(self) -> Head | None:
        """The next request's head, or None while it is not complete."""
        if self._scanned == 0:
            self._drop_blank_lines()
            if self._data in (b"", b"\r"):
                return None
        end = self._data.find(b"\r\n\r\n", max(0, self._scanned - 3))
        if end < 0:
            self._scanned = len(self._data)
            if self._scanned > HEAD_MAX:
                raise _too_long(self._data)
            _check_start(self._data)
            return None
        if end > HEAD_MAX:
            raise _too_long(self._data)
        text = self._data[:end]
        self._data = self._data[end + 4 :]
        self._scanned = 0
        return parse_head(text)

    def body(self, length: int) -> bytes | None:
        """The next `length` bytes, or None until they are here."""
        if len(self._data) < length:
            return None
        taken = self._data[:length]
        self._data = self._data[length:]
        return taken

    def skip(self, length: int) -> int:
        """Forget up to `length` bytes of a body that nobody wants; how many of it are still to come."""
        left = max(0, length - len(self._data))
        self._data = self._data[length:]
        return left

    def _drop_blank_lines(self) -> None:
        # RFC 9112 section 2.2: an empty line before a request is ignored.
        at = 0
        while self._data[at : at + 2] == b"\r\n":
            at += 2
        self._data = self._data[at:]


def _too_long(data: bytes) -> BadRequest:
    if b"\r\n" not in data[:HEAD_MAX]:
        return BadRequest(414, "the request line is too long")
    return BadRequest(431, "the request's head is larger than 8 kB")


def _check_start(data: bytes) -> None:
    # Refused at once instead of after the time limit: what can't become a request line (a TLS hello, say).
    for byte in data[:8]:
        if byte == 32:
            return
        if byte not in _TOKEN:
            raise BadRequest(400, "this is not an HTTP request")


def parse_head(text: bytes) -> Head:
    """The head before its empty line, lines ended by CRLF → Head."""
    lines = text.split(b"\r\n")
    method, target, version = _request_line(lines[0])
    headers = _headers(lines[1:])
    if version == b"HTTP/1.1" and not _one(headers, "host"):
        raise BadRequest(400, "the Host header is missing")
    if _given(headers, "transfer-encoding"):
        raise BadRequest(501, "send a Content-Length; transfer codings are not accepted")
    path, _, query = target.partition("?")
    tokens = ",".join([value for name, value in headers if name == "connection"]).lower().split(",")
    closing = "close" in [token.strip() for token in tokens]
    return Head(
        method,
        path,
        query,
        headers,
        _length(_one(headers, "content-length")) if _given(headers, "content-length") else 0,
        version == b"HTTP/1.1" and not closing,
        version == b"HTTP/1.1" and _one(headers, "expect").lower() == "100-continue",  # RFC 9110 section 10.1.1
    )


def _request_line(line: bytes) -> tuple[str, str, bytes]:
    parts = line.split(b" ")
    if len(parts) != 3:
        raise BadRequest(400, "the request line needs a method, a target and a version")
    method, target, version = parts
    if len(target) > TARGET_MAX:
        raise BadRequest(414, "the address is longer than 2,048 bytes")
    if not _is_token(method) or not _is_version(version):
        raise BadRequest(400, "this is not an HTTP request")
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise BadRequest(505, "only HTTP/1.1 is spoken here")
    name = _ascii(method)
    if name not in METHODS:
        raise BadRequest(501, "this method is not known")
    return name, _target(target), version


def _is_version(version: bytes) -> bool:
    """RFC 9112 section 2.3: a digit, a point, a digit."""
    if len(version) != 8 or version[:5] != b"HTTP/" or version[6:7] != b".":
        return False
    return (version[5:6] + version[7:]).isdigit()


def _target(target: bytes) -> str:
    text = _ascii(target)
    if not text.startswith("/"):
        raise BadRequest(400, "the target must be a path")
    return text


def _ascii(data: bytes) -> str:
    for byte in data:
        if byte <= 32 or byte >= 127:
            raise BadRequest(400, "the request line has a character that is not printable ASCII")
    return data.decode()


def _headers(lines: list[bytes]) -> list[tuple[str, str]]:
    if len(lines) > HEADERS_MAX:
        raise BadRequest(431, "more than 64 header lines")
    headers: list[tuple[str, str]] = []
    for line in lines:
        colon = line.find(b":")
        name = line[:colon] if colon > 0 else b""
        if not name or not _is_token(name):
            raise BadRequest(400, "a header line is malformed")
        key = name.decode().lower()
        if key in SINGLE and _given(headers, key):
            raise BadRequest(400, "the header " + key + " is given twice")
        headers.append((key, _field(line[colon + 1 :])))
    return headers


def _is_token(name: bytes) -> bool:
    return all(byte in _TOKEN for byte in name)


def _field(value: bytes) -> str:
    """A header's value as text; bytes above ASCII become "?", control characters are refused."""
    plain = True
    for byte in value:
        if byte < 32 and byte != 9 or byte == 127:
            raise BadRequest(400, "a header has a control character")
        plain = plain and byte < 127
    if not plain:
        value = bytes([byte if byte < 127 else 63 for byte in value])
    return value.decode().strip()


def _one(headers: list[tuple[str, str]], name: str) -> str:
    for key, value in headers:
        if key == name:
            return value
    return ""


def _given(headers: list[tuple[str, str]], name: str) -> bool:
    """Also with an empty value."""
    return name in [key for key, _ in headers]


def _length(value: str) -> int:
    if not is_digits(value):
        raise BadRequest(400, "Content-Length is not a number")
    length = whole(value, 9)
    if length is None:
        raise BadRequest(413, "the body is too large")
    return length


def response_head(status: int, headers: list[tuple[str, str]]) -> bytes:
    """A response's head with its empty line. A line break in a header is our own mistake: ValueError."""
    lines = ["HTTP/1.1 " + str(status) + " " + REASONS[status]]
    for name, value in headers:
        if "\r" in value or "\n" in value or "\r" in name or "\n" in name:
            raise ValueError("line break in a response header")
        lines.append(name + ": " + value)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked response (RFC 9112 section 7.1); b"" gives the last one."""
    return ("%x" % len(data)).encode() + b"\r\n" + data + b"\r\n"
