"""The daemon's control socket, from the outside: one JSON object a line each way.

For the command line, the rpcd plugin and the jobs, which are handed a connection.
"""

import json
import socket
from collections.abc import Iterator

PAGE_ROWS = 200  # the most that the daemon gives at once
# An erasure or audit of a full history takes seconds on a router; a daemon that is silent for longer is stuck.
TIMEOUT_S = 120.0
LINE_MAX = 1 << 20  # a reply is 64 KiB at most: more is no daemon of ours

Reply = dict[str, object]


class Unreachable(Exception):
    """Nobody answers at the socket; the message says why."""


class ControlError(Exception):
    """The daemon's own "no": its code, a sentence that says what to do, and whatever else it told."""

    def __init__(self, error: Reply) -> None:
        super().__init__(str(error.get("message", "refused")))
        self.code = str(error.get("code", "internal"))
        self.detail = error


class ControlClient:
    """One connection, to the socket at a path or one that stands already; requests one after the other."""

    def __init__(self, to: str | socket.socket) -> None:
        self._link = to if isinstance(to, socket.socket) else _connected(to)
        self._link.settimeout(TIMEOUT_S)
        self._received = b""

    def call(self, op: str, **arguments: object) -> Reply:
        """What the daemon says is "ok"; ControlError when it says no, Unreachable when it goes away."""
        request = {"op": op, **arguments}
        try:
            self._link.sendall(json.dumps(request).encode() + b"\n")
            reply = self._reply()
        except (OSError, ValueError) as error:
            raise Unreachable(str(error)) from error
        if "error" in reply:
            refused = reply["error"]
            raise ControlError(refused if isinstance(refused, dict) else {})
        result = reply.get("ok")
        return result if isinstance(result, dict) else {"value": result}

    def items(self, op: str, most: int | None = None, **arguments: object) -> Iterator[Reply]:
        """The rows of a listing, page after page, `most` of them at the most."""
        after: object = None
        left = most
        while left is None or left > 0:
            rows = PAGE_ROWS if left is None else min(left, PAGE_ROWS)
            page = self.call(op, limit=rows, after=after, **arguments)
            found = page.get("items")
            if isinstance(found, list):
                yield from found
                left = None if left is None else left - len(found)
            after = page.get("next")
            if after is None:
                return

    def close(self) -> None:
        self._link.close()

    def _reply(self) -> Reply:
        while b"\n" not in self._received:
            data = self._link.recv(65536)
            if not data:
                raise OSError("the daemon closed the connection")
            self._received += data
            if len(self._received) > LINE_MAX:
                raise OSError("a reply without an end")
        line, _, self._received = self._received.partition(b"\n")
        reply = json.loads(line)
        if not isinstance(reply, dict):
            raise ValueError("a reply that is no object")
        # Events only come to subscribers, and this connection never subscribes.
        return reply


def _connected(path: str) -> socket.socket:
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    link.settimeout(TIMEOUT_S)
    try:
        link.connect(path)
    except OSError as error:
        link.close()
        raise Unreachable(error.strerror or str(error)) from error
    return link
