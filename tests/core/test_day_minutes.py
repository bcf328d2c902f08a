"""A person's minutes over several devices, whatever is switched off in between."""

from agent.core.consent import Gate
from agent.core.day_minutes import DayMinutes
from agent.core.model import USAGE, Device, DeviceDay, Permit

MIA, BEN = ("person", 1), ("person", 2)


def permit(device: int, epoch: int) -> Permit:
    gate = Gate()
    gate.open(Device(device, "e", "d", slot=1), USAGE, epoch)
    found = gate.issue(1, 1, USAGE)
    assert found is not None
    return found


def use(days: DayMinutes, device: int, epoch: int, minutes: "list[int]", group: "tuple[str, int]" = MIA) -> None:
    permitted = permit(device, epoch)
    if days.day_of(epoch) is None:
        days.begin(permitted, DeviceDay(device, epoch, group, 7, 0, 0))
    for minute in minutes:
        days.observe(permitted, minute)


def told(days: DayMinutes) -> "list[tuple[int, int, int]]":
    return sorted([(day.epoch, day.minutes, day.alone) for day in days.running(7)])


def test_two_of_a_person_are_one_minute_and_another_s_their_own() -> None:
    days = DayMinutes()
    use(days, 1, 10, [1, 2, 3, 4])
    use(days, 2, 11, [3, 4, 5, 6])
    use(days, 3, 12, [1, 2], BEN)
    assert told(days) == [(10, 4, 4), (11, 4, 2), (12, 2, 2)]
    assert len(days.dirty()) == 3
    days.written()
    use(days, 1, 10, [9])  # alone: counts nothing
    assert days.dirty() == []


def test_off_gives_what_both_had_to_the_one_that_goes_on() -> None:
    days = DayMinutes()
    use(days, 1, 10, [1, 2, 3, 4])
    use(days, 2, 11, [3, 4, 5, 6])
    days.written()
    (closed,) = days.close([10])
    assert (closed.minutes, closed.alone, closed.bits) == (4, 2, 0)
    assert told(days) == [(11, 4, 4)]
    use(days, 1, 13, [5, 6, 7])
    assert told(days) == [(11, 4, 4), (13, 3, 1)]
    assert days.close([11, 13, 99]) != [] and told(days) == []


def test_nothing_is_counted_where_no_day_was_begun_or_for_another_device() -> None:
    days = DayMinutes()
    days.observe(permit(1, 10), 3)
    days.begin(permit(1, 10), DeviceDay(2, 10, MIA, 7, 0, 0))
    days.begin(permit(1, 10), DeviceDay(1, 11, MIA, 7, 0, 0))
    assert told(days) == []
    use(days, 1, 10, [1, 2])
    days.observe(permit(2, 10), 3)
    assert told(days) == [(10, 2, 2)]


def test_midnight_a_clock_that_is_set_and_an_erasure_forget_which_minutes() -> None:
    days = DayMinutes()
    use(days, 1, 10, [1, 2, 3])
    days.part()
    use(days, 1, 10, [3])  # the same by the new clock: alone
    assert told(days) == [(10, 3, 3)] and days.running(7)[0].bits == 1 << 3
    days.running(7)[0].id = 5
    days.drop({5})
    assert days.day_of(10) is None and days.dirty() == []
    use(days, 1, 10, [1, 2])
    days.turn({MIA: 8})
    assert days.day_of(10) is None and len(days.dirty()) == 1
