"""Opens sealed reports and adds them up: keys and sums, for one machine (opener.py) and for many (fleet.py)."""

import json
import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from agent.core import envelope, seal, summary
from agent.core.model import BadInput
from agent.platform import sodium
from agent.platform.hashing import sha256

BATCH_MIN = 500  # fewer households than this are too few to hide among
LATE = 12  # weeks after its period in which a report may still come: a router may have been offline for two months
Z95 = 1.959964  # of the normal distribution, two sides

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

    def open(self, line: bytes) -> summary.Report:
        """BadInput for what is no report, of another key, or of a period that its key is not for."""
        found = envelope.parse(line)
        key = self._keys.get(found.key)
        if key is None:
            raise BadInput("a report for another key")
        if not key.first <= found.period <= key.last:
            raise BadInput("a report of a period that its key is not for")
        return envelope.open_envelope(self.tools, key.secret, found)


class Copies:
    """What came under one id of a period. `numbers` is None as soon as it differs: its sender made it so, and which one
    came first must not decide. In any order the same."""

    def __init__(self) -> None:
        self.count = 0
        self.numbers: list[int] | None = None

    def add(self, numbers: list[int]) -> "Copies":
        return self._note(numbers, 1)

    def merge(self, other: "Copies") -> "Copies":
        return self._note(other.numbers, other.count) if other.count else self

    def _note(self, numbers: list[int] | None, count: int) -> "Copies":
        if not self.count:
            self.numbers = numbers
        elif self.numbers != numbers:
            self.numbers = None
        self.count += count
        return self

    def left_out(self) -> Counter[str]:
        """Why how many of them don't count."""
        if self.numbers is None:
            return Counter({DIFFERENT: self.count})
        return Counter({REPEATED: self.count - 1} if self.count > 1 else {})


class Totals:
    """Sums over reports of one period; adding and merging in any order gives the same (whole numbers only)."""

    def __init__(self) -> None:
        self.count = 0
        self.sums = [0] * len(summary.columns())
        self.squares = [0] * len(summary.columns())

    def add(self, numbers: list[int]) -> "Totals":
        self.count += 1
        for at, number in enumerate(numbers):
            self.sums[at] += number
            self.squares[at] += number * number
        return self

    def merge(self, other: "Totals") -> "Totals":
        self.count += other.count
        self.sums = [a + b for a, b in zip(self.sums, other.sums, strict=True)]
        self.squares = [a + b for a, b in zip(self.squares, other.squares, strict=True)]
        return self

    def rows(self, period: int) -> list[Row]:
        """One a column: the mean of a household and the total, each with the half-width of its 95 % interval.

        The width comes from how the reports themselves scatter, which holds whatever epsilon households chose.
        """
        found: list[Row] = []
        for name, total, squares in zip(summary.columns(), self.sums, self.squares, strict=True):
            mean = total / self.count
            variance = max(squares - total * total / self.count, 0.0) / max(self.count - 1, 1)
            error = Z95 * math.sqrt(variance / self.count)
            row: Row = {"period": period, "starts": summary.period_start(period), "column": name}
            row.update(households=self.count, mean=round(mean, 6), mean_error=round(error, 6))
            row.update(total=total, total_error=round(error * self.count, 3))
            found.append(row)
        return found
