"""The reply of a web server, read within bounds (RFC 9112): what a list's server may send is a stranger's text.

Small and strict on purpose: numbers are ASCII digits, lengths agree, and nothing is held but the head and one piece.
"""

from collections.abc import Callable, Iterator

from agent.core.model import BadInput

HEAD_MAX = 32 * 1024  # with cookies and policies a large host sends some 5 kB
HEADERS_MAX = 200
INTERIM_MAX = 8  # replies of 1xx before the one that counts
LINE_MAX = 1024  # of a chunk's size with its extensions
PIECE = 65536
DIGITS_MAX = 15  # of a length: less than a number that no list reaches
HEX = b"0123456789abcdefABCDEF"
BODILESS = (204, 304)


class Short(Exception):
    """The reply ended before its end."""


class Reply:
    """`receive(size)` gives at most so many bytes, b"" at the end. BadInput for what is not HTTP.

    `headers` has the first value of each, by its lower-case name; `length` is the body's size, None when not told.
    """

    def __init__(self, receive: Callable[[int], bytes]) -> None:
        self._receive = receive
        self._data = b""
        for _ in range(INTERIM_MAX):
            self.status = _status(self._line(HEAD_MAX))
            self.headers = _headers(self._until_blank())
            if self.status >= 200:
                break
        else:
            raise BadInput("it never gets to its reply")
        self.length = _length(self.headers) if self.status not in BODILESS else 0

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    def body(self) -> Iterator[bytes]:
        """The content, piece by piece."""
        coding = self.header("transfer-encoding").strip().lower()
        if self.status in BODILESS:
            return
        if coding == "chunked":
            yield from self._chunks()
        elif coding:
            raise BadInput("it comes in a transfer coding that was not asked for")
        elif self.length is None:
            while piece := self._some(PIECE):
                yield piece
        else:
            yield from self._exactly(self.length)

    # pieces of the stream

    def _some(self, size: int) -> bytes:
        if not self._data:
            return self._receive(size)
        piece, self._data = self._data[:size], self._data[size:]
        return piece

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            piece = self._some(min(size, PIECE))
            if not piece:
                raise Short
            size -= len(piece)
            yield piece

    def _until_blank(self) -> list[bytes]:
        """The lines before the next empty one."""
        lines: list[bytes] = []
        room = HEAD_MAX
        while line := self._line(room):
            lines.append(line)
            room -= len(line)
            if len(lines) > HEADERS_MAX:
                raise BadInput("its head is too long")
        return lines

    def _line(self, room: int) -> bytes:
        while b"\n" not in self._data:
            if len(self._data) > room:
                raise BadInput("its head is too long")
            piece = self._receive(4096)
            if not piece:
                raise Short
            self._data += piece
        line, _, self._data = self._data.partition(b"\n")
        if len(line) > room:
            raise BadInput("its head is too long")
        return line.rstrip(b"\r")

    def _chunks(self) -> Iterator[bytes]:
        while size := _hex(self._line(LINE_MAX).split(b";")[0].strip()):
            yield from self._exactly(size)
            if self._line(2):
                raise BadInput("a chunk is longer than it says")
        self._until_blank()


def _status(line: bytes) -> int:
    words = line.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or len(words[1]) != 3 or not words[1].isdigit():
        raise BadInput("its first line is none")
    return int(words[1])


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            key, value = name.strip().lower(), value.strip()
            if key == "content-length" and headers.get(key, value) != value:
                raise BadInput("it has two lengths")
            headers.setdefault(key, value)
    return headers


def _length(headers: dict[str, str]) -> int | None:
    value = headers.get("content-length")
    if value is None or "transfer-encoding" in headers:
        return None
    if not (value.isascii() and value.isdigit()):
        raise BadInput("its length is not a number")
    return int(value[-DIGITS_MAX:]) if len(value.lstrip("0")) <= DIGITS_MAX else 10**DIGITS_MAX


def _hex(digits: bytes) -> int:
    if not 0 < len(digits) <= DIGITS_MAX or digits.strip(HEX):
        raise BadInput("a chunk's size is not a number")
    return int(digits, 16)
