"""Compiles lists into one rule set file, streaming: memory stays the same however long the lists are.

Three passes over 64 partitions of the keys' digests, in a temporary file beside the target: lines → digests; names
that a listed parent covers are found; what is left is sorted and written. The target appears whole or not at all.
"""

import fcntl
import os
import tempfile
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
_CLASS = 255  # the low byte of a 64-bit value: bits of the digest until the class byte takes their place

Progress = Callable[[int, int], None]


class CompileResult:
    """What became of all lists: `count` rules kept, `folded` covered by a listed parent, `repeated` listed already."""

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
        self._excepting: set[int] = set()  # lists with exceptions, which are for what these lists block

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
        self._excepting = {index for index, _, allow, _ in self._draft.classes.table if allow}

    def fold(self) -> None:
        """Find the keys that a listed parent covers: in each partition of parents, which pairs' parents are there.

        A parent of a list with exceptions covers names of that list only: another's are blocked in spite of those.
        """
        whole: dict[object, list[int]] = {}
        for number, of in enumerate(self._draft.classes.table):
            if of[1:] == (WHOLE, False, False):
                whole.setdefault(self._whose(of[0]), []).append(number)
        for partition in range(PARTITIONS):
            pairs = self._draft.spill.take("pairs", partition)
            for whose, numbers in whole.items():
                listed: set[int] = set()
                for number in numbers:
                    listed |= self._values(number, partition)
                folded = [own for parent, own in zip(pairs[0::2], pairs[1::2], strict=True) if parent in listed]
                self._spill_folded(whose, folded)

    def _whose(self, index: int) -> object:
        """What a list's rules stand for: its own where it has exceptions, else those of all such lists."""
        return ("folded", index) if index in self._excepting else "folded"

    def _spill_folded(self, whose: object, folded: list[int]) -> None:
        parts: list[list[int]] = [[] for _ in range(PARTITIONS)]
        for own in folded:
            parts[own * PARTITIONS >> 64].append(own)
        for partition in range(PARTITIONS):
            self._draft.spill.put(whose, partition, big_endian(parts[partition]))

    def _values(self, number: int, partition: int) -> set[int]:
        """The digests of one class, without those that `$badfilter` rules take back."""
        values = set(self._draft.spill.take(number, partition))
        index, kind, allow, important = self._draft.classes.table[number]
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
        for number in [of[-1] for of in side.special + side.merged(4) + side.merged(16)]:
            report.lists[self._draft.classes.table[number][0]].kept += 1
        report.count = sum(of.kept for of in report.lists)
        report.repeated = sum(of.read for of in report.lists) - report.count - report.folded
        metas = [
            ListMeta(source.id, source.name, source.version, source.category, of.kept, source.fetched)
            for source, of in zip(self._sources, report.lists, strict=True)
        ]
        writer.finish(metas, self._draft.classes, side)
        return report

    def _entries(self, partition: int) -> list[int]:
        """The entries of a partition, sorted: 56 bits of the digest and the class byte."""
        shared = set(self._draft.spill.take("folded", partition))
        seen: dict[object, set[int]] = {}
        kept: list[int] = []
        # Kinds in order, lists in order: what covers most is kept, and the first list has the rule.
        for number, (index, kind, allow, important) in sorted(
            enumerate(self._draft.classes.table), key=lambda of: (of[1][1], of[1][0])
        ):
            values = self._values(number, partition)
            own = self._whose(index)
            folded = shared.union(self._draft.spill.take(own, partition)) if own != "folded" else shared
            if not (allow or important or kind == SPECIAL):
                self._report.folded += len(values & folded) if kind != HOST else 0
                values -= folded
            for wider in (WHOLE, EXACT, HOST) if kind == HOST else (WHOLE, kind):
                values -= seen.get(("folded", wider, allow, important), set())
                values -= seen.get((own, wider, allow, important), set())
            seen[(own, kind, allow, important)] = seen.get((own, kind, allow, important), set()) | values
            if kind == HOST:
                self._report.lists[index].hosts += len(values)
            elif kind not in (SPECIAL, NODE):
                self._report.lists[index].kept += len(values)
            kept += [value & ~_CLASS | number for value in values]
        kept.sort()
        return kept


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
