"""From when until when somebody's daily allowance is for one day: from midnight to midnight, or from the end of one
night's bedtime to that of the next."""

from agent.core.model import Value
from agent.core.schedule import Timeline
from agent.core.timezone import DAY_S, Zone
from agent.core.windows import BEDTIME

NIGHT_S = 6 * 3600  # after midnight: a bedtime that begins by then is still that night's
LATEST_S = 12 * 3600  # a day begins by noon: some bedtimes never end


class AllowanceDay(Value):
    """`number` counts local days since 1970; from `begin` until before `until` (UTC)."""

    __slots__ = ("number", "begin", "until")

    def __init__(self, number: int, begin: int, until: int) -> None:
        self.number = number
        self.begin = begin
        self.until = until


def day_at(line: Timeline, at: int, zone: Zone) -> AllowanceDay:
    """The day to which that instant belongs. A line without windows has days from midnight to midnight."""
    today = zone.wall(at) // DAY_S
    begin = wakes(line, today, zone)
    if at < begin:
        return AllowanceDay(today - 1, min(at, wakes(line, today - 1, zone)), begin)
    return AllowanceDay(today, begin, wakes(line, today + 1, zone))


def wakes(line: Timeline, day: int, zone: Zone) -> int:
    """When the bedtime ends that runs at the day's midnight or begins in the hours after it; else the midnight."""
    at = begin = zone.instant(day * DAY_S)
    night, noon = zone.instant(day * DAY_S + NIGHT_S), zone.instant(day * DAY_S + LATEST_S)
    while at < noon and (at < night or at == begin):
        kind, _, at = line.look(at, zone)
        if kind == BEDTIME:
            begin = min(at, noon)
    return begin
