"""What must hold for a rule besides its key: the few rules of a list that need more than a name."""

from agent.core.model import Value
from agent.core.shapes import Dumped


class Condition(Value):
    """`pattern` (bytes with `*`, or None) fits the name, the name is not in `denyallow` (tuple of names) or below one
    of those, the record type is one of `types` if there are any, and none of `except_types`.

    A pattern that begins with `||` may also fit from a later label on. `text` is the rule as the list has it.
    """

    __slots__ = ("text", "pattern", "denyallow", "types", "except_types")

    def __init__(
        self,
        text: str,
        pattern: bytes | None = None,
        denyallow: tuple[bytes, ...] = (),
        types: tuple[int, ...] = (),
        except_types: tuple[int, ...] = (),
    ) -> None:
        self.text = text
        self.pattern = pattern
        self.denyallow = denyallow
        self.types = types
        self.except_types = except_types

    @property
    def empty(self) -> bool:
        return not (self.pattern or self.denyallow or self.types or self.except_types)

    def holds(self, name: bytes, qtype: int) -> bool:
        """For a canonical name and the record type asked for; 0, not by DNS, satisfies no condition on types."""
        if (self.types or self.except_types) and not self._type_holds(qtype):
            return False
        for allowed in self.denyallow:
            if name == allowed or name.endswith(b"." + allowed):
                return False
        return self.pattern is None or fits(self.pattern, name)

    def _type_holds(self, qtype: int) -> bool:
        return qtype != 0 and (qtype in self.types or not self.types) and qtype not in self.except_types

    def dump(self) -> list[object]:
        """As values that JSON has."""
        pattern = None if self.pattern is None else self.pattern.decode()
        denyallow = [name.decode() for name in self.denyallow]
        return [self.text, pattern, denyallow, list(self.types), list(self.except_types)]


def load(dumped: Dumped) -> Condition:
    """The inverse of `dump`."""
    text, pattern, denyallow, types, except_types = dumped
    return Condition(
        text,
        None if pattern is None else pattern.encode(),
        tuple([name.encode() for name in denyallow]),
        tuple(types),
        tuple(except_types),
    )


def fits(pattern: bytes, name: bytes) -> bool:
    """Whether a pattern fits a whole name, or with `||` the name from any label on."""
    if not pattern.startswith(b"||"):
        return _fits(pattern.split(b"*"), name)
    parts = pattern[2:].split(b"*")
    at = 0
    while True:
        if _fits(parts, name[at:]):
            return True
        at = name.find(b".", at) + 1
        if not at:
            return False


def _fits(parts: list[bytes], name: bytes) -> bool:
    """The parts between the stars in order, the first and the last at the ends."""
    if len(parts) == 1 or not name.startswith(parts[0]):
        return name == parts[0]
    at = len(parts[0])
    for part in parts[1:-1]:
        found = name.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(name) - len(parts[-1]) >= at and name.endswith(parts[-1])
