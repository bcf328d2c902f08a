"""The job's only way out: the daemon's control socket, many calls at a time, events in between."""

from __future__ import annotations

import json
from collections.abc import Callable

from agent.jobs.web.effects import ControlRefused, Resume
from agent.platform.cmodules import socket

MYPY = False
if MYPY:
    from typing import Any

LINE_MAX = 65536
# The daemon answers in bounded steps; more calls than this wait here instead of in its memory.
UNDER_WAY_MAX = 32
WAITING_MAX = 256
CALL_TIMEOUT_S = 10.0


class Closed(Exception):
    """The daemon has gone: so does this job."""


class AsyncControl:
    """Speaks JSON lines on an already connected socket. `event` gets each event line."""

    def __init__(self, sock: socket.socket, event: Callable[[dict[str, Any]], None]) -> None:
        self.sock = sock
        self._event = event
        self._in = b""
        self._out = b""
        self._next = 1
        self._under_way: dict[int, Resume] = {}
        self._waiting: list[tuple[str, dict[str, Any], Resume]] = []

    def fileno(self) -> int:
        return self.sock.fileno()

    @property
    def wants_write(self) -> bool:
        return bool(self._out)

    @property
    def busy(self) -> bool:
        return bool(self._under_way or self._waiting)

    def send(self, op: str, arguments: dict[str, Any], resume: Resume) -> None:
        """Start a call; `resume` gets the value or a ControlRefused."""
        if len(self._under_way) >= UNDER_WAY_MAX:
            if len(self._waiting) >= WAITING_MAX:
                resume(ControlRefused("busy", "Too many requests at once. Try again in a moment."))
            else:
                self._waiting.append((op, arguments, resume))
            return
        number = self._next
        self._next += 1
        line = json.dumps({"op": op, "tag": number} | arguments, separators=(",", ":")).encode() + b"\n"
        if len(line) > LINE_MAX:
            resume(ControlRefused("bad_request", "This is too large to be handed on in one piece."))
            return
        self._under_way[number] = resume
        self._out += line
        self.write()

    def call(self, op: str, arguments: dict[str, Any]) -> Any:
        """One call that waits for its answer: for the start of the job, before the loop runs."""
        box: list[Any] = []
        self.sock.settimeout(CALL_TIMEOUT_S)
        self.send(op, arguments, box.append)
        while not box:
            self.read()
        self.sock.setblocking(False)
        if isinstance(box[0], ControlRefused):
            raise box[0]
        return box[0]

    def write(self) -> None:
        try:
            while self._out:
                sent = self.sock.send(self._out)
                self._out = self._out[sent:]
        except BlockingIOError:
            return
        except OSError as error:
            raise Closed from error

    def read(self) -> None:
        try:
            data = self.sock.recv(LINE_MAX)
        except BlockingIOError:
            return
        except OSError as error:
            raise Closed from error
        if not data:
            raise Closed
        *lines, self._in = (self._in + data).split(b"\n")
        if len(self._in) > LINE_MAX:
            raise Closed
        for line in lines:
            self._take(json.loads(line))

    def _take(self, message: dict[str, Any]) -> None:
        if "event" in message:
            self._event(message)
            return
        number = message.get("tag", 0)
        resume = self._under_way.pop(number, None)
        if resume is None:
            return
        error = message.get("error")
        if error is None:
            resume(message.get("ok"))
        else:
            extra = {key: error[key] for key in error if key not in ("code", "message")}
            resume(ControlRefused(str(error.get("code")), str(error.get("message")), extra))
        if self._waiting:
            self.send(*self._waiting.pop(0))
