"""Writes the file that `ruleset.py` reads: buckets in order, then the head; in memory for small sets.

The streaming compile of large lists (`agent/jobs/compile.py`) sorts on disk and uses the same `Writer`.
"""

import json
import struct

from agent.core.model import BadInput, Value
from agent.core.ruleset import (
    BLOCK_SIZE,
    BUCKETS,
    CLASSES_MAX,
    ENTRY,
    FORMAT,
    HEAD,
    INDEX_SIZE,
    INDEX_START,
    MAGIC,
)


class ListMeta(Value):
    """What a rule set says of one of its lists; `fetched` is wall seconds or None."""

    __slots__ = ("id", "name", "version", "category", "count", "fetched")

    def __init__(
        self, id: str, name: str, version: str, category: str, count: int = 0, fetched: int | None = None
    ) -> None:
        self.id = id
        self.name = name
        self.version = version
        self.category = category
        self.count = count
        self.fetched = fetched


class Classes:
    """Numbers for what the class byte of an entry stands for: (list, kind, allow, important)."""

    def __init__(self) -> None:
        self.table: list[tuple[int, int, bool, bool]] = []
        self._numbers: dict[tuple[int, int, bool, bool], int] = {}

    def number(self, list_index: int, kind: int, allow: bool = False, important: bool = False) -> int:
        """The class byte; BadInput when the sets of lists needs more than there are."""
        entry = (list_index, kind, allow, important)
        if entry not in self._numbers:
            if len(self.table) == CLASSES_MAX:
                raise BadInput("too many lists for one rule set")
            self._numbers[entry] = len(self.table)
            self.table.append(entry)
        return self._numbers[entry]


class Writer:
    """Writes one rule set to a seekable binary file: `bucket` 65,536 times in order, then `finish`."""

    def __init__(self, file, salt: bytes, sha256) -> None:  # type: ignore[no-untyped-def]
        if len(salt) != 16:
            raise BadInput("a salt has 16 bytes")
        self._file = file
        self._salt = salt
        self._sha256 = sha256
        self._index = bytearray(INDEX_SIZE)
        self._next = 0
        self._place = INDEX_START + INDEX_SIZE
        self._pending = b""
        self._digests = bytearray()
        file.seek(self._place)

    def bucket(self, packed: bytes) -> None:
        """The entries of the next bucket, each 40 bits of the digest and the class byte."""
        struct.pack_into(">I", self._index, 4 * self._next, self._place)
        self._next += 1
        self._place += len(packed)
        self._body(packed)

    def _body(self, data: bytes) -> None:
        self._pending += data
        if len(self._pending) >= BLOCK_SIZE:
            self._flush(self._pending[:BLOCK_SIZE])
            self._pending = self._pending[BLOCK_SIZE:]

    def _flush(self, block: bytes) -> None:
        self._digests += self._sha256(block)
        self._file.write(block)

    def finish(self, lists: list[ListMeta], classes: Classes) -> None:
        """Write the meta block, index and head: before this the file is refused as foreign."""
        if self._next != BUCKETS:
            raise BadInput("a rule set has " + str(BUCKETS) + " buckets, not " + str(self._next))
        struct.pack_into(">I", self._index, 4 * BUCKETS, self._place)
        count = (self._place - INDEX_START - INDEX_SIZE) // ENTRY
        while self._pending:
            self._flush(self._pending[:BLOCK_SIZE])
            self._pending = self._pending[BLOCK_SIZE:]
        meta = _meta(lists, classes, count)
        self._file.write(meta)
        size = self._place + len(meta)
        body = self._sha256(bytes(self._digests))
        head = struct.pack(HEAD, MAGIC, FORMAT, 0, INDEX_SIZE, self._salt, size, self._place, body)
        sha256 = self._sha256
        self._file.seek(0)
        self._file.write(head + sha256(sha256(head) + sha256(bytes(self._index)) + sha256(meta)))
        self._file.write(self._index)


def _meta(lists: list[ListMeta], classes: Classes, count: int) -> bytes:
    described = [{name: getattr(of, name) for name in ListMeta.__slots__} for of in lists]
    return json.dumps({"lists": described, "classes": classes.table, "count": count}).encode()


def build(file, lists, salt: bytes, sha256) -> None:  # type: ignore[no-untyped-def]
    """Write a rule set from pairs of ListMeta and its rules (`rules.ListRule`), all in memory.

    For sets of some thousand rules; the lists' `count` is set to the rules they contributed.
    """
    classes = Classes()
    found: dict[bytes, int] = {}
    for number in range(len(lists)):
        for rule in lists[number][1]:
            key = sha256(salt + rule.key)[:7] + bytes([rule.kind])
            found[key] = found.get(key, classes.number(number, rule.kind))
    keys = sorted(found)
    writer = Writer(file, salt, sha256)
    at = 0
    for bucket in range(BUCKETS):
        packed = b""
        while at < len(keys) and (keys[at][0] << 8 | keys[at][1]) == bucket:
            number = found[keys[at]]
            packed += keys[at][2:7] + bytes([number])
            lists[classes.table[number][0]][0].count += 1
            at += 1
        writer.bucket(packed)
    writer.finish([of for of, _ in lists], classes)
