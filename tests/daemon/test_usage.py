"""Minutes of use: what counts, whose they are, what an allowance does, and what a restart leaves."""

import pytest

from agent.core.model import BadInput
from agent.core.timezone import DAY_S
from agent.daemon.operations.arguments import OperationRejected
from tests.daemon.counted import Counted
from tests.daemon.limited import LAPTOP, NIGHT, PHONE, TABLET, TV, at

TWO_HOURS = [120] * 7
SECOND = "3c:22:fb:00:00:09"


def test_minutes_in_which_it_is_used(counted: Counted) -> None:
    counted.on(1)
    counted.minutes(5, TABLET, PHONE)
    counted.minutes(5)
    counted.minute(TABLET)  # alone: a sync
    counted.minutes(5)
    counted.minute(TABLET, packets=59)
    counted.minutes(3, TABLET)
    for _ in range(5):
        counted.minute(TABLET, packets=3000, each=1400)  # a backup
    found = counted.ask("usage.days", person_id=1)
    assert found["now"] == {"on": True, "today": 8, "allowed": None, "left": None} and found["consent"] == "on"
    assert found["items"] == [{"day": "2026-12-01", "minutes": 8}] and found["not_counted"] == []
    assert counted.ask("usage.days", person_id=2)["now"] is None
    assert counted.ask("person.list")["items"][2]["usage"]["today"] == 8


def test_two_screens_at_once_are_one_minute(counted: Counted) -> None:
    second = counted.ask("device.add", label="console", mac=SECOND, person_id=1)["id"]
    counted.on(1)
    counted.on(second)
    counted.minutes(4, TABLET, SECOND)
    counted.minutes(3, TABLET)
    counted.minutes(2, SECOND)
    assert counted.today(person_id=1) == 9
    counted.ask("off", device_id=1, feature="usage")
    counted.minutes(2, TABLET, SECOND)
    assert counted.today(person_id=1) == 11
    assert counted.ask("usage.days", person_id=1)["not_counted"] == ["tablet"]


def test_used_up_is_held_until_midnight(counted: Counted) -> None:
    counted.on(1)
    counted.ask("allowance.set", person_id=1, minutes=[10, 10, 10, 10, 10, None, None])
    counted.minutes(9, TABLET)
    told = [event["left"] for event in counted.kernel.events if event["event"] == "hold" and event.get("left")]
    assert counted.kernel.taken == set() and told == [10, 2]
    counted.minute(TABLET)
    assert counted.kernel.taken == {TABLET}
    now = counted.ask("limits.get", person_id=1)["now"]
    assert now["why"] == "allowance" and now["until"] == at(0, 0, 20789)
    assert now["text"] == "Mia's time is used up until 0:00"
    assert counted.go(at(23, 59) - counted.clock.at) == {TABLET} and counted.go(60) == set()
    counted.minute()
    assert counted.today(person_id=1) == 0
    counted.go(at(12, 0, 20788 + 4) - counted.clock.at)  # Saturday
    counted.minute()
    counted.minutes(20, TABLET)
    assert counted.kernel.taken == set() and counted.today(person_id=1) == 20


def test_used_up_until_that_nights_bedtime_ends(counted: Counted) -> None:
    counted.on(1)
    counted.ask("settings.set", key="allowance_resets", value="wake")
    late = [{"kind": "bedtime", "days": "mon,tue,wed,thu,fri,sat,sun", "begin": "01:00", "end": "09:00"}]
    counted.ask("limits.set", person_id=1, windows=late)
    counted.ask("allowance.set", person_id=1, minutes=[10] * 7)
    counted.go(at(23, 50) - counted.clock.at)
    counted.minute()
    counted.minutes(6, TABLET)
    counted.go(at(0, 1, 20789) - counted.clock.at)
    assert counted.today(person_id=1) == 6
    counted.minute()
    counted.minutes(5, TABLET)
    now = counted.ask("limits.get", person_id=1)["now"]
    assert counted.kernel.taken == {TABLET} and (now["why"], now["until"]) == ("allowance", at(9, 0, 20789))
    found = counted.ask("usage.days", person_id=1)
    assert found["items"] == [{"day": "2026-12-01", "minutes": 10}] and found["resets"] == "wake"
    counted.ask("settings.set", key="allowance_resets", value="midnight")
    assert counted.kernel.taken == set() and counted.today(person_id=1) == 0
    counted.ask("settings.set", key="allowance_resets", value="wake")
    assert counted.kernel.taken == {TABLET}
    counted.again()
    assert counted.kernel.taken == {TABLET}
    counted.ask("allowance.give", person_id=1, minutes=20)
    assert counted.kernel.taken == set()
    counted.ask("settings.set", key="allowance_resets", value="wake")
    counted.go(at(9, 0, 20789) - counted.clock.at)
    assert counted.kernel.taken == set() and counted.ask("usage.days", person_id=1)["now"]["left"] == 10


def test_when_it_was_is_forgotten_at_midnight(counted: Counted) -> None:
    counted.on(1)
    counted.ask("settings.set", key="allowance_resets", value="wake")
    counted.ask("limits.set", person_id=1, windows=[NIGHT[0] | {"begin": "02:00"}])
    counted.go(at(23, 50) - counted.clock.at)
    counted.minute()
    counted.minutes(6, TABLET)
    counted.go(at(0, 1, 20789) - counted.clock.at)
    counted.minute()
    assert counted.home.household
    assert [day.bits for day in counted.home.household.recorder.days.running(20788)] == [0]
    assert counted.today(person_id=1) == 6


def test_minutes_from_before_a_power_cut_are_that_days(counted: Counted) -> None:
    counted.on(1)
    counted.ask("allowance.set", person_id=1, minutes=[40] * 7)
    counted.minutes(35, TABLET)
    counted.again()
    counted.minute()
    assert counted.today(person_id=1) >= 30
    counted.go(at(8, 0, 20789) - counted.clock.at)
    counted.minute()
    assert counted.today(person_id=1) == 0


def test_bedtime_comes_before_and_free_before_all(counted: Counted) -> None:
    counted.on(1)
    counted.ask("allowance.set", person_id=1, minutes=[0] * 7)
    assert counted.kernel.taken == {TABLET}
    counted.ask("limits.set", person_id=1, windows=NIGHT)
    assert counted.go(at(21) - counted.clock.at) == {TABLET}
    assert counted.ask("limits.get", person_id=1)["now"]["why"] == "bedtime"
    counted.ask("exception.add", person_id=1, kind="free", seconds=900)
    assert counted.kernel.taken == set() and counted.go(900) == {TABLET}


def test_more_is_given(counted: Counted) -> None:
    counted.on(1)
    with pytest.raises(OperationRejected):
        counted.ask("allowance.give", person_id=1, minutes=15)
    counted.ask("allowance.set", person_id=1, minutes=[5] * 7)
    counted.minutes(5, TABLET)
    assert counted.kernel.taken == {TABLET}
    found = counted.ask("allowance.give", person_id=1, minutes=3, text="for the recycling")
    assert counted.kernel.taken == set() and found["now"]["left"] == 3
    assert [(one["minutes"], one["text"]) for one in found["bonuses"]] == [(3, "for the recycling")]
    counted.minutes(3, TABLET)
    assert counted.kernel.taken == {TABLET}
    for kind, grant in (("time", 900), ("tonight", "tonight")):
        asked = counted.ask("request.add", device_id=1, kind=kind, seconds=900)
        counted.ask("request.reply", id=asked["id"], grant=grant)
        assert counted.kernel.taken == set()
    assert counted.ask("usage.days", person_id=1)["now"]["allowed"] == 5 + 3 + 15 + 1440


def test_granted_before_it_is_used_up(counted: Counted) -> None:
    counted.on(1)
    counted.ask("allowance.set", person_id=1, minutes=[5] * 7)
    counted.minutes(3, TABLET)
    asked = counted.ask("request.add", device_id=1, kind="time", seconds=900)
    counted.ask("request.reply", id=asked["id"], grant=900)
    assert counted.ask("usage.days", person_id=1)["now"]["left"] == 17


def test_a_power_cut_gives_a_quarter_back_at_most(counted: Counted) -> None:
    counted.on(1)
    counted.ask("allowance.set", person_id=1, minutes=[40] * 7)
    counted.minutes(39, TABLET)
    counted.again()
    counted.minute()
    assert 30 <= counted.today(person_id=1) <= 39
    counted.minutes(10, TABLET)
    assert counted.kernel.taken == {TABLET}
    counted.again()
    assert counted.kernel.taken == {TABLET}


def test_a_restart_gives_nothing_back(counted: Counted) -> None:
    counted.on(1)
    counted.ask("allowance.set", person_id=1, minutes=[40] * 7)
    counted.minutes(15, TABLET)
    assert counted.home.household
    counted.home.household.screen_time.save()
    counted.home.crash()
    counted.begin()
    assert counted.today(person_id=1) == 15
    counted.minute()
    counted.minutes(5, TABLET)
    assert counted.today(person_id=1) == 20 and counted.ask("usage.days", person_id=1)["items"][0]["minutes"] == 20


def test_off_counts_nobody_and_holds_nobody(counted: Counted) -> None:
    counted.on(1)
    counted.ask("allowance.set", person_id=1, minutes=[5] * 7)
    counted.minutes(6, TABLET)
    assert counted.kernel.taken == {TABLET}
    counted.ask("off", device_id=1, feature="usage")
    assert counted.kernel.taken == set() and counted.kernel.elements == {}
    found = counted.ask("usage.days", person_id=1)
    assert found["now"] == {"on": False, "today": None, "allowed": 5, "left": None}
    assert found["items"] == [{"day": "2026-12-01", "minutes": 5}]
    assert found["trouble"] == "Screen time is off: the daily allowance holds nobody."
    counted.ask("off", device_id=1, feature="usage", erase=True)
    assert counted.ask("usage.days", person_id=1)["items"] == []


def test_erased_is_not_counted_on(counted: Counted) -> None:
    counted.on(1)
    counted.ask("allowance.set", person_id=1, minutes=[20] * 7)
    counted.minutes(12, TABLET)
    assert counted.ask("delete", device_id=1, feature="usage")["usage"] == 1
    assert counted.today(person_id=1) == 0
    counted.minute()
    counted.minutes(3, TABLET)
    assert counted.today(person_id=1) == 3
    counted.again()
    assert counted.today(person_id=1) == 0


def test_an_adult_is_asked_and_what_is_theirs_stays_so(counted: Counted) -> None:
    counted.ask("on", device_id=3, feature="usage", agree=2)
    counted.minutes(5, LAPTOP)
    assert counted.kernel.elements == {} and counted.ask("usage.days", person_id=3)["consent"] == "waiting"
    counted.on(1)
    counted.minutes(4, TABLET)
    counted.ask("device.edit", device_id=1, person_id=2)
    assert counted.kernel.elements == {}
    assert counted.ask("usage.days", person_id=2)["items"] == []
    assert counted.ask("usage.days", person_id=1)["items"] == [{"day": "2026-12-01", "minutes": 4}]


def test_pausing_recording_ends_it_and_limits_go_on(counted: Counted) -> None:
    counted.on(1)
    counted.ask("limits.set", person_id=1, windows=NIGHT)
    assert counted.ask("pause")["paused"] == 1 and counted.kernel.elements == {}
    assert counted.go(at(21) - counted.clock.at) == {TABLET}


def test_a_shared_device_has_its_own(counted: Counted) -> None:
    counted.on(4)
    counted.ask("allowance.set", device_id=4, minutes=[3] * 7)
    counted.minutes(3, TV)
    assert counted.kernel.taken == {TV} and counted.today(device_id=4) == 3


def test_nothing_is_counted_before_the_clock_is_confirmed(counted: Counted) -> None:
    counted.on(1)
    counted.clock.ok = False
    counted.minutes(5, TABLET)
    counted.clock.ok = True
    counted.minute(TABLET)
    assert counted.today(person_id=1) == 0
    counted.minutes(3, TABLET)
    assert counted.today(person_id=1) == 3


def test_days_go_after_their_time(counted: Counted) -> None:
    from agent.daemon.bootstrap import expire

    counted.on(1)
    for _ in range(16):
        counted.minutes(2, TABLET)
        counted.clock.go(DAY_S - 120)
        counted.minute()
    assert counted.home.household
    while expire(counted.home.household):
        continue
    days = counted.ask("usage.days", person_id=1)["items"]
    assert 13 <= len(days) <= 14 and all(day["minutes"] == 2 for day in days)


def test_with_offloading_it_can_not_be_on(counted: Counted) -> None:
    counted.kernel.flow_table = True
    with pytest.raises(OperationRejected) as refused:
        counted.ask("on", device_id=1, feature="usage", agree=2)
    assert "offloading" in str(refused.value)
    counted.kernel.flow_table = False
    counted.on(1)
    counted.kernel.flow_table = True
    counted.minute()
    assert "offloading" in counted.ask("usage.days", person_id=1)["trouble"]
    assert any("offloading" in sentence for sentence in counted.ask("status")["missing"])


def test_only_names_are_steered_for(counted: Counted) -> None:
    counted.on(1)
    assert counted.home.household
    device = counted.home.household.state.device(1)
    assert not counted.home.household.read(device)
    assert counted.ask("status")["kernel"]["uncovered"] == []


def test_what_is_not_read_needs_no_covering(counted: Counted) -> None:
    counted.kernel.covers = lambda device: False  # type: ignore[method-assign]
    counted.on(1)
    counted.ask("on", device_id=2, feature="history", agree=1)
    rows = {row["label"]: row["covered"] for row in counted.ask("device.list")["items"]}
    assert rows == {"TV": True, "laptop": True, "phone": False, "tablet": True}


def test_the_bank(counted: Counted) -> None:
    counted.on(1)
    counted.ask("allowance.set", person_id=1, minutes=[5] * 7)
    counted.asks_from(TABLET)
    with pytest.raises(OperationRejected):
        counted.ask("me.bonus", address="192.168.1.11")
    counted.ask("allowance.give", person_id=1, minutes=20, bank=True)
    with pytest.raises(OperationRejected):
        counted.ask("allowance.give", person_id=1, minutes=281, bank=True)
    found = counted.ask("me.bonus", address="192.168.1.11")
    assert found["bank"] == 5 and found["now"]["allowed"] == 20
    assert counted.ask("me.bonus", address="192.168.1.11")["now"]["allowed"] == 25
    with pytest.raises(OperationRejected):
        counted.ask("me.bonus", address="192.168.1.11")
    counted.ask("allowance.give", person_id=1, minutes=20, bank=True)
    counted.ask("limits.set", person_id=1, windows=NIGHT)
    counted.go(at(21) - counted.clock.at)
    with pytest.raises(OperationRejected):
        counted.ask("me.bonus", address="192.168.1.11")


@pytest.mark.parametrize("minutes", [[1] * 6, [1] * 8, [1441] + [0] * 6, [-1] + [0] * 6, [True] * 7, "2h", [1.5] * 7])
def test_odd_weeks(counted: Counted, minutes: object) -> None:
    with pytest.raises(BadInput):
        counted.ask("allowance.set", person_id=1, minutes=minutes)
    assert counted.ask("allowance.set", person_id=1, minutes=None)["week"] is None


def test_the_bank_is_shut_at_bedtime_whatever_else_holds(counted: Counted) -> None:
    counted.asks_from(TABLET)
    counted.on(1)
    counted.ask("allowance.set", person_id=1, minutes=[60] * 7)
    counted.ask("allowance.give", person_id=1, minutes=60, bank=True)
    counted.ask("limits.set", person_id=1, windows=NIGHT)
    counted.go(at(21) - counted.clock.at)
    counted.ask("hold.add", person_id=1, seconds=3600)
    with pytest.raises(OperationRejected, match="bedtime"):
        counted.home.ask("me.bonus", address="192.168.1.11")
    counted.ask("hold.end", person_id=1)
    counted.ask("exception.add", person_id=1, kind="off")  # tonight there is no bedtime
    assert counted.home.ask("me.bonus", address="192.168.1.11")["bank"] == 45


def test_used_up_goes_on_when_the_plug_is_pulled(counted: Counted) -> None:
    counted.on(1)
    counted.ask("allowance.set", person_id=1, minutes=[10] * 7)
    counted.minutes(12, TABLET)
    for _ in range(3):
        counted.again(trusted=False)
        assert counted.kernel.taken == {TABLET}
        counted.go(30)
        assert counted.kernel.taken == {TABLET}
    counted.clock.ok = True
    assert counted.go(1) == {TABLET}


def test_more_devices_are_not_more_minutes(counted: Counted) -> None:
    """The second, added when the first has used them up, has none left; a replaced one keeps none either."""
    counted.on(1)
    counted.ask("allowance.set", person_id=1, minutes=[10] * 7)
    counted.minutes(10, TABLET)
    second = counted.ask("device.add", label="console", mac=SECOND, person_id=1)["id"]
    assert counted.kernel.taken == {TABLET, SECOND}
    counted.ask("device.remove", device_id=second)
    counted.ask("device.edit", device_id=1, mac="5a:22:fb:00:00:07")
    assert counted.kernel.taken == {"5a:22:fb:00:00:07"}


def test_the_clock_set_back_gives_no_minutes(counted: Counted) -> None:
    counted.on(1)
    counted.ask("allowance.set", person_id=1, minutes=[10] * 7)
    counted.minutes(10, TABLET)
    for hours in (-3, 5, -2):
        counted.clock.at += hours * 3600
        counted.tick()
        counted.minute()
        assert counted.kernel.taken == {TABLET}
