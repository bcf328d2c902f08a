"""Handlers of the signed-in page that need more than one control operation, or one with another shape."""

from __future__ import annotations

from agent.jobs.web import schema
from agent.jobs.web.effects import Ask
from agent.jobs.web.http_types import Problem, WebRequest, WebResponse, reply
from agent.jobs.web.sessions import HOUSEHOLD

MYPY = False
if MYPY:
    from typing import Any

NO_STORE = [("Cache-Control", "no-store")]
# Beyond a household's size; a page of the daemon's listing has 200.
ITEMS_MAX = 1000


async def all_items(op: str, arguments: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Every item of a paged listing."""
    items: list[dict[str, Any]] = []
    after = None
    while len(items) < ITEMS_MAX:
        page = await Ask(op, (arguments or {}) | {"limit": 200} | ({"after": after} if after else {}))
        items += page["items"]
        after = page.get("next")
        if not after:
            break
    return items


async def overview(request: WebRequest, since: int = 0) -> WebResponse:
    """Everything the first page shows, in one answer; `since` is the start of the browser's day."""
    today = await Ask("today", {"since": since})
    open_requests = await Ask("request.list", {"state": "open", "limit": 50})
    return reply(
        {
            "status": await Ask("status"),
            "people": await all_items("person.list"),
            "devices": await all_items("device.list"),
            "today": today["items"],
            "requests": open_requests["items"],
            "notice": await Ask("notice"),
        },
        headers=NO_STORE,
    )


async def switch(request: WebRequest, feature: str, on: bool | None = None, **more: Any) -> WebResponse:
    """One of the two switches of a device or a person. The answer is what the daemon has acknowledged."""
    if on is None:
        raise schema.invalid("on", "is missing")
    names = ("device_id", "person_id", "agree") if on else ("device_id", "person_id", "erase", "proof")
    arguments = {name: more[name] for name in names if name in more}
    arguments |= {"feature": feature, "actor": actor(request)}
    return reply(await Ask("on" if on else "off", arguments), headers=NO_STORE)


async def pause(
    request: WebRequest, paused: bool | None = None, preview: bool = False, agree: int | None = None
) -> WebResponse:
    """Pause history, or resume what is suspended; `agree` is to what has changed since, and `preview` shows that."""
    if paused is None:
        raise schema.invalid("paused", "is missing")
    arguments: dict[str, Any] = {"actor": actor(request)}
    if preview and not paused:
        arguments["preview"] = True
    if agree is not None and not paused:
        arguments["agree"] = agree
    return reply(await Ask("pause" if paused else "resume", arguments), headers=NO_STORE)


async def turn_off(request: WebRequest, **what: Any) -> WebResponse:
    """The internet off. "Everybody" leaves out an adult's device on which it is pressed."""
    arguments = {name: value for name, value in what.items() if value is not None}
    arguments |= {"address": request.peer, "actor": actor(request)}
    return reply(await Ask("hold.add", arguments), 201, NO_STORE)


async def recipients(request: WebRequest) -> WebResponse:  # noqa: ARG001 - every handler takes the request
    """Who gets to know what; public, because it concerns everybody on the LAN."""
    return reply(await Ask("recipients"))


async def lists_progress(request: WebRequest) -> WebResponse:  # noqa: ARG001
    """How far an update is."""
    return reply(await Ask("lists.progress"), headers=NO_STORE)


async def choose_list(request: WebRequest, feed: str, on: bool | None = None) -> WebResponse:
    """Have a list fetched, or not any more."""
    if on is None:
        raise schema.invalid("on", "is missing")
    return reply(await Ask("lists.choose", {"id": feed, "on": on, "actor": actor(request)}), headers=NO_STORE)


async def remove_list(request: WebRequest, feed: str) -> WebResponse:  # noqa: ARG001
    """A list of the household's own goes."""
    return reply(await Ask("lists.remove", {"id": feed}), headers=NO_STORE)


async def decide_list(request: WebRequest, feed: str, decision: str = "") -> WebResponse:
    """Install a waiting update, or reject it."""
    value = await Ask("lists.decide", {"id": feed, "decision": decision, "actor": actor(request)})
    return reply(value, headers=NO_STORE)


async def add_rule(request: WebRequest, action: str = "", **more: Any) -> WebResponse:
    if not action:
        raise schema.invalid("action", "is missing")
    arguments = {name: value for name, value in more.items() if value is not None}
    return reply(await Ask(action, arguments | {"actor": actor(request)}), 201, NO_STORE)


async def preview_erase(request: WebRequest, **what: Any) -> WebResponse:
    return reply(await Ask("delete", what | {"preview": True}), headers=NO_STORE)


async def set_setting(request: WebRequest) -> WebResponse:
    """{"key": value, …}: each one is checked and stored by the daemon."""
    done = {}
    for key, value in request.json().items():
        schema.check("settings.set", "key", key)
        done[key] = await Ask("settings.set", {"key": key, "value": value, "actor": actor(request)})
    return reply(done, headers=NO_STORE)


async def metrics(request: WebRequest, faults: int) -> WebResponse:
    """Counts for a collector (Prometheus text format); from the router itself or with a session."""
    if (request.session is None or request.session.kind != HOUSEHOLD) and request.peer != request.local:
        raise Problem(401, "sign-in", "Metrics are for the router itself, or for whoever is signed in.")
    status = await Ask("status")
    lines = [f"privacy_agent_web_faults {faults}"]
    for name, value in sorted(_numbers(status)):
        lines.append(f"privacy_agent_{name} {value}")
    return WebResponse(200, ("\n".join(lines) + "\n").encode(), "text/plain; version=0.0.4; charset=utf-8")


def _numbers(status: dict[str, Any], prefix: str = "") -> list[tuple[str, int | float]]:
    """The numbers in nested objects, names joined by "_"; truth values count as 0 and 1."""
    found: list[tuple[str, int | float]] = []
    for key, value in status.items():
        if isinstance(value, dict):
            found += _numbers(value, prefix + key + "_")
        elif isinstance(value, (int, float)):
            found.append((prefix + key, int(value) if isinstance(value, bool) else value))
    return found


def actor(request: WebRequest) -> str:
    return "web:" + str(request.session.label)
