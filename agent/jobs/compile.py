"""Compiles lists into one rule set file, streaming: memory stays the same however long the lists are.

Three passes over 64 partitions of the digests, in a temporary file beside the target: lines → digests; names whose
parent is listed are found; what is left is sorted and written. The target appears whole or not at all.
"""

import os
import re
import sys
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import IO, BinaryIO

from agent.core.model import BadInput, Value
from agent.core.rules import SAMPLE_SIZE, WHOLE, ListRule, Skipped, detect, parse_line, refuse_page
from agent.core.rulewriter import Classes, ListMeta, Writer
from agent.platform.hashing import sha256

CHUNK_SIZE = 1 << 18
NAMES_BATCH = 1 << 15  # names held before they are spilled: 2 MB
PARTITIONS = 64  # of three million names, one holds 47,000: some 10 MB while it is sorted
_FIRST_BYTES = 256 // PARTITIONS
_BUCKETS_EACH = 65536 // PARTITIONS
_CLASS = 255  # the low byte of a 64-bit value: bits of the digest until the class byte takes their place

Progress = Callable[[int, int], None]


class Source(Value):
    """A list to compile: a file, and what the rule set shall say of it; `syntax` None is found out by content."""

    __slots__ = ("path", "id", "name", "version", "category", "syntax", "fetched")

    def __init__(
        self,
        path: str,
        id: str,
        name: str = "",
        version: str = "",
        category: str = "",
        syntax: str | None = None,
        fetched: int | None = None,
    ) -> None:
        self.path = path
        self.id = id
        self.name = name or id
        self.version = version
        self.category = category
        self.syntax = syntax
        self.fetched = fetched


class ListReport:
    """What became of one list: rules read, rules kept (neither repeated nor folded), lines skipped by reason."""

    def __init__(self, source: Source, syntax: str) -> None:
        self.id = source.id
        self.category = source.category
        self.syntax = syntax
        self.read = 0
        self.kept = 0
        self.skipped: dict[str, int] = {}

    def skip(self, reason: str) -> None:
        self.skipped[reason] = self.skipped.get(reason, 0) + 1


class Report:
    """What became of all lists; `folded` names were covered by a listed parent, `repeated` ones listed already."""

    def __init__(self) -> None:
        self.lists: list[ListReport] = []
        self.count = 0
        self.folded = 0
        self.repeated = 0

    def categories(self) -> dict[str, int]:
        """Rules kept per category."""
        found: dict[str, int] = {}
        for of in self.lists:
            found[of.category] = found.get(of.category, 0) + of.kept
        return dict(sorted(found.items()))


def compile_lists(
    sources: list[Source], target: str, salt: bytes | None = None, progress: Progress | None = None
) -> Report:
    """Compile the sources into the file `target`, atomically; BadInput names the list that is none.

    `salt` (16 bytes) is drawn when not given. `progress` gets bytes read and bytes in all.
    """
    folder = os.path.dirname(os.path.abspath(target))
    with tempfile.TemporaryFile(dir=folder) as spilled, tempfile.NamedTemporaryFile(dir=folder) as out:
        job = _Compile(sources, salt or os.urandom(16), Spill(spilled), progress)
        job.read()
        job.fold()
        report = job.write(out)
        out.flush()
        os.fsync(out.fileno())
        os.chmod(out.name, 0o644)
        _publish(out.name, target, folder)
        return report


def _publish(temporary: str, target: str, folder: str) -> None:
    # A second name for the finished file, moved over the target: the temporary one removes itself.
    beside = target + ".new"
    with suppress(FileNotFoundError):
        os.unlink(beside)
    os.link(temporary, beside)
    os.replace(beside, target)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Spill:
    """Runs of bytes in one temporary file, by a tag and a partition."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._end = 0
        self._runs: dict[tuple[object, int], list[tuple[int, int]]] = {}

    def put(self, tag: object, partition: int, data: bytes) -> None:
        if data:
            self._file.seek(self._end)
            self._file.write(data)
            self._runs.setdefault((tag, partition), []).append((self._end, len(data)))
            self._end += len(data)

    def take(self, tag: object, partition: int) -> "array[int]":
        """The 64-bit values of all runs put there; numbers in the machine's own order, stored big-endian."""
        values = array("Q")
        for start, size in self._runs.get((tag, partition), []):
            self._file.seek(start)
            values.frombytes(self._file.read(size))
        if sys.byteorder == "little":
            values.byteswap()
        return values


class _Batch:
    """Digests of one class by partition, and pairs (parent's digest, own digest), until they are spilled."""

    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        self._own: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        self._pairs: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        self._put_own = [self._own[first // _FIRST_BYTES].append for first in range(256)]
        self._put_pair = [self._pairs[first // _FIRST_BYTES].append for first in range(256)]
        self.size = 0

    def add(self, keys: list[bytes]) -> None:
        """Written out flat: a million names pass here."""
        salt, put_own, put_pair = self._salt, self._put_own, self._put_pair
        for key in keys:
            own = sha256(salt + key)[:8]
            put_own[own[0]](own)
            at = key.find(b".") + 1
            dot = key.find(b".", at)
            while dot > 0:
                parent = sha256(salt + key[at:])[:8]
                put_pair[parent[0]](parent + own)
                at = dot + 1
                dot = key.find(b".", at)
        self.size += len(keys)

    def spill(self, spill: Spill, number: int) -> None:
        for partition in range(PARTITIONS):
            spill.put(number, partition, b"".join(self._own[partition]))
            spill.put("pairs", partition, b"".join(self._pairs[partition]))
            self._own[partition].clear()
            self._pairs[partition].clear()
        self.size = 0


class _Compile:
    """One run over some lists."""

    def __init__(self, sources: list[Source], salt: bytes, spill: Spill, progress: Progress | None) -> None:
        self._sources = sources
        self._salt = salt
        self._spill = spill
        self._progress = progress
        self._classes = Classes()
        self._report = Report()
        self._done = 0
        self._total = sum(os.path.getsize(source.path) for source in sources)

    def read(self) -> None:
        for index in range(len(self._sources)):
            with open(self._sources[index].path, "rb", buffering=0) as file:
                self._read_list(index, file)

    def _read_list(self, index: int, file: BinaryIO) -> None:
        source = self._sources[index]
        syntax = _syntax(source, file)
        report = ListReport(source, syntax)
        self._report.lists.append(report)
        batches: dict[int, _Batch] = {}
        for chunk in self._chunks(file):
            names, rest = fast_names(chunk, syntax)
            found = {WHOLE: names}
            for line in rest:
                for value in parse_line(line, syntax):
                    if isinstance(value, ListRule):
                        found.setdefault(value.kind, []).append(value.key)
                    elif isinstance(value, Skipped):
                        report.skip(value.reason)
            for kind, keys in found.items():
                report.read += len(keys)
                self._add(batches, self._classes.number(index, kind), keys)
        for number, batch in batches.items():
            batch.spill(self._spill, number)
        if not report.read:
            raise BadInput(source.id + ": not a list: no line of it reads as a rule")

    def _add(self, batches: dict[int, _Batch], number: int, keys: list[bytes]) -> None:
        if number not in batches:
            batches[number] = _Batch(self._salt)
        batches[number].add(keys)
        if batches[number].size >= NAMES_BATCH:
            batches[number].spill(self._spill, number)

    def _chunks(self, file: BinaryIO) -> Iterator[bytes]:
        """Whole lines, some 256 KiB at a time."""
        rest = b""
        while chunk := file.read(CHUNK_SIZE):
            self._done += len(chunk)
            if self._progress is not None:
                self._progress(self._done, self._total)
            end = chunk.rfind(b"\n") + 1
            if end:
                yield rest + chunk[:end]
                rest = chunk[end:]
            else:
                # No rule is as long as a chunk: its middle is dropped, what is left is skipped as too long.
                rest = (rest + chunk)[-CHUNK_SIZE:]
        if rest:
            yield rest

    def fold(self) -> None:
        """Find the names with a listed parent: for each partition of parents, which pairs' parents are there."""
        whole = [number for number, of in enumerate(self._classes.table) if of[1] == WHOLE]
        for partition in range(PARTITIONS):
            pairs = self._spill.take("pairs", partition)
            listed: set[int] = set()
            for number in whole:
                listed.update(self._spill.take(number, partition))
            folded = [own for parent, own in zip(pairs[0::2], pairs[1::2], strict=True) if parent in listed]
            self._spill_folded(folded)

    def _spill_folded(self, folded: list[int]) -> None:
        parts: list[list[int]] = [[] for _ in range(PARTITIONS)]
        for own in folded:
            parts[own * PARTITIONS >> 64].append(own)
        for partition in range(PARTITIONS):
            self._spill.put("folded", partition, _big_endian(parts[partition]))

    def write(self, file: IO[bytes]) -> Report:
        writer = Writer(file, self._salt, sha256)
        for partition in range(PARTITIONS):
            _write_partition(writer, partition, self._entries(partition))
        metas = []
        for source, report in zip(self._sources, self._report.lists, strict=True):
            metas.append(ListMeta(source.id, source.name, source.version, source.category, report.kept, source.fetched))
            self._report.count += report.kept
        writer.finish(metas, self._classes)
        return self._report

    def _entries(self, partition: int) -> list[int]:
        """The entries of a partition, sorted: 56 bits of the digest and the class byte."""
        folded = set(self._spill.take("folded", partition))
        seen: dict[int, set[int]] = {}
        kept: list[int] = []
        for number, (index, kind, _, _) in sorted(enumerate(self._classes.table), key=lambda of: of[1][1]):
            values = self._spill.take(number, partition)
            fresh = set(values)
            once = len(fresh)
            fresh -= folded
            self._report.folded += once - len(fresh)
            fresh -= seen.setdefault(WHOLE, set())
            fresh -= seen.setdefault(kind, set())
            seen[kind] |= fresh
            self._report.lists[index].kept += len(fresh)
            kept += [value & ~_CLASS | number for value in fresh]
        self._report.repeated = sum(of.read - of.kept for of in self._report.lists) - self._report.folded
        kept.sort()
        return kept


def _write_partition(writer: Writer, partition: int, entries: list[int]) -> None:
    wide = _big_endian(entries)
    packed = bytearray(6 * len(entries))
    for byte in range(6):
        packed[byte::6] = wide[byte + 2 :: 8]
    start = 0
    for bucket in range(partition * _BUCKETS_EACH, (partition + 1) * _BUCKETS_EACH):
        end = bisect_left(entries, bucket + 1 << 48, start)
        writer.bucket(bytes(packed[6 * start : 6 * end]))
        start = end


def _big_endian(values: list[int]) -> bytes:
    numbers = array("Q", values)
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers.tobytes()


def _syntax(source: Source, file: BinaryIO) -> str:
    sample = file.read(SAMPLE_SIZE)
    file.seek(0)
    try:
        if source.syntax is None:
            return detect(sample)
        refuse_page(sample)
        return source.syntax
    except BadInput as error:
        raise BadInput(source.id + ": " + str(error)) from error


# The lines that most lists consist of, read by the hundred thousand without a step of Python for each. What the pattern
# does not take, whole lines only, goes to `parse_line`; both give the same names (a property test holds them together).
_LABELS = rb"(?=[^\s]{4,63}\s)([a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.[a-z][a-z0-9-]*)[ \t\r]*$"
_PLAIN = {
    "hosts": re.compile(rb"^(?:0\.0\.0\.0|127\.0\.0\.1)[ \t]+" + _LABELS, re.MULTILINE),
    "domains": re.compile(rb"^" + _LABELS, re.MULTILINE),
}


def fast_names(chunk: bytes, syntax: str) -> tuple[list[bytes], list[bytes]]:
    """The names of a chunk's plain lines, all of them WHOLE rules, and the lines that need a closer look."""
    pattern = _PLAIN.get(syntax)
    if pattern is None or b"localhost" in chunk:
        return [], chunk.split(b"\n")
    parts = pattern.split(chunk)
    rest = b"".join(parts[0::2])
    return parts[1::2], [line for line in rest.split(b"\n") if line]
