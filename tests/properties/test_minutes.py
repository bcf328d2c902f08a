"""Minutes over random days."""

from hypothesis import given
from hypothesis import strategies as st

from agent.core.minutes import DAY_BITS, alone, counted, mark, minutes, union

DAYS = st.integers(min_value=0, max_value=(1 << DAY_BITS) - 1) | st.sets(
    st.integers(min_value=0, max_value=DAY_BITS - 1), max_size=40
).map(lambda minutes: sum(1 << minute for minute in minutes))


@given(DAYS)
def test_what_counts_by_hand(day: int) -> None:
    def is_busy(minute: int) -> bool:
        return minute >= 0 and bool(day >> minute & 1)

    for minute in range(0, DAY_BITS, 7):
        near = any(is_busy(minute + by) for by in (-2, -1, 1, 2))
        between = is_busy(minute - 1) and is_busy(minute + 1)
        assert bool(counted(day) >> minute & 1) == ((is_busy(minute) and near) or between)


@given(st.lists(DAYS, max_size=5))
def test_a_person_has_no_more_than_all_devices_and_no_less_than_each(days: list[int]) -> None:
    each = [minutes(day) for day in days]
    assert max(each, default=0) <= union(days) <= min(sum(each), DAY_BITS)
    assert sum(alone(days)) == union(days) == union(days[::-1])
    assert all(own <= whole for own, whole in zip(alone(days), each, strict=True))


@given(DAYS, st.integers(min_value=-5, max_value=DAY_BITS + 5))
def test_another_busy_minute_takes_none_away(day: int, minute: int) -> None:
    more = mark(day, minute)
    assert counted(more) & counted(day) == counted(day)
    assert mark(more, minute) == more
    assert minutes(more) <= minutes(day) + 5
