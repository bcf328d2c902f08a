"""Arguments of a request: present, of the right type, within bounds; otherwise BadInput that names the argument."""

from agent.control.arguments import NUMBER_MAX, PAGE_MAX
from agent.control.messages import Request, Row
from agent.core.digits import whole
from agent.core.model import BadInput, Sentence
from agent.platform.printable import blank, printable

PAGE_DEFAULT = 50
TEXT_MAX = 64


class OperationRejected(BadInput):
    """A request that is well-formed but may not be done now; `code` goes into the reply."""

    def __init__(self, code: str, message: str | Sentence, detail: Row | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.detail = detail or {}


def text(request: Request, name: str, limit: int = TEXT_MAX) -> str:
    """A non-empty line of at most `limit` characters without control characters."""
    value = request.get(name)
    if not isinstance(value, str) or blank(value):
        raise BadInput(Sentence("{} is missing or not a text", name))
    value = value.strip()
    if len(value) > limit or not printable(value):
        raise BadInput(Sentence("{} must be one printable line of at most {} characters", name, limit))
    return value


def optional_text(request: Request, name: str, limit: int = TEXT_MAX) -> str | None:
    return None if request.get(name) in (None, "") else text(request, name, limit)


def number(request: Request, name: str) -> int:
    value = request.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > NUMBER_MAX:
        raise BadInput(Sentence("{} is missing or not a whole number", name))
    return value


def optional_number(request: Request, name: str) -> int | None:
    return None if request.get(name) is None else number(request, name)


def choice(request: Request, name: str, choices: tuple[str, ...]) -> str:
    value = request.get(name)
    if not isinstance(value, str) or value not in choices:
        raise BadInput(Sentence("{} must be one of: {}", name, ", ".join(choices)))
    return value


def flag(request: Request, name: str) -> bool:
    value = request.get(name, False)
    if not isinstance(value, bool):
        raise BadInput(Sentence("{} must be true or false", name))
    return value


def actor(request: Request) -> str:
    """Who asks, for the ledger; never a person's name."""
    return optional_text(request, "actor", 40) or "cli"


def page(request: Request) -> tuple[int, int]:
    """(limit, after): at most PAGE_MAX rows, those beyond the cursor."""
    limit = optional_number(request, "limit") or PAGE_DEFAULT
    if not 1 <= limit <= PAGE_MAX:
        raise BadInput(Sentence("limit must be 1 to {}", PAGE_MAX))
    after = request.get("after")
    if after is None:
        return limit, 0
    last = whole(after) if isinstance(after, str) else None
    if last is None:
        raise BadInput("after must be a cursor from an earlier page")
    return limit, last


def paged(items: list[Row], limit: int, last: int) -> Row:
    """The reply of a listing; `last` is the id the next page goes on from."""
    return {"items": items, "next": str(last) if len(items) == limit else None}
