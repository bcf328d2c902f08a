"""The web job's own values, kept in state.db for it."""

from agent.control.messages import Reply, Request
from agent.core import jsontext
from agent.core.model import BadInput, Sentence
from agent.daemon.household import Household
from agent.daemon.operations.arguments import text
from agent.daemon.people import PINS

WEB_KEYS_MAX = 256
WEB_BYTES_MAX = 8192


def web_value(household: Household, key: str) -> object:
    value = household.state.web(key)
    return None if value is None else jsontext.loads(value)


def web_get(household: Household, request: Request) -> Reply:
    return {"value": web_value(household, text(request, "key"))}


def web_put(household: Household, request: Request) -> Reply:
    key, value = text(request, "key"), request.get("value")
    before = web_value(household, key)
    kept = jsontext.dumps(value)
    if len(kept) > WEB_BYTES_MAX:
        raise BadInput(Sentence("a value is at most {} bytes", WEB_BYTES_MAX))
    if household.state.web(key) is None and household.state.web_count() >= WEB_KEYS_MAX:
        raise BadInput(Sentence("there are {} values already", WEB_KEYS_MAX))
    household.state.put_web(key, kept)
    if key == PINS:
        household.people.pins_put(before, value)
    return {}


TABLE = {
    "web.get": web_get,
    "web.put": web_put,
}
