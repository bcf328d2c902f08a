"""Adults who take part in the household's weekly file: by their own word, given with their PIN at their own device.

What they agree to is an address, a key and a content; another one of these, or turning the file on anew, asks anew. In
it is then what the household may read of them anyway. They leave at once, and nothing of them leaves after that.
"""

from collections.abc import Generator

from agent.control.messages import Reply, Request, Row
from agent.core.features import NOTICE_VERSION
from agent.core.model import Device, Person, Sentence
from agent.daemon.household import Household
from agent.daemon.operations.arguments import OperationRejected, optional_number, optional_text
from agent.daemon.operations.me import own_device
from agent.daemon.operations.proven import of_device
from agent.daemon.operations.scope import Steps
from agent.daemon.operations.week import of_people
from agent.daemon.operations.week_people import of_me
from agent.daemon.reports.week_file import FEATURE

TERMS_MAX = 64


def preview(household: Household, request: Request) -> Steps:
    """What would be in it now of the adult at this device, to the letter."""
    from agent.core.week_file import render

    asked, person = _asked(household, own_device(household, request))
    found = yield from of_people(household, 1, [person])
    return {**asked, "text": render({"made": household.clock.wall(), **found})}


def _asked(household: Household, device: Device) -> tuple[Row, Person]:
    asked, person = of_me(household, device), household.subjects.person_of(device)
    if asked is None or person is None:
        raise OperationRejected("conflict", "there is no weekly file that you could take part in")
    return asked, person


def join(household: Household, request: Request) -> Reply:
    device = own_device(household, request)
    asked, person = _asked(household, device)
    given = optional_text(request, "terms", TERMS_MAX), optional_number(request, "agree")
    if given != (asked["terms"], NOTICE_VERSION):
        message = Sentence("read what is in the weekly file and where it goes, and agree to version {}", NOTICE_VERSION)
        raise OperationRejected("agree_first", message)
    if not of_device(household, device, request):
        raise OperationRejected("forbidden", "enter the PIN of this device for this", {"needs": "pin"})
    if not asked["joined"]:
        entry = (device.enrolment, FEATURE, "join", NOTICE_VERSION, f"whose:{person.id} to:{asked['terms']}")
        household.state.ledger.append([entry], f"me:{device.id}", household.clock.wall())
        household.announcements.noted()
    return _told(household, device)


def leave(household: Household, request: Request) -> Generator[float | None, None, object]:
    """At once, and at any device of theirs; without a PIN, as every off."""
    device = own_device(household, request)
    register = household.state.ledger.register
    theirs = [one for one in household.state.devices() if device.person_id and one.person_id == device.person_id]
    entries = [(one.enrolment, FEATURE, "leave", 0, "") for one in theirs if one.enrolment in register.joined]
    if device.shared or not entries:
        raise OperationRejected("conflict", "you take no part in the weekly file")
    yield from household.week_file.take_out(entries, f"me:{device.id}")
    return _told(household, device)


def _told(household: Household, device: Device) -> Reply:
    household.edges.publish({"event": "device", "device_id": device.id})
    return {"week_file_ask": of_me(household, device)}


TABLE = {"me.week_file": preview, "me.week_file_join": join, "me.week_file_leave": leave}
