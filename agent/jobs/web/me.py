"""Handlers of /me: what the person behind a device sees and may do there.

That something is recorded can be seen without any login. What, and how much, needs a PIN, because an address on the LAN
can be taken by another device; the PIN is set once with a code that Privacy Agent shows.
"""

from __future__ import annotations

import time

from agent.core.model import ADULT, Sentence
from agent.jobs.web import sse, throttle, without_pin
from agent.jobs.web.account import Account
from agent.jobs.web.effects import Ask, ControlRefused, Work
from agent.jobs.web.handlers import NO_STORE
from agent.jobs.web.http_types import Problem, WebRequest, WebResponse, reply

MYPY = False
if MYPY:
    from typing import Any

CODE_LIFE_S = 900
CODE_DIGITS = 8
# For how long a PIN just entered is enough for what can't be undone or shows everything.
FRESH_S = 300
# For how long one is enough for agreeing; the daemon's word for it holds a little longer.
PROVEN_S = 600
# Three wrong codes and a new one must be made: a PIN code is read off a screen, not guessed.
CODE_TRIES = 3
PIN_MIN = 4
PIN_MAX = 64


class MeHandlers:
    def __init__(self, account: Account) -> None:
        self._account = account
        self._proofs: dict[str, tuple[str, float]] = {}  # session → the daemon's word for its PIN, until when

    async def me(self, request: WebRequest, own: dict[str, Any]) -> WebResponse:
        device_id = own["device"]["id"]
        session = request.session
        entered = self._entered(request, device_id)
        pin = {
            "set": self._pin(device_id) is not None,
            "entered": entered,
            "private": request.private,
            "left": "left" in self._row(device_id),
            "proven": entered and self._word(request) is not None,
        }
        csrf = session.csrf if session else None
        if entered:
            person = without_pin.person(own["device"].get("person"), ("name", "group"))
            shown = own | {"device": own["device"] | {"person": person}}
        else:
            shown = without_pin.own(own, pin["set"])
        return reply(shown | {"pin": pin, "csrf": csrf}, headers=NO_STORE)

    async def my_events(self, request: WebRequest, own: dict[str, Any], asked: str = "") -> WebResponse:
        """Without the PIN only what switches and messages do: not when the device is used, nor for what."""
        device_id = own["device"]["id"]
        entered = self._entered(request, device_id)
        return sse.stream(
            lambda event: event.get("device_id") == device_id and (entered or event.get("event") in without_pin.EVENTS),
            asked,
        )

    async def my_switch(
        self,
        request: WebRequest,
        own: dict[str, Any],
        feature: str,
        on: bool = False,
        agree: int = 0,
        erase: bool = False,
        pin: str = "",
    ) -> WebResponse:
        """An adult's agreement, and their off, which takes effect at once and needs no PIN. The first agreement sets
        the PIN, so that nobody who takes the device's address agrees after them."""
        device_id = own["device"]["id"]
        arguments = {"address": request.peer, "feature": feature, "actor": f"me:{device_id}"}
        if not on:
            if erase:
                self._need_entered(request, device_id)
                arguments |= self.proof(request)
            value = await self._ask_proven("me.off", arguments | {"erase": erase})
            return reply(value if self._entered(request, device_id) else without_pin.switched(value), headers=NO_STORE)
        if self._pin(device_id) is not None:
            word = await self._proof(request, device_id, str(self._pin(device_id)), pin, False)
            value = await self._ask_proven("me.agree", arguments | {"agree": agree, "proof": word})
            return reply(value, headers=NO_STORE)
        return await self._agree_first(request, device_id, arguments | {"agree": agree}, pin)

    async def _ask_proven(self, op: str, arguments: dict[str, Any]) -> Any:
        try:
            return await Ask(op, arguments)
        except ControlRefused as error:
            if error.detail.get("needs") == "pin":
                raise Problem(401, "pin", "Enter your PIN again for this.", {"field": "pin"}) from error
            raise

    async def _proof(self, request: WebRequest, device_id: int, secret: str, pin: str, anew: bool) -> str | None:
        """The word for the PIN that is given, or, unless `anew`, for one entered a moment ago in this session."""
        if not anew:
            self._need_entered(request, device_id)
            if not pin:
                return self._word(request)
        self._need_private(request)
        await self._check_pin(request, device_id, secret, pin)
        word = await self._prove(request, pin)
        if not anew:
            self._keep(request, word)
        return word

    def proof(self, request: WebRequest) -> dict[str, Any]:
        return {"proof": self._word(request)}

    def _word(self, request: WebRequest) -> str | None:
        word, until = self._proofs.get(request.session.id, (None, 0.0))
        return word if time.monotonic() < until else None

    async def _prove(self, request: WebRequest, pin: str) -> str | None:
        """The daemon's word for the PIN of the device that asks; it checks it itself."""
        try:
            told = await Ask("me.prove", {"address": request.peer, "pin": pin[:PIN_MAX]})
        except ControlRefused:
            return None
        return str(told["proof"])

    async def _opened(self, request: WebRequest, own: dict[str, Any], pin: str) -> WebResponse:
        """A session for the PIN just given; what needs it is proven to the daemon, so it is told it too."""
        word = await self._prove(request, pin)
        response = await self._account.open_for_device(request, own["device"]["id"])
        self._keep(request, word)
        return response

    def _keep(self, request: WebRequest, word: str | None) -> None:
        open_ones = self._account.vault.get("sessions")
        self._proofs = {key: one for key, one in self._proofs.items() if key in open_ones}
        if word is not None:
            self._proofs[request.session.id] = (word, time.monotonic() + PROVEN_S)

    async def _agree_first(
        self, request: WebRequest, device_id: int, arguments: dict[str, Any], pin: str
    ) -> WebResponse:
        if not pin:
            raise Problem(409, "pin-needed", "Choose a PIN with it: the first agreement sets it.", {"field": "pin"})
        self._need_private(request)
        row = self._row(device_id)
        await self._put_pin(device_id, pin)
        try:
            word = await self._prove(request, pin)
            value = await Ask("me.agree", arguments | {"proof": word})
        except ControlRefused:
            await self._put_row(device_id, row, {"proof": word})
            raise
        opened = await self._account.open_for_device(request, device_id)
        self._keep(request, word)
        cookies = [header for header in opened.headers if header[0] == "Set-Cookie"]
        return reply(value, headers=[*NO_STORE, *cookies])

    async def my_confirmation(self, request: WebRequest, own: dict[str, Any], pin: str = "") -> WebResponse:
        """The adult agrees to what was decided about them or this device: with the PIN that there was then."""
        device_id = own["device"]["id"]
        arguments: dict[str, Any] = {"address": request.peer, "actor": f"me:{device_id}"}
        left = self._row(device_id).get("left")
        secret = self._pin(device_id) if left is None else left
        if secret is not None:
            word = await self._proof(request, device_id, secret, pin, left is not None)
            arguments |= {"proof": word}
        row = await self._ask_proven("me.confirm", arguments)
        return reply(row if self._entered(request, device_id) else without_pin.device(row), headers=NO_STORE)

    async def my_request(self, request: WebRequest, own: dict[str, Any], **what: Any) -> WebResponse:
        value = await Ask("request.add", what | {"address": request.peer, "device_id": own["device"]["id"]})
        return reply(value, 201, NO_STORE)

    async def my_time_code(self, request: WebRequest, own: dict[str, Any], **what: Any) -> WebResponse:
        return reply(await Ask("me.code", what | {"address": request.peer}), 201, NO_STORE)

    async def my_limits(
        self, request: WebRequest, own: dict[str, Any], windows: Any = None, agree: int = 0, pin: str = ""
    ) -> WebResponse:
        """An adult's own times: their own word, so it takes their PIN."""
        device_id = own["device"]["id"]
        stored = self._pin(device_id)
        if stored is None:
            raise Problem(409, "pin-needed", "No PIN is set yet. Ask the person who manages this network for a code.")
        word = await self._proof(request, device_id, stored, pin, False)
        what = {"windows": windows, "agree": agree, "actor": f"me:{device_id}", "proof": word}
        return reply(await self._ask_proven("me.limits", what | {"address": request.peer}), headers=NO_STORE)

    async def my_week_file(self, request: WebRequest, own: dict[str, Any]) -> WebResponse:
        return reply(await Ask("me.week_file", {"address": request.peer}), headers=NO_STORE)

    async def my_week_file_join(
        self, request: WebRequest, own: dict[str, Any], terms: str = "", agree: int = 0, pin: str = ""
    ) -> WebResponse:
        """An adult's own word, with their PIN."""
        device_id = own["device"]["id"]
        stored = self._pin(device_id)
        if stored is None:
            raise Problem(409, "pin-needed", "No PIN is set yet. Ask the person who manages this network for a code.")
        word = await self._proof(request, device_id, stored, pin, False)
        what = {"address": request.peer, "terms": terms, "agree": agree, "proof": word}
        return reply(await self._ask_proven("me.week_file_join", what), headers=NO_STORE)

    async def my_week_file_leave(self, request: WebRequest, own: dict[str, Any]) -> WebResponse:
        await Ask("me.week_file_leave", {"address": request.peer})
        return reply({}, headers=NO_STORE)

    async def make_pin_code(self, request: WebRequest, device_id: int) -> WebResponse:
        """For whoever is signed in: a code to be read out to the person; to replace a PIN it takes the password."""
        if self._pin(device_id) is not None and not self._account.is_confirmed(request.session):
            raise Problem(403, "confirm", "Enter the password again for this.")
        number = int.from_bytes(self._account.sodium.random(8), "big") % 10**CODE_DIGITS
        code = str(number).zfill(CODE_DIGITS)
        row = {"code": code, "until": int(time.time()) + CODE_LIFE_S, "tries": 0}
        await self._put_row(device_id, self._row(device_id) | row, self._account.proof(request))
        return reply({"code": code, "expires_at": row["until"]}, 201, NO_STORE)

    async def set_pin(self, request: WebRequest, own: dict[str, Any]) -> WebResponse:
        self._need_private(request)
        device_id = own["device"]["id"]
        body = request.json()
        code, pin = str(body.get("code", "")).replace(" ", ""), body.get("pin")
        if not isinstance(pin, str) or not PIN_MIN <= len(pin) <= PIN_MAX:
            raise Problem(
                422, "invalid", Sentence("A PIN has {} to {} characters.", PIN_MIN, PIN_MAX), {"field": "pin"}
            )
        await self._use_code(device_id, code)
        await self._put_pin(device_id, pin)
        await self._account.drop_device_sessions(device_id)
        return await self._opened(request, own, pin)

    async def enter_pin(self, request: WebRequest, own: dict[str, Any]) -> WebResponse:
        self._need_private(request)
        device_id = own["device"]["id"]
        stored = self._pin(device_id)
        if stored is None:
            raise Problem(409, "pin-needed", "No PIN is set yet. Ask the person who manages this network for a code.")
        given = str(request.json().get("pin", ""))
        await self._check_pin(request, device_id, stored, given)
        return await self._opened(request, own, given)

    async def _check_pin(self, request: WebRequest, device_id: int, stored: str, given: str) -> None:
        who = throttle.pin_of(device_id, request.peer)
        await self._account.may_try(who)
        if await Work(self._account.sodium.check_password, stored, given[:PIN_MAX].encode()) is not True:
            raise Problem(401, "wrong-pin", "The PIN is not right.")
        await self._account.forgive(who)

    async def my_history(self, request: WebRequest, own: dict[str, Any], **query: Any) -> WebResponse:
        value = await Ask("history", query | as_person(request, own))
        return reply(value, headers=NO_STORE)

    async def my_week(self, request: WebRequest, own: dict[str, Any], **query: Any) -> WebResponse:
        value = await Ask("week", query | as_person(request, own))
        return reply(value, headers=NO_STORE)

    async def my_attempts(self, request: WebRequest, own: dict[str, Any], **query: Any) -> WebResponse:
        value = await Ask("blocked", query | as_person(request, own))
        return reply(value, headers=NO_STORE)

    async def my_usage(self, request: WebRequest, own: dict[str, Any], **query: Any) -> WebResponse:
        return reply(await Ask("usage.days", query | as_person(request, own)), headers=NO_STORE)

    async def my_bonus(self, request: WebRequest, own: dict[str, Any]) -> WebResponse:
        """Minutes from the bank that the household filled."""
        return reply(await Ask("me.bonus", {"address": request.peer}), 201, NO_STORE)

    async def my_dispute(self, request: WebRequest, own: dict[str, Any], id: int, undo: bool = False) -> WebResponse:
        """Mark a visit of this device as wrong; one of another device is not there."""
        mine = as_person(request, own)
        page = await Ask("history", mine | {"visit": id, "limit": 1})
        if [row["id"] for row in page["items"]] != [id]:
            raise Problem(404, "not-found", "There is no such visit.")
        value = await Ask("visit.mark_wrong", mine | {"id": id, "undo": undo})
        return reply(value, headers=NO_STORE)

    async def my_erase(self, request: WebRequest, own: dict[str, Any], **what: Any) -> WebResponse:
        """An adult's own records, without switching anything; a child or teen asks the household (request.add)."""
        person = own["device"]["person"]
        if person is None or person["group"] != ADULT:
            raise Problem(403, "forbidden", "Only an adult can erase it here; you can ask the household to do it.")
        self.need_fresh(request)
        asked = what | as_person(request, own) | self.proof(request)
        return reply(await self._ask_proven("delete", asked), headers=NO_STORE)

    def need_fresh(self, request: WebRequest) -> None:
        if not 0 <= time.time() - request.session.at < FRESH_S:
            raise Problem(401, "pin", "Enter your PIN again for this.")

    def _row(self, device_id: int) -> dict[str, Any]:
        """What is kept of a device's PIN: "pin", the "code" for a new one, and what is "left" of one that ended (see
        agent/daemon/people.py)."""
        row: dict[str, Any] = self._account.vault.get("pins").get(str(device_id), {})
        return row

    async def _put_row(self, device_id: int, row: dict[str, Any], proof: dict[str, Any] | None = None) -> None:
        pins = {key: one for key, one in self._account.vault.get("pins").items() if key != str(device_id)}
        await self._account.vault.put("pins", pins | ({str(device_id): row} if row else {}), proof)

    def _pin(self, device_id: int) -> str | None:
        return self._row(device_id).get("pin")

    async def _put_pin(self, device_id: int, pin: str) -> None:
        stored = await Work(self._account.sodium.hash_password, pin.encode())
        left = {key: value for key, value in self._row(device_id).items() if key == "left"}
        await self._put_row(device_id, left | {"pin": stored})

    async def _use_code(self, device_id: int, given: str) -> None:
        row = self._row(device_id)
        if "code" not in row or row["until"] < time.time() or row["tries"] >= CODE_TRIES:
            raise Problem(403, "wrong-code", "There is no valid code. Ask the person who manages this network for one.")
        if not self._account.sodium.same(row["code"].encode(), given.encode()):
            await self._put_row(device_id, row | {"tries": row["tries"] + 1})
            raise Problem(403, "wrong-code", "This code is not right.")

    def _entered(self, request: WebRequest, device_id: int) -> bool:
        return request.session is not None and request.session.device_id == device_id

    def _need_entered(self, request: WebRequest, device_id: int) -> None:
        if not self._entered(request, device_id):
            raise Problem(401, "pin", "Enter your PIN first.")

    def _need_private(self, request: WebRequest) -> None:
        if not request.private:
            raise Problem(403, "use-https", "A PIN is accepted over HTTPS only.")


def as_person(request: WebRequest, own: dict[str, Any]) -> dict[str, Any]:
    """The daemon hears who asks, and from where: it believes it of the device at that address alone."""
    device_id = own["device"]["id"]
    return {"device_id": device_id, "actor": f"me:{device_id}", "address": request.peer}
