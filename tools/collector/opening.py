"""Opens sealed reports: keys, and what came under one id, for one machine (opener.py) and for many (fleet.py)."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from agent.core import envelope, seal, summary
from agent.core.model import BadInput
from agent.core.summary import Answer
from agent.platform import sodium
from agent.platform.hashing import sha256

BATCH_MIN = 500  # fewer households than this are too few to hide among
LATE = 12  # weeks after its period in which a report may still come: a router may have been offline for two months

REPEATED = "a report that was there already"
DIFFERENT = "different reports under one id"
TOO_FEW = "in a period with too few households"

Row = dict[str, object]


def primitives() -> seal.Primitives:
    found = sodium.load_sealing()
    return seal.Primitives(sha256, found.x25519, found.public_of, found.encrypt, found.decrypt)


class Key:
    """A secret key and the periods (inclusive) that it opens."""

    def __init__(self, secret: bytes, first: int, last: int) -> None:
        self.secret = secret
        self.first = first
        self.last = last


class Keys:
    """All secret keys by the id that stands in an envelope."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.tools = primitives()
        self._keys: dict[str, Key] = {}
        for row in rows:
            key = Key(bytes.fromhex(str(row["secret"])), int(str(row["first"])), int(str(row["last"])))
            self._keys[envelope.key_id(self.tools.public_of(key.secret), sha256)] = key

    @classmethod
    def read(cls, path: str | Path) -> "Keys":
        return cls(json.loads(Path(path).read_text()))

    def open(self, line: bytes) -> summary.DecodedReport:
        """BadInput for what is no report, of another key, or of a period that its key is not for."""
        found = envelope.parse(line)
        key = self._keys.get(found.key)
        if key is None:
            raise BadInput("a report for another key")
        if not key.first <= found.period <= key.last:
            raise BadInput("a report of a period that its key is not for")
        return envelope.open_envelope(self.tools, key.secret, found)


def first_of(period: int, weeks: int) -> int:
    """The first of the periods that are told together with this one."""
    return period - period % weeks


class Copies:
    """What came under one id of a period. `answer` is None as soon as it differs: its sender made it so, and which one
    came first must not decide. In any order the same."""

    def __init__(self) -> None:
        self.count = 0
        self.answer: Answer | None = None

    def add(self, answer: Answer) -> "Copies":
        return self._note(answer, 1)

    def merge(self, other: "Copies") -> "Copies":
        return self._note(other.answer, other.count) if other.count else self

    def _note(self, answer: Answer | None, count: int) -> "Copies":
        if not self.count:
            self.answer = answer
        elif self.answer != answer:
            self.answer = None
        self.count += count
        return self

    def left_out(self) -> Counter[str]:
        """Why how many of them don't count."""
        if self.answer is None:
            return Counter({DIFFERENT: self.count})
        return Counter({REPEATED: self.count - 1} if self.count > 1 else {})
