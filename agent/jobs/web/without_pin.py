"""What a device hears of itself before its PIN: what is on and what was decided, no content, no activity, and no
number but the minutes of today.

Another machine can take the device's address, and then it is told the same.
"""

from __future__ import annotations

MYPY = False
if MYPY:
    from typing import Any


EVENTS = ("device", "feature", "hold", "limits", "request", "status")
# Of a message, where a PIN is set: that there is one, and its reply. A site that was asked for is one that was visited.
_UNTOLD = {"target": None, "text": "", "answer": "", "wide": None}
_ACTIVITY = ("address", "kept", "unseen", "usage")


def own(value: dict[str, Any], pin_set: bool) -> dict[str, Any]:
    """Of the daemon's `me`."""
    shown = {key: one for key, one in value.items() if key != "kept"} | {"device": device(value["device"])}
    asked = value.get("week_file_ask")
    shown["week_file_ask"] = asked and {"joined": asked["joined"]}
    if pin_set:
        shown["requests"] = [one | _UNTOLD for one in value.get("requests", ())]
        usage = value.get("usage", {})
        shown["usage"] = usage | {"bonuses": [one | {"text": ""} for one in usage.get("bonuses", ())]}
    return shown


def device(row: dict[str, Any]) -> dict[str, Any]:
    shown = {key: one for key, one in row.items() if key not in _ACTIVITY}
    return shown | {"person": person(row.get("person"), ("group",))}


def switched(value: dict[str, Any]) -> dict[str, Any]:
    """Of what a switch answers: neither how much is stored nor until when."""
    rows = [device(row) for row in value.get("devices", ())]
    return {"devices": rows, "device": rows[0] if rows else None}


def person(row: dict[str, Any] | None, shown: tuple[str, ...]) -> dict[str, Any] | None:
    return row and {key: row[key] for key in shown if key in row}
