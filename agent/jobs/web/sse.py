"""Server-sent events: the daemon's events, reduced to what a page may know, as text/event-stream."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable

from agent.control.operations import EVENTS
from agent.core.digits import whole
from agent.jobs.web.http_types import WebResponse, dump

MYPY = False
if MYPY:
    from typing import Any

# A page that does not read its stream is asleep; it fetches everything anew when it wakes.
BACKLOG_MAX = 65536
# A comment line this often finds clients that went away without saying so.
BEAT_S = 25.0
BEAT = b": still here\n\n"
# Said before the job goes to sleep: the page reconnects when somebody looks at it.
SLEEP = b"event: sleep\ndata: {}\n\n"
# Said first where something was missed: the page asks for everything anew.
MISSED = b"event: status\ndata: {}\n\n"
# Every API answer names the moment it was asked at; a stream that names it as well hears what it missed since.
ASKED = "Asked-At"
MISSED_S = 60.0
MISSED_MAX = 256
# What a page is told: all but what concerns the web job itself.
KINDS = tuple(kind for kind in EVENTS if kind != "web")


class LastMinute:
    """The events of the last minute, to know whether a page missed one between its answers and its stream.

    A moment is a time of this process, so it says nothing of what anybody does.
    """

    def __init__(self, now: float) -> None:
        self._process = os.urandom(4).hex()
        self._began = now
        self._forgotten = -1.0  # when the newest one came that is not known any more
        self._events: deque[tuple[float, dict[str, Any]]] = deque()

    def moment(self, now: float) -> str:
        return f"{self._process}-{int((now - self._began) * 1000)}"

    def add(self, now: float, event: dict[str, Any]) -> None:
        self._events.append((now, event))
        while len(self._events) > MISSED_MAX or self._events[0][0] < now - MISSED_S:
            self._forgotten = self._events.popleft()[0]

    def missed(self, moment: str, wanted: Callable[[dict[str, Any]], bool]) -> bool:
        """Whether one that is `wanted` came since `moment`, or that is not known any more."""
        process, _, number = moment.partition("-")
        asked = whole(number)
        if process != self._process or asked is None:
            return True
        at = self._began + asked / 1000
        return at <= self._forgotten or any(when >= at and wanted(event) for when, event in self._events)


def stream(wanted: Callable[[dict[str, Any]], bool], asked: str = "") -> WebResponse:
    """Events from now on, as long as and as far as they are `wanted`; first, whether one was missed since `asked`."""
    return WebResponse(
        200,
        b"retry: 2000\n: hello\n\n",
        "text/event-stream",
        [("Cache-Control", "no-store")],
        stream=wanted,
        asked=asked,
    )


def encode(event: dict[str, Any]) -> bytes:
    """An event of the control protocol → its lines; unknown kinds give b""."""
    kind = event.get("event")
    if kind not in KINDS:
        return b""
    data = {key: event[key] for key in sorted(event) if key != "event"}
    return b"event: " + str(kind).encode() + b"\ndata: " + dump(data) + b"\n\n"
