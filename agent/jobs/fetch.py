"""One text over HTTPS, within limits: the only way out of the feeds job.

Certificates are checked against the system's authorities, redirects stay https, sizes and times are bounded whatever
the server does. What goes wrong is one exception with a sentence and, where the server gave one, a time to wait.
"""

import email.utils
import http.client
import ssl
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

from agent.core.model import Value
from agent.jobs.deadline import Late, deadline

REDIRECTS = (301, 302, 303, 307, 308)
REDIRECTS_MAX = 5
CHUNK = 65536
IDLE_S = 30.0  # of silence
TOTAL_S = 300.0  # for a whole text: 20 MB at 70 KB/s
SIZE_MAX = 64 << 20  # the largest lists that are worth their memory have a third of that
TOO_LARGE = "it is larger than any list should be"
WAIT_MAX_S = 7 * 86400  # a server that wants to be left alone for longer is asked once a week


class Failed(Exception):
    """The text could not be had. `wait_s` is what the server asked for, or None."""

    def __init__(self, message: str, wait_s: int | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Limits(Value):
    __slots__ = ("idle_s", "total_s", "size_bytes")

    def __init__(self, idle_s: float = IDLE_S, total_s: float = TOTAL_S, size_bytes: int = SIZE_MAX) -> None:
        self.idle_s = idle_s
        self.total_s = total_s
        self.size_bytes = size_bytes


class Fetched(Value):
    """`changed` False: the server says that the text is still the one with these validators (304)."""

    __slots__ = ("changed", "etag", "modified")

    def __init__(self, changed: bool, etag: str, modified: str) -> None:
        self.changed = changed
        self.etag = etag
        self.modified = modified


Write = Callable[[bytes], None]
Progress = Callable[[int, int], None]


def fetch(
    address: str,
    write: Write,
    etag: str = "",
    modified: str = "",
    limits: Limits | None = None,
    progress: Progress = lambda done, total: None,
) -> Fetched:
    """Hand the text at an https address to `write`, piece by piece; Failed, or what `write` raises (no OSError).

    `progress` gets bytes received and bytes in all (0: unknown). To be called in a process's main thread.
    """
    limits = limits or Limits()
    asked = {"Accept-Encoding": "gzip", "Accept": "text/plain, */*;q=0.5", "User-Agent": "privacy-agent"}
    if etag:
        asked["If-None-Match"] = etag
    if modified:
        asked["If-Modified-Since"] = modified
    context = ssl.create_default_context()
    with _foreign_errors(), deadline(limits.total_s):
        for _ in range(REDIRECTS_MAX + 1):
            link, response = _ask(address, asked, limits, context)
            try:
                if response.status not in REDIRECTS:
                    return _take(response, write, limits, progress)
                address = _next(address, response.getheader("Location") or "")
            finally:
                response.close()
                link.close()
    raise Failed(f"more than {REDIRECTS_MAX} redirects")


@contextmanager
def _foreign_errors() -> Iterator[None]:
    """What the libraries raise, as one kind with a sentence."""
    try:
        yield
    except Late as error:
        raise Failed("it took too long") from error
    except ssl.SSLCertVerificationError as error:
        raise Failed(f"its certificate is not valid: {error.verify_message}") from error
    except http.client.IncompleteRead as error:
        raise Failed("it ended before its end") from error
    except http.client.HTTPException as error:
        raise Failed(f"the server does not speak HTTP: {type(error).__name__}") from error
    except TimeoutError as error:
        raise Failed("the server fell silent") from error
    except OSError as error:
        raise Failed(f"the connection failed: {error.strerror or error}") from error


def _ask(
    address: str, headers: dict[str, str], limits: Limits, context: ssl.SSLContext
) -> tuple[http.client.HTTPSConnection, http.client.HTTPResponse]:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise Failed("its address is not one") from error
    if parts.scheme != "https" or not host or parts.username is not None:
        raise Failed("its address is not plain https")
    target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    link = http.client.HTTPSConnection(host, port, timeout=limits.idle_s, context=context)
    try:
        link.request("GET", target, headers=headers)
        return link, link.getresponse()
    except BaseException:
        link.close()
        raise


def _next(address: str, location: str) -> str:
    if not location.isascii() or not location.isprintable() or not location:
        raise Failed("a redirect leads nowhere")
    following = urljoin(address, location)
    if not following.startswith("https://"):
        raise Failed("a redirect leads away from https")
    return following


def _take(response: http.client.HTTPResponse, write: Write, limits: Limits, progress: Progress) -> Fetched:
    etag, modified = response.getheader("ETag") or "", response.getheader("Last-Modified") or ""
    if response.status == 304:
        return Fetched(False, etag, modified)
    if response.status != 200:
        raise Failed(f"the server answers {response.status}", _wait_s(response.getheader("Retry-After") or ""))
    if (response.getheader("Content-Type") or "").strip().lower().startswith("text/html"):
        raise Failed("not a list: a web page, perhaps a login page or an error message")
    _receive(response, write, limits, progress)
    return Fetched(True, _line(etag), _line(modified))


def _receive(response: http.client.HTTPResponse, write: Write, limits: Limits, progress: Progress) -> None:
    encoding = (response.getheader("Content-Encoding") or "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise Failed("it comes in a compression that was not asked for")
    unzip = zlib.decompressobj(zlib.MAX_WBITS | 16) if encoding == "gzip" else None
    expected, received, size = response.length or 0, 0, 0
    if expected > limits.size_bytes:
        raise Failed(TOO_LARGE)
    while chunk := response.read(CHUNK):
        received += len(chunk)
        for piece in _pieces(unzip, chunk):
            size += len(piece)
            if size > limits.size_bytes:
                raise Failed(TOO_LARGE)
            write(piece)
        progress(received, expected)
    if response.length or (unzip and not unzip.eof):
        raise Failed("it ended before its end")


def _pieces(unzip: "zlib._Decompress | None", chunk: bytes) -> Iterator[bytes]:
    """What a chunk holds; in pieces, because a compressed one may hold a thousand times its size."""
    if unzip is None:
        yield chunk
        return
    try:
        while chunk and not unzip.eof:
            yield unzip.decompress(chunk, CHUNK)
            chunk = unzip.unconsumed_tail
    except zlib.error as error:
        raise Failed("its compression is damaged") from error


def _wait_s(value: str) -> int | None:
    """Seconds of a Retry-After header (RFC 9110, section 10.2.3: a number or a date), at most a week."""
    if value.strip().isdigit():
        return min(int(value.strip()[:9]), WAIT_MAX_S)
    try:
        until = email.utils.parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    return int(min(max(until - time.time(), 0), WAIT_MAX_S))


def _line(value: str) -> str:
    """A validator that is worth keeping: one short printable line."""
    return value if value.isprintable() and value.isascii() and len(value) <= 200 else ""
