"""People: add, edit, remove."""

from collections.abc import Generator

from agent.control.messages import Reply, Request, Row
from agent.core.digits import is_digits, whole
from agent.core.model import AGE_GROUPS, BadInput
from agent.daemon.household import Household
from agent.daemon.operations.arguments import actor, choice, flag, optional_text, text
from agent.daemon.operations.devices import person_row
from agent.daemon.operations.named import person_named
from agent.daemon.store.scrubbing import scrub


def person_list(household: Household, request: Request) -> Reply:
    return {"items": [person_row(household, person) for person in household.state.persons()], "next": None}


def person_add(household: Household, request: Request) -> object:
    group = choice(request, "group", AGE_GROUPS)
    person = household.state.add_person(text(request, "name"), group, birth_month(request))
    household.edges.publish({"event": "device"})
    return person_row(household, person)


def person_change(household: Household, request: Request) -> object:
    person = person_named(household, request)
    values: Row = {}
    if "name" in request:
        values["name"] = text(request, "name")
    if "group" in request:
        values["grp"] = choice(request, "group", AGE_GROUPS)
    if "birth_month" in request:
        values["birth_month"] = birth_month(request)
    if not values:
        raise BadInput("nothing to change: give name, group or birth_month")
    household.people.change_person(person, values, actor(request))
    household.new_policy()
    household.edges.publish({"event": "device"})
    return person_row(household, household.state.person(person.id))


def birth_month(request: Request) -> str | None:
    given = optional_text(request, "birth_month")
    if given is None:
        return None
    year, _, month = given.partition("-")
    if not (len(year) == 4 and len(month) == 2 and is_digits(year) and 1 <= (whole(month) or 0) <= 12):
        raise BadInput("birth_month must be a year and a month, as in 2012-05")
    return given


def person_forget(household: Household, request: Request) -> Generator[float | None, None, object]:
    """The person's name goes; their devices stay, as nobody's in particular."""
    person = person_named(household, request)
    if flag(request, "preview"):
        return {"devices": sum(device.person_id == person.id for device in household.state.devices())}
    household.forgotten.note_person(person.id)
    household.people.forget_person(person, actor(request))
    household.new_policy()
    household.edges.publish({"event": "device"})
    yield from scrub(household.state.db)
    return {}


TABLE = {
    "person.list": person_list,
    "person.add": person_add,
    "person.edit": person_change,
    "person.remove": person_forget,
}
