"""Reports to an operator: what would be sent, opting in and out, what became of each, and what the report job asks."""

from collections.abc import Generator

from agent.control.messages import Reply, Request, Row
from agent.core.consent import ON, SUSPENDED
from agent.core.features import NOTICE_VERSION
from agent.core.model import BadInput, Sentence, heard, packed, spoken, unpacked
from agent.daemon.household import Household
from agent.daemon.operations.arguments import (
    OperationRejected,
    actor,
    choice,
    number,
    optional_number,
    optional_text,
    page,
    paged,
)
from agent.daemon.reports.sending import Sending

OUTCOMES = ("done", "later", "never")
PAUSE_MAX_S = 7 * 86400
LATER = "a report has an own number, is of one week, and says one answer with noise: which one and what is drawn anew"


def status(household: Household, request: Request) -> Reply:
    """Whether reports are made, for whom, and what of the budget is spent."""
    from agent.core.summary import PLAIN_BYTES

    reports = household.reports
    agreement, budget = reports.agreement, reports.budget
    spent = budget.spent()
    return {
        "state": agreement.state,
        "running": reports.running,
        "why": _why(household),
        "operator": agreement.operator(),
        "seen": _seen(),
        "terms": agreement.terms(),
        "notice": NOTICE_VERSION,
        "budget": {"spent": spent, "lifetime": budget.lifetime, "report": budget.epsilon},
        "exhausted": spent is None or spent + budget.epsilon > budget.lifetime,
        "next_at": at_age(household, reports.next_age()),
        "send_at": at_age(household, reports.outbox.send_age()),
        "waiting": len(reports.outbox.waiting()),
        "bytes": PLAIN_BYTES,
        **spoken("trouble", reports.trouble),
    }


def at_age(household: Household, age: int | None) -> int | None:
    """Wall seconds of an age of the household."""
    return None if age is None else household.clock.wall() + age - household.clock.age()


def _seen() -> str:
    from agent.core.operator import SEEN

    return SEEN


def _why(household: Household) -> str | None:
    """Why it was suspended: "terms" (something of them changed), "restore"."""
    since = household.state.ledger.register.since("", "report")
    return since.actor if since is not None and household.reports.agreement.state == SUSPENDED else None


def preview(household: Household, request: Request) -> Reply:
    """What would be sent now: the answers as they are, of which a report says one, and the exact text with an example
    of which one and of the noise. Nothing of it is kept or paid for; for a real report both are drawn anew."""
    from agent.core import summary

    reports = household.reports
    numbers = summary.answers(reports.counts.facts(reports.agreement.since_age(), reports.running))
    example = summary.noised(numbers, reports.budget.epsilon, reports.draw)
    period = summary.period_of(household.clock.wall())
    return {
        **status(household, request),
        "items": [
            {
                "name": row.name,
                "what": row.sentence,
                "number": summary.said(row, number),
                "sent": summary.said(row, example.number) if row.name == example.field else None,
            }
            for row, number in zip(summary.TABLE, numbers, strict=True)
        ],
        "text": summary.render(reports.draw(summary.ID_BYTES), period, example),
        "note": LATER,
    }


def listed(household: Household, request: Request) -> Reply:
    """What was made, sealed, sent, dropped or withdrawn."""
    limit, after = page(request)
    rows = household.reports.outbox.rows(after, limit)
    items = [_shown(row) for row in rows]
    return paged(items, limit, number({"id": rows[-1]["id"]}, "id") if rows else 0)


def show(household: Household, request: Request) -> Reply:
    """One of them, with its exact text as far as it is kept."""
    row = household.reports.outbox.row(number(request, "id"))
    return {**_shown(row), "text": row["plain"]}


def _shown(row: Row) -> Row:
    from agent.core.summary import period_start

    names = ("id", "report", "made", "epsilon", "notice", "state", "hash", "failures", "ended")
    said = spoken("message", unpacked(str(row["message"] or "")))
    return {**{name: row[name] for name in names}, **said, "period": period_start(number(row, "period"))}


def opt_in(household: Household, request: Request) -> Reply:
    """Agree to these terms of this operator, and to the notice; "terms" is the word that `status` gave."""
    reports = household.reports
    if not household.toggles.booted:
        raise OperationRejected("storage", "nothing can be switched on: the start could not be committed to storage")
    reports.sending.save_again()  # what was ended is not "on already"
    if reports.agreement.operator() is None:
        raise OperationRejected("conflict", "no operator is configured: there is nobody to send reports to")
    if reports.agreement.state == ON:
        raise OperationRejected("conflict", "reports are on already")
    charge_unknown_weeks(household)
    if reports.budget.spent() is None:
        raise OperationRejected(
            "conflict", "what was spent of the privacy budget can't be known any more: no report is made"
        )
    agreed = (optional_number(request, "agree"), optional_text(request, "terms"))
    if agreed != (NOTICE_VERSION, reports.agreement.terms()):
        message = Sentence("read who receives the reports and what is in them, and agree to version {}", NOTICE_VERSION)
        raise OperationRejected("agree_first", message, {"report": status(household, request)})
    try:
        reports.opt_in(actor(request))
    except OSError as error:
        raise OperationRejected("storage", Sentence("the budget can't be written: {}", error.strerror)) from error
    return _announced(household, request)


def charge_unknown_weeks(household: Household) -> None:
    try:
        household.reports.budget.charge_unknown_weeks()
    except OSError as error:
        raise OperationRejected("storage", Sentence("the budget can't be written: {}", error.strerror)) from error


def opt_out(household: Household, request: Request) -> Generator[float | None, None, object]:
    """Withdraw: final when acknowledged. Also when nothing is on: then it ends what a crash may have left."""
    yield from household.reports.opt_out(actor(request))
    return _announced(household, request)


def operator(household: Household, request: Request) -> Reply:
    from agent.core.operator import TEXTS

    return {
        "operator": household.reports.agreement.operator(),
        "seen": _seen(),
        "fields": [{"name": name, "max": limit, "what": what} for name, limit, what in TEXTS],
    }


def operator_set(household: Household, request: Request) -> Generator[float | None, None, object]:
    """Name the operator, or with null none any more. What was agreed to with another one ends first."""
    from agent.core.operator import check

    given = request.get("operator")
    if "operator" not in request:
        raise BadInput("operator is missing: an object, or null")
    row = None if given is None else check(given)
    yield from household.reports.change_operator(row, actor(request))
    return _announced(household, request)


def _announced(household: Household, request: Request) -> Reply:
    announce(household)
    return status(household, request)


def announce(household: Household) -> None:
    """Open pages look again: what is sent was turned on or off."""
    household.edges.publish({"event": "report"})
    household.edges.publish({"event": "status"})


# What the report job says and asks.


def work(household: Household, request: Request) -> Reply:
    """What to seal, and what to send, if its time has come, by number."""
    reports = household.reports
    operator = reports.agreement.operator() or {}
    to_seal, to_send = reports.work()
    keys = ("id", "report", "period", "notice")
    return {
        "seal": [{**{key: row[key] for key in keys}, "text": row["plain"]} for row in to_seal],
        "send": to_send and {"id": to_send["id"], "failures": to_send["failures"]},
        "operator": {name: operator.get(name, "") for name in ("key", "address", "authority")},
    }


def sealed(household: Household, request: Request) -> Reply:
    household.reports.sending.take_sealed(number(request, "id"), _body(request))
    return {}


def _body(request: Request) -> str:
    from agent.core.envelope import BODY_BYTES

    body = request.get("body")
    if not isinstance(body, str) or len(body) != BODY_BYTES:
        raise BadInput(Sentence("a sealed report has {} bytes", BODY_BYTES))
    return body


def body(household: Household, request: Request) -> Reply:
    return {"body": household.reports.sending.body(number(request, "id"))}


def outcome(household: Household, request: Request) -> Reply:
    return ended(household, request, household.reports.sending)


def ended(household: Household, request: Request, sending: Sending) -> Reply:
    """How one of what `sending` keeps went: sent, to be tried again, or given up."""
    pause_s = optional_number(request, "pause_s") or 0
    if not 0 <= pause_s <= PAUSE_MAX_S:
        raise BadInput("pause_s must be a week at most")
    result = choice(request, "outcome", OUTCOMES)
    message = packed(heard(request.get("message_sentence") or request.get("message"), 300))
    sending.take_outcome(number(request, "id"), result, message, pause_s)
    household.edges.publish({"event": "report"})
    return {}


TABLE = {
    "statistics.status": status,
    "statistics.preview": preview,
    "statistics.list": listed,
    "statistics.show": show,
    "statistics.opt_in": opt_in,
    "statistics.opt_out": opt_out,
    "statistics.operator": operator,
    "statistics.operator_set": operator_set,
    "report.work": work,
    "report.sealed": sealed,
    "report.body": body,
    "report.outcome": outcome,
}
