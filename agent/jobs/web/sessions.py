"""Who is signed in: random tokens in the browser, their hashes here.

A session is of the "household" or of one "device" (the person at it, after their PIN). Values only; the
account decides when to store them.
"""

from __future__ import annotations

from agent.platform.hashing import sha256

MYPY = False
if MYPY:
    from typing import Any

    Sessions = dict[str, dict[str, Any]]

TOKEN_BYTES = 32
# A parent looks at this every few days; a forgotten browser should not stay signed in for ever.
IDLE_S = 14 * 86400
LIFE_S = 60 * 86400
# Fits the daemon's 8 KiB a value. Each kind has its places, and a device few of its kind's: nobody is signed out
# by somebody else's signing in; the one not seen for longest makes room.
KIND_MAX = {"household": 12, "device": 12}
DEVICE_MAX = 3
# "Last seen" is written this rarely: it is for the list of sessions, and flash wears.
SEEN_EVERY_S = 3600

HOUSEHOLD = "household"
DEVICE = "device"

# In this order: each of the later ones is named by the earlier ones too.
BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


class WebSession:
    """One signed-in browser. `token` is known only while a request that carries it is answered."""

    def __init__(self, token: str, row: dict[str, Any]) -> None:
        self.token = token
        self.id = session_id(token)
        self.kind: str = row["kind"]
        self.device_id: int | None = row["device_id"]
        self.at: int = row["at"]
        self.seen: int = row["seen"]

    @property
    def label(self) -> str:
        """Short, public: names the session in lists and in the ledger."""
        return self.id[:8]

    @property
    def csrf(self) -> str:
        return _digest("csrf:" + self.token)


def session_id(token: str) -> str:
    return _digest("session:" + token)


def _digest(text: str) -> str:
    return sha256(text.encode()).hex()


def find(sessions: Sessions, token: str, now: int) -> WebSession | None:
    """The living session of that token."""
    if len(token) != 2 * TOKEN_BYTES:
        return None
    row = sessions.get(session_id(token))
    return WebSession(token, row) if row is not None and is_alive(row, now) else None


def is_alive(row: dict[str, Any], now: int) -> bool:
    # A clock that was set back makes a session look younger, never unborn.
    return bool(now - row["seen"] < IDLE_S and now - row["at"] < LIFE_S)


def added(sessions: Sessions, token: str, row: dict[str, Any], now: int) -> Sessions:
    """The sessions with one more; dead ones and, beyond the limits, the idlest of its kind are left out."""
    alive = {key: one for key, one in sessions.items() if is_alive(one, now)}
    kind = [key for key in alive if alive[key]["kind"] == row["kind"]]
    if row["kind"] == DEVICE:
        _make_room(alive, [key for key in kind if alive[key]["device_id"] == row["device_id"]], DEVICE_MAX)
    _make_room(alive, [key for key in kind if key in alive], KIND_MAX[row["kind"]])
    alive[session_id(token)] = row
    return alive


def _make_room(alive: Sessions, among: list[str], most: int) -> None:
    idlest = sorted(among, key=lambda key: alive[key]["seen"])
    for key in idlest[: max(0, len(among) + 1 - most)]:
        del alive[key]


def browser(agent: str) -> str:
    """A User-Agent in two words, enough to tell one's own browsers apart: "Firefox · Android"."""
    name = next((title for mark, title in BROWSERS if mark in agent), "Browser")
    system = next((title for mark, title in SYSTEMS if mark in agent), "")
    return name + " · " + system if system else name
