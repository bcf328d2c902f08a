"""A device that is never to be turned off: no window, nothing of the moment and no restart holds it."""

import pytest

from agent.daemon.operations.arguments import OperationRejected
from tests.daemon.limited import NIGHT, PHONE, TABLET, TV, Times, at

SENSOR = "3c:22:fb:00:00:05"


def sensor(times: Times, **more: object) -> int:
    row = times.ask("device.add", label="sensor", mac=SENSOR, **more)
    return int(times.ask("device.edit", device_id=row["id"], never_off=True)["id"])


def test_no_window_holds_it_and_its_person_s_others_are_held(times: Times) -> None:
    id = sensor(times, person_id=1)
    times.ask("limits.set", person_id=1, windows=NIGHT)
    assert times.go(at(21) - at(12)) == {TABLET}
    times.again(trusted=False)
    assert times.kernel.taken == {TABLET}
    # As soon as the household says otherwise.
    assert times.ask("device.edit", device_id=id, never_off=False)["internet"]["held"] is False
    times.clock.ok = True
    times.tick()
    assert times.kernel.taken == {TABLET, SENSOR}
    # And the other way round, at once.
    times.ask("device.edit", device_id=id, never_off=True)
    assert times.kernel.taken == {TABLET}
    details = [row.detail for row in times.home.household.state.ledger.rows() if "never_off" in row.detail]  # type: ignore[union-attr]
    assert details == ["never_off:no>yes", "never_off:yes>no", "never_off:no>yes"]


def test_turning_off_names_it(times: Times) -> None:
    id = sensor(times, person_id=1)
    done = times.ask("hold.add", all=True, seconds=900)
    assert done["left_out"] == ["Ann", "sensor"] and times.kernel.taken == {TABLET, PHONE, TV}
    times.ask("hold.end", person_id=1)
    assert times.ask("hold.add", person_id=1, seconds=900)["left_out"] == ["sensor"]
    assert times.kernel.taken == {TABLET, PHONE, TV}
    with pytest.raises(OperationRejected, match="never turned off for: sensor") as refused:
        times.ask("hold.add", device_id=id, seconds=900)
    assert refused.value.detail == {"left_out": ["sensor"]}


def test_nobody_is_held_by_a_person_who_has_only_such_devices(times: Times) -> None:
    times.ask("device.edit", device_id=1, never_off=True)
    times.ask("limits.set", person_id=1, windows=NIGHT)
    assert times.go(at(21) - at(12)) == set()
    assert times.ask("limits.get", person_id=1)["now"]["held"] is False
    with pytest.raises(OperationRejected):
        times.ask("hold.add", person_id=1, seconds=900)
    assert times.ask("device.list")["items"][3]["never_off"] is True


def test_what_its_content_is_goes_on(times: Times) -> None:
    id = sensor(times)
    times.ask("content.set", device_id=id, search="on")
    household = times.home.household
    assert household and household.read(household.state.device(id))
