"""The application: every request passes the same gates in the same order, then a handler or the daemon answers.

Order: Host (rebinding) → static file, the button of a refusal page, or route → Origin → who asks → CSRF → right →
arguments → answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from agent.control.errors import ERRORS
from agent.control.operations import OPERATIONS
from agent.core.http import BadRequest, Head
from agent.core.httpvalues import parse_query
from agent.core.model import Sentence
from agent.jobs.web import origin, schema, unblock_button
from agent.jobs.web.account import Account
from agent.jobs.web.backup import FILE_MAX
from agent.jobs.web.effects import Ask, ControlRefused
from agent.jobs.web.http_types import Problem, WebRequest, WebResponse, bad_request, reply
from agent.jobs.web.routes import BODY_MAX, CONFIRMED, HOUSEHOLD, OWN, PERSON, PUBLIC, ROUTES, Route
from agent.jobs.web.sessions import DEVICE
from agent.jobs.web.sessions import HOUSEHOLD as HOUSEHOLD_SESSION
from agent.jobs.web.static import PAGES, Files

MYPY = False
if MYPY:
    from typing import Any

RESTORE = "/api/v1/restore"

Handler = Callable[..., Awaitable[WebResponse]]


class Api:
    """`handlers` maps the dotted names of the route table to functions."""

    def __init__(
        self,
        account: Account,
        files: Files,
        handlers: dict[str, Handler],
        names: tuple[str, ...],
    ) -> None:
        self._account = account
        self._files = files
        self._names = names
        self._routes = [(route, route.path.split("/"), handlers.get(route.op)) for route in ROUTES]

    def body_limit(self, head: Head, secure: bool) -> int:
        """Bytes that a request may bring, known before they come; a whole backup needs the right to bring it back."""
        if head.length <= BODY_MAX or head.method != "POST" or head.path != RESTORE:
            return BODY_MAX
        return FILE_MAX if self._account.may_restore(head, secure) else BODY_MAX

    def event(self, event: dict[str, Any]) -> None:
        if event.get("event") == "web":
            self._account.vault.mark_stale()

    async def respond(self, request: WebRequest) -> WebResponse:
        try:
            return await self._answer(request)
        except Problem as problem:
            return problem.response()
        except BadRequest as error:
            return bad_request(error).response()
        except ControlRefused as error:
            return problem_of(error).response()

    async def _answer(self, request: WebRequest) -> WebResponse:
        head = request.head
        origin.check_host(head, request.local, self._names)
        file = self._files.find(head.path)
        if file is not None:
            if head.method not in ("GET", "HEAD"):
                raise _not_allowed("GET, HEAD")
            return self._to_https(request) or self._files.respond(head, file)
        if head.path == unblock_button.PATH:
            return await unblock_button.ask(request)
        route, handler, found = self._route(head)
        origin.check_origin(head, request.secure)
        request.session = await self._account.identify(request)
        self._check_csrf(request, route)
        arguments = await self._check_access(request, route)
        arguments |= found
        arguments |= schema.from_query(parse_query(head.query), route.query, route.op)
        if handler is not None:
            if route.body:
                arguments |= schema.from_body(request.json(), route.body, route.op)
            return await handler(request, **arguments)
        return await self._forward(request, route, arguments)

    def _to_https(self, request: WebRequest) -> WebResponse | None:
        """The signed-in page over plain HTTP moves to TLS; /me stays, it needs no secret to tell the truth."""
        if request.private or not self._account.has_tls or request.head.path not in PAGES or request.head.path == "/me":
            return None
        place = "https://" + request.head.header("host") + request.head.path
        return WebResponse(307, headers=[("Location", place), ("Cache-Control", "no-store")])

    def _route(self, head: Head) -> tuple[Route, Handler | None, dict[str, Any]]:
        parts = head.path.split("/")
        allowed = []
        method = "GET" if head.method == "HEAD" else head.method
        for route, pattern, handler in self._routes:
            found = _match(pattern, parts)
            if found is None:
                continue
            if route.method == method:
                values = {name: schema.from_path(name, value, route.op) for name, value in found}
                return route, handler, values
            allowed.append(route.method)
        if allowed:
            raise _not_allowed(", ".join(sorted(set(allowed))))
        raise Problem(404, "not-found", "There is nothing at this address.")

    def _check_csrf(self, request: WebRequest, route: Route) -> None:
        if route.method in origin.UNSAFE and request.session is not None:
            signing_in = route.access in (PUBLIC, PERSON) and route.method == "POST"
            if not signing_in:
                self._account.check_csrf(request, request.session)

    async def _check_access(self, request: WebRequest, route: Route) -> dict[str, Any]:
        """What the access level adds to the arguments; Problem when it is not met."""
        session = request.session
        if route.access == PUBLIC:
            return {}
        if route.access in (HOUSEHOLD, CONFIRMED):
            if session is None or session.kind != HOUSEHOLD_SESSION:
                raise Problem(401, "sign-in", "Sign in first.")
            if route.access == CONFIRMED and not self._account.is_confirmed(session):
                raise Problem(403, "confirm", "Enter the password again for this.")
            return {}
        return {"own": await self._own_device(request, route)}

    async def _own_device(self, request: WebRequest, route: Route) -> dict[str, Any]:
        """The device that this request comes from; its content only with a session made by its PIN."""
        try:
            own: dict[str, Any] = await Ask("me", {"address": request.peer})
        except ControlRefused as error:
            if error.code != "not_found":
                raise
            raise Problem(
                404, "not-enrolled", "Privacy Agent does not manage this device: nothing of it is recorded."
            ) from error
        if route.access == OWN:
            session = request.session
            if session is None or session.kind != DEVICE or session.device_id != own["device"]["id"]:
                raise Problem(401, "pin", "Enter your PIN first.")
        return own

    async def _forward(self, request: WebRequest, route: Route, arguments: dict[str, Any]) -> WebResponse:
        if route.method in origin.UNSAFE:
            arguments |= schema.from_body(request.json(), route.body, route.op)
        if route.actor:
            arguments["actor"] = "web:" + request.session.label
        if route.access == CONFIRMED and OPERATIONS[route.op].proven:
            arguments |= self._account.proof(request)
        value = await Ask(route.op, arguments)
        return reply(value, route.status, [("Cache-Control", "no-store")])


def problem_of(error: ControlRefused) -> Problem:
    """A refusal of the daemon in HTTP's words."""
    if error.detail.get("needs") == "password":
        return Problem(403, "confirm", "Enter the password again for this.")
    status = ERRORS.get(error.code, ERRORS["internal"])[0]
    problem = Problem(status, error.code.replace("_", "-"), error.message, error.detail)
    if error.code == "busy":
        problem.headers.append(("Retry-After", "2"))
    return problem


def _not_allowed(methods: str) -> Problem:
    problem = Problem(405, "method-not-allowed", Sentence("This address takes {}.", methods))
    problem.headers.append(("Allow", methods))
    return problem


def _match(pattern: list[str], parts: list[str]) -> list[tuple[str, str]] | None:
    """("devices", "{id}") against ("devices", "7") → [("id", "7")]; None when it does not fit."""
    if len(pattern) != len(parts):
        return None
    found = []
    for expected, part in zip(pattern, parts, strict=True):
        if expected.startswith("{"):
            found.append((expected[1:-1], part))
        elif expected != part:
            return None
    return found
