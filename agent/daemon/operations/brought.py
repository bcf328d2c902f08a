"""What bringing a backup back must not undo: an adult's device stays theirs for a day, and a PIN is its person's."""

from agent.core import jsontext
from agent.core.model import ADULT, Device
from agent.daemon.household import Household
from agent.daemon.people import PINS, SESSIONS, rows_in
from agent.daemon.store.backup_tables import Rows
from agent.daemon.store.delayed_changes import ADDRESS, SALT

CHANGE = "restore"


def own_values(household: Household, rows: Rows) -> Rows:
    """Rows (table, values) of this router that go beside those of the backup, given as (kind, values)."""
    delayed = household.delayed.rows()
    taken = [device for device in household.state.devices() if _is_taken(household, device, rows)]
    delayed += [household.delayed.made(ADDRESS, household.delayed.address_key(one), CHANGE, True) for one in taken]
    stored = household.state.web_values()
    values: list[list[object]] = [[key, _of_same_people(household, key, value, rows)] for key, value in stored.items()]
    return [
        *(("delayed_changes", one) for one in delayed),
        *(("web", value) for value in values),
        ("meta", [SALT, household.delayed.salt()]),
    ]


def _is_taken(household: Household, device: Device, rows: Rows) -> bool:
    """Whether an adult's device is not in the backup, or not theirs, or they are no adult there."""
    if household.subjects.group_of(device) != ADULT:
        return False
    adults = [row[0] for kind, row in rows if kind == "person" and row[2] == ADULT]
    found = [row for kind, row in rows if kind == "device" and (row[3], row[4]) == (device.mac, device.address)]
    return not found or any(row[5] != device.person_id or row[5] not in adults for row in found)


def _of_same_people(household: Household, key: str, value: str, rows: Rows) -> str:
    """The PINs and sessions of devices that have the same person in the backup."""
    if key not in (PINS, SESSIONS):
        return value
    brought = {(row[0], row[1], row[5]) for kind, row in rows if kind == "device"}
    same = {d.id for d in household.state.devices() if (d.id, d.enrolment, d.person_id) in brought}
    found = rows_in(value)
    if key == PINS:
        return jsontext.dumps({device: pin for device, pin in found.items() if device in map(str, same)})
    staying = {None, *same}
    return jsontext.dumps({one: row for one, row in found.items() if row.get("device_id") in staying})
