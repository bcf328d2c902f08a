"""Compiles lists into one rule set file, streaming: memory stays the same however long the lists are.

Three passes over 64 partitions of the keys' digests, in a temporary file beside the target: lines → digests; names
that a listed parent covers are found; what is left is sorted and written. The target appears whole or not at all.

A key keeps all lists that have it: each device has its own choice of lists. So what covers a key covers it for the
lists that it is on itself.
"""

import fcntl
import os
import tempfile
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import IO

from agent.core.match import EXACT, HOST, NODE, SPECIAL, WHOLE, split_authority
from agent.core.model import BadInput
from agent.core.names import PublicSuffixes
from agent.core.rulewriter import ListMeta, Writer
from agent.core.shared_hosts import SharedHosts
from agent.jobs.external_sort import PARTITIONS, ExternalSort, big_endian
from agent.jobs.guarded import Guarded
from agent.jobs.list_reader import Draft, ListReader, ListReport, Source
from agent.platform.gzip_text import TextFile, text_size
from agent.platform.hashing import sha256

__all__ = ["ListReport", "Progress", "CompileResult", "Source", "compile_lists"]

_BUCKETS_EACH = 65536 // PARTITIONS
_PLAIN_NAMES = (WHOLE, False, False)
_CLASS = 255  # the low byte of a 64-bit value: bits of the digest until the class byte takes their place

Progress = Callable[[int, int], None]


class CompileResult:
    """What became of all lists: `count` rules kept (one that several lists have counts once), `folded` covered by a
    listed parent, `repeated` listed already.
    """

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
    sources: list[Source],
    target: str,
    salt: bytes | None = None,
    public_suffixes: PublicSuffixes | None = None,
    progress: Progress | None = None,
    shared: SharedHosts | None = None,
    guarded: Guarded | None = None,
) -> CompileResult:
    """Compile the sources into the file `target`, atomically; BadInput names the list that is none.

    `salt` (16 bytes) is drawn when not given. A public suffix on a list of hosts is refused alone, without the sites
    of others below it. `progress` gets bytes read and bytes in all. Hosts of listed pages are refused whole where
    `shared` does not object; without it, none. Lines that would block what `guarded` holds are left out and named.
    """
    folder = os.path.dirname(os.path.abspath(target))
    with tempfile.TemporaryFile(dir=folder) as spilled, _replacing(target, folder) as out:
        job = _Compile(sources, Draft(salt or os.urandom(16), ExternalSort(spilled), public_suffixes, shared, guarded))
        job.read(progress)
        job.fold()
        return job.write(out)


@contextmanager
def _replacing(target: str, folder: str) -> Iterator[IO[bytes]]:
    """A file that takes the target's place, durably, if the block ends well; a killed run leaves only `target.new`."""
    path = target + ".new"
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), "r+b") as out:
        try:
            fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadInput("another compile of this rule set is at work") from error
        finished = False
        try:
            out.truncate()
            yield out
            out.flush()
            os.fsync(out.fileno())
            os.replace(path, target)
            finished = True
        finally:
            if not finished:
                os.unlink(path)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Compile:
    """One run over some lists."""

    def __init__(self, sources: list[Source], draft: Draft) -> None:
        self._sources = sources
        self._draft = draft
        self._report = CompileResult()
        self._covers: list[int] = []  # masks of lists that a name's parents are on

    def read(self, progress: Progress | None) -> None:
        done = 0
        total = sum(text_size(source.path) for source in self._sources)
        for index, source in enumerate(self._sources):
            try:
                with TextFile(source.path) as file:
                    reading = ListReader(self._draft, index, source, file)
                    for size in reading.steps():
                        done += size
                        if progress is not None:
                            progress(done, total)
            except BadInput as error:
                raise BadInput(source.id + ": " + str(error)) from error
            self._report.lists.append(reading.report)
        self._draft.side.take_back(self._draft.bad, self._draft.classes)

    def fold(self) -> None:
        """Find the keys that a listed parent covers, and for which lists: in each partition of parents, which pairs'
        parents are there."""
        whole = [number for number, of in enumerate(self._draft.classes.table) if of[1:] == _PLAIN_NAMES]
        known: dict[int, int] = {}
        common: dict[int, int] = {}
        for partition in range(PARTITIONS):
            owners = _Owners()
            for number in whole:
                owners.add(self._draft.classes.table[number][0][0], self._values(number, partition))
            for mask in owners.several():
                common[mask] = common.get(mask, 0) + 1
            pairs = self._draft.spill.take("pairs", partition)
            of = owners.masks
            found = [(own, of[parent]) for parent, own in zip(pairs[0::2], pairs[1::2], strict=True) if parent in of]
            parts: list[list[int]] = [[] for _ in range(PARTITIONS)]
            for own, mask in found:
                parts[own * PARTITIONS >> 64] += (own, known.setdefault(mask, len(known)))
            for to in range(PARTITIONS):
                self._draft.spill.put("covered", to, big_endian(parts[to]))
        self._covers = list(known)
        self._draft.classes.prefer({(_indexes(mask), *_PLAIN_NAMES): times for mask, times in common.items()})

    def _values(self, number: int, partition: int) -> set[int]:
        """The digests of one class, without those that `$badfilter` rules take back."""
        values = set(self._draft.spill.take(number, partition))
        (index,), kind, allow, important = self._draft.classes.table[number]
        if self._draft.bad and self._report.lists[index].syntax == "adblock":
            for key, *rest in [bad for of, bad in self._draft.bad if of == index]:
                if kind == HOST:
                    # Other pages of it may still be listed; in doubt it is let through.
                    key = split_authority(key.split(b"/", 1)[0])[0]
                if kind == HOST or rest == [kind, allow, important, None]:
                    values.discard(int.from_bytes(sha256(self._draft.salt + key)[:8], "big"))
        return values

    def write(self, file: IO[bytes]) -> CompileResult:
        writer = Writer(file, self._draft.salt, sha256)
        for partition in range(PARTITIONS):
            _write_partition(writer, partition, self._entries(partition))
        report, side = self._report, self._draft.side
        for index, of in enumerate(report.lists):
            aside = side.count(index, self._draft.classes)
            of.kept += aside
            report.count += aside
        report.repeated = sum(of.read for of in report.lists) - report.count - report.folded
        metas = [
            ListMeta(source.id, source.name, source.version, source.category, of.kept, source.fetched)
            for source, of in zip(self._sources, report.lists, strict=True)
        ]
        writer.finish(metas, self._draft.classes, side, report.count)
        return report

    def _entries(self, partition: int) -> list[int]:
        """The entries of a partition, sorted: 56 bits of the digest and the class byte."""
        covered = self._covered(partition)
        seen: dict[tuple[int, int, bool, bool], set[int]] = {}
        kept: list[int] = []
        for group, numbers in self._groups:
            kind, allow, important = group
            found: dict[int, set[int]] = {}
            for number in numbers:
                index = self._draft.classes.table[number][0][0]
                values = self._values(number, partition)
                for wider in (WHOLE, EXACT) if kind == HOST else (WHOLE,):
                    if wider != kind:
                        values -= seen.get((index, wider, allow, important), set())
                found[index] = seen[(index, *group)] = values
            if not (allow or important or kind == SPECIAL):
                self._fold_away(found, covered, kind)
            self._note(found, kind)
            kept += self._numbered(found, group)
        kept.sort()
        return kept

    @cached_property
    def _groups(self) -> list[tuple[tuple[int, bool, bool], list[int]]]:
        """The lists' own classes by kind and action; kinds in order: what covers most comes first."""
        groups: dict[tuple[int, bool, bool], list[int]] = {}
        for number, (lists, kind, allow, important) in enumerate(self._draft.classes.table):
            if len(lists) == 1:
                groups.setdefault((kind, allow, important), []).append(number)
        return sorted(groups.items())

    def _covered(self, partition: int) -> dict[int, set[int]]:
        """By list, the keys that a parent on that list covers."""
        found: dict[int, set[int]] = {index: set() for index in range(len(self._sources))}
        pairs = self._draft.spill.take("covered", partition)
        by_mask: dict[int, list[int]] = {}
        for own, number in zip(pairs[0::2], pairs[1::2], strict=True):
            by_mask.setdefault(number, []).append(own)
        for number, own_values in by_mask.items():
            for index in _indexes(self._covers[number]):
                found[index].update(own_values)
        return found

    def _fold_away(self, found: dict[int, set[int]], covered: dict[int, set[int]], kind: int) -> None:
        """Remove the keys whose parents are on all lists that the key is on."""
        needed = set().union(*[values - covered[index] for index, values in found.items()])
        if kind != HOST:
            self._report.folded += len(set().union(*found.values())) - len(needed)
        for values in found.values():
            values &= needed

    def _note(self, found: dict[int, set[int]], kind: int) -> None:
        for index, values in found.items():
            if kind == HOST:
                self._report.lists[index].hosts += len(values)
            elif kind not in (SPECIAL, NODE):
                self._report.lists[index].kept += len(values)
        if kind not in (HOST, SPECIAL, NODE):
            self._report.count += len(set().union(*found.values()))

    def _numbered(self, found: dict[int, set[int]], group: tuple[int, bool, bool]) -> list[int]:
        owners = _Owners()
        for index, values in found.items():
            owners.add(index, values)
        classes = self._draft.classes
        kept: list[int] = []
        for index, values in found.items():
            number = classes.number(index, *group)
            kept += [value & ~_CLASS | number for value in values - owners.shared]
        for value in owners.shared:
            kept += [value & ~_CLASS | number for number in classes.numbers(_indexes(owners.masks[value]), *group)]
        return kept


class _Owners:
    """Which lists the keys of a partition are on, as masks. Sets do the work: most keys are on one list."""

    def __init__(self) -> None:
        self.masks: dict[int, int] = {}
        self.shared: set[int] = set()  # those on several

    def add(self, index: int, values: set[int]) -> None:
        bit = 1 << index
        again = self.masks.keys() & values if self.masks else set()
        self.shared |= again
        self.masks.update(dict.fromkeys(values - again if again else values, bit))
        for value in again:
            self.masks[value] |= bit

    def several(self) -> list[int]:
        return [self.masks[value] for value in self.shared]


def _indexes(mask: int) -> tuple[int, ...]:
    return tuple(index for index in range(mask.bit_length()) if mask >> index & 1)


def _write_partition(writer: Writer, partition: int, entries: list[int]) -> None:
    wide = big_endian(entries)
    packed = bytearray(6 * len(entries))
    for byte in range(6):
        packed[byte::6] = wide[byte + 2 :: 8]
    start = 0
    for bucket in range(partition * _BUCKETS_EACH, (partition + 1) * _BUCKETS_EACH):
        end = bisect_left(entries, bucket + 1 << 48, start)
        writer.bucket(bytes(packed[6 * start : 6 * end]))
        start = end
