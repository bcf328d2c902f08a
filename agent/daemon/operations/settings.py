"""The settings that the household may change while the daemon runs."""

from agent.control import arguments
from agent.control.messages import Reply, Request, Row
from agent.core import settings as settings_table
from agent.core.model import BadInput, Sentence
from agent.core.setting_kinds import NUMBER, PEOPLE, PERSON_MAX
from agent.daemon.household import Household
from agent.daemon.operations.arguments import actor, text


def settings_get(household: Household, request: Request) -> Reply:
    items = []
    for row in settings_table.TABLE:
        if not row.household:
            continue
        item: Row = {
            "key": row.name,
            "value": household.settings[row.name],
            "kind": row.kind,
            "sentence": row.sentence,
        }
        if row.kind == NUMBER:
            item["min"], item["max"] = row.limits
        elif row.limits:
            item["choices"] = list(row.limits)
        items.append(item)
    return {"items": items}


def settings_set(household: Household, request: Request) -> Reply:
    """Change one of the household's settings; kept in state.db, it goes before the settings file."""
    key = text(request, "key")
    if not settings_table.known(key).household:
        raise BadInput(Sentence("setting {} is the owner's: change it in the settings file", key))
    value = settings_table.check(key, request.get("value"))
    if settings_table.known(key).kind == PEOPLE:
        for name in settings_table.Settings({key: value}).texts(key):
            arguments.check(key, arguments.text(PERSON_MAX), name)
    household.in_force.change(key, value, actor(request))
    household.edges.publish({"event": "status"})
    return {"key": key, "value": value}


TABLE = {
    "settings.get": settings_get,
    "settings.set": settings_set,
}
