"""Server-sent events: the daemon's events, reduced to what a page may know, as text/event-stream."""

from collections.abc import Callable
from typing import Any

from agent.control.operations import EVENTS
from agent.jobs.web.http_types import WebResponse, dump

# A page that does not read its stream is asleep; it fetches everything anew when it wakes.
BACKLOG_MAX = 65536
# A comment line this often finds clients that went away without saying so.
BEAT_S = 25.0
BEAT = b": still here\n\n"
# Said before the job goes to sleep: the page reconnects when somebody looks at it.
SLEEP = b"event: sleep\ndata: {}\n\n"
# What a page is told: all but what concerns the web job itself.
KINDS = tuple(kind for kind in EVENTS if kind != "web")


def stream(wanted: Callable[[dict[str, Any]], bool]) -> WebResponse:
    """Events from now on, as long as and as far as they are `wanted`."""
    return WebResponse(
        200,
        b"retry: 2000\n: hello\n\n",
        "text/event-stream",
        [("Cache-Control", "no-store")],
        stream=wanted,
    )


def encode(event: dict[str, Any]) -> bytes:
    """An event of the control protocol → its lines; unknown kinds give b""."""
    kind = event.get("event")
    if kind not in KINDS:
        return b""
    data = {key: event[key] for key in sorted(event) if key != "event"}
    return b"event: " + str(kind).encode() + b"\ndata: " + dump(data) + b"\n\n"
