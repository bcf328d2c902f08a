"""The web job's own values, kept in state.db for it."""

from agent.daemon.household import Household
from agent.daemon.operations.arguments import Request, text
from agent.daemon.people import PINS

WEB_KEYS_MAX = 256
WEB_BYTES_MAX = 8192


def web_get(household: Household, request: Request) -> dict[str, object]:
    return {"value": household.web_value(text(request, "key"))}


def web_put(household: Household, request: Request) -> dict[str, object]:
    key, value = text(request, "key"), request.get("value")
    before = household.web_value(key)
    household.put_web_value(key, value, WEB_BYTES_MAX, WEB_KEYS_MAX)
    if key == PINS:
        household.people.pins_put(before, value)
    return {}


TABLE = {
    "web.get": web_get,
    "web.put": web_put,
}
