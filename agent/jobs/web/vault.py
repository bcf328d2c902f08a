"""The job's few lasting values, kept by the daemon: account, sessions, failures, PINs. Read once, written through."""

from __future__ import annotations

from collections.abc import Callable

from agent.jobs.web.effects import Ask, ControlRefused

MYPY = False
if MYPY:
    from typing import Any

# On a full disk these hold as long as this job: somebody must be able to sign in and switch off.
PASSING = ("sessions", "failures")
KEYS = ("account", "sessions", "failures", "pins", "tls")


class Vault:
    """`get` gives what the daemon last acknowledged; `put` returns once it is durable."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values
        self._stale = False

    def get(self, key: str) -> dict[str, Any]:
        value = self._values.get(key)
        return value if isinstance(value, dict) else {}

    async def put(self, key: str, value: dict[str, Any], proof: dict[str, Any] | None = None) -> None:
        """`proof` is the daemon's word for a secret that was given for this, with who gave it."""
        before = self._values.get(key)
        self._values[key] = value
        try:
            await Ask("web.put", {"key": key, "value": value} | (proof or {}))
        except ControlRefused as error:
            if error.code == "storage" and key in PASSING:
                return
            self._values[key] = before
            raise

    def mark_stale(self) -> None:
        """Somebody else changed them (a reset from the command line)."""
        self._stale = True

    async def refresh(self) -> None:
        if self._stale:
            self._stale = False
            for key in KEYS:
                self._values[key] = (await Ask("web.get", {"key": key}))["value"]


def load(call: Callable[[str, dict[str, Any]], Any]) -> Vault:
    return Vault({key: call("web.get", {"key": key})["value"] for key in KEYS})
