"""Writes the file that `ruleset.py` reads: buckets in order, side tables, then the head; in memory for small sets.

The streaming compile of large lists (`agent/jobs/compile.py`) sorts on disk and uses the same `Writer`.
"""

import struct

from agent.core import jsontext
from agent.core.listrules import ListRule, Network
from agent.core.match import EXACT, SPECIAL
from agent.core.model import BadInput, Value
from agent.core.names import is_address
from agent.core.ruleset import (
    BLOCK_SIZE,
    BUCKETS,
    CLASSES_MAX,
    FORMAT,
    HEAD,
    INDEX_SIZE,
    INDEX_START,
    MAGIC,
    SPECIAL_ROW,
)
from agent.core.shapes import Counted, File, Identity, Placed, Sha256


class ListMeta(Value):
    """What a rule set says of one of its lists; `count` is its rules that are in the set, `fetched` wall seconds."""

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
    """Numbers for what the class byte of an entry stands for: (lists, kind, allow, important)."""

    def __init__(self) -> None:
        self.table: list[tuple[tuple[int, ...], int, bool, bool]] = []
        self._numbers: dict[tuple[tuple[int, ...], int, bool, bool], int] = {}

    def number(self, list_index: int, kind: int, allow: bool = False, important: bool = False) -> int:
        """The class byte of one list's own rules; BadInput when the lists need more than there are."""
        entry = ((list_index,), kind, allow, important)
        if entry not in self._numbers:
            if len(self.table) == CLASSES_MAX:
                raise BadInput("too many lists for one rule set")
            self._add(entry)
        return self._numbers[entry]

    def _add(self, entry: tuple[tuple[int, ...], int, bool, bool]) -> None:
        self._numbers[entry] = len(self.table)
        self.table.append(entry)

    def prefer(self, counted: Counted) -> None:
        """Class bytes for (lists, kind, allow, important) that occur so many times: for the most frequent first."""
        for _, entry in sorted([(-times, entry) for entry, times in counted.items()]):
            if entry not in self._numbers and len(self.table) < CLASSES_MAX:
                self._add(entry)

    def numbers(self, lists: tuple[int, ...], kind: int, allow: bool, important: bool) -> list[int]:
        """The class bytes of a key that is on these lists: one for all, or one for each list where none is left."""
        entry = (lists, kind, allow, important)
        if entry not in self._numbers and len(self.table) < CLASSES_MAX:
            self._add(entry)
        if entry in self._numbers:
            return [self._numbers[entry]]
        return [self._numbers[((index,), kind, allow, important)] for index in lists]


# A look-up reads all of one key, some 20 µs each: without a bound, one list's thousands make each name wait.
SAME_KEY_MAX = 64


class SideTables:
    """The rules that need more than a key, and what keys there are; filled while lists are read."""

    def __init__(self) -> None:
        self.networks: list[tuple[Network, int]] = []  # with the index of the list
        self.special: list[tuple[ListRule, int]] = []
        self._same: dict[bytes, int] = {}
        self.top_level = False
        self.pages = False
        self.addresses = False

    def note(self, key: bytes, kind: int) -> None:
        """Notice which probes a reader of the set has to make because of that key."""
        if b"/" in key:
            self.pages = True
        elif kind == EXACT and is_address(key):
            self.addresses = True
        elif b"." not in key:
            self.top_level = True

    def room_for(self, key: bytes) -> bool:
        """Whether a look-up may read one more rule with conditions of that key."""
        return self._same.get(key, 0) < SAME_KEY_MAX

    def add_special(self, rule: ListRule, number: int) -> None:
        self._same[rule.key] = self._same.get(rule.key, 0) + 1
        self.special.append((rule, number))

    def take_back(self, bad: list[tuple[int, Identity]], classes: Classes) -> None:
        """Remove the rules with conditions that `$badfilter` rules of the same list name (list, `identity`)."""
        table = classes.table
        self.special = [
            (rule, number) for rule, number in self.special if (table[number][0][0], identity(rule)) not in bad
        ]

    def merged(self, size: int) -> list[tuple[int, list[tuple[bytes, bytes]]]]:
        """Each list's networks of one address size (4 or 16), sorted, those within another of the list left out."""
        order = [(index, of.first, _complement(of.last), of.last) for of, index in self.networks]
        tables: list[tuple[int, list[tuple[bytes, bytes]]]] = []
        for index, first, _, last in sorted([row for row in order if len(row[1]) == size]):
            if not tables or tables[-1][0] != index:
                tables.append((index, []))
            rows = tables[-1][1]
            if not rows or last > rows[-1][1]:
                rows.append((first, last))
        return tables

    def count(self, index: int, classes: Classes) -> int:
        """How many rules of that list are here."""
        conditional = len([1 for _, number in self.special if classes.table[number][0] == (index,)])
        return conditional + sum([len(rows) for size in (4, 16) for of, rows in self.merged(size) if of == index])


def _complement(address: bytes) -> bytes:
    return bytes([255 - byte for byte in address])


def identity(rule: ListRule) -> Identity:
    """What makes two Adblock rules the same, `$badfilter` aside."""
    of = rule.condition
    more = (of.pattern, of.denyallow, of.types, of.except_types) if of is not None else None
    return (rule.key, rule.kind, rule.allow, rule.important, more)


class Writer:
    """Writes one rule set to a seekable binary file: `bucket` 65,536 times in order, then `finish`."""

    def __init__(self, file: File, salt: bytes, sha256: Sha256) -> None:
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
        self._body(packed)

    def _body(self, data: bytes) -> int:
        """Append to the body; the place where the data begins."""
        place = self._place
        self._place += len(data)
        self._pending += data
        while len(self._pending) >= BLOCK_SIZE:
            self._flush(self._pending[:BLOCK_SIZE])
            self._pending = self._pending[BLOCK_SIZE:]
        return place

    def _flush(self, block: bytes) -> None:
        self._digests += self._sha256(block)
        self._file.write(block)

    def finish(self, lists: list[ListMeta], classes: Classes, side: SideTables, count: int) -> None:
        """Write side tables, meta block, index and head: before this the file is refused as foreign. `count` is the
        rules of all lists; one that several have counts once.
        """
        if self._next != BUCKETS:
            raise BadInput("a rule set has " + str(BUCKETS) + " buckets, not " + str(self._next))
        struct.pack_into(">I", self._index, 4 * BUCKETS, self._place)
        tables: dict[str, object] = {"networks" + str(size): self._networks(side.merged(size)) for size in (4, 16)}
        tables["special"] = self._special(side.special)
        if self._pending:
            self._flush(self._pending)
        meta = _meta(lists, classes, side, tables, count)
        self._file.write(meta)
        size = self._place + len(meta)
        body = self._sha256(bytes(self._digests))
        head = struct.pack(HEAD, MAGIC, FORMAT, 0, INDEX_SIZE, self._salt, size, self._place, body)
        sha256 = self._sha256
        self._file.seek(0)
        self._file.write(head + sha256(sha256(head) + sha256(bytes(self._index)) + sha256(meta)))
        self._file.write(self._index)

    def _networks(self, tables: list[tuple[int, list[tuple[bytes, bytes]]]]) -> list[list[int]]:
        """Place, number of rows and list, as the meta block names a table."""
        found = []
        for index, rows in tables:
            found.append([self._place, len(rows), index])
            for first, last in rows:
                self._body(first + last)
        return found

    def _special(self, rules: list[tuple[ListRule, int]]) -> list[int]:
        rows = []
        for rule, number in rules:
            if rule.condition is not None:
                record = jsontext.dumps([rule.key.decode(), number, rule.condition.dump()]).encode()
                digest = self._sha256(self._salt + rule.key)[:8]
                rows.append(struct.pack(SPECIAL_ROW, digest, self._body(record), len(record)))
        place = self._place
        for row in sorted(rows):
            self._body(row)
        return [place, len(rows)]


def _meta(lists: list[ListMeta], classes: Classes, side: SideTables, tables: dict[str, object], count: int) -> bytes:
    described = [{name: getattr(of, name) for name in ListMeta.__slots__} for of in lists]
    meta = {"lists": described, "classes": classes.table, "count": count, "tables": tables}
    for flag in ("top_level", "pages", "addresses"):
        meta[flag] = getattr(side, flag)
    return jsontext.dumps(meta).encode()


def build(file: File, lists: list[tuple[ListMeta, list[Value]]], salt: bytes, sha256: Sha256) -> None:
    """Write a rule set from pairs of ListMeta and the values that `rules.parse_lines` gives, all in memory.

    For sets of some thousand rules; the lists' `count` is set to the rules they contributed.
    """
    small = _Small(salt, sha256)
    for number in range(len(lists)):
        own = [rule for rule in lists[number][1] if isinstance(rule, ListRule)]
        bad = [identity(rule) for rule in own if rule.badfilter]
        for rule in lists[number][1]:
            if isinstance(rule, Network) or (isinstance(rule, ListRule) and not _taken_back(rule, bad)):
                small.add(number, rule)
    small.write(file, [of for of, _ in lists])


def _taken_back(rule: ListRule, bad: list[Identity]) -> bool:
    return rule.badfilter or identity(rule) in bad


class _Small:
    """The rules of a small set, in memory."""

    def __init__(self, salt: bytes, sha256: Sha256) -> None:
        self._salt = salt
        self._sha256 = sha256
        self._classes = Classes()
        self._side = SideTables()
        self._entries: dict[bytes, dict[tuple[int, bool, bool], list[int]]] = {}  # digest → kind, action → lists

    def add(self, list_index: int, rule: ListRule | Network) -> None:
        if isinstance(rule, Network):
            self._side.networks.append((rule, list_index))
            return
        self._side.note(rule.key, rule.kind)
        group = (rule.kind, rule.allow, rule.important)
        number = self._classes.number(list_index, rule.kind, rule.allow, rule.important)
        if rule.condition is not None:
            if not self._side.room_for(rule.key):
                return
            self._side.add_special(rule, number)
            list_index, group = 0, (SPECIAL, False, False)
            self._classes.number(0, SPECIAL)
        lists = self._entries.setdefault(self._sha256(self._salt + rule.key)[:7], {}).setdefault(group, [])
        if list_index not in lists:
            lists.append(list_index)

    def write(self, file: File, lists: list[ListMeta]) -> None:
        rows = sorted(
            [(digest, group, tuple(of)) for digest, own in self._entries.items() for group, of in own.items()]
        )
        counted: Counted = {}
        for _, group, of in rows:
            counted[(of,) + group] = counted.get((of,) + group, 0) + 1
        self._classes.prefer(counted)
        writer = Writer(file, self._salt, self._sha256)
        at = 0
        for bucket in range(BUCKETS):
            packed = b""
            while at < len(rows) and (rows[at][0][0] << 8 | rows[at][0][1]) == bucket:
                digest, group, of = rows[at]
                for number in self._classes.numbers(of, group[0], group[1], group[2]):
                    packed += digest[2:7] + bytes([number])
                at += 1
            writer.bucket(packed)
        writer.finish(lists, self._classes, self._side, self._count(lists, rows))

    def _count(self, lists: list[ListMeta], rows: Placed) -> int:
        aside = [self._side.count(index, self._classes) for index in range(len(lists))]
        plain = [of for _, group, of in rows if group[0] != SPECIAL]
        for index in range(len(lists)):
            lists[index].count += aside[index] + len([1 for of in plain if index in of])
        return len(plain) + sum(aside)
