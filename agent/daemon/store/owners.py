"""Whose rules a row of state.db holds: a person's, a device's, or the household's."""

from agent.core.model import Device

HOUSEHOLD, PERSON, DEVICE = "household", "person", "device"
OWNERS = (HOUSEHOLD, PERSON, DEVICE)

Owner = tuple[str, int]  # and its id; 0 of the household


def owner_of(device: Device) -> Owner:
    """Whose rules the device follows: its present person's where nobody else uses it, or its own."""
    if device.person_id is None or device.shared:
        return DEVICE, device.id
    return PERSON, device.person_id
