"""One sealed report, or the household's own file, over HTTPS, within limits: the only way out of the report job.

Every request is the same but for the report itself: a fresh connection, the same headers, the same size; no cookie, no
redirect followed, no session resumed. A connection that is given up is cut off: what the kernel still holds of it is
thrown away, so that a job that is killed has sent its last byte.
"""

import socket
import ssl
import struct
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from agent.core.model import Sentence, Value
from agent.jobs.deadline import DeadlineExceeded, deadline

IDLE_S = 20.0
TOTAL_S = 60.0  # 2 KB each way
REPLY_MAX = 16_384
SAID_MAX = 120  # of what a library says
DONE, LATER, NEVER = "done", "later", "never"
INTERIM = b"HTTP/1.1 1"  # another reply follows (RFC 9110, section 15.2)
ANSWERS = "the receiver answers {}"  # its status
# X509_V_ERR_… of strict verification → what the operator has to do. A certificate in such a form is refused by Python
# from 3.13 on; here by every version, so that an upgrade of the router ends no reports.
REMEDIES = {
    85: "it needs authorityKeyIdentifier=keyid",
    86: "its root needs subjectKeyIdentifier=hash",
    89: "its root needs basicConstraints=critical,CA:TRUE",
    92: "its root needs keyUsage=critical,keyCertSign",
}
# What a status means; the hundreds for those that are not listed. 409: the receiver has it already.
STATUSES = {409: DONE, 408: LATER, 421: LATER, 425: LATER, 429: LATER}
HUNDREDS = {2: DONE, 4: NEVER, 5: LATER}
# Of a file that is put (RFC 4918): 409 is a folder that is not there, 423 somebody who has the file open.
OF_FILES = {**STATUSES, 409: NEVER, 423: LATER}
FILE_TOTAL_S = 120.0  # 41 KB at 1 KB/s, and the reply


class Outcome(Value):
    """`kind` is DONE, LATER or NEVER (trying again would be in vain); `said` is for the household."""

    __slots__ = ("kind", "said")

    def __init__(self, kind: str, said: str | Sentence) -> None:
        self.kind = kind
        self.said = said

    @property
    def message(self) -> str:
        return str(self.said)


class UploadLimits(Value):
    __slots__ = ("idle_s", "total_s")

    def __init__(self, idle_s: float = IDLE_S, total_s: float = TOTAL_S) -> None:
        self.idle_s = idle_s
        self.total_s = total_s


def context(authority: str, strict: bool = True) -> ssl.SSLContext:
    """For one connection: the pinned root (PEM) and no other, or the system's. ssl.SSLError for one that is none. Not
    `strict`: what is pinned may also be the certificate of the server itself, as those of the house's own have it."""
    made = ssl.create_default_context(cadata=authority) if authority else ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.verify_flags |= ssl.VERIFY_X509_STRICT
    if not strict:
        made.verify_flags &= ~ssl.VERIFY_X509_STRICT
        made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN if authority else 0
    return made


class Upload(Value):
    """What goes where. `statuses` are those that mean something else than their hundred."""

    __slots__ = ("method", "address", "body", "context", "headers", "statuses")

    def __init__(
        self,
        method: str,
        address: str,
        body: bytes,
        context: Callable[[], ssl.SSLContext],
        headers: list[str],
        statuses: dict[int, str],
    ) -> None:
        self.method = method
        self.address = address
        self.body = body
        self.context = context
        self.headers = headers
        self.statuses = statuses


def post(address: str, body: bytes, authority: str = "", limits: UploadLimits | None = None) -> Outcome:
    """A report to an operator; see `upload`."""
    return upload(Upload("POST", address, body, lambda: context(authority), [], STATUSES), limits or UploadLimits())


def put(
    address: str, body: bytes, authority: str = "", authorization: str = "", limits: UploadLimits | None = None
) -> Outcome:
    """A file to a place of the household's own; see `upload`."""
    headers = ["Authorization: " + authorization] if authorization else []
    what = Upload("PUT", address, body, lambda: context(authority, strict=False), headers, OF_FILES)
    return upload(what, limits or UploadLimits(total_s=FILE_TOTAL_S))


def upload(what: Upload, limits: UploadLimits) -> Outcome:
    """Send it to an https address. Never raises for what a network or server can do. In the main thread only."""
    try:
        parts = urlsplit(what.address)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        return Outcome(NEVER, "the address is not one")
    if parts.scheme != "https" or not host:
        return Outcome(NEVER, "the address is not https")
    try:
        with deadline(limits.total_s):
            return _exchange(host, port, what, parts, limits)
    except DeadlineExceeded:
        return Outcome(LATER, "it took too long")
    except ssl.SSLCertVerificationError as error:
        return Outcome(LATER, Sentence("the receiver's certificate is not valid: {}", why(error)))
    except TimeoutError:
        return Outcome(LATER, "the receiver fell silent")
    except (OSError, UnicodeError) as error:
        return Outcome(LATER, Sentence("the connection failed: {}", getattr(error, "strerror", None) or "no such name"))
    except (LookupError, RuntimeError, TypeError, ValueError) as error:
        return Outcome(LATER, Sentence("something unforeseen: {}: {}", type(error).__name__, str(error)[:SAID_MAX]))


def why(error: ssl.SSLCertVerificationError) -> str:
    """Why a certificate was refused and, for a form that older software let pass, what to do."""
    remedy = REMEDIES.get(error.verify_code)
    asked = f"; {remedy}: ask the operator for another" if remedy else ""
    return f"{error.verify_message}{asked}"


def _request(what: Upload, parts: SplitResult) -> bytes:
    path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    lines = (
        f"{what.method} {path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "User-Agent: privacy-agent",
        *what.headers,
        "Content-Type: application/octet-stream",
        f"Content-Length: {len(what.body)}",
        "Connection: close",
    )
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + what.body


def _exchange(host: str, port: int, what: Upload, parts: SplitResult, limits: UploadLimits) -> Outcome:
    made, request = what.context(), _request(what, parts)
    # As bytes: CPython sends a str, also one of plain letters, through the codec "idna", which not every system has.
    name = host.encode("ascii")
    with socket.create_connection((name, port), limits.idle_s) as plain:  # type: ignore[arg-type]  # see above
        # Linger of 0 s: closing, or the end of the process, cuts the connection and drops what was not sent yet.
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with made.wrap_socket(plain, server_hostname=name) as link:
            link.sendall(request)
            return outcome_of(_head(link), what.statuses)


def _head(link: ssl.SSLSocket) -> bytes:
    """The first lines of the final reply; no more of it is of interest."""
    received, room = b"", REPLY_MAX
    while True:
        head, ended, rest = received.partition(b"\r\n\r\n")
        if ended and head.startswith(INTERIM):
            received = rest
            continue
        piece = b"" if ended or room <= 0 else link.recv(4096)
        if not piece:
            return received
        received, room = received + piece, room - len(piece)


def outcome_of(reply: bytes, statuses: dict[int, str] = STATUSES) -> Outcome:
    """What the receiver's reply means for what was sent."""
    words = reply.split(b"\r\n", 1)[0].split(b" ")
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or len(words[1]) != 3 or not words[1].isdigit():
        return Outcome(LATER, "the receiver does not speak HTTP")
    status = int(words[1])
    kind = statuses.get(status, HUNDREDS.get(status // 100, LATER))
    if status // 100 == 3:
        return Outcome(LATER, "the receiver sends elsewhere, which is not followed")
    return Outcome(kind, "" if kind == DONE else Sentence(ANSWERS, status))
