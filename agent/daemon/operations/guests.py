"""Guest networks: guests have not agreed, so no history is recorded of a device there.

Only devices behind the setting `interfaces` are ever steered. Of these interfaces, those that `guest_interfaces` names
are guest networks, and so are those with "guest" in their name.
"""

from agent.core.model import HISTORY, USAGE, Device
from agent.core.settings import guest_interfaces
from agent.daemon.household import Household
from agent.daemon.operations.arguments import OperationRejected


def is_guest(household: Household, device: Device) -> bool:
    """Whether the device is in sight in a guest network; one that is in sight nowhere is none."""
    mac = device.mac or (household.clients.mac_of(device.address) if device.address else None)
    return mac is not None and bool(household.edges.interfaces_of(mac) & guest_interfaces(household.settings))


def refuse_guests(household: Household, devices: list[Device], name: str) -> None:
    """OperationRejected when history or minutes are to begin for a device in a guest network."""
    if name == USAGE and any(is_guest(household, device) for device in devices):
        raise OperationRejected("forbidden", "minutes are not counted in a guest network: guests have not agreed")
    if name == HISTORY and any(is_guest(household, device) for device in devices):
        raise OperationRejected("forbidden", "history is not recorded in a guest network: guests have not agreed")
