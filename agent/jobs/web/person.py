"""Handlers of /me: what the person behind a device sees and may do there.

What is recorded can be seen without any login. Content needs a PIN, because an address on the LAN can be
taken by another device; the PIN is set once with a code that the household's page shows.
"""

import time
from typing import Any

from agent.core.model import ADULT
from agent.jobs.web import limits, sse
from agent.jobs.web.account import Account
from agent.jobs.web.household import NO_STORE
from agent.jobs.web.messages import Problem, Request, Response, reply
from agent.jobs.web.tasks import Ask, Work

CODE_LIFE_S = 900
CODE_DIGITS = 8
# For how long a PIN just entered is enough for what can't be undone or shows everything.
FRESH_S = 300
# Three wrong codes and a new one must be made: a PIN code is read off a screen, not guessed.
CODE_TRIES = 3
PIN_MIN = 4
PIN_MAX = 64


class Person:
    def __init__(self, account: Account) -> None:
        self._account = account

    async def me(self, request: Request, own: dict[str, Any]) -> Response:
        device_id = own["device"]["id"]
        session = request.session
        entered = session is not None and session.device_id == device_id
        pin = {"set": self._pin(device_id) is not None, "entered": entered, "private": request.private}
        csrf = session.csrf if session else None
        return reply(own | {"pin": pin, "csrf": csrf}, headers=NO_STORE)

    async def my_events(self, _: Request, own: dict[str, Any]) -> Response:
        return sse.stream(lambda event: event.get("device_id") == own["device"]["id"])

    async def my_switch(
        self,
        request: Request,
        own: dict[str, Any],
        feature: str,
        on: bool = False,
        agree: int = 0,
        erase: bool = False,
    ) -> Response:
        """An adult's agreement, and their off, which takes effect at once and needs no PIN."""
        device_id = own["device"]["id"]
        arguments = {"address": request.peer, "feature": feature, "actor": f"me:{device_id}"}
        if not on:
            if erase:
                self._need_entered(request, device_id)
            return reply(await Ask("me.off", arguments | {"erase": erase}), headers=NO_STORE)
        if self._pin(device_id) is not None:
            self._need_entered(request, device_id)
        return reply(await Ask("me.agree", arguments | {"agree": agree}), headers=NO_STORE)

    async def my_request(self, request: Request, own: dict[str, Any], **what: Any) -> Response:
        value = await Ask("request.add", what | {"address": request.peer, "device_id": own["device"]["id"]})
        return reply(value, 201, NO_STORE)

    async def make_pin_code(self, _: Request, device_id: int) -> Response:
        """For the household's page: a code to be read out to the person; it also clears a forgotten PIN."""
        number = int.from_bytes(self._account.sodium.random(8), "big") % 10**CODE_DIGITS
        code = str(number).zfill(CODE_DIGITS)
        pins = self._account.vault.get("pins")
        row = {"code": code, "until": int(time.time()) + CODE_LIFE_S, "tries": 0}
        pin = pins.get(str(device_id), {})
        await self._account.vault.put("pins", pins | {str(device_id): pin | row})
        return reply({"code": code, "expires_at": row["until"]}, 201, NO_STORE)

    async def set_pin(self, request: Request, own: dict[str, Any]) -> Response:
        self._need_private(request)
        device_id = own["device"]["id"]
        body = request.json()
        code, pin = str(body.get("code", "")).replace(" ", ""), body.get("pin")
        if not isinstance(pin, str) or not PIN_MIN <= len(pin) <= PIN_MAX:
            raise Problem(422, "invalid", f"A PIN has {PIN_MIN} to {PIN_MAX} characters.", {"field": "pin"})
        await self._use_code(device_id, code)
        stored = await Work(self._account.sodium.hash_password, pin.encode())
        pins = self._account.vault.get("pins")
        await self._account.vault.put("pins", pins | {str(device_id): {"pin": stored}})
        await self._account.drop_device_sessions(device_id)
        return await self._account.open_for_device(request, device_id)

    async def enter_pin(self, request: Request, own: dict[str, Any]) -> Response:
        self._need_private(request)
        device_id = own["device"]["id"]
        stored = self._pin(device_id)
        if stored is None:
            raise Problem(409, "pin-needed", "No PIN is set yet. Ask for a code on the household's page.")
        who = f"pin:{device_id}:" + limits.source(request.peer)
        await self._account.may_try(who)
        given = str(request.json().get("pin", ""))[:PIN_MAX]
        if await Work(self._account.sodium.check_password, stored, given.encode()) is not True:
            raise Problem(401, "wrong-pin", "The PIN is not right.")
        await self._account.forgive(who)
        return await self._account.open_for_device(request, device_id)

    async def my_history(self, _: Request, own: dict[str, Any], **query: Any) -> Response:
        value = await Ask("history", query | {"device_id": own["device"]["id"]})
        return reply(value, headers=NO_STORE)

    async def my_attempts(self, _: Request, own: dict[str, Any], **query: Any) -> Response:
        device_id = own["device"]["id"]
        value = await Ask("attempts", query | {"device_id": device_id, "actor": f"me:{device_id}"})
        return reply(value, headers=NO_STORE)

    async def my_dispute(self, _: Request, own: dict[str, Any], id: int, undo: bool = False) -> Response:
        """Mark a visit of this device as wrong; one of another device is not there."""
        device_id = own["device"]["id"]
        page = await Ask("history", {"device_id": device_id, "after": str(id + 1), "limit": 1})
        if [row["id"] for row in page["items"]] != [id]:
            raise Problem(404, "not-found", "There is no such visit.")
        value = await Ask("visit.dispute", {"id": id, "undo": undo, "actor": f"me:{device_id}"})
        return reply(value, headers=NO_STORE)

    async def my_erase(self, request: Request, own: dict[str, Any], **what: Any) -> Response:
        """An adult's own records, without switching anything; a child or teen asks the household (request.add)."""
        person = own["device"]["person"]
        if person is None or person["group"] != ADULT:
            raise Problem(403, "forbidden", "Only an adult can erase it here; you can ask the household to do it.")
        self.need_fresh(request)
        device_id = own["device"]["id"]
        return reply(await Ask("erase", what | {"device_id": device_id, "actor": f"me:{device_id}"}), headers=NO_STORE)

    def need_fresh(self, request: Request) -> None:
        if not 0 <= time.time() - request.session.at < FRESH_S:
            raise Problem(401, "pin", "Enter your PIN again for this.")

    def _pin(self, device_id: int) -> str | None:
        pin: str | None = self._account.vault.get("pins").get(str(device_id), {}).get("pin")
        return pin

    async def _use_code(self, device_id: int, given: str) -> None:
        pins = self._account.vault.get("pins")
        row = pins.get(str(device_id), {})
        if "code" not in row or row["until"] < time.time() or row["tries"] >= CODE_TRIES:
            raise Problem(403, "wrong-code", "There is no valid code. Make one on the household's page.")
        if not self._account.sodium.same(row["code"].encode(), given.encode()):
            counted = row | {"tries": row["tries"] + 1}
            await self._account.vault.put("pins", pins | {str(device_id): counted})
            raise Problem(403, "wrong-code", "This code is not right.")

    def _need_entered(self, request: Request, device_id: int) -> None:
        if request.session is None or request.session.device_id != device_id:
            raise Problem(401, "pin", "Enter your PIN first.")

    def _need_private(self, request: Request) -> None:
        if not request.private:
            raise Problem(403, "use-https", "A PIN is accepted over HTTPS only.")
