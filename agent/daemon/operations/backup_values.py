"""What each value of a backup's row may be: the same as an operation's argument, or what this product writes itself.

A backup comes from outside, also one that was sealed: whoever has the passphrase can write another.
"""

from collections.abc import Callable

from agent.control.arguments import ID, NUMBER_MAX, number, one_of
from agent.control.arguments import check as check_argument
from agent.control.messages import Schema
from agent.core import addresses, content, jsontext, names, settings, windows
from agent.core.consent import NOTES, TRANSITIONS
from agent.core.features import FEATURES
from agent.core.minutes import DAY_BITS as MINUTES_MAX
from agent.core.model import AGE_GROUPS, ALLOW, BLOCK, BadInput, Sentence
from agent.daemon.operations import arguments
from agent.daemon.operations.devices import parse_mac
from agent.daemon.operations.people import birth_month
from agent.daemon.operations.rules import SCOPES
from agent.daemon.store import allowances
from agent.daemon.store.backup_tables import Column, Rows
from agent.daemon.store.owners import HOUSEHOLD, OWNERS
from agent.daemon.store.state import SLOTS

Check = Callable[[object], None]
ENROLMENT_DIGITS = 18
DAYS_MAX = 2_932_896  # since 1970, until the year 9999
# What an owner has at most, as an operation would let them.
ROOM = {
    "window": windows.WINDOWS_MAX,
    "holiday": windows.DATES_MAX,
    "allowance": 7,
    "bank": 1,
    "content": len(content.CATEGORIES) + content.SERVICES_MAX + 2 * content.NAMES_MAX + content.LISTS_MAX + 2,
}
WRITTEN_MAX = 8192  # the hosts of a visit, or a list's rule, with room to spare
ACTIONS = (*sorted({action for _, action in TRANSITIONS}), *NOTES)


def check(kind: str, columns: list[Column], row: list[object]) -> None:
    """BadInput for a row with a value that could not have been written here."""
    if kind == "content":
        _content(row)
    for place, (column, value) in enumerate(zip(columns, row, strict=True), 1):
        try:
            _checked(kind, column)(value)
        except BadInput as error:
            raise BadInput(Sentence("the backup is damaged: value {} of a {}: {}", place, kind, error)) from error
    if kind == "setting":
        _setting(str(row[0]), str(row[1]))
    if kind == "holiday":
        windows.dates_from([windows.dates_row(windows.Dates(int(str(row[3])), int(str(row[4]))))])


def _checked(kind: str, column: Column) -> Check:
    """What is known of the column, or what its type says."""
    if column.key:
        return KEYS.get(kind, _ID)
    found = CHECKS.get(kind, {}).get(column.name) or RECORDED.get(column.name) or TYPES[column.kind]
    return found if column.always else _or_none(found)


def _of(kind: Schema) -> Check:
    """As an operation's argument of that kind."""
    return lambda value: check_argument("value", kind, value)


def _line(value: object) -> None:
    if arguments.text({"value": value}, "value") != value:
        raise BadInput("value begins or ends with a blank")


def _written(value: object) -> None:
    """A text of the product's own, which may be empty."""
    if not isinstance(value, str) or len(value) > WRITTEN_MAX:
        raise BadInput("value is no text, or too long")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise BadInput("value can't be written as UTF-8") from error


def _or_none(checked: Check) -> Check:
    return lambda value: None if value is None else checked(value)


def _bytes(length: int) -> Check:
    def checked(value: object) -> None:
        if not isinstance(value, bytes) or len(value) != length:
            raise BadInput(Sentence("value must be {} bytes", length))

    return checked


def _mac(value: object) -> None:
    _bytes(6)(value)
    assert isinstance(value, bytes)
    parse_mac(value.hex())


def _name(value: object) -> None:
    try:
        parsed = _canonical(value.decode("ascii")) if isinstance(value, bytes) else b""
    except UnicodeDecodeError:
        parsed = b""
    if not parsed or parsed != value:
        raise BadInput("value is no name")


def _canonical(text: str) -> bytes:
    """Rules of before may have an IPv4 address in IPv6 form."""
    return addresses.show(addresses.parse(text)).encode() if ":" in text else names.parse(text)


def _address(value: object) -> None:
    if not isinstance(value, str) or addresses.show(addresses.parse(value)) != value:
        raise BadInput("value is no address")


def _enrolment(value: object) -> None:
    if not isinstance(value, str) or len(value) != ENROLMENT_DIGITS or value.strip("0123456789abcdef"):
        raise BadInput("value is no mark of a device")


def _birth_month(value: object) -> None:
    if birth_month({"birth_month": value}) != value:
        raise BadInput("value is no month")


def _label(value: object) -> None:
    _written(value)
    arguments.optional_text({"value": value}, "value")
    windows.checked(windows.Window(windows.BEDTIME, 1, 0, 0, str(value)))


def check_counts(rows: Rows) -> None:
    """BadInput where a person or a device has more rules than there is room for: each is looked at all the time."""
    counts: dict[tuple[object, ...], int] = {}
    for kind, row in rows:
        if kind in ROOM:
            owner = (kind, *row[1:3])
            counts[owner] = counts.get(owner, 0) + 1
            if counts[owner] > ROOM[kind]:
                raise BadInput(
                    Sentence("the backup is damaged: there is room for {} of {} for each owner", ROOM[kind], kind)
                )


def _setting(key: str, value: str) -> None:
    name = key[len("setting ") :]
    try:
        given = jsontext.loads(value)
    except (ValueError, RecursionError) as error:
        raise BadInput("the backup is damaged: a setting can't be read") from error
    # One that this version does not know is passed over when it is read.
    if any(row.name == name for row in settings.TABLE):
        settings.check(name, given)


def _content(row: list[object]) -> None:
    kind, name, mode, window = [value if isinstance(value, str) else "" for value in row[3:]]
    if row[1] == HOUSEHOLD and (kind != "list" or row[2] != 0):
        raise BadInput("the backup is damaged: for the whole household only lists can be chosen")
    try:
        content.check_row((kind, name, mode, window))
    except BadInput as error:
        raise BadInput(Sentence("the backup is damaged: {}", error)) from error


_ID = _of(ID)
_NUMBER = _of(number(-NUMBER_MAX, NUMBER_MAX))
_COUNT = _of(number(0, NUMBER_MAX))
_FLAG = _of(number(0, 1))

TYPES: dict[str, Check] = {"INTEGER": _NUMBER, "TEXT": _written}
KEYS = {"setting": _written}
# What more is known of a column than its type, by kind; and of every record's columns, here or there.
RECORDED: dict[str, Check] = {"device": _ID, "epoch": _ID, "batch": _COUNT, "hits": _COUNT}
_OWNED: dict[str, Check] = {"owner_kind": _of(one_of(*OWNERS[1:])), "owner": _ID}
CHECKS: dict[str, dict[str, Check]] = {
    "person": {"name": _line, "grp": _of(one_of(*AGE_GROUPS)), "birth_month": _birth_month},
    "device": {
        "enrolment": _enrolment,
        "label": _line,
        "mac": _mac,
        "address": _address,
        "person": _ID,
        "shared": _FLAG,
        "slot": _of(number(1, SLOTS)),
        "never_off": _FLAG,
    },
    "rule": {
        "name": _name,
        "action": _of(one_of(ALLOW, BLOCK)),
        "scope": _of(one_of(*SCOPES)),
        "owner": _COUNT,
    },
    "content": {"owner_kind": _of(one_of(*OWNERS)), "owner": _COUNT},
    "window": {
        **_OWNED,
        "kind": _of(one_of(*windows.KINDS)),
        "days": _of(number(1, windows.ALL_DAYS)),
        "label": _label,
        "begin": _of(number(0, windows.MINUTES)),
        "end": _of(number(0, windows.MINUTES)),
        "holiday": _FLAG,
    },
    "holiday": {**_OWNED, "first": _of(number(0, DAYS_MAX)), "last": _of(number(0, DAYS_MAX))},
    "allowance": {**_OWNED, "weekday": _of(number(0, 6)), "minutes": _of(number(0, allowances.DAY_MINUTES))},
    "bank": {**_OWNED, "minutes": _of(number(0, allowances.BANK_MAX))},
    "ledger": {"action": _of(one_of(*ACTIONS)), "notice": _COUNT, "hash": _bytes(32)},
    "epoch": {"feature": _of(one_of(*FEATURES)), "opened": _ID, "closed": _ID},
    "visit": {"background": _FLAG, "cause": _ID, "corrected": _FLAG},
    "usage": {
        "day": _of(number(0, DAYS_MAX)),
        "minutes": _of(number(0, MINUTES_MAX)),
        "alone": _of(number(0, MINUTES_MAX)),
    },
}
