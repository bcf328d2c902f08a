"""A year of a household in seconds: people, devices, both changes of the hour, 29 February, holidays, power cuts with a
clock that is set after a while or never. What is held is compared with the standard library's calendar.
"""

import random
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.daemon.limited import Times
from tests.promises.household import Home

BERLIN = ZoneInfo("Europe/Berlin")
BEGIN, END = date(2027, 9, 1), date(2028, 9, 1)  # with a 29 February
SCHOOL, FREE = (20 * 60 + 30, 7 * 60), (22 * 60, 9 * 60)
DINNER = (18 * 60, 18 * 60 + 45)
HOLIDAYS = [(date(2027, 12, 23), date(2028, 1, 8)), (date(2028, 7, 20), date(2028, 8, 31))]
YEAR_S = 20
WEEK = "mon,tue,wed,thu,fri,sat,sun"


def text(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def row(span: tuple[int, int], days: str, kind: str = "bedtime", holiday: bool = False) -> dict[str, object]:
    return {"kind": kind, "days": days, "begin": text(span[0]), "end": text(span[1]), "holiday": holiday}


MIA = [
    row(SCHOOL, "mon,tue,wed,thu,sun"),
    row(FREE, "fri,sat"),
    row(DINNER, WEEK, "break"),
    row(FREE, WEEK, holiday=True),
]
BEN = [row(FREE, WEEK)]


def wall(day: date, minutes: int) -> float:
    moment = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)
    return moment.replace(tzinfo=BERLIN, fold=0).timestamp()


def mia_held(at: int) -> bool:
    today = datetime.fromtimestamp(at, BERLIN).date()
    for day in (today - timedelta(days=1), today):
        holiday = any(first <= day <= last for first, last in HOLIDAYS)
        spans = [FREE] if holiday else [DINNER, FREE if day.weekday() in (4, 5) else SCHOOL]
        for begin, end in spans:
            if wall(day, begin) <= at < wall(day, end if end > begin else end + 1440):
                return True
    return False


def ben_held(at: int) -> bool:
    today = datetime.fromtimestamp(at, BERLIN).date()
    return any(wall(d, FREE[0]) <= at < wall(d, FREE[1] + 1440) for d in (today - timedelta(days=1), today))


@pytest.fixture
def times(tmp_path: Path):
    made = Times(Home(str(tmp_path)), int(wall(BEGIN, 12 * 60)))
    made.ask("person.add", name="Tom", group="teen")
    for number in range(5):
        made.ask("device.add", label=f"more {number}", mac=f"3c:22:fb:00:01:0{number}", person_id=(1, 2, 4)[number % 3])
    yield made
    made.home.crash()


def test_a_year(times: Times) -> None:
    shuffled = random.Random(7)
    dates = [{"first": str(first), "last": str(last)} for first, last in HOLIDAYS]
    times.ask("limits.set", person_id=1, windows=MIA, dates=dates)
    times.ask("limits.set", person_id=2, windows=BEN)
    times.ask("limits.set", device_id=4, windows=BEN)
    assert times.home.household
    begun, checked, cuts = time.process_time(), 0, 0
    end = int(wall(END, 0))
    while times.clock.at < end:
        keeper = times.home.household.keeper
        # To the next change, or somewhere before it; never past one.
        step = max(1, keeper._next - times.clock.at)
        times.go(step if shuffled.random() < 0.8 else max(1, int(step * shuffled.random())))
        mia, ben, shared = [times.ask_held(device) for device in (1, 2, 4)]
        assert (mia, ben, shared) == (mia_held(times.clock.at), ben_held(times.clock.at), ben_held(times.clock.at))
        checked += 1
        if shuffled.random() < 0.004:
            cut(times, shuffled.choice([0, 30, 600]), shuffled.randrange(60, 4 * 3600))
            cuts += 1
    print(checked, "changes,", cuts, "power cuts,", time.process_time() - begun, "s")
    assert checked > 2000 and cuts > 3 and time.process_time() - begun < YEAR_S


def cut(times: Times, ntp_after_s: int, off_s: int) -> None:
    """The power fails for a while; the router wakes with the time of the cut, and hears of the right one later."""
    before = {device: times.ask_held(device) for device in (1, 2, 4)}
    times.again(trusted=False)
    for device, held in before.items():
        assert times.ask_held(device) == held
    times.go(ntp_after_s)
    if ntp_after_s >= 600:
        assert not any(times.ask_held(device) for device in (1, 2, 4))
    times.clock.at += off_s
    times.clock.ok = True
    times.tick()


def test_a_router_that_never_learns_the_time_locks_nobody_out(times: Times) -> None:
    times.ask("limits.set", person_id=1, windows=[row((0, 0), WEEK)])
    assert times.ask_held(1)
    times.again(trusted=False)
    assert times.ask_held(1)
    for _ in range(590):
        times.go(1)
    assert times.ask_held(1)
    for _ in range(20):
        times.go(1)
    assert not times.ask_held(1)
    times.go(40 * 86400)
    assert not times.ask_held(1)
