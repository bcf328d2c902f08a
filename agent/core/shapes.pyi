from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, Protocol

from agent.core.lookalike import Lookalike
from agent.core.model import Value
from agent.core.nft.set_elements import SetElement
from agent.core.ruleset import Ruleset
from agent.core.services import Service
from agent.core.summary import Facts

Sha256 = Callable[[bytes], bytes]
Draw = Callable[[int], bytes]
ReadAt = Callable[[int, int], bytes]
SiteOf = Callable[[bytes], bytes | None]
Registrable = Callable[[bytes], bytes]
KeyAt = Callable[[int], bytes]
RulesOf = Callable[[str], list[list[tuple[str, dict[int, bytes]]]]]
ElementsOf = Callable[[str], list[SetElement]]
KnownBytes = list[int | None]
FieldsOf = Callable[[int], list[KnownBytes]]
PublicOf = Callable[[bytes], bytes]
SharedSecret = Callable[[bytes, bytes], bytes | None]
SealWith = Callable[[bytes, bytes, bytes, bytes], bytes]
OpenWith = Callable[[bytes, bytes, bytes, bytes], bytes | None]
File = IO[bytes]
Lines = Iterable[bytes]
Pieces = Iterator[bytes]
Place = dict[str, str]

class Names(Protocol):
    def __contains__(self, name: bytes, /) -> bool: ...

Values = Iterator[Value]
Ruled = Ruleset
Guesses = Lookalike
Json = dict[str, Any]
Dumped = list[Any]
Identity = tuple[Any, ...]
Counted = dict[tuple[Any, ...], int]
Placed = list[tuple[Any, ...]]
WeekFacts = Facts
ContentRow = tuple[str, str, str, str]
ListRows = list[dict[str, Any]]
ListChoices = list[dict[str, str]]
ServicesInTurn = Iterator[Service]
InC = Any  # the module _json, or None
Parsed = Any  # as of json.loads: whatever it is
