"""What handlers take and give: a Request, a Response, and errors as problem details (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from agent.core.http import REASONS, BadRequest, Head
from agent.core.httpvalues import parse_cookies
from agent.core.model import Sentence, told

MYPY = False
if MYPY:
    from typing import Any

JSON = "application/json; charset=utf-8"
PROBLEM = "application/problem+json; charset=utf-8"

Headers = list[tuple[str, str]]


class Problem(Exception):
    """An answer that says what is wrong and what to do; `kind` is the last part of its type address.

    "detail" is in English; where it has values, "sentence" is the same with "{}" for each, and they follow.
    """

    def __init__(self, status: int, kind: str, detail: str | Sentence, extra: dict[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = str(detail)
        self.extra = extra or {}
        if isinstance(detail, Sentence):
            self.extra["sentence"] = told(detail)
        self.headers: Headers = []

    def response(self) -> WebResponse:
        body = {
            "type": "/problems/" + self.kind,
            "title": REASONS[self.status],
            "status": self.status,
            "detail": self.detail,
        } | self.extra
        return WebResponse(self.status, dump(body), PROBLEM, self.headers)


class WebRequest:
    """One request with what is known of its connection.

    `peer` and `local` are textual addresses, `port` the local port, `secure` says TLS. `session` is set by the
    application once it knows who asks; `body` holds the whole body.
    """

    def __init__(self, head: Head, body: bytes, peer: str, local: str, port: int, secure: bool) -> None:
        self.head = head
        self.body = body
        self.peer = peer
        self.local = local
        self.port = port
        self.secure = secure
        self.session: Any = None

    @property
    def private(self) -> bool:
        """A password may travel here: TLS, or a connection that never leaves the router."""
        return self.secure or self.peer == self.local or self.peer == "::1" or self.peer.startswith("127.")

    def cookie(self, name: str) -> str:
        for key, value in parse_cookies(self.head.header("cookie")):
            if key == name:
                return value
        return ""

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an absent body is an empty one."""
        if not self.body:
            return {}
        if self.head.header("content-type").split(";")[0].strip().lower() != "application/json":
            raise Problem(415, "unsupported-media-type", "Send the body as application/json.")
        try:
            value = json.loads(self.body.decode(), parse_constant=_no_number)
            # Half a surrogate pair is JSON, but no text that could be hashed, stored or shown.
            dump(value)
        except (ValueError, RecursionError) as error:
            raise Problem(400, "bad-request", "The body is not valid JSON.") from error
        if not isinstance(value, dict):
            raise Problem(400, "bad-request", "The body must be a JSON object.")
        return value


class WebResponse:
    """`body` is sent at once; `more`, if any, is awaited for further pieces until it gives b"".

    `stream` is a filter for events (see sse.py): the connection then stays open and carries them, those missed since
    `asked` included.
    """

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        content_type: str = "",
        headers: Headers | None = None,
        more: Callable[[], Awaitable[bytes]] | None = None,
        stream: Callable[[dict[str, Any]], bool] | None = None,
        asked: str = "",
    ) -> None:
        self.status = status
        self.body = body
        self.headers = list(headers or [])
        if content_type:
            self.headers.append(("Content-Type", content_type))
        self.more = more
        self.stream = stream
        self.asked = asked


def dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _no_number(word: str) -> None:
    raise ValueError(word + " is not JSON")


def reply(value: Any, status: int = 200, headers: Headers | None = None) -> WebResponse:
    return WebResponse(status, dump(value), JSON, headers)


def bad_request(error: BadRequest) -> Problem:
    return Problem(error.status, "bad-request", str(error)[:1].upper() + str(error)[1:] + ".")


def body_text(body: dict[str, Any], name: str, longest: int) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not 0 < len(value.encode()) <= longest:
        raise Problem(422, "invalid", Sentence("{} must be a text of up to {} bytes.", name, longest), {"field": name})
    return value
