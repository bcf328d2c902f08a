"""One text over HTTPS, within limits: the only way out of the feeds job.

Certificates are checked against the system's authorities, redirects stay https, sizes and times are bounded whatever
the server does. What goes wrong is one exception with a sentence and, where the server gave one, a time to wait.
"""

import datetime
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

from agent.core.addresses import parse
from agent.core.localnames import is_private
from agent.core.model import BadInput, Sentence, Value
from agent.jobs.deadline import DeadlineExceeded, deadline
from agent.jobs.reply import Reply, Short
from agent.platform.idna import to_ascii

REDIRECTS = (301, 302, 303, 307, 308)
REDIRECTS_MAX = 5
CHUNK = 65536
UNFORESEEN = (ArithmeticError, AttributeError, EOFError, LookupError, RuntimeError, TypeError, ValueError)
SAID_MAX = 120  # of what a library says
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
IDLE_S = 30.0  # of silence
TOTAL_S = 300.0  # for a whole text: 20 MB at 70 KB/s
SIZE_MAX = 64 << 20  # the largest lists that are worth their memory have a third of that
TOO_LARGE = "it is larger than any list should be"
WAIT_MAX_S = 7 * 86400  # a server that wants to be left alone for longer is asked once a week


class Failed(Exception):
    """The text could not be had. `wait_s` is what the server asked for, or None; `reached` whether any did answer."""

    def __init__(self, message: str | Sentence, wait_s: int | None = None, reached: bool = True) -> None:
        super().__init__(message)
        self.wait_s = wait_s
        self.reached = reached


class FetchLimits(Value):
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
    limits: FetchLimits | None = None,
    progress: Progress = lambda done, total: None,
) -> Fetched:
    """Hand the text at an https address to `write`, piece by piece; Failed, or what `write` raises (no OSError).

    `progress` gets bytes received and bytes in all (0: unknown). To be called in a process's main thread.
    """
    limits = limits or FetchLimits()
    asked = {"Accept-Encoding": "gzip", "Accept": "text/plain, */*;q=0.5", "User-Agent": "privacy-agent"}
    if etag:
        asked["If-None-Match"] = etag
    if modified:
        asked["If-Modified-Since"] = modified
    reached = False
    try:
        with _foreign_errors(), deadline(limits.total_s):
            context = ssl.create_default_context()
            inside = True  # a list of the household's own may lie in this network
            for _ in range(REDIRECTS_MAX + 1):
                plain = _connected(address, limits)
                inside = _still_inside(inside, plain)
                with _ask(plain, address, asked, context) as link:
                    reply = Reply(link.recv)
                    reached = True
                    if reply.status not in REDIRECTS:
                        return _take(reply, write, limits, progress)
                    address = _next(address, reply.header("location"))
    except Failed as error:
        error.reached = error.reached and reached
        raise
    raise Failed(Sentence("more than {} redirects", REDIRECTS_MAX))


@contextmanager
def _foreign_errors() -> Iterator[None]:
    """What the libraries raise, as one kind with a sentence. Also what nobody foresaw: the other lists go on."""
    try:
        yield
    except (Failed, MemoryError):
        raise
    except DeadlineExceeded as error:
        raise Failed("it took too long") from error
    except ssl.SSLCertVerificationError as error:
        raise Failed(Sentence("its certificate is not valid: {}", error.verify_message)) from error
    except Short as error:
        raise Failed("it ended before its end") from error
    except BadInput as error:
        raise Failed(Sentence("the server does not speak HTTP: {}", error)) from error
    except TimeoutError as error:
        raise Failed("the server fell silent") from error
    except OSError as error:
        raise Failed(Sentence("the connection failed: {}", error.strerror or error)) from error
    except UNFORESEEN as error:
        raise Failed(Sentence("something unforeseen: {}: {}", type(error).__name__, str(error)[:SAID_MAX])) from error


def _connected(address: str, limits: FetchLimits) -> socket.socket:
    host, port, _, _ = _parts(address)
    # As bytes: CPython sends a str, also one of plain letters, through the codec "idna", which not every system has.
    return socket.create_connection((host.encode("ascii"), port), limits.idle_s)  # type: ignore[arg-type]  # see above


def _still_inside(inside: bool, plain: socket.socket) -> bool:
    """Whether this connection, and each before it, leads into this network. From outside nobody is sent there."""
    try:
        private = is_private(parse(plain.getpeername()[0].partition("%")[0]))
        if private and not inside:
            raise Failed("a redirect leads into this network")
    except BaseException:
        plain.close()
        raise
    return private


def _ask(plain: socket.socket, address: str, headers: dict[str, str], context: ssl.SSLContext) -> ssl.SSLSocket:
    """The connection, asked for the address."""
    host, _, named, target = _parts(address)
    lines = [f"GET {target} HTTP/1.1", f"Host: {named}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    try:
        link = context.wrap_socket(plain, server_hostname=host.encode("ascii"))
    except BaseException:
        plain.close()
        raise
    try:
        link.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
    except BaseException:
        link.close()
        raise
    return link


def _parts(address: str) -> tuple[str, int, str, str]:
    """Host, port, both as the Host header has them, and what is asked for there."""
    try:
        parts = urlsplit(address)
        host, port = to_ascii(parts.hostname or ""), parts.port
    except ValueError as error:  # BadInput as well
        raise Failed("its address is not one") from error
    if parts.scheme != "https" or not host or parts.username is not None:
        raise Failed("its address is not plain https")
    target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    if not host.isascii() or [letter for letter in host + target if not "!" <= letter <= "~"]:
        raise Failed("its address is not one")
    named = f"[{host}]" if ":" in host else host
    return host, port or 443, named + (f":{port}" if port else ""), target


def _next(address: str, location: str) -> str:
    if not location.isascii() or not location.isprintable() or not location:
        raise Failed("a redirect leads nowhere")
    try:
        following = urljoin(address, location)
    except ValueError as error:
        raise Failed("a redirect leads nowhere") from error
    if not following.startswith("https://"):
        raise Failed("a redirect leads away from https")
    return following


def _take(reply: Reply, write: Write, limits: FetchLimits, progress: Progress) -> Fetched:
    etag, modified = reply.header("etag"), reply.header("last-modified")
    if reply.status == 304:
        return Fetched(False, etag, modified)
    if reply.status != 200:
        raise Failed(Sentence("the server answers {}", reply.status), _wait_s(reply.header("retry-after")))
    if reply.header("content-type").lower().startswith("text/html"):
        raise Failed("not a list: a web page, perhaps a login page or an error message")
    _receive(reply, write, limits, progress)
    return Fetched(True, _line(etag), _line(modified))


def _receive(reply: Reply, write: Write, limits: FetchLimits, progress: Progress) -> None:
    encoding = (reply.header("content-encoding") or "identity").lower()
    if encoding not in ("identity", "gzip"):
        raise Failed("it comes in a compression that was not asked for")
    unzip = zlib.decompressobj(zlib.MAX_WBITS | 16) if encoding == "gzip" else None
    expected, received, size = reply.length or 0, 0, 0
    if expected > limits.size_bytes:
        raise Failed(TOO_LARGE)
    for chunk in reply.body():
        received += len(chunk)
        if received > limits.size_bytes:
            raise Failed(TOO_LARGE)  # also what a compression makes nothing of
        for piece in _pieces(unzip, chunk):
            size += len(piece)
            if size > limits.size_bytes:
                raise Failed(TOO_LARGE)
            write(piece)
        progress(received, expected)
    if unzip and not unzip.eof:
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
    if value.isascii() and value.isdigit():
        return min(int(value[-9:]) if len(value) <= 9 else WAIT_MAX_S, WAIT_MAX_S)
    until = _seconds(value)
    return None if until is None else int(min(max(until - time.time(), 0), WAIT_MAX_S))


def _seconds(date: str) -> float | None:
    """Wall time of "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7); None for another form."""
    words = date.replace(":", " ").split()
    if len(words) != 8 or words[7] != "GMT" or words[2] not in MONTHS or not date.isascii():
        return None
    try:
        day, year, hour, minute, second = [int(words[at]) for at in (1, 3, 4, 5, 6)]
        month = MONTHS.index(words[2]) + 1
        return datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _line(value: str) -> str:
    """A validator that is worth keeping: one short printable line."""
    return value if value.isprintable() and value.isascii() and len(value) <= 200 else ""
