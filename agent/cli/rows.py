"""Pieces of the daemon's rows, in words."""

from agent.cli import show
from agent.control.messages import Row

WHY_NOT = {
    "agreement": "waits for their own agreement",
    "restore": "suspended after a restore",
    "notice": "suspended: the notice changed",
    "person": "suspended: it came to somebody else",
    "terms": "suspended: what was agreed to has changed",
    "pause": "paused",
}
# Words of a ledger row's detail that say what changed, as people call them.
CHANGED = {"kept": "stored in", "reader": "read by", "birth_month": "month of birth"}
MACHINE = ("subject", "terms", "by", "why")  # these tell nothing that changed
# What protection that is on lacks.
NOT_YET = {"none": "not yet protecting: no list is loaded", "stale": "not yet protecting: the lists are too old"}


def given(**arguments: object) -> Row:
    """The arguments that were given."""
    return {name: value for name, value in arguments.items() if value is not None}


def part(row: Row, name: str) -> Row:
    """An object inside a row; an empty one where there is none."""
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def rows_of(reply: Row, name: str = "items") -> list[Row]:
    value = reply.get(name)
    return value if isinstance(value, list) else []


def person_of(device: Row) -> str:
    name = part(device, "person").get("name")
    return "shared" if device.get("shared") else str(name or "")


def states(device: Row) -> str:
    """ "history since 2026-11-23 18:30, protection paused", or "nothing"."""
    told = [state(name, part(part(device, "features"), name)) for name in sorted(part(device, "features"))]
    return ", ".join(text for text in told if text) or "nothing"


def state(name: str, feature: Row) -> str:
    if feature.get("on"):
        hollow = NOT_YET.get(str(feature.get("lists")), "")
        return f"{name} since {show.when(feature.get('since'))}" + (f" ({hollow})" if hollow else "")
    why = feature.get("suspended")
    return f"{name} {WHY_NOT.get(str(why), why)}" if why else ""


def change(detail: object) -> str:
    """ "group child → adult, days 7 → 30" of a ledger row's detail."""
    words = [word.partition(":") for word in str(detail or "").split()]
    return ", ".join(_changed(key, value) for key, _, value in words if key not in MACHINE)


def _changed(key: str, value: str) -> str:
    if key == "until" and value.isdecimal():
        value = show.when(int(value))
    return " ".join(word for word in (CHANGED.get(key, key), value.replace(">", " → ")) if word)


def held(row: Row) -> str:
    """What was decided about an adult and takes effect later; "" where there is nothing."""
    holds = rows_of(row, "held")
    if not holds:
        return ""
    until = show.when(max(int(str(one["at"])) for one in holds))
    return (
        f"Until {until} it counts as an adult's device: history starts only when they agree on it, "
        "at the device's own page /me. They may confirm the change there, and it takes effect at once."
    )


def records(counts: object) -> str:
    """ "12 visits and 1 attempt" of {"visits": 12, "attempts": 1}."""
    held = counts if isinstance(counts, dict) else {}
    visits, attempts = held.get("visits", 0), held.get("attempts", 0)
    found = show.count(visits, "visit", "visits") + " and " + show.count(attempts, "attempt", "attempts")
    days = held.get("usage", 0)
    return found + (", and minutes of " + show.count(days, "day", "days") if days else "")


def rule_source(rule: Row) -> str:
    """Where a rule is from: the list with its version and category, or the household."""
    if rule.get("scope") == "shipped":
        return f"shipped: {rule.get('category') or rule.get('list_name')}"
    if not rule.get("list_id"):
        return "a rule of your own"
    version, category = rule.get("list_version"), rule.get("category")
    return f"{rule.get('list_name')}" + (f" {version}" if version else "") + (f" ({category})" if category else "")
