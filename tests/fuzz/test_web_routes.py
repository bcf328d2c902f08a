"""Every address of the web page's API, asked with anything, signed in or not: an answer, never an exception.

The real application over the real operations; only argon2 is left out, which takes 50 ms each time.
PRIVACY_AGENT_FUZZ_INPUTS=1000000 asks for more.
"""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.control.operations import WEB
from agent.core.http import BadRequest, HttpParser
from agent.daemon.control import ControlServer
from agent.daemon.loop import Loop
from agent.jobs.web import account as accounts
from agent.jobs.web import sessions
from agent.jobs.web.__main__ import table
from agent.jobs.web.account import Account
from agent.jobs.web.api import Api
from agent.jobs.web.effects import Ask, ControlRefused, Task, Work
from agent.jobs.web.http_types import WebRequest, WebResponse
from agent.jobs.web.routes import ROUTES
from agent.jobs.web.static import Files
from agent.jobs.web.vault import Vault
from agent.platform import sodium
from tests.fuzz import nasty
from tests.fuzz.test_operations import INPUTS, drive, exchanged, furnish
from tests.promises.household import Home

SECONDS_MAX = 60.0
SODIUM, FILES = sodium.load(), Files()
FRESH = 300
PASSWORD = "a password for the fuzz"
OF_PATH = ("{id}", "{device_id}", "{person_id}", "{feature}", "{feed}", "{label}")
GOOD = {
    "id": 1, "device_id": 1, "person_id": 1, "attempt_id": 1, "feature": "history", "label": "x", "name": "example.com",
    "mac": "3c:22:fb:00:00:0a", "address": "127.0.0.9", "group": "child", "birth_month": "2012-05", "limit": 10,
    "after": "0", "from": 0, "to": 2**33, "since": 0, "tz_offset": 0, "search": "x", "show": "all", "cause": 1,
    "days": 7, "note": "x", "text": "x", "answer": "no", "target": "example.com", "kind": "exception", "state": "open",
    "scope": "device", "action": "allow", "seconds": 60, "head": "0" * 64, "version": 1, "language": "en",
    "format": "csv", "table": "visit", "feed": "starter", "terms": "x", "decision": "accept",
    "passphrase": "long enough, and more", "lines": ["allow example.com"],
    "agree": 1, "code": "00000000", "pin": "1234", "password": PASSWORD,
    "new_password": "another one for the fuzz", "rows": [], "history_days": 7,
}  # fmt: skip
HEADERS = (
    "Host",
    "Origin",
    "Sec-Fetch-Site",
    "Content-Type",
    "Accept-Language",
    "User-Agent",
    "Cookie",
    "X-CSRF-Token",
)
HEADERS += ("If-None-Match", "Accept-Encoding", "Range", "Expect", "Connection", "Transfer-Encoding")
HEADERS += ("Content-Length",)


def without_argon2(work: Work) -> Any:
    name = getattr(work.function, "__name__", "")
    if name == "check_password":
        return work.arguments[1] == PASSWORD.encode()
    if name == "hash_password":
        return "hashed"
    return "00" * 32


class Page:
    """The web job's application without its sockets, with a session of the household and one of a device."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(str(folder))
        self.household = self.home.start()
        self.household.state.db.sql.execute("PRAGMA synchronous=OFF")
        self.control = ControlServer(Loop(), self.household, str(folder / "sock"))
        self.fresh()

    def fresh(self) -> None:
        furnish(self.household)
        self.ids = [device.id for device in self.household.state.devices()]
        self.sign_in()

    def sign_in(self) -> None:
        """Whatever a request ended before."""
        now = int(time.time())
        row = {"browser": "x", "address": "127.0.0.2", "at": now, "seen": now}
        self.tokens = {"household": "aa" * 32, "device": "bb" * 32}
        rows = {
            sessions.session_id(self.tokens["household"]): row | {"kind": "household", "device_id": None},
            sessions.session_id(self.tokens["device"]): row | {"kind": "device", "device_id": self.ids[0]},
        }
        pins = {str(self.ids[0]): {"pin": "hashed", "code": "00000000", "until": now + 900, "tries": 0}}
        kept = {"account": {"password": "hashed", "trusted": []}, "sessions": rows, "pins": pins, "failures": {}}
        self.account = Account(Vault(kept), SODIUM, True)
        self.account._confirmed[sessions.session_id(self.tokens["household"])] = time.monotonic() + accounts.CONFIRMED_S
        self.api = Api(self.account, FILES, table(self.account), ())

    def perform(self, effect: Any, resume: Callable[[Any], None]) -> None:
        if isinstance(effect, Work):
            resume(without_argon2(effect))
            return
        assert isinstance(effect, Ask)
        # As it goes over the socket.
        request = json.loads(json.dumps({"op": effect.op} | effect.arguments))
        result: Any = self.control.perform(request, WEB)
        reply = json.loads(json.dumps(result if isinstance(result, dict) else drive(result)))
        error = reply.get("error")
        resume(ControlRefused(error["code"], error["message"], error) if error else reply["ok"])

    def run(self, coroutine: Any) -> Any:
        box: list[Any] = []
        Task(coroutine, self.perform, box.append).resume(None)
        assert len(box) == 1
        if isinstance(box[0], Exception):
            raise box[0]
        return box[0]

    def ask(self, data: bytes, peer: str) -> int:
        """The status of what came in as these bytes; 0 for a head that is not whole."""
        reader = HttpParser()
        reader.feed(data)
        try:
            head = reader.head()
            if head is None:
                return 0
            if head.length > self.api.body_limit(head, True):
                return 413
            body = reader.body(head.length)
        except BadRequest as error:
            return error.status
        request = WebRequest(head, body or b"", peer, "192.168.1.1", 443, True)
        response: WebResponse = self.run(self.api.respond(request))
        for _ in range(5):
            if response.more is None or not self.run(piece(response)):
                break
        return response.status


async def piece(response: WebResponse) -> bytes:
    assert response.more is not None
    return await response.more()


def quoted(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))[:1500]


def request(page: Page, chance: random.Random) -> bytes:
    route = chance.choice(ROUTES)
    path = route.path
    for name in OF_PATH:
        good = chance.choice(page.ids) if name in ("{id}", "{device_id}") else GOOD[name[1:-1]]
        path = path.replace(name, quoted(good if chance.random() < 0.8 else nasty.value(chance)))
    pairs = [(name, GOOD.get(name, "true")) for name in route.query if chance.random() < 0.5]
    pairs = [(name, value if chance.random() < 0.7 else nasty.value(chance)) for name, value in pairs]
    query = "&".join(f"{name}={quoted(value)}" for name, value in pairs)
    fields = route.body or ("password", "code", "pin", "new_password", "history_days")
    body: Any = {name: GOOD.get(name, True) for name in fields if chance.random() < 0.8}
    for _ in range(chance.choice((0, 1, 1, 2))):
        body = exchanged(body, chance)
    sent = json.dumps(body, ensure_ascii=chance.random() < 0.7).encode("utf-8", "surrogatepass")[:20000]
    sent = nasty.mutated(sent, chance) if chance.random() < 0.1 else sent
    headers = {"Host": "192.168.1.1", "Content-Type": "application/json", "Content-Length": str(len(sent))}
    whose = "device" if route.access in ("own", "person") else "household"
    token = page.tokens[whose] if chance.random() < 0.9 else chance.choice((*page.tokens.values(), "", "cc" * 32))
    headers["Cookie"] = "__Host-session=" + token
    headers["X-CSRF-Token"] = sessions.WebSession(token, {"kind": "", "device_id": 1, "at": 0, "seen": 0}).csrf
    if chance.random() < 0.2:
        headers[chance.choice(HEADERS)] = nasty.text(chance)[:3000]
    method = route.method if chance.random() < 0.97 else chance.choice(("GET", "PUT", "HEAD", "OPTIONS", "X"))
    lines = [f"{method} {path}{'?' * bool(query)}{query} HTTP/1.1", *[f"{name}: {headers[name]}" for name in headers]]
    data = "\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n"
    return (nasty.mutated(data, chance) if chance.random() < 0.1 else data) + sent


def test_every_address_takes_anything(tmp_path: Path) -> None:
    chance = random.Random(20261203)
    page = Page(tmp_path)
    asked, end = 0, time.monotonic() + SECONDS_MAX
    statuses: dict[int, int] = {}
    while asked < INPUTS and time.monotonic() < end:
        if asked % FRESH == 0:
            page.fresh()
        page.sign_in()
        data = request(page, chance)
        peer = (
            "127.0.0.2"
            if chance.random() < 0.8
            else chance.choice(("127.0.0.3", "127.0.0.9", "fe80::1", "192.168.1.1"))
        )
        try:
            status = page.ask(data, peer)
        except Exception as error:
            raise AssertionError(repr(data)[:3000]) from error
        statuses[status] = statuses.get(status, 0) + 1
        asked += 1
    assert asked >= min(INPUTS, 5000) and statuses[200] > asked / 10 and 500 not in statuses, statuses
    page.control.close()
    page.home.crash()
