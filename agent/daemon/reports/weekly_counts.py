"""Counts what a report says: of whom, since when, and with noise."""

import json

from agent import __version__
from agent.core.model import HISTORY, PROTECTION
from agent.daemon.household import Household
from agent.daemon.reports.agreement import COUNTING
from agent.daemon.store import recorded
from agent.daemon.store.selection import Selection

WEEK_S = 7 * 86400


def counting(household: Household) -> dict[str, int]:
    """Device → the household's age since which it counts, as an adult's or a shared one, without a break.

    Looked at with each tick while reports are on, so that nothing counts of the time when it was a child's.
    """
    from agent.core.summary import counts_for_summary

    kept: dict[str, int] = json.loads(household.state.meta(COUNTING, "{}"))
    age, state = household.clock.age(), household.state
    counted = [device for device in state.devices() if counts_for_summary(household.group_of(device), device.shared)]
    found = {str(device.id): kept.get(str(device.id), age) for device in counted}
    if household.reports.running and found != kept:
        state.put_meta(COUNTING, json.dumps(found))
    return found


def facts(household: Household, since_age: int):  # type: ignore[no-untyped-def]
    """summary.Facts of the last week, and of nothing before `since_age`: adults' and shared devices, and what lists
    refused (not the household's own rules)."""
    from agent.core.summary import Facts

    household.flush()
    since = counting(household)
    devices = [device for device in household.state.devices() if str(device.id) in since]
    oldest = max(household.clock.age() - WEEK_S, since_age)
    refused: dict[str, int] = {}
    for device in devices:
        # Before opting in nobody watched since when a device counts; nothing of that time is ever sent.
        start = max(oldest, since[str(device.id)]) if household.reports.running else oldest
        rows = Selection("attempts").of_device(device.id).by_lists().younger(start)
        for category, found in recorded.by_category(household.records, rows):
            refused[category] = refused.get(category, 0) + found
    on = [sum(household.is_on(device, name) for device in devices) for name in (PROTECTION, HISTORY)]
    return Facts(refused, on[0], on[1], household.lists_state(), __version__)


def count(household: Household, since_age: int, epsilon: int):  # type: ignore[no-untyped-def]
    """summary.Answer: one of the week's answers, with noise."""
    from agent.core import summary  # once a week

    return summary.noised(summary.answers(facts(household, since_age)), epsilon, household.reports.draw)


def wire(household: Household) -> None:
    """What reports count, and since when."""
    household.reports.watch = lambda: counting(household)
    household.reports.counted = lambda since_age, epsilon: count(household, since_age, epsilon)
