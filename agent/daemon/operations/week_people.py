"""Who is in the household's weekly file, and what an adult is asked about it at their own device."""

from agent.control.messages import Row
from agent.core.features import NOTICE_VERSION
from agent.core.model import ADULT, Device, Person
from agent.core.people import told
from agent.daemon.household import Household
from agent.daemon.reports.week_file import FEATURE


def in_file(household: Household) -> list[Person]:
    """Children and teens, and the adults who agreed to it."""
    agreed = joined(household)
    return [one for one in household.state.persons() if one.id in agreed or household.subjects.group(one) != ADULT]


def joined(household: Household) -> dict[int, list[Device]]:
    """By person: the devices at which they agreed to what the file is now."""
    file, register = household.week_file, household.state.ledger.register
    target, since = file.target(), register.since("", FEATURE)
    if not file.running or target is None or since is None or not register.joined:
        return {}
    terms = file.terms(target)
    found: dict[int, list[Device]] = {}
    for device in household.state.devices():
        row = register.joined.get(device.enrolment)
        if row is None or row.seq < since.seq or not _may(household, device):
            continue
        words = told(row.detail)
        if words.get("to") == terms and words.get("whose") == str(device.person_id):
            found.setdefault(device.person_id or 0, []).append(device)
    return found


def _may(household: Household, device: Device) -> bool:
    """An adult's alone, and nobody is taking it from them."""
    person = household.subjects.person_of(device)
    return person is not None and household.subjects.group(person) == ADULT and not household.delayed.of(device)


def of_me(household: Household, device: Device) -> Row | None:
    """What an adult is asked at this device, or takes part in already."""
    from agent.core.week_file import SEEN, shown

    file, target = household.week_file, household.week_file.target()
    if not file.running or target is None or not _may(household, device):
        return None
    terms = file.terms(target)
    return {
        "joined": device.person_id in joined(household),
        "address": shown(target["address"]),
        "recipient": target["recipient"],
        "seen": SEEN,
        "terms": terms,
        "notice": NOTICE_VERSION,
    }
