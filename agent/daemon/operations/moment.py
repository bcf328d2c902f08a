"""A moment that somebody asks about ("fri 21:00", by the router's zone), and who has no internet then."""

from __future__ import annotations

from agent.control.messages import Request, Row
from agent.core.model import Device
from agent.core.timezone import DAY_S, weekday
from agent.core.windows import ALL_DAYS, parse_days, parse_time
from agent.daemon.household import Household
from agent.daemon.operations.arguments import optional_text
from agent.daemon.operations.time_requests import left_open
from agent.daemon.store.owners import owner_of

WORDS_MAX = 60


def moment(household: Household, request: Request) -> int:
    """The next time that it is what `at` says; now without it."""
    wall, zone = household.clock.wall(), household.keeper.local.zone
    words = (optional_text(request, "at", WORDS_MAX) or "").split()
    if not words:
        return wall
    if words[1:] and words[-1].lower() in ("am", "pm"):
        words[-2:] = ["".join(words[-2:])]
    days, minutes = parse_days(" ".join(words[:-1])) if words[1:] else ALL_DAYS, parse_time(words[-1])
    today = zone.wall(wall) // DAY_S
    # Today's may be over, and a week later it is that day again.
    coming = [zone.instant(day * DAY_S + minutes * 60) for day in range(today, today + 8) if days >> weekday(day) & 1]
    return min(at for at in coming if at >= wall or at == coming[-1])


def internet_then(household: Household, device: Device, host: bytes, at: int) -> tuple[Row, str]:
    """Whether the device is held then, and a sentence about it, also where this host is reached all the same."""
    keeper = household.keeper
    decision = keeper.decided_at(device, at)
    row: Row = {"held": decision.held, "why": decision.why, "until": decision.until}
    if not decision.held:
        return row, ""
    reached = household.policy.helpline(host) or left_open(household, device, decision.why, host)
    told = "it is reached all the same" if reached else "so it is not reached then"
    when = "Now" if at <= household.clock.wall() else "At " + keeper.time_words(at)
    return row, f" {when} the internet is off ({keeper.words(owner_of(device), decision, None)}): {told}."
