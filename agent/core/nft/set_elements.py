"""A firewall's sets and maps, looked up with values of which some are not known."""

from agent.core.model import Value
from agent.core.nft.known_bytes import between, same, whole
from agent.core.shapes import FieldsOf, KnownBytes


class SetElement(Value):
    """`key` up to `last`, field by field where several stand side by side; b"" for all that is not listed. `data` is
    a map's. `ends`: an interval that began before ends before the key."""

    __slots__ = ("key", "last", "data", "ends")

    def __init__(self, key: bytes, last: bytes = b"", data: bytes = b"", ends: bool = False) -> None:
        self.key = key
        self.last = last or key
        self.data = data
        self.ends = ends


def found(listed: "list[SetElement]", fields_of: FieldsOf) -> "tuple[bool, list[bytes]]":
    """(whether one of the elements surely is meant, the data of all that may be)."""
    named = [one for one in listed if one.key]
    if any(one.ends for one in named):
        sure, meant = _within(named, fields_of(len(named[-1].key)))
    else:
        sure, meant = _among(named, fields_of)
    others = [one.data for one in listed if not one.key]
    return (True, meant) if sure else (bool(others), meant + others)


def _within(listed: "list[SetElement]", fields: "list[KnownBytes]") -> "tuple[bool, list[bytes]]":
    """Of intervals of one value, which begin and end with an element each."""
    key = whole([byte for field in fields for byte in field])
    if key is None or len(key) != len(listed[-1].key):
        return False, [one.data for one in listed if not one.ends]
    below = [one for one in listed if one.key <= key]
    return (True, [below[-1].data]) if below and not below[-1].ends else (False, [])


def _among(listed: "list[SetElement]", fields_of: FieldsOf) -> "tuple[bool, list[bytes]]":
    meant = []
    for one in listed:
        how = _matches(one, fields_of(len(one.key)))
        if how:
            return True, [one.data]
        # What begins at zero may be an interval of everything.
        if how is None or (one.key == one.last and not any(one.key)):
            meant.append(one.data)
    return False, meant


def _matches(element: SetElement, fields: "list[KnownBytes]") -> "bool | None":
    """Whether each field lies between the element's two; None where that is not known."""
    at, sure = 0, True
    for field in fields:
        low, high = element.key[at : at + len(field)], element.last[at : at + len(field)]
        at += len(field)
        inside = same(field, low) if low == high else between(field, low, high)
        if inside is False:
            return False
        sure = sure and bool(inside)
    return True if sure and at == len(element.key) else None
