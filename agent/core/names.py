"""Domain names as values, and the registrable domain of a name by the public suffix list.

A canonical name is bytes: labels in lower case joined by dots, no trailing dot, A-labels only; the root is b"".
Bytes outside `a-z 0-9 - _` that a wire name may hold are written `\\DDD` (decimal, RFC 1035 section 5.1), the dot and
the backslash too. So every wire name has exactly one canonical name, a plain split at the dots gives its labels,
and a canonical name can be stored, printed and compared without care.
"""

import struct
from binascii import crc32

from agent.core.model import BadInput, Sentence

LABEL_MAX = 63  # RFC 1035 section 2.3.4
NAME_MAX = 253  # 255 octets on the wire, less the first length octet and the root
HOST = b"abcdefghijklmnopqrstuvwxyz0123456789-_."

_ESCAPE = 0x5C
_DIGITS = frozenset([b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9"])
_TOPS_KEPT = 64  # last labels whose kind is remembered: a household meets few


def parse(text: str | bytes) -> bytes:
    """The canonical name of a name as people and lists write it; one trailing dot and any case are fine.

    Escapes `\\DDD` are read, so a canonical name parses to itself. The empty name, other characters (also
    letters outside ASCII: the edges convert those to A-labels) and names too long are BadInput.
    """
    try:
        name = (text.encode() if isinstance(text, str) else text).lower()
    except UnicodeError as error:
        raise BadInput("a name holds a character that can't be encoded") from error
    # Lists hold a million names: a short plain one is through after these few tests.
    if 0 < len(name) <= LABEL_MAX and not name.strip(HOST) and name.find(b"..") < 0 and name[0] != 0x2E != name[-1]:
        return name
    if name[-1:] == b".":
        name = name[:-1]
    if not name:
        raise BadInput("a name is empty")
    return canonical(labels(name))


def labels(name: bytes) -> list[bytes]:
    """The raw labels of a canonical name, most specific first; [] for the root."""
    if not name:
        return []
    parts = name.split(b".")
    if name.strip(HOST):
        parts = [_unescape(part) for part in parts]
    size = 0
    for part in parts:
        if not 0 < len(part) <= LABEL_MAX:
            raise BadInput("a label is empty or longer than 63 bytes")
        size += len(part) + 1
    if size > NAME_MAX + 1:
        raise BadInput("a name is longer than 253 bytes")
    return parts


def canonical(raw: list[bytes]) -> bytes:
    """The canonical name of raw labels that keep the limits."""
    name = b".".join(raw).lower()
    if name.strip(HOST) or (raw and name.count(b".") >= len(raw)):
        return b".".join([_escape(label.lower()) for label in raw])
    return name


def _escape(label: bytes) -> bytes:
    if not label.strip(HOST) and b"." not in label:
        return label
    return b"".join([bytes([byte]) if byte in HOST and byte != 0x2E else b"\\%03d" % byte for byte in label])


def _unescape(label: bytes) -> bytes:
    raw = bytearray()
    at = 0
    while at < len(label):
        byte = label[at]
        at += 1
        if byte == _ESCAPE:
            digits = label[at : at + 3]
            if len(digits) < 3 or not digits.isdigit() or int(digits) > 255:
                raise BadInput("an escape in a name is not \\DDD")
            byte = int(digits)
            at += 3
        elif byte not in HOST:
            raise BadInput(Sentence("a name holds the byte {}; letters, digits, '-', '_' and '.' are allowed", byte))
        raw.append(byte)
    return bytes(raw)


def to_wire(name: bytes) -> bytes:
    """The uncompressed wire form of a canonical name, with the root label."""
    wire = bytearray()
    for label in labels(name):
        wire.append(len(label))
        wire += label
    wire.append(0)
    return bytes(wire)


def suffixes(name: bytes) -> list[bytes]:
    """The name, its parent and so on down to the last label; [] for the root."""
    found = [name] if name else []
    begin = 0
    # Half of what a search for each dot costs.
    for part in name.split(b".")[:-1]:
        begin += len(part) + 1
        found.append(name[begin:])
    return found


def is_address(name: bytes) -> bool:
    """Whether this is an IP address instead of a name: with a colon, or the last label a number."""
    # A number alone is looked for (`in` makes an exception of its own for bytes), and most names end in no digit.
    return 0x3A in name or (name[-1:] in _DIGITS and name[name.rfind(b".") + 1 :].isdigit())


# The compiled public suffix list: header, directory, entries. The directory holds for each hash bucket the place of its
# entries; an entry is a zero byte, the rule's name, and one byte < 32 that says which rules the name has. Ancestors of
# rules have an entry too, so that a look-up from the right can stop at the first miss.
_MAGIC = b"PSL\x02"
_HEADER = "<4sIII"  # magic, crc32 of what follows it, size of all in bytes, mask of the buckets
_HEADER_SIZE = 16
_CHECKED = 8  # from here on the checksum holds
_KINDS_END = 32  # below every byte of a canonical name
_NODE, _RULE, _WILDCARD, _EXCEPTION = 1, 2, 4, 8
_PER_BUCKET = 3  # entries a bucket, on average: a look-up searches some 50 bytes


def compile_suffixes(lines: list[str]) -> bytes:
    """Compile the lines (str) of a public suffix list, both its ICANN and its private section.

    Names must be A-labels already: the edges convert. Format: https://github.com/publicsuffix/list/wiki/Format
    """
    kinds = _kinds(lines)
    buckets = 1
    while buckets * _PER_BUCKET < len(kinds):
        buckets *= 2
    entries: list[list[bytes]] = [[] for _ in range(buckets)]
    # Sorted, a name comes before the names that it is the beginning of; find() then meets the right one first.
    for name in sorted(kinds):
        entries[crc32(name) & (buckets - 1)].append(b"\0" + name + bytes([kinds[name]]))
    place = _HEADER_SIZE + 4 * (buckets + 1)
    directory = bytearray()
    for bucket in entries:
        directory += struct.pack("<I", place)
        place += sum([len(entry) for entry in bucket])
    directory += struct.pack("<I", place)
    body = bytes(directory) + b"".join([b"".join(bucket) for bucket in entries]) + b"\0"
    checked = struct.pack("<II", _HEADER_SIZE + len(body), buckets - 1) + body
    return _MAGIC + struct.pack("<I", crc32(checked)) + checked


def _kinds(lines: list[str]) -> dict[bytes, int]:
    kinds: dict[bytes, int] = {}
    for line in lines:
        words = line.split(None, 1)
        if not words or words[0].startswith("//") or words[0] == "*":
            continue
        rule = words[0]
        kind = _RULE
        if rule.startswith("*."):
            rule, kind = rule[2:], _WILDCARD
        elif rule.startswith("!"):
            rule, kind = rule[1:], _EXCEPTION
        name = parse(rule)
        kinds[name] = kinds.get(name, 0) | _NODE | kind
        for parent in suffixes(name):
            kinds[parent] = kinds.get(parent, 0) | _NODE
    return kinds


class PublicSuffixes:
    """The public suffix list, compiled by `compile_suffixes`; keeps the bytes and nothing else."""

    def __init__(self, data: bytes) -> None:
        """Raise BadInput unless `data` is a whole and undamaged compiled list."""
        if len(data) < _HEADER_SIZE or data[:4] != _MAGIC:
            raise BadInput("this is not a compiled public suffix list of this version")
        _, checksum, size, mask = struct.unpack_from(_HEADER, data, 0)
        if size != len(data) or crc32(memoryview(data)[_CHECKED:]) != checksum:
            raise BadInput("the compiled public suffix list is cut short or damaged")
        self._data = data
        self._mask = mask
        self._tops: dict[bytes, int] = {}

    def rules(self) -> list[bytes]:
        """The names that are public suffixes by a rule of their own, not by a wildcard's."""
        found = []
        for entry in self._data[_HEADER_SIZE + 4 * (self._mask + 2) :].split(b"\0"):
            if entry and entry[-1] & _RULE:
                found.append(entry[:-1])
        return found

    def _kind(self, name: bytes) -> int:
        start, end = struct.unpack_from("<II", self._data, _HEADER_SIZE + 4 * (crc32(name) & self._mask))
        at = self._data.find(b"\0" + name, start, end)
        if at < 0:
            return 0
        kind = self._data[at + 1 + len(name)]
        return kind if kind < _KINDS_END else 0

    def _top_kind(self, name: bytes) -> int:
        kind = self._tops.get(name)
        if kind is None:
            if len(self._tops) >= _TOPS_KEPT:
                self._tops.clear()
            kind = self._tops[name] = self._kind(name)
        return kind

    def _suffix_at(self, found: list[bytes]) -> int:
        """Which of a name's suffixes, of which it has one at least, is the public one; unlisted, it is the last."""
        at = best = len(found) - 1
        kind, wildcard = self._top_kind(found[at]), 0
        while True:
            if kind & _EXCEPTION:
                return (at + 1) % len(found)
            if wildcard or kind & _RULE:
                best = at
            if not kind or not at:
                return best
            wildcard = kind & _WILDCARD
            at -= 1
            kind = self._kind(found[at])

    def listed(self, name: bytes) -> bool:
        """Whether the name itself is a public suffix by a rule; an unlisted last label is none."""
        found = suffixes(name)
        if not found or self._suffix_at(found):
            return False
        return len(found) > 1 or bool(self._kind(name) & (_RULE | _WILDCARD))

    def suffix(self, name: bytes) -> bytes:
        """The public suffix of a canonical name."""
        found = suffixes(name)
        return found[self._suffix_at(found)] if found else name

    def registrable(self, name: bytes, found: "list[bytes] | None" = None) -> bytes:
        """The registrable domain: public suffix and one label. The name itself if it is a suffix or an address.

        `found` are the name's suffixes, if somebody has them.
        """
        if is_address(name):
            return name
        if found is None:
            found = suffixes(name)
        at = self._suffix_at(found) if found else 0
        return found[at - 1] if at else name
