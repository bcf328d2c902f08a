"""Two-step sign-in: codes of an authenticator app, each good once, and recovery codes for a lost phone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from agent.jobs.web import sessions, totp
from agent.jobs.web.http_types import Problem, WebRequest, WebResponse, body_text, reply
from agent.jobs.web.vault import Vault
from agent.platform.sodium import Sodium

MYPY = False
if MYPY:
    from typing import Any


class SecondFactor:
    """Kept inside the account's value: the secret, the last step used, hashes of the recovery codes.

    `now()` gives wall seconds, `drop(sessions)` ends them, `take_back(who)` takes back a try that was counted.
    """

    def __init__(
        self,
        vault: Vault,
        sodium: Sodium,
        now: Callable[[], int],
        drop: Callable[[list[str]], Awaitable[None]],
        take_back: Callable[[str], Awaitable[None]],
    ) -> None:
        self._vault = vault
        self._sodium = sodium
        self._now = now
        self._drop = drop
        self._take_back = take_back

    async def offer(self, _: WebRequest) -> WebResponse:
        """A fresh secret, not in force until a code made with it comes back."""
        secret = self._sodium.random(totp.SECRET_BYTES)
        account = self._vault.get("account")
        await self._vault.put("account", account | {"totp_offer": secret.hex()})
        return reply({"secret": totp.base32(secret), "uri": totp.uri(secret, "household")})

    async def start(self, request: WebRequest) -> WebResponse:
        account = dict(self._vault.get("account"))
        secret = bytes.fromhex(account.pop("totp_offer", ""))
        given = body_text(request.json(), "code", 16)
        step = totp.matching_step(secret, given, self._now(), 0) if secret else None
        if step is None:
            raise Problem(422, "wrong-code", "This code does not fit. Check the time of the phone and of the router.")
        codes = [totp.recovery_code(self._sodium.random(totp.RECOVERY_BYTES)) for _ in range(totp.RECOVERY_CODES)]
        account |= {"totp": {"secret": secret.hex(), "step": step}}
        account |= {"recovery": [sessions.session_id(code) for code in codes]}
        await self._vault.put("account", account)
        await self._drop([key for key in self._vault.get("sessions") if key != request.session.id])
        return reply({"recovery_codes": codes}, 201)

    async def stop(self, _: WebRequest) -> WebResponse:
        account = self._vault.get("account")
        gone = ("totp", "totp_offer", "recovery")
        await self._vault.put("account", {key: account[key] for key in account if key not in gone})
        return WebResponse(204)

    async def check(self, body: dict[str, Any], who: str) -> None:
        given = totp.as_printed(str(body.get("code", "")))
        if not given:
            # Asking for the code is no failure. Wrong codes before stay counted, or guessing them would cost nothing.
            await self._take_back(who)
            raise Problem(401, "code-needed", "Enter the code of your authenticator app.")
        # Read again: while the password was checked, somebody may have used this very code.
        account = self._vault.get("account")
        factor = account["totp"]
        step = totp.matching_step(bytes.fromhex(factor["secret"]), given, self._now(), factor["step"])
        if step is not None:
            await self._vault.put("account", account | {"totp": factor | {"step": step}})
            return
        used = sessions.session_id(given)
        if used not in account["recovery"]:
            raise Problem(401, "wrong-code", "This code is not right, or it was used before.")
        left = [one for one in account["recovery"] if one != used]
        await self._vault.put("account", account | {"recovery": left})
