"""The feeds job's own word on one list, checked: what is kept of it is bounded and of the right kinds."""

from agent.control.messages import Row
from agent.core.model import heard, spoken

MESSAGE_MAX = 300
REASONS_MAX, REASON_MAX = 12, 240  # of all feeds together well within feeds.KEPT_MAX


def outcome(row: Row) -> Row:
    held = as_dict(row.get("held"))
    return {
        "version": _text(row.get("version"), 40) or None,
        "fetched": as_int(row.get("fetched")) or None,
        "checked": as_int(row.get("checked")) or None,
        "failures": as_int(row.get("failures")),
        "next_at": as_int(row.get("next_at")),
        **_said("message", row),
        "skipped": _counts(row.get("skipped")),
        "held": {
            "version": _text(held.get("version"), 40),
            "rules": as_int(held.get("rules")),
            **_said("reason", held),
        }
        if held
        else None,
    }


def _said(name: str, row: Row) -> Row:
    """The English text, and its sentence with the values apart where there are some."""
    return spoken(name, heard(row.get(name + "_sentence") or row.get(name), MESSAGE_MAX))


def as_dict(value: object) -> Row:
    return value if isinstance(value, dict) else {}


def as_int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _counts(value: object) -> dict[str, int]:
    """Lines by the reason for which they were not used: those that name what is left out, then the most frequent."""
    rows = sorted(as_dict(value).items(), key=lambda row: (not row[0].startswith("would block"), -as_int(row[1])))[
        :REASONS_MAX
    ]
    return {reason[:REASON_MAX]: as_int(count) for reason, count in rows}


def _text(value: object, limit: int) -> str:
    return value[:limit] if isinstance(value, str) else ""
