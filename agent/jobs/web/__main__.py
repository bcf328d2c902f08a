"""The web job: started by the daemon with listeners and a control socket, gone after five idle minutes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from agent.daemon.faults import Faults
from agent.daemon.loop import Loop
from agent.jobs.web import certificate, exporting, handlers, sse, vault
from agent.jobs.web.account import Account
from agent.jobs.web.api import Api, Handler
from agent.jobs.web.backup import Backup
from agent.jobs.web.control import AsyncControl, Closed
from agent.jobs.web.http_types import WebRequest, WebResponse
from agent.jobs.web.me import MeHandlers, as_person
from agent.jobs.web.server import Application, WebServer
from agent.jobs.web.static import Files
from agent.platform import sodium
from agent.platform.cmodules import signal, socket

MYPY = False
if MYPY:
    from typing import Any

IDLE_S = 300.0
# On a router with one core the page waits for DNS, not DNS for the page.
NICE = 5
OPENAPI = os.path.join(os.path.dirname(os.path.abspath(__file__)), "openapi.json")


def main() -> int:
    try:
        run(dict(os.environ))
    except Closed:
        # The daemon has gone; it starts a new job when it is back.
        print("privacy-agent: web: the control socket was closed", file=sys.stderr, flush=True)
    return 0


def run(environment: dict[str, str]) -> None:
    os.nice(NICE)
    loop = Loop(faults=Faults("web: ", (Closed,)))
    signal.signal(signal.SIGTERM, lambda *_: loop.stop())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    listeners = [socket.socket(fileno=int(fd)) for fd in environment["PRIVACY_AGENT_LISTEN_FDS"].split(",")]
    box: list[WebServer] = []
    control = AsyncControl(
        socket.socket(fileno=int(environment["PRIVACY_AGENT_CONTROL_FD"])), lambda event: box[0].take_event(event)
    )
    kept = vault.load(control.call)
    names = tuple(name for name in environment.get("PRIVACY_AGENT_WEB_HOSTS", "").lower().split(",") if name)
    found = find_certificate(environment, kept, control, names)
    server = WebServer(loop, listeners, control, found)
    box.append(server)
    account = Account(kept, sodium.load(), found is not None)
    control.call("subscribe", {})
    api = Api(account, Files(), table(account, lambda: loop.faults.total), names)
    server.serve(
        Application(api.respond, api.body_limit, api.event),
        float(environment.get("PRIVACY_AGENT_WEB_IDLE_S", IDLE_S)),
    )


def find_certificate(
    environment: dict[str, str], kept: vault.Vault, control: AsyncControl, names: tuple[str, ...]
) -> certificate.Certificate | None:
    """The router's own certificate, or the self-made one, which is made once and kept by the daemon."""
    if environment.get("PRIVACY_AGENT_WEB_TLS") == "off":
        return None
    now = int(time.time())
    found = certificate.given(environment.get("PRIVACY_AGENT_TLS_FDS", ""))
    if found is not None:
        value = {"fingerprint": found.fingerprint, "until": 0}
    else:
        found = certificate.stored(kept.get("tls"), now)
        if found is not None:
            return found
        found = certificate.make(("privacy-agent", *names))
        value = certificate.to_store(found, now) if found else {}
    if found is not None and value["fingerprint"] != kept.get("tls").get("fingerprint"):
        # Kept where the setup code is made, so that it can be shown beside it.
        control.call("web.put", {"key": "tls", "value": value})
    return found


def table(account: Account, faults: Callable[[], int] = lambda: 0) -> dict[str, Handler]:
    """The dotted names of the route table → what answers them."""
    person = MeHandlers(account)
    saved = Backup(account)

    async def my_export(request: WebRequest, own: dict[str, Any], **query: Any) -> WebResponse:
        person.need_fresh(request)
        return await exporting.export(request, **as_person(request, own), **person.proof(request), **query)

    async def export(request: WebRequest, **query: Any) -> WebResponse:
        return await exporting.export(request, **account.proof(request), **query)

    async def switch(request: WebRequest, erase: bool = False, **query: Any) -> WebResponse:
        more = {"erase": True, **account.proof(request)} if erase else {}
        return await handlers.switch(request, **query, **more)

    async def events(request: WebRequest, asked: str = "") -> WebResponse:
        # A stream outlives the request that opened it, but not the session.
        return sse.stream(lambda _: account.is_open(request.session), asked)

    async def metrics(request: WebRequest) -> WebResponse:
        return await handlers.metrics(request, faults())

    return {
        ".show_session": account.show,
        ".sign_in": account.sign_in,
        ".sign_out": account.sign_out,
        ".confirm": account.confirm,
        ".set_up": account.set_up,
        ".list_sessions": account.list_sessions,
        ".end_all": account.end_all,
        ".end_session": account.end_session,
        ".change_password": account.change_password,
        ".offer_totp": account.second.offer,
        ".start_totp": account.second.start,
        ".stop_totp": account.second.stop,
        ".overview": handlers.overview,
        ".events": events,
        ".switch": switch,
        ".pause": handlers.pause,
        ".recipients": handlers.recipients,
        ".lists_progress": handlers.lists_progress,
        ".choose_list": handlers.choose_list,
        ".remove_list": handlers.remove_list,
        ".decide_list": handlers.decide_list,
        ".backup": saved.save,
        ".restore": saved.bring_back,
        ".add_rule": handlers.add_rule,
        ".turn_off": handlers.turn_off,
        ".preview_erase": handlers.preview_erase,
        ".set_setting": handlers.set_setting,
        ".metrics": metrics,
        ".export": export,
        ".make_pin_code": person.make_pin_code,
        ".my_confirmation": person.my_confirmation,
        ".me": person.me,
        ".my_events": person.my_events,
        ".my_switch": person.my_switch,
        ".my_request": person.my_request,
        ".my_time_code": person.my_time_code,
        ".my_limits": person.my_limits,
        ".set_pin": person.set_pin,
        ".enter_pin": person.enter_pin,
        ".my_history": person.my_history,
        ".my_week": person.my_week,
        ".my_attempts": person.my_attempts,
        ".my_usage": person.my_usage,
        ".my_week_file": person.my_week_file,
        ".my_week_file_join": person.my_week_file_join,
        ".my_week_file_leave": person.my_week_file_leave,
        ".my_bonus": person.my_bonus,
        ".my_export": my_export,
        ".my_dispute": person.my_dispute,
        ".my_erase": person.my_erase,
        ".openapi": openapi,
    }


async def openapi(request: WebRequest) -> WebResponse:
    with open(OPENAPI, "rb") as file:
        return WebResponse(200, file.read(), "application/json; charset=utf-8")


if __name__ == "__main__":
    sys.exit(main())
