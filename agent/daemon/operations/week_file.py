"""The household's own weekly file: what is in it, turning it on and off, what became of each, and what the job asks.

In it is what `week` replies of the seven days before today of all children and teens, and of the adults who agreed to
it at their own device (week_people.py).
"""

import binascii
import time
from collections.abc import Generator

from agent.control.messages import Reply, Request, Row
from agent.core.consent import SUSPENDED
from agent.core.features import NOTICE_VERSION
from agent.core.model import ADULT, BadInput, Device, NotFound, Sentence, spoken, unpacked
from agent.daemon.household import Household
from agent.daemon.operations.arguments import (
    OperationRejected,
    actor,
    number,
    optional_number,
    page,
    paged,
)
from agent.daemon.operations.reports import announce, at_age, ended
from agent.daemon.operations.scope import Steps
from agent.daemon.operations.week import of_people
from agent.daemon.operations.week_people import in_file, joined
from agent.daemon.reports.week_file import CHANGED

SHOWN = ("id", "made", "state", "hash", "failures", "ended")
BODY_MAX = 60_000  # the largest size, sealed, in base64


def status(household: Household, request: Request) -> Reply:
    """Whether files are made, where they go, and for whose key."""
    from agent.core.week_file import SEEN

    file = household.week_file
    since = household.state.ledger.register.since("", "week_file")
    suspended = since is not None and file.sending.state == SUSPENDED
    agreed = joined(household)
    return {
        "state": file.sending.state,
        "running": file.running,
        "why": since.actor if since is not None and suspended else None,
        "target": _told(household),
        "seen": SEEN,
        "notice": NOTICE_VERSION,
        "next_at": at_age(household, file.next_age()),
        "send_at": at_age(household, file.outbox.send_age()),
        "waiting": len(file.outbox.waiting()),
        "adults": [{"person_id": one.id, "name": one.name} for one in in_file(household) if one.id in agreed],
        **spoken("trouble", file.trouble()),
    }


def _told(household: Household) -> Row | None:
    """Where it goes, without what gives access."""
    from agent.core.week_file import shown

    target = household.week_file.target()
    if target is None:
        return None
    told: Row = {name: target[name] for name in ("user", "recipient")}
    return {**told, "address": shown(target["address"]), "authority": bool(target["authority"])}


def preview(household: Household, request: Request) -> Steps:
    """What would be in it now, to the letter. Nothing of it is stored."""
    from agent.core.week_file import padded

    text = _rendered(household, (yield from of_people(household, 1, in_file(household))))
    return {**status(household, request), "text": text, "bytes": len(padded(text))}


def _rendered(household: Household, found: Reply) -> str:
    from agent.core.week_file import render

    return render({"made": household.clock.wall(), **found})


def listed(household: Household, request: Request) -> Reply:
    """What was made, sent, dropped or withdrawn. What was in it nobody here can read any more."""
    limit, after = page(request)
    rows = household.week_file.outbox.rows(after, limit)
    items: list[Row] = [
        {**{name: row[name] for name in SHOWN}, **spoken("message", unpacked(str(row["message"] or "")))}
        for row in rows
    ]
    return paged(items, limit, number({"id": rows[-1]["id"]}, "id") if rows else 0)


def turn_on(household: Household, request: Request) -> Generator[float | None, None, object]:
    """To this address and for this key, after its content was read; `agree` is the notice's version."""
    from agent.core.week_file import check

    household.toggles.require_start()
    target = check(_in_letters(request.get("target")))
    if optional_number(request, "agree") != NOTICE_VERSION:
        message = Sentence("read what is in the weekly file and where it goes, and agree to version {}", NOTICE_VERSION)
        raise OperationRejected("agree_first", message)
    yield from household.week_file.turn_on(target, actor(request))
    return _announced(household, request)


def _in_letters(given: object) -> object:
    """The host of the address as A-labels."""
    from agent.core.week_file import host_of
    from agent.platform.idna import to_ascii

    if not isinstance(given, dict) or not isinstance(given.get("address"), str):
        return given
    address = given["address"].strip()
    host = host_of(address)
    return {**given, "address": address[:8] + to_ascii(host) + address[8 + len(host) :]}


def turn_off(household: Household, request: Request) -> Generator[float | None, None, object]:
    """Final when acknowledged: nothing waits, nothing is under way, address and key are deleted."""
    yield from household.week_file.sending.opt_out(actor(request))
    return _announced(household, request)


def _announced(household: Household, request: Request) -> Reply:
    announce(household)
    return status(household, request)


def of_me(household: Household, device: Device) -> str | None:
    """Where something of this device's person goes; None where nothing does."""
    from agent.core.week_file import host_of

    target = household.week_file.target()
    if target is None or not household.week_file.running or device.person_id is None:
        return None
    person = household.state.person(device.person_id)
    told_of = household.subjects.group(person) != ADULT or person.id in joined(household)
    return host_of(target["address"]) if told_of else None


# What the report job says and asks.


def work(household: Household, request: Request) -> Reply:
    """What to seal and for which key, and what to send, if its time has come, by number."""
    to_seal, to_send = household.week_file.work()
    target = household.week_file.target() or {}
    return {
        "seal": [{"id": row["id"]} for row in to_seal],
        "send": to_send and {"id": to_send["id"], "failures": to_send["failures"]},
        "recipient": target.get("recipient", ""),
    }


def text(household: Household, request: Request) -> Steps:
    row_id = number(request, "id")
    household.week_file.sending.expect(row_id, "made")
    found = yield from of_people(household, 1, in_file(household))
    # Whom it is about is looked at again before it goes.
    household.week_file.outbox.keep(row_id, ",".join(str(item["person_id"]) for item in _items(found)))
    return {"text": _rendered(household, found)}


def _items(found: Reply) -> list[Row]:
    items = found["items"]
    assert isinstance(items, list)
    return items


def sealed(household: Household, request: Request) -> Reply:
    household.week_file.sending.take_sealed(number(request, "id"), _body(request))
    return {}


def _body(request: Request) -> str:
    body = request.get("body")
    if not isinstance(body, str) or not 0 < len(body) <= BODY_MAX:
        raise BadInput(Sentence("a sealed file has at most {} letters", BODY_MAX))
    try:
        binascii.a2b_base64(body)
    except ValueError as error:
        raise BadInput("a sealed file is in base64") from error
    return body


def body(household: Household, request: Request) -> Reply:
    """The file, and where it goes: both are asked for right before it leaves."""
    from agent.core.week_file import name_of, place

    row_id = number(request, "id")
    found = household.week_file.sending.body(row_id)
    if _has_others(household, str(household.week_file.outbox.row(row_id)["plain"] or "")):
        household.week_file.withdraw(CHANGED)
        raise NotFound("somebody in this file is an adult now: another one is made")
    target = household.week_file.target() or {}
    made = number(household.week_file.outbox.row(row_id), "made")
    name = name_of(time.strftime("%Y-%m-%d", time.gmtime(made)))
    access: Row = {key: target.get(key, "") for key in ("user", "password", "authority")}
    return {"body": found, "address": place(target.get("address", ""), name), **access}


def _has_others(household: Household, people: str) -> bool:
    """Whether one of these is gone, or an adult now without their own word: nothing of an adult leaves."""
    may = [str(one.id) for one in in_file(household)]
    return any(number not in may for number in people.split(",") if number)


def outcome(household: Household, request: Request) -> Reply:
    return ended(household, request, household.week_file.sending)


TABLE = {
    "week_file.status": status,
    "week_file.preview": preview,
    "week_file.list": listed,
    "week_file.turn_on": turn_on,
    "week_file.turn_off": turn_off,
    "report.file_work": work,
    "report.file_text": text,
    "report.file_sealed": sealed,
    "report.file_body": body,
    "report.file_outcome": outcome,
}
