"""Which devices, person or visit a request names."""

from agent.control.messages import Request
from agent.core.model import BadInput, Device, NotFound, Person, Sentence
from agent.daemon.household import Household
from agent.daemon.operations.arguments import optional_number
from agent.daemon.store.owners import PERSON, Owner, owner_of


def devices_of(household: Household, request: Request) -> list[Device]:
    """The devices that a request names by "device_id", "person_id" or "all"; BadInput when there are none."""
    state = household.state
    if request.get("all") is True:
        return state.devices()
    person_id = request.get("person_id")
    if isinstance(person_id, int):
        state.person(person_id)
        found = [device for device in state.devices() if device.person_id == person_id]
        if not found:
            raise BadInput("that person has no device yet: add one, or give one of the devices this person")
        return found
    device_id = request.get("device_id", request.get("id"))
    if not isinstance(device_id, int):
        raise BadInput("say which: device_id or person_id (numbers)")
    return [state.device(device_id)]


def device_named(household: Household, request: Request) -> Device:
    """The one device of what concerns no more than one."""
    device_id = request.get("device_id", request.get("id"))
    if not isinstance(device_id, int):
        raise BadInput("say which device: id (a number)")
    return household.state.device(device_id)


def person_named(household: Household, request: Request) -> Person:
    person_id = request.get("id", request.get("person_id"))
    if not isinstance(person_id, int):
        raise BadInput("say which person: id (a number)")
    return household.state.person(person_id)


def owner_named(household: Household, request: Request) -> Owner:
    """The person that is named; of a device the person whose rules it follows, or itself."""
    person_id, device_id = optional_number(request, "person_id"), optional_number(request, "device_id")
    if person_id is not None:
        return PERSON, household.state.person(person_id).id
    if device_id is not None:
        return owner_of(household.state.device(device_id))
    raise BadInput("say which: device_id or person_id (numbers)")


def device_of_visit(household: Household, visit_id: int) -> Device:
    device_id = household.records.device_of_visit(visit_id)
    if device_id is None:
        raise NotFound(Sentence("no visit {}", visit_id))
    return household.state.device(device_id)
