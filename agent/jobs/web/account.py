"""Signing in and out: setup, password, two-step sign-in, sessions, and the confirmation before what can't be undone."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from agent.core.http import Head
from agent.core.httpvalues import parse_cookies
from agent.jobs.web import passwords, sessions, throttle
from agent.jobs.web.effects import Ask, ControlRefused, Work
from agent.jobs.web.http_types import Problem, WebRequest, WebResponse, body_text, reply
from agent.jobs.web.second_factor import SecondFactor
from agent.jobs.web.sessions import DEVICE, HOUSEHOLD, WebSession
from agent.jobs.web.vault import Vault
from agent.platform.sodium import Sodium

MYPY = False
if MYPY:
    from typing import Any

# How long "yes, it is me" holds for export, erase, opt-in and two-step sign-in.
CONFIRMED_S = 300
TRUSTED_MAX = 16
SECURE_COOKIE = "__Host-session"
LOCAL_COOKIE = "session"

WEAK = {
    "too_short": "Use at least 10 characters. A short sentence is a good password.",
    "too_long": "Use at most 256 bytes.",
    "too_simple": "This repeats or counts. Mix different characters or words.",
    "too_common": "This is one of the first that people guess. Put several words together.",
}


class Account:
    """The household's one account. All of its state lives in the vault, but confirmations, which end with the job."""

    def __init__(self, vault: Vault, sodium: Sodium, has_tls: bool, wall: Callable[[], float] = time.time) -> None:
        self.has_tls = has_tls
        self.vault = vault
        self.sodium = sodium
        self._wall = wall
        self._confirmed: dict[str, float] = {}  # session → until when
        self._words: dict[str, str] = {}  # session → the daemon's word for the password
        self.second = SecondFactor(vault, sodium, lambda: self.now, self.drop, self.take_back)

    @property
    def now(self) -> int:
        return int(self._wall())

    @property
    def exists(self) -> bool:
        return bool(self.vault.get("account"))

    # Who asks

    async def identify(self, request: WebRequest) -> WebSession | None:
        """The session of a request's cookie; its last-seen time is written now and then."""
        await self.vault.refresh()
        if not request.private:
            return None
        token = request.cookie(SECURE_COOKIE if request.secure else LOCAL_COOKIE)
        rows = self.vault.get("sessions")
        session = sessions.find(rows, token, self.now)
        if session is not None and self.now - session.seen >= sessions.SEEN_EVERY_S:
            seen = rows[session.id] | {"seen": self.now, "address": request.peer}
            await self.vault.put("sessions", rows | {session.id: seen})
        return session

    def may_restore(self, head: Head, secure: bool) -> bool:
        """Whether a head carries a household session's cookie. Problem where the password has to be given again."""
        name = SECURE_COOKIE if secure else LOCAL_COOKIE
        tokens = [value for key, value in parse_cookies(head.header("cookie")) if key == name]
        found = [sessions.find(self.vault.get("sessions"), token, self.now) for token in tokens]
        household = [one for one in found if one is not None and one.kind == HOUSEHOLD]
        if household and not any(map(self.is_confirmed, household)):
            raise Problem(403, "confirm", "Enter the password again for this.")
        return bool(household)

    def is_open(self, session: WebSession) -> bool:
        """Whether a session that was found earlier has not ended since."""
        row = self.vault.get("sessions").get(session.id)
        return row is not None and sessions.is_alive(row, self.now)

    def check_csrf(self, request: WebRequest, session: WebSession) -> None:
        given = request.head.header("x-csrf-token")
        if not self.sodium.same(given.encode(), session.csrf.encode()):
            raise Problem(403, "csrf", "The page is out of date. Load it again.")

    def is_confirmed(self, session: WebSession) -> int:
        """Seconds that the last confirmation still holds, 0 when none does."""
        return max(0, int(self._confirmed.get(session.id, 0) - time.monotonic()))

    def proof(self, request: WebRequest) -> dict[str, Any]:
        """What the daemon wants to hear with what needs the password: its word, and who asks."""
        return {"proof": self._words.get(request.session.id), "actor": "web:" + request.session.label}

    # Handlers

    async def show(self, request: WebRequest) -> WebResponse:
        """What the page needs to know first."""
        session = request.session
        state: dict[str, Any] = {
            "signed_in": session is not None,
            "kind": session.kind if session else None,
            "setup_needed": not self.exists,
            "private": request.private,
            "secure": request.secure,
            "tls": self.has_tls,
            "csrf": session.csrf if session else None,
            "label": session.label if session else None,
            "confirmed_s": self.is_confirmed(session) if session else 0,
            "totp": session is not None and "totp" in self.vault.get("account"),
        }
        return reply(state, headers=[("Cache-Control", "no-store")])

    async def set_up(self, request: WebRequest) -> WebResponse:
        """A setup code and a new password: the first start, or a way back in for whoever owns the router."""
        self._need_private(request)
        body = request.json()
        password = body_text(body, "password", passwords.BYTES_MAX)
        self._need_strong(password)
        who = await self._who(request)
        await self.may_try(who)
        try:
            await Ask("setup.check", {"code": body_text(body, "code", 64).strip()})
        except ControlRefused as error:
            if error.code == "forbidden":
                raise Problem(403, "wrong-code", "This is not the setup code.") from error
            raise
        await self.forgive(who)
        stored = await Work(self.sodium.hash_password, password.encode())
        await self.vault.put("sessions", {})
        await self.vault.put("account", {"password": stored, "trusted": [who], "since": self.now})
        return await self._open(request, HOUSEHOLD, None, 201)

    async def sign_in(self, request: WebRequest) -> WebResponse:
        body = request.json()
        who = await self._check(request, body)
        await self._trust(who)
        return await self._open(request, HOUSEHOLD, None, 201)

    async def confirm(self, request: WebRequest) -> WebResponse:
        await self._check(request, request.json())
        self._words[request.session.id] = await self._prove(request, request.json())
        self._confirmed[request.session.id] = time.monotonic() + CONFIRMED_S
        return reply({"confirmed_s": CONFIRMED_S})

    async def _prove(self, request: WebRequest, body: dict[str, Any]) -> str:
        """The daemon's word for the password, which it checks itself: this job could be somebody else's. Without one
        the daemon will refuse what needs it."""
        what = {"password": body_text(body, "password", passwords.BYTES_MAX), "actor": "web:" + request.session.label}
        try:
            return str((await Ask("web.prove", what))["proof"])
        except ControlRefused as error:
            if error.code == "busy":
                raise
            return ""

    async def sign_out(self, request: WebRequest) -> WebResponse:
        if request.session is not None:
            await self.drop([request.session.id])
        return WebResponse(204, headers=[self._cookie(request, "", 0)])

    async def list_sessions(self, request: WebRequest) -> WebResponse:
        rows = self.vault.get("sessions")
        items = [
            {
                "label": key[:8],
                "kind": row["kind"],
                "device_id": row["device_id"],
                "browser": row["browser"],
                "address": row["address"],
                "at": row["at"],
                "seen_at": row["seen"],
                "this": key == request.session.id,
            }
            for key, row in rows.items()
            if sessions.is_alive(row, self.now)
        ]
        items.sort(key=lambda item: (-item["seen_at"], item["label"]))
        return reply({"items": items})

    async def end_session(self, _: WebRequest, label: str) -> WebResponse:
        found = [key for key in self.vault.get("sessions") if key[:8] == label]
        if not found:
            raise Problem(404, "not-found", "There is no such session.")
        await self.drop(found)
        return WebResponse(204)

    async def end_all(self, request: WebRequest) -> WebResponse:
        """Sign out everywhere, here too."""
        await self.drop(list(self.vault.get("sessions")))
        return WebResponse(204, headers=[self._cookie(request, "", 0)])

    async def change_password(self, request: WebRequest) -> WebResponse:
        """Needs the present one; every other session ends."""
        body = request.json()
        password = body_text(body, "new_password", passwords.BYTES_MAX)
        self._need_strong(password)
        await self._check(request, body)
        proof = {"proof": await self._prove(request, body), "actor": "web:" + request.session.label}
        stored = await Work(self.sodium.hash_password, password.encode())
        await self.vault.put("account", self.vault.get("account") | {"password": stored}, proof)
        await self.drop([key for key in self.vault.get("sessions") if key != request.session.id])
        return WebResponse(204)

    # PINs of the people behind the devices

    async def open_for_device(self, request: WebRequest, device_id: int) -> WebResponse:
        return await self._open(request, DEVICE, device_id, 201)

    async def drop_device_sessions(self, device_id: int) -> None:
        rows = self.vault.get("sessions")
        await self.drop([key for key in rows if rows[key]["device_id"] == device_id])

    # Steps

    async def _check(self, request: WebRequest, body: dict[str, Any]) -> str:
        """Password and, with two-step sign-in, the code; the try counts before it is checked."""
        self._need_private(request)
        password = body_text(body, "password", passwords.BYTES_MAX)
        who = await self._who(request)
        await self.may_try(who)
        account = self.vault.get("account")
        if not account:
            raise Problem(409, "setup-needed", "No password is set yet. Use a setup code first.")
        right = await Work(self.sodium.check_password, account["password"], password.encode())
        if right is not True:
            raise Problem(401, "wrong-password", "The password is not right.")
        if "totp" in account:
            await self.second.check(body, who)
        await self.forgive(who)
        return who

    async def _who(self, request: WebRequest) -> str:
        """Whose failures a try counts among: a device that was added, else the whole address. By a /64, one guesser
        would lock out everybody at home; many addresses of one guesser count together all the same."""
        try:
            own = await Ask("me", {"address": request.peer})
        except ControlRefused:
            return request.peer
        return f"device:{own['device']['id']}"

    async def may_try(self, who: str) -> None:
        """Refuse, or count a failure in advance, so that tries at the same time share one count."""
        table = throttle.rebased(self.vault.get("failures"), self.now)
        trusted = who in self.vault.get("account").get("trusted", [])
        wait = throttle.wait_s(table, who, self.now, trusted)
        if wait:
            problem = Problem(429, "too-many-tries", "Too many tries. Wait a little.", {"wait_s": wait})
            problem.headers.append(("Retry-After", str(wait)))
            raise problem
        await self.vault.put("failures", throttle.failed(table, who, self.now))

    async def forgive(self, who: str) -> None:
        await self.vault.put("failures", throttle.succeeded(self.vault.get("failures"), who))

    async def take_back(self, who: str) -> None:
        await self.vault.put("failures", throttle.taken_back(self.vault.get("failures"), who))

    async def _trust(self, who: str) -> None:
        account = self.vault.get("account")
        if who not in account["trusted"]:
            trusted = [*account["trusted"], who][-TRUSTED_MAX:]
            with contextlib.suppress(ControlRefused):
                # A courtesy for later; no reason to turn anybody away from a full disk.
                await self.vault.put("account", account | {"trusted": trusted})

    async def _open(self, request: WebRequest, kind: str, device_id: int | None, status: int) -> WebResponse:
        # A session that was there before ends: its token may be known to somebody (fixation).
        rows = self.vault.get("sessions")
        if request.session is not None:
            rows = {key: row for key, row in rows.items() if key != request.session.id}
        token = self.sodium.random(sessions.TOKEN_BYTES).hex()
        row = {
            "kind": kind,
            "device_id": device_id,
            "browser": sessions.browser(request.head.header("user-agent")),
            "address": request.peer,
            "at": self.now,
            "seen": self.now,
        }
        await self.vault.put("sessions", sessions.added(rows, token, row, self.now))
        request.session = WebSession(token, row)
        response = await self.show(request)
        response.status = status
        response.headers.append(self._cookie(request, token, sessions.LIFE_S))
        return response

    async def drop(self, ids: list[str]) -> None:
        rows = self.vault.get("sessions")
        await self.vault.put("sessions", {key: rows[key] for key in rows if key not in ids})

    def _cookie(self, request: WebRequest, token: str, age_s: int) -> tuple[str, str]:
        name = SECURE_COOKIE if request.secure else LOCAL_COOKIE
        text = f"{name}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age_s}"
        return ("Set-Cookie", text + "; Secure" if request.secure else text)

    def _need_private(self, request: WebRequest) -> None:
        if not request.private:
            raise Problem(403, "use-https", "Passwords are accepted over HTTPS only, or from the router itself.")

    def _need_strong(self, password: str) -> None:
        weakness = passwords.weakness(password)
        if weakness:
            raise Problem(422, "weak-password", WEAK[weakness], {"reason": weakness})
