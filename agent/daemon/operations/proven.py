"""What the web job may not do by itself: a password or PIN was given for it, and the daemon checked that.

The job meets the network and could be taken over. Whoever has it can show what the page shows; exporting, deleting,
removing, backups, opting in and another secret need what only a person knows.
"""

from collections.abc import Generator

from agent.control.messages import Request, Row
from agent.control.operations import OPERATIONS
from agent.core.model import Device
from agent.core.people import is_number
from agent.daemon.household import Household
from agent.daemon.operations.arguments import OperationRejected
from agent.daemon.operations.web_values import web_value
from agent.daemon.people import rows_of

SECRET_MAX = 256
ERASING = ("off", "me.off")  # proven only where they delete


def need(household: Household, name: str, request: Request) -> None:
    """OperationRejected where the web job asks for `name` without the proof that it needs."""
    if name == "web.put":
        _SECRETS.get(str(request["key"]), _nothing)(household, request)
    if request.get("preview") or not (OPERATIONS[name].proven or (name in ERASING and request.get("erase"))):
        return
    kind, _, number = str(request.get("actor", "")).partition(":")
    if kind == "me" and is_number(number):
        device = household.state.device(int(number))
        if not of_device(household, device, request):
            raise OperationRejected("forbidden", "enter the PIN of this device for this", {"needs": "pin"})
    elif not of_household(household, request):
        raise OperationRejected("forbidden", "enter the password again for this", {"needs": "password"})


def of_device(household: Household, device: Device, request: Request) -> bool:
    secret = household.people.secret_of(device)
    return secret is not None and household.people.proofs.hold(f"me:{device.id}", secret, request.get("proof"))


def of_household(household: Household, request: Request) -> bool:
    secret = _password(household)
    return secret is not None and household.people.proofs.hold(str(request.get("actor")), secret, request.get("proof"))


def _password(household: Household) -> str | None:
    """Its hash, as the web job stored it."""
    account = web_value(household, "account")
    secret = account.get("password") if isinstance(account, dict) else None
    return secret if isinstance(secret, str) else None


def word(
    household: Household,
    who: str,
    secret: str | None,
    given: object,
    wrong: OperationRejected,
    busy: OperationRejected,
) -> Generator[float | None, None, object]:
    """{"proof": a word}, for what was given where it is right; otherwise it raises one of the two."""
    if secret is None or not isinstance(given, str) or len(given) > SECRET_MAX:
        raise wrong
    if household.people.proofs.busy:
        raise busy
    found = yield from household.people.proofs.check(who, secret, given)
    if found is None:
        raise wrong
    return {"proof": found}


def web_prove(household: Household, request: Request) -> Generator[float | None, None, object]:
    """A word for the household's password, for the session that the actor names."""
    who = str(request.get("actor"))
    wrong = OperationRejected("forbidden", "the password is not right")
    busy = OperationRejected("busy", "another password is being checked")
    return (yield from word(household, who, _password(household), request["password"], wrong, busy))


def _account(household: Household, request: Request) -> None:
    """Another password only with the one of now, or after a setup code."""
    value = request.get("value")
    after = value.get("password") if isinstance(value, dict) else None
    if after == _password(household) or of_household(household, request):
        return
    if not household.people.proofs.use_setup():
        raise OperationRejected("forbidden", "a new password needs the current one", {"needs": "password"})


def _pins(household: Household, request: Request) -> None:
    """A PIN that is set is replaced by whoever proved it, or by a code, for which the household gave its password."""
    before, after = rows_of(web_value(household, "pins")), rows_of(request.get("value"))
    for key in {*before, *after}:
        old, new = before.get(key, {}), after.get(key, {})
        if new.get("left") != old.get("left"):
            raise OperationRejected("forbidden", "the web page can't change that")
        if "pin" not in old:
            continue
        if "code" in new and _code(new) != _code(old) and not of_household(household, request):
            raise OperationRejected("forbidden", "enter the password again for this", {"needs": "password"})
        if new.get("pin") != old["pin"] and not (_code_holds(household, old) or _proves(household, key, old, request)):
            raise OperationRejected("forbidden", "a new PIN needs the current one or a code", {"needs": "pin"})


def _code(row: Row) -> tuple[object, object]:
    return row.get("code"), row.get("until")


def _code_holds(household: Household, row: Row) -> bool:
    until = row.get("until")
    return "code" in row and isinstance(until, int) and household.clock.wall() < until


def _proves(household: Household, key: str, row: Row, request: Request) -> bool:
    return household.people.proofs.hold("me:" + key, str(row["pin"]), request.get("proof"))


def _nothing(household: Household, request: Request) -> None:
    return


_SECRETS = {"account": _account, "pins": _pins}

TABLE = {"web.prove": web_prove}
